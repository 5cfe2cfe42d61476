"""What is known in an environment: emitted, declared and recorded metrics, with the labels that each can have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from phoenix_gitops.catalogue import Catalogue, Metric, declared, of
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.labels import RELABELLING, Labels, result_labels
from phoenix_gitops.promql.syntax import Node, Selector
from phoenix_gitops.rules import flow
from phoenix_gitops.rules.group import Group, Record
from phoenix_gitops.rules.known import known_metrics
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.scope import EnvironmentScope, TenantScope

RECORDED = "a recording rule"
"""Where a metric comes from that a rule records."""

_KEEPS_TYPE = frozenset({"sum", "max", "min", "avg", "topk", "bottomk"})


def emitted(env: EnvironmentScope) -> Catalogue:
    """What the environment's components emit and its own catalogs declare."""
    own = of(known_metrics(env)).joined(flow.exported(env)).joined(flow.provided(env))
    return own.plus(flow.behind(flow.strips(env), declared(env.catalogs)))


def with_records(catalogue: Catalogue, groups: Iterable[Group]) -> Catalogue:
    """A catalogue with what these groups record, read in their order."""
    known = dict(catalogue.metrics)
    growing = Catalogue(known, catalogue.lost, catalogue.shelves)
    for group in groups:
        for record in group.records:
            before = known.get(record.record)
            found = recorded(record, group.interval, growing)
            known[record.record] = found if before is None else _joined(before, found)
    return growing


def recorded(record: Record, interval: str, catalogue: Catalogue) -> Metric:
    """The metric that a rule records."""
    tree = syntax.parse(record.expr)

    def labels_of(selector: Selector) -> Labels:
        metric = catalogue.get(selector.name)
        return None if metric is None else metric.labels

    labels = result_labels(tree, labels_of)
    return Metric(
        name=record.record,
        type=_type(tree, catalogue),
        labels=None if labels is None else labels | frozenset(record.labels),
        values=_values(tree, catalogue) | {name: frozenset({value}) for name, value in record.labels.items()},
        interval_ms=milliseconds(interval),
        source=RECORDED,
    )


def _values(tree: Node, catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """Every value that labels of the result can have: at most those of all that is read."""
    if any(_makes_values(node) for node in syntax.nodes(tree)):
        return {}
    read = [catalogue.get(selector.name) for selector in syntax.selectors(tree)]
    known = [metric for metric in read if metric is not None]
    if not known or len(known) < len(read):
        return {}
    shared = frozenset.intersection(*(frozenset(metric.values) for metric in known))
    return {label: frozenset[str]().union(*(metric.values[label] for metric in known)) for label in sorted(shared)}


def _makes_values(node: Node) -> bool:
    match syntax.kind(node):
        case "Call":
            return node.func.name in RELABELLING
        case "AggregateExpr":
            return str(node.op) == "count_values"
    return False


def _type(tree: Node, catalogue: Catalogue) -> str:
    """A sum of counters is still one; whatever else is computed is a gauge."""
    match syntax.kind(tree):
        case "ParenExpr":
            return _type(tree.expr, catalogue)
        case "AggregateExpr" if str(tree.op) in _KEEPS_TYPE:
            return _type(tree.expr, catalogue)
        case "VectorSelector":
            metric = catalogue.get(next(syntax.selectors(tree)).name)
            return "unknown" if metric is None else metric.type
    return "gauge"


def _joined(one: Metric, other: Metric) -> Metric:
    """Two rules that record one name under different labels."""
    values = {label: one.values[label] | found for label, found in other.values.items() if label in one.values}
    if one.labels is None or other.labels is None:
        return replace(other, labels=None, values=values)
    return replace(other, labels=one.labels | other.labels, values=values)


def seen_by(tenant: TenantScope, platform: Catalogue, strips: Iterable[flow.Strip] = ()) -> Catalogue:
    """What a tenant's rules can read: only series that bear its label survive the narrowing.

    `strips` says what pipelines do to the labels of what the tenant sends through them.
    """
    return narrowed(platform).plus(flow.behind(strips, declared(tenant.catalogs)))


def narrowed(platform: Catalogue) -> Catalogue:
    """What is left of a platform's catalogue to any tenant."""
    metrics = {name: metric for name, metric in platform.metrics.items() if _labelled(metric)}
    lost = dict.fromkeys(sorted(platform.metrics.keys() - metrics.keys()), flow.UNSEEN)
    shelves = tuple(shelf.behind(flow.Narrowed()) for shelf in platform.shelves)
    return Catalogue(metrics, {**platform.lost, **lost}, shelves)


def _labelled(metric: Metric) -> bool:
    return metric.source != RECORDED or (metric.labels is not None and LABEL in metric.labels)
