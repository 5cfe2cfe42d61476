"""OpenSLO documents as SLOs: ratios of counters and thresholds, over rolling windows."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.importing.drafts import WHOLE, Draft, Taken, changed, left, slug, unique
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.importing.rules import Aim
from phoenix_gitops.model.base import LABEL_VALUE_PATTERN
from phoenix_gitops.promql.syntax import WINDOW

API = "openslo/v1"
WINDOWS = ("7d", "14d", "28d", "30d", "90d")
_DURATION = re.compile("([0-9]{1,3})(d|w)")
_DAYS = {"d": 1, "w": 7}
_RANGE = re.compile(r"\[ *(?:[0-9]+(?:ms|s|m|h|d|w)|\$window|\{\{ ?[.]window ?\}\}) *\]")
_OPERATORS = {"lte": "<=", "lt": "<", "gte": ">=", "gt": ">"}
_PARTS = frozenset(
    {"service", "indicator", "indicatorRef", "objectives", "timeWindow", "budgetingMethod", "description"}
)

_OBJECTIVE = frozenset({"displayName", "target", "targetPercent", "op", "value"})


class _Left(Exception):  # noqa: N818 (control flow, not an error)
    """An SLO that cannot be carried over; the message says why."""


def take(document: Node, indicators: dict[str, Node], aim: Aim, names: set[str]) -> Taken:
    """The SLOs of an OpenSLO document, one for each objective; `names` grows by theirs."""
    title, spec = document.text("metadata", "name"), document.get("spec")
    what = f"SLO `{title}`"
    if document.text("apiVersion") != API:
        why = f"its apiVersion is `{document.text('apiVersion')}`, and `{API}` is read"
        return Taken(notes=(left(document.span, what, why),))
    notes: list[Diagnostic] = []
    try:
        if spec is None or not slug(title):
            raise _Left("it has no name or no `spec`")
        window = _window(spec)
        if spec.text("budgetingMethod") not in {"Occurrences", ""} and spec.text("budgetingMethod") != "Timeslices":
            raise _Left(f"its budgeting method is `{spec.text('budgetingMethod')}`")
        indicator = spec.get("indicator") or indicators.get(spec.text("indicatorRef"))
        if indicator is None:
            raise _Left(f"its indicator `{spec.text('indicatorRef')}` is not among what is imported")
        service = spec.text("service")
        if re.fullmatch(LABEL_VALUE_PATTERN, service) is None or not service:
            raise _Left(f"its service `{service}` is no label value")
        drafts = []
        for objective in spec.items("objectives"):
            body = {
                **({"tenant": aim.tenant} if aim.tenant else {}),
                "service": service,
                "indicator": _indicator(indicator, objective, spec.text("budgetingMethod")),
                "objective": _target(objective),
                "window": window,
            }
            name = unique(slug(title), names)
            file, sources = f"{aim.folder}/slos/{name}.yaml", {WHOLE: document.span}
            for key in sorted(objective.entries().keys() - _OBJECTIVE):
                span = objective.entries()[key].span
                notes.append(left(span, f"`{key}` of an objective of {what}", "an SLO has no such field"))
            drafts.append(Draft(kind="SLO", name=name, owner=aim.owner, spec=body, file=file, sources=sources))
        if not drafts:
            raise _Left("it has no objective")
    except _Left as gone:
        return Taken(notes=(left(document.span, what, str(gone)),))
    for key in sorted(spec.entries().keys() - _PARTS):
        notes.append(left(spec.entries()[key].span, f"`{key}` of {what}", "alerts of an SLO follow from its window"))
    if indicator.get("spec", "ratioMetric") is not None:
        message = f"the ranges of the queries of {what} are `{WINDOW}` now: each window reads its own"
        notes.append(changed(indicator.span, message))
    return Taken(tuple(drafts), tuple(notes))


def _window(spec: Node) -> str:
    windows = spec.items("timeWindow")
    if len(windows) != 1 or windows[0].text("isRolling") != "true" or windows[0].get("calendar") is not None:
        raise _Left("its time window is not a single rolling one")
    written = windows[0].text("duration")
    match = _DURATION.fullmatch(written)
    days = f"{int(match[1]) * _DAYS[match[2]]}d" if match else ""
    if days not in WINDOWS:
        raise _Left(f"its window is `{written}`, and there are {', '.join(f'`{one}`' for one in WINDOWS)}")
    return days


def _target(objective: Node) -> float:
    text, scale = objective.text("target"), 1.0
    if not text:
        text, scale = objective.text("targetPercent"), 100.0
    try:
        target = round(float(text) / scale, 12)
    except ValueError:
        raise _Left(f"its target `{text}` is no number") from None
    if not 0 < target < 1:
        raise _Left(f"its target `{text}` leaves no budget, or is none")
    return target


def _indicator(indicator: Node, objective: Node, method: str) -> dict[str, Any]:
    ratio, threshold = indicator.get("spec", "ratioMetric"), indicator.get("spec", "thresholdMetric")
    if ratio is not None:
        if method == "Timeslices":
            raise _Left("its budget counts time slices of a ratio")
        return {"ratio": _ratio(ratio)}
    if threshold is None:
        raise _Left("its indicator is neither `ratioMetric` nor `thresholdMetric`")
    sign, bound = _OPERATORS.get(objective.text("op")), objective.text("value")
    try:
        value = float(bound)
    except ValueError:
        raise _Left(f"the value `{bound}` of its objective is no number") from None
    if not isfinite(value):
        raise _Left(f"the value `{bound}` of its objective is without bound")
    if sign is None:
        raise _Left(f"the operator `{objective.text('op')}` of its objective is not known")
    return {"threshold": {"query": _query(threshold), "op": sign, "value": value}}


def _ratio(ratio: Node) -> dict[str, str]:
    total, bad, good = ratio.get("total"), ratio.get("bad"), ratio.get("good")
    if total is None or (bad is None) == (good is None):
        raise _Left("its ratio is not of `good` or `bad` to `total`")
    whole = _ranged(_query(total))
    if bad is not None:
        return {"errors": _ranged(_query(bad)), "total": whole}
    assert good is not None
    return {"errors": f"({whole}) - ({_ranged(_query(good))})", "total": whole}


def _query(metric: Node) -> str:
    source, spec = metric.text("metricSource", "type"), metric.get("metricSource", "spec")
    query = spec.text("query") if spec is not None else ""
    if source.lower() not in {"prometheus", "victoriametrics"} or not query:
        raise _Left(f"its metric source is `{source}`, and `Prometheus` with a `query` is read")
    return query.strip()


def _ranged(query: str) -> str:
    """The query over `$window`; raises `_Left` where it has no range that could be it."""
    found, ranges = _RANGE.subn(f"[{WINDOW}]", query)
    if not ranges:
        raise _Left("a query of its ratio has no range, as in `rate(x[5m])`")
    return found
