"""The generated tests of rules: promtool and vmalert-tool pass them, and mutants of the rules turn them red."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix_gitops.front import run_front
from phoenix_gitops.rules.platform import RuleFile, platform_files, tenant_file
from phoenix_gitops.ruletests.case import RuleTest, rule_key
from phoenix_gitops.ruletests.files import FileOfTests, files_of, platform_tests, tenant_tests
from phoenix_gitops.scope import ClusterScope
from phoenix_gitops.yamlout import dump
from tests.proof.judge import PROOF, ROOT, tool
from tests.proof.mutants import Mutant, mutants

pytestmark = pytest.mark.proof

ENVIRONMENT = "prod-eu"
TENANTS = ("checkout", "email")
"""One tenant of each kind: requests with a page, batches without. The rules of the others differ in names."""
COMPLETE = os.environ.get("PHOENIX_ALL_MUTANTS") == "1"
SURVIVORS = Path(__file__).parent / "survivors.yaml"
KILLED = 0.95


@dataclass(frozen=True)
class Rules:
    file: RuleFile
    tests: tuple[RuleTest, ...]


@cache
def rules() -> tuple[Rules, ...]:
    world = run_front(ROOT).world
    assert world is not None
    env = world.environment(ENVIRONMENT)
    scope = ClusterScope(env=env, cluster=env.environment.spec.clusters[0])
    found = [Rules(file, platform_tests(scope, file).tests) for file in platform_files(scope)]
    for name in TENANTS:
        tenant = world.tenant(env.environment, name)
        file = tenant_file(env, tenant)
        assert file is not None
        found.append(Rules(file, tenant_tests(tenant, file).tests))
    shards = [one for one in found if one.file.name.startswith("tenants-")]
    return tuple(one for one in found if one not in shards[1:])


def promtool(files: list[str], folder: Path) -> dict[str, bool]:
    """Which files of tests pass."""
    done = subprocess.run(
        [tool("promtool"), "test", "rules", *files],
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        env={"TMPDIR": "/dev/shm" if Path("/dev/shm").is_dir() else str(folder), "GOGC": "400"},
    )
    sections = re.split(r"^Processing test file: (.*)$", done.stdout, flags=re.MULTILINE)
    found = {name: "\n  SUCCESS" in f"\n{said}" for name, said in zip(sections[1::2], sections[2::2], strict=True)}
    assert sorted(found) == sorted(files), done.stdout[-2000:]
    return found


def test_promtool_passes_the_tests_as_they_are_committed(judge):
    """Those of one cluster and of each kind of tenant; all of them are run by `phoenix test`, in another test."""
    folder = PROOF / ENVIRONMENT / "eu-west-1" / "tests"
    names = {one.file.name for one in rules()}
    files = sorted(path.name for path in folder.glob("*.yaml") if path.name.split(".")[0] in names)
    assert len(files) > len(names)
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda half: promtool(half, folder), (files[::2], files[1::2]))
    assert [name for half in halves for name, passed in half.items() if not passed] == []
    judge.took("promtool", len(files), "generated files of tests")


def test_vmalert_tool_passes_what_both_engines_mean_alike(judge, tmp_path):
    """Tests of limits and texts, in its own notation; those that say that they are Prometheus' are left out."""
    number = 0
    for one in rules():
        alike = [test for test in one.tests if not test.differs and test.every == 60 and "round(" not in str(test)]
        for made in files_of(one.file, alike):
            body = made.plain()
            del body["fuzzy_compare"]
            for test in body["tests"]:
                if "promql_expr_test" in test:
                    test["metricsql_expr_test"] = test.pop("promql_expr_test")
            number += len(body["tests"])
            _write(tmp_path, made, body, one.file.name)
    (tmp_path / "tests").mkdir(exist_ok=True)
    for file in sorted((tmp_path / "tests").glob("*.yaml")):
        done = subprocess.run(
            [tool("vmalert-tool"), "unittest", f"--files={file}", "--disableAlertgroupLabel"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={"TMPDIR": "/dev/shm" if Path("/dev/shm").is_dir() else str(tmp_path), "GOGC": "400"},
        )
        assert done.returncode == 0, f"{file.name}: {done.stdout[-3000:]}{done.stderr[-1500:]}"
    judge.took("vmalert-tool", number, "generated tests")


def _write(folder: Path, made: FileOfTests, body: dict[str, Any], rule_file: str) -> None:
    for part, name, content in (
        ("rules", rule_file, {"groups": [group.plain() for group in made.groups]}),
        ("tests", made.name, body),
    ):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / f"{name}.yaml").write_text(dump(content))


