"""Running other programs: within limits of time, memory and output, and so that none outlives us."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

_MIB = 1024 * 1024

_LIMIT = 'ulimit -d "$1" && ulimit -t "$2" && ulimit -f "$3" && ulimit -c 0 && shift 3 && exec "$@"'
"""The shell sets the limits and becomes the program: unlike `preexec_fn` this is safe beside threads."""

_OUT_OF_MEMORY = re.compile(
    rb"out of memory|cannot allocate memory|cannot map pages|stack exceeds"
    rb"|failed to (?:reserve page|create new OS thread)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use: seconds on the clock, MiB of memory, MiB of output in one file."""

    seconds: float = 10.0
    memory: int = 1024
    output: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a run ended. `stopped` names the limit that ended it, empty if it ended by itself."""

    code: int
    """The exit status; negative where a signal ended it."""
    output: bytes = b""
    errors: bytes = b""
    """Standard error; empty where it went into the output."""
    stopped: Literal["", "time", "memory", "output"] = ""

    @property
    def ok(self) -> bool:
        """Whether it ended by itself and is content."""
        return self.code == 0 and not self.stopped


class StoppedError(Exception):
    """No program is started any more: the run was given up."""


class Children:
    """Programs that run now. Each leads a session of its own, so that `end` reaches what it started, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: list[subprocess.Popen[bytes]] = []
        self._ended = False

    def start(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        """As `subprocess.Popen`. Raises `StoppedError` after `end`."""
        with self._lock:
            if self._ended:
                raise StoppedError
            self._live = [process for process in self._live if process.returncode is None]
            process = subprocess.Popen(command, start_new_session=True, **options)
            self._live.append(process)
            return process

    def end(self) -> None:
        """Kills what runs; nothing starts any more."""
        with self._lock:
            self._ended = True
            for process in self._live:
                kill(process)

    def __enter__(self) -> Children:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kills a program that leads its session, and all that it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run(
    children: Children,
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limits: Limits,
    at: Path | None = None,
    merged: bool = False,
) -> Done:
    """Runs a program that writes into `folder`; its working directory is `at`, else `folder`, too.

    The memory limit counts writable private memory (Linux). `merged`: both streams are one, in the order of writing.
    Raises `OSError` if the program cannot be started, `StoppedError` if the run was given up.
    """
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = children.start(
            ["/bin/sh", "-c", _LIMIT, "sh", *_shell_limits(limits), *command],
            cwd=at or folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT if merged else stderr,
        )
        try:
            code = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            return Done(code=-signal.SIGKILL, stopped="time")
        finally:
            # Nothing may write to the folder while it is removed.
            kill(process)
            process.wait()
    output, errors = out.read_bytes(), err.read_bytes()
    if max(len(output), len(errors)) >= limits.output * _MIB:
        return Done(code=code, stopped="output")
    if code != 0 and _OUT_OF_MEMORY.search((errors or output)[:4096]):
        return Done(code=code, stopped="memory")
    return Done(code=code, output=output, errors=errors)


def _shell_limits(limits: Limits) -> list[str]:
    """KiB of data, seconds of CPU, 512-byte blocks of a file.

    The CPU limit is a second net, for when we are killed ourselves: two threads cannot reach it in time.
    """
    cpu_seconds = 4 * int(limits.seconds + 1)
    return [str(limits.memory * 1024), str(cpu_seconds), str(limits.output * _MIB // 512)]
