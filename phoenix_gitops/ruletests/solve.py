"""Inputs that make an expression true and inputs that make it false, found by trying: levels of its series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.functions import UnknownHereError
from phoenix_gitops.ruletests.inputs import Input, evaluator
from phoenix_gitops.ruletests.traces import Trace, counter, flat

COUNTERS = ("rate", "irate", "increase")
_HALVINGS = 44
_LADDER = (0.0, 1e-3, 0.5, 1.0, 10.0, 1e2, 1e3, 1e4, 1e6, 1e9, 1e12)
_FAR = 1e9
_NOTHING = 1e-6
_COUNTED = 10
"""Whole bounds from here on are passed by one."""
_NEAR = 1e-4
"""How far a level keeps from a bound where arithmetic may differ in the last digit."""


Levels = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """Levels (slopes a second of counters, None for no series) of each input, while silent and while true."""

    calm: Levels
    hot: Levels


def threshold(text: str, found: Sequence[Input], bound: float) -> float:
    """The level of all inputs at which an expression of instants is `bound`. Raises `UnknownHereError`."""
    tree = syntax.parse(text)

    def value(level: float) -> float:
        results = evaluator([(one, flat(level, 1)) for one in found], 1).vector(tree, 0)
        if len(results) != 1:
            raise UnknownHereError("an indicator that has not one result")
        return next(iter(results.values()))

    unit = value(1.0)
    if unit and abs(value(bound / unit) - bound) <= 1e-9 * max(1.0, abs(bound)):
        return bound / unit
    raise UnknownHereError("an indicator that does not follow its series in proportion")


def solved(text: str, found: Sequence[Input], counters: Sequence[bool], window: int) -> Solution:
    """Levels for an alert's condition over a window in seconds. Raises `UnknownHereError` where none are found."""
    tree, step = syntax.parse(text), max(1, window // 5)

    def true(levels: Levels) -> bool:
        count = window // step + 2
        given = [
            (one, steady(level, count, step, counter_=is_counter))
            for one, level, is_counter in zip(found, levels, counters, strict=True)
        ]
        return bool(evaluator(given, step).vector(tree, (count - 1) * step * 1000))

    for vary in _ways(found):
        condition = _Condition(true, vary)
        rungs = condition.neighbours()
        if rungs is not None:
            guesses = sorted({float(node.val) for node in syntax.nodes(tree) if syntax.kind(node) == "NumberLiteral"})
            exact = not any(syntax.kind(node) == "MatrixSelector" for node in syntax.nodes(tree))
            return condition.tightened(*rungs, guesses, exact=exact)
    raise UnknownHereError("a condition that no levels of its series make true and false")


def steady(level: float | None, count: int, step: int, *, counter_: bool) -> Trace:
    """A series that stays at a level: a counter grows by it."""
    if level is None:
        return Trace(())
    return counter([(level * step, count)], first=1_000_000.0) if counter_ else flat(level, count)


def _ways(found: Sequence[Input]) -> Iterator[Callable[[float | None], Levels]]:
    """What is varied: one series, so that it shows how series are put together, then all, then each metric.

    What no selector means stays far from all bounds.
    """
    meant = [i for i, one in enumerate(found) if one.wanted]

    def alone(level: float | None, k: int = meant[0] if meant else 0) -> Levels:
        return tuple(_FAR if not one.wanted else level if i == k else 1.0 for i, one in enumerate(found))

    yield alone

    def together(level: float | None) -> Levels:
        return tuple(level if one.wanted else _FAR for one in found)

    yield together
    for name in sorted({one.labels["__name__"] for one in found}):
        for rest in (1.0, 0.0, 1e3):

            def vary(level: float | None, name: str = name, rest: float = rest) -> Levels:
                return tuple(
                    _FAR if not one.wanted else level if one.labels["__name__"] == name else rest for one in found
                )

            yield vary


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition that depends on one level."""

    true: Callable[[Levels], bool]
    vary: Callable[[float | None], Levels]

    def at(self, level: float | None) -> bool:
        """Whether it holds at a level."""
        return self.true(self.vary(level))

    def neighbours(self) -> tuple[float | None, float | None] | None:
        """Two neighbouring levels of which one is silent and the other is not, in this order."""
        levels = (None, *_LADDER)
        seen = [self.at(level) for level in levels]
        # Levels first: that there is no series at all is the answer only where no level is one.
        for i in [*range(1, len(levels) - 1), 0]:
            if seen[i] != seen[i + 1]:
                return (levels[i], levels[i + 1]) if seen[i + 1] else (levels[i + 1], levels[i])
        return None

    def tightened(
        self, silent: float | None, firing: float | None, guesses: Sequence[float], *, exact: bool
    ) -> Solution:
        """The bound between two levels, from both sides as near as arithmetic allows."""
        if silent is None or firing is None:
            return Solution(self.vary(silent), self.vary(firing))
        up = 1 if firing > silent else -1
        low, high = min(silent, firing), max(silent, firing)
        for guess in guesses:
            # Most bounds are a number of the condition, and then need no search.
            near = _NEAR * abs(guess)
            inside = low < guess - near and guess + near < high
            if inside and not self.at(guess - up * near) and self.at(guess + up * near):
                return self._around(guess, up, exact=exact)
        for _ in range(_HALVINGS):
            middle = (silent + firing) / 2
            silent, firing = (silent, middle) if self.at(middle) else (middle, firing)
        bound = float(f"{firing:.9g}")
        if abs(bound) < _NOTHING:
            # True at 0 alone, or at whatever is more than 0.
            return Solution(self.vary(0.0), self.vary(0.5)) if up > 0 else Solution(self.vary(0.5), self.vary(0.0))
        return self._around(bound, up, exact=exact)

    def _around(self, bound: float, up: int, *, exact: bool) -> Solution:
        unit = 1.0 if exact and bound.is_integer() and abs(bound) >= _COUNTED else _NEAR * bound
        before, after = bound - up * unit, bound + up * unit
        if exact and not self.at(bound) and self.at(after):
            return Solution(self.vary(bound), self.vary(after))
        if exact and self.at(bound) and not self.at(before):
            return Solution(self.vary(before), self.vary(bound))
        return Solution(self.vary(bound - up * _NEAR * bound), self.vary(bound + up * _NEAR * bound))
