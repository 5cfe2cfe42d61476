"""`phoenix doctor`: one row a program, in a width that fits a terminal, and what to do about those that are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_gitops import resources
from phoenix_gitops.__main__ import run
from phoenix_gitops.tools import OURS, PROGRAMS

USERS = ("cue", "git", "promtool", "vmalert", "vmalert-tool", "otelcol")


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is found but what a test puts there."""
    for each in PROGRAMS.values():
        monkeypatch.delenv(each.variable, raising=False)
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["doctor", *arguments]) == 0
    return capsys.readouterr().out


def test_each_program_with_version_and_place(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resources, "in_checkout", lambda: False)
    program(machine / "cache/tools/cue/0.17.1/cue", "cue version v0.17.1")
    git = program(machine / "bin/git", "git version 2.39.5")
    monkeypatch.setenv("PHOENIX_PROMTOOL", str(program(machine / "old", "promtool, version 2.1.0")))
    monkeypatch.setenv("PHOENIX_VMALERT", "/nowhere")
    assert shown(capsys).splitlines() == [
        "tool          version  needed for     what it does                        where",
        "cue           0.17.1   guardrails     runs policies/guardrails/           cache",
        f"git           2.39.5   diff, publish  finds changes and publishes trees   {git}",
        f"promtool      2.1.0    test           checks and tests Prometheus rules   {machine / 'old'}",
        "vmalert       -        test           checks VictoriaMetrics rules        not found",
        "vmalert-tool  -        test           tests VictoriaMetrics rules         not found",
        "otelcol       -        test           checks and boots collector configs  not found",
        "",
        f"cache is {machine / 'cache/tools'}; PHOENIX_TOOL (PHOENIX_CUE) names another program",
        f"promtool: `{machine / 'old'}` is promtool 2.1.0, and at least 2.42 is needed",
        "vmalert: `PHOENIX_VMALERT` names `/nowhere`, which is no program",
        "promtool: install Prometheus, which brings it",
        "vmalert, vmalert-tool: install the vmutils of VictoriaMetrics",
        "otelcol: install the distribution `otelcol-contrib` of the OpenTelemetry Collector",
    ]


def test_in_a_checkout_the_programs_of_our_own_tests_follow(capsys: pytest.CaptureFixture[str]) -> None:
    table = shown(capsys).partition("\n\n")[0].splitlines()[1:]
    assert [row.split()[0] for row in table] == list(PROGRAMS)
    assert [OURS in row for row in table] == [name not in USERS for name in PROGRAMS]
    assert {len(row) for row in table if row.endswith("not found")} <= set(range(101))


def test_json_has_the_whole_path(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cue = program(machine / "cache/tools/cue/0.17.1/cue", "cue version v0.17.1")
    rows = json.loads(shown(capsys, "--format", "json"))["tools"]
    assert rows[0] == {
        "tool": "cue",
        "version": "0.17.1",
        "needed for": "guardrails",
        "what it does": "runs policies/guardrails/",
        "where": str(cue),
    }
    assert rows[1]["where"] == "not found"
