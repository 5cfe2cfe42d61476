"""Pages of `docs/` that are written from the tables that tests read: `python -m tests.tables` writes them."""

from __future__ import annotations

from pathlib import Path

from tests.defects.table import DEFECTS
from tests.reference.items import ITEMS, Part

DOCS = Path(__file__).resolve().parents[1] / "docs"

_REFERENCE = """\
# The reference platform

Environment `reference` reproduces the platform as it has been run. These are the 23 things of it that must not be
lost: each part is found in the compiled output by a test of `tests/reference/`, or belongs to a capability that is
built later. This page is written from `tests/reference/items.py`.
"""

_DEFECTS = """\
# Defects that cannot happen

These 43 defects were found in the configurations that Phoenix was run with. For each there is a case in
`tests/cases/bad` that the compiler refuses, a test that shows what it emits instead, or the name of the later
capability that alone could have it. This page is written from `tests/defects/table.py`.
"""


def reference_page() -> str:
    """`docs/reference-platform.md`."""
    sections = [_REFERENCE]
    for item in ITEMS:
        rows = "".join(f"| {part.fact} | {_where(part)} |\n" for part in item.parts)
        sections.append(f"## {item.number}. {item.title}\n\n| what | where |\n|---|---|\n{rows}")
    return "\n".join(sections)


def _where(part: Part) -> str:
    if part.found:
        module, _, function = part.found.partition(".")
        return f"`{module}.py::{function}`"
    return f"later, *{part.later}*: {part.why}"


def defects_page() -> str:
    """`docs/defects.md`."""
    rows = []
    for defect in DEFECTS:
        shown = [f"case `{name}`" for name in defect.cases]
        shown += [f"`{node.removeprefix('tests/')}`" for node in defect.tests]
        shown += [f"later, *{defect.later}*: {defect.why}"] if defect.later else []
        rows.append(f"| {defect.number} | {defect.title} | {'<br>'.join(shown)} |\n")
    return f"{_DEFECTS}\n| # | defect | shown by |\n|---|---|---|\n{''.join(rows)}"


def main() -> None:
    """Writes the pages."""
    (DOCS / "reference-platform.md").write_text(reference_page(), encoding="utf-8")
    (DOCS / "defects.md").write_text(defects_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
