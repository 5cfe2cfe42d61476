"""How far each environment is, from git alone: which commit of the policies was published, and what waits behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops import revision
from phoenix_gitops.branch import Destination
from phoenix_gitops.diagnostics import Diagnostic, Outcome, ordered
from phoenix_gitops.publications import Publication, latest
from phoenix_gitops.publish import INPUTS, connect
from phoenix_gitops.vcs import GitRefusedError, clean_environment, git, open_repository, prefix_in, resolve, run

if TYPE_CHECKING:
    from git import Repo


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One environment."""

    environment: str
    branch: str
    published: Publication | None
    """Its newest publication; None before its first."""
    behind: int | None
    """How many commits of the files at hand wait to be published; None where the published one is no ancestor."""
    changed: str = ""
    """The last commit of those files; empty if they were never committed."""
    waiting: bool = False
    """Whether it is proposed only: the branch that clusters read has another tree."""

    @property
    def state(self) -> str:
        """The state in words."""
        if self.published is None:
            return "never published"
        return self._state + "; waits for promotion" * self.waiting

    @property
    def _state(self) -> str:
        assert self.published is not None
        if self.published.hold:
            return f"held: {self.published.hold}"
        if self.behind is None:
            return "published from a commit that is not in this history"
        return f"{self.behind} commit{'s' * (self.behind != 1)} behind" if self.behind else "current"


def status(
    root: Path, environments: Iterable[str], destination: Destination, files: Collection[str] = ()
) -> Outcome[tuple[Status, ...]]:
    """Where each environment stands against the last commit of the policies.

    Args:
        root: the repository of the policies.
        environments: which ones.
        destination: where trees are published, with mode `branch` or `repo`.
        files: the policy files that matter, relative to `root`; none means everything that a compile reads.

    """
    rows: list[Status] = []
    found: list[Diagnostic] = []
    with clean_environment(), ExitStack() as stack:
        try:
            policies = stack.enter_context(open_repository(root))
            target, remote = connect(stack, policies, root, destination)
            look = _Look(policies, prefix_in(policies, root), resolve(policies, "HEAD"), sorted(files) or INPUTS)
            for name in sorted(environments):
                branch = destination.branch_of(name)
                tip = revision.fetch(target, remote, branch, whole=destination.shared)
                row = look.status(name, branch, latest(target, tip, name))
                if destination.promoter and tip:
                    active = revision.fetch(target, remote, destination.active_of(name))
                    row = replace(row, waiting=_differ(target, tip, active, f"{destination.path}/{name}"))
                rows.append(row)
        except GitRefusedError as error:
            found += error.diagnostics
    return Outcome(tuple(rows), ordered(found))


def _differ(repo: Repo, proposed: str, active: str, folder: str) -> bool:
    """Whether the folder of two commits (empty: none) is another."""
    names = [f"{tip}:{folder}" for tip in (proposed, active) if tip]
    trees = [run(repo, "rev-parse", "--verify", "--quiet", name).out for name in names]
    return len(trees) < 2 or trees[0] != trees[1]


@dataclass(frozen=True, slots=True)
class _Look:
    policies: Repo
    prefix: str
    head: str
    files: Sequence[str]

    def status(self, name: str, branch: str, published: Publication | None) -> Status:
        paths = [f":(top,literal){self.prefix}{file}" for file in self.files]
        changed = git(self.policies, "log", "-1", "--no-show-signature", "--format=%H", self.head, "--", *paths).strip()
        behind = None if published is None else self._behind(published.source, paths)
        return Status(environment=name, branch=branch, published=published, behind=behind, changed=changed)

    def _behind(self, source: str, paths: Sequence[str]) -> int | None:
        if not source or run(self.policies, "merge-base", "--is-ancestor", source, self.head).status:
            return None
        return int(git(self.policies, "rev-list", "--count", f"{source}..{self.head}", "--", *paths))
