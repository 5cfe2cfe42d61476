"""Shapes of traces: `ramp:17000..26000/30m`, joined by `+`, and load shapes relative to the set point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from phoenix_gitops.model.units import duration, milliseconds
from phoenix_gitops.suggest import closest

LONGEST = 20_000
"""Steps of a trace at most: two weeks of minutes."""


class ShapeError(ValueError):
    """A shape that is not one; the message is for people."""


Level = Callable[[int, int, float, float, int], float | None]
"""A value by step, number of steps, first and second level, and the length of the part (in steps) that stands out."""


def _ramp(i: int, count: int, low: float, high: float, _part: int) -> float:
    return low + (high - low) * i / max(1, count - 1)


def _step(i: int, count: int, low: float, high: float, _part: int) -> float:
    return low if i < count // 2 else high


def _spike(i: int, count: int, low: float, high: float, part: int) -> float:
    first = (count - part) // 2
    return high if first <= i < first + part else low


def _wave(i: int, _count: int, low: float, high: float, part: int) -> float:
    return low if i % part < part / 2 else high


def _sine(i: int, _count: int, low: float, high: float, part: int) -> float:
    return (low + high) / 2 - (high - low) / 2 * math.cos(2 * math.pi * i / part)


def _gap(i: int, count: int, low: float, _high: float, part: int) -> float | None:
    first = (count - part) // 2
    return None if first <= i < first + part else low


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape: its course, whether it has two levels, and which share of its length its third figure is by default."""

    course: Level
    levels: int
    part: int
    help: str


SHAPES = {
    "constant": Shape(lambda i, n, low, high, part: low, 1, 0, "constant:20000/30m"),
    "step": Shape(_step, 2, 0, "step:10000..30000/1h, in the middle"),
    "ramp": Shape(_ramp, 2, 0, "ramp:17000..26000/30m"),
    "spike": Shape(_spike, 2, 12, "spike:15000..60000/1h/5m, five minutes long"),
    "wave": Shape(_wave, 2, 4, "wave:10000..30000/2h/20m, one wave in 20 minutes"),
    "sine": Shape(_sine, 2, 2, "sine:10000..30000/2h/1h, one wave in an hour"),
    "gap": Shape(_gap, 1, 4, "gap:20000/1h/10m, ten minutes without a count"),
}

BENCHMARKS = {
    "baseline_steady_state": "constant:{100}/12m",
    "cardinality_spike": "constant:{100}/5m+ramp:{100}..{500}/1m+constant:{500}/9m",
    "gradual_growth": "ramp:{50}..{300}/10m+constant:{300}/10m",
    "wave_pattern": "sine:{100}..{250}/35m/10m",
}
"""The platform's load shapes: `{100}` is as much load as keeps the set point."""

_PART = re.compile(
    r"(?P<name>[a-z_]+)(:(?P<low>[^./]+(\.[0-9]+)?)(\.\.(?P<high>[^/]+))?)?(/(?P<length>[0-9a-z]+))?(/(?P<part>[0-9a-z]+))?"
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_DURATION = re.compile(r"([0-9]+(ms|s|m|h|d|w|y))+")


def is_shape(text: str) -> bool:
    """Whether a text is meant as a shape and not as the name of a file."""
    name = re.split(r"[:/+]", text, maxsplit=1)[0]
    return name in SHAPES or name in BENCHMARKS or ":" in text


def trace(text: str, interval_ms: int, set_point: int) -> tuple[float | None, ...]:
    """The inputs of a shape, one a step. Raises `ShapeError`."""
    load = re.sub(r"\{([0-9]+)\}", lambda found: f"{int(found[1]) * set_point / 100:g}", BENCHMARKS.get(text, text))
    found: list[float | None] = []
    for part in load.split("+"):
        found += _values(part, interval_ms, LONGEST - len(found))
    return tuple(found)


def _values(text: str, interval_ms: int, most: int) -> list[float | None]:
    shape, levels, length, part = _parsed(text)
    count = max(1, -(-length // interval_ms))
    if count > most:
        raise ShapeError(f"`{text}` makes the trace longer than {LONGEST} steps of `{duration(interval_ms)}`")
    steps = max(1, -(-part // interval_ms)) if part else max(1, count // max(1, shape.part))
    return [_rounded(shape.course(i, count, levels[0], levels[-1], steps)) for i in range(count)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _parsed(text: str) -> tuple[Shape, list[float], int, int]:
    """A shape's course, levels, and two lengths in milliseconds, the second 0 where it is left out."""
    match = _PART.fullmatch(text)
    name = re.split(r"[:/]", text, maxsplit=1)[0] if match is None else match["name"]
    shape = SHAPES.get(name)
    if shape is None:
        near = closest(name, [*SHAPES, *BENCHMARKS])
        listed = ", ".join((*SHAPES, *BENCHMARKS))
        raise ShapeError(f"there is no shape `{name}`; {f'did you mean `{near}`?' if near else f'there are: {listed}'}")
    if match is None:
        raise ShapeError(f"`{text}` is not how a shape is written; as in `{shape.help}`")
    levels = [level for level in (match["low"], match["high"]) if level is not None]
    if len(levels) != shape.levels or not all(_NUMBER.fullmatch(level) for level in levels):
        wanted = "two levels, FROM..TO" if shape.levels == 2 else "one level"
        raise ShapeError(f"`{text}` needs {wanted}, as in `{shape.help}`")
    lengths = [given for given in (match["length"], match["part"]) if given is not None]
    for given in lengths:
        if not _DURATION.fullmatch(given) or milliseconds(given) == 0:
            raise ShapeError(f"`{given}` in `{text}` is no duration; write it as in `30m`")
    if len(lengths) == 2 and not shape.part:
        raise ShapeError(f"`{text}` has one length too many; as in `{shape.help}`")
    spans = [milliseconds(given) for given in (*lengths, *(["1h"] if not lengths else []))]
    return shape, [float(level) for level in levels], spans[0], spans[1] if len(spans) > 1 else 0
