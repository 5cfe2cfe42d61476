"""One compile at a time in a checkout: an advisory lock on `.phoenix/lock`.

The kernel holds the lock (`flock`) and drops it with the process, so there are no stale locks to clean up.
Systems without `fcntl` (Windows outside WSL) cannot write output, and are told so.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from phoenix_gitops.diagnostics import Diagnostic, Outcome

STATE = ".phoenix"
"""The git-ignored folder at the repository's root for lock, journal and cache."""


class Lock:
    """A held lock: a context manager; `release` may be called again."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        """Let the next compile in."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            # The file stays: unlinking it would let two processes lock two different files of one name.
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(root: Path) -> Outcome[Lock | None]:
    """Lock the checkout at `root`, without waiting; None and a PHX809 while another process holds it."""
    try:
        import fcntl
    except ImportError:
        return _refused("this system has no `flock`", "run phoenix on Linux, macOS or inside WSL")
    state = root / STATE
    try:
        state.mkdir(exist_ok=True)
        if state.is_symlink():
            return _refused(f"`{STATE}` is a symbolic link", "replace it by a folder of the checkout itself")
        fd = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        return _refused(
            f"cannot open `{STATE}/lock`: {error.strerror}", "make the checkout's root writable for this user"
        )
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(fd, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        return _refused(
            f"another phoenix is writing in this checkout (process `{holder}`)",
            "wait until it has finished; the lock goes with its process",
        )
    except OSError as error:
        os.close(fd)
        return _refused(f"cannot lock `{STATE}/lock`: {error.strerror}", "use a file system that supports `flock`")
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return Outcome(Lock(fd))


def _refused(message: str, help_: str) -> Outcome[Lock | None]:
    return Outcome(None, (Diagnostic(code="PHX809", message=message, help=help_),))
