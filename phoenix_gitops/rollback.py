"""Roll an environment back: put a tree that was published before on its branch again, and hold it there.

For an incident: it needs neither the policies nor a compile, only the branch. The history goes on; nothing is forced.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops import __version__, promoter, revision
from phoenix_gitops.addresses import redacted
from phoenix_gitops.branch import Destination
from phoenix_gitops.diagnostics import Outcome
from phoenix_gitops.publications import ENVIRONMENT, HOLD, SOURCE, VERSION, Publication, publications
from phoenix_gitops.publish import connect
from phoenix_gitops.revision import Author, Push
from phoenix_gitops.tree import PROOF
from phoenix_gitops.vcs import (
    GitRefusedError,
    clean_environment,
    git,
    list_tree,
    open_repository,
    read_blobs,
    refused,
    run,
)

if TYPE_CHECKING:
    from git import Repo

_ATTEMPTS = 5
_SHOWN = 5
"""How many publications a help lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a rollback did."""

    branch: str
    repository: str
    """The remote's name or address, without credentials."""
    commit: str
    """The branch's tip afterwards."""
    back_to: Publication
    files: int
    """How many files differ from what was there."""


def rollback(
    root: Path, environment: str, destination: Destination, *, to: str = "", reason: str
) -> Outcome[RolledBack | None]:
    """Publish a former tree of the environment once more, with a hold.

    Args:
        root: the repository of the policies.
        environment: whose tree.
        destination: where trees are published; mode `tree` has no branch of its own and is refused (PHX917).
        to: a commit of the branch, or the commit of the policies that was published; empty for the newest tree that
            differs from the present one.
        reason: what the hold says; one line.

    """
    with clean_environment(), ExitStack() as stack:
        try:
            if destination.mode == "tree":
                raise refused(
                    "PHX917",
                    "with output mode `tree` the branch holds the policies too: a former tree would not fit them",
                    "run `git revert COMMIT` on the change of policies, compile and commit; or hold the part",
                )
            repo = stack.enter_context(open_repository(root))
            target, remote = connect(stack, repo, root, destination)
            return Outcome(_Rollback(target, remote, environment, destination, to, reason).run(repo))
        except GitRefusedError as error:
            return Outcome(None, error.diagnostics)


@dataclass(frozen=True, slots=True)
class _Rollback:
    repo: Repo
    remote: str
    environment: str
    destination: Destination
    to: str
    reason: str

    def run(self, policies: Repo) -> RolledBack:
        branch = self.destination.branch_of(self.environment)
        for _ in range(_ATTEMPTS):
            tip = revision.fetch(self.repo, self.remote, branch, whole=True)
            if not tip:
                raise refused(
                    "PHX917",
                    f"`{self.environment}` was never published: `{redacted(self.remote)}` has no branch `{branch}`",
                    "publish it first",
                )
            done = self._commit(policies, tip, branch)
            if revision.push(self.repo, self.remote, done.commit, branch) is Push.DONE:
                if self.destination.promoter:
                    promoter.note(self.repo, self.remote, done.commit, done.back_to.source, self._author())
                return done
        raise refused(
            "PHX908",
            f"`{branch}` moved on {_ATTEMPTS} times while it was being rolled back",
            "stop the other writer, then roll back again",
        )

    def _commit(self, policies: Repo, tip: str, branch: str) -> RolledBack:
        former = self._former(policies, tip)
        folders = {folder: self._tree(former.commit, folder) for folder in self._folders}
        tree = revision.restore(self.repo, tip, folders, self._marks(former))
        changed = git(self.repo, "diff-tree", "-r", "-z", "--name-only", f"{tip}^{{tree}}", tree).split("\0")
        author = self._author()
        commit = revision.write_commit(self.repo, tree, (tip,), self._message(former), author)
        return RolledBack(
            branch=branch,
            repository=redacted(self.remote),
            commit=commit,
            back_to=former,
            files=len([path for path in changed if path]),
        )

    def _marks(self, former: Publication) -> dict[str, bytes]:
        """For GitOps Promoter: what the former tree was compiled from, in the words of then."""
        if not self.destination.promoter:
            return {}
        there = [entry.oid for entry in list_tree(self.repo, former.commit, [promoter.METADATA]).values()]
        then = next(iter(read_blobs(self.repo, there).values()), b"")
        return {promoter.METADATA: then or promoter.metadata(promoter.Dry(commit=former.source))}

    @property
    def _folders(self) -> tuple[str, ...]:
        base = self.destination.path
        return f"{base}/{self.environment}", f"{base}/{PROOF}/{self.environment}"

    def _tree(self, commit: str, folder: str) -> str:
        """The id of a folder's tree; empty where the commit has no such folder."""
        return run(self.repo, "rev-parse", "--verify", "--quiet", f"{commit}:{folder}").out.strip()

    def _former(self, policies: Repo, tip: str) -> Publication:
        known = list(publications(self.repo, tip, self.environment))
        if self.to:
            return self._named(policies, known)
        folder = self._folders[0]
        now = self._tree(tip, folder)
        if known and known[0].hold:
            # Already rolled back: what came after the tree that is there now was the bad one.
            same = (i for i, one in enumerate(known) if not one.hold and self._tree(one.commit, folder) == now)
            known = known[next(same, len(known)) :]
        for one in known:
            if self._tree(one.commit, folder) not in ("", now):
                return one
        raise refused("PHX917", f"there is no former tree of `{self.environment}` to go back to", _listed(known))

    def _named(self, policies: Repo, known: Sequence[Publication]) -> Publication:
        names = {self.to.lower()}
        for repo in (policies, self.repo):
            # A tag or a branch stands for its commit, where this checkout knows it.
            found = run(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{self.to}^{{commit}}")
            names |= {found.out.strip()} if not found.status else set()
        for one in known:
            if any(commit.startswith(name) for name in names if len(name) >= 7 for commit in (one.commit, one.source)):
                return one
        raise refused("PHX917", f"nothing of `{self.environment}` was published as or from `{self.to}`", _listed(known))

    def _author(self) -> Author:
        facts = git(self.repo, "var", "GIT_AUTHOR_IDENT").strip()
        name, _, rest = facts.partition(" <")
        email, _, date = rest.partition("> ")
        return Author(name=name, email=email, date=date)

    def _message(self, former: Publication) -> str:
        trailers = [
            f"{SOURCE}: {former.source}",
            f"{ENVIRONMENT}: {self.environment}",
            f"{VERSION}: {__version__}",
            f"{HOLD}: {self.reason}",
        ]
        subject = f"{self.environment}: roll back to {former.source[:12]}"
        return "\n\n".join([subject, f"{self.reason}", "\n".join(trailers)]) + "\n"


def _listed(known: Sequence[Publication]) -> str:
    if not known:
        return "nothing of it was published yet"
    rows = [f"`{one.source[:12]}` of {one.day}" for one in islice(known, _SHOWN)]
    return f"published were, newest first: {', '.join(rows)}"
