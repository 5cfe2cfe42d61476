"""The journal of a write: staged files and a commit marker, so that a crash leaves the old tree or a promise.

`.phoenix/journal/` holds the new files under numbers. Renaming `plan.json` into place commits: before that
the tree is the old one and the journal is thrown away; after it the next run finishes the work.
Every folder is opened without following symbolic links, so nothing is written outside the output folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Outcome, Severity
from phoenix_gitops.disk import DISK, FOLDER, OUTPUT, Disk, Folders, ancestors, failed, opened, prune, read
from phoenix_gitops.lock import STATE

JOURNAL = "journal"
MARKER = "plan.json"
_BULK = 64
"""From so many files on, one `sync` replaces an fsync a file (milliseconds each on a disk)."""


@dataclass(frozen=True, slots=True)
class Install:
    """A staged file, the path it goes to, and the digests (hex) before (empty: no file) and after."""

    staged: str
    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A file to delete if it still has this digest (hex)."""

    path: str
    old: str


@dataclass(frozen=True, slots=True)
class Journal:
    """What a commit marker promises."""

    output: str
    installs: tuple[Install, ...]
    deletes: tuple[Delete, ...]

    @property
    def early(self) -> tuple[Delete, ...]:
        """Deletes that must come first: they stand where a new file or folder comes to stand,
        also where only the case differs and the file system does not tell.
        """
        targets = {entry.path.casefold() for entry in self.installs}
        places = targets | {up for path in targets for up in ancestors(path)}
        return tuple(
            entry
            for entry in self.deletes
            if entry.path.casefold() in places or any(up in targets for up in ancestors(entry.path.casefold()))
        )


def recover(root: Path, *, output: str = OUTPUT, disk: Disk = DISK) -> Outcome[bool]:
    """Finish or forget a write that was interrupted; true if it was finished (PHX808, a note)."""
    if not (root / STATE / JOURNAL).is_dir():
        return Outcome(False)
    try:
        with opened(root, output, disk) as (state, top):
            journal_fd = open_journal(state)
            try:
                promise = load(journal_fd)
                if promise is not None and promise.output != output:
                    raise ValueError(f"journal of `{promise.output}`")
                if promise is not None:
                    replay(disk, journal_fd, top, promise, careful=True)
            finally:
                os.close(journal_fd)
            forget(disk, state, top)
    except ValueError as error:
        return Outcome(
            False,
            (
                Diagnostic(
                    code="PHX813",
                    message=f"cannot read the journal of an interrupted write: {error}",
                    help=f"delete `{STATE}/{JOURNAL}` and compile again",
                ),
            ),
        )
    except OSError as error:
        return Outcome(False, (failed(error, output, committed=True),))
    if promise is None:
        return Outcome(False)
    finished = Diagnostic(
        code="PHX808",
        message=f"finished an interrupted write of {len(promise.installs)} files",
        severity=Severity.NOTE,
    )
    return Outcome(True, (finished,))


def open_journal(state: int) -> int:
    """The journal's folder, open, below the open state folder."""
    return os.open(JOURNAL, FOLDER, dir_fd=state)


def forget(disk: Disk, state: int, top: int) -> None:
    """Drop the journal, and the empty folders that an uncommitted write may have made."""
    forget_journal(disk, state)
    folders = Folders(disk, top)
    try:
        empty: list[str] = []
        for parent, names, _, _ in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            base = parent.removeprefix(".").lstrip("/")
            empty += [f"{base}/{name}/x".lstrip("/") for name in names]
        prune(disk, folders, empty)
    finally:
        folders.close()


def forget_journal(disk: Disk, state: int) -> None:
    """Drop the journal if there is one."""
    with suppress(FileNotFoundError):
        drop(disk, state)


def commit(disk: Disk, journal: int, plan: Journal) -> None:
    """Put the commit marker in place: from here on the new tree is promised."""
    text = json.dumps(asdict(plan), ensure_ascii=True).encode()
    disk.write(f"{MARKER}.new", text, journal, flush=True)
    flush(disk, len(plan.installs), [journal])
    disk.rename(f"{MARKER}.new", journal, MARKER, journal)
    disk.fsync(journal)


