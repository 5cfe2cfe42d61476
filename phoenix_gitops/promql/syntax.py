"""Parsing: text to an expression tree, its selectors, and what it is that both judges of rules refuse.

The tree is promql-parser's. Its import costs a few milliseconds, so it happens when a first expression is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import promql_parser

Node: TypeAlias = Any
"""A node of promql-parser's tree: its classes share no typed base with fields."""

WINDOW = "$window"
"""Stands in an SLO's indicator for the range."""


MAX_DEPTH = 150
"""Deepest nesting of an expression; whoever walks a tree may do so by recursion."""


class PromQLError(ValueError):
    """A text that is no PromQL; the message is the parser's, in lower case."""


@dataclass(frozen=True, slots=True)
class Match:
    """A label matcher; `op` is one of `=`, `!=`, `=~`, `!~`."""

    label: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector as it stands in an expression; times in milliseconds."""

    name: str
    """The metric, or empty where only matchers say which."""
    matches: tuple[Match, ...]
    range_ms: int | None
    """Length of the range, None for an instant."""
    reach_ms: int
    """How far back it looks in all: range, offsets and enclosing subqueries."""
    function: str
    """The function that takes its range directly, or empty."""
    alternatives: bool
    """Whether matchers are joined by `or`, which only VictoriaMetrics knows."""

    @property
    def name_pattern(self) -> str:
        """The pattern of a selector by `__name__=~`, or empty."""
        return next((m.value for m in self.matches if m.label == "__name__" and m.op == "=~"), "")


@cache
def parse(text: str) -> Node:
    """The tree of an expression, which nobody changes; raises `PromQLError`."""
    import promql_parser

    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        raise PromQLError(str(error).strip().replace("\n", " ")) from None
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return tree
    raise PromQLError(f"nested deeper than {MAX_DEPTH} levels")


def kind(node: Node) -> str:
    """The node's class: `Call`, `VectorSelector`, ..."""
    return type(node).__name__


def value_type(node: Node) -> str:
    """What a node gives: `vector`, `matrix`, `scalar` or `string`."""
    match kind(node):
        case "NumberLiteral":
            return "scalar"
        case "StringLiteral":
            return "string"
        case "MatrixSelector" | "SubqueryExpr":
            return "matrix"
        case "ParenExpr" | "UnaryExpr":
            return value_type(node.expr)
        case "Call":
            return str(node.func.return_type).rpartition(".")[2].lower()
        case "BinaryExpr":
            both = {value_type(node.lhs), value_type(node.rhs)}
            return "scalar" if both == {"scalar"} else "vector"
    return "vector"


def children(node: Node) -> tuple[Node, ...]:
    """The expressions directly below a node."""
    match kind(node):
        case "BinaryExpr":
            return (node.lhs, node.rhs)
        case "Call":
            return tuple(node.args)
        case "AggregateExpr":
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return (node.expr,)
        case "MatrixSelector":
            return (node.vector_selector,)
    return ()


def nodes(node: Node) -> Iterator[Node]:
    """The node and all below it, from the outside in."""
    yield node
    for child in children(node):
        yield from nodes(child)


def selectors(node: Node, *, outer_ms: int = 0, function: str = "") -> Iterator[Selector]:
    """Every selector below a node, with how far each looks back."""
    match kind(node):
        case "VectorSelector":
            yield _selector(node, None, outer_ms, function)
        case "MatrixSelector":
            yield _selector(node.vector_selector, _ms(node.range), outer_ms, function)
        case "SubqueryExpr":
            yield from selectors(node.expr, outer_ms=outer_ms + _ms(node.range) + _ms(node.offset))
        case _:
            name = str(node.func.name) if kind(node) == "Call" else ""
            for child in children(node):
                yield from selectors(child, outer_ms=outer_ms, function=name)


def _selector(node: Node, range_ms: int | None, outer_ms: int, function: str) -> Selector:
    matches = tuple(Match(m.name, _OPS[str(m.op).rpartition(".")[2]], m.value) for m in node.matchers.matchers)
    exact = [m.value for m in matches if m.label == "__name__" and m.op == "="]
    return Selector(
        name=str(node.name or (exact[0] if exact else "")),
        matches=matches,
        range_ms=range_ms,
        reach_ms=outer_ms + (range_ms or 0) + _ms(node.offset),
        function=function if range_ms is not None else "",
        alternatives=bool(node.matchers.or_matchers),
    )


_OPS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def _ms(delta: timedelta | None) -> int:
    return 0 if delta is None else round(delta.total_seconds() * 1000)


def flat(node: Node) -> str:
    """The expression in the usual form, on one line."""
    lines = " ".join(line.strip() for line in str(node.prettify()).splitlines())
    parts = _QUOTED.split(lines)
    parts[::2] = [part.replace("( ", "(").replace(" )", ")") for part in parts[::2]]
    return "".join(parts)


_QUOTED = re.compile(r'("(?:\\.|[^"\\])*")')


def rebuild(node: Node, change: Callable[[promql_parser.VectorSelector], Node | None]) -> Node:
    """The tree with some selectors exchanged; `change` gives None for those that stay."""
    import promql_parser

    def visit(found: Node) -> Node | None:
        return change(found) if isinstance(found, promql_parser.VectorSelector) else None

    # Exchanged after the visit: a replacement would be visited again otherwise.
    return promql_parser.transform(node, None, visit)
