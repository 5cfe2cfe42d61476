"""The programs of the small world, started in their order and stopped together."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

from tests.proof.cluster.process import Process, started, wait_until
from tests.proof.judge import tool
from tests.proof.world.places import INTERVAL, RULES, Object, Place, relocated

STORE_PORT, SCRAPER_PORT, RULER_PORT = 8428, 8429, 8880
_HEALTH, _TELEMETRY = 13133, 8887
_SECONDS = 5
_POLL = 60


def get(host: str, port: int, path: str) -> tuple[int, str]:
    """Status and body of a request; no connection is status 0."""
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def counted(collector: str, name: str, label: str = "") -> float:
    """What a collector says of itself now: the sum of a metric's samples that have a label, as `name="value"`."""
    status, text = get(collector, _TELEMETRY, "/metrics")
    assert status == http.HTTPStatus.OK, (collector, status)
    samples = (line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")) and label in line)
    return sum(float(line.rpartition(" ")[2]) for line in samples)


@dataclass(slots=True)
class Programs:
    """All that runs."""

    folder: Path
    stack: ExitStack
    processes: list[Process] = field(default_factory=list)

    def wait(self, what: str, check: Callable[[], bool], seconds: float = _POLL) -> None:
        """Poll until `check()` is true; a program that has ended, or the deadline, shows all logs."""
        wait_until(what, check, self.processes, seconds)

    def start(self, name: str, *command: str | Path, environ: Mapping[str, str] | None = None) -> None:
        """A program with this environment and no other."""
        given = [f"{key}={value}" for key, value in sorted((environ or {}).items())]
        whole = [shutil.which("env") or "env", "-i", *given, *command]
        self.processes.append(self.stack.enter_context(started(name, whole, self.folder / f"{name}.log")))

    def collector(self, name: str, config: Object, place: Place, environ: Mapping[str, str] | None = None) -> None:
        """A collector, from an emitted config."""
        file, volume = self.folder / f"{name}.yaml", self.folder / f"{name}-volume"
        volume.mkdir()
        file.write_text(json.dumps(relocated(config, replace(place, storage=volume))), encoding="utf-8")
        known = {"K8S_NODE_NAME": place.node, "K8S_NODE_IP": place.address, **(environ or {})}
        if place.kubeconfig is not None:
            known["KUBECONFIG"] = str(place.kubeconfig)
        self.start(name, tool("otelcol"), f"--config={file}", environ=known)

    def healthy(self, *addresses: str) -> None:
        """Wait until collectors answer their health checks."""
        for address in addresses:
            self.wait(f"healthy: {address}", lambda address=address: get(address, _HEALTH, "/")[0] == 200)


@dataclass(frozen=True, slots=True)
class Store:
    """VictoriaMetrics, and what fills it: a scraper and a ruler."""

    address: str

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """An instant query, now: labels and value of each result."""
        path = f"/api/v1/query?{urlencode({'query': expression, 'nocache': '1'})}"
        status, text = get(self.address, STORE_PORT, path)
        assert status == 200, (status, text)
        return [(row["metric"], float(row["value"][1])) for row in json.loads(text)["data"]["result"]]

    def by(self, label: str, expression: str) -> dict[str, float]:
        """Values by a label, which tells the results apart."""
        found = self.query(expression)
        values = {labels.get(label, ""): value for labels, value in found}
        assert len(values) == len(found), found
        return values

    def samples(self, selector: str) -> list[tuple[dict[str, str], list[float], list[int]]]:
        """Labels, values and timestamps (ms) of every series, as stored."""
        status, text = get(self.address, STORE_PORT, f"/api/v1/export?{urlencode({'match[]': selector})}")
        assert status == 200, (status, text)
        rows = [json.loads(line) for line in text.splitlines()]
        return [(row["metric"], row["values"], row["timestamps"]) for row in rows]


def store(programs: Programs, address: str) -> Store:
    """An empty VictoriaMetrics that answers with what came in a moment ago."""
    data = programs.folder / "data"
    programs.start(
        "victoria-metrics",
        tool("victoria-metrics"),
        f"-storageDataPath={data}",
        f"-httpListenAddr={address}:{STORE_PORT}",
        "-search.latencyOffset=0s",
        "-dedup.minScrapeInterval=1ms",  # A scraped sample bears the time of its reading: seen twice, it is one.
        "-storage.cacheSizeIndexDBTagFilters=1",  # Else a series that was asked for too early is not found for 10 s.
        "-retentionPeriod=1d",
        "-memory.allowedBytes=256MB",
    )
    programs.wait("stored", lambda: get(address, STORE_PORT, "/health")[0] == 200)
    return Store(address)


def scraper(programs: Programs, address: str, target: Store, jobs: list[Object]) -> None:
    """A vmagent that scrapes pods and writes to the store."""
    file = programs.folder / "scrape.json"
    file.write_text(json.dumps({"scrape_configs": jobs}), encoding="utf-8")
    programs.start(
        "vmagent",
        tool("vmagent"),
        f"-promscrape.config={file}",
        "-promscrape.config.strictParse=true",
        f"-httpListenAddr={address}:{SCRAPER_PORT}",
        f"-remoteWrite.url=http://{target.address}:{STORE_PORT}/api/v1/write",
        f"-remoteWrite.tmpDataPath={programs.folder / 'vmagent'}",
        "-remoteWrite.flushInterval=100ms",
        "-memory.allowedBytes=128MB",
    )


def ruler(programs: Programs, address: str, target: Store, *names: str) -> None:
    """A vmalert that evaluates emitted rule files, each rule once an interval of the world."""
    url = f"http://{target.address}:{STORE_PORT}"
    rules = [_quick(programs.folder, RULES / f"{name}.yaml") for name in names]
    programs.start(
        "vmalert",
        tool("vmalert"),
        *[f"-rule={file}" for file in rules],
        f"-httpListenAddr={address}:{RULER_PORT}",
        f"-datasource.url={url}",
        f"-remoteWrite.url={url}",
        f"-remoteRead.url={url}",
        "-remoteWrite.flushInterval=100ms",
        f"-evaluationInterval={INTERVAL}",
        "-rule.evalDelay=0s",
        "-notifier.blackhole",
    )


def _quick(folder: Path, rules: Path) -> Path:
    """A rule file whose groups leave their interval to the ruler."""
    text = "".join(
        line for line in rules.read_text(encoding="utf-8").splitlines(keepends=True) if "interval:" not in line
    )
    file = folder / f"rules-{rules.name}"
    file.write_text(text, encoding="utf-8")
    return file


@contextmanager
def programs(folder: Path) -> Iterator[Programs]:
    """The programs of a world; all are stopped on the way out, the last one first."""
    with ExitStack() as stack:
        yield Programs(folder, stack)
