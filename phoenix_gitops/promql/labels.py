"""Which labels an expression's result can have, and which its clauses name in vain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phoenix_gitops.promql.syntax import Node, Selector, children, kind, nodes, selectors

Labels = frozenset[str] | None
"""Every label that is possible, or None where that is not known."""

LabelsOf = Callable[[Selector], Labels]
"""The labels of a selector's series."""

RELABELLING = frozenset({"label_replace", "label_join"})
"""Functions that make labels and values which no series had."""
_NO_LABELS = {"absent", "absent_over_time", "scalar", "vector", "time", "pi"}
_SET_OPERATORS = {"and", "or", "unless"}


def result_labels(node: Node, labels_of: LabelsOf) -> Labels:
    """The labels that the result of `node` can have."""
    match kind(node):
        case "VectorSelector" | "MatrixSelector":
            return labels_of(next(selectors(node)))
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return result_labels(node.expr, labels_of)
        case "Call":
            return _call(node, labels_of)
        case "AggregateExpr":
            return _aggregate(node, labels_of)
        case "BinaryExpr":
            return _binary(node, labels_of)
    return frozenset()


def _call(node: Node, labels_of: LabelsOf) -> Labels:
    if node.func.name in _NO_LABELS:
        # absent() takes labels from its matchers: not worth following.
        return frozenset() if node.func.name in {"scalar", "vector", "time", "pi"} else None
    inner = [result_labels(arg, labels_of) for arg in node.args if kind(arg) != "StringLiteral"]
    known = _union(*inner)
    if known is None:
        return None
    if node.func.name in RELABELLING:
        return known | {str(node.args[1].val)}
    if node.func.name == "histogram_quantile":
        return known - {"le"}
    return known


def _aggregate(node: Node, labels_of: LabelsOf) -> Labels:
    inner = result_labels(node.expr, labels_of)
    if str(node.op) in {"topk", "bottomk", "limitk", "limit_ratio"}:
        return inner
    extra = frozenset({str(node.param.val)}) if str(node.op) == "count_values" else frozenset()
    if node.modifier is None:
        return extra
    named = frozenset(node.modifier.labels)
    if _is(node.modifier, "By"):
        return (named if inner is None else named & inner) | extra
    return None if inner is None else (inner - named) | extra


def _binary(node: Node, labels_of: LabelsOf) -> Labels:
    left, right = result_labels(node.lhs, labels_of), result_labels(node.rhs, labels_of)
    operator = str(node.op)
    if operator in {"and", "unless"}:
        return left
    if operator == "or":
        return _union(left, right)
    if not right or not left:
        # A number on one side: labels are the other side's. An unknown side stays unknown.
        return None if left is None or right is None else left | right
    modifier = node.modifier
    if modifier is None or modifier.matching is None:
        return left
    many = str(modifier.card).rpartition(".")[2]
    if many in {"ManyToOne", "OneToMany"}:
        return (left if many == "ManyToOne" else right) | frozenset(modifier.group_labels or ())
    named = frozenset(modifier.matching.labels)
    return left & named if _is(modifier.matching, "Include") else left - named


def _union(*sets: Labels) -> Labels:
    known: frozenset[str] = frozenset()
    for found in sets:
        if found is None:
            return None
        known |= found
    return known


def _is(modifier: Node, name: str) -> bool:
    return str(modifier.type).rpartition(".")[2] == name


def clauses(node: Node) -> Iterator[tuple[str, str, Node]]:
    """(label, clause, what it stands on) of every `by` and `on`, and of what `group_left` takes over."""
    for child in children(node):
        yield from clauses(child)
    if kind(node) == "AggregateExpr" and node.modifier is not None and _is(node.modifier, "By"):
        yield from ((label, "by", node.expr) for label in node.modifier.labels)
    if kind(node) != "BinaryExpr" or node.modifier is None:
        return
    matching = node.modifier.matching
    if matching is not None and _is(matching, "Include"):
        yield from ((label, "on", side) for side in (node.lhs, node.rhs) for label in matching.labels)
    many = str(node.modifier.card).rpartition(".")[2]
    if many in _GROUPS:
        clause, one = (_GROUPS[many], node.rhs if many == "ManyToOne" else node.lhs)
        yield from ((label, clause, one) for label in node.modifier.group_labels or ())


_GROUPS = {"ManyToOne": "group_left", "OneToMany": "group_right"}


def made(node: Node) -> frozenset[str]:
    """Labels that functions below a node make, which no series had."""
    found: set[str] = set()
    for inner in nodes(node):
        if kind(inner) == "Call" and inner.func.name in RELABELLING:
            found.add(str(inner.args[1].val))
        elif kind(inner) == "AggregateExpr" and str(inner.op) == "count_values":
            found.add(str(inner.param.val))
    return frozenset(found)


def mismatched(node: Node, labels_of: LabelsOf) -> Iterator[tuple[str, frozenset[str]]]:
    """(operator, labels of one side only) of operations without `on` or `ignoring` whose sides differ in labels."""
    for child in children(node):
        yield from mismatched(child, labels_of)
    if kind(node) != "BinaryExpr" or str(node.op) in _SET_OPERATORS:
        return
    if node.modifier is not None and node.modifier.matching is not None:
        return
    left, right = (_aggregated(side, labels_of) for side in (node.lhs, node.rhs))
    if left is not None and right is not None and left != right:
        yield str(node.op), left ^ right


def _aggregated(node: Node, labels_of: LabelsOf) -> Labels:
    """The labels that a side surely has: known only where an aggregation fixes them."""
    while kind(node) == "ParenExpr":
        node = node.expr
    if kind(node) == "AggregateExpr" and str(node.op) not in {"topk", "bottomk"}:
        by = node.modifier is None or _is(node.modifier, "By")
        return result_labels(node, labels_of) if by else None
    return None
