"""Write and move git revisions without a work tree: a commit from a write plan, fetch and push."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from phoenix_gitops.remotes import ask, why
from phoenix_gitops.vcs import git, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git import Repo

    from phoenix_gitops.writes import WritePlan

_EVERYTHING = 2**31 - 1
"""The depth that git takes for infinite; `--unshallow` would fetch the history of all branches."""
_STAGING = "refs/phoenix/staging"
_FETCHED = "refs/phoenix/published/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote the commit that is published, and when (in git's raw form, `1700000000 +0100`)."""

    name: str
    email: str
    date: str


class Push(StrEnum):
    """How a push ended, unless it was refused for good."""

    DONE = "done"
    RACED = "raced"
    """Somebody else pushed first: fetch, build again, push again."""


def write_tree(
    repo: Repo, base: str, folder: str, planned: WritePlan, besides: Mapping[str, bytes] | None = None
) -> str:
    """The id of the tree of commit `base` (empty: none) with the plan applied below `folder`.

    `besides` are further files, by path from the top.

    `git fast-import` writes blobs and trees into one pack: 24,000 files in well under a second.
    Its commit is a carrier for the tree only; no ref stays.
    """
    parts: list[bytes] = [f"commit {_STAGING}\nmark :1\ncommitter p <p> 0 +0000\ndata 0\n".encode()]
    if base:
        parts.append(f"from {base}\n".encode())
    parts += [b"D " + _quoted(folder + path) + b"\n" for path in planned.delete]
    for file in (*planned.create, *planned.update):
        parts.append(b"M 100644 inline %b\n" % _quoted(folder + file.path))
        parts.append(b"data %d\n%b\n" % (len(file.content), file.content))
    parts += _files(besides or {})
    return _import(repo, base, parts)


def _files(files: Mapping[str, bytes]) -> list[bytes]:
    return [
        b"M 100644 inline %b\ndata %d\n%b\n" % (_quoted(path), len(content), content)
        for path, content in sorted(files.items())
    ]


def _import(repo: Repo, base: str, parts: list[bytes]) -> str:
    """The id of the tree that a fast-import makes; no ref stays."""
    end = f'\nls :1 ""\nreset {_STAGING}\nfrom {"0" * len(base or "0" * 40)}\n\ndone\n'.encode()
    answer = git(repo, "fast-import", "--quiet", "--done", "--force", stdin=b"".join([*parts, end]))
    return answer.split()[2]


def changed_tree(repo: Repo, base: str, changes: Mapping[str, bytes | None]) -> str:
    """The id of the tree of commit `base` with files changed, by path from the top; None takes one away."""
    parts = [f"commit {_STAGING}\nmark :1\ncommitter p <p> 0 +0000\ndata 0\nfrom {base}\n".encode()]
    parts += [b"D " + _quoted(path) + b"\n" for path, content in sorted(changes.items()) if content is None]
    parts += _files({path: content for path, content in changes.items() if content is not None})
    return _import(repo, base, parts)


def restore(repo: Repo, base: str, folders: Mapping[str, str], besides: Mapping[str, bytes] | None = None) -> str:
    """The id of the tree of commit `base` with each of `folders` (path to tree id; empty: none) put in its place.

    `besides` are further files, by path from the top.
    """
    parts = [f"commit {_STAGING}\nmark :1\ncommitter p <p> 0 +0000\ndata 0\nfrom {base}\n".encode()]
    for path, tree in sorted(folders.items()):
        change = f"M 040000 {tree} " if tree else "D "
        parts.append(change.encode() + _quoted(path) + b"\n")
    return _import(repo, base, parts + _files(besides or {}))


def write_note(repo: Repo, notes: str, commit: str, text: bytes) -> str:
    """The id of the tree of the notes commit `notes` (empty: none) with the note of a commit replaced."""
    parts = [f"commit {_STAGING}\nmark :1\ncommitter p <p> 0 +0000\ndata 0\n".encode()]
    parts += [f"from {notes}\n".encode()] if notes else []
    parts.append(b"N inline %b\ndata %d\n%b\n" % (commit.encode(), len(text), text))
    return _import(repo, notes, parts)


