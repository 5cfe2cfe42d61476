"""The closing lines of a run: what was judged, and that a judge which refuses nothing, or a skip, fails the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from scripts.get_tool import RECIPES

ROOT = Path(__file__).resolve().parents[2]
SOUND = """
def test_accepts(judge):
    judge.took("git", 12, "configs")

def test_accepts_more(judge):
    judge.took("git", 3, "configs")

def test_refuses(judge):
    judge.refused("git", 2, "planted faults")
"""
GULLIBLE = """
def test_accepts(judge):
    judge.took("git", 12, "configs")
"""
SKIPPED = """
import pytest

pytestmark = pytest.mark.proof

def test_refuses(judge):
    judge.refused("git", 2, "planted faults")

@pytest.mark.skip(reason="no judge")
def test_skipped(judge):
    judge.took("git", 12, "configs")
"""
LINE = re.compile(r"^git [0-9.]+: (.*); [0-9]+\.[0-9] s$", re.MULTILINE)


def proved(folder: Path, tests: str, *arguments: str, whole: str = "git") -> tuple[int, str]:
    """A run of its own over one file of tests: its exit code and what it said."""
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-p", "tests.proof.conftest", *arguments],
        cwd=folder,
        env=os.environ
        | {
            "PHOENIX_PROOF_WHOLE": whole,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(ROOT),
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_a_judge_has_one_line(tmp_path: Path) -> None:
    code, said = proved(tmp_path, SOUND)
    assert (code, LINE.findall(said)) == (0, ["took 15 configs; refused 2 planted faults"])
    assert "error:" not in said


def test_a_judge_that_refused_nothing_fails_the_run(tmp_path: Path) -> None:
    code, said = proved(tmp_path, GULLIBLE)
    assert (code, LINE.findall(said)) == (1, ["took 12 configs"])
    assert "error: git has refused nothing: does it judge?" in said


def test_a_skipped_test_fails_the_run(tmp_path: Path) -> None:
    code, said = proved(tmp_path, SKIPPED)
    assert "error: test_it.py::test_skipped was skipped" in said
    assert code == 1


def test_a_judge_that_nobody_asked_fails_the_run(tmp_path: Path) -> None:
    code, said = proved(tmp_path, SOUND, whole="git etcd")
    assert "error: etcd was asked nothing" in said
    assert said.count("error:") == 1
    assert code == 1


def test_what_must_be_asked_is_built_and_the_rest_is_known_to_judge_nothing() -> None:
    script = (ROOT / "scripts" / "proof").read_text()
    (judges,) = re.findall(r'^JUDGES="(.*)"$', script, re.MULTILINE)
    built = {recipe.name for recipe in RECIPES}
    assert built - set(judges.split()) == {"etcd", "kube-controller-manager", "cue", "vmauth"}
    assert set(judges.split()) <= built


def test_every_proof_test_is_run() -> None:
    script = (ROOT / "scripts" / "proof").read_text()
    (line,) = re.findall(r"^  set -- (.*) -n 2 ", script, re.MULTILINE)
    run = [ROOT / path for path in line.split()]
    mark = "mark." + "proof"
    marked = [path for path in (ROOT / "tests").rglob("*.py") if mark in path.read_text()]
    assert [path for path in marked if not any(path.is_relative_to(each) for each in run)] == []
    assert all(any(path.is_relative_to(each) for path in marked) for each in run)


def test_workers_report_to_the_one_that_counts(tmp_path: Path) -> None:
    code, said = proved(
        tmp_path, GULLIBLE + SKIPPED.replace("judge.refused", "judge.took"), "-n", "2", "--dist", "loadfile"
    )
    assert (code, LINE.findall(said)) == (1, ["took 12 configs, 2 planted faults"])
    assert "error: git has refused nothing: does it judge?" in said
    assert "error: test_it.py::test_skipped was skipped" in said


def test_a_part_of_the_tests_proves_less_and_does_not_fail(tmp_path: Path) -> None:
    code, said = proved(tmp_path, GULLIBLE, whole="")
    assert (code, LINE.findall(said)) == (0, ["took 12 configs"])
    assert "error:" not in said


def test_counting_nothing_is_no_proof(tmp_path: Path) -> None:
    code, said = proved(tmp_path, SOUND + '\ndef test_empty(judge):\n    judge.took("git", 0, "configs")\n')
    assert "git judged no configs" in said
    assert (code, LINE.findall(said)) == (1, ["took 15 configs; refused 2 planted faults"])
