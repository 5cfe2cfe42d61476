"""Workflows and shell scripts before real linters, and the promises that no linter knows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from phoenix_gitops import scaffold
from phoenix_gitops.cli import phoenix
from scripts.get_tool import RECIPES

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent
SHELL = sorted(
    path
    for path in (*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run")
    if path.is_file() and "bash" in path.read_text(encoding="utf-8").partition("\n")[0]
)

# Interpolated into a shell line, a pull request's title or branch is a program.
UNTRUSTED = "on: pull_request\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n" + (
    "      - run: echo '${{ github.event.pull_request.title }}'\n"
)
UNPINNED = UNTRUSTED.replace("run: echo '${{ github.event.pull_request.title }}'", "uses: actions/checkout@v6")


def lint(*command: str | Path) -> tuple[int, str]:
    # No token and no network: what linters say must depend on the files alone.
    environ = {"PATH": f"{BIN}:/usr/bin:/bin", "NO_COLOR": "1"}
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, cwd=ROOT
    )
    return done.returncode, done.stdout


def load(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads the key `on` as true."""
    data: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in data.items()}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_workflows_are_there() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "comment.yml", "publish.yml", "pull-request.yml"]


def test_actionlint_with_shellcheck_is_content() -> None:
    assert lint(BIN / "actionlint", f"-shellcheck={BIN / 'shellcheck'}", *WORKFLOWS) == (0, "")


def test_zizmor_is_content() -> None:
    code, said = lint(BIN / "zizmor", "--offline", "--persona", "pedantic", "--no-progress", *WORKFLOWS)
    assert code == 0, said


@pytest.mark.parametrize("text", [UNTRUSTED, UNPINNED], ids=["untrusted", "unpinned"])
def test_the_linters_refuse_what_they_are_for(tmp_path: Path, text: str) -> None:
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text(text)
    assert lint(BIN / "zizmor", "--offline", "--no-progress", bad)[0] != 0
    if text is UNTRUSTED:
        assert lint(BIN / "actionlint", bad)[0] == 1


