"""Generated rules before the programs that will load them: promtool and vmalert, real ones.

`make proof` gets them. Here a missing judge or an absent rule file is a failure: nothing is skipped.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.proof.judge import GENERATED, PROOF, tool
from tests.proof.rule_tests import ENGINES, PROMTOOL, VMALERT_TOOL, run_tests

pytestmark = pytest.mark.proof

PROMTOOL_CHECK = ("check", "rules", "--lint=all", "--lint-fatal")
LINTED = 3
"""What promtool exits with when a rule is well-formed and yet wrong."""

FAULTS: dict[str, tuple[str, str, str]] = {
    "syntax": ("record: 'a:b', expr: 'sum(rate(x_total[5m])'", "unclosed left parenthesis", "bad MetricsQL expr"),
    "field": ("record: 'a:b', exprr: 'x'", "field exprr not found", "expression can't be empty"),
    "both kinds": (
        "record: 'a:b', alert: A, expr: x",
        "only one of 'record' and 'alert'",
        "either `record` or `alert`",
    ),
    "unknown function": (
        "record: 'a:b', expr: 'ratee(x_total[5m])'",
        'unknown function with name "ratee"',
        'unsupported function "ratee"',
    ),
    "template variable": ("alert: A, expr: x, annotations: {s: '{{ $valu }}'}", *['undefined variable "$valu"'] * 2),
    "template function": (
        "alert: A, expr: x, annotations: {s: '{{ $value | humanizee }}'}",
        *['function "humanizee" not defined'] * 2,
    ),
    "duration": ("alert: A, expr: x, for: 5 minutes", 'unknown unit " minutes"', 'cannot parse duration "5 minutes"'),
    "twice": ("record: 'a:b', expr: x}, {record: 'a:b', expr: x", "1 duplicate rule(s) found", "is a duplicate"),
    # MetricsQL gives an instant vector a range, and has functions of its own; our own check of PromQL knows neither.
    "type": ("record: 'a:b', expr: 'rate(x_total)'", "expected type range vector", ""),
    "MetricsQL": ("record: 'a:b', expr: 'rollup_rate(x[5m])'", "unknown function", ""),
}
"""A rule, and what promtool and vmalert say of it: nothing where they take it."""


def run(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def promtool(*files: Path) -> tuple[int, str]:
    return run(tool("promtool"), *PROMTOOL_CHECK, *files)


def vmalert(*files: Path) -> tuple[int, str]:
    return run(tool("vmalert"), "-dryRun", *[f"-rule={path}" for path in files])


def clusters() -> list[Path]:
    found = sorted(PROOF.glob("*/*/rules"))
    assert found, f"no rules in {PROOF}: compile first"
    return found


def rule_files() -> list[Path]:
    return [path for cluster in clusters() for path in sorted(cluster.rglob("*.yaml"))]


def read(path: Path) -> Any:
    return yaml.load(path.read_text(), yaml.CSafeLoader)


def groups(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(path)["groups"]
    return found


def rules(files: Iterable[Path]) -> int:
    return sum(len(group["rules"]) for path in files for group in groups(path))


def test_there_are_rules_of_every_cluster():
    environments = {path.name for path in GENERATED.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert {cluster.parts[-3] for cluster in clusters()} == environments


def test_promtool_accepts_every_rule_file(judge):
    files = rule_files()
    code, said = promtool(*files)
    assert code == 0, said
    assert said.count("SUCCESS") == len(files), said
    judge.took("promtool", len(files), "rule files")


def test_vmalert_accepts_every_rule_file(judge):
    files = rule_files()
    code, said = vmalert(*files)
    assert code == 0, said
    judge.took("vmalert", len(files), "rule files")


def test_no_rule_of_a_cluster_stands_twice_in_its_files(judge, tmp_path):
    """promtool looks for duplicates within a file; Prometheus loads all of them."""
    for cluster in clusters():
        files = sorted(cluster.rglob("*.yaml"))
        every = [rule for path in files for group in groups(path) for rule in group["rules"]]
        path = tmp_path / f"{'-'.join(cluster.parts[-3:-1])}.yaml"
        path.write_text(json.dumps({"groups": [{"name": "all", "rules": every}]}))
        code, said = promtool(path)
        assert code == 0, said
        assert f"{rules(files)} rules found" in said
        judge.took("promtool", 1, "clusters without duplicates")


def test_the_objects_hold_the_same_groups_as_the_rule_files():
    for cluster in clusters():
        environment, name = cluster.parts[-3:-1]
        objects = {
            body["metadata"]["name"]: body["spec"]["groups"]
            for path in sorted((GENERATED / environment / name / "rules").rglob("*.yaml"))
            if (body := read(path))["kind"] == "PrometheusRule"
        }
        assert objects == {path.stem: groups(path) for path in sorted(cluster.rglob("*.yaml"))}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(judge, tmp_path, fault):
    rule, *expected = FAULTS[fault]
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("groups: [{name: g, rules: [{record: 'a:b', expr: 'sum(rate(x_total[5m]))'}]}]\n")
    bad.write_text(f"groups: [{{name: g, rules: [{{{rule}}}]}}]\n")
    for name, check, said in zip(("promtool", "vmalert"), (promtool, vmalert), expected, strict=True):
        assert check(good)[0] == 0
        code, found = check(good, bad)
        if said:
            assert code in ((LINTED if fault == "twice" else 1) if name == "promtool" else 255,), found
            assert said in found
            judge.refused(name, 1, "planted faults")
        else:
            assert code == 0, found


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_expectation_is_seen(judge, tmp_path, engine):
    (tmp_path / "rules.yaml").write_text("groups: [{name: g, rules: [{record: 'a:b', expr: 'sum(x)'}]}]\n")
    key = {PROMTOOL: "promql_expr_test", VMALERT_TOOL: "metricsql_expr_test"}[engine]
    for expected, code in (("2", 0), ("3", 1)):
        test = tmp_path / f"{expected}.yaml"
        test.write_text(
            "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
            "  - {series: 'x{i=\"1\"}', values: '1 1 1'}\n  - {series: 'x{i=\"2\"}', values: '1 1 1'}\n"
            f"  {key}:\n"
            f"  - {{expr: 'a:b', eval_time: 2m, exp_samples: [{{labels: 'a:b', value: {expected}}}]}}\n"
        )
        found, said = run_tests(engine, test)
        assert found == code, said
    judge.refused(engine, 1, "wrong expectations")
