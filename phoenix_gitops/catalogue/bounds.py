"""Upper bounds on the number of series: targets times the values of each label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix_gitops.catalogue.metric import TARGET_LABELS, Metric


@dataclass(frozen=True, slots=True)
class Bound:
    """At most so many series, and how that follows: "has 12 targets x 3 `code`"."""

    most: int
    how: str


def series_bound(metric: Metric, asked: Mapping[str, int] | None = None) -> Bound | None:
    """At most so many series of a metric, `asked` saying how many values of labels are wanted; None where no bound is.

    Labels of the target do not multiply: each target has one value of them. Buckets do: the declared ones and `+Inf`.
    """
    kept = asked or {}
    if metric.series is not None:
        return Bound(metric.series, f"has {metric.series} series")
    if metric.targets is None or metric.labels is None:
        return None
    most, parts = metric.targets, [f"{metric.targets} targets"]
    for label in sorted(metric.labels - TARGET_LABELS):
        count = values_bound(metric, label)
        if label in kept:
            count = kept[label] if count is None else min(kept[label], count)
        if count is None:
            return None
        if label not in kept or count != 1:
            parts.append(f"{count} `{label}`")
        most *= count
    return Bound(most, f"has {' x '.join(parts)}")


def values_bound(metric: Metric, label: str) -> int | None:
    """At most so many values of a label; None where no bound is."""
    if label in metric.values:
        return len(metric.values[label])
    if label == "le" and metric.buckets:
        return len(metric.buckets) + 1
    return metric.most.get(label)
