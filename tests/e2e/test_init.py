"""What `phoenix init` makes: sound for the compiler, the linters of workflows and an editor."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from phoenix_gitops import __version__
from phoenix_gitops.diff_report import MARKER
from phoenix_gitops.scaffold import files

BIN = Path(sys.executable).parent
WORKFLOW = ".github/workflows/phoenix.yml"


def lint(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_the_workflow_passes_the_linters_of_workflows(checkout):
    path = checkout.root / WORKFLOW
    judged = lint(BIN / "actionlint", f"-shellcheck={BIN / 'shellcheck'}", path)
    assert (judged.returncode, judged.stdout) == (0, "")
    judged = lint(BIN / "zizmor", "--offline", "--persona", "pedantic", "--no-progress", path)
    assert judged.returncode == 0, judged.stdout


def test_the_workflow_runs_commands_that_there_are(checkout):
    jobs = yaml.safe_load((checkout.root / WORKFLOW).read_text())["jobs"]
    lines = [line for job in jobs.values() for step in job["steps"] for line in step.get("run", "").splitlines()]
    assert f"pipx install phoenix-gitops=={__version__}" in lines
    assert {line.split()[1] for line in lines if line.startswith("phoenix ")} == {"validate", "diff", "test", "publish"}
    for name in ("validate", "test"):
        assert jobs[name]["permissions"] == {"contents": "read"}, "a stranger's run can only read"


def test_the_workflow_keeps_one_comment_by_the_marker_of_the_report(checkout):
    jobs = yaml.safe_load((checkout.root / WORKFLOW).read_text())["jobs"]
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert not [step for step in jobs["comment"]["steps"] if "checkout" in step.get("uses", "")], (
        "it runs nothing of it"
    )
    script = jobs["comment"]["steps"][-1]["run"]
    assert f'startswith("{MARKER}")' in script
    assert "--method PATCH" in script
    assert checkout.phoenix("diff", "--format", "markdown").out.startswith(f"{MARKER}\n")


def test_the_editor_finds_the_schema(checkout):
    ((schema, patterns),) = json.loads((checkout.root / ".vscode/settings.json").read_text())["yaml.schemas"].items()
    assert (checkout.root / schema).is_file()
    policies = [path for path in files("a", "https://git.example.com/a.git") if path.endswith(".yaml")]
    assert {path.split("/")[0] for path in policies} == {pattern.split("/")[0] for pattern in patterns}


def test_six_lines_make_a_platform(checkout):
    lines = (checkout.root / "phoenix.yaml").read_text().splitlines()
    assert len(lines) <= 7
    assert not [line for line in lines if re.search(r"\{[a-z]+\}", line)], "a placeholder was left"


def test_its_readme_gives_commands_that_work(checkout):
    block = re.search(r"```sh\n(.*?)```", (checkout.root / "README.md").read_text(), re.DOTALL)
    commands = [line.split("#")[0].split()[1:] for line in block[1].splitlines()]
    assert commands == [["validate"], ["compile"], ["test"]]
    # The last needs judges: tests/proof/test_phoenix_test.py.
    assert [checkout.phoenix(*command).code for command in commands[:2]] == [0, 0]
