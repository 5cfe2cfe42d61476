"""MetricCatalog: the metrics that a source emits."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Duration, Metadata, Model, Name, reference


class MetricLabel(Model, frozen=True, kw_only=True):
    """A label of a metric, with a bound on its values."""

    values: Annotated[list[str], Meta(description="All values it can have; empty means unknown.")] = []
    max: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="At most so many values.")] = None


class Metric(Model, frozen=True, kw_only=True):
    """A metric as Prometheus sees it."""

    name: Annotated[
        str,
        Meta(
            pattern="^[a-zA-Z_:][a-zA-Z0-9_:]*$",
            description="The metric's name.",
            examples=["http_requests_total"],
        ),
    ]
    type: Annotated[
        Literal["counter", "gauge", "histogram", "nativeHistogram", "summary", "info"],
        Meta(
            description="Its type: which functions make sense on it. `histogram` is one with buckets by `le`, "
            "`nativeHistogram` one without; `info` is a gauge that is always 1 and tells by its labels."
        ),
    ]
    unit: Annotated[str, Meta(description="The unit of its values.", examples=["seconds"])] = ""
    labels: Annotated[dict[str, MetricLabel], Meta(description="Its labels, besides those of the target.")] = {}
    buckets: Annotated[
        list[float],
        Meta(
            description="Upper bounds of a histogram's buckets, without `+Inf`; empty means unknown.",
            examples=[[0.1, 0.25, 0.5, 1]],
        ),
    ] = []


class MetricCatalogSpec(Model, frozen=True, kw_only=True):
    """The metrics that a source emits."""

    tenant: Annotated[
        Name | None,
        Meta(description="The tenant whose workloads emit them.", extra_json_schema=reference("Tenant")),
    ] = None
    interval: Annotated[Duration, Meta(description="Time between two values of a series.")] = "15s"
    targets: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description="At most so many targets (pods) emit them; with the bounds of all labels it bounds the series.",
            examples=[12],
        ),
    ] = None
    metrics: Annotated[
        list[Metric],
        Meta(min_length=1, description="The metrics.", extra_json_schema={"x-phoenix-merge-key": "name"}),
    ]


class MetricCatalog(Model, frozen=True, kw_only=True):
    """Metrics that a source emits: type, unit, labels. Rules may read only what a catalog or a rule provides."""

    metadata: Metadata
    spec: MetricCatalogSpec
