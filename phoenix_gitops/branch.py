"""Lay trees on a branch: plan each environment against the branch's tip and commit, on git's objects only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from phoenix_gitops import revision, writes
from phoenix_gitops.addresses import redacted
from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.diagnostics import Diagnostic, Outcome
from phoenix_gitops.promoter import METADATA, PROPOSED, Dry, metadata
from phoenix_gitops.publications import ENVIRONMENT, SOURCE, VERSION, Publication, held, latest
from phoenix_gitops.revision import Author
from phoenix_gitops.tree import PROOF, Classify, FileState, Ownership, digest, owner_of
from phoenix_gitops.vcs import list_tree, read_blobs, run

if TYPE_CHECKING:
    from git import Repo


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where trees go (`output` of the Platform)."""

    mode: Literal["tree", "branch", "repo"] = "branch"
    branch: str = "env/{environment}"
    """`{environment}` stands for its name; not used in mode `tree`."""
    url: str = ""
    """The other repository, in mode `repo`; a path is relative to the root."""
    path: str = "generated"
    """The folder on the branch; the tree lies below it as below `generated/`."""
    remote: str = "origin"
    """The remote of modes `tree` and `branch`."""
    promoter: bool = False
    """Whether trees are proposed to GitOps Promoter, which merges them into the branches that clusters read."""
    policies_url: str = ""
    """The address of the policies' repository, for who reads what was proposed."""

    def active_of(self, environment: str) -> str:
        """The branch that an environment's clusters read; not for mode `tree`."""
        return self.branch.replace("{environment}", environment)

    def branch_of(self, environment: str) -> str:
        """The branch that an environment's tree is pushed to; not for mode `tree`."""
        return f"{self.active_of(environment)}{PROPOSED if self.promoter else ''}"

    @property
    def shared(self) -> bool:
        """Whether several environments lie on one branch."""
        return "{environment}" not in self.branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of one branch."""

    environments: tuple[str, ...]
    branch: str
    repository: str
    """The remote's name or address, without credentials."""
    commit: str
    """The branch's tip afterwards."""
    files: int
    """How many files changed."""
    pushed: bool
    """Whether there was anything to commit: files that changed, or a hold that was lifted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The commit that the policies were compiled from."""

    commit: str
    subject: str
    body: str
    author: Author
    branch: str
    prefix: str


Objections = Callable[[str, str], tuple[Diagnostic, ...]]
"""What speaks against publishing an environment, by its name and the commit of the policies published last."""


def no_objections(_environment: str, _source: str) -> tuple[Diagnostic, ...]:
    """Nothing ever does."""
    return ()


@dataclass(frozen=True, slots=True)
class Job:
    """What all branches of one run share."""

    source: Source
    destination: Destination
    classify: Classify
    version: str
    force: bool
    lift: bool
    """Whether to publish over a rollback that holds."""
    objections: Objections
    held: frozenset[str]
    """Folders in which files edited by hand stay (see `writes.Scope`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One branch and what goes onto it. `policies` and `repo` are one repository but in mode `repo`."""

    job: Job
    policies: Repo
    repo: Repo
    remote: str
    branch: str
    folder: str
    """The folder on the branch, with its slash."""
    trees: Mapping[str, Sequence[RenderedFile]]

    @property
    def in_place(self) -> bool:
        """Whether the branch holds the policies too."""
        return self.job.destination.mode == "tree"


@dataclass(frozen=True, slots=True)
class Base:
    """What is on the remote: commits, empty where there is none."""

    tip: str
    """What to build on."""
    dry: str = ""
    """The commit of the policies that the tip's note says was compiled last."""
    active: str = ""
    """The tip of the branch that clusters read, where trees are proposed."""


def build(lane: Lane, on: Base) -> Outcome[Published | None]:
    """Commits on top of what is there (nothing: a new history): one a tree, or one for all beside the policies.

    The value is None when no environment passed.
    """
    base = on.tip
    found: list[Diagnostic] = []
    passed: list[str] = []
    changed: list[str] = []
    tip, files = base, 0
    for name, rendered in sorted(lane.trees.items()):
        last = None if lane.in_place else latest(lane.repo, base, name)
        obstacle = _in_the_way(lane, last, name, on.dry)
        found += obstacle
        if obstacle:
            continue
        edits = _edited_on_active(lane, on, name, rendered)
        planned = _plan(lane, tip, name, rendered)
        found += dict.fromkeys((*(() if lane.job.force else edits), *planned.diagnostics))
        if not planned.ok or (edits and not lane.job.force):
            continue
        passed.append(name)
        if not planned.value.changes and not (last and last.hold) and not edits and not _unmarked(lane, tip):
            continue
        changed.append(name)
        files += planned.value.changes
        tree = revision.write_tree(lane.repo, tip, lane.folder, planned.value, _marks(lane))
        # Beside the policies one commit holds all: the former tips of this loop are never named by a ref.
        parent, names = (base, changed) if lane.in_place else (tip, [name])
        # An edit on the active branch goes only if the proposal knows of it.
        parents = (parent, on.active) if edits else (parent,)
        tip = revision.write_commit(lane.repo, tree, parents, _message(lane.job, names), lane.job.source.author)
    if not passed:
        return Outcome(None, tuple(found))
    done = Published(
        environments=tuple(passed),
        branch=lane.branch,
        repository=redacted(lane.remote),
        commit=tip,
        files=files,
        pushed=bool(changed),
    )
    return Outcome(done, tuple(found))


