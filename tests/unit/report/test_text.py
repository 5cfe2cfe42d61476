"""The drawn text, character for character."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_gitops.diagnostics import Diagnostic, Label, Span
from phoenix_gitops.report import REPORTERS
from phoenix_gitops.report.characters import cells, visible
from phoenix_gitops.report.text import MAX_CELLS
from tests.unit.report.samples import DUPLICATE, HOSTILE, HOSTILE_SOURCES, NO_PLACE, SOURCES, UNKNOWN

render = REPORTERS["text"]


def draw(line: str, start: int, end: int, label: str = "") -> list[str]:
    """The shown line and the row below it, without the gutter; columns from 1."""
    span = Span("f", 1, start, 1, end)
    fault = Diagnostic(code="PHX202", message="m", primary=Label(span, label))
    shown = render([fault], {"f": line}).split("\n")
    return [f"{row} ".removeprefix(" 1 | ").removeprefix("   | ")[:-1] for row in shown[3:5]]


def test_one_fault() -> None:
    assert render([UNKNOWN], SOURCES) == (
        "error[PHX202]: unknown field `lables`\n"
        "  --> policies/tenants/a.yaml:4:3\n"
        "   |\n"
        " 4 |   lables: {team: pay}\n"
        "   |   ^^^^^^ not a field of Tenant.metadata\n"
        "   |\n"
        "  = help: did you mean `labels`?\n"
        "  = note: overlays base.yaml\n"
        "\n"
        "1 error\n"
    )


def test_several_files_a_line_between_and_the_counts() -> None:
    assert render([DUPLICATE, NO_PLACE, UNKNOWN, UNKNOWN], SOURCES).split("\n\n")[0] == (
        "warning[PHX301]: two policies named `a`\n"
        "  --> policies/tenants/a.yaml:3:9\n"
        "   |\n"
        " 1 | kind: Tenant\n"
        "   | ---- kind\n"
        " 2 | metadata:\n"
        " 3 |   name: a\n"
        "   |         ^\n"
        "  ::: environments/prod.yaml:1:7\n"
        "   |\n"
        " 1 | kind: Environment\n"
        "   |       ----------- the other"
    )
    assert (
        render([DUPLICATE, NO_PLACE, UNKNOWN, UNKNOWN], SOURCES).split("\n\n")[1]
        == "note[PHX501]: there is no Platform"
    )
    assert render([DUPLICATE, NO_PLACE, UNKNOWN, UNKNOWN], SOURCES).endswith("\n\n2 errors, 1 warning, 1 note\n")


def test_a_gap_and_a_wide_margin() -> None:
    text = "a: 1\n" * 11
    fault = Diagnostic(
        code="PHX107",
        message="m",
        primary=Label(Span("f", 11, 1, 11, 2)),
        secondary=(Label(Span("f", 1, 1, 1, 2), "first set here"),),
        help="one\ntwo",
    )
    assert render([fault], {"f": text}) == (
        "error[PHX107]: m\n"
        "   --> f:11:1\n"
        "    |\n"
        "  1 | a: 1\n"
        "    | - first set here\n"
        "...\n"
        " 11 | a: 1\n"
        "    | ^\n"
        "    |\n"
        "   = help: one\n"
        "    |      two\n"
        "\n"
        "1 error\n"
    )


def test_labels_on_one_line_have_a_row_each() -> None:
    fault = Diagnostic(
        code="PHX107",
        message="m",
        primary=Label(Span("f", 1, 6, 1, 7), "again"),
        secondary=(Label(Span("f", 1, 2, 1, 3), "first"),),
    )
    assert render([fault], {"f": "{a: b, a: c}"}).split("\n")[3:6] == [
        " 1 | {a: b, a: c}",
        "   |      ^ again",
        "   |  - first",
    ]


def test_without_the_text_of_a_file_its_labels_are_still_said() -> None:
    assert render([DUPLICATE], {}) == (
        "warning[PHX301]: two policies named `a`\n"
        "  --> policies/tenants/a.yaml:3:9\n"
        "  ::: policies/tenants/a.yaml:1:1: kind\n"
        "  ::: environments/prod.yaml:1:7: the other\n"
        "\n"
        "1 warning\n"
    )


def test_nothing_is_drawn_of_nothing() -> None:
    assert render([], {}) == ""


@pytest.mark.parametrize(
    ("line", "start", "end", "shown", "row"),
    [
        ("", 1, 1, "", "^"),
        ("ab", 3, 3, "ab", "  ^"),
        ("ab", 9, 12, "ab", "  ^"),
        ("a: x", 4, 5, "a: x", "   ^"),
        ("\ta\tb", 2, 3, "    a    b", "    ^"),
        ("\ta\tb", 3, 5, "    a    b", "     ^^^^^"),
        ("日本: 語", 5, 6, "日本: 語", "      ^^"),
        ("😀 x", 3, 4, "😀 x", "   ^"),
        ("e\u0301 x", 4, 5, "e\u0301 x", "  ^"),
        ("👩\u200d🚀 x", 5, 6, "👩\u200d🚀 x", "   ^"),
        ("❤\ufe0f x", 4, 5, "❤\ufe0f x", "   ^"),
        ("👍🏽 x", 4, 5, "👍🏽 x", "   ^"),
        ("\uff58: ﾊ x", 6, 7, "\uff58: ﾊ x", "      ^"),
        ("\x1b[0m x", 6, 7, r"\x1b[0m x", "        ^"),
        ("\x1b x", 1, 2, r"\x1b x", "^^^^"),
        ("\u202e x", 3, 4, r"\u202e x", "       ^"),
        ("##[error]x", 10, 11, r"#\x23[error]x", "            ^"),
        ("a: x\r", 4, 5, "a: x", "   ^"),
    ],
)
def test_the_caret_stands_under_its_text(line: str, start: int, end: int, shown: str, row: str) -> None:
    assert draw(line, start, end) == [shown, row]


def test_a_span_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    fault = Diagnostic(code="PHX202", message="m", primary=Label(Span("f", 1, 4, 3, 2), "here"))
    assert render([fault], {"f": "a: [1,  \n 2\n]\n"}).split("\n")[3:5] == [" 1 | a: [1,", "   |    ^^^ here"]


@pytest.mark.parametrize(("start", "row"), [(1, 0), (60, 59), (301, 53), (600, 53)])
def test_a_long_line_is_cut_around_the_caret(start: int, row: int) -> None:
    line = "".join(chr(ord("a") + n % 26) for n in range(600))
    shown, marks = draw(line, start, start + 1)
    if start == 60:
        row = 53
    assert marks == " " * row + "^"
    assert shown[row] == line[start - 1]
    assert len(shown) <= MAX_CELLS + 6
    assert shown.startswith("...") == (start > 51)
    assert shown.endswith("...") == (start < 500)


def test_a_long_mark_does_not_run_out_of_its_window() -> None:
    shown, marks = draw("k: " + "x" * 1000, 4, 1004, "long")
    assert shown == "k: " + "x" * 137 + "..."
    assert marks == "   " + "^" * 140 + " long"


def test_colours() -> None:
    drawn = render([UNKNOWN, DUPLICATE, NO_PLACE], SOURCES, color=True)
    assert "\x1b[1;31merror[PHX202]\x1b[0m\x1b[1m: unknown field `lables`\x1b[0m" in drawn
    assert "\x1b[1;31m^^^^^^ not a field of Tenant.metadata\x1b[0m" in drawn
    assert "\x1b[1;33mwarning[PHX301]" in drawn
    assert "\x1b[1;36mnote[PHX501]" in drawn
    assert "\x1b[1;34m----------- the other\x1b[0m" in drawn
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    assert [line.rstrip() for line in plain.split("\n")] == render([UNKNOWN, DUPLICATE, NO_PLACE], SOURCES).split("\n")


def test_a_stranger_cannot_act_through_it() -> None:
    drawn = render([HOSTILE], HOSTILE_SOURCES)
    assert not re.search(r"[^\n\x20-\x7e]", drawn)
    assert not re.search(r"##(\[|vso\[)", drawn)
    assert not [line for line in drawn.split("\n") if re.match(r"\s*::(?!:)", line)]
    assert r"--> :\x3aset-env name=a,b:c%:\x3a.yaml:1:1" in drawn
    assert r"\x1b[31m" in drawn


@given(st.text(), st.integers(1, 40), st.integers(0, 40), st.text())
def test_any_text_can_be_drawn(text: str, col: int, length: int, label: str) -> None:
    line = text.count("\n") // 2 + 1
    fault = Diagnostic(code="PHX202", message=label, primary=Label(Span("f", line, col, line, col + length), label))
    drawn = render([fault], {"f": text})
    assert drawn.endswith("\n\n1 error\n")
    assert all(char == "\n" or visible(char) == char for char in drawn)
    assert drawn.count("\n") == 7


@given(st.text())
def test_visible_is_what_cells_show_and_fits_one_line(text: str) -> None:
    assert "\n" not in visible(text)
    assert visible(visible(text)) == visible(text)
    expected = "".join(shown for shown, _ in cells(text.replace("\t", " ")))
    assert visible(text.replace("\t", " ")) == expected