def test_shellcheck_is_content_with_the_scripts() -> None:
    # SC2164 asks what a failing `cd` does; the sourced lib.sh has set -e, which it does not see.
    assert len(SHELL) >= 7
    command = (BIN / "shellcheck", "--external-sources", "--source-path=SCRIPTDIR", "--exclude=SC2164")
    assert lint(*command, *SHELL) == (0, "")


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_scripts_stop_at_the_first_failure(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text or '. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"' in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_right_is_given_to_a_whole_workflow(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 90


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_with_the_tag_beside(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[a-z-]+/[a-z-]+(/[a-z-]+)?@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+", action)


def test_one_action_has_one_pin() -> None:
    pins = {use for path in WORKFLOWS for use in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_interpolated_into_a_program(path: Path) -> None:
    for step in steps(load(path)):
        assert "${{" not in step.get("run", "")
        assert "${{" not in step.get("with", {}).get("script", "")


def test_a_strangers_run_can_only_read() -> None:
    workflow = load(FOLDER / "pull-request.yml")
    assert workflow["on"] == {"pull_request": None}
    assert workflow["jobs"]["policies"]["permissions"] == {"contents": "read"}
    assert "secrets." not in (FOLDER / "pull-request.yml").read_text(encoding="utf-8")
    assert "github.event.pull_request.head.repo.full_name == github.repository" in workflow["jobs"]["sarif"]["if"]
    for step in steps(workflow):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_the_run_that_may_comment_runs_nothing_of_the_pull_request() -> None:
    workflow = load(FOLDER / "comment.yml")
    (step,) = steps(workflow)
    assert step["uses"].startswith("actions/github-script@")
    assert workflow["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    pull_request = load(FOLDER / "pull-request.yml")
    assert workflow["on"]["workflow_run"]["workflows"] == [pull_request["name"]]
    # What it takes out of the report is what the other run puts there.
    (member,) = re.findall(r"'-p', file, '([^']+)'", step["with"]["script"])
    assert any(f"--output report/{member}" in one.get("run", "") for one in steps(pull_request))


def test_publish_runs_after_a_merge_only_and_uses_no_cache() -> None:
    workflow = load(FOLDER / "publish.yml")
    assert workflow["on"] == {"push": {"branches": ["main"]}}
    uses = " ".join(step.get("uses", "") for step in steps(workflow))
    assert "cache" not in uses
    assert "artifact" not in uses


def test_the_gate_runs_what_it_promises() -> None:
    said = [
        line.removeprefix("step ") for line in (ROOT / ".ci" / "run").read_text().splitlines() if "step " in line[:5]
    ]
    assert said == [
        "make test",
        "make proof",
        ".venv/bin/phoenix compile --check --no-cache",
        ".venv/bin/ruff format --check",
        ".venv/bin/ruff check",
        ".venv/bin/mypy --strict",
    ]
    assert any("bash .ci/run" in step.get("run", "") for step in steps(load(FOLDER / "ci.yml")))


def calls(text: str) -> list[list[str]]:
    """The arguments of each call of `phoenix` in a script, without what is the shell's."""
    call = re.compile(r"^\s*(?:- )?(?:run: |entry: |step |@)?(?:\S*/)?phoenix +([^|>&\n]+)", re.MULTILINE)
    # The shell puts the day there.
    return [shlex.split(found.replace("$(date -u +%F)", "2026-11-24")) for found in call.findall(text)]


def understood(command: click.Command, words: list[str], parent: click.Context | None = None) -> str:
    """The name of the command that `words` call. They are parsed, nothing runs; a usage error is raised."""
    if not isinstance(command, click.Group):
        command.make_context(command.name, words, parent)
        return ""
    names = command.list_commands(click.Context(command))
    at = next((i for i, word in enumerate(words) if word in names), len(words))
    context = command.make_context(command.name, words[: at + 1], parent)
    inner = command.get_command(context, words[at])
    assert inner is not None
    return f"{words[at]} {understood(inner, words[at + 1 :], context)}".strip()


def test_calls_of_phoenix_are_such_as_it_understands() -> None:
    ours = [*WORKFLOWS, *(ROOT / name for name in (".ci/run", "Makefile", ".pre-commit-hooks.yaml", "action.yml"))]
    texts = {path.name: path.read_text(encoding="utf-8") for path in ours}
    texts["init"] = scaffold.files("mine", "https://git.example.com/mine.git")[".github/workflows/phoenix.yml"]
    found = {name: [understood(phoenix, words) for words in calls(text)] for name, text in texts.items()}
    assert {name: called for name, called in found.items() if called} == {
        "publish.yml": ["publish"],
        "pull-request.yml": ["validate", "validate", "compile", "diff", "diff"],
        "run": ["compile"],
        "Makefile": ["compile"],
        ".pre-commit-hooks.yaml": ["fmt", "validate", "compile"],
        "action.yml": ["validate", "validate", "compile", "diff"],
        "init": ["validate", "diff", "test", "publish"],
    }


def test_a_new_repository_takes_the_judges_that_we_prove_with() -> None:
    pinned = {recipe.name: recipe.version for recipe in RECIPES}
    assert (pinned["promtool"], pinned["vmalert"]) == (scaffold.PROMTOOL, scaffold.VMALERT)
    assert pinned["vmalert-tool"] == pinned["vmalert"]
    text = scaffold.files("mine", "https://git.example.com/mine.git")[".github/workflows/phoenix.yml"]
    taken = re.findall(r"^          take (\S+):v?(\S+) /(?:bin/)?(\S+) (\S+)$", text, re.MULTILINE)
    assert [(version, name) for _, version, _, name in taken] == [
        (scaffold.PROMTOOL, "promtool"),
        (scaffold.VMALERT, "vmalert"),
        (scaffold.VMALERT, "vmalert-tool"),
        (pinned["otelcol"], "otelcol"),
    ]


@pytest.mark.parametrize(
    "line", ["phoenix diff --as markdown", "run: phoenix schema write --fast", "@bin/phoenix plan x"]
)
def test_calls_that_phoenix_does_not_understand_are_found(line: str) -> None:
    (words,) = calls(line)
    with pytest.raises((click.UsageError, IndexError)):
        understood(phoenix, words)


def test_every_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert re.findall(r"^([a-z]+):.* ## \S", text, re.MULTILINE) == phony.split()


def test_every_package_is_pinned_once_and_names_no_host() -> None:
    lines = (ROOT / "scripts" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", pin) for pin in pins)
    names = [re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower() for pin in pins]
    assert len(set(names)) == len(names)


def test_the_pins_are_those_of_the_dev_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = set((ROOT / "scripts" / "constraints.txt").read_text(encoding="utf-8").replace("_", "-").lower().split())
    exact = [each.lower() for each in project["optional-dependencies"]["dev"] if "==" in each]
    assert exact
    assert [each for each in exact if each not in pins] == []
    named = {pin.partition("==")[0] for pin in pins if "==" in pin}
    direct = [re.split(r"[<>=]", each)[0].lower() for each in project["dependencies"]]
    assert [each for each in direct if each not in named] == []
