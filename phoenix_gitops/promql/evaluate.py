"""A small evaluator of PromQL over synthetic series, as Prometheus 3 computes: what a judge is expected to say.

It knows what rules commonly use; of anything else it says `UnknownHereError`, never a wrong value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from phoenix_gitops.promql import operators
from phoenix_gitops.promql.functions import INSTANT, OVER_TIME, UnknownHereError, quantile_of_buckets
from phoenix_gitops.promql.operators import Labels, Vector
from phoenix_gitops.promql.syntax import Node, kind, value_type

LOOKBACK_MS = 300_000
"""A sample that is older counts as gone."""

_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
}


@dataclass(frozen=True, slots=True)
class Series:
    """A series: labels with its name among them, samples `step_ms` apart, None where there is none."""

    labels: Mapping[str, str]
    samples: Sequence[float | None]
    step_ms: int
    missing: int = 0
    """So many steps pass before the first sample."""

    def at(self, time_ms: int) -> float | None:
        """The sample that an instant sees; a gap begins with a marker, so the series ends there."""
        i = min(time_ms // self.step_ms - self.missing, len(self.samples) - 1)
        if i < 0 or time_ms - (i + self.missing) * self.step_ms >= LOOKBACK_MS:
            return None
        return self.samples[i]

    def within(self, start_ms: int, end_ms: int) -> list[tuple[int, float]]:
        """The samples of a range, which is open to the left."""
        first = max(0, start_ms // self.step_ms + 1 - self.missing)
        times = range((first + self.missing) * self.step_ms, end_ms + 1, self.step_ms)
        found = zip(times, self.samples[first:], strict=False)
        return [(at, value) for at, value in found if value is not None]


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions over some series."""

    series: Sequence[Series]
    _selected: dict[int, list[tuple[Labels, Series]]] = field(default_factory=dict)
    _kept: list[Node] = field(default_factory=list)

    def vector(self, node: Node, at_ms: int) -> Vector:
        """The results by labels, without the metric's name; a scalar is one result without labels."""
        found = self._value(node, at_ms)
        plain = {(): found} if isinstance(found, float) else found
        return {_unnamed(labels): value for labels, value in plain.items()}

    def _value(self, node: Node, at: int) -> Vector | float:
        match kind(node):
            case "NumberLiteral":
                return float(node.val)
            case "ParenExpr":
                return self._value(node.expr, at)
            case "UnaryExpr":
                inner = self._value(node.expr, at)
                if isinstance(inner, float):
                    return -inner
                return {_unnamed(labels): -value for labels, value in inner.items()}
            case "VectorSelector":
                return self._instant(node, at)
            case "AggregateExpr":
                return self._aggregate(node, at)
            case "BinaryExpr":
                left, right = self._value(node.lhs, at), self._value(node.rhs, at)
                return operators.binary(str(node.op), node.modifier, left, right)
            case "Call":
                return self._call(node, at)
        raise UnknownHereError(f"a {kind(node)} outside a function")

    def _instant(self, node: Node, at: int) -> Vector:
        found: Vector = {}
        for labels, series in self._matching(node):
            value = series.at(at - _offset(node))
            if value is not None:
                found[labels] = value
        return found

    def _matching(self, node: Node) -> list[tuple[Labels, Series]]:
        if node.at is not None:
            raise UnknownHereError("the modifier @")
        if id(node) not in self._selected:
            # The node is kept, so that no other gets its id.
            self._kept.append(node)
            fits = [one for one in self.series if matches(node, one.labels)]
            self._selected[id(node)] = [(tuple(sorted(one.labels.items())), one) for one in fits]
        return self._selected[id(node)]

    def _aggregate(self, node: Node, at: int) -> Vector:
        op, inner = str(node.op), self._value(node.expr, at)
        if isinstance(inner, float):
            raise UnknownHereError(f"{op} of a number")
        if op in ("topk", "bottomk"):
            return self._top(node, inner, at)
        if op not in _AGGREGATES:
            raise UnknownHereError(op)
        groups: dict[Labels, list[float]] = {}
        for labels, value in inner.items():
            groups.setdefault(_group_of(node, labels), []).append(value)
        return {labels: _AGGREGATES[op](values) for labels, values in groups.items()}

    def _top(self, node: Node, inner: Vector, at: int) -> Vector:
        count = self._value(node.param, at)
        sign = -1 if str(node.op) == "topk" else 1
        groups: dict[Labels, list[tuple[float, Labels]]] = {}
        for labels, value in inner.items():
            groups.setdefault(_group_of(node, labels), []).append((sign * value, labels))
        assert isinstance(count, float)
        kept = [item for items in groups.values() for item in sorted(items)[: max(0, int(count))]]
        return {labels: sign * value for value, labels in kept}

    def _call(self, node: Node, at: int) -> Vector | float:
        name, arguments = str(node.func.name), node.args
        if name in OVER_TIME:
            return self._over_time(name, arguments, at)
        match name:
            case "vector" | "scalar":
                inner = self._value(arguments[0], at)
                if name == "vector":
                    return {(): inner} if isinstance(inner, float) else inner
                assert isinstance(inner, dict)
                return next(iter(inner.values())) if len(inner) == 1 else math.nan
            case "absent":
                return {} if self._value(arguments[0], at) else {_absent_labels(arguments[0]): 1.0}
            case "time":
                return at / 1000
            case "histogram_quantile":
                share, buckets = self._value(arguments[0], at), self._value(arguments[1], at)
                assert isinstance(share, float)
                assert isinstance(buckets, dict)
                return quantile_of_buckets(share, buckets)
            case "label_replace":
                inner = self._value(arguments[0], at)
                assert isinstance(inner, dict)
                return operators.label_replace(inner, *(str(argument.val) for argument in arguments[1:]))
        if name not in INSTANT:
            raise UnknownHereError(f"{name}()")
        inner = self._value(arguments[0], at)
        more = [self._value(argument, at) for argument in arguments[1:]]
        numbers = [value for value in more if isinstance(value, float)]
        if isinstance(inner, float) or len(numbers) < len(more):
            raise UnknownHereError(f"{name}() of numbers")
        return {_unnamed(labels): INSTANT[name](value, *numbers) for labels, value in inner.items()}

    def _over_time(self, name: str, arguments: Sequence[Node], at: int) -> Vector:
        ranges = [argument for argument in arguments if value_type(argument) == "matrix"]
        if len(ranges) != 1 or kind(ranges[0]) != "MatrixSelector":
            raise UnknownHereError("a subquery")
        numbers = [self._value(argument, at) for argument in arguments if argument is not ranges[0]]
        selector, length = ranges[0].vector_selector, _ms(ranges[0].range)
        end = at - _offset(selector)
        found: Vector = {}
        for labels, series in self._matching(selector):
            samples = series.within(end - length, end)
            value = OVER_TIME[name](samples, end - length, end, *(n for n in numbers if isinstance(n, float)))
            if value is not None:
                found[labels if name == "last_over_time" else _unnamed(labels)] = value
        return found


