"""Programs that run while a test does: started, watched, stopped, and their logs shown when something fails."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.05
_STOP_SECONDS = 20
_DEADLINE_SECONDS = 90
_LAST_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A program that runs, and the file that it logs to."""

    name: str
    log: Path
    child: subprocess.Popen[bytes]

    def last_words(self) -> str:
        """The end of its log, headed by its name and by its exit code if it has ended."""
        ended = self.child.poll()
        state = "runs" if ended is None else f"ended with {ended}"
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join([f"--- {self.name} {state}; the end of its log:", *lines])


@contextmanager
def started(name: str, command: Sequence[str | Path], log: Path, *, at_once: bool = False) -> Iterator[Process]:
    """The program, running; it is stopped on the way out, whatever happened, `at_once` if nobody needs its state."""
    with log.open("wb") as out:
        # Memory is there, time is short: less of the collecting that takes a third of it.
        environment = os.environ | {"GOGC": "400"}
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, env=environment
        )
    try:
        yield Process(name=name, log=log, child=child)
    finally:
        if at_once:
            child.kill()
        _stop(child)


def wait_until(
    what: str, check: Callable[[], bool], processes: Sequence[Process] = (), seconds: float = _DEADLINE_SECONDS
) -> None:
    """Poll until `check` is true. A process that ends meanwhile, or the deadline, is a failure that shows the logs."""
    deadline = time.monotonic() + seconds
    while not check():
        dead = [process for process in processes if process.child.poll() is not None]
        late = time.monotonic() > deadline
        if dead or late:
            why = f"{dead[0].name} has ended" if dead else f"{seconds:g} s have passed"
            raise AssertionError("\n".join([f"not {what}: {why}", *(p.last_words() for p in processes)]))
        time.sleep(_POLL_SECONDS)


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
