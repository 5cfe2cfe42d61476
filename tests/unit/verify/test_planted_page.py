"""`docs/planted-faults.md` is what the table of planted faults says."""

from __future__ import annotations

from pathlib import Path

from tests.tables import planted_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "planted-faults.md"


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == planted_page(), "run `python -m tests.tables`"
