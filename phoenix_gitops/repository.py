"""Git repositories as policies name them: where an environment's tree is committed."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_gitops.addresses import has_password, normalise
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.platform import Platform


@dataclass(frozen=True, slots=True)
class Location:
    """Where an environment's tree is committed: a repository's address as written in the policy, and a branch."""

    url: str
    branch: str

    @property
    def revision(self) -> str:
        """The branch in full, so that no tag of the same name can stand in for it."""
        return f"refs/heads/{self.branch}"


def location(platform: Platform, environment: str) -> Location | Diagnostic:
    """Where the tree of an environment is committed, or `PHX674` if it cannot be committed there."""
    repository, output = platform.spec.repository, platform.spec.output
    if has_password(repository.url) or has_password(output.url or ""):
        return _fault(
            "a repository's address holds a password or token, which would stand in the compiled tree",
            "take it out of the address and give it to the reconciler as a secret",
        )
    if output.promoter and (output.mode == "tree" or "{environment}" not in output.branch):
        return _fault(
            "`promoter` proposes to a branch of each environment, and `output` names none",
            "set `spec.output.mode` to `branch` or `repo`, with `{environment}` in `spec.output.branch`",
        )
    if output.mode == "tree":
        return Location(repository.url, repository.branch)
    branch = output.branch.replace("{environment}", environment)
    if output.mode == "branch":
        if branch == repository.branch:
            return _fault(
                f"output branch `{branch}` is the branch of the policies",
                "name another branch in `spec.output.branch`, or set `spec.output.mode: tree`",
            )
        return Location(repository.url, branch)
    if output.url is None:
        return _fault("output mode `repo` has no `url`", "say in `spec.output.url` which repository to commit to")
    if _is_same(output.url, repository.url):
        return _fault(
            f"output repository `{output.url}` is the repository of the policies",
            "name another repository in `spec.output.url`, or set `spec.output.mode: branch`",
        )
    return Location(output.url, branch)


def _is_same(one: str, other: str) -> bool:
    # The usual servers make no difference by case; to commit onto the policies would be worse than to refuse.
    return normalise(one).lower() == normalise(other).lower()


def _fault(message: str, advice: str) -> Diagnostic:
    return Diagnostic(code="PHX674", message=message, help=f"{advice}, in phoenix.yaml")
