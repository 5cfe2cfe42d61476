"""The cache only saves time: what it gives is what would be made, and it never gives what is old."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from phoenix_gitops import back, parallel
from phoenix_gitops.back import Tools, compile_environment
from phoenix_gitops.cache import TreeCache, UnitCache, context_digest
from phoenix_gitops.cli.session import stages
from phoenix_gitops.front import run_front
from phoenix_gitops.tree import FileState, Ownership

SMALL = Path(__file__).parents[1] / "cases" / "good" / "small"


@pytest.fixture
def root(tmp_path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "small"))


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """The units that were really made."""
    units: list[str] = []
    run = parallel.run_unit

    def counted(stage, unit, schemas, summary=None):
        units.append(f"{unit.component}/{unit.tenant}")
        return run(stage, unit, schemas, summary)

    monkeypatch.setattr(parallel, "run_unit", counted)
    return units


def compiled(root: Path, cache: Path, context: str = "c"):
    front = run_front(root)
    (stage,), _ = stages(front, [])
    units = partial(UnitCache, cache, context=context)
    return compile_environment(stage, front.policies, Tools(schemas=None, cache=None, units=units))


def test_nothing_changed_makes_nothing(root, tmp_path, made):
    first = compiled(root, tmp_path / "cache")
    assert made
    made.clear()
    assert compiled(root, tmp_path / "cache") == first
    assert made == []


def test_a_changed_tenant_makes_its_own_units_and_those_that_see_all_tenants(root, tmp_path, made):
    compiled(root, tmp_path / "cache")
    made.clear()
    policy = root / "policies" / "shop.yaml"
    policy.write_text(policy.read_text().replace("shop-devs", "shop-people"))
    result = compiled(root, tmp_path / "cache")
    assert sorted(made) == ["ingest/shop", "rules/shop", "tenancy/shop"]
    assert any(b"shop-people" in file.content for file in result.files)


def test_another_context_makes_everything(root, tmp_path, made):
    compiled(root, tmp_path / "cache")
    everything = sorted(made)
    made.clear()
    compiled(root, tmp_path / "cache", context="other code")
    assert sorted(made) == everything


def test_a_damaged_cache_is_as_none(root, tmp_path, made):
    first = compiled(root, tmp_path / "cache")
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"\xc1 no messagepack")
    made.clear()
    assert compiled(root, tmp_path / "cache") == first
    assert made


def test_faults_come_out_of_the_cache_as_they_went_in(root, tmp_path, made):
    environment = root / "environments" / "main.yaml"
    environment.write_text(
        environment.read_text()
        + "  overrides:\n    - target: {kind: Deployment, name: gateway}\n"
        + "      patch: {spec: {template: {spec: {hostNetwork: true}}}}\n"
    )
    first = compiled(root, tmp_path / "cache")
    assert [d.code for d in first.diagnostics if d.severity == "error"]
    made.clear()
    assert compiled(root, tmp_path / "cache") == first
    assert made == []


def test_templates_and_schemas_of_the_repository_are_part_of_the_context(root):
    before = context_digest(root, ())
    (root / "templates").mkdir()
    (root / "templates" / "a.yaml.j2").write_text("a")
    between = context_digest(root, ())
    (root / "templates" / "a.yaml.j2").write_text("b")
    assert len({before, between, context_digest(root, ())}) == 3


def test_states_of_the_tree_come_back(tmp_path):
    cache = TreeCache(tmp_path)
    assert cache.load() == ({}, 0)
    states = {"a/b.yaml": FileState(3, 5, 7, b"digest", Ownership.INTACT)}
    cache.save(states)
    known, written = cache.load()
    assert known == states
    assert written == (tmp_path / "tree").stat().st_mtime_ns


def test_the_last_unit_is_never_kept(root, tmp_path, made, monkeypatch):
    """GitOps objects depend on what all others gave."""
    last = []
    run = back.run_unit
    monkeypatch.setattr(back, "run_unit", lambda *given: last.append(given[1].component) or run(*given))
    compiled(root, tmp_path / "cache")
    compiled(root, tmp_path / "cache")
    assert last == ["gitops", "gitops"]
