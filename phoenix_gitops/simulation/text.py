"""A simulation as text: the count with thresholds, forecast and band, and below it profile, output and alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phoenix_gitops.rules import control, outlook
from phoenix_gitops.simulation import words
from phoenix_gitops.simulation.run import Line, Run

_ROWS = 18
_MARGIN = 9


@dataclass(frozen=True, slots=True)
class Marks:
    """Characters of a plot."""

    count: str
    forecast: str
    band: str
    threshold: str
    axis: str
    corner: str
    floor: str
    levels: str
    """From little to all."""
    on: str
    off: str


UNICODE = Marks("●", "○", "·", "╌", "│", "└", "─", "▁▂▃▄▅▆▇█", "█", "·")
PLAIN = Marks("*", "o", ".", "-", "|", "+", "-", "_.:-=+*#", "#", ".")


def text(run: Run, against: Run | None, *, trace: str, width: int, marks: Marks, other: str = "") -> str:
    """The plot in at most so many columns; `other` says what `against` is."""
    columns = _columns(run.count, max(20, width - _MARGIN - 1))
    lines = [f"{words.title(run)}", f"{trace}: {run.count} steps of {run.setting.spec.interval}", ""]
    lines += _chart(run, columns, marks)
    lines += _strips(run, columns, marks)
    if against is not None:
        lines += _profiles(against, columns, "before")
    lines += ["", *_legend(run, marks), ""]
    lines += [*words.totals(run)]
    if against is not None:
        lines += ["", f"before ({other}):", *(f"  {line}" for line in words.totals(against))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _columns(count: int, most: int) -> list[range]:
    """The steps that each column stands for."""
    width = min(count, most)
    return [range(i * count // width, max((i + 1) * count // width, i * count // width + 1)) for i in range(width)]


def _seen(line: Line, column: range) -> float | None:
    """What a column shows: its greatest value, so that no spike is lost."""
    return max((value for i in column if (value := line[i]) is not None), default=None)


def _chart(run: Run, columns: Sequence[range], marks: Marks) -> Iterator[str]:
    levels = dict.fromkeys(level for _, level in words.thresholds(run))
    drawn = [
        (run.lines[name], mark)
        for name, mark in (
            (outlook.LOWER, marks.band),
            (outlook.UPPER, marks.band),
            (outlook.FORECAST, marks.forecast),
            (outlook.INPUT, marks.count),
        )
    ]
    counts = [value for value in run.lines[outlook.INPUT] if value is not None]
    # A forecast may lie far beyond: the count and its thresholds decide what is shown.
    top = 1.1 * max([*counts, *levels, 1.0])
    grid = [[" "] * len(columns) for _ in range(_ROWS)]
    for level in levels:
        grid[_row(level, top)] = [marks.threshold if i % 2 == 0 else " " for i in range(len(columns))]
    for line, mark in drawn:
        for x, column in enumerate(columns):
            value = _seen(line, column)
            if value is not None and value <= top:
                grid[_row(value, top)][x] = mark
    names = {_row(level, top): words.figure(level) for level in levels}
    for i, row in enumerate(grid):
        label = names.get(i, words.figure(top) if i == 0 else "")
        yield f"{label:>{_MARGIN - 2}} {marks.axis}{''.join(row)}"
    yield f"{0:>{_MARGIN - 2}} {marks.corner}{marks.floor * len(columns)}"
    yield " " * _MARGIN + _times(run, columns)


def _row(value: float, top: float) -> int:
    return _ROWS - 1 - min(_ROWS - 1, int(value / top * _ROWS))


def _times(run: Run, columns: Sequence[range]) -> str:
    """Times below the axis, none over another."""
    line = ""
    for quarter in range(4):
        x = quarter * len(columns) // 4
        at = words.elapsed(run, columns[x].start)
        if len(line) <= x and (quarter == 0 or x + len(at) <= len(columns)):
            line = line.ljust(x) + at + " "
    return line


def _profiles(run: Run, columns: Sequence[range], label: str) -> Iterator[str]:
    shown = [_seen(run.lines[control.PROFILE], column) for column in columns]
    yield f"{label:>{_MARGIN - 1}} " + "".join(" " if p is None else str(int(p)) for p in shown)


def _strips(run: Run, columns: Sequence[range], marks: Marks) -> Iterator[str]:
    yield ""
    yield from _profiles(run, columns, "profile")
    outputs = run.lines[control.OUTPUT]
    there = [value for value in outputs if value is not None]
    low, high = min([0.0, *there]), max([0.0, *there])
    last = len(marks.levels) - 1
    drawn = ""
    for column in columns:
        value = _seen(outputs, column)
        share = 0.0 if value is None or high == low else (value - low) / (high - low)
        drawn += " " if value is None else marks.levels[round(share * last)]
    yield f"{'output':>{_MARGIN - 1}} {drawn}"
    for number, name in enumerate(_alerts(run), start=1):
        firing = [f for f in run.firings if words.alert(f) == name]
        ends = [(f.start, run.count if f.end is None else f.end) for f in firing]
        on = [any(start <= i < end for start, end in ends for i in column) for column in columns]
        yield f"{f'alert {number}':>{_MARGIN - 1}} " + "".join(marks.on if there else marks.off for there in on)


def _alerts(run: Run) -> list[str]:
    return list(dict.fromkeys(words.alert(firing) for firing in run.firings))


def _legend(run: Run, marks: Marks) -> Iterator[str]:
    signs = [f"{marks.count} series", f"{marks.threshold} thresholds"]
    if any(value is not None for value in run.lines[outlook.FORECAST]):
        signs.append(f"{marks.forecast} forecast")
    if any(value is not None for value in run.lines[outlook.UPPER]):
        signs.append(f"{marks.band} band")
    yield ", ".join(signs)
    yield "profiles: " + ", ".join(f"{i} {name}" for i, name in enumerate(run.profiles))
    outputs = [value for value in run.lines[control.OUTPUT] if value is not None]
    if outputs:
        yield f"output: from {words.figure(min(outputs))} to {words.figure(max(outputs))}"
    for number, name in enumerate(_alerts(run), start=1):
        yield f"alert {number}: {name}"