@dataclass(frozen=True)
class Case:
    """A mutant in its rule file, and the files of tests that are about it."""

    name: str
    files: tuple[str, ...]


def cases(folder: Path) -> Iterator[Case]:
    for one in rules():
        for group in one.file.groups:
            for i, rule in enumerate(group.rules):
                # A sample of rules that have very many, and of windows that differ in their length alone.
                every = list(mutants(rule.plain()))
                alike = group.name.endswith("-ratios") or group.name.startswith("phoenix-control")
                kept = every if COMPLETE or not alike else [m for m in every if m.chosen(8)]
                for mutant in kept if COMPLETE or alike else [m for m in kept if m.chosen(3)]:
                    yield _laid_out(folder, one, (group.name, i), rule_key(rule), mutant)


def _laid_out(folder: Path, one: Rules, at: tuple[str, int], key: str, mutant: Mutant) -> Case:
    number = _number()
    groups = [group.plain() for group in one.file.groups]
    next(group for group in groups if group["name"] == at[0])["rules"][at[1]] = mutant.rule
    if at[0].startswith("slo-"):
        # What stands in other groups is given as input, except from end to end, which is left out here.
        groups = [group for group in groups if group["name"] == at[0]]
    about = [test for test in one.tests if key in test.covers and "first error of" not in test.name]
    order = {group["name"] for group in groups}
    kept = tuple(group for group in one.file.groups if group.name in order)
    (folder / "rules" / f"{number}.yaml").write_text(yaml.dump({"groups": groups}, Dumper=yaml.CSafeDumper))
    files = []
    for made in files_of(replace(one.file, name=str(number), groups=kept), about):
        files.append(f"{made.name}.yaml")
        (folder / "tests" / files[-1]).write_text(dump(made.plain()))
    return Case(f"{one.file.name}: {key}: {mutant.what}", tuple(files))


_COUNT = Counter[str]()


def _number() -> int:
    _COUNT["mutants"] += 1
    return _COUNT["mutants"]


def test_mutants_of_rules_turn_their_tests_red(judge, tmp_path):
    for part in ("rules", "tests"):
        (tmp_path / part).mkdir()
    made = list(cases(tmp_path))
    files = [file for case in made for file in case.files]
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda half: promtool(half, tmp_path / "tests"), (files[::2], files[1::2]))
    passed = {name: ok for half in halves for name, ok in half.items()}
    alive = sorted(case.name for case in made if all(passed[file] for file in case.files))
    if os.environ.get("PHOENIX_SURVIVORS"):
        Path(os.environ["PHOENIX_SURVIVORS"]).write_text("\n".join(alive))
    print(f"{len(made)} mutants, {len(alive)} alive")
    listed = yaml.safe_load(SURVIVORS.read_text())
    assert [name for name in alive if not any(re.search(entry["like"], name) for entry in listed)] == []
    equal = [name for name in alive if any(e.get("equal") and re.search(e["like"], name) for e in listed)]
    left = len(alive) - len(equal)
    if COMPLETE:
        unused = [entry["like"] for entry in listed if not any(re.search(entry["like"], name) for name in alive)]
        assert unused == [], "killed by now: take them off the list"
    assert left <= (1 - KILLED) * (len(made) - len(equal))
    judge.refused("promtool", len(made) - len(alive), "mutants of rules")
