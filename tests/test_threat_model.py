"""docs/threat-model.md names a test for each way in; here is that they exist, and those that have no better place."""

from __future__ import annotations

import ast
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from phoenix_gitops.cli import phoenix

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]
WAYS = [row for row in ROWS if row[0] != "way in"]
SMALL = ROOT / "tests" / "cases" / "good" / "small"


@cache
def defined_in(file: str) -> frozenset[str]:
    """The tests that a file defines."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", WAYS, ids=lambda row: re.sub(r"\W+", "-", row[0]))
def test_each_way_in_names_what_closes_it_and_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 3, row
    assert row[1]
    node = re.fullmatch(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", row[2])
    assert node, row[2]
    assert node[2] in defined_in(node[1])


def test_the_page_names_each_sort_of_way_in() -> None:
    assert len(WAYS) >= 50
    for word in (
        *("link", "`..`", "absolute path", "alias", "template", "override", "guardrail", "schema", "generated/"),
        *(".phoenix", "workflow", "terminal escapes", "address", "CUE", "PromQL", "token", "pattern"),
    ):
        assert any(word in row[0] for row in WAYS), word


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "repository"))


def run(repository: Path, *arguments: str) -> Result:
    runner = CliRunner(env={"PHOENIX_CACHE": str(repository.parent / "cache")})
    return runner.invoke(phoenix, ["-C", str(repository), *arguments], standalone_mode=False)


def platform(repository: Path, old: str, new: str) -> None:
    file = repository / "phoenix.yaml"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    "address", ["ext::sh -c touch% pwned", "--upload-pack=touch pwned", "-oProxyCommand=x", "fd::17", "/etc"]
)
def test_addresses_that_would_run_something(repository: Path, address: str) -> None:
    platform(repository, "https://git.example.com/small.git", address)
    result = run(repository, "validate")
    assert (result.exception, result.return_value) == (None, 1)
    assert "error[PHX206]: `spec.repository.url` cannot be" in result.output


@pytest.mark.parametrize("name", ["os", "phoenix_gitops.tools", "../evil", "pytest"])
def test_an_emitter_must_be_installed(repository: Path, name: str) -> None:
    platform(repository, "spec:\n", f"spec:\n  emitters: ['{name}']\n")
    (repository / "evil.py").write_text("raise SystemExit('ran')\n")
    result = run(repository, "validate")
    assert (result.exception, result.return_value) == (None, 1)
    assert f"error[PHX690]: emitter `{name}` cannot be used: no installed package offers it" in result.output


def test_a_cache_in_the_repository_is_not_used(repository: Path) -> None:
    assert run(repository, "compile").return_value == 0
    tree = {path: path.read_bytes() for path in (repository / "generated").rglob("*") if path.is_file()}
    kept = list((repository.parent / "cache").rglob("*.units"))
    assert kept
    for folder in (repository, repository / ".phoenix", repository / ".phoenix" / "cache"):
        folder.mkdir(exist_ok=True)
        for file in kept:
            (folder / file.name).write_bytes(b"\x81\xa1x\xc4\x00")
    shutil.rmtree(repository.parent / "cache")
    shutil.rmtree(repository / "generated")
    assert run(repository, "compile").return_value == 0
    assert {path: path.read_bytes() for path in (repository / "generated").rglob("*") if path.is_file()} == tree
