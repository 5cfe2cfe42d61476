"""Binary operators of PromQL over results, and `label_replace`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from phoenix_gitops.promql.functions import Labels, UnknownHereError, Vector
from phoenix_gitops.promql.syntax import Node

__all__ = ["Labels", "Vector", "binary", "label_replace"]

_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
_SETS = ("and", "or", "unless")


def _divided(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


_COMPUTES: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divided,
    "%": lambda a, b: math.fmod(a, b) if b else math.nan,
    "^": math.pow,
}


def binary(op: str, modifier: Node, left: Vector | float, right: Vector | float) -> Vector | float:
    """The result of an operator between two results."""
    if op in _SETS:
        if isinstance(left, float) or isinstance(right, float):
            raise UnknownHereError(f"`{op}` of a number")
        return _set(op, modifier, left, right)
    if op not in _COMPARES and op not in _COMPUTES:
        raise UnknownHereError(f"the operator `{op}`")
    as_bool = modifier is not None and bool(modifier.return_bool)
    if isinstance(left, float) and isinstance(right, float):
        value = _one(op, left, right, as_bool=as_bool, kept=left)
        assert value is not None, "scalars are compared with `bool` only"
        return value
    if isinstance(left, float):
        assert isinstance(right, dict)
        results = {labels: _one(op, left, value, as_bool=as_bool, kept=value) for labels, value in right.items()}
        return _present(op, results, as_bool=as_bool)
    if isinstance(right, float):
        results = {labels: _one(op, value, right, as_bool=as_bool, kept=value) for labels, value in left.items()}
        return _present(op, results, as_bool=as_bool)
    return _matched(op, modifier, left, right, as_bool=as_bool)


def _one(op: str, a: float, b: float, *, as_bool: bool, kept: float) -> float | None:
    if op in _COMPUTES:
        return _COMPUTES[op](a, b)
    holds = _COMPARES[op](a, b)
    if as_bool:
        return float(holds)
    return kept if holds else None


def _present(op: str, results: Mapping[Labels, float | None], *, as_bool: bool) -> Vector:
    named = op in _COMPARES and not as_bool
    return {labels if named else _unnamed(labels): value for labels, value in results.items() if value is not None}


def _signature(modifier: Node, labels: Labels) -> Labels:
    matching = None if modifier is None else modifier.matching
    if matching is None:
        return _unnamed(labels)
    named = set(matching.labels)
    if str(matching.type).endswith("Include"):
        return tuple(pair for pair in labels if pair[0] in named)
    return tuple(pair for pair in _unnamed(labels) if pair[0] not in named)


def _set(op: str, modifier: Node, left: Vector, right: Vector) -> Vector:
    there = {_signature(modifier, labels) for labels in (left if op == "or" else right)}
    if op == "or":
        more = {labels: value for labels, value in right.items() if _signature(modifier, labels) not in there}
        return {**left, **more}
    return {labels: value for labels, value in left.items() if (_signature(modifier, labels) in there) == (op == "and")}


def _matched(op: str, modifier: Node, left: Vector, right: Vector, *, as_bool: bool) -> Vector:
    card = "OneToOne" if modifier is None else str(modifier.card).rpartition(".")[2]
    many, one = (right, left) if card == "OneToMany" else (left, right)
    ones: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in one.items():
        signature = _signature(modifier, labels)
        if signature in ones:
            raise UnknownHereError("several results on the side that must have one")
        ones[signature] = (labels, value)
    found: Vector = {}
    for labels, value in many.items():
        signature = _signature(modifier, labels)
        if signature not in ones:
            continue
        a, b = (ones[signature][1], value) if card == "OneToMany" else (value, ones[signature][1])
        result = _one(op, a, b, as_bool=as_bool, kept=a)
        if result is None:
            continue
        target = _result_labels(op, modifier, card, labels, ones[signature][0], as_bool=as_bool)
        if target in found:
            raise UnknownHereError("several results with the same labels")
        found[target] = result
    return found


def _result_labels(op: str, modifier: Node, card: str, many: Labels, one: Labels, *, as_bool: bool) -> Labels:
    named = op in _COMPARES and not as_bool
    labels = dict(many if named else _unnamed(many))
    if card == "OneToOne":
        matching = None if modifier is None else modifier.matching
        if matching is not None:
            listed, include = set(matching.labels), str(matching.type).endswith("Include")
            labels = {name: value for name, value in labels.items() if (name in listed) == include}
    elif modifier.group_labels:
        others = dict(one)
        for name in modifier.group_labels:
            labels.pop(name, None)
            if others.get(name):
                labels[name] = others[name]
    return tuple(sorted(labels.items()))


def label_replace(inner: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """As the function of that name does; groups are `$1` or `${1}`."""
    found: Vector = {}
    template = re.sub(r"\$(?:\{([0-9]+)\}|([0-9]+))", lambda m: f"\\g<{m[1] or m[2]}>", replacement)
    for labels, value in inner.items():
        named = dict(labels)
        match = re.fullmatch(pattern, named.get(source, ""), re.DOTALL | re.ASCII)
        if match is not None:
            named[target] = match.expand(template)
        found[tuple(sorted((name, text) for name, text in named.items() if text))] = value
    return found


def _unnamed(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != "__name__")
