"""Publish compiled trees: a commit a tree onto the branch or repository of the output mode, then a push.

It works on git's objects only: the user's work tree is never touched, the index only in mode `tree`.
Files on the branch that are not ours stay; nothing is ever pushed by force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops import promoter, revision
from phoenix_gitops.addresses import normalise
from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.branch import Base, Destination, Job, Lane, Objections, Published, Source, build, no_objections
from phoenix_gitops.diagnostics import Diagnostic, Outcome, ordered
from phoenix_gitops.lock import STATE
from phoenix_gitops.revision import Author, Push
from phoenix_gitops.tree import Classify
from phoenix_gitops.vcs import (
    GitRefusedError,
    clean_environment,
    git,
    open_repository,
    prefix_in,
    refused,
    run,
)

if TYPE_CHECKING:
    from git import Repo

INPUTS = ("phoenix.yaml", "environments", "policies", "templates", "schemas")
"""What a compile reads: a published tree must come from a commit of these."""
_ATTEMPTS = 5


def publish(
    root: Path,
    trees: Mapping[str, Sequence[RenderedFile]],
    destination: Destination,
    classify: Classify,
    *,
    version: str,
    inputs: Sequence[str] = INPUTS,
    force: bool = False,
    lift: bool = False,
    objections: Objections = no_objections,
    held: frozenset[str] = frozenset(),
) -> Outcome[tuple[Published, ...]]:
    """Commit and push each environment's tree; one environment's fault does not hold back the others.

    Args:
        root: the repository of the policies.
        trees: by environment, every file that it compiled to.
        destination: where to.
        classify: tells our files from others.
        version: the compiler's, for the trailer.
        inputs: paths below `root` that must be committed.
        force: replace files edited by hand on the branch, and publish an older commit over a newer one.
            It never means a forced push.
        objections: what speaks against publishing an environment; asked with the commit published last.
        lift: publish over a rollback that holds an environment.
        held: folders whose files stay if they were edited by hand.

    """
    done: list[Published] = []
    found: list[Diagnostic] = []
    with clean_environment():
        try:
            with open_repository(root) as repo:
                source = _read_source(repo, root, destination, inputs)
                job = Job(source, destination, classify, version, force, lift, objections, held)
                for branch, names in _lanes(job, trees).items():
                    lane = {name: trees[name] for name in names}
                    result = _publish_branch(repo, root, job, branch, lane)
                    found += result.diagnostics
                    done += [result.value] if result.value else []
        except GitRefusedError as error:
            found += error.diagnostics
    return Outcome(tuple(done), ordered(found))


def _read_source(repo: Repo, root: Path, destination: Destination, inputs: Sequence[str]) -> Source:
    if run(repo, "rev-parse", "--verify", "--quiet", "HEAD").status:
        raise refused("PHX903", "this repository has no commit yet", "commit the policies, then publish")
    prefix = prefix_in(repo, root)
    pathspecs = [f":(top,literal){prefix}{path}" for path in inputs]
    dirty = [row[3:] for row in git(repo, "status", "--porcelain", "-z", "--", *pathspecs).split("\0") if row]
    if dirty:
        more = f" and {len(dirty) - 1} more differ" if len(dirty) > 1 else " differs"
        raise refused(
            "PHX902",
            f"`{dirty[0]}`{more} from the last commit",
            "commit or drop the changes: a published tree names the commit that it was compiled from",
        )
    branch = run(repo, "symbolic-ref", "--quiet", "--short", "HEAD").out.strip()
    if destination.mode == "tree" and not branch:
        raise refused(
            "PHX907",
            "no branch is checked out, so there is none to commit the tree to",
            "check out a branch (`git switch main`), or use output mode `branch`",
        )
    facts = git(repo, "log", "-1", "--no-show-signature", "--date=raw", "--format=%H%x00%an%x00%ae%x00%ad%x00%s%x00%b")
    commit, name, email, date, subject, body = facts.rstrip("\n").split("\0")
    author = Author(name=name, email=email, date=date)
    return Source(commit=commit, subject=subject, body=body.strip(), author=author, branch=branch, prefix=prefix)


def _lanes(job: Job, trees: Mapping[str, Sequence[RenderedFile]]) -> dict[str, list[str]]:
    """Environments by the branch that they share."""
    lanes: dict[str, list[str]] = {}
    for name in sorted(trees):
        target = job.destination
        branch = job.source.branch if target.mode == "tree" else target.branch_of(name)
        lanes.setdefault(branch, []).append(name)
    return lanes


def _publish_branch(
    repo: Repo, root: Path, job: Job, branch: str, trees: Mapping[str, Sequence[RenderedFile]]
) -> Outcome[Published | None]:
    try:
        if run(repo, "check-ref-format", "--branch", branch).status:
            raise refused("PHX911", f"`{branch}` is no name for a branch", "correct `output.branch` in `phoenix.yaml`")
        with ExitStack() as stack:
            target, remote = connect(stack, repo, root, job.destination)
            in_place = job.destination.mode == "tree"
            lane = Lane(
                job=job,
                policies=repo,
                repo=target,
                remote=remote,
                branch=branch,
                folder=f"{job.source.prefix if in_place else ''}{job.destination.path}/",
                trees=trees,
            )
            return _publish_in_place(lane) if in_place else _publish_remote(lane)
    except GitRefusedError as error:
        return Outcome(None, error.diagnostics)


def connect(stack: ExitStack, repo: Repo, root: Path, destination: Destination) -> tuple[Repo, str]:
    """Where objects are built, and the remote (name or address) that they are pushed to.

    Raises `GitRefusedError` (PHX906) where mode `repo` names no repository.
    """
    if destination.mode != "repo":
        return repo, destination.remote
    url = _address(root, destination.url)
    for remote in repo.remotes:
        # The same repository in another spelling: use the checkout, which has its credentials.
        if normalise(remote.url) == normalise(url):
            return repo, remote.name
    cache = stack.enter_context(_open_cache(root, url))
    _take_settings(repo, cache)
    return cache, url


def _publish_remote(lane: Lane) -> Outcome[Published | None]:
    """Build on the branch's tip and push; if somebody was faster, on the new tip, a bounded number of times."""
    for _ in range(_ATTEMPTS):
        tip = revision.fetch(lane.repo, lane.remote, lane.branch, whole=lane.job.destination.shared)
        built = build(lane, _proposed_on(lane, tip) if lane.job.destination.promoter else Base(tip))
        done = built.value
        if done is None:
            return built
        if (tip and not done.pushed) or revision.push(lane.repo, lane.remote, done.commit, lane.branch) is Push.DONE:
            if lane.job.destination.promoter:
                source = lane.job.source
                promoter.note(lane.repo, lane.remote, done.commit, source.commit, source.author)
            return built
    raise refused(
        "PHX908",
        f"`{lane.branch}` moved on {_ATTEMPTS} times while it was being published",
        "publish again when the other writer has finished; let CI publish one commit at a time",
    )


