"""Who is asked about a file of this repository: `.github/CODEOWNERS` is what the policies say."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_gitops.__main__ import run

ROOT = Path(__file__).resolve().parent.parent


def test_codeowners_are_what_the_policies_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["owners", "--check", "-C", str(ROOT)]) == 0
    assert capsys.readouterr().out == ".github/CODEOWNERS is up to date\n"


def test_the_made_up_teams_are_of_a_made_up_organisation() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owners = {owner for line in lines if not line.startswith("#") for owner in line.split()[1:]}
    assert len(owners) > 10
    assert all(owner.startswith("@example/team-") for owner in owners), sorted(owners)
