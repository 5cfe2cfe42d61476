"""How far each environment is: which commit of the policies was published, what waits, what clusters made of it.

Git tells the first two; the last is what Argo CD said, held against the published tree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops import revision
from phoenix_gitops.argocd import Application
from phoenix_gitops.branch import Destination
from phoenix_gitops.deployed import ObjectKey, Planned, Reached, planned, reached
from phoenix_gitops.diagnostics import Diagnostic, Outcome, ordered
from phoenix_gitops.publications import Publication, latest
from phoenix_gitops.publish import INPUTS, connect
from phoenix_gitops.vcs import (
    GitRefusedError,
    clean_environment,
    git,
    list_tree,
    open_repository,
    prefix_in,
    read_blobs,
    resolve,
    run,
)

if TYPE_CHECKING:
    from git import Repo

_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


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
    beside: bool = False
    """Whether the tree lies beside the policies, so that a commit of them is its publication."""
    reached: tuple[Reached, ...] = ()
    """Its Applications in Argo CD, the worst first; none where nobody asked."""

    @property
    def state(self) -> str:
        """The state in words."""
        if self.beside:
            return "committed beside its policies"
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


Objects = Mapping[str, Mapping[tuple[str, str], Collection[ObjectKey]]]
"""Objects by environment, then by (cluster, component)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What Argo CD said, and which objects of it count: None stands for all."""

    applications: Sequence[Application]
    objects: Objects | None = None


def status(
    root: Path,
    environments: Iterable[str],
    destination: Destination,
    files: Collection[str] = (),
    live: Live | None = None,
) -> Outcome[tuple[Status, ...]]:
    """Where each environment stands against the last commit of the policies.

    Args:
        root: the repository of the policies.
        environments: which ones.
        destination: where trees are published; mode `tree` stands for the last commit of the checkout.
        files: the policy files that matter, relative to `root`; none means everything that a compile reads.
        live: what Argo CD said, to be held against the published trees.

    """
    rows: list[Status] = []
    found: list[Diagnostic] = []
    with clean_environment(), ExitStack() as stack:
        try:
            policies = stack.enter_context(open_repository(root))
            target, remote = connect(stack, policies, root, destination)
            look = _Look(policies, prefix_in(policies, root), resolve(policies, "HEAD"), sorted(files) or INPUTS)
            for name in sorted(environments):
                if destination.mode == "tree":
                    row, active = look.beside(name), look.head
                else:
                    row, active = _published(look, target, remote, destination, name, whole=live is not None)
                if live is not None:
                    folder = (look.prefix if destination.mode == "tree" else "") + destination.path
                    row = replace(row, reached=_reached(target, active, f"{folder}/{name}", name, live))
                rows.append(row)
        except GitRefusedError as error:
            found += error.diagnostics
    return Outcome(tuple(rows), ordered(found))


def _published(
    look: _Look, target: Repo, remote: str, destination: Destination, name: str, *, whole: bool
) -> tuple[Status, str]:
    """An environment's state, and the tip of the branch that its clusters read; `whole`: with its history."""
    branch = destination.branch_of(name)
    tip = revision.fetch(target, remote, branch, whole=whole or destination.shared)
    row = look.status(name, branch, latest(target, tip, name))
    if not destination.promoter:
        return row, tip
    active = revision.fetch(target, remote, destination.active_of(name), whole=whole)
    return replace(row, waiting=bool(tip) and _differ(target, tip, active, f"{destination.path}/{name}")), active


def _reached(repo: Repo, tip: str, folder: str, name: str, live: Live) -> tuple[Reached, ...]:
    """How the Applications of the tree that clusters read stand in Argo CD."""
    plans: tuple[Planned, ...] = ()
    if tip:
        listed = {
            path: entry.oid
            for path, entry in list_tree(repo, tip, [folder]).items()
            if entry.kind == "blob" and path.removeprefix(folder).split("/")[2:3] == ["gitops"]
        }
        blobs = read_blobs(repo, listed.values())
        plans = planned({path: blobs[oid] for path, oid in listed.items()})
    known = {one.name: one for one in live.applications}
    asked = {(plan.path, known[plan.name].revision) for plan in plans if plan.name in known}
    behind = {(path, seen): count for path, seen in asked if (count := _behind(repo, seen, tip, path)) is not None}
    objects = None if live.objects is None else live.objects.get(name, {})
    return reached(name, plans, live.applications, behind, objects)


def _behind(repo: Repo, seen: str, tip: str, path: str) -> int | None:
    """How many commits of a folder lie between a revision and the tip; None where that is not known here."""
    if not _COMMIT.fullmatch(seen) or run(repo, "merge-base", "--is-ancestor", seen, tip).status:
        return None
    return int(git(repo, "rev-list", "--count", f"{seen}..{tip}", "--", f":(top,literal){path}"))


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

    def beside(self, name: str) -> Status:
        """The state of an environment whose tree is committed with its policies."""
        own = self.status(name, "-", None)
        return replace(own, beside=True)

    def _behind(self, source: str, paths: Sequence[str]) -> int | None:
        if not source or run(self.policies, "merge-base", "--is-ancestor", source, self.head).status:
            return None
        return int(git(self.policies, "rev-list", "--count", f"{source}..{self.head}", "--", *paths))
