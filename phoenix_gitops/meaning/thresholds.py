"""Which of two conditions of one shape fires less: found by comparing their trees, figure by figure."""

from __future__ import annotations

import operator
from collections.abc import Callable
from enum import Enum

from phoenix_gitops.promql.syntax import Node, PromQLError, children, flat, kind, parse

_FOLDS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_UP, _DOWN = frozenset({">", ">="}), frozenset({"<", "<="})


class Tendency(Enum):
    """What a condition became."""

    SAME = "same"
    LOOSER = "loosened"
    TIGHTER = "tightened"
    UNKNOWN = "changed"


Figures = tuple[str, str]
"""What a value was compared with, and is."""


def tendency(old: str, new: str) -> tuple[Tendency, tuple[Figures, ...]]:
    """How a condition changed, and the figures that differ, each pair once; none where something else differs, too.

    Only figures that a value is compared with count, joined by `and`, `or`, brackets and aggregations of comparisons:
    elsewhere a figure's direction depends on the sign of data.
    """
    try:
        before, after = parse(old), parse(new)
    except PromQLError:
        return Tendency.UNKNOWN, ()
    found = _compare(before, after)
    directions = {one for one, _ in found}
    figures = tuple(dict.fromkeys(pair for _, pair in found if pair)) if all(pair for _, pair in found) else ()
    if not directions:
        return Tendency.SAME, ()
    return (directions.pop() if len(directions) == 1 else Tendency.UNKNOWN), figures


_Found = list[tuple[Tendency, Figures | None]]


def _compare(before: Node, after: Node) -> _Found:
    if flat(before) == flat(after):
        return []
    unknown: _Found = [(Tendency.UNKNOWN, None)]
    if kind(before) == "ParenExpr":
        return _compare(before.expr, after)
    if kind(after) == "ParenExpr":
        return _compare(before, after.expr)
    if kind(before) != "BinaryExpr" or kind(after) != "BinaryExpr":
        return unknown
    sign, other = _sign(before), _sign(after)
    if sign != other or _modifier(before) != _modifier(after):
        return unknown
    if sign in ("and", "or"):
        return _compare(before.lhs, after.lhs) + _compare(before.rhs, after.rhs)
    if sign == "unless":
        turned = {Tendency.LOOSER: Tendency.TIGHTER, Tendency.TIGHTER: Tendency.LOOSER}
        right = [(turned.get(one, one), figures) for one, figures in _compare(before.rhs, after.rhs)]
        return _compare(before.lhs, after.lhs) + right
    if sign in _UP | _DOWN:
        found = _compare_figures(before, after, sign)
        return unknown if found is None else found
    return unknown


def _compare_figures(before: Node, after: Node, sign: str) -> _Found | None:
    """The two sides of `value > figure`, or of `figure < value`; None if it is something else that differs."""
    for value, figure, up in (("lhs", "rhs", sign in _UP), ("rhs", "lhs", sign in _DOWN)):
        old, new = constant(getattr(before, figure)), constant(getattr(after, figure))
        if old is None or new is None:
            continue
        if flat(getattr(before, value)) != flat(getattr(after, value)):
            return None
        if old == new:
            return []
        looser = (new > old) == up
        return [(Tendency.LOOSER if looser else Tendency.TIGHTER, (f"{old:.6g}", f"{new:.6g}"))]
    return None


def constant(node: Node) -> float | None:
    """The figure that an expression of figures alone comes to."""
    match kind(node):
        case "NumberLiteral":
            return float(node.val)
        case "ParenExpr":
            return constant(node.expr)
        case "UnaryExpr":
            inner = constant(node.expr)
            return None if inner is None else -inner
        case "BinaryExpr":
            left, right = (constant(child) for child in children(node))
            fold = _FOLDS.get(_sign(node))
            if left is None or right is None or fold is None or (fold is operator.truediv and not right):
                return None
            return fold(left, right)
    return None


def _sign(node: Node) -> str:
    return str(node.op)


def _modifier(node: Node) -> str:
    """`bool`, `on (...)`, `group_left (...)` as text."""
    return str(node.modifier or "")
