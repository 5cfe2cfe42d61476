"""The output folder on disk: read its state, apply a plan to it.

The order of a compile, under the `lock`: `journal.recover`, `read_tree`, `writes.plan`, `apply`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops import journal
from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.diagnostics import Diagnostic, Outcome
from phoenix_gitops.disk import DISK, FILE, OUTPUT, Disk, Folders, ancestors, failed, not_a_folder, opened
from phoenix_gitops.journal import JOURNAL, Delete, Install, Journal
from phoenix_gitops.tree import Classify, FileState, Ownership, digest, marked, owner_of
from phoenix_gitops.writes import WritePlan

_CHUNK = 1 << 20
_LIMIT = 64 << 20
"""Bytes: no file of ours is larger, so a larger one is not read."""


def read_tree(
    root: Path,
    classify: Classify,
    *,
    output: str = OUTPUT,
    known: Mapping[str, FileState] | None = None,
    known_at_ns: int = 0,
) -> Outcome[dict[str, FileState]]:
    """Every file below the output folder by path; symbolic links are listed, never followed.

    Args:
        root: the repository's root.
        classify: tells our files from others.
        output: the output folder.
        known: what a former run found; a file whose size, time and inode are as known is not read.
        known_at_ns: when `known` was written. A file that is as young is read all the same: it may
            have changed within one tick of the clock, as in git's index.

    """
    top = root / output
    states: dict[str, FileState] = {}
    faults: list[Diagnostic] = []
    if top.is_symlink() or (top.exists() and not top.is_dir()):
        return Outcome(states, (not_a_folder(output),))
    if top.exists():
        _scan(_Scan(f"{top}/", classify, known or {}, known_at_ns, states), "", faults)
    return Outcome(states, tuple(faults))


@dataclass(frozen=True, slots=True)
class _Scan:
    top: str
    classify: Classify
    known: Mapping[str, FileState]
    known_at_ns: int
    states: dict[str, FileState]


def _scan(scan: _Scan, folder: str, faults: list[Diagnostic]) -> None:
    path = folder
    try:
        with os.scandir(scan.top + folder) as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.is_dir(follow_symlinks=False):
                    _scan(scan, path + "/", faults)
                else:
                    scan.states[path] = _state(scan, path, entry.stat(follow_symlinks=False))
    except OSError as error:
        faults.append(
            Diagnostic(
                code="PHX811",
                message=f"cannot read `{path}` in the output folder: {error.strerror}",
                help="make the output folder readable for this user",
            )
        )


def _state(scan: _Scan, path: str, found: os.stat_result) -> FileState:
    size, mtime, inode = found.st_size, found.st_mtime_ns, found.st_ino
    before = scan.known.get(path)
    if (
        before is not None
        and mtime < scan.known_at_ns
        and before.size == size
        and before.mtime_ns == mtime
        and before.inode == inode
    ):
        return before
    if not stat.S_ISREG(found.st_mode):
        return FileState(size, mtime, inode, b"", Ownership.FOREIGN)
    fd = os.open(scan.top + path, FILE)
    try:
        content = os.read(fd, min(size, _LIMIT) + 1)
        if not marked(content):
            return FileState(size, mtime, inode, b"", Ownership.FOREIGN)
        if size > _LIMIT:
            return FileState(size, mtime, inode, b"", Ownership.EDITED)
        while more := os.read(fd, _CHUNK):
            content += more
    finally:
        os.close(fd)
    return FileState(len(content), mtime, inode, digest(content), owner_of(path, content, scan.classify))


def apply(root: Path, planned: WritePlan, *, output: str = OUTPUT, disk: Disk = DISK) -> Outcome[dict[str, FileState]]:
    """Write what was planned: afterwards the tree is the new one, or (with PHX807, PHX812) the old one.

    A crash, a kill or a full disk leaves the old tree, or one that `journal.recover` completes.
    The value is the state of every file afterwards, for the next run's `known`.
    """
    if not planned.changes:
        return Outcome(dict(planned.existing))
    committed = False
    try:
        with opened(root, output, disk) as (state, top):
            try:
                _check_untouched(planned, disk, top)
                promise, written = _stage(planned, output, disk, state, top)
                committed = True
                journal_fd = journal.open_journal(state)
                try:
                    journal.replay(disk, journal_fd, top, promise, careful=False)
                finally:
                    os.close(journal_fd)
                journal.drop(disk, state)
            except OSError:
                if not committed:
                    journal.forget(disk, state, top)
                raise
    except _Changed as changed:
        return Outcome(dict(planned.existing), (changed.diagnostic,))
    except OSError as error:
        return Outcome(dict(planned.existing), (failed(error, output, committed=committed),))
    gone = set(planned.delete)
    states = {path: state for path, state in planned.existing.items() if path not in gone}
    return Outcome(states | written)


class _Changed(Exception):  # noqa: N818 - carries a diagnostic out of the walk, no error of its own
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.diagnostic = Diagnostic(
            code="PHX812",
            message=f"`{path}` changed while it was being compiled; nothing was written",
            help="run the command again",
        )


def _check_untouched(planned: WritePlan, disk: Disk, top: int) -> None:
    """Nobody changed the files that we are about to replace, create or delete."""
    gone = {path.casefold() for path in planned.delete}
    gone |= {up for path in gone for up in ancestors(path)}
    folders = Folders(disk, top)
    try:
        wanted = [*(f.path for f in planned.create), *(f.path for f in planned.update), *planned.delete]
        for path in sorted(wanted, key=lambda p: p.split("/")):
            parent, _, name = path.rpartition("/")
            before = planned.existing.get(path)
            try:
                now = os.stat(name, dir_fd=folders.open(parent), follow_symlinks=False)
            except FileNotFoundError:
                same = before is None
            except NotADirectoryError:
                # Fine where a file of ours gives way to a folder; else a link or file was put there.
                same = before is None and any(up in gone for up in ancestors(path.casefold()))
            else:
                stands = (now.st_size, now.st_mtime_ns, now.st_ino)
                # A new file may replace a folder that empties, or, where case does not count, a deleted file.
                same = path.casefold() in gone if before is None else before[:3] == stands
            if not same:
                raise _Changed(path)
    finally:
        folders.close()


def _stage(planned: WritePlan, output: str, disk: Disk, state: int, top: int) -> tuple[Journal, dict[str, FileState]]:
    """Write all new files beside the tree, create their folders, then commit."""
    files = sorted((*planned.create, *planned.update), key=lambda f: f.path.split("/"))
    journal.forget_journal(disk, state)
    disk.mkdir(JOURNAL, state)
    folder = journal.open_journal(state)
    try:
        flush = journal.flush_each(len(files))
        written: dict[str, FileState] = {}
        installs = []
        for number, file in enumerate(files):
            found = disk.write(str(number), file.content, folder, flush=flush)
            new = FileState(found.st_size, found.st_mtime_ns, found.st_ino, digest(file.content), Ownership.INTACT)
            written[file.path] = new
            old = planned.existing.get(file.path)
            installs.append(Install(str(number), file.path, old.digest.hex() if old else "", new.digest.hex()))
        deletes = tuple(Delete(path, planned.existing[path].digest.hex()) for path in planned.delete)
        promise = Journal(output, tuple(installs), deletes)
        if not promise.early:
            _make_folders(files, disk, top)
        journal.commit(disk, folder, promise)
        return promise, written
    finally:
        os.close(folder)


def _make_folders(files: list[RenderedFile], disk: Disk, top: int) -> None:
    """Create the folders before the commit: a full disk or a lacking right then costs nothing."""
    folders = Folders(disk, top)
    try:
        for parent in dict.fromkeys(file.path.rpartition("/")[0] for file in files):
            if not os.access(".", os.W_OK, dir_fd=folders.open(parent, create=True)):
                raise PermissionError(errno.EACCES, f"no right to write in `{parent}`")
    finally:
        folders.close()