def _unmarked(lane: Lane, tip: str) -> bool:
    """Whether GitOps Promoter would not know what the tip was compiled from."""
    return lane.job.destination.promoter and METADATA not in list_tree(lane.repo, tip, [METADATA])


def _marks(lane: Lane) -> dict[str, bytes]:
    """Files besides the tree, by path from the branch's top."""
    if not lane.job.destination.promoter:
        return {}
    source, author = lane.job.source, lane.job.source.author
    dry = Dry(
        commit=source.commit,
        url=redacted(lane.job.destination.policies_url),
        author=f"{author.name} <{author.email}>",
        date=author.date,
        subject=source.subject,
        body=source.body,
    )
    return {METADATA: metadata(dry)}


def _edited_on_active(lane: Lane, on: Base, name: str, rendered: Sequence[RenderedFile]) -> tuple[Diagnostic, ...]:
    """What was edited by hand on the branch that clusters read, where trees are only proposed to it."""
    if not on.active or on.active == on.tip:
        return ()
    active = lane.job.destination.active_of(name)
    planned = _plan(replace(lane, branch=active, job=replace(lane.job, force=False)), on.active, name, rendered)
    return tuple(one for one in planned.diagnostics if one.code == "PHX801")


def _plan(lane: Lane, tip: str, name: str, rendered: Sequence[RenderedFile]) -> Outcome[writes.WritePlan]:
    existing = _states(lane, tip, name, rendered) if tip else {}
    scope = writes.Scope(declared=frozenset({name}), compiled=frozenset({name}), held=lane.job.held)
    where = f"{lane.branch}:{lane.folder}"
    return writes.plan(rendered, existing, scope, force=lane.job.force, root=where)


def _states(lane: Lane, tip: str, name: str, rendered: Sequence[RenderedFile]) -> dict[str, FileState]:
    """The environment's files on the branch; only those that differ from what we bring are read."""
    entries = list_tree(lane.repo, tip, [f"{lane.folder}{name}", f"{lane.folder}{PROOF}/{name}"])
    kind = "sha256" if len(tip) == 64 else "sha1"
    ours = {file.path: file.content for file in rendered}
    states: dict[str, FileState] = {}
    other: dict[str, str] = {}
    for path, entry in entries.items():
        key = path.removeprefix(lane.folder)
        content = ours.get(key)
        if entry.kind != "blob":
            states[key] = FileState(0, 0, 0, b"", Ownership.FOREIGN)
        elif content is not None and _blob_id(kind, content) == entry.oid:
            states[key] = FileState(len(content), 0, 0, digest(content), Ownership.INTACT)
        else:
            other[key] = entry.oid
    blobs = read_blobs(lane.repo, other.values())
    for key, oid in other.items():
        content = blobs[oid]
        states[key] = FileState(len(content), 0, 0, digest(content), owner_of(key, content, lane.job.classify))
    return states


def _blob_id(kind: str, content: bytes) -> str:
    return hashlib.new(kind, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _message(job: Job, names: Sequence[str]) -> str:
    which = ", ".join(names) if len(names) <= 3 else f"{len(names)} environments"
    trailers = [
        f"{SOURCE}: {job.source.commit}",
        *(f"{ENVIRONMENT}: {name}" for name in names),
        f"{VERSION}: {job.version}",
    ]
    subject = f"{which}: publish {job.source.commit[:12]}"
    return "\n\n".join([subject, f"Compiled from: {job.source.subject}", "\n".join(trailers)]) + "\n"


def _in_the_way(lane: Lane, last: Publication | None, name: str, dry: str) -> tuple[Diagnostic, ...]:
    """Why the environment's tree on the branch must stay: a rollback holds it, or it is from a later commit."""
    if last is None:
        return ()
    if last.hold and not lane.job.lift:
        return (held(name, last),)
    ours, theirs = lane.job.source.commit, dry or last.source
    if not theirs or theirs == ours:
        return ()
    _bring(lane, theirs)
    objections = lane.job.objections(name, theirs)
    if objections or lane.job.force:
        return objections
    if run(lane.policies, "merge-base", "--is-ancestor", ours, theirs).status:
        return ()
    return (
        Diagnostic(
            code="PHX909",
            message=f"environment `{name}` was already published from `{theirs[:12]}`, a later commit",
            help="nothing to do if two runs overlapped; to go back on purpose, publish with `--force`",
        ),
    )


def _bring(lane: Lane, commit: str) -> None:
    """Brings a commit of the policies that this checkout lacks: it is shallow, or older than what was published.

    A commit that the remote does not have any more stays unknown.
    """
    remote = lane.job.destination.remote
    if remote in [one.name for one in lane.policies.remotes]:
        revision.bring(lane.policies, remote, commit)
