"""A real collector as judge: it validates an emitted config, and boots from it on this machine."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from phoenix_gitops.judges.local import LOOPBACK, Local, local

__all__ = ["CollectorError", "Local", "Running", "Verdict", "local", "running", "validate"]

_VALIDATE_SECONDS = 60
_POLL_SECONDS = 0.05
_LAST_LINES = 30
_START, _PROBE, _STOP = 30.0, 2.0, 30.0


Start = Callable[..., subprocess.Popen[bytes]]
"""Starts a program as `subprocess.Popen` does."""


class CollectorError(Exception):
    """A collector that did not come up, or went down by itself: with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a collector takes a config, and what it said."""

    ok: bool
    said: str


@dataclass(frozen=True, slots=True)
class Running:
    """A collector that answers its health check."""

    local: Local
    process: subprocess.Popen[bytes]

    @property
    def ports(self) -> Mapping[int, int]:
        """The port on the loopback address for each port of the emitted config."""
        return self.local.ports

    @property
    def log(self) -> Path:
        """What the collector says."""
        return self.local.log

    def url(self, port: int, path: str = "/") -> str:
        """The address of a listener, by its port in the emitted config."""
        return f"http://{LOOPBACK}:{self.ports[port]}{path}"

    def stop(self, seconds: float = _STOP) -> float:
        """SIGTERM, and SIGKILL after `seconds`; gives the seconds that it took to end."""
        began = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - began


def validate(binary: Path, file: Path, environ: Mapping[str, str] | None = None) -> Verdict:
    """What `otelcol validate` says of a config file; `environ` is the whole environment.

    It decodes the config and asks each component whether it is content. It opens no port, so a port that is
    claimed twice passes, and it looks for files that the config names.
    """
    try:
        done = subprocess.run(
            [binary, "validate", f"--config={file}"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VALIDATE_SECONDS,
            env=dict(environ or {}),
        )
    except subprocess.TimeoutExpired:
        return Verdict(ok=False, said=f"no verdict within {_VALIDATE_SECONDS} s")
    return Verdict(ok=done.returncode == 0, said=done.stdout.decode(errors="replace").strip())


@contextmanager
def running(
    binary: Path,
    config: Local,
    *,
    seconds: float = _START,
    stop_seconds: float = _STOP,
    start: Start = subprocess.Popen,
) -> Iterator[Running]:
    """A collector that runs from `config` and has answered its health check within `seconds`.

    It gets SIGTERM at the end, and SIGKILL after `stop_seconds`. Raises `CollectorError` if it does not come up,
    or ended with a failure before it was asked to.
    """
    health = config.health
    command = [str(binary), f"--config={config.write()}"]
    with config.log.open("ab") as sink:
        process = start(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=dict(config.environ), cwd=config.folder
        )
    collector = Running(config, process)
    try:
        _await(collector, health, time.monotonic() + seconds)
        yield collector
        if process.poll():
            raise CollectorError(f"the collector ended with status {process.returncode}\n{_tail(config.log)}")
    finally:
        collector.stop(stop_seconds)


def _await(collector: Running, health: int, deadline: float) -> None:
    while not _answers(health):
        status = collector.process.poll()
        if status is not None:
            raise CollectorError(f"the collector ended with status {status}\n{_tail(collector.log)}")
        if time.monotonic() > deadline:
            raise CollectorError(f"the health check does not answer\n{_tail(collector.log)}")
        time.sleep(_POLL_SECONDS)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PROBE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
