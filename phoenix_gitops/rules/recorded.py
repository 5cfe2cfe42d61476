"""What recording rules record: labels, type, unit and bounds follow from their expressions.

Most records of an environment are read by nobody's rule, so each is looked at when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.catalogue import Catalogue, Loss, Metric
from phoenix_gitops.catalogue.units import show
from phoenix_gitops.document import Path
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.cardinality import result_bound
from phoenix_gitops.promql.check import labels_reader
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.promql.labels import RELABELLING, result_labels
from phoenix_gitops.promql.syntax import Node
from phoenix_gitops.promql.unit_check import unit_of
from phoenix_gitops.rules.group import Group, Record

RECORDED = "a recording rule"
"""Where a metric comes from that a rule records."""

_KEEPS_TYPE = frozenset({"sum", "max", "min", "avg", "topk", "bottomk"})

Origin = tuple[PolicyRef, Path]
"""The expression that records a name: its policy and its place there."""


class Growing(Mapping[str, Metric]):
    """The metrics of a catalogue and what groups of rules record on top of them."""

    def __init__(self, catalogue: Catalogue, groups: Iterable[Group], origins: Mapping[str, Origin]) -> None:
        self._base = catalogue.metrics
        self._whole = Catalogue(self, catalogue.lost, catalogue.shelves)
        self._rules: dict[str, list[tuple[Record, str, Origin | None]]] = {}
        self._found: dict[str, Metric] = {}
        self._asked: set[str] = set()
        for group in groups:
            for record in group.records:
                rule = (record, group.interval, origins.get(record.record))
                self._rules.setdefault(record.record, []).append(rule)

    def __getitem__(self, name: str) -> Metric:
        if name not in self._rules:
            return self._base[name]
        if name not in self._found:
            if name in self._asked:
                # A rule that reads its own last value: of that nothing is known yet.
                raise KeyError(name)
            self._asked.add(name)
            self._found[name] = self._looked_at(name)
        return self._found[name]

    def _looked_at(self, name: str) -> Metric:
        found = self._base.get(name)
        for record, interval, origin in self._rules[name]:
            metric = recorded(record, interval, self._whole, origin)
            found = metric if found is None else _joined(found, metric)
        if found is None:
            raise AssertionError(f"a name without rules: {name}")
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._rules or name in self._base

    def __iter__(self) -> Iterator[str]:
        yield from self._base
        yield from (name for name in self._rules if name not in self._base)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Growing) and self._rules == other._rules and self._base == other._base

    __hash__ = None  # type: ignore[assignment]  # values that compare by content and hold dicts


def recorded(record: Record, interval: str, catalogue: Catalogue, origin: Origin | None = None) -> Metric:
    """The metric that a rule records."""
    tree = syntax.parse(record.expr)
    metrics_of = reader(catalogue)
    read = [metric for selector in syntax.selectors(tree) for metric in metrics_of(selector) or ()]
    labels = result_labels(tree, labels_reader(metrics_of))
    kept = None if labels is None else labels | frozenset(record.labels)
    policy, path = origin or (None, ())
    taken = Loss(
        stage="rules", what=f"the rule that records `{record.record}` does not keep it", policy=policy, path=path
    )
    return Metric(
        name=record.record,
        type=_type(tree, catalogue),
        unit=show(unit_of(tree, metrics_of)),
        labels=kept,
        values=_values(tree, read) | {name: frozenset({value}) for name, value in record.labels.items()},
        series=result_bound(tree, metrics_of),
        interval_ms=milliseconds(interval),
        source=RECORDED,
        lost={} if kept is None else _taken(read, kept, taken),
    )


def _taken(read: Iterable[Metric], kept: frozenset[str], taken: Loss) -> dict[str, Loss]:
    """Labels that were read and are not recorded; what was lost before is told by who took it first."""
    found: dict[str, Loss] = {}
    for metric in read:
        found |= dict.fromkeys(sorted(metric.known_labels - kept), taken)
    for metric in read:
        found |= {label: loss for label, loss in metric.lost.items() if label not in found and label not in kept}
    return found


def _values(tree: Node, read: Sequence[Metric]) -> dict[str, frozenset[str]]:
    """Every value that labels of the result can have: at most those of all that is read."""
    if any(_makes_values(node) for node in syntax.nodes(tree)):
        return {}
    if not read or len(read) < sum(1 for _ in syntax.selectors(tree)):
        return {}
    shared = frozenset.intersection(*(frozenset(metric.values) for metric in read))
    return {label: frozenset[str]().union(*(metric.values[label] for metric in read)) for label in sorted(shared)}


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
    series = None if one.series is None or other.series is None else one.series + other.series
    joined = replace(other, values=values, series=series, unit=other.unit if other.unit == one.unit else "")
    if one.labels is None or other.labels is None:
        return replace(joined, labels=None, lost={})
    labels = one.labels | other.labels
    lost = {label: loss for label, loss in {**one.lost, **other.lost}.items() if label not in labels}
    return replace(joined, labels=labels, lost=lost)