def load(journal: int) -> Journal | None:
    """The promise of a journal; None when it was never committed. ValueError when we did not write it."""
    try:
        text = read(MARKER, journal)
    except FileNotFoundError:
        return None
    try:
        raw = json.loads(text)
        plan = Journal(
            str(raw["output"]),
            tuple(Install(*map(str, (e["staged"], e["path"], e["old"], e["new"]))) for e in raw["installs"]),
            tuple(Delete(str(e["path"]), str(e["old"])) for e in raw["deletes"]),
        )
        staged = [entry.staged for entry in plan.installs]
        paths = [plan.output, *staged, *(e.path for e in plan.installs), *(e.path for e in plan.deletes)]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a journal") from error
    for path in paths:
        # A pull request can carry a journal of its own: it must not lead outside the output folder.
        if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
            raise ValueError(f"journal names `{path}`")
    if any("/" in name for name in (plan.output, *staged)):
        raise ValueError("journal names a nested folder")
    return plan


def replay(disk: Disk, journal: int, output: int, plan: Journal, *, careful: bool) -> None:
    """Do what was promised; `careful` (after a crash) leaves files alone that changed since."""
    folders = Folders(disk, output)
    try:
        early = plan.early
        _delete(disk, folders, early, careful=careful)
        touched = set()
        for entry in sorted(plan.installs, key=lambda e: e.path.split("/")):
            parent, _, name = entry.path.rpartition("/")
            folder = folders.open(parent, create=True)
            if not careful or _pending(entry, journal, name, folder):
                disk.rename(entry.staged, journal, name, folder)
            touched.add(parent)
        first = set(early)
        late = [entry for entry in plan.deletes if entry not in first]
        _delete(disk, folders, late, careful=careful)
        flush_folders(disk, folders, touched)
    finally:
        folders.close()


def flush(disk: Disk, files: int, fds: Sequence[int]) -> None:
    """Make a batch durable: all at once when it is large (its files were then not synced singly)."""
    if files >= _BULK:
        disk.sync()
    for fd in fds:
        disk.fsync(fd)


def flush_folders(disk: Disk, folders: Folders, paths: set[str]) -> None:
    """Make renames durable before the journal that could repeat them goes."""
    if len(paths) >= _BULK:
        disk.sync()
        return
    for path in sorted(paths):
        with suppress(FileNotFoundError):
            disk.fsync(folders.open(path))


def flush_each(files: int) -> bool:
    """Whether files of a batch of this size are synced singly."""
    return files < _BULK


def drop(disk: Disk, state: int) -> None:
    """Remove the journal: the marker first, so that what is left after a crash is no promise."""
    journal = os.open(JOURNAL, FOLDER, dir_fd=state)
    try:
        with os.scandir(journal) as entries:
            names = sorted((entry.name for entry in entries), key=lambda name: (name != MARKER, name))
        for name in names:
            disk.unlink(name, journal)
    finally:
        os.close(journal)
    disk.rmdir(JOURNAL, state)


def _delete(disk: Disk, folders: Folders, entries: Sequence[Delete], *, careful: bool) -> None:
    for entry in sorted(entries, key=lambda e: e.path.split("/")):
        parent, _, name = entry.path.rpartition("/")
        with suppress(FileNotFoundError, NotADirectoryError):
            folder = folders.open(parent)
            if not careful or _digest(name, folder) == entry.old:
                disk.unlink(name, folder)
    prune(disk, folders, [entry.path for entry in entries])


def _pending(entry: Install, journal: int, name: str, folder: int) -> bool:
    """Whether a file still waits in the journal, and what it replaces is as it was."""
    return bool(_digest(entry.staged, journal)) and _digest(name, folder) in (entry.old, entry.new)


def _digest(name: str, folder: int) -> str:
    """SHA-256 in hex; empty where there is no file; `?` for what is not a plain file."""
    try:
        return hashlib.sha256(read(name, folder)).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError:
        return "?"