def matches(node: Node, labels: Mapping[str, str]) -> bool:
    """Whether a selector of the tree selects a series of these labels."""
    if node.matchers.or_matchers:
        raise UnknownHereError("matchers that are joined by `or`")
    if node.name and labels.get("__name__") != node.name:
        return False
    return all(_matcher(str(m.op).rpartition(".")[2], m.value, labels.get(m.name, "")) for m in node.matchers.matchers)


def _matcher(op: str, wanted: str, value: str) -> bool:
    if op in ("Equal", "NotEqual"):
        return (value == wanted) == (op == "Equal")
    try:
        found = re.fullmatch(wanted, value, re.DOTALL | re.ASCII) is not None
    except re.error:
        raise UnknownHereError(f"the pattern `{wanted}`") from None
    return found == (op == "Re")


def _absent_labels(node: Node) -> Labels:
    inner = node.expr if kind(node) == "ParenExpr" else node
    if kind(inner) != "VectorSelector":
        return ()
    exact = [(m.name, m.value) for m in inner.matchers.matchers if str(m.op).endswith(".Equal")]
    return tuple(sorted(pair for pair in exact if pair[0] != "__name__"))


def _group_of(node: Node, labels: Labels) -> Labels:
    modifier = node.modifier
    if modifier is None:
        return ()
    named = set(modifier.labels)
    if str(modifier.type).endswith("By"):
        return tuple(pair for pair in labels if pair[0] in named)
    return tuple(pair for pair in labels if pair[0] not in named and pair[0] != "__name__")


def _unnamed(labels: Iterable[tuple[str, str]]) -> Labels:
    return tuple(pair for pair in labels if pair[0] != "__name__")


def _offset(node: Node) -> int:
    return 0 if node.offset is None else _ms(node.offset)


def _ms(delta: object) -> int:
    seconds: float = delta.total_seconds()  # type: ignore[attr-defined]  # promql-parser has no types
    return round(seconds * 1000)
