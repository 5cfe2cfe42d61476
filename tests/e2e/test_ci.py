"""What CI runs: the action, the GitLab jobs and the hooks, command by command, with the wheel that they install."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from phoenix_gitops import __version__
from tests.e2e.conftest import TENANT
from tests.e2e.test_publish import ask, bare

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ACTION = ROOT / "action.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PAGE = (ROOT / "docs/ci.md").read_text()

pytestmark = [pytest.mark.proof, pytest.mark.slow]


def block(name):
    """The file `name` as docs/ci.md shows it."""
    (found,) = re.findall(rf"```yaml\n(# {re.escape(name)}\n.*?)```", PAGE, re.DOTALL)
    return found


def bash(script, cwd, environ):
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """What stands in for a package index: a folder with our wheel."""
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="session")
def runner(index, cache, tmp_path_factory):
    """The environment of a job: its own home and Python, our wheel by pip, and what that needs from this machine."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to(Path(sys.executable).resolve())
    packages = home / "packages"
    packages.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "phoenix" not in package.name:
            (packages / package.name).symlink_to(package)
    return {
        "PATH": f"{home}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "PHOENIX_CACHE": str(cache),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_NO_DEPS": "1",
        "PYTHONPATH": str(packages),
    }


# The action.


def local(workflow, folder):
    """A repository that holds the action and a workflow that uses it from there."""
    (folder / ".github/workflows").mkdir(parents=True)
    shutil.copy(ACTION, folder / "action.yml")
    text, count = re.subn(r"uses: example/phoenix-gitops@\S+", "uses: ./", workflow)
    assert count == 1
    (folder / ".github/workflows/policies.yml").write_text(text)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def judged(folder, *command):
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def actionlint(folder):
    return judged(folder, BIN / "actionlint", f"-shellcheck={BIN / 'shellcheck'}", "-no-color")


def test_the_action_and_the_workflow_around_it_pass_the_linters(tmp_path):
    folder = local(block(".github/workflows/policies.yml"), tmp_path)
    assert actionlint(folder) == (0, "")
    code, said = judged(folder, BIN / "zizmor", "--offline", "--persona", "pedantic", "--no-progress", "action.yml")
    assert code == 0, said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("using: composite", "using: compost", 'invalid runner name "compost" at runs.using'),
        ("description: Checks", "descripton: Checks", "description is required in metadata"),
        ("icon: check-circle", "icon: chek", 'incorrect icon name "chek"'),
    ],
)
def test_the_linter_refuses_an_action_that_is_none(tmp_path, old, new, said):
    folder = local(block(".github/workflows/policies.yml"), tmp_path)
    text = ACTION.read_text()
    assert old in text
    (folder / "action.yml").write_text(text.replace(old, new))
    code, out = actionlint(folder)
    assert code == 1
    assert said in out


def test_a_workflow_cannot_give_what_the_action_does_not_take(tmp_path):
    workflow = block(".github/workflows/policies.yml").replace("id: phoenix\n", "with: {verzion: 0.1.0}\n")
    code, out = actionlint(local(workflow, tmp_path))
    assert code == 1
    assert 'input "verzion" is not defined' in out


def test_the_programs_of_the_action_interpolate_nothing_and_pass_shellcheck(tmp_path):
    for i, step in enumerate(yaml.safe_load(ACTION.read_text())["runs"]["steps"]):
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        (tmp_path / f"{i}.sh").write_text(f"#!/bin/bash\nset -eo pipefail\n{step['run']}")
    assert judged(tmp_path, BIN / "shellcheck", *sorted(tmp_path.glob("*.sh"))) == (0, "")


