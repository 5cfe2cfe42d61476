"""What an expression compares and counts with, read from its tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phoenix_gitops.promql.syntax import flat, kind, nodes, parse, selectors

COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}


def folded(node: Any) -> float | None:
    """The value of an expression of numbers alone."""
    match kind(node):
        case "NumberLiteral":
            return float(node.val)
        case "ParenExpr":
            return folded(node.expr)
        case "UnaryExpr":
            inner = folded(node.expr)
            return None if inner is None else -inner
        case "BinaryExpr":
            sides = folded(node.lhs), folded(node.rhs)
            if None in sides:
                return None
            left, right = sides
            return {"*": lambda: left * right, "/": lambda: left / right, "+": lambda: left + right}[str(node.op)]()
    return None


def limits(expr: str) -> set[tuple[str, str, float]]:
    """Each comparison with a number: (what, operator, number)."""
    return {
        (flat(node.lhs), str(node.op).removesuffix(" bool"), round(value, 9))
        for node in nodes(parse(expr))
        if kind(node) == "BinaryExpr" and str(node.op) in COMPARISONS and (value := folded(node.rhs)) is not None
    }


def numbers(expr: str) -> Iterator[float]:
    """Each number that is written in it."""
    return (float(node.val) for node in nodes(parse(expr)) if kind(node) == "NumberLiteral")


def ranges(expr: str) -> set[int]:
    """The ranges that it looks back over, in seconds."""
    return {s.range_ms // 1000 for s in selectors(parse(expr)) if s.range_ms is not None}


def names(expr: str) -> set[str]:
    """The metrics that it reads."""
    return {s.name for s in selectors(parse(expr))}


def calls(expr: str, function: str) -> list[list[str]]:
    """The arguments of each call of a function."""
    return [
        [flat(argument) for argument in node.args]
        for node in nodes(parse(expr))
        if kind(node) == "Call" and str(node.func.name) == function
    ]
