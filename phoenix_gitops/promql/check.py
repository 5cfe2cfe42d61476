"""Checks of one expression against the metrics that a cluster has: what would be empty, wrong or refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phoenix_gitops.catalogue import Catalogue, Loss, Metric
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.model.units import duration
from phoenix_gitops.promql import dialects, syntax
from phoenix_gitops.promql.buckets import absent_buckets, quantiles_without_bounds
from phoenix_gitops.promql.cardinality import costly, several
from phoenix_gitops.promql.findings import Finding, MetricsOf, lost_label, no_label, reader
from phoenix_gitops.promql.labels import Labels, LabelsOf, clauses, made, mismatched, result_labels
from phoenix_gitops.promql.syntax import Match, Node, PromQLError, Selector
from phoenix_gitops.promql.unit_check import mixed_units
from phoenix_gitops.suggest import closest

__all__ = ["COUNTER_FUNCTIONS", "Expectation", "Finding", "check_expression", "days", "labels_reader", "offset"]

COUNTER_FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})
"""They read a fall as a restart: on a gauge they report growth that is not there."""

GAUGE_FUNCTIONS = frozenset({"deriv", "delta", "idelta", "predict_linear", "double_exponential_smoothing"})
"""They read a restart as a fall: on a counter they report a fall that is not there."""

_TWO_VALUES = COUNTER_FUNCTIONS | GAUGE_FUNCTIONS | {"changes", "stddev_over_time", "stdvar_over_time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is asked of an expression besides that it reads what exists."""

    retention_ms: int | None = None
    """How long the series that it reads are kept; None where that is not known."""
    reach_ms: int = 0
    """How far it will look back in its widest form, where that is more than it says."""
    one: bool = False
    """Whether it may have one result only."""
    given: frozenset[str] = frozenset()
    """Labels that have one value in all that it reads, as a tenant's has."""
    most_series: int | None = None
    """It may read at most so many series."""


def check_expression(
    text: str, catalogue: Catalogue, expected: Expectation = Expectation()
) -> list[Finding]:  # fmt: skip
    """The faults of an expression, in the order in which they stand; an unreadable one has just that fault."""
    try:
        tree = syntax.parse(text)
    except PromQLError as error:
        broken = Finding(code="PHX652", message=f"not PromQL: {error}", help="try the expression in Prometheus first")
        return [dialects.foreign(str(error)) or broken]
    metrics_of = reader(catalogue)
    found = [*_whole(tree), *dialects.functions(tree)]
    for selector in syntax.selectors(tree):
        found += [*_selector(selector, catalogue, metrics_of), *_reach(selector, expected)]
    found += [*_labels(tree, metrics_of), *mixed_units(tree, metrics_of)]
    if expected.one:
        found += several(tree, metrics_of, expected.given)
    if expected.most_series is not None:
        found += costly(tree, metrics_of, expected.most_series)
    return list(dict.fromkeys(found))


def _whole(tree: Node) -> Iterator[Finding]:
    type_ = syntax.value_type(tree)
    if type_ != "vector":
        yield Finding(
            code="PHX669",
            message=f"the expression gives a {type_}, not an instant vector",
            help="a rule records and alerts on instant vectors; `vector(1)` makes one of a number",
        )


def _selector(selector: Selector, catalogue: Catalogue, metrics_of: MetricsOf) -> Iterator[Finding]:
    if selector.alternatives:
        yield Finding(
            code="PHX665",
            message="matchers that are joined by `or` are MetricsQL, not PromQL",
            help="write two selectors joined by `or`",
        )
    metrics = metrics_of(selector)
    if metrics is None:
        return
    if not metrics:
        yield _unknown(selector, catalogue)
        return
    for metric in metrics:
        yield from _type(selector, metric)
    yield from _range(selector, min(m.interval_ms for m in metrics))
    yield from _matchers(selector, metrics)
    yield from _values(selector, metrics)
    yield from absent_buckets(selector, metrics)


def _unknown(selector: Selector, catalogue: Catalogue) -> Finding:
    if not selector.name:
        return Finding(
            code="PHX653",
            message=f"no known metric matches `{selector.name_pattern}`",
            help="declare the metrics in a MetricCatalog",
            word=selector.name_pattern,
        )
    loss = catalogue.loss(selector.name)
    if loss is not None:
        return Finding(
            code="PHX679",
            message=f"`{selector.name}` is lost before it gets here: {loss.what}",
            help="keep the metric there, or read one that is kept",
            word=selector.name,
            loss=loss,
        )
    near = catalogue.near(selector.name)
    return Finding(
        code="PHX653",
        message=f"nothing here emits or records `{selector.name}`",
        help=f"did you mean `{near}`?" if near else "declare the metric in a MetricCatalog, or record it in a rule",
        word=selector.name,
    )


def _type(selector: Selector, metric: Metric) -> Iterator[Finding]:
    if selector.function in COUNTER_FUNCTIONS and metric.type == "gauge":
        instead = {"rate": "deriv", "increase": "delta", "irate": "deriv"}.get(selector.function, "changes")
        yield Finding(
            code="PHX654",
            message=f"`{selector.function}()` is for counters, `{metric.name}` is a gauge",
            help=f"use `{instead}()`: a falling gauge reads as a restarted counter, so as growth",
            word=selector.function,
        )
    if selector.function in GAUGE_FUNCTIONS and metric.type == "counter":
        instead = {"delta": "increase", "idelta": "irate"}.get(selector.function, "rate")
        yield Finding(
            code="PHX654",
            message=f"`{selector.function}()` is for gauges, `{metric.name}` is a counter",
            help=f"use `{instead}()`: it knows that a counter starts again at 0",
            word=selector.function,
        )


