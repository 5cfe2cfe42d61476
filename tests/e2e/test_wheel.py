"""The wheel works outside the checkout: it carries templates, schemas, presets and the pages of the codes."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def python(*arguments, cwd, **environ):
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", *map(str, arguments)],
        cwd=cwd,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    python("-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=REPOSITORY)
    (built,) = folder.glob("phoenix_gitops-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that holds what the wheel installs, and nothing else."""
    target = tmp_path_factory.mktemp("site")
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check")
    python("-m", "pip", "install", *options, "--target", target, wheel, cwd=target)
    return target


def test_the_wheel_carries_every_data_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (("templates", "templates"), ("schemas", "schemas"), ("docs/codes", "codes")):
        files = subprocess.run(
            ["git", "-C", str(REPOSITORY), "ls-files", "-z", folder], capture_output=True, text=True, check=True
        ).stdout.split("\0")[:-1]
        assert files
        missing = {f"phoenix_gitops/_data/{inside}/{file.removeprefix(f'{folder}/')}" for file in files} - names
        assert missing == set()
    assert "phoenix_gitops/presets/pipelines/full.yaml" in names
    assert not [name for name in names if name.split("/")[0] in ("tests", "generated", "policies", "environments")]
    assert not [name for name in names if "/crds/" in name], "schemas of custom resources are not ours to ship"


def test_init_compile_explain_from_the_wheel(installed, tmp_path):
    environ = {"PYTHONPATH": str(installed), "PHOENIX_CACHE": str(tmp_path / "cache")}

    def phoenix(*arguments):
        return python("-m", "phoenix_gitops", *arguments, cwd=tmp_path, **environ)

    where = "from phoenix_gitops import resources as r; print(r.templates_dir(), r.schemas_dir(), r.codes_dir())"
    data = installed / "phoenix_gitops" / "_data"
    assert python("-c", where, cwd=tmp_path, **environ).split() == [
        str(data / "templates"),
        str(data / "schemas"),
        str(data / "codes"),
    ]
    assert (installed / "bin" / "phoenix").exists()

    assert "try: cd platform && phoenix compile" in phoenix("init", "platform")
    root = tmp_path / "platform"
    assert " 0 changed, 0 removed" in phoenix("compile", "-C", root)
    (quota,) = (root / "generated").rglob("resourcequota-*.yaml")
    assert 'pods: "40"' in quota.read_text()
    assert phoenix("explain", "PHX202").startswith("# PHX202: ")
    assert phoenix("schema", "write", root / "schemas", "--check") == "the schemas are up to date\n"
