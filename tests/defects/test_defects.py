"""The table of defects: whole, and true."""

from __future__ import annotations

import subprocess
import sys

from tests.defects.table import CAPABILITIES, DEFECTS
from tests.reference.platform import ROOT
from tests.tables import defects_page

BAD = ROOT / "tests" / "cases" / "bad"


def test_all_43_are_there():
    assert [defect.number for defect in DEFECTS] == list(range(1, 44))


def test_each_is_shown_or_has_an_owner_with_a_reason():
    for defect in DEFECTS:
        assert defect.cases or defect.tests or defect.later, defect
        if defect.later:
            assert defect.later in CAPABILITIES, defect
            assert defect.why, defect


def test_every_case_exists_and_shows_the_code_that_it_is_named_after():
    cases = {case for defect in DEFECTS for case in defect.cases}
    assert len(cases) > 15
    for case in cases:
        assert f"[{case.split('-')[0]}]: " in (BAD / case / "expected.txt").read_text(encoding="utf-8")


def test_every_test_exists_and_is_collected():
    wanted = {node for defect in DEFECTS for node in defect.tests}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(wanted)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    collected = set(done.stdout.splitlines())
    assert {node for node in wanted if not any(c == node or c.startswith(f"{node}[") for c in collected)} == set()


def test_the_page_says_what_the_table_says():
    page = (ROOT / "docs" / "defects.md").read_text(encoding="utf-8")
    assert page == defects_page(), "run `python -m tests.tables`"
