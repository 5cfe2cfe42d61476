"""Generated rules before the programs that will load them: promtool and vmalert, real ones.

`make proof` gets them. Here a missing judge or an absent rule file is a failure: nothing is skipped.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from phoenix_gitops import tools

pytestmark = pytest.mark.proof

PROOF = Path(__file__).resolve().parents[2] / "generated" / "_proof"

GOOD_RULE = "groups: [{name: g, rules: [{record: 'a:b', expr: 'sum(rate(x_total[5m]))'}]}]\n"
BAD_RULES = {
    "syntax": "groups: [{name: g, rules: [{record: 'a:b', expr: 'sum(rate(x_total[5m])'}]}]\n",
    "field": "groups: [{name: g, rules: [{record: 'a:b', exprr: 'x'}]}]\n",
}
# What vmalert 1.79 does not see: unknown functions and types fail when queried.
BAD_FOR_PROMTOOL = BAD_RULES | {
    "type": "groups: [{name: g, rules: [{record: 'a:b', expr: 'rate(x_total)'}]}]\n",
    "template": "groups: [{name: g, rules: [{alert: A, expr: 'x', annotations: {s: '{{ $valu }}'}}]}]\n",
}


def judge(name: str) -> Path:
    tool = tools.require(name)
    assert tool.value is not None, f"{tool.diagnostics[0].message}; {tool.diagnostics[0].help}"
    return tool.value.path


def version(name: str) -> str:
    tool = tools.find(name)
    assert tool is not None
    return ".".join(str(part) for part in tools.version_of(tool) or ()) or "of unknown version"


def run(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def rule_files() -> list[Path]:
    files = sorted(PROOF.glob("*/*/rules/**/*.yaml"))
    assert files, f"no rule files in {PROOF}: compile first"
    return files


def promtool_tests() -> list[Path]:
    return sorted(PROOF.glob("*/*/tests/**/*.yaml"))


def report(name: str, what: str, files: list[Path], began: float) -> None:
    print(f"\n{name} {version(name)}: {what}, {len(files)} files, {time.monotonic() - began:.2f} s")


def test_there_are_rules_of_every_cluster() -> None:
    clusters = {path.parent for path in PROOF.glob("*/*/rules")}
    assert clusters
    environments = {path.name for path in PROOF.parent.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert {cluster.parent.name for cluster in clusters} == environments


def test_promtool_accepts_every_rule_file() -> None:
    files, began = rule_files(), time.monotonic()
    code, said = run(judge("promtool"), "check", "rules", *files)
    assert code == 0, said
    assert said.count("SUCCESS") == len(files), said
    report("promtool", "check rules", files, began)


def test_vmalert_accepts_every_rule_file() -> None:
    files, began = rule_files(), time.monotonic()
    code, said = run(judge("vmalert"), "-dryRun", *[f"-rule={path}" for path in files])
    assert code == 0, said
    report("vmalert", "-dryRun", files, began)


def test_promtool_runs_the_tests_of_rules() -> None:
    files, began = promtool_tests(), time.monotonic()
    if files:
        code, said = run(judge("promtool"), "test", "rules", *files)
        assert code == 0, said
        assert said.count("SUCCESS") == len(files), said
    report("promtool", "test rules", files, began)


@pytest.mark.parametrize("text", BAD_FOR_PROMTOOL.values(), ids=BAD_FOR_PROMTOOL)
def test_promtool_refuses_a_bad_rule(tmp_path: Path, text: str) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD_RULE)
    bad.write_text(text)
    assert run(judge("promtool"), "check", "rules", good)[0] == 0
    assert run(judge("promtool"), "check", "rules", good, bad)[0] == 1


@pytest.mark.parametrize("text", BAD_RULES.values(), ids=BAD_RULES)
def test_vmalert_refuses_a_bad_rule(tmp_path: Path, text: str) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD_RULE)
    bad.write_text(text)
    assert run(judge("vmalert"), "-dryRun", f"-rule={good}")[0] == 0
    assert run(judge("vmalert"), "-dryRun", f"-rule={good}", f"-rule={bad}")[0] != 0


@pytest.mark.parametrize(("expected", "code"), [("2", 0), ("3", 1)])
def test_promtool_refuses_a_failing_test(tmp_path: Path, expected: str, code: int) -> None:
    (tmp_path / "rules.yaml").write_text("groups: [{name: g, rules: [{record: 'a:b', expr: 'sum(x)'}]}]\n")
    test = tmp_path / "test.yaml"
    test.write_text(
        "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
        "  - {series: 'x{i=\"1\"}', values: '1 1 1'}\n  - {series: 'x{i=\"2\"}', values: '1 1 1'}\n"
        "  promql_expr_test:\n"
        f"  - {{expr: 'a:b', eval_time: 2m, exp_samples: [{{labels: 'a:b', value: {expected}}}]}}\n"
    )
    assert run(judge("promtool"), "test", "rules", test)[0] == code
