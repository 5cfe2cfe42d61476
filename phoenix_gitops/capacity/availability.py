"""Availability of what depends on one another, as ratios from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import comb, prod


def serial(parts: Iterable[Fraction]) -> Fraction:
    """Of a chain that needs every part: the product."""
    return prod(parts, start=Fraction(1))


def at_least(needed: int, total: int, each: Fraction) -> Fraction:
    """That `needed` of `total` equal, independent parts are up: the upper tail of the binomial distribution."""
    return sum(
        (comb(total, up) * each**up * (1 - each) ** (total - up) for up in range(needed, total + 1)), start=Fraction(0)
    )
