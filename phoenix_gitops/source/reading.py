"""The read stage, an edge: policy files from disk to documents."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Outcome, ordered
from phoenix_gitops.document import Document
from phoenix_gitops.source.folders import PATTERNS, list_policies, reason
from phoenix_gitops.source.parsing import parse
from phoenix_gitops.source.text import MAX_BYTES, at_top, too_large

MAX_TOTAL_BYTES = 64 * 1024 * 1024
"""Most bytes of all policy files together: parsed, they take about ten times as much memory."""

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Policies:
    """What was read: the documents by file name, and the text of each file for drawing carets."""

    documents: tuple[Document, ...]
    sources: Mapping[str, str]


def read_policies(root: Path, patterns: Sequence[str] = PATTERNS) -> Outcome[Policies]:
    """Read and parse the policy files below `root`; a file with an error has a text but no document.

    No file at all is no error here: which policies must exist is decided where they are used.
    """
    listed = list_policies(root, patterns)
    found = list(listed.diagnostics)
    documents: list[Document] = []
    sources: dict[str, str] = {}
    total = 0
    for file in listed.value:
        content = read_file(root, file)
        if isinstance(content, Diagnostic):
            found.append(content)
            continue
        total += len(content)
        if total > MAX_TOTAL_BYTES:
            message = f"policies have more than {MAX_TOTAL_BYTES:,} bytes in all"
            found.append(Diagnostic(code="PHX124", message=message, help="split the repository"))
            break
        sources[file] = content.decode("utf-8", "replace").removeprefix(_BOM)
        outcome = parse(file, content)
        found += outcome.diagnostics
        if outcome.value is not None:
            documents.append(outcome.value)
    return Outcome(Policies(tuple(documents), sources), ordered(found))


def read_file(root: Path, file: str) -> bytes | Diagnostic:
    """The bytes of a regular file below `root`, or why there are none; opening it can neither block nor
    follow a link, so a file that was exchanged since it was listed does no harm.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(f"{root}/{file}", flags)
        try:
            return _read(file, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"file cannot be read: {reason(error)}"
        return at_top("PHX122", file, message, help="make it a readable file")


def _read(file: str, descriptor: int) -> bytes | Diagnostic:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        help_ = "put a regular file here, or remove it"
        return at_top("PHX121", file, "not a regular file", help=help_)
    if status.st_size > MAX_BYTES:
        return too_large(file, status.st_size)
    with open(descriptor, "rb", closefd=False) as stream:
        return stream.read(MAX_BYTES + 1)
