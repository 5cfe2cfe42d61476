"""Pages of `docs/` that are written from the tables that tests read: `python -m tests.tables` writes them."""

from __future__ import annotations

from pathlib import Path

from tests.defects.table import DEFECTS
from tests.proof.planted import Planted
from tests.proof.planted_table import PLANTED
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

_PLANTED = """\
# Planted faults

Faults that a test plants into the compiled output of the reference platform, one at a time. Each is shown to the
compiler's checks and to a real API server (strict server-side apply, into empty namespaces). What the server refuses
the compiler refuses before; what only the server can see is listed below with the reason. Beside these, the test makes
some 2,000 mutants of one object of each kind: whatever the server refuses of them, the compiler refuses too.

Rules in CEL (`x-kubernetes-validations`) are evaluated by the API server alone. None of the kinds that we emit has one,
and a test says so when that changes. This page is written from `tests/proof/planted_table.py`.
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


def planted_page() -> str:
    """`docs/planted-faults.md`."""
    both = [row for row in PLANTED if row.code and row.said]
    ours = [row for row in PLANTED if row.code and not row.said]
    theirs = [row for row in PLANTED if not row.code]
    return "\n".join(
        [
            _PLANTED,
            _rows("Both refuse it", ("our code", "the API server"), [(r, _code(r), _words(r)) for r in both]),
            _rows(
                "Only we refuse it", ("our code", "why the API server takes it"), [(r, _code(r), r.why) for r in ours]
            ),
            _rows("Only the API server refuses it", ("its words", "why"), [(r, _words(r), r.why) for r in theirs]),
        ]
    )


def _code(row: Planted) -> str:
    return f"[{row.code}](codes/{row.code}.md)"


def _rows(title: str, columns: tuple[str, str], rows: list[tuple[Planted, str, str]]) -> str:
    lines = [f"| {row.fault} | {_spoilt(row)} | {one} | {two} |\n" for row, one, two in rows]
    return f"## {title}\n\n| fault | object | {' | '.join(columns)} |\n|---|---|---|---|\n{''.join(lines)}"


def _spoilt(row: Planted) -> str:
    kind, _, name = row.of.partition(" ")
    return f"{kind} `{name}`"


def _words(row: Planted) -> str:
    """What the server said, as code: its words hold backticks of their own, and bars."""
    ticks = ("`` ", " ``") if "`" in row.said else ("`", "`")
    return row.said.join(ticks).replace("|", "\\|")


def main() -> None:
    """Writes the pages."""
    (DOCS / "reference-platform.md").write_text(reference_page(), encoding="utf-8")
    (DOCS / "defects.md").write_text(defects_page(), encoding="utf-8")
    (DOCS / "planted-faults.md").write_text(planted_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
