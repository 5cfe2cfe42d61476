"""`phoenix test` with the real judges: over the reference platform and a new repository, and with planted faults."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.__main__ import run
from phoenix_gitops.artifact import RenderedFile
from tests.proof.judge import PROOF, ROOT, Judge, collectors
from tests.unit.judging.conftest import Bench

pytestmark = pytest.mark.proof

HEAD = "apiVersion: policy.phoenix.io/v1alpha1\n"
RULES = """\
kind: RuleSet
metadata: {name: mine, owner: platform-team}
spec:
  records:
    - record: mine:series
      expr: sum(phoenix:tenant_active_series)
  alerts:
    - alert: ManySeries
      expr: sum(phoenix:tenant_active_series) > 1e6
      for: 5m
      summary: "many series: {{ $value }}"
"""
PIPELINE = """\
kind: Pipeline
metadata: {name: mine, owner: platform-team}
spec:
  extends: full
  attributes: {set: {team: mine}}
"""
OWN = """\
rule_files: [../../generated/_proof/main/main/rules/ruleset-mine.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'phoenix:tenant_active_series{tenant_id="a"}', values: 2000000x20}]
    alert_rule_test:
      - {eval_time: 4m, alertname: ManySeries%(group)s, exp_alerts: []}
      - {eval_time: 6m, alertname: ManySeries%(group)s, exp_alerts: [%(alert)s]}
    %(query)s:
      - {expr: 'mine:series', eval_time: 3m, exp_samples: [{labels: 'mine:series', value: %(value)s}]}
"""
ANNOTATIONS = 'exp_annotations: {summary: "many series: 2e+06"}'
PROMTOOL = {
    "group": "",
    "alert": f"{{exp_labels: {{severity: warning}}, {ANNOTATIONS}}}",
    "query": "promql_expr_test",
    "value": "2000000",
}
VMALERT_TOOL = {
    **PROMTOOL,
    "group": ", groupname: ruleset-mine-alerts",
    "query": "metricsql_expr_test",
}


@dataclass
class Repository:
    """What `phoenix init` makes, with a RuleSet and a Pipeline of its own."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def judged(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and document of `phoenix test --format json`."""
        self.capsys.readouterr()
        code = run(["test", "-C", str(self.root), "--format", "json", *arguments])
        return code, json.loads(self.capsys.readouterr().out)


def count(judge: Judge, document: dict[str, Any]) -> None:
    """Hands over what the judges took and refused; each gave a verdict."""
    for row in document["judges"]:
        assert row["verdict"], row
        for verdict, hand_over in (("took", judge.took), ("refused", judge.refused)):
            for what, number in row[verdict].items():
                if number:
                    hand_over(row["name"], number, f"{what}, by phoenix test")