class Action:
    """Runs of the action's steps, as GitHub would start them."""

    def __init__(self, environ, temp):
        self.action = yaml.safe_load(ACTION.read_text())
        self.temp = temp
        self.root, self.base = temp, ""
        self.output, self.summary = temp / "output", temp / "summary"
        files = {"GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary)}
        self.environ = {**environ, "RUNNER_TEMP": str(temp), **files}

    def report(self, name):
        return (self.temp / "phoenix-report" / name).read_text()

    def run(self, name):
        (step,) = [each for each in self.action["runs"]["steps"] if each["name"] == name]
        inputs = {key: str(value["default"]) for key, value in self.action["inputs"].items()} | {"base": self.base}

        def given(text):
            return re.sub(r"\$\{\{ inputs\.([a-z]+) \}\}", lambda match: inputs[match[1]], text)

        values = {key: given(value) for key, value in step.get("env", {}).items()}
        assert "${{" not in "".join(values.values())
        return bash(step["run"], self.root / given(step.get("working-directory", ".")), {**self.environ, **values})


@pytest.fixture(scope="session")
def installed(runner, tmp_path_factory):
    """The action after its first step."""
    made = Action(runner, tmp_path_factory.mktemp("runner"))
    done = made.run("Install")
    assert done.returncode == 0, done.stderr
    assert (made.temp / "phoenix/bin/phoenix").is_file()
    return made


@pytest.fixture
def action(installed, checkout):
    installed.root, installed.base = checkout.root, checkout.git("rev-parse", "HEAD")
    for file in (installed.output, installed.summary, *(installed.temp / "phoenix-report").iterdir()):
        file.unlink(missing_ok=True)
    return installed


def test_the_action_installs_the_version_of_this_repository():
    assert yaml.safe_load(ACTION.read_text())["inputs"]["version"]["default"] == __version__


def test_the_action_on_a_sound_pull_request(checkout, action):
    checkout.replace(TENANT, "pods: 40", "pods: 44")
    assert checkout.phoenix("compile").code == 0
    checkout.commit("more pods")
    for name in ("Validate", "Is generated/ what the policies say?", "What changes in meaning"):
        done = action.run(name)
        assert done.returncode == 0, done.stdout + done.stderr
    folder = action.temp / "phoenix-report"
    assert action.output.read_text() == f"file={folder}/phoenix.sarif\nfile={folder}/diff.md\n"
    sarif = json.loads(action.report("phoenix.sarif"))
    assert [r for r in sarif["runs"][0]["results"] if r["level"] == "error"] == []
    said = action.report("diff.md")
    assert "44" in said
    assert "ResourceQuota" in said
    assert action.summary.read_text() == said


def test_the_action_on_a_broken_pull_request(checkout, action):
    checkout.replace(TENANT, "class: namespace", "class: nonsense")
    done = action.run("Validate")
    assert done.returncode == 1
    assert f"::error file={TENANT},line=5," in done.stdout
    sarif = json.loads(action.report("phoenix.sarif"))
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["PHX503"]
    assert action.run("What changes in meaning").returncode == 1


def test_the_action_finds_output_that_is_not_what_the_policies_say(checkout, action):
    assert action.run("Is generated/ what the policies say?").returncode == 0, "it is not committed here"
    assert checkout.phoenix("compile").code == 0
    checkout.replace(TENANT, "pods: 40", "pods: 44")
    checkout.commit("forgot to compile")
    done = action.run("Is generated/ what the policies say?")
    assert done.returncode == 1
    assert "PHX810" in done.stderr


# GitLab.


def gitlab(job):
    """A job's script as the runner puts it together."""
    jobs = yaml.safe_load(block(".gitlab-ci.yml"))
    assert set(jobs) == {"stages", ".phoenix", "policies", "publish"}
    assert jobs[job]["extends"] == ".phoenix"
    assert jobs[job]["stage"] in jobs["stages"]
    lines = [*jobs[".phoenix"]["before_script"], *jobs[job]["script"]]
    assert all(isinstance(line, str) for line in lines), "a colon made a mapping of a line"
    return "\n".join(lines)


def test_gitlab_installs_the_version_of_this_repository():
    assert f"phoenix-gitops=={__version__}\n" in block(".gitlab-ci.yml")


def test_the_jobs_of_gitlab_check_a_merge_request_and_publish_what_was_merged(checkout, runner, tmp_path):
    origin = bare(tmp_path / "servers/platform/policies.git")
    checkout.replace("phoenix.yaml", "mode: tree", "mode: branch")
    checkout.git("remote", "add", "origin", "https://gitlab-ci-token:secret@git.example.com/nowhere.git")
    base = checkout.commit("branch mode")
    checkout.replace(TENANT, "pods: 40", "pods: 44")
    head = checkout.commit("more pods")
    checkout.git("checkout", "--quiet", "--detach")
    environ = {
        **runner,
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_SHA": head,
        "CI_SERVER_URL": f"file://{tmp_path}/servers",
        "CI_PROJECT_PATH": "platform/policies",
        "PUBLISH_TOKEN": "secret",
    }
    scripts = {job: gitlab(job).replace("/tmp/phoenix", str(tmp_path / "venv")) for job in ("policies", "publish")}
    checked = bash(scripts["policies"], checkout.root, environ)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "ResourceQuota" in (checkout.root / "diff.md").read_text()
    (checkout.root / "diff.md").unlink()

    published = bash(scripts["publish"], checkout.root, environ)
    assert published.returncode == 0, published.stdout + published.stderr
    assert f"Phoenix-Source-Commit: {head}" in ask(origin, "log", "-1", "--format=%B", "env/main")

    checkout.replace(TENANT, "class: namespace", "class: nonsense")
    assert bash(scripts["policies"], checkout.root, environ).returncode == 1


# pre-commit.


def test_the_hooks_that_the_page_names_exist():
    used = yaml.safe_load(block(".pre-commit-config.yaml"))["repos"][0]
    assert used["rev"] == f"v{__version__}"
    hooks = yaml.safe_load(HOOKS.read_text())
    assert [hook["id"] for hook in used["hooks"]] == [hook["id"] for hook in hooks]
    for hook in hooks:
        assert (
            {"id", "name", "entry", "language", "files"}
            <= set(hook)
            <= {*("id", "name", "entry", "language", "files", "pass_filenames", "require_serial")}
        )


def hook(checkout, environ, name):
    """Runs a hook over all files as pre-commit does; gives the exit code, and what it changed."""
    (found,) = [each for each in yaml.safe_load(HOOKS.read_text()) if each["id"] == name]
    files = [file for file in checkout.git("ls-files").splitlines() if re.search(found["files"], file)]
    assert files, "the hook would be skipped"
    words = [*shlex.split(found["entry"]), *(files if found.get("pass_filenames", True) else [])]
    done = bash(shlex.join(words), checkout.root, environ)
    return done.returncode, checkout.git("status", "--short", "--untracked-files=no").split("\n")


def test_the_hooks_do_what_they_are_called(checkout, installed):
    environ = {**installed.environ, "PATH": f"{installed.temp}/phoenix/bin:{installed.environ['PATH']}"}
    assert checkout.phoenix("compile").code == 0
    checkout.commit("compiled")
    for name in ("phoenix-fmt", "phoenix-validate", "phoenix-compile"):
        assert hook(checkout, environ, name) == (0, [""])
    checkout.replace(TENANT, "class: namespace", "class:   namespace")
    checkout.replace(TENANT, "pods: 40", "pods: 44")
    checkout.commit("in a hurry")
    assert hook(checkout, environ, "phoenix-fmt") == (0, [f"M {TENANT}"])
    assert hook(checkout, environ, "phoenix-compile")[1] == [
        "M generated/main/main/tenancy/example/resourcequota-tenant.yaml",
        f" M {TENANT}",
    ]
    checkout.replace(TENANT, "class: namespace", "class: nonsense")
    assert hook(checkout, environ, "phoenix-validate")[0] == 1
    assert hook(checkout, environ, "phoenix-compile")[0] == 1
