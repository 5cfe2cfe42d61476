"""Cases are folders: a good one compiles to its golden tree, a bad one prints its golden text.

A bad case holds only what differs from `tests/cases/bad/_base`, a small sound platform; `expected.txt` is what a
person sees. A new case is a new folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from phoenix_gitops.__main__ import run
from phoenix_gitops.codes import CODES

CASES = Path(__file__).parent / "cases"
BAD = sorted(path for path in (CASES / "bad").iterdir() if path.name != "_base")
GOOD = sorted((CASES / "good").iterdir())


def lay_out(case: Path, target: Path) -> Path:
    """The base with the case's files over it."""
    shutil.copytree(CASES / "bad" / "_base", target)
    shutil.copytree(case, target, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns("expected.txt"))
    return target


class _Text(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def _location(path: Path):
    class Expected(_Text):
        @classmethod
        def get_location(cls, *, test_location, index):
            return str(path)

    return Expected


@pytest.mark.parametrize("case", BAD, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore:(?s).*Can not relate snapshot")
def test_bad_case(case, tmp_path, capsys, snapshot):
    root = lay_out(case, tmp_path / "repository")
    code = run(["validate", "-C", str(root), "--color", "never"])
    shown = capsys.readouterr().err
    assert code in (1, 2), "a bad case must fail"
    assert case.name.split("-")[0] in shown, "the case must show the code that it is named after"
    assert str(tmp_path) not in shown, "messages name files relative to the root"
    assert shown == snapshot(extension_class=_location(case / "expected.txt"))
    assert not (root / "generated").exists()


def test_every_code_has_a_page_and_a_bad_case():
    pages = {path.stem for path in (CASES.parent.parent / "docs" / "codes").glob("PHX*.md")}
    cases = {path.name for path in BAD}
    assert pages == set(CODES)
    slugs = {f"{row.code}-{row.slug}" for row in CODES.values()}
    assert sorted(slugs - cases - set(NO_CASE)) == []


NO_CASE: dict[str, str] = {
    "PHX408-guardrail-limit": "tests/unit/test_constraints.py",
    "PHX931-missing-tool": "tests/unit/test_tools.py",
    "PHX932-tool-too-old": "tests/unit/test_tools.py",
    "PHX933-tool-broken": "tests/unit/test_tools.py",
}
"""Codes that no folder of policies can show, with the test that shows them instead."""
