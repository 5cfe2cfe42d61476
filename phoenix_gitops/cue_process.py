"""Running `cue` on text that strangers wrote: no environment, no network, and an end to time, memory and output."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_MIB = 1024 * 1024

_LIMIT = 'ulimit -d "$1" && ulimit -t "$2" && ulimit -f "$3" && ulimit -c 0 && shift 3 && exec "$@"'
"""The shell sets the limits and becomes `cue`: unlike `preexec_fn` this is safe beside threads."""

_OUT_OF_MEMORY = re.compile(
    rb"out of memory|cannot allocate memory|cannot map pages|stack exceeds|failed to (?:reserve|create)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run of `cue` may use: seconds on the clock, MiB of memory, MiB of output."""

    seconds: float = 10.0
    memory: int = 1024
    output: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a run ended. `stopped` names the limit that ended it, empty if it ended by itself."""

    ok: bool
    output: bytes = b""
    errors: str = ""
    stopped: Literal["", "time", "memory", "output"] = ""


def run_cue(cue: Path, arguments: list[str], *, folder: Path, limits: Limits) -> Done:
    """Runs `cue` in `folder`, which it may fill, and nowhere else.

    The memory limit counts writable private memory (Linux); elsewhere only Go's own soft limit holds.
    """
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _LIMIT, "sh", *_shell_limits(limits), str(cue), *arguments],
            cwd=folder,
            env=_environment(folder, limits),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            code = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            return Done(ok=False, stopped="time")
        finally:
            _end(process)
    said = err.read_bytes()
    if max(out.stat().st_size, len(said)) >= limits.output * _MIB:
        return Done(ok=False, stopped="output")
    if code == -signal.SIGKILL or (code != 0 and _OUT_OF_MEMORY.search(said[:4096])):
        return Done(ok=False, stopped="memory")
    return Done(ok=code == 0, output=out.read_bytes(), errors=said.decode(errors="replace"))


def _shell_limits(limits: Limits) -> list[str]:
    """KiB of data, seconds of CPU, 512-byte blocks of a file.

    The CPU limit is a second net, for when we are killed ourselves: two threads cannot reach it in time.
    """
    cpu_seconds = 4 * int(limits.seconds + 1)
    return [str(limits.memory * 1024), str(cpu_seconds), str(limits.output * _MIB // 512)]


def _environment(folder: Path, limits: Limits) -> dict[str, str]:
    """All that `cue` sees. CUE_REGISTRY=none: a module that is not in the folder does not exist."""
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "CUE_CACHE_DIR": str(folder / "cache"),
        "CUE_CONFIG_DIR": str(folder / "config"),
        "CUE_REGISTRY": "none",
        "GOMAXPROCS": "2",
        "GOMEMLIMIT": f"{limits.memory * 3 // 4}MiB",
        "GOTRACEBACK": "none",
        "LC_ALL": "C",
        "NO_COLOR": "1",
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the whole session, and waits: nothing may write to the folder while it is removed."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
