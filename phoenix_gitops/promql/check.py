"""Checks of one expression against the metrics that a cluster has: what would be empty, wrong or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.catalogue import Catalogue, Metric
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.model.units import duration
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.labels import Labels, mismatched, vain_labels
from phoenix_gitops.promql.syntax import Match, Node, PromQLError, Selector
from phoenix_gitops.suggest import closest

COUNTER_FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})
"""They read a fall as a restart: on a gauge they report growth that is not there."""

GAUGE_FUNCTIONS = frozenset({"deriv", "delta", "idelta", "predict_linear", "double_exponential_smoothing"})
"""They read a restart as a fall: on a counter they report a fall that is not there."""

_TWO_VALUES = COUNTER_FUNCTIONS | GAUGE_FUNCTIONS | {"changes", "stddev_over_time", "stdvar_over_time"}
_NOT_EVERYWHERE = frozenset(
    {
        *("info", "limitk", "limit_ratio", "mad_over_time", "sort_by_label", "sort_by_label_desc"),
        *("double_exponential_smoothing", "ts_of_max_over_time", "ts_of_min_over_time", "ts_of_last_over_time"),
    }
)
_BUILT_IN_SERIES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault of an expression; `word` is the part of it that is meant, empty where it is the whole."""

    code: str
    message: str
    help: str = ""
    severity: Severity = Severity.ERROR
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is asked of an expression besides that it reads what exists."""

    retention_ms: int | None = None
    """How long the series that it reads are kept; None where that is not known."""
    reach_ms: int = 0
    """How far it will look back in its widest form, where that is more than it says."""


def check_expression(
    text: str, catalogue: Catalogue, expected: Expectation = Expectation()
) -> list[Finding]:  # fmt: skip
    """The faults of an expression, in the order in which they stand; an unreadable one has just that fault."""
    try:
        tree = syntax.parse(text)
    except PromQLError as error:
        return [Finding(code="PHX652", message=f"not PromQL: {error}", help="try the expression in Prometheus first")]
    found = [*_whole(tree), *_functions(tree)]
    for selector in syntax.selectors(tree):
        found += [*_selector(selector, catalogue), *_reach(selector, expected)]
    found += _labels(tree, catalogue)
    return list(dict.fromkeys(found))


def _whole(tree: Node) -> Iterator[Finding]:
    type_ = syntax.value_type(tree)
    if type_ != "vector":
        yield Finding(
            code="PHX669",
            message=f"the expression gives a {type_}, not an instant vector",
            help="a rule records and alerts on instant vectors; `vector(1)` makes one of a number",
        )


def _functions(tree: Node) -> Iterator[Finding]:
    for node in syntax.nodes(tree):
        name = ""
        if syntax.kind(node) == "Call":
            name = str(node.func.name)
        elif syntax.kind(node) == "AggregateExpr":
            name = str(node.op)
        if name in _NOT_EVERYWHERE:
            yield Finding(
                code="PHX665",
                message=f"`{name}` is not in every engine that evaluates these rules",
                help="use functions that Prometheus 2.42 has without a feature flag",
                word=name,
            )


def _selector(selector: Selector, catalogue: Catalogue) -> Iterator[Finding]:
    if selector.alternatives:
        yield Finding(
            code="PHX665",
            message="matchers that are joined by `or` are MetricsQL, not PromQL",
            help="write two selectors joined by `or`",
        )
    metrics = _metrics(selector, catalogue)
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


def _metrics(selector: Selector, catalogue: Catalogue) -> tuple[Metric, ...] | None:
    """The metrics that a selector reads; None where it says only labels, or what no catalogue holds."""
    if selector.name:
        if selector.name in _BUILT_IN_SERIES:
            return None
        metric = catalogue.get(selector.name)
        return (metric,) if metric else ()
    if not selector.name_pattern:
        return None
    try:
        return catalogue.matching(selector.name_pattern)
    except re.error:
        return None


def _unknown(selector: Selector, catalogue: Catalogue) -> Finding:
    if not selector.name:
        return Finding(
            code="PHX653",
            message=f"no known metric matches `{selector.name_pattern}`",
            help="declare the metrics in a MetricCatalog",
            word=selector.name_pattern,
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


def _selector_labels(catalogue: Catalogue, selector: Selector) -> Labels:
    metrics = _metrics(selector, catalogue)
    if not metrics:
        return None
    known: frozenset[str] = frozenset()
    for metric in metrics:
        if metric.labels is None:
            return None
        known |= metric.labels
    return known


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
    if any(metric.labels is None for metric in metrics):
        return
    known = frozenset[str]().union(*(metric.labels or () for metric in metrics))
    for match in selector.matches:
        if match.label not in known and match.label != "__name__":
            name = selector.name or selector.name_pattern
            yield _no_label(match.label, f"`{name}` has no label `{match.label}`", known)


def _labels(tree: Node, catalogue: Catalogue) -> Iterator[Finding]:
    def labels_of(selector: Selector) -> Labels:
        return _selector_labels(catalogue, selector)

    for label, clause, known in vain_labels(tree, labels_of):
        yield _no_label(label, f"`{clause} (...)` stands on series of which none has the label `{label}`", known)
    for operator, labels in mismatched(tree, labels_of):
        listed = ", ".join(f"`{label}`" for label in sorted(labels))
        yield Finding(
            code="PHX668",
            message=f"the sides of `{operator}` never match: only one of them has {listed}",
            help="say which labels must agree with `on (...)`, or aggregate both sides by the same labels",
        )


def _no_label(label: str, message: str, known: frozenset[str]) -> Finding:
    near = closest(label, known)
    listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
    return Finding(
        code="PHX658",
        message=message,
        help=f"did you mean `{near}`?" if near else f"its labels are {listed}",
        word=label,
    )


def days(length_ms: int) -> str:
    """A length as people write it in policies: in days where it is some, else in the shortest form."""
    whole, rest = divmod(length_ms, 86_400_000)
    return duration(length_ms) if rest or not whole else f"{whole}d"


def offset(text: str, word: str) -> int | None:
    """Where a word stands in an expression, in code points; None where it does not stand alone."""
    found = re.search(rf"(?<![A-Za-z0-9_:]){re.escape(word)}(?![A-Za-z0-9_:])", text)
    return found.start() if found else None
