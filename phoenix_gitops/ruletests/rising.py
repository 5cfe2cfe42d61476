"""Counters and gauges whose slope changes with time, so that a range shows how long it is; and what comes of them.

The k-th sample of a rising counter is the sum of the first k increments `base`, `2 base`, ... The closed forms below
follow from that alone.
"""

from __future__ import annotations

from phoenix_gitops.ruletests.traces import Trace, steps


def rising(base: float, count: int) -> Trace:
    """A counter of so many samples; the step before the k-th sample adds `base` x k."""
    return steps(base * k * (k + 1) / 2 for k in range(1, count + 1))


def rising_rate(base: float, last: int, length: int, step: int) -> float:
    """The rate over the `length` steps before sample `last` (from 0): a left-open range holds `length` samples.

    The range ends on a sample, so it is filled by its mean increment.
    """
    first = last - length + 1
    increments = [base * (k + 1) for k in range(first + 1, last + 1)]
    return sum(increments) / len(increments) / step


def steady(per_step: float, count: int) -> Trace:
    """A counter that always grows alike; it begins far from 0, where extrapolation would stop."""
    return steps(10_000 + per_step * k for k in range(count))


def squares(count: int) -> Trace:
    """A gauge: 0, 1, 4, 9, ..."""
    return steps(float(k * k) for k in range(count))


def squares_slope(last: int, length: int, step: int) -> float:
    """The slope of squares by least squares, a second: between the ends of the range as between their neighbours."""
    return (last - length + 1 + last) / step
