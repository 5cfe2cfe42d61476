"""Texts of alerts: the labels that they show, against those that the alert's results have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.check import labels_reader
from phoenix_gitops.promql.findings import Finding, MetricsOf
from phoenix_gitops.promql.labels import result_labels
from phoenix_gitops.promql.syntax import PromQLError
from phoenix_gitops.suggest import closest

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LABEL = re.compile(
    r"(\$labels|\.Labels)\.([A-Za-z_][A-Za-z0-9_]*)|index +(\$labels|\.Labels) +[\"`]([A-Za-z_][A-Za-z0-9_]*)[\"`]"
)
_ELSEWHERE = re.compile(r"\{\{-? *(?:range|with|define|block)\b")
"""Behind these `.Labels` are those of something else."""


def labels_shown(text: str) -> tuple[str, ...]:
    """The labels that a template shows, in the order in which they stand."""
    elsewhere = _ELSEWHERE.search(text) is not None
    found = (match for action in _ACTION.findall(text) for match in _LABEL.findall(action))
    shown = ((by or index, plain or quoted) for by, plain, index, quoted in found)
    return tuple(dict.fromkeys(label for whose, label in shown if whose == "$labels" or not elsewhere))


def absent_labels(text: str, expr: str, metrics_of: MetricsOf) -> Iterator[Finding]:
    """Labels that a text shows and no result of its alert's expression has: they would be blank.

    The labels that the rule itself sets are not there: engines put them on after the texts are made.
    """
    shown = labels_shown(text)
    if not shown:
        return
    try:
        known = result_labels(syntax.parse(expr), labels_reader(metrics_of))
    except PromQLError:
        return
    if known is None:
        return
    for label in shown:
        if label not in known:
            near = closest(label, known)
            listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
            yield Finding(
                code="PHX682",
                message=f"the text shows the label `{label}`, which no result of the alert's expression has",
                help=f"did you mean `{near}`?"
                if near
                else f"its labels are {listed}; aggregate by `{label}` to keep it",
                word=label,
            )
