"""Git as the edges need it: open a repository, read trees and facts in bulk, tell why git refused.

GitPython finds the repository and runs git; the bulk goes through git's own plumbing in one process each
(GitPython's object database takes minutes for trees of our size). No work tree or index is touched here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops.addresses import redacted
from phoenix_gitops.diagnostics import Diagnostic, Outcome

if TYPE_CHECKING:
    from git import Repo

_KEPT = frozenset(
    {
        *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE"),
        *("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY", "GIT_EXEC_PATH"),
        *("GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
        *("GIT_ALLOW_PROTOCOL", "GIT_HTTP_PROXY_AUTHMETHOD", "GIT_PYTHON_GIT_EXECUTABLE", "GIT_CEILING_DIRECTORIES"),
    }
)
_KEPT_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


class GitRefusedError(Exception):
    """Git (or the repository's state) did not let us; carries what to tell the user."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Answer:
    """What a git command gave."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a git tree; `kind` is `blob` for plain files, else `link` or `commit`."""

    oid: str
    kind: str


@contextmanager
def clean_environment() -> Iterator[None]:
    """Without the `GIT_*` variables that a hook or a parent git sets: they point at another repository.

    GitPython hands its own process's environment on and cannot unset a variable, hence process-wide.
    """
    dropped = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("GIT_") and name not in _KEPT and not name.startswith(_KEPT_PREFIXES)
    }
    for name in dropped:
        del os.environ[name]
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        os.environ.update(dropped)


def open_repository(root: Path) -> Repo:
    """The repository that holds `root`; GitRefusedError (PHX901) where there is none. Close it."""
    from git import InvalidGitRepositoryError, NoSuchPathError, Repo
    from git.exc import GitCommandNotFound

    help_ = "run `git init` there, or name the repository with `-C DIR`"
    try:
        repo = Repo(root, search_parent_directories=True)
        found = run(repo, "rev-parse", "--is-bare-repository")
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise refused("PHX901", f"`{root}` is not inside a git repository", help_) from error
    except GitCommandNotFound as error:
        raise refused("PHX901", "git was not found", "install git 2.30 or newer") from error
    if found.status:
        repo.close()
        raise refused("PHX901", f"git cannot use `{root}`: {last_line(found.err)}", help_)
    return repo


def run(repo: Repo, *command: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Answer:
    """A git command in the repository, whatever its exit status."""
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        status, out, err = repo.git.execute(
            [repo.git.GIT_PYTHON_GIT_EXECUTABLE or "git", *command],
            istream=source,
            with_extended_output=True,
            with_exceptions=False,
            env=dict(env or {}),
        )
    return Answer(int(status), str(out), redacted(str(err)))


def git(repo: Repo, *command: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> str:
    """A git command that must succeed; its output. GitRefusedError (PHX914) otherwise."""
    answer = run(repo, *command, env=env, stdin=stdin)
    if answer.status:
        message = f"`git {command[0]}` failed: {last_line(answer.err)}"
        raise refused("PHX914", message, "run the same by hand with `-v` to see what git says")
    return answer.out


def refused(code: str, message: str, help_: str, *notes: str) -> GitRefusedError:
    """The exception that carries one diagnostic."""
    return GitRefusedError(Diagnostic(code=code, message=message, help=help_, notes=notes))


def prefix_in(repo: Repo, root: Path) -> str:
    """Where `root` lies in the repository: empty at its top, else with a trailing slash."""
    top = repo.working_tree_dir
    if top is None:
        return ""
    below = root.resolve().relative_to(Path(str(top)).resolve()).as_posix()
    return "" if below == "." else f"{below}/"


def list_tree(repo: Repo, commit: str, folders: Sequence[str]) -> dict[str, Entry]:
    """The files of a commit below `folders` (from the repository's top; none means all)."""
    wanted = ["--", *folders] if folders else []
    listing = git(repo, "ls-tree", "-r", "-z", "--full-tree", commit, *wanted)
    entries: dict[str, Entry] = {}
    for row in filter(None, listing.split("\0")):
        facts, _, path = row.partition("\t")
        mode, kind, oid = facts.split(" ")
        entries[path] = Entry(oid, "link" if mode == "120000" else kind)
    return entries


def read_blobs(repo: Repo, oids: Iterable[str]) -> dict[str, bytes]:
    """The contents of blobs by object id, through one process."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return {}
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{oid}\n" for oid in wanted).encode())
        names.seek(0)
        stream: bytes = repo.git.cat_file(
            "--batch", istream=names, stdout_as_string=False, strip_newline_in_stdout=False
        )
    blobs: dict[str, bytes] = {}
    at = 0
    while at < len(stream):
        end = stream.index(b"\n", at)
        oid, kind, size = stream[at:end].decode().split(" ")
        if kind != "blob":
            raise ValueError(f"{oid} is a {kind}")
        start = end + 1
        at = start + int(size) + 1
        blobs[oid] = stream[start : at - 1]
    return blobs


def resolve(repo: Repo, ref: str) -> str:
    """The commit that `ref` names; GitRefusedError (PHX910) if there is none."""
    found = run(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.status:
        help_ = "name a branch, tag or commit that this checkout has; a shallow clone may need `git fetch`"
        raise refused("PHX910", f"there is no commit `{ref}`", help_)
    return found.out.strip()


def tree_at(root: Path, ref: str, prefix: str) -> Outcome[dict[str, bytes]]:
    """The plain files below `prefix` at a git ref, by path relative to it; nothing is checked out.

    Args:
        root: the repository's root as phoenix sees it; it may lie inside a larger git repository.
        ref: branch, tag or commit.
        prefix: a folder relative to `root`, without slash at its end; empty for all.

    """
    with clean_environment():
        try:
            repo = open_repository(root)
            with repo:
                base = (prefix_in(repo, root) + prefix).strip("/")
                entries = list_tree(repo, resolve(repo, ref), [base] if base else [])
                plain = {path: entry.oid for path, entry in entries.items() if entry.kind == "blob"}
                blobs = read_blobs(repo, plain.values())
        except GitRefusedError as error:
            return Outcome({}, error.diagnostics)
    cut = f"{base}/" if base else ""
    return Outcome({path.removeprefix(cut): blobs[oid] for path, oid in plain.items() if path.startswith(cut)})


def last_line(text: str) -> str:
    """The line of git's complaint that says most: the first `fatal:` or `error:`, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for word in ("fatal: ", "error: "):
        for line in lines:
            if line.startswith(word):
                return line.removeprefix(word)
    return lines[-1] if lines else "no message"
