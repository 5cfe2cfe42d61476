"""Functions of PromQL over samples and over values, as Prometheus 3 computes them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

Labels = tuple[tuple[str, str], ...]
"""Labels of a result in their order."""

Vector = dict[Labels, float]

Samples = Sequence[tuple[int, float]]
"""Times in milliseconds, and values."""


class UnknownHereError(ValueError):
    """What the evaluator does not know; the message names it."""


def mean_of(values: Iterable[float]) -> float:
    """The mean of some values."""
    held = tuple(values)
    return math.fsum(held) / len(held)


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a whole population."""
    mean = mean_of(values)
    return math.sqrt(mean_of((value - mean) ** 2 for value in values))


def _growth(samples: Samples) -> float:
    """From the first sample to the last; a counter that fell had been reset."""
    total = samples[-1][1] - samples[0][1]
    before = samples[0][1]
    for _, value in samples:
        total += before if value < before else 0.0
        before = value
    return total


def _extrapolated(samples: Samples, start: int, end: int, *, counter: bool, rate: bool) -> float | None:
    """The growth within a range, continued to its ends where samples lie near enough to them."""
    if len(samples) < 2:
        return None
    growth = _growth(samples) if counter else samples[-1][1] - samples[0][1]
    (first, value), last = samples[0], samples[-1][0]
    sampled = (last - first) / 1000
    between = sampled / (len(samples) - 1)
    to_start, to_end = (first - start) / 1000, (end - last) / 1000
    to_start = between / 2 if to_start >= between * 1.1 else to_start
    if counter and growth > 0 and value >= 0:
        # A counter begins at 0 at the earliest.
        to_start = min(to_start, sampled * (value / growth))
    to_end = between / 2 if to_end >= between * 1.1 else to_end
    factor = (sampled + to_start + to_end) / sampled
    if rate:
        factor /= (end - start) / 1000
    return growth * factor


def _last_two(samples: Samples, *, counter: bool, rate: bool) -> float | None:
    if len(samples) < 2:
        return None
    (before, former), (now, value) = samples[-2:]
    growth = value if counter and value < former else value - former
    return growth / ((now - before) / 1000) if rate else growth


def _slope(samples: Samples) -> float | None:
    """By least squares, a second."""
    if len(samples) < 2:
        return None
    times = [(at - samples[0][0]) / 1000 for at, _ in samples]
    mean_time, mean = mean_of(times), mean_of(value for _, value in samples)
    spread = sum((at - mean_time) ** 2 for at in times)
    return sum((at - mean_time) * (value - mean) for at, (_, value) in zip(times, samples, strict=True)) / spread


def _of_values(compute: Callable[[list[float]], float]) -> Callable[..., float | None]:
    def over(samples: Samples, _start: int, _end: int) -> float | None:
        return compute([value for _, value in samples]) if samples else None

    return over


def _changes(values: list[float]) -> float:
    return float(sum(a != b for a, b in itertools.pairwise(values)))


def _resets(values: list[float]) -> float:
    return float(sum(b < a for a, b in itertools.pairwise(values)))


OVER_TIME: Mapping[str, Callable[..., float | None]] = {
    "rate": lambda samples, start, end: _extrapolated(samples, start, end, counter=True, rate=True),
    "increase": lambda samples, start, end: _extrapolated(samples, start, end, counter=True, rate=False),
    "delta": lambda samples, start, end: _extrapolated(samples, start, end, counter=False, rate=False),
    "irate": lambda samples, start, end: _last_two(samples, counter=True, rate=True),
    "idelta": lambda samples, start, end: _last_two(samples, counter=False, rate=False),
    "deriv": lambda samples, start, end: _slope(samples),
    "changes": _of_values(_changes),
    "resets": _of_values(_resets),
    "avg_over_time": _of_values(mean_of),
    "sum_over_time": _of_values(math.fsum),
    "min_over_time": _of_values(min),
    "max_over_time": _of_values(max),
    "count_over_time": _of_values(lambda values: float(len(values))),
    "last_over_time": _of_values(lambda values: values[-1]),
    "present_over_time": _of_values(lambda values: 1.0),
    "stddev_over_time": _of_values(deviation),
    "stdvar_over_time": _of_values(lambda values: deviation(values) ** 2),
}
"""Functions of a range: samples, its begin and its end."""


def _rounded(value: float, nearest: float = 1.0) -> float:
    inverse = 1 / nearest
    return math.floor(value * inverse + 0.5) / inverse


INSTANT: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": lambda value: float(math.ceil(value)),
    "floor": lambda value: float(math.floor(value)),
    "round": _rounded,
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else math.nan,
    "clamp": lambda value, low, high: max(low, min(high, value)),
    "clamp_min": lambda value, low: max(low, value),
    "clamp_max": lambda value, high: min(high, value),
    "sgn": lambda value: float((value > 0) - (value < 0)),
}
"""Functions of each value."""


def quantile_of_buckets(share: float, buckets: Vector) -> Vector:
    """The quantile of each histogram among these buckets."""
    groups: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in buckets.items():
        named = dict(labels)
        if "le" in named:
            rest = tuple(pair for pair in labels if pair[0] not in ("le", "__name__"))
            groups.setdefault(rest, []).append((float(named["le"]), count))
    return {labels: _quantile(share, sorted(found)) for labels, found in groups.items()}


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:
    if not 0 <= share <= 1:
        raise UnknownHereError("a quantile outside 0 to 1")
    if len(buckets) < 2 or not math.isinf(buckets[-1][0]) or not buckets[-1][1]:
        return math.nan
    rank = share * buckets[-1][1]
    i = next((i for i, (_, count) in enumerate(buckets[:-1]) if count >= rank), len(buckets) - 1)
    if i == len(buckets) - 1:
        return buckets[-2][0]
    upper, count = buckets[i]
    if i == 0 and upper <= 0:
        return upper
    lower, before = buckets[i - 1] if i else (0.0, 0.0)
    return lower + (upper - lower) * ((rank - before) / (count - before))