def places(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Code, judge and place of each finding."""
    return [
        (
            found["code"],
            found["message"].split()[0].rstrip(":"),
            f"{found['primary']['file']}:{found['primary']['line']}:{found['primary']['column']}",
        )
        for found in document["diagnostics"]
    ]


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Repository:
    assert run(["init", str(tmp_path / "mine")]) == 0
    made = Repository(tmp_path / "mine", capsys)
    environment = (made.root / "environments/main.yaml").read_text()
    made.write(
        "environments/main.yaml", environment.replace("  control:", "  pipelines: [mine, optimized]\n  control:")
    )
    made.write("policies/rules/mine.yaml", HEAD + RULES)
    made.write("policies/pipelines/mine.yaml", HEAD + PIPELINE)
    return made


def _body(path: Path) -> str:
    return path.read_text().partition("\n")[2]


def _tested(path: Path) -> str:
    """The name of the rule file of a file of tests."""
    return path.name.removesuffix(".yaml").split(".")[0] + ".yaml"


def test_the_reference_platform_is_taken(capsys: pytest.CaptureFixture[str], judge: Judge) -> None:
    code, document = Repository(ROOT, capsys).judged()
    assert (code, document["diagnostics"], document["notChecked"]) == (0, [], [])
    took = {row["name"]: row["took"] for row in document["judges"]}
    rules = len(list(PROOF.glob("*/*/rules/*.yaml")))
    assert took["promtool"]["rule files"] == took["vmalert"]["rule files"] == rules > 100
    own = list((ROOT / "tests/rules").glob("*.yaml"))
    # The same tests of the same rules run once, however many clusters have them.
    generated = {(_body(path), _body(path.parents[1] / "rules" / _tested(path))) for path in PROOF.glob("*/*/tests/*")}
    assert took["promtool"]["files of tests"] == len(own) + len(generated) > 60
    assert took["otelcol"]["configs"] >= len(list(PROOF.glob("*"))), "at least one of each environment"
    assert took["otelcol"]["ways through pipelines"] >= 4 * 3 * 3, "of four environments, three pipelines and senders"
    count(judge, document)


def test_a_new_repository_is_taken_with_its_own_tests(repository: Repository, judge: Judge) -> None:
    repository.write("tests/rules/mine.yaml", OWN % PROMTOOL)
    repository.write("tests/rules/metricsql/mine.yaml", (OWN % VMALERT_TOOL).replace("../../", "../../../"))
    code, document = repository.judged()
    assert (code, document["diagnostics"], document["notChecked"]) == (0, [], [])
    assert {row["name"]: row["took"].get("files of tests") for row in document["judges"]} == {
        "promtool": 1 + 7,
        "vmalert": None,
        "vmalert-tool": 1,
        "otelcol": None,
    }
    count(judge, document)


def test_two_rings_go_before_the_collectors_of_their_versions(
    repository: Repository, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_OTELCOL_0_152_1", str(collectors()["0.152.1"]))
    platform = (repository.root / "phoenix.yaml").read_text()
    rings = "  rings: [canary, stable]\n  catalog:\n    byRing: {stable: {collector: {tag: 0.152.1}}}\n"
    repository.write("phoenix.yaml", platform + rings)
    main = (repository.root / "environments/main.yaml").read_text()
    other = main.replace("name: main, owner", "name: other, owner").replace(
        "kubernetes.default.svc", "other.example.com"
    )
    repository.write("environments/main.yaml", main.replace("spec:\n", "spec:\n  ring: canary\n", 1))
    repository.write("environments/other.yaml", other.replace("spec:\n", "spec:\n  ring: stable\n", 1))
    code, document = repository.judged("--only", "collectors,pipelines")
    assert (code, document["diagnostics"], document["notChecked"]) == (0, [], [])
    took = {row["version"]: row["took"] for row in document["judges"]}
    assert took.keys() == {"0.152.1", "0.159.0"}
    assert took["0.152.1"] == took["0.159.0"], "as many configs, and as many ways through pipelines"
    assert took["0.152.1"]["configs"] >= 2
    count(judge, document)


def test_a_text_that_no_engine_of_rules_loads(repository: Repository, judge: Judge) -> None:
    repository.write("policies/rules/mine.yaml", HEAD + RULES.replace("$value", "$valu"))
    code, document = repository.judged("--only", "rules")
    where = "policies/rules/mine.yaml:12:16"
    assert (code, places(document)) == (1, [("PHX780", "promtool", where), ("PHX780", "vmalert", where)])
    for found in document["diagnostics"]:
        assert 'undefined variable "$valu"' in found["message"]
        (there,) = found["secondary"]
        assert there["file"] == "generated/_proof/main/main/rules/ruleset-mine.yaml"
    count(judge, document)


def test_an_override_that_breaks_a_rule(repository: Repository, judge: Judge) -> None:
    environment = (repository.root / "environments/main.yaml").read_text()
    override = (
        "  overrides:\n"
        "    - target: {kind: PrometheusRule, name: ruleset-mine}\n"
        "      patch: {spec: {groups: [{name: ruleset-mine-alerts, rules: [{alert: ManySeries, expr: 'rate(up)'}]}]}}\n"
    )
    repository.write("environments/main.yaml", environment + override)
    code, document = repository.judged("--only", "rules", "--skip", "vmalert")
    (found,) = (each for each in document["diagnostics"] if each["severity"] == "error")
    assert (code, found["code"]) == (1, "PHX780")
    assert "expected type range vector" in found["message"]
    assert found["primary"]["text"] == "this override sets it"
    assert found["primary"]["file"] == "environments/main.yaml"
    count(judge, document)


@pytest.mark.parametrize("values", [PROMTOOL, VMALERT_TOOL], ids=["promtool", "vmalert-tool"])
def test_a_test_that_expects_something_else(repository: Repository, judge: Judge, values: dict[str, str]) -> None:
    repository.write("tests/rules/mine.yaml", OWN % {**values, "alert": "", "value": "3"})
    code, document = repository.judged("--only", "rules")
    name = "vmalert-tool" if values is VMALERT_TOOL else "promtool"
    assert (code, places(document)) == (
        1,
        [("PHX781", name, "tests/rules/mine.yaml:8:9"), ("PHX781", name, "tests/rules/mine.yaml:10:9")],
    )
    assert any("got" in note for note in document["diagnostics"][1]["notes"])
    count(judge, document)


def test_an_attribute_that_no_collector_starts_with(repository: Repository, judge: Judge) -> None:
    repository.write("policies/pipelines/mine.yaml", HEAD + PIPELINE.replace("{team: mine}", '{"": mine}'))
    code, document = repository.judged("--only", "collectors")
    (found,) = document["diagnostics"]
    assert (code, found["code"]) == (1, "PHX782")
    assert found["message"].startswith("otelcol does not run from `resource/mine` of processors: ")
    assert found["primary"]["file"] == "policies/pipelines/mine.yaml"
    assert found["secondary"][-1]["file"] == "generated/_proof/main/main/collectors/gateway.yaml"
    count(judge, document)


def test_a_pipeline_that_keeps_what_its_policy_drops(tmp_path: Path, judge: Judge) -> None:
    shutil.copytree(ROOT / "tests/cases/good/small", tmp_path / "small", ignore=shutil.ignore_patterns("expected"))
    bench = Bench(tmp_path / "small", tmp_path, pytest.MonkeyPatch())

    def leaky(file: RenderedFile) -> RenderedFile:
        if not file.path.endswith("collectors/gateway.yaml"):
            return file
        assert b"container.id" in file.content
        return replace(file, content=file.content.replace(b"container.id", b"container.none"))

    judged = bench.judge(leaky, subjects=frozenset({"pipelines"}))
    assert {found.code for found in judged.diagnostics} == {"PHX783"}
    found = judged.diagnostics[0]
    assert found.message.startswith("otelcol: the pipeline `optimized` breaks its policy with what came from the ")
    assert "; export prometheus: missing: phoenix_opt_final_output_" in found.message
    assert found.primary is not None
    assert found.primary.span.file.startswith("preset:pipelines/")
    assert found.notes[-1] == "sent through generated/_proof/main/main/collectors/gateway.yaml"
    judge.refused("otelcol", len(judged.diagnostics), "ways through pipelines, by phoenix test")
