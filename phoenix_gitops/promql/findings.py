"""What a check finds in an expression, and what it may ask of the metrics that the expression reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from phoenix_gitops.catalogue import Catalogue, Loss, Metric
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.promql.syntax import Selector
from phoenix_gitops.suggest import closest

_BUILT_IN_SERIES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})

Metrics = tuple[Metric, ...] | None
"""What a selector reads; None where it says only labels, or what no catalogue holds."""

MetricsOf = Callable[[Selector], Metrics]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault of an expression; `word` is the part of it that is meant, empty where it is the whole."""

    code: str
    message: str
    help: str = ""
    severity: Severity = Severity.ERROR
    word: str = ""
    loss: Loss | None = None
    """Who took away what the expression reads."""


def reader(catalogue: Catalogue) -> MetricsOf:
    """What selectors read of a catalogue."""
    known: dict[Selector, Metrics] = {}

    def metrics(selector: Selector) -> Metrics:
        if selector not in known:
            known[selector] = look_up(selector)
        return known[selector]

    def look_up(selector: Selector) -> Metrics:
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

    return metrics


def no_label(label: str, message: str, known: frozenset[str]) -> Finding:
    """A label that is not there, and what may have been meant."""
    near = closest(label, known)
    listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
    return Finding(
        code="PHX658",
        message=message,
        help=f"did you mean `{near}`?" if near else f"its labels are {listed}",
        word=label,
    )


def lost_label(label: str, subject: str, loss: Loss) -> Finding:
    """A label that was there before somebody took it."""
    return Finding(
        code="PHX679",
        message=f"{subject} is lost before it gets here: {loss.what}",
        help="keep the label there, read the metric from where it still has it, or do without it",
        word=label,
        loss=loss,
    )
