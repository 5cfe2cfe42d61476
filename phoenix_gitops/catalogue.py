"""The metrics that are known in a cluster: what our components emit, what policies declare, what rules record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.suggest import closest

TARGET_LABELS = frozenset(
    {
        *("job", "instance", "namespace", "pod", "container", "endpoint"),
        *("environment", "cluster", "phoenix_pipeline", "pipeline_alias", "tenant_id"),
    }
)
"""Labels that scraping puts on every series, by the operator and by our targets' relabelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric as PromQL sees it. `type` is `counter`, `gauge`, `histogram`, `summary` or `unknown`."""

    name: str
    type: str
    unit: str = ""
    labels: frozenset[str] | None = None
    """Every label it can have, its target's included; None where that is not known."""
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Labels of which every value is known, besides none at all."""
    interval_ms: int
    """Time between two values of a series."""
    source: str
    """Where it comes from, for messages."""


@dataclass(frozen=True)
class Catalogue:
    """Metrics by name; histograms and summaries are there as the series that they consist of."""

    metrics: Mapping[str, Metric]

    def get(self, name: str) -> Metric | None:
        """The metric of a name, or None."""
        return self.metrics.get(name)

    def matching(self, pattern: str) -> tuple[Metric, ...]:
        """The metrics whose whole names match an RE2 pattern; raises `re.error` for one that nothing can read."""
        compiled = re.compile(pattern)
        return tuple(metric for name, metric in self.metrics.items() if compiled.fullmatch(name))

    def near(self, name: str) -> str | None:
        """The name that was probably meant."""
        return closest(name, self.metrics)

    def plus(self, more: Iterable[Metric]) -> Catalogue:
        """The catalogue with more metrics; of two definitions of a name the later one holds."""
        return Catalogue({**self.metrics, **{m.name: m for found in more for m in series(found)}})

    @cached_property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset(self.metrics)


def series(metric: Metric) -> Iterator[Metric]:
    """What a metric consists of in PromQL: a histogram is three counters, a summary two counters and a gauge."""
    if metric.type not in {"histogram", "summary"}:
        yield metric
        return
    parts = [("_sum", "counter", ""), ("_count", "counter", "")]
    parts.append(("_bucket", "counter", "le") if metric.type == "histogram" else ("", "gauge", "quantile"))
    for suffix, type_, label in parts:
        labels = metric.labels if metric.labels is None or not label else metric.labels | {label}
        yield replace(metric, name=metric.name + suffix, type=type_, labels=labels)


def declared(catalogs: Iterable[MetricCatalog]) -> Iterator[Metric]:
    """What MetricCatalog policies declare."""
    for catalog in catalogs:
        spec = catalog.spec
        for metric in spec.metrics:
            yield Metric(
                name=metric.name,
                type="gauge" if metric.type == "info" else metric.type,
                unit=metric.unit,
                labels=frozenset(metric.labels) | TARGET_LABELS,
                values={name: frozenset(label.values) for name, label in metric.labels.items() if label.values},
                interval_ms=milliseconds(spec.interval),
                source=f"MetricCatalog/{catalog.metadata.name}",
            )


def of(metrics: Iterable[Metric]) -> Catalogue:
    """A catalogue of these metrics."""
    return Catalogue({}).plus(metrics)
