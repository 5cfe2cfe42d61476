"""Prometheus and VictoriaMetrics, each with a store of its own, asked in the same way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.proof.cluster.process import Process, started, wait_until
from tests.proof.judge import free_ports, tool
from tests.proof.replay.remote_write import HEADERS
from tests.proof.replay.series import START

PROMETHEUS, VICTORIA = "prometheus", "victoria-metrics"

Samples = dict[frozenset[tuple[str, str]], dict[int, float]]
"""By labels: values by seconds since the story began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A store that runs."""

    name: str
    port: int
    process: Process

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def write(self, bodies: Iterable[bytes]) -> None:
        """Write what `remote_write.bodies` made, and let queries find it."""
        for body in bodies:
            status, said = self.call("POST", "/api/v1/write", body, HEADERS)
            assert status in (200, 204), (self.name, status, said)
        self.flush()

    def flush(self) -> None:
        """Let queries find all that was written."""
        if self.name == VICTORIA:
            status, said = self.call("GET", "/internal/force_flush")
            assert status == 200, said

    def query(self, expr: str, at: int) -> tuple[int, Any]:
        """An instant query at a time of the story: the status, and the answer's `data` or its error."""
        path = "/api/v1/query?" + urlencode({"query": expr, "time": START + at})
        status, said = self.call("GET", path)
        answer = json.loads(said)
        return status, answer["data"]["result"] if status == 200 else answer["error"]

    def samples(self, selector: str, seconds: int) -> Samples:
        """The samples as they are stored, from the beginning of the story for so long, without markers."""
        status, found = self.query(f"{selector}[{seconds + 1}s]", seconds)
        assert status == 200, found
        # VictoriaMetrics shows markers as NaN, and stores no other NaN.
        markers = {"NaN"} if self.name == VICTORIA else set()
        return {
            frozenset(series["metric"].items()): {
                round(float(at)) - START: float(value) for at, value in series["values"] if value not in markers
            }
            for series in found
        }


@contextmanager
def prometheus(folder: Path) -> Iterator[Engine]:
    """A Prometheus that takes old samples by remote write; it evaluates the rule files that lie in `folder/rules`."""
    config: dict[str, Any] = {
        "storage": {"tsdb": {"out_of_order_time_window": "3650d"}},
        "rule_files": [f"{folder}/rules/*.yaml"],
    }
    file = folder / "prometheus.json"
    file.write_text(json.dumps(config))
    command = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--storage.tsdb.retention.time=100y",
        "--storage.tsdb.min-block-duration=12h",  # A story is in order then, whichever series comes first.
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        "--log.level=warn",
    ]
    with _engine(folder, PROMETHEUS, command, "--web.listen-address=127.0.0.1:{port}", "/-/ready") as engine:
        yield engine


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[Engine]:
    """A VictoriaMetrics that keeps old samples and answers with the newest."""
    command = [
        f"-storageDataPath={folder / 'victoria-metrics'}",
        "-retentionPeriod=100y",
        "-search.latencyOffset=0s",
        "-search.disableCache",
        "-memory.allowedBytes=512MB",
        "-loggerLevel=WARN",
    ]
    with _engine(folder, VICTORIA, command, "-httpListenAddr=127.0.0.1:{port}", "/health") as engine:
        yield engine


@contextmanager
def _engine(folder: Path, name: str, arguments: list[str], listen: str, health: str) -> Iterator[Engine]:
    (port,) = free_ports(1)
    command: list[str | Path] = [tool(name), *arguments, listen.format(port=port)]
    with started(name, command, folder / f"{name}.log") as process:
        engine = Engine(name=name, port=port, process=process)
        wait_until(f"{name} ready", lambda: _ready(engine, health), [process])
        yield engine


def _ready(engine: Engine, path: str) -> bool:
    try:
        return engine.call("GET", path)[0] == 200
    except OSError:
        return False
