"""What was published of an environment, from the trailers of its branch's commits: git alone knows it.

A rollback is a publication like any other that also holds: nothing is published over it until it is lifted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from phoenix_gitops.diagnostics import Diagnostic, Severity
from phoenix_gitops.vcs import git

if TYPE_CHECKING:
    from git import Repo

SOURCE: Final = "Phoenix-Source-Commit"
ENVIRONMENT: Final = "Phoenix-Environment"
VERSION: Final = "Phoenix-Version"
HOLD: Final = "Phoenix-Hold"
_FIELD = "%x00"
_FORMAT = _FIELD.join(
    [
        *("%H", "%cs", "%an"),
        *(f"%(trailers:key={key},valueonly,separator=%x2C)" for key in (SOURCE, HOLD)),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A commit that put an environment's tree on its branch."""

    commit: str
    day: str
    """When it was committed, as YYYY-MM-DD."""
    author: str
    source: str
    """The commit of the policies that it was compiled from."""
    hold: str
    """Why nothing is published over it; empty if it does not hold."""


def publications(repo: Repo, tip: str, environment: str) -> Iterator[Publication]:
    """The publications of an environment up to the commit `tip`, newest first."""
    pattern = f"^{ENVIRONMENT}: {environment}$"
    rows = git(repo, "log", "-z", "--no-show-signature", f"--grep={pattern}", f"--format={_FORMAT}", tip, "--")
    # With -z the rows are divided as their fields are: by NUL.
    fields = rows.split("\0")
    size = _FORMAT.count(_FIELD) + 1
    for at in range(0, len(fields) - size + 1, size):
        commit, day, author, source, hold = fields[at : at + size]
        yield Publication(commit=commit, day=day, author=author, source=source.strip(), hold=hold.strip())


def latest(repo: Repo, tip: str, environment: str) -> Publication | None:
    """The newest publication of an environment; None before its first."""
    return next(publications(repo, tip, environment), None) if tip else None


def held(environment: str, publication: Publication) -> Diagnostic:
    """That an environment is not published, since a rollback holds it."""
    return Diagnostic(
        code="PHX912",
        message=f"environment `{environment}` was rolled back on {publication.day} and is held: {publication.hold}",
        severity=Severity.WARNING,
        help=f"when main is sound again: `phoenix publish -e {environment} --lift`",
    )
