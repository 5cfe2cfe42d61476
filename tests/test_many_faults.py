"""Many faults at once: all are shown, in order, once each, and counted rightly."""

from __future__ import annotations

import json
import re

from phoenix_gitops.__main__ import run
from tests.test_cases import CASES, lay_out

FILES = 10


def _tenant(number: int) -> str:
    """A tenant with three faults, on lines 5, 7 and 8."""
    return (
        f"apiVersion: policy.phoenix.io/v1alpha1\nkind: Tenant\nmetadata: {{name: team-{number}, owner: team}}\nspec:\n"
        f"  class: [shared]\n  identity: {{namespaces: [team-{number}]}}\n  state: sleeping\n  quota: {{pods: 1}}\n"
    )


def _repository(tmp_path):
    case = tmp_path / "case" / "policies"
    case.mkdir(parents=True)
    for number in reversed(range(FILES)):
        (case / f"team-{number}.yaml").write_text(_tenant(number))
    return lay_out(case.parent, tmp_path / "repository")


def test_thirty_faults_over_ten_files(tmp_path, capsys):
    root = _repository(tmp_path)
    assert run(["validate", "-C", str(root), "--color", "never"]) == 1
    shown = capsys.readouterr().err
    places = re.findall(r"^error\[(PHX[0-9]+)\].*\n +--> (.*):([0-9]+):[0-9]+$", shown, re.MULTILINE)
    assert places == [
        (code, f"policies/team-{number}.yaml", line)
        for number in range(FILES)
        for code, line in (("PHX203", "5"), ("PHX205", "7"), ("PHX202", "8"))
    ]
    assert shown.endswith("\n\n30 errors\n")


def test_all_formats_agree_on_them(tmp_path, capsys):
    root = _repository(tmp_path)
    run(["validate", "-C", str(root), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["summary"] == {"error": 30, "warning": 0, "note": 0}
    places = [(d["primary"]["file"], d["primary"]["line"]) for d in document["diagnostics"]]
    assert places == sorted(places)
    run(["validate", "-C", str(root), "--format", "concise"])
    assert len(capsys.readouterr().err.splitlines()) == 30


def test_the_same_fault_in_many_environments_is_said_once(tmp_path, capsys):
    case = tmp_path / "case"
    (case / "environments").mkdir(parents=True)
    base = (CASES / "bad" / "_base" / "environments" / "main.yaml").read_text()
    for number in range(4):
        text = base.replace("name: main, owner", f"name: env-{number}, owner").replace("k8s.", f"k8s-{number}.")
        (case / "environments" / f"env-{number}.yaml").write_text(text)
    (case / "phoenix.yaml").write_text(
        (CASES / "bad" / "_base" / "phoenix.yaml").read_text()
        + "  overrides:\n    - target: {kind: Deployment}\n      patch: {spec: {minReadySeconds: soon}}\n"
    )
    root = lay_out(case, tmp_path / "repository")
    assert run(["validate", "-C", str(root), "--color", "never"]) == 1
    shown = capsys.readouterr().err
    assert re.findall(r"^error\[.*\].*$", shown, re.MULTILINE) == [
        "error[PHX705]: `minReadySeconds` is a string (`soon`), not a whole number"
    ]
    assert "--> phoenix.yaml:9:39\n" in shown
    assert "\n1 error, 1 note\n" in shown
    assert "= note: and in 9 more places\n" in shown, "two Deployments in each of five environments"
