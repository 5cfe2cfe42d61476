"""The output tree as types: paths, and files with their state and owner."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

PROOF = "_proof"
"""The folder of what judges read; below it the same `<environment>/<cluster>/` as beside it."""


class Ownership(StrEnum):
    """Whose a file under the output folder is."""

    INTACT = "intact"
    """Our header, and its hash fits path and content."""
    EDITED = "edited"
    """Our header, but the content or the path is no longer what we wrote."""
    CONFLICTED = "conflicted"
    """Ours, with the markers of an unfinished git merge."""
    FOREIGN = "foreign"
    """No header of ours; symbolic links and special files too."""


class FileState(NamedTuple):
    """A file as it stands: what it weighs, which bytes it holds, whose it is.

    `digest` is the SHA-256 of the content (empty where a foreign file was not read through);
    `mtime_ns` in nanoseconds and `inode` let a cache tell that it did not change.
    """

    size: int
    mtime_ns: int
    inode: int
    digest: bytes
    ownership: Ownership


Classify = Callable[[str, bytes], Ownership]
"""Whose a file is, by its path below the output folder and its content."""


def digest(content: bytes) -> bytes:
    """The digest by which contents are compared."""
    return hashlib.sha256(content).digest()


def environment_of(path: str) -> str:
    """The environment a path below the output folder belongs to; empty for files of none."""
    parts = path.split("/")
    if parts[0] == PROOF:
        parts = parts[1:]
    return parts[0] if len(parts) > 1 else ""


def component_of(path: str) -> str:
    """The component a path belongs to; empty for proof files and files of no component."""
    parts = path.split("/")
    return "" if parts[0] == PROOF or len(parts) < 4 else parts[2]


def conflicted(content: bytes) -> bool:
    """Whether git left the markers of an unfinished merge: never part of what we write, whose text is indented."""
    lines = b"\n" + content
    return all(mark in lines for mark in (b"\n<<<<<<< ", b"\n=======\n", b"\n>>>>>>> "))


def marked(content: bytes) -> bool:
    """Whether our header stands near the top, on its own line or inside the first side of a merge conflict."""
    return b"Compiled by Phoenix GitOps" in content[:1024]


def owner_of(path: str, content: bytes, classify: Classify) -> Ownership:
    """Whose a file is, unfinished merges included."""
    if not marked(content):
        return Ownership.FOREIGN
    found = classify(path, content)
    return Ownership.CONFLICTED if found is not Ownership.INTACT and conflicted(content) else found
