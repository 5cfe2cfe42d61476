"""How many series an expression reads and gives, as far as the bounds of its metrics tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

from phoenix_gitops.catalogue import Metric
from phoenix_gitops.catalogue.bounds import series_bound
from phoenix_gitops.promql.findings import Finding, MetricsOf
from phoenix_gitops.promql.labels import Labels, result_labels
from phoenix_gitops.promql.syntax import Node, Selector, kind, selectors, value_type

_ONE = frozenset({"absent", "absent_over_time", "scalar", "vector", "time"})


def pinned(selector: Selector, metrics: tuple[Metric, ...]) -> frozenset[str]:
    """Labels that have one value in all that a selector reads."""
    asked = {match.label for match in selector.matches if match.op == "=" and match.value}
    single = [{label for label, values in metric.values.items() if len(values) == 1} for metric in metrics]
    return frozenset(asked.union(set.intersection(*single) if single else ()))


def several(tree: Node, metrics_of: MetricsOf, one: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """An expression that may have more than one result; `one` names labels with one value anyhow."""
    free = _free(tree, metrics_of, one)
    if free is None or free:
        listed = ", ".join(f"`{label}`" for label in sorted(free or ())[:4])
        each = f": one for each {listed}" if listed else ""
        yield Finding(
            code="PHX683",
            message=f"the expression may have more than one result{each}",
            help="make it one with `sum(...)`, `max(...)` or `min(...)`, or ask for one value of each label",
        )


def _free(node: Node, metrics_of: MetricsOf, one: frozenset[str]) -> Labels:
    """Labels by which results can differ; None where that is not known."""
    inner = node
    while kind(inner) == "ParenExpr":
        inner = inner.expr
    if kind(inner) == "Call" and str(inner.func.name) in _ONE:
        return frozenset()
    if kind(inner) == "BinaryExpr" and "scalar" in (sides := (value_type(inner.lhs), value_type(inner.rhs))):
        return _free(inner.rhs if sides[0] == "scalar" else inner.lhs, metrics_of, one)
    if kind(inner) == "AggregateExpr" and str(inner.op) in {"topk", "bottomk"} and inner.modifier is None:
        return frozenset() if kind(inner.param) == "NumberLiteral" and inner.param.val <= 1 else None

    def labels_of(selector: Selector) -> Labels:
        metrics = metrics_of(selector)
        if not metrics:
            return None
        gone = pinned(selector, metrics) | one
        found: frozenset[str] = frozenset()
        for metric in metrics:
            if metric.labels is None:
                return None
            found |= metric.labels
        return found - gone

    labels = result_labels(inner, labels_of)
    return None if labels is None else labels - one


def costly(tree: Node, metrics_of: MetricsOf, limit: int) -> Iterator[Finding]:
    """An expression that may read more series than `limit`; what has no bound does not count."""
    parts = []
    for selector in selectors(tree):
        for metric in metrics_of(selector) or ():
            bound = series_bound(metric, _kept(selector, metric))
            if bound is not None:
                parts.append((bound.most, f"`{metric.name}` {bound.how}"))
    total = sum(most for most, _ in parts)
    if total > limit:
        worst = max(parts)[1]
        yield Finding(
            code="PHX684",
            message=f"the expression reads up to {total} series, and a rule may read {limit}",
            help=f"of these, {worst}: ask for fewer with matchers, or read a recorded sum",
        )


def _kept(selector: Selector, metric: Metric) -> dict[str, int]:
    """How many values of labels the matchers of a selector let through, where that is known."""
    found: dict[str, int] = {}
    for match in selector.matches:
        if match.op == "=" and match.value:
            found[match.label] = 1
        elif match.op in ("=~", "!~", "!=") and match.label in metric.values:
            values = metric.values[match.label]
            found[match.label] = sum(_takes(match.op, match.value, value) for value in values)
    return found


def _takes(operator: str, pattern: str, value: str) -> bool:
    if operator == "!=":
        return value != pattern
    try:
        return (re.fullmatch(pattern, value) is not None) == (operator == "=~")
    except re.error:
        return True


def result_bound(node: Node, metrics_of: MetricsOf) -> int | None:
    """At most so many results; None where that is not known."""
    match kind(node):
        case "VectorSelector" | "MatrixSelector":
            selector = next(selectors(node))
            read = metrics_of(selector)
            bounds = [series_bound(metric, _kept(selector, metric)) for metric in read or ()]
            known = [bound.most for bound in bounds if bound is not None]
            return sum(known) if known and len(known) == len(bounds) else None
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return result_bound(node.expr, metrics_of)
        case "AggregateExpr":
            return _aggregated(node, metrics_of)
        case "Call":
            if str(node.func.name) in _ONE:
                return 1
            found = [result_bound(arg, metrics_of) for arg in node.args if kind(arg) not in _LITERALS]
            return found[0] if len(found) == 1 else None
        case "BinaryExpr":
            return _joined(node, metrics_of)
    return None


_LITERALS = {"NumberLiteral", "StringLiteral"}


def _aggregated(node: Node, metrics_of: MetricsOf) -> int | None:
    inner = result_bound(node.expr, metrics_of)
    if str(node.op) in {"topk", "bottomk", "count_values", "limitk", "limit_ratio"}:
        return inner
    if node.modifier is None:
        return 1
    if str(node.modifier.type).rpartition(".")[2] != "By":
        return inner
    counts = [_values(label, node.expr, metrics_of) for label in node.modifier.labels]
    named = prod(count for count in counts if count is not None) if None not in counts else None
    return min((bound for bound in (inner, named) if bound is not None), default=None)


def _values(label: str, node: Node, metrics_of: MetricsOf) -> int | None:
    """How many values a label can have in what a node reads."""
    total = 0
    for selector in selectors(node):
        for metric in metrics_of(selector) or ():
            kept = _kept(selector, metric).get(label)
            count = kept if kept is not None else len(metric.values.get(label, ())) or metric.most.get(label)
            if count is None:
                return None
            total += count
    return total or None


def _joined(node: Node, metrics_of: MetricsOf) -> int | None:
    left, right = result_bound(node.lhs, metrics_of), result_bound(node.rhs, metrics_of)
    operator = str(node.op)
    if operator == "or":
        return left + right if left is not None and right is not None else None
    if operator in {"and", "unless"} or kind(node.rhs) == "NumberLiteral":
        return left
    if kind(node.lhs) == "NumberLiteral":
        return right
    many = "" if node.modifier is None else str(node.modifier.card).rpartition(".")[2]
    if many in {"ManyToOne", "OneToMany"}:
        return left if many == "ManyToOne" else right
    return min((bound for bound in (left, right) if bound is not None), default=None)
