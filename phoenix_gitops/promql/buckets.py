"""Histograms: buckets that are asked for and not there, and `le` where it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_gitops.catalogue import Metric
from phoenix_gitops.promql.findings import Finding, MetricsOf
from phoenix_gitops.promql.labels import Labels, LabelsOf, result_labels
from phoenix_gitops.promql.syntax import Match, Node, Selector, kind, nodes, selectors

BOUND = "le"
_INFINITE = frozenset({"+Inf", "Inf", "inf", "+inf"})


def absent_buckets(selector: Selector, metrics: tuple[Metric, ...]) -> Iterator[Finding]:
    """Matchers on `le` that no declared bucket fits."""
    known = [metric.buckets for metric in metrics if metric.buckets and BOUND in metric.known_labels]
    if not known or len(known) < len(metrics):
        return
    bounds = sorted({bound for buckets in known for bound in buckets})
    for match in selector.matches:
        if match.label == BOUND and match.op in ("=", "=~") and match.value and not _fits(match, bounds):
            yield Finding(
                code="PHX681",
                message=f"`{selector.name or selector.name_pattern}` has no bucket `{match.value}`",
                help=f"its buckets are {', '.join(f'`{bound:g}`' for bound in bounds)} and `+Inf`",
                word=match.value,
            )


def _fits(match: Match, bounds: list[float]) -> bool:
    """Whether a matcher takes a bucket; a whole number is `1` to some engines and `1.0` to others."""
    texts = {text for bound in bounds for text in (f"{bound:g}", repr(float(bound)))} | {"+Inf"}
    if match.op == "=":
        return match.value in texts | _INFINITE
    try:
        return any(re.fullmatch(match.value, text) for text in texts)
    except re.error:
        return True


def quantiles_without_bounds(tree: Node, metrics_of: MetricsOf, labels_of: LabelsOf) -> Iterator[Finding]:
    """`histogram_quantile()` of what has lost `le` by aggregation, or never had it."""
    for node in nodes(tree):
        if kind(node) != "Call" or str(node.func.name) != "histogram_quantile":
            continue
        read = [metrics_of(selector) for selector in selectors(node.args[1])]
        if any(metric.type == "nativeHistogram" for metrics in read for metric in metrics or ()):
            continue
        labels: Labels = result_labels(node.args[1], labels_of)
        if labels is not None and read and all(read) and not labels & {BOUND, "vmrange"}:
            yield Finding(
                code="PHX681",
                message="`histogram_quantile()` needs the label `le`, which is not on what it is given",
                help="aggregate the buckets with `sum by (le, ...)`, and read `..._bucket`",
                word="histogram_quantile",
            )