def _range(selector: Selector, interval_ms: int) -> Iterator[Finding]:
    if selector.range_ms is None or selector.function not in _TWO_VALUES:
        return
    if selector.range_ms >= 4 * interval_ms:
        return
    short = selector.range_ms < 2 * interval_ms
    yield Finding(
        code="PHX655",
        message=f"a range of `{duration(selector.range_ms)}` holds "
        + ("fewer than two values" if short else "fewer than four values")
        + f" of `{selector.name or selector.name_pattern}`, which has one every {duration(interval_ms)}",
        help=f"use at least `{duration(4 * interval_ms)}`, so that a missed scrape leaves no gap",
        severity=Severity.ERROR if short else Severity.WARNING,
        word=selector.function,
    )


def _reach(selector: Selector, expected: Expectation) -> Iterator[Finding]:
    reach = max(selector.reach_ms, expected.reach_ms)
    if expected.retention_ms is not None and reach > expected.retention_ms:
        yield Finding(
            code="PHX656",
            message=f"the range reaches back `{days(reach)}`, but series are kept for `{days(expected.retention_ms)}`",
            help="look back less, or choose a tenant class with a longer `retention`",
        )


def labels_reader(metrics_of: MetricsOf) -> LabelsOf:
    """The labels that series of selectors can have; None where that is not known."""

    def labels_of(selector: Selector) -> Labels:
        known: frozenset[str] = frozenset()
        for metric in metrics_of(selector) or ():
            if metric.labels is None:
                return None
            known |= metric.labels
        return known if metrics_of(selector) else None

    return labels_of


def _values(selector: Selector, metrics: tuple[Metric, ...]) -> Iterator[Finding]:
    """Matchers that ask for a value which none of the metrics ever has."""
    for match in selector.matches:
        if match.op not in ("=", "=~") or not match.value or any(match.label not in m.values for m in metrics):
            continue
        known = frozenset[str]().union(*(metric.values[match.label] for metric in metrics))
        if not any(_asks_for(match, value) for value in known):
            near = closest(match.value, known)
            listed = ", ".join(f"`{value}`" for value in sorted(known))
            yield Finding(
                code="PHX677",
                message=f"label `{match.label}` of `{selector.name or selector.name_pattern}` is never `{match.value}`",
                help=f"did you mean `{near}`?" if near else f"its values are {listed}",
                word=match.value,
            )


def _asks_for(match: Match, value: str) -> bool:
    if match.op == "=":
        return match.value == value
    try:
        # An alternative of nothing matches series without the label, which no list of values holds.
        return re.fullmatch(match.value, value) is not None or re.fullmatch(match.value, "") is not None
    except re.error:
        return True


def _matchers(selector: Selector, metrics: tuple[Metric, ...]) -> Iterator[Finding]:
    known = frozenset[str]().union(*(metric.known_labels for metric in metrics))
    is_open = any(metric.labels is None for metric in metrics)
    name = selector.name or selector.name_pattern
    for match in selector.matches:
        if match.label in known or match.label == "__name__":
            continue
        loss = _loss(match.label, metrics)
        if loss is not None:
            yield lost_label(match.label, f"label `{match.label}` of `{name}`", loss)
        elif not is_open:
            yield no_label(match.label, f"`{name}` has no label `{match.label}`", known)


def _loss(label: str, metrics: Iterable[Metric]) -> Loss | None:
    """Who took a label of all of these metrics; None where one has it, or none ever had."""
    found = None
    for metric in metrics:
        if label in metric.known_labels or (label not in metric.lost and metric.labels is None):
            return None
        found = found or metric.lost.get(label)
    return found


def _labels(tree: Node, metrics_of: MetricsOf) -> Iterator[Finding]:
    labels_of = labels_reader(metrics_of)
    for label, clause, node in clauses(tree):
        yield from _clause(label, clause, node, metrics_of)
    for operator, labels in mismatched(tree, labels_of):
        listed = ", ".join(f"`{label}`" for label in sorted(labels))
        yield Finding(
            code="PHX668",
            message=f"the sides of `{operator}` never match: only one of them has {listed}",
            help="say which labels must agree with `on (...)`, or aggregate both sides by the same labels",
        )
    yield from quantiles_without_bounds(tree, metrics_of, labels_of)


def _clause(label: str, clause: str, node: Node, metrics_of: MetricsOf) -> Iterator[Finding]:
    """A label that a clause names and that nothing which it stands on can have."""
    known = result_labels(node, labels_reader(metrics_of))
    if known is not None and label in known:
        return
    read = [metrics_of(selector) for selector in syntax.selectors(node)]
    loss = None
    if label not in made(node) and read and all(read):
        loss = _loss(label, (metric for metrics in read for metric in metrics or ()))
    if loss is not None:
        yield lost_label(label, f"label `{label}`, which `{clause} (...)` names,", loss)
    elif known is not None:
        yield no_label(label, f"`{clause} (...)` stands on series of which none has the label `{label}`", known)


def days(length_ms: int) -> str:
    """A length as people write it in policies: in days where it is some, else in the shortest form."""
    whole, rest = divmod(length_ms, 86_400_000)
    return duration(length_ms) if rest or not whole else f"{whole}d"


def offset(text: str, word: str) -> int | None:
    """Where a word stands in an expression, in code points; None where it does not stand alone."""
    found = re.search(rf"(?<![A-Za-z0-9_:]){re.escape(word)}(?![A-Za-z0-9_:])", text)
    return found.start() if found else None
