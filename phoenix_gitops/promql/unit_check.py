"""Sums and comparisons of values that have different units."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.catalogue.units import SECOND, Unit, parse, product, show
from phoenix_gitops.promql.findings import Finding, MetricsOf
from phoenix_gitops.promql.syntax import Node, children, kind, selectors, value_type

_SAME = frozenset(
    {
        *("abs", "ceil", "floor", "round", "clamp", "clamp_max", "clamp_min", "sort", "sort_desc", "increase", "delta"),
        *("idelta", "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "last_over_time"),
        *("first_over_time", "stddev_over_time", "mad_over_time", "predict_linear", "label_replace", "label_join"),
        *("double_exponential_smoothing", "limitk", "limit_ratio", "quantile_over_time"),
    }
)
"""Functions whose results have the unit of what they are given."""
_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_KEEPING = frozenset({"sum", "avg", "min", "max", "topk", "bottomk", "quantile", "stddev"})
_COMPARED = frozenset({"==", "!=", ">", "<", ">=", "<="})


def mixed_units(node: Node, metrics_of: MetricsOf) -> Iterator[Finding]:
    """The operations whose sides surely have different units. What is multiplied by a number counts as converted."""
    for child in children(node):
        yield from mixed_units(child, metrics_of)
    if kind(node) != "BinaryExpr" or str(node.op) not in {"+", "-", *_COMPARED}:
        return
    left, right = unit_of(node.lhs, metrics_of), unit_of(node.rhs, metrics_of)
    if left is not None and right is not None and left != right:
        operator = str(node.op)
        doing = "compares" if operator in _COMPARED else "joins"
        yield Finding(
            code="PHX680",
            message=f"`{operator}` {doing} values in `{show(left)}` with values in `{show(right)}`",
            help="convert one side, or mend `unit` where the metric is declared",
        )


def unit_of(node: Node, metrics_of: MetricsOf) -> Unit | None:
    """The unit of a node's values; None where it is not known."""
    match kind(node):
        case "VectorSelector" | "MatrixSelector":
            return _read(node, metrics_of, observed=False)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return unit_of(node.expr, metrics_of)
        case "AggregateExpr":
            return unit_of(node.expr, metrics_of) if str(node.op) in _KEEPING else None
        case "Call":
            return _call(node, metrics_of)
        case "BinaryExpr":
            return _binary(node, metrics_of)
    return None


def _read(node: Node, metrics_of: MetricsOf, *, observed: bool) -> Unit | None:
    read = [metric for selector in selectors(node) for metric in metrics_of(selector) or ()]
    units = {parse(metric.observed if observed else metric.unit) for metric in read}
    return units.pop() if len(units) == 1 else None


def _call(node: Node, metrics_of: MetricsOf) -> Unit | None:
    name = str(node.func.name)
    if name in {"time", "timestamp"}:
        return SECOND
    if name == "histogram_quantile":
        return _read(node.args[1], metrics_of, observed=True)
    vectors = [arg for arg in node.args if value_type(arg) in {"vector", "matrix"}]
    if len(vectors) != 1:
        return None
    inner = unit_of(vectors[0], metrics_of)
    if inner is None or name in _SAME:
        return inner
    return product(inner, SECOND, -1) if name in _PER_SECOND else None


def _binary(node: Node, metrics_of: MetricsOf) -> Unit | None:
    operator = str(node.op)
    left, right = unit_of(node.lhs, metrics_of), unit_of(node.rhs, metrics_of)
    if operator in {"and", "unless"}:
        return left
    if operator in _COMPARED:
        return None if node.modifier is not None and node.modifier.return_bool else left
    if operator in {"*", "/"} and left is not None and right is not None:
        return product(left, right, 1 if operator == "*" else -1)
    return left if operator in {"+", "-", "or"} and left == right else None
