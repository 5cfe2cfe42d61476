"""Diagnostics for people: the line itself, a caret under what is meant, and what to do.

error[PHX107]: duplicate key `residency`
  --> policies/tenants/checkout/tenant.yaml:9:3
   |
 5 |   residency: eu
   |   --------- first set here
...
 9 |   residency: us
   |   ^^^^^^^^^
   |
   = help: delete one of the two, or merge their values
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.report.characters import cells, visible
from phoenix_gitops.report.summary import location, summary

MAX_CELLS = 140
"""Widest piece of a line that is shown; the caret is always in it."""

_BEFORE = 50
"""Cells shown before the caret of a line that is too long."""

_CUT = "..."
_SEVERITY_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}
_BOLD = "1"
_FRAME = "1;34"


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, color: bool = False) -> str:
    """A block for each diagnostic, and the counts at the end."""
    if not diagnostics:
        return ""
    split: dict[str, list[str]] = {}
    blocks = []
    for diagnostic in diagnostics:
        for label in _labels(diagnostic):
            file = label.span.file
            if file in sources and file not in split:
                split[file] = sources[file].split("\n")
        blocks.append("\n".join(_Block(diagnostic, split, color=color).lines()))
    return "\n\n".join((*blocks, summary(diagnostics))) + "\n"


def _labels(diagnostic: Diagnostic) -> tuple[Label, ...]:
    return (*((diagnostic.primary,) if diagnostic.primary else ()), *diagnostic.secondary)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label as it is drawn: with a caret or dashes, in a colour."""

    label: Label
    sign: str
    color: str


class _Block:
    """Draws one diagnostic."""

    def __init__(self, diagnostic: Diagnostic, sources: Mapping[str, list[str]], *, color: bool) -> None:
        self._diagnostic = diagnostic
        self._sources = sources
        self._color = color
        numbers = (label.span.line for label in _labels(diagnostic) if label.span.file in sources)
        self._margin = len(str(max(numbers, default=1)))

    def lines(self) -> Iterator[str]:
        diagnostic = self._diagnostic
        severity = _SEVERITY_COLORS[diagnostic.severity]
        title = self._paint(f"{diagnostic.severity}[{diagnostic.code}]", severity)
        yield f"{title}{self._paint(f': {visible(diagnostic.message)}', _BOLD)}"
        marks: dict[str, list[_Mark]] = {}
        for label in _labels(diagnostic):
            first = label is diagnostic.primary
            mark = _Mark(label, "^", severity) if first else _Mark(label, "-", _FRAME)
            marks.setdefault(label.span.file, []).append(mark)
        for arrow, group in zip(("-->", *[":::"] * len(marks)), marks.values(), strict=False):
            yield from self._file(arrow, group)
        notes = [("help", diagnostic.help)] if diagnostic.help else []
        notes += [("note", note) for note in diagnostic.notes]
        if notes and any(file in self._sources for file in marks):
            yield self._gutter()
        for name, text in notes:
            yield from self._note(name, text)

    def _file(self, arrow: str, marks: list[_Mark]) -> Iterator[str]:
        """The lines of one file that have marks, after a heading with the place of the first mark."""
        heading = self._heading(arrow, marks[0])
        source = self._sources.get(marks[0].label.span.file)
        if source is None:
            headings = [heading, *(self._heading(":::", mark) for mark in marks[1:])]
            for heading, mark in zip(headings, marks, strict=True):
                yield f"{heading}: {visible(mark.label.text)}" if mark.label.text else heading
            return
        yield heading
        yield self._gutter()
        by_line: dict[int, list[_Mark]] = {}
        for mark in marks:
            by_line.setdefault(mark.label.span.line, []).append(mark)
        last = 0
        for number, here in sorted(by_line.items()):
            if last and number == last + 2:
                yield self._gutter(number - 1, _clipped(_line(source, number - 1), 0)[0])
            elif last and number > last + 2:
                yield self._paint(_CUT, _FRAME)
            yield from self._marked(_line(source, number), number, here)
            last = number

    def _heading(self, arrow: str, mark: _Mark) -> str:
        return f"{' ' * (self._margin + 1)}{self._paint(arrow, _FRAME)} {location(mark.label.span)}"

    def _marked(self, line: str, number: int, marks: list[_Mark]) -> Iterator[str]:
        """A line, and below it a row for each mark; the window is laid around the first one."""
        shown, offset = _clipped(line, marks[0].label.span.col - 1)
        yield self._gutter(number, shown)
        drawn = cells(line)
        for mark in marks:
            span = mark.label.span
            end = span.end_col - 1 if span.end_line == span.line else len(line.rstrip())
            before = sum(width for _, width in drawn[: span.col - 1]) - offset
            width = sum(width for _, width in drawn[span.col - 1 : end])
            room = len(_CUT) + MAX_CELLS
            before, width = min(max(before, 0), room), max(width, 1)
            row = mark.sign * min(width, max(room - before, 1))
            text = f" {visible(mark.label.text)}" if mark.label.text else ""
            yield self._gutter(content=" " * before + self._paint(row + text, mark.color))

    def _note(self, name: str, text: str) -> Iterator[str]:
        indent = " " * (self._margin + 1)
        first, *more = text.split("\n")
        yield f"{indent}{self._paint('=', _FRAME)} {self._paint(f'{name}:', _BOLD)} {visible(first)}"
        for line in more:
            # With a bar: a line that began with its text could be a command to a CI runner.
            yield self._gutter(content=f"{' ' * len(name)} {visible(line)}")

    def _gutter(self, number: int | None = None, content: str = "") -> str:
        digits = "" if number is None else str(number)
        return f"{self._paint(f' {digits:>{self._margin}} |', _FRAME)} {content}".rstrip()

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._color else text


def _line(source: list[str], number: int) -> str:
    """A line without its end; empty behind the last one."""
    return source[number - 1].removesuffix("\r") if number <= len(source) else ""


def _clipped(line: str, column: int) -> tuple[str, int]:
    """What is shown of a line so that the code point at `column` is in view, and the cells left of it that
    are not there (negative where the mark of the cut takes more than it hides).
    """
    drawn = cells(line)
    total = sum(width for _, width in drawn)
    if total <= MAX_CELLS:
        return "".join(shown for shown, _ in drawn), 0
    start, hidden = 0, 0
    before = sum(width for _, width in drawn[:column])
    while before - hidden > _BEFORE:
        hidden += drawn[start][1]
        start += 1
    end, taken = start, 0
    while end < len(drawn) and taken + drawn[end][1] <= MAX_CELLS:
        taken += drawn[end][1]
        end += 1
    left = _CUT if start else ""
    right = _CUT if end < len(drawn) else ""
    return left + "".join(shown for shown, _ in drawn[start:end]) + right, hidden - len(left)
