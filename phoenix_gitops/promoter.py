"""The contract of GitOps Promoter for whoever makes what it promotes: which branch, which file, which note.

Promoter merges `<branch>-next` into `<branch>`. It reads from `hydrator.metadata` which commit of the policies the
proposed tree was compiled from, and from the note on it up to which commit that tree is still what the policies say.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from phoenix_gitops import revision
from phoenix_gitops.addresses import redacted
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.revision import Push
from phoenix_gitops.vcs import list_tree, read_blobs, refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from git import Repo

    from phoenix_gitops.revision import Author

PROPOSED: Final = "-next"
"""What stands behind the name of a branch where its next state is proposed."""
METADATA: Final = "hydrator.metadata"
"""The file at a proposed branch's top."""
NOTES: Final = "refs/notes/hydrator.metadata"
_FETCHED = "refs/phoenix/notes/hydrator.metadata"
_ATTEMPTS = 20
"""All environments, perhaps from jobs of their own, write one ref."""
_SHA = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_REFERENCE = re.compile(
    r"^Argocd-reference-commit-(sha|repourl|author|date|subject): *(\S.*)$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dry:
    """The commit of the policies behind a proposed tree."""

    commit: str
    url: str = ""
    author: str = ""
    """`Name <email>`."""
    date: str = ""
    """In git's raw form, `1700000000 +0100`."""
    subject: str = ""
    body: str = ""


def metadata(dry: Dry) -> bytes:
    """The content of `hydrator.metadata`."""
    fields = {
        "drySha": dry.commit,
        "repoURL": dry.url,
        "author": dry.author,
        "date": _moment(dry.date),
        "subject": dry.subject,
        "body": dry.body,
        "references": _references(dry.body),
    }
    return (json.dumps({name: value for name, value in fields.items() if value}, indent=2) + "\n").encode()


def _moment(raw: str) -> str:
    """A date in git's raw form as RFC 3339, in its own time zone."""
    if not raw:
        return ""
    seconds, zone = raw.split()
    minutes = int(zone[:-2]) * 60 + int(zone[0] + zone[-2:])
    return datetime.fromtimestamp(int(seconds), timezone(timedelta(minutes=minutes))).isoformat()


def _references(body: str) -> list[dict[str, dict[str, str]]]:
    """The commit of another repository that a change of policies came from, by the trailers that Argo CD reads."""
    names = {"repourl": "repoURL"}
    found = {name.lower(): value.strip() for name, value in _REFERENCE.findall(body)}
    # Promoter refuses a whole state with a hash or address that is none.
    if not _SHA.fullmatch(found.get("sha", "")):
        return []
    if not re.fullmatch(r"https?://[^\s@]+", found.get("repourl", "")):
        found.pop("repourl", None)
    try:
        zoned = datetime.fromisoformat(found.get("date", "")).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        found.pop("date", None)
    order = ("sha", "repourl", "author", "date", "subject")
    return [{"commit": {names.get(name, name): found[name] for name in order if name in found}}]


def noted(repo: Repo, remote: str, commit: str) -> str:
    """The commit of the policies that the note of a commit names; empty if it has none that can be read."""
    return _read(repo, revision.fetch_ref(repo, remote, NOTES, _FETCHED), commit)


def note(repo: Repo, remote: str, commit: str, dry: str, author: Author) -> None:
    """Say in the note of a pushed commit that it is what the policies say at commit `dry`, and push the note."""
    for _ in range(_ATTEMPTS):
        tip = revision.fetch_ref(repo, remote, NOTES, _FETCHED)
        if _read(repo, tip, commit) == dry:
            return
        tree = revision.write_note(repo, tip, commit, (json.dumps({"drySha": dry}) + "\n").encode())
        made = revision.write_commit(repo, tree, (tip,), f"phoenix: {commit[:12]} is {dry[:12]}\n", author)
        if revision.push_ref(repo, remote, made, NOTES) is Push.DONE:
            return
    raise refused(
        "PHX908",
        f"`{NOTES}` of `{redacted(remote)}` moved on {_ATTEMPTS} times while it was being written",
        "the tree is pushed, its note is not: publish again when the other writers have finished",
    )


def _read(repo: Repo, notes: str, commit: str) -> str:
    if not notes:
        return ""
    # Git spreads many notes over folders: the path without its slashes is the commit.
    found = [entry.oid for path, entry in list_tree(repo, notes, []).items() if path.replace("/", "") == commit]
    for content in read_blobs(repo, found).values():
        try:
            value = json.loads(content)
        except ValueError:
            return ""
        dry = value.get("drySha") if isinstance(value, dict) else None
        return dry if isinstance(dry, str) and _SHA.fullmatch(dry) else ""
    return ""


def clashes(branch: str, environments: Collection[str]) -> tuple[Diagnostic, ...]:
    """Environments whose branch is the one that another's next state is proposed on."""
    return tuple(
        Diagnostic(
            code="PHX911",
            message=f"`{branch.replace('{environment}', name)}{PROPOSED}` is the branch of environment "
            f"`{name}{PROPOSED}`, and what is proposed for `{name}`",
            help="name one of the environments otherwise, or correct `output.branch` in `phoenix.yaml`",
        )
        for name in sorted(environments)
        if branch.endswith("{environment}") and f"{name}{PROPOSED}" in environments
    )
