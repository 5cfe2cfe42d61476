"""Git repositories as policies name them: when two addresses mean one repository, and where a tree is committed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.platform import Platform

_SCP: Final = re.compile(r"(?P<host>(?:[^@:/]+@)?[^@:/]+):(?P<path>(?!//).+)", re.ASCII)
_DEFAULT_PORTS: Final = {"ssh": 22, "https": 443, "http": 80, "git": 9418}


@dataclass(frozen=True, slots=True)
class Location:
    """Where an environment's tree is committed: a repository's address as written in the policy, and a branch."""

    url: str
    branch: str

    @property
    def revision(self) -> str:
        """The branch in full, so that no tag of the same name can stand in for it."""
        return f"refs/heads/{self.branch}"


def normalise(url: str) -> str:
    """One spelling for all addresses of a repository: to compare by, not to connect with.

    `git@host:path` is `ssh://git@host/path`; case, default ports, slashes at the end and `.git` make no difference, as
    they make none to Argo CD and to the usual servers. Transport and user do: they need other credentials.
    """
    url = url.strip()
    scp = _SCP.fullmatch(url)
    if "://" not in url and scp:
        url = f"ssh://{scp['host']}/{scp['path']}"
    parts = urlsplit(url)
    user, at, address = parts.netloc.rpartition("@")
    port = f":{_DEFAULT_PORTS.get(parts.scheme)}"
    address = address.removesuffix(port)
    path = re.sub("/{2,}", "/", parts.path).rstrip("/").removesuffix(".git").rstrip("/")
    return f"{parts.scheme}://{user}{at}{address}{path}".lower()


def has_password(url: str) -> bool:
    """Whether an address holds a password or token, which would be written into every Application."""
    if "://" not in url:
        return False
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    # A user alone is a name over ssh (`git@`), and over http commonly a token.
    return bool(at) and (":" in user or url.startswith("http"))


def location(platform: Platform, environment: str) -> Location | Diagnostic:
    """Where the tree of an environment is committed, or `PHX674` if it cannot be committed there."""
    repository, output = platform.spec.repository, platform.spec.output
    if has_password(repository.url) or has_password(output.url or ""):
        return _fault(
            "a repository's address holds a password or token, which would stand in every Application",
            "take it out of the address and give it to Argo CD as a repository credential",
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
    if normalise(output.url) == normalise(repository.url):
        return _fault(
            f"output repository `{output.url}` is the repository of the policies",
            "name another repository in `spec.output.url`, or set `spec.output.mode: branch`",
        )
    return Location(output.url, branch)


def _fault(message: str, advice: str) -> Diagnostic:
    return Diagnostic(code="PHX674", message=message, help=f"{advice}, in phoenix.yaml")