def write_commit(repo: Repo, tree: str, parents: Sequence[str], message: str, author: Author | None = None) -> str:
    """The id of a new commit, by whom git knows unless an author is given; signed if the user signs commits.

    No ref moves.
    """
    env: dict[str, str] = {}
    if author is not None:
        env = {"GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email, "GIT_AUTHOR_DATE": author.date}
    if author is not None and run(repo, "var", "GIT_COMMITTER_IDENT").status:
        # A CI machine without an identity: the commit is committed by whoever wrote its source.
        env |= {"GIT_COMMITTER_NAME": author.name, "GIT_COMMITTER_EMAIL": author.email}
    sign = run(repo, "config", "--type=bool", "--get", "commit.gpgSign").out.strip() == "true"
    named = [part for parent in parents if parent for part in ("-p", parent)]
    options = [*(["-S"] if sign else []), *named, "-F", "-"]
    return git(repo, "commit-tree", tree, *options, env=env, stdin=message.encode()).strip()


def fetch(repo: Repo, remote: str, branch: str, *, whole: bool = False) -> str:
    """The commit at the tip of a remote branch, with `whole` its history too; empty if there is no such branch."""
    return fetch_ref(repo, remote, f"refs/heads/{branch}", f"{_FETCHED}{branch}", whole=whole)


def fetch_ref(repo: Repo, remote: str, ref: str, target: str, *, whole: bool = False) -> str:
    """As `fetch`, for a ref by its full name; `target` is our own note of it, below `refs/phoenix/`."""
    # A shallow checkout, as CI makes it, need not fetch a history that it will not read.
    depth = [f"--depth={_EVERYTHING if whole else 1}"] if _is_shallow(repo) else []
    # The plus lets our own note of the tip follow a branch that was rewound; nothing is pushed by it.
    answer = ask(repo, remote, "fetch", *_FETCH, *depth, "--", remote, f"+{ref}:{target}")
    if "couldn't find remote ref" in answer.err:
        return ""
    if answer.status:
        raise why(answer, remote, ref.removeprefix("refs/heads/"))
    return git(repo, "rev-parse", "--verify", target).strip()


_FETCH = ("--quiet", "--no-tags", "--no-write-fetch-head")


def _is_shallow(repo: Repo) -> bool:
    return git(repo, "rev-parse", "--is-shallow-repository").strip() == "true"


def bring(repo: Repo, remote: str, commit: str) -> bool:
    """Fetch a commit that is not here, or whose history is cut off here, with all its history; whether it was had."""
    here = not run(repo, "cat-file", "-e", f"{commit}^{{commit}}").status
    shallow = _is_shallow(repo)
    if here and not shallow:
        return True
    depth = [f"--depth={_EVERYTHING}"] if shallow else []
    return not ask(repo, remote, "fetch", *_FETCH, *depth, "--", remote, commit).status


def push(repo: Repo, remote: str, commit: str, branch: str) -> Push:
    """Push a commit to a branch, never by force; GitRefusedError if it will not ever go through."""
    return push_ref(repo, remote, commit, f"refs/heads/{branch}")


def push_ref(repo: Repo, remote: str, commit: str, ref: str) -> Push:
    """As `push`, for a ref by its full name."""
    answer = ask(repo, remote, "push", "--porcelain", "--", remote, f"{commit}:{ref}")
    if not answer.status:
        return Push.DONE
    text = answer.out + answer.err
    races = ("(fetch first)", "(non-fast-forward)", "cannot lock ref", "incorrect old value", "failed to update ref")
    if any(race in text for race in races) and "; cannot create" not in text:
        return Push.RACED
    raise why(answer, remote, ref.removeprefix("refs/heads/"))


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode("utf-8", "surrogateescape")
