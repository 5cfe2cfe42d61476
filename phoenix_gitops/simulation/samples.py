"""Traces from files: tables of times and counts, and what Prometheus answers to a range query."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median_low

from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Span
from phoenix_gitops.simulation.shapes import LONGEST

LOOKBACK = 300
"""Seconds for which a sample holds, unless they usually come less often."""

_MOST = 500_000
_HELP = "give lines of `time,value`, or what Prometheus answers to `/api/v1/query_range`"


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples as they were read: seconds since 1970 (or since the beginning) and values, None for a gap."""

    points: tuple[tuple[float, float | None], ...]

    def inputs(self, interval_ms: int) -> tuple[float | None, ...]:
        """What a rule sees that is evaluated once an interval, from the first sample to the last."""
        every = interval_ms / 1000
        first, last = self.points[0][0], self.points[-1][0]
        gaps = [after[0] - before[0] for before, after in zip(self.points, self.points[1:], strict=False)]
        lookback = max(LOOKBACK, 1.5 * median_low(gaps)) if gaps else LOOKBACK
        found: list[float | None] = []
        held, i = self.points[0], 0
        for step in range(int((last - first) // every) + 1):
            now = first + step * every
            while i < len(self.points) and self.points[i][0] <= now:
                held, i = self.points[i], i + 1
            found.append(held[1] if now - held[0] < lookback else None)
        return tuple(found)

    @property
    def start(self) -> int:
        """The time of the first sample."""
        return int(self.points[0][0])


def read(name: str, text: str, interval_ms: int) -> Outcome[Samples | None]:
    """The samples of a file's text, or what keeps it from being read, at its line and column."""
    try:
        points = _answer(text) if text.lstrip().startswith("{") else _table(text)
    except _UnreadableError as error:
        return Outcome(None, (_fault(name, error),))
    if not points:
        return Outcome(None, (_fault(name, _UnreadableError(1, 1, "no sample is in it")),))
    steps = (points[-1][0] - points[0][0]) * 1000 / interval_ms
    if steps > LONGEST or len(points) > _MOST:
        long = _UnreadableError(1, 1, f"it is longer than {LONGEST} steps of the law or {_MOST} samples")
        return Outcome(None, (_fault(name, long),))
    return Outcome(Samples(tuple(points)))


class _UnreadableError(ValueError):
    def __init__(self, line: int, col: int, message: str) -> None:
        super().__init__(message)
        self.line, self.col = line, col


def _fault(name: str, error: _UnreadableError) -> Diagnostic:
    span = Span(name, error.line, error.col, error.line, error.col + 1)
    return Diagnostic(code="PHX696", message=str(error), primary=Label(span), help=_HELP)


def _table(text: str) -> list[tuple[float, float | None]]:
    points: list[tuple[float, float | None]] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip() or (number == 1 and _is_header(line)):
            continue
        cells = line.split(",")
        if len(cells) != 2:
            raise _UnreadableError(number, 1, f"a line is `time,value`, and this one has {len(cells)} parts")
        at, value = _time(cells[0], number), _value(cells[1], number, len(cells[0]) + 2)
        if points and at <= points[-1][0]:
            raise _UnreadableError(number, 1, f"time `{cells[0].strip()}` is not after the one before it")
        points.append((at, value))
    return points


def _is_header(line: str) -> bool:
    return line.strip()[0].isalpha()


def _time(text: str, line: int) -> float:
    word = text.strip()
    try:
        at = float(word)
    except ValueError:
        try:
            moment = datetime.fromisoformat(word)
        except ValueError:
            raise _UnreadableError(line, 1, f"`{word}` is no time, neither seconds nor ISO 8601") from None
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(at) or at < 0:
        raise _UnreadableError(line, 1, f"`{word}` is no time that could be")
    return at


def _value(text: str, line: int, col: int) -> float | None:
    word = text.strip()
    if word in ("", "NaN"):
        return None
    try:
        value = float(word)
    except ValueError:
        raise _UnreadableError(line, col, f"`{word}` is no number") from None
    if not math.isfinite(value) or value < 0:
        raise _UnreadableError(line, col, f"`{word}` is no count of series")
    return value


def _answer(text: str) -> list[tuple[float, float | None]]:
    try:
        answer = json.loads(text)
    except json.JSONDecodeError as error:
        raise _UnreadableError(error.lineno, error.colno, f"not JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise _UnreadableError(1, 1, "it is nested too deep") from None
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict) or data.get("resultType") != "matrix":
        raise _UnreadableError(1, 1, "it is no successful answer to a range query, whose `resultType` is `matrix`")
    result = data.get("result")
    if not isinstance(result, list) or len(result) != 1 or not isinstance(result[0], dict):
        count = len(result) if isinstance(result, list) else 0
        raise _UnreadableError(1, 1, f"it holds {count} series, and must hold one; ask for a `sum`")
    pairs = result[0].get("values")
    return _points(pairs if isinstance(pairs, list) else [])


def _points(pairs: Sequence[object]) -> list[tuple[float, float | None]]:
    points: list[tuple[float, float | None]] = []
    for i, pair in enumerate(pairs):
        if not isinstance(pair, list) or len(pair) != 2:
            raise _UnreadableError(1, 1, f"sample {i} is no pair of a time and a value")
        at = _time(str(pair[0]), 1)
        if points and at <= points[-1][0]:
            raise _UnreadableError(1, 1, f"sample {i} is not after the one before it")
        points.append((at, _value(str(pair[1]), 1, 1)))
    return points
