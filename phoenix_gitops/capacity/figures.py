"""Figures of a plan: exact rational numbers, as one value or as a range where a rule of thumb made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

Exact = int | Fraction


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included, low <= high; ValueError else. Equal ends are an exact figure."""

    low: Fraction
    high: Fraction

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"a range runs from low to high, not from {self.low} to {self.high}")

    @property
    def exact(self) -> bool:
        """Whether the figure is one number."""
        return self.low == self.high

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: Exact) -> Range:
        """The range scaled by `factor` >= 0."""
        return Range(self.low * factor, self.high * factor)

    def each(self, function: Callable[[Fraction], Exact]) -> Range:
        """Both ends through a monotone function, rising or falling."""
        ends = sorted((Fraction(function(self.low)), Fraction(function(self.high))))
        return Range(ends[0], ends[1])


def exactly(value: Exact) -> Range:
    """The range that is one number."""
    return Range(Fraction(value), Fraction(value))


def ceiling(value: Exact) -> int:
    """The least whole number that is not below `value`."""
    return -((-Fraction(value)) // 1)
