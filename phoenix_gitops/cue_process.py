"""Running `cue` on text that strangers wrote: no environment, no network, and an end to time, memory and output."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phoenix_gitops.processes import Children, Limits, run

__all__ = ["Done", "Limits", "run_cue"]


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
    with Children() as children:
        done = run(children, [cue, *arguments], folder=folder, environment=_environment(folder, limits), limits=limits)
    # A program that is killed from outside met the memory limit of the whole machine.
    stopped = done.stopped or ("memory" if done.code == -signal.SIGKILL else "")
    return Done(ok=done.ok, output=done.output, errors=done.errors.decode(errors="replace"), stopped=stopped)


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
