from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from phoenix_gitops.__main__ import run


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all tests: schemas are compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _clean_room(cache, monkeypatch):
    """No identity, settings or cache of the machine's user; child processes see the same."""
    for name, value in {
        "PHOENIX_CACHE": str(cache),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Bot",
        "GIT_COMMITTER_EMAIL": "bot@example.org",
    }.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Checkout:
    """A user's repository in a temporary folder, and `phoenix` and `git` in it."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def phoenix(self, *arguments: str) -> Said:
        self.capsys.readouterr()
        code = run([arguments[0], "-C", str(self.root), *arguments[1:]])
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.root), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def replace(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))

    def tree(self) -> dict[str, bytes]:
        top = self.root / "generated"
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


TENANT = "policies/tenants/example/tenant.yaml"
QUOTA = "generated/main/main/tenancy/example/resourcequota-tenant.yaml"


@pytest.fixture
def checkout(tmp_path, capsys):
    """What `phoenix init` makes, committed; it keeps its output in the work tree."""
    root = tmp_path / "repository"
    assert run(["init", str(root)]) == 0
    made = Checkout(root, capsys)
    made.replace("phoenix.yaml", "mode: branch", "mode: tree")
    made.replace(".gitignore", "/generated/\n", "")
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit("policies")
    return made


@pytest.fixture
def pair(checkout):
    """The checkout with a second environment, `other`, on a cluster of its own."""
    text = (checkout.root / "environments/main.yaml").read_text()
    text = text.replace("name: main", "name: other").replace("kubernetes.default.svc", "other.example.com")
    (checkout.root / "environments/other.yaml").write_text(text)
    checkout.commit("another environment")
    return checkout