def _proposed_on(lane: Lane, tip: str) -> Base:
    """What a proposal is built on: what was proposed before, else what clusters read."""
    (environment,) = lane.trees
    active = revision.fetch(lane.repo, lane.remote, lane.job.destination.active_of(environment))
    dry = promoter.noted(lane.repo, lane.remote, tip) if tip else ""
    return Base(tip or active, dry, active)


def _publish_in_place(lane: Lane) -> Outcome[Published | None]:
    """Commit the tree beside the policies, on the branch that is checked out, once the remote has taken it."""
    before = lane.job.source.commit
    built = build(lane, Base(before))
    if built.value is None or not built.value.pushed:
        return built
    commit = built.value.commit
    if revision.push(lane.repo, lane.remote, commit, lane.branch) is Push.RACED:
        raise refused(
            "PHX908",
            f"`{lane.branch}` of `{lane.remote}` holds commits that this checkout lacks",
            "pull them, compile again, then publish",
        )
    git(lane.repo, "update-ref", "-m", "phoenix publish", f"refs/heads/{lane.branch}", commit, before)
    # The index still holds the former tree, which would show as staged changes that undo the commit.
    git(lane.repo, "reset", "--quiet", "--", f":(top,literal){lane.folder.rstrip('/')}")
    return built


def _address(root: Path, url: str) -> str:
    if not url:
        raise refused("PHX906", "mode `repo` names no repository", "set `output.url` in `phoenix.yaml`")
    if "://" in url or (":" in url.split("/", maxsplit=1)[0]):
        return url
    return str((root / url).resolve())


def _open_cache(root: Path, url: str) -> Repo:
    """A bare repository below the state folder that holds the other repository's objects."""
    from git import Repo

    name = hashlib.sha256(normalise(url).encode()).hexdigest()[:16]
    return Repo.init(root / STATE / "publish" / f"{name}.git", bare=True, mkdir=True)


_SETTINGS = "^(user|author|committer|commit|gpg)[.]"


def _take_settings(policies: Repo, cache: Repo) -> None:
    """Who commits, and how it is signed, is what the policies' own checkout says."""
    rows = [run(repo, "config", "--local", "-z", "--get-regexp", _SETTINGS).out for repo in (policies, cache)]
    ours, theirs = ([row.partition("\n")[::2] for row in found.split("\0") if row] for found in rows)
    if ours == theirs:
        return
    for name in dict.fromkeys(name for name, _ in theirs):
        git(cache, "config", "--local", "--unset-all", name)
    for name, value in ours:
        git(cache, "config", "--local", "--add", name, value)
