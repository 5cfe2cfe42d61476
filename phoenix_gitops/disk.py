"""The disk as the writer sees it: system calls that change it, folders opened without following links."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Label, Span
from phoenix_gitops.lock import STATE

OUTPUT = "generated"
"""The output folder, relative to the repository's root."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Disk:
    """The system calls that change the disk. Names are relative to open folders. Tests let them fail."""

    def write(self, name: str, content: bytes, folder: int, *, flush: bool) -> os.stat_result:
        """Create a new file."""
        fd = os.open(name, _NEW, 0o666, dir_fd=folder)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(fd, rest) :]
            if flush:
                os.fsync(fd)
            return os.fstat(fd)
        finally:
            os.close(fd)

    def rename(self, name: str, folder: int, target: str, target_folder: int) -> None:
        """Move a file over another, atomically."""
        os.replace(name, target, src_dir_fd=folder, dst_dir_fd=target_folder)

    def unlink(self, name: str, folder: int) -> None:
        """Delete a file."""
        os.unlink(name, dir_fd=folder)

    def mkdir(self, name: str, folder: int) -> None:
        """Create a folder."""
        os.mkdir(name, dir_fd=folder)

    def rmdir(self, name: str, folder: int) -> None:
        """Delete an empty folder."""
        os.rmdir(name, dir_fd=folder)

    def fsync(self, fd: int) -> None:
        """Bring one file or folder to the device."""
        os.fsync(fd)

    def sync(self) -> None:
        """Bring everything to the device."""
        os.sync()


class Folders:
    """Folders below an open root, opened one step at a time without following links.

    The chain of the last one stays open: asking in sorted order opens each folder once.
    """

    def __init__(self, disk: Disk, root: int) -> None:
        self._disk = disk
        self._chain: list[tuple[str, int]] = [("", root)]

    def open(self, path: str, *, create: bool = False) -> int:
        """The open folder `path` (relative, `/`-separated, empty for the root). Do not close it."""
        parts = path.split("/") if path else []
        keep = 0
        while keep < min(len(parts), len(self._chain) - 1) and self._chain[keep + 1][0] == parts[keep]:
            keep += 1
        self._close_to(keep + 1)
        for part in parts[keep:]:
            above = self._chain[-1][1]
            try:
                fd = os.open(part, FOLDER, dir_fd=above)
            except FileNotFoundError:
                if not create:
                    raise
                self._disk.mkdir(part, above)
                fd = os.open(part, FOLDER, dir_fd=above)
            self._chain.append((part, fd))
        return self._chain[-1][1]

    def close(self) -> None:
        """Close all but the root, which belongs to the caller."""
        self._close_to(1)

    def _close_to(self, length: int) -> None:
        while len(self._chain) > length:
            os.close(self._chain.pop()[1])


DISK = Disk()
"""The real one."""


@contextmanager
def opened(root: Path, output: str, disk: Disk) -> Iterator[tuple[int, int]]:
    """The state and output folders, open, created where missing, no symbolic links."""
    with ExitStack() as stack:
        base = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, base)
        fds: list[int] = []
        for name in (STATE, output):
            folders = Folders(disk, base)
            stack.callback(folders.close)
            fds.append(folders.open(name, create=True))
        if os.fstat(fds[0]).st_dev != os.fstat(fds[1]).st_dev:
            raise OSError(errno.EXDEV, f"`{STATE}` and `{output}` lie on different file systems")
        yield fds[0], fds[1]


def ancestors(path: str) -> Iterable[str]:
    """The folders above a path, nearest first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def prune(disk: Disk, folders: Folders, paths: Iterable[str]) -> None:
    """Remove the folders above `paths` that are empty now, deepest first."""
    candidates = {up for path in paths for up in ancestors(path)}
    for path in sorted(candidates, key=lambda p: (-p.count("/"), p)):
        parent, _, name = path.rpartition("/")
        try:
            disk.rmdir(name, folders.open(parent))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR):
                raise


def read(name: str, folder: int) -> bytes:
    """A whole regular file, relative to an open folder."""
    fd = os.open(name, FILE, dir_fd=folder)
    with os.fdopen(fd, "rb") as file:
        return file.read()


def not_a_folder(name: str) -> Diagnostic:
    """PHX806: a folder that we write to is a link or a file."""
    return Diagnostic(
        code="PHX806",
        message=f"`{name}` is not a plain folder of this checkout",
        primary=Label(Span(name, 1, 1, 1, 1)),
        help="replace the symbolic link or file by a folder: output is never written through links",
    )


def failed(error: OSError, output: str, *, committed: bool) -> Diagnostic:
    """PHX807 (or PHX806): the system refused; `committed` tells whether the old tree still stands."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return not_a_folder(f"{error.filename or output}")
    outcome = "the next run finishes the write" if committed else "nothing was changed"
    return Diagnostic(
        code="PHX807",
        message=f"cannot write `{output}`: {error.strerror}; {outcome}",
        help="free space or mend the rights of the folder, then run the command again",
    )
