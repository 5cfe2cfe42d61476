"""Metrics as values, and what became of those that a stage lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.document import Path
from phoenix_gitops.model.catalog import Metric as Declared
from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.units import milliseconds

TARGET_LABELS = frozenset(
    {
        *("job", "instance", "namespace", "pod", "container", "endpoint"),
        *("environment", "cluster", "phoenix_pipeline", "pipeline_alias", "tenant_id"),
    }
)
"""Labels that scraping puts on every series, by the operator and by our targets' relabelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Who took a metric or a label away, so that nothing behind that stage can read it."""

    stage: str
    """`source`, `edge`, `gateway`, `export`, `tenant` or `rules`."""
    what: str
    """What happened, for messages: "`attributes.drop` of pipeline `optimized` takes it away"."""
    policy: PolicyRef | None = None
    """The policy that says so; None where it follows from how things are built."""
    path: Path = ()
    """The value in that policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric as PromQL sees it.

    `type` is `counter`, `gauge`, `histogram`, `summary`, `nativeHistogram` or `unknown`.
    """

    name: str
    type: str
    unit: str = ""
    labels: frozenset[str] | None = None
    """Every label it can have, its target's included; None where that is not known."""
    named: frozenset[str] = frozenset()
    """Where `labels` is None: those that it surely can have. Senders may add more."""
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Labels of which every value is known, besides none at all."""
    most: Mapping[str, int] = field(default_factory=dict)
    """Labels of which only the number of values is known: at most so many."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a classic histogram's buckets without infinity, rising; empty where they are not known."""
    observed: str = ""
    """Of a histogram's buckets: the unit of what is observed, which is that of `le`."""
    targets: int | None = None
    """At most so many targets emit it; None where that is not known."""
    series: int | None = None
    """At most so many series, where that is known otherwise than from targets and labels."""
    interval_ms: int
    """Time between two values of a series."""
    source: str
    """Where it comes from, for messages."""
    lost: Mapping[str, Loss] = field(default_factory=dict)
    """Labels that it had once, or could have, and who took them."""

    @property
    def known_labels(self) -> frozenset[str]:
        """The labels that it can have, as far as they are known."""
        return self.named if self.labels is None else self.labels


def series(metric: Metric) -> Iterator[Metric]:
    """What a metric consists of in PromQL: a histogram is three counters, a summary two counters and a gauge.

    A native histogram is one series, which no number stands for.
    """
    if metric.type not in {"histogram", "summary"}:
        yield metric
        return
    yield replace(metric, name=f"{metric.name}_sum", type="counter", buckets=())
    yield replace(metric, name=f"{metric.name}_count", type="counter", unit="", buckets=())
    summary = metric.type == "summary"
    label = "quantile" if summary else "le"
    labels = None if metric.labels is None else metric.labels | {label}
    named = metric.named | {label} if labels is None else metric.named
    if summary:
        yield replace(metric, type="gauge", labels=labels, named=named)
        return
    yield replace(
        metric,
        name=f"{metric.name}_bucket",
        type="counter",
        unit="",
        observed=metric.unit,
        labels=labels,
        named=named,
    )


def declared(catalogs: Iterable[MetricCatalog]) -> Iterator[Metric]:
    """What MetricCatalog policies declare."""
    for catalog in catalogs:
        for metric in catalog.spec.metrics:
            yield _declared(catalog, metric)


def _declared(catalog: MetricCatalog, metric: Declared) -> Metric:
    return Metric(
        name=metric.name,
        type="gauge" if metric.type == "info" else metric.type,
        unit=metric.unit,
        labels=frozenset(metric.labels) | TARGET_LABELS,
        values={name: frozenset(label.values) for name, label in metric.labels.items() if label.values},
        most={name: label.max for name, label in metric.labels.items() if label.max is not None and not label.values},
        buckets=tuple(sorted(metric.buckets)),
        targets=catalog.spec.targets,
        interval_ms=milliseconds(catalog.spec.interval),
        source=f"MetricCatalog/{catalog.metadata.name}",
    )
