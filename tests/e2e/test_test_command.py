"""`phoenix test` as people and CI call it, with judges that are scripts: formats, exit codes, what is left out."""

from __future__ import annotations

import json

import pytest

from tests.unit.judging import fakes

RULES = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: RuleSet
metadata: {name: mine, owner: platform-team}
spec:
  alerts:
    - alert: Mine
      expr: sum(phoenix:tenant_active_series) > 1e6
      summary: FORBIDDEN
"""
FILES = 6
TESTS = 6
"""Rule files of a new repository."""
PLACE = "policies/rules/mine.yaml:8:16"
MESSAGE = 'promtool refuses the alert `Mine`: annotation "summary": forbidden'


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The folder of the judges; all but vmalert-tool are there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, make in (("promtool", fakes.promtool), ("vmalert", fakes.vmalert), ("otelcol", fakes.otelcol)):
        monkeypatch.setenv(f"PHOENIX_{name.upper()}", str(make(folder)))
    return folder


def faulty(checkout):
    (checkout.root / "policies/rules").mkdir()
    (checkout.root / "policies/rules/mine.yaml").write_text(RULES)


def test_what_a_new_repository_compiles_to_is_taken(checkout, programs):
    said = checkout.phoenix("test", "--only", "rules,collectors")
    assert (said.code, said.err) == (0, "")
    promtool, vmalert, otelcol, conclusion = said.out.splitlines()
    assert promtool.startswith(f"promtool 3.16.0: took {FILES} rule files, {TESTS} files of tests; ")
    assert vmalert.startswith(f"vmalert 1.151.0: took {FILES} rule files; ")
    assert otelcol.startswith("otelcol 0.159.0: took 3 configs; ")
    assert all(line.endswith(" s") for line in (promtool, vmalert, otelcol))
    assert conclusion == "every judge takes what it was shown"
    assert checkout.git("status", "--short") == "", "nothing is written into the checkout"


def test_a_faulty_policy_is_told_as_validate_tells_it_and_nothing_is_judged(checkout, programs):
    checkout.replace("policies/tenants/example/tenant.yaml", "activeSeries", "actveSeries")
    (programs / "promtool").write_text("#!/bin/sh\nexit 99\n")
    judged, validated = checkout.phoenix("test"), checkout.phoenix("validate")
    assert (judged.code, judged.out, judged.err) == (1, "", validated.err)


def test_a_refusal_in_each_format(checkout, programs):
    faulty(checkout)
    text = checkout.phoenix("test", "--only", "rules")
    assert text.code == 1
    assert f"error[PHX780]: {MESSAGE}\n" in text.err
    assert f"--> {PLACE}\n" in text.err
    assert "::: generated/_proof/main/main/rules/ruleset-mine.yaml:11:16\n" in text.err
    assert text.out.startswith(
        f"promtool 3.16.0: took {FILES} rule files, {TESTS} files of tests; refused 1 rule file; "
    )
    assert "every judge takes" not in text.out
    concise = checkout.phoenix("test", "--only", "rules", "--format", "concise")
    assert concise.err.splitlines()[0].startswith(f"{PLACE}: error[PHX780]")
    github = checkout.phoenix("test", "--only", "rules", "--format", "github")
    annotation, *lines = github.out.splitlines()
    assert annotation.startswith("::error file=policies/rules/mine.yaml,line=8,endLine=8,col=16,")
    assert [line.split(":")[0] for line in lines] == ["promtool 3.16.0", "vmalert 1.151.0"], "the log tells the rest"
    sarif = json.loads(checkout.phoenix("test", "--only", "rules", "--format", "sarif").out)
    (result,) = sarif["runs"][0]["results"]
    assert result["ruleId"] == "PHX780"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "policies/rules/mine.yaml"


def test_json_is_one_document(checkout, programs):
    faulty(checkout)
    said = checkout.phoenix("test", "--only", "rules", "--skip", "vmalert", "--format", "json")
    document = json.loads(said.out)
    (judge,) = document["judges"]
    assert judge.pop("seconds") > 0
    assert len(judge.pop("files")) == TESTS
    assert judge == {
        "name": "promtool",
        "version": "3.16.0",
        "path": str(programs / "promtool"),
        "took": {"rule files": FILES, "files of tests": TESTS},
        "refused": {"rule files": 1},
        "verdict": True,
    }
    assert document["notChecked"] == [f"{FILES + 1} rule files by vmalert, with `--skip vmalert`"]
    assert [found["message"] for found in document["diagnostics"]] == [MESSAGE]
    assert said.code == 1


@pytest.mark.parametrize("form", ["text", "github", "sarif", "json"])
def test_what_is_skipped_is_said_in_every_format_even_quietly(checkout, programs, form):
    said = checkout.phoenix("test", "--only", "collectors", "--skip", "otelcol", "-q", "--format", form)
    assert said.code == 0
    assert said.err == "not checked: 3 configs by otelcol, with `--skip otelcol`\n"


def test_a_run_that_left_something_out_does_not_say_that_all_is_well(checkout, programs):
    said = checkout.phoenix("test", "--only", "rules", "--skip", "vmalert")
    assert said.out.splitlines()[-1] == "every judge takes what it was shown, not all was shown"
    nothing = checkout.phoenix("test", "--only", "collectors", "--skip", "otelcol")
    assert nothing.out == "nothing was judged\n"


def test_a_missing_judge_cannot_be_judged_by(checkout, programs, monkeypatch):
    monkeypatch.setenv("PHOENIX_VMALERT", "/nowhere")
    faulty(checkout)
    said = checkout.phoenix("test", "--only", "rules")
    assert said.code == 2
    assert "error[PHX931]: `PHOENIX_VMALERT` names `/nowhere`, which is no program" in said.err
    assert f"not checked: {FILES + 1} rule files by vmalert, which cannot be used" in said.err
    assert f"error[PHX780]: {MESSAGE}" in said.err, "the others judge all the same"


def test_a_judge_without_a_verdict_cannot_be_judged_by(checkout, programs):
    fakes.vmalert(programs, "kill -9 $$")
    said = checkout.phoenix("test", "--only", "rules")
    assert said.code == 2
    assert "error[PHX934]: `vmalert` was ended by signal 9\n" in said.err
    assert "Traceback" not in said.err
    assert "vmalert 1.151.0: gave no verdict; " in said.out


def test_environments_and_subjects_are_chosen(pair, programs):
    both, one = pair.phoenix("test", "--only", "rules"), pair.phoenix("test", "--only", "rules", "-e", "other")
    assert f"took {2 * FILES} rule files" in both.out
    assert f"took {FILES} rule files" in one.out
    assert "otelcol" not in both.out
    assert pair.phoenix("test", "--only", "collectors").out.startswith("otelcol 0.159.0: took 4 configs; ")


def test_own_tests_beside_the_policies(checkout, programs):
    own = checkout.root / "tests/rules/own.yaml"
    own.parent.mkdir(parents=True)
    named = "rule_files: [../../generated/_proof/main/main/rules/platform-alerts.yaml]\n"
    own.write_text(f"{named}tests: [{{promql_expr_test: [{{expr: up, eval_time: 1m}}]}}]\n")
    said = checkout.phoenix("test", "--only", "rules")
    assert (said.code, said.err) == (0, "")
    assert f"took {FILES} rule files, {TESTS + 1} files of tests; " in said.out
    own.write_text(f"{named}tests: []\n")
    vacuous = checkout.phoenix("test", "--only", "rules")
    assert vacuous.code == 1
    assert "error[PHX784]: the test holds no test\n" in vacuous.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "rules,dashboards"), "there is no 'dashboards' to judge; there are: rules, collectors, pipelines"),
        (("--only", ","), "name what is to be judged"),
        (("--skip", "kubectl"), "'kubectl' is not one of"),
        (("-e", "nowhere"), "there is no environment 'nowhere'"),
        (("--jobs", "0"), "0 is not in the range"),
    ],
)
def test_usage_errors(checkout, programs, arguments, message):
    said = checkout.phoenix("test", *arguments)
    assert said.code == 2
    assert message in said.err
