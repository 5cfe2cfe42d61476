"""A branch for each step of a plan, one on the other: made of git's objects, no work tree touched, nothing pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops.diagnostics import Outcome
from phoenix_gitops.revision import changed_tree, write_commit
from phoenix_gitops.vcs import (
    GitRefusedError,
    clean_environment,
    git,
    open_repository,
    prefix_in,
    refused,
    resolve,
    run,
)

if TYPE_CHECKING:
    from git import Repo


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be on a branch, beside what the one before it has."""

    branch: str
    message: str
    files: Mapping[str, bytes | None]
    """Contents by path below the root of the policies; None takes a file away."""


def uncommitted(root: Path, paths: Sequence[str]) -> Outcome[str]:
    """The commit that is checked out; PHX902 if files below `paths` differ from it, PHX903 if there is none."""
    with clean_environment():
        try:
            with open_repository(root) as repo:
                if run(repo, "rev-parse", "--verify", "--quiet", "HEAD").status:
                    raise refused("PHX903", "this repository has no commit yet", "commit the policies first")
                prefix = prefix_in(repo, root)
                wanted = [f":(top,literal){prefix}{path}" for path in paths]
                rows = git(repo, "status", "--porcelain", "-z", "--", *wanted).split("\0")
                dirty = [row[3:] for row in rows if row]
                if dirty:
                    more = f" and {len(dirty) - 1} more differ" if len(dirty) > 1 else " differs"
                    help_ = "commit or drop the changes first: a step is a change of its own"
                    raise refused("PHX902", f"`{dirty[0]}`{more} from the last commit", help_)
                return Outcome(resolve(repo, "HEAD"))
        except GitRefusedError as error:
            return Outcome("", error.diagnostics)


def propose(root: Path, proposals: Sequence[Proposal]) -> Outcome[tuple[str, ...]]:
    """Make the branches, the first on the commit that is checked out; gives the names of those that are new.

    A branch that holds the same files already stays; one that holds others is PHX911, and then none is made.
    """
    with clean_environment():
        try:
            with open_repository(root) as repo:
                return Outcome(_propose(repo, prefix_in(repo, root), proposals))
        except GitRefusedError as error:
            return Outcome((), error.diagnostics)


def _propose(repo: Repo, prefix: str, proposals: Sequence[Proposal]) -> tuple[str, ...]:
    tip = resolve(repo, "HEAD")
    made: dict[str, str] = {}
    for one in proposals:
        tree = changed_tree(repo, tip, {prefix + path: content for path, content in one.files.items()})
        there = run(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{one.branch}^{{commit}}").out.strip()
        if not there:
            tip = made[one.branch] = write_commit(repo, tree, [tip], one.message)
            continue
        facts = git(repo, "rev-parse", f"{there}^{{tree}}", f"{there}^").split()
        if facts != [tree, tip]:
            raise refused(
                "PHX911",
                f"there is a branch `{one.branch}` already, and it holds something else",
                f"delete it (`git branch -D {one.branch}`), or merge it, then ask again",
            )
        tip = there
    for branch, commit in made.items():
        git(repo, "update-ref", "-m", "phoenix", f"refs/heads/{branch}", commit, "")
    return tuple(made)
