"""The stage with judges that are scripts: what it says of each verdict, and of each way of giving none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from phoenix_gitops.judging.stage import Judged
from phoenix_gitops.processes import Limits
from tests.interrupts import interruptible
from tests.unit.judging import fakes
from tests.unit.judging.conftest import RULES, Bench

FAST = Limits(seconds=1.5, memory=512, output=1)
SMALL = Limits(seconds=120, memory=512, output=1)


def codes(judged: Judged) -> list[str]:
    return sorted({found.code for found in judged.diagnostics})


def lines(judged: Judged) -> list[str]:
    return [report.line.rpartition(";")[0] for report in judged.reports]


def test_judges_that_take_everything(bench: Bench) -> None:
    judged = bench.judge()
    assert judged.diagnostics == []
    assert judged.unchecked == []
    assert lines(judged) == [
        f"promtool 3.16.0: took {bench.rules} rule files, {bench.tests} files of tests",
        f"vmalert 1.151.0: took {bench.rules} rule files",
        "otelcol 0.159.0: took 3 configs",
    ]


def test_a_refused_rule_is_shown_at_its_policy(bench: Bench) -> None:
    bench.write({"policies/rules/mine.yaml": RULES})
    judged = bench.judge()
    (found,) = judged.diagnostics
    assert found.code == "PHX780"
    assert found.message == 'promtool refuses the alert `Mine`: annotation "summary": forbidden'
    assert found.primary is not None
    assert str(found.primary.span) == "policies/rules/mine.yaml:8:16"
    (there,) = found.secondary
    assert str(there.span) == "generated/_proof/main/main/rules/ruleset-mine.yaml:11:16"
    assert there.text == "promtool reads this"
    assert "summary: FORBIDDEN" in judged.sources[there.span.file]
    assert (
        lines(judged)[0]
        == f"promtool 3.16.0: took {bench.rules - 1} rule files, {bench.tests - 1} files of tests; refused 1 rule file"
    )


def test_a_refused_value_of_an_override_is_shown_at_the_override(bench: Bench) -> None:
    environment = (bench.root / "environments/main.yaml").read_text()
    override = (
        "  overrides:\n"
        "    - target: {kind: PrometheusRule, name: ruleset-mine}\n"
        "      patch:\n"
        "        spec:\n"
        "          groups:\n"
        "            - name: ruleset-mine-alerts\n"
        "              rules: [{alert: Mine, expr: up == 0, annotations: {summary: FORBIDDEN}}]\n"
    )
    bench.write(
        {
            "policies/rules/mine.yaml": RULES.replace("FORBIDDEN", "many series"),
            "environments/main.yaml": environment + override,
        }
    )
    (found,) = bench.judge().diagnostics
    assert found.primary is not None
    assert found.primary.span.file == "environments/main.yaml"
    assert found.primary.text == "this override sets it"
    assert "ruleset-mine" in found.secondary[0].span.file, "the judge read the rule as the override left it"


def test_a_config_that_does_not_boot(bench: Bench) -> None:
    first = (
        'if [ "$1" = validate ] && ! grep -q planted "${2#--config=}"; then\n'
        '  echo "Error: processors::batch/full: send_batch_size is odd"; exit 1\nfi\n'
        'if [ "$1" != validate ] && grep -q batch/full "${1#--config=}"; then echo "down"; exit 1; fi\n'
    )
    bench.install_all(otelcol=first)
    judged = bench.judge()
    assert codes(judged) == ["PHX782"]
    found = judged.diagnostics[0]
    assert found.message == "otelcol does not run from `batch/full` of processors: send_batch_size is odd"
    assert found.primary is not None
    assert not found.primary.span.file.startswith("generated/")
    assert found.secondary[-1].span.file == "generated/_proof/main/main/collectors/gateway.yaml"
    assert lines(judged)[2] == "otelcol 0.159.0: took 2 configs; refused 1 config"


BROKEN = {
    "crashes": ("kill -9 $$", "`vmalert` was ended by signal 9"),
    "prints garbage": ("printf '\\377\\000\\033[2J'; exit 3", "`vmalert` ended with status 3 and names no file"),
    "is silent": ("exit 1", "`vmalert` ended with status 1 and names no file"),
    "floods": ("yes x", "`vmalert` says more than 1 MiB"),
    "takes everything": ("exit 0", "`vmalert` takes what every judge of its kind refuses, so it does not judge"),
}


@pytest.mark.parametrize(("first", "message"), BROKEN.values(), ids=BROKEN)
def test_a_judge_without_a_verdict_is_one_error_and_the_others_judge(bench: Bench, first: str, message: str) -> None:
    bench.install_all(vmalert=first)
    judged = bench.judge(limits=SMALL, subjects=frozenset({"rules"}))
    (found,) = judged.diagnostics
    assert found.code == "PHX934"
    assert found.message.startswith(message)
    assert found.help == f"run it by hand; it is `{bench.programs / 'vmalert'}`"
    assert lines(judged) == [
        f"promtool 3.16.0: took {bench.rules} rule files, {bench.tests} files of tests",
        "vmalert 1.151.0: gave no verdict",
    ]


def test_a_judge_that_hangs(bench: Bench) -> None:
    bench.install_all(vmalert="sleep 60")
    judged = bench.judge(limits=FAST, subjects=frozenset({"rules"}), skip=frozenset({"promtool"}))
    (found,) = judged.diagnostics
    assert (found.code, found.message) == ("PHX934", "`vmalert` gave no answer within 1.5 s")


def test_a_judge_that_breaks_down_after_the_planted_fault(bench: Bench) -> None:
    bench.install_all(promtool='case "$1" in *planted*) ;; *) echo "Checking nothing"; exit 0 ;; esac')
    judged = bench.judge(subjects=frozenset({"rules"}))
    said = [found.message for found in judged.diagnostics]
    counts = (bench.rules, 1)
    assert said == [f"`promtool` ended with status 0, and not each of {n} files has a verdict" for n in counts]
    assert {found.notes for found in judged.diagnostics} == {("it said: Checking nothing",)}


def test_a_program_that_cannot_be_started(bench: Bench) -> None:
    path = bench.programs / "vmalert"
    path.write_text('#!/bin/sh\nif [ "$1" = -version ]; then echo 1.151.0; /bin/rm "$0"; fi\n')
    judged = bench.judge(subjects=frozenset({"rules"}))
    (found,) = judged.diagnostics
    assert (found.code, found.message) == ("PHX934", "`vmalert` cannot be run")


def test_a_missing_judge_is_an_error_and_the_others_judge(bench: Bench) -> None:
    bench.install(promtool=fakes.promtool(bench.programs), otelcol=fakes.otelcol(bench.programs))
    judged = bench.judge()
    (found,) = judged.diagnostics
    assert (found.code, found.message.split(",")[0]) == ("PHX931", "`vmalert`")
    assert judged.unchecked == [f"{bench.rules} rule files by vmalert, which cannot be used"]
    assert [line.split(" ")[0] for line in lines(judged)] == ["promtool", "otelcol"]


def test_a_skipped_judge_is_said(bench: Bench) -> None:
    bench.install(promtool=fakes.promtool(bench.programs))
    judged = bench.judge(skip=frozenset({"vmalert", "otelcol", "vmalert-tool"}))
    assert judged.diagnostics == []
    assert judged.unchecked == [
        f"{bench.rules} rule files by vmalert, with `--skip vmalert`",
        "3 configs by otelcol, with `--skip otelcol`",
    ]


def test_a_collector_of_another_version(bench: Bench) -> None:
    fakes.otelcol(bench.programs, version="0.158.1")
    judged = bench.judge(subjects=frozenset({"collectors"}))
    (found,) = judged.diagnostics
    assert found.code == "PHX935"
    assert found.message == f"`{bench.programs / 'otelcol'}` is collector 0.158.1, and the platform runs 0.159.0"
    assert lines(judged) == ["otelcol 0.158.1: took 3 configs"]


@pytest.mark.parametrize("tag", ["prod", "0.159.0", "v0.159.0-r3"])
def test_tags_that_fit_or_tell_no_version(bench: Bench, tag: str) -> None:
    assert bench.judge(subjects=frozenset({"collectors"}), tags={"main": tag}).diagnostics == []


def test_a_collector_without_a_component(bench: Bench) -> None:
    fakes.otelcol(bench.programs, lacks="host_metrics")
    judged = bench.judge(subjects=frozenset({"collectors"}))
    (found,) = judged.diagnostics
    assert found.code == "PHX936"
    assert found.message == f"`{bench.programs / 'otelcol'}` has no receiver `host_metrics`, and 1 config needs it"
    assert found.notes == ("needed by generated/_proof/main/main/collectors/agent.yaml",)
    assert lines(judged) == ["otelcol 0.159.0: took 2 configs"]


def test_a_collector_that_does_not_list_its_components(bench: Bench) -> None:
    bench.install_all(otelcol='if [ "$1" = components ]; then echo "a: ["; exit 0; fi')
    fakes.program(bench.programs / "otelcol", 'case "$1" in --version) echo 0.159.0 ;; *) echo "no: [" ;; esac\n')
    judged = bench.judge(subjects=frozenset({"collectors"}))
    (found,) = judged.diagnostics
    assert (found.code, found.message) == ("PHX934", "`otelcol` does not list its components")


def test_equal_configs_are_judged_once(bench: Bench) -> None:
    text = (bench.root / "environments/main.yaml").read_text()
    bench.write({"environments/other.yaml": text.replace("name: main", "name: other").replace("://", "://other.")})
    judged = bench.judge(subjects=frozenset({"collectors"}))
    assert judged.diagnostics == []
    # The agents' differ by the name of the environment that they send along.
    (report,) = judged.reports
    assert report.took["configs"] < bench.configs


@pytest.fixture
def rings(bench: Bench) -> Bench:
    """Two environments, of which `other` is in a ring that stays behind."""
    text = (bench.root / "environments/main.yaml").read_text()
    other = (
        text.replace("name: main", "name: other").replace("://", "://other.").replace("spec:\n", "spec:\n  ring: b\n")
    )
    platform = (bench.root / "phoenix.yaml").read_text().rstrip("\n")
    rows = "  rings: [a, b]\n  catalog: {byRing: {b: {collector: {tag: 0.152.1}}}}\n"
    bench.write(
        {
            "environments/main.yaml": text.replace("spec:\n", "spec:\n  ring: a\n"),
            "environments/other.yaml": other,
            "phoenix.yaml": f"{platform}\n{rows}",
        }
    )
    (bench.programs / "older").mkdir()
    older = fakes.otelcol(bench.programs / "older", version="0.152.1")
    bench.monkeypatch.setenv("PHOENIX_OTELCOL_0_152_1", str(older))
    return bench


def test_each_config_goes_before_the_collector_of_its_version(rings: Bench) -> None:
    judged = rings.judge(subjects=frozenset({"collectors"}))
    assert judged.diagnostics == []
    assert lines(judged) == ["otelcol 0.152.1: took 3 configs", "otelcol 0.159.0: took 3 configs"]
    assert [report.judge for report in judged.reports] == ["otelcol", "otelcol"]


def test_a_collector_of_one_version_that_does_not_judge(rings: Bench) -> None:
    fakes.program(rings.programs / "older/otelcol", 'case "$1" in --version) echo 0.152.1 ;; *) echo "no: [" ;; esac\n')
    judged = rings.judge(subjects=frozenset({"collectors"}))
    assert [(d.code, d.message) for d in judged.diagnostics] == [("PHX934", "`otelcol` does not list its components")]
    assert [report.line.rpartition(";")[0] for report in judged.reports] == [
        "otelcol 0.152.1: gave no verdict",
        "otelcol 0.159.0: took 3 configs",
    ]


def test_one_collector_for_two_versions_is_another_to_one_of_them(rings: Bench) -> None:
    rings.monkeypatch.delenv("PHOENIX_OTELCOL_0_152_1")
    judged = rings.judge(subjects=frozenset({"collectors"}))
    told = {(d.code, d.message, d.help) for d in judged.diagnostics if d.code == "PHX935"}
    assert told == {
        (
            "PHX935",
            f"`{rings.programs / 'otelcol'}` is collector 0.159.0, and the platform runs 0.152.1",
            "let PHOENIX_OTELCOL_0_152_1 name a collector 0.152.1, or leave the judgement out with `--skip otelcol`",
        )
    }


def test_a_version_that_is_skipped_is_said(rings: Bench) -> None:
    judged = rings.judge(subjects=frozenset({"collectors"}), skip=frozenset({"otelcol"}))
    assert judged.unchecked == [f"3 configs by otelcol@{tag}, with `--skip otelcol`" for tag in ("0.152.1", "0.159.0")]


def test_own_tests_run_with_the_judge_that_they_are_written_for(bench: Bench) -> None:
    rule = "../../generated/_proof/main/main/rules/platform-alerts.yaml"
    bench.write({"tests/rules/own.yaml": f"rule_files: [{rule}]\ntests: [{{promql_expr_test: [{{expr: up}}]}}]\n"})
    judged = bench.judge(subjects=frozenset({"rules"}))
    assert judged.diagnostics == []
    assert lines(judged)[0] == f"promtool 3.16.0: took {bench.rules} rule files, {bench.tests + 1} files of tests"


def test_a_failed_own_test_is_shown_where_it_is_written(bench: Bench) -> None:
    said = "    alertname: Mine, time: 2m, \\n        exp:[x], \\n        got:[]\\n"
    bench.install_all(
        promtool=f'if [ "$head" = "Processing test file:" ] && grep -q "2m, alertname: Mine" "$1"; then\n'
        f"echo \"$head $1\"; echo '  FAILED:'; printf '{said}'; exit 1\nfi"
    )
    bench.write(
        {
            "policies/rules/mine.yaml": RULES.replace("FORBIDDEN", "many series"),
            "tests/rules/own.yaml": "rule_files: [../../generated/_proof/*/*/rules/ruleset-mine.yaml]\n"
            "tests:\n- alert_rule_test:\n  - {eval_time: 1m, alertname: Mine}\n  - {eval_time: 2m, alertname: Mine}\n",
        }
    )
    judged = bench.judge(subjects=frozenset({"rules"}))
    (found,) = judged.diagnostics
    assert (found.code, found.message) == ("PHX781", "promtool: the alert `Mine` at 2m is not as expected")
    assert found.primary is not None
    assert str(found.primary.span) == "tests/rules/own.yaml:5:5"
    assert found.notes == ("expected [x]", "got []")


def test_judges_see_nothing_of_our_environment(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    seen = {name: f"/usr/bin/env > {tmp_path}/{name}" for name in ("promtool", "vmalert", "otelcol")}
    bench.install_all(**seen)
    assert bench.judge().diagnostics == []
    for name in seen:
        assert "hunter2" not in (tmp_path / name).read_text(), name


def test_nothing_is_left_behind(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    bench.install_all(vmalert=f"echo $$ > {tmp_path}/pid; sleep 60")
    bench.judge(limits=FAST, subjects=frozenset({"rules"}), skip=frozenset({"promtool"}))
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not alive(int((tmp_path / "pid").read_text()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interrupt_ends_judges_and_leaves_no_folder(bench: Bench, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    bench.install_all(vmalert=f"echo $$ > {tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; sleep 60")
    command = [sys.executable, "-m", "phoenix_gitops", "test", "--only", "rules", "-C", str(bench.root)]
    child = subprocess.Popen(
        command,
        env={**os.environ, "PATH": os.defpath, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,  # noqa: PLW1509 - no threads here
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []
    assert not alive(int((tmp_path / "pid").read_text()))


def test_what_clusters_have_in_common_runs_once(bench: Bench) -> None:
    one = bench.judge(subjects=frozenset({"rules"}))
    environment = (bench.root / "environments/main.yaml").read_text()
    bench.write({"environments/other.yaml": environment.replace("name: main", "name: other", 1)})
    both = bench.judge(subjects=frozenset({"rules"}))
    assert both.reports[0].took["rule files"] == 2 * one.reports[0].took["rule files"]
    assert both.reports[0].took["files of tests"] == one.reports[0].took["files of tests"] < bench.tests
