"""SLO: an indicator, an objective, a window, and how its budget's burning alerts."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import LabelValue, Metadata, Model, Name, PromQL, Selector, reference


class RatioIndicator(Model, frozen=True, kw_only=True):
    """Bad events over all events, both counters."""

    errors: Annotated[
        PromQL,
        Meta(
            description="Rate of bad events; `$window` stands for the range.",
            examples=['sum(rate(http_requests_total{code=~"5.."}[$window]))'],
        ),
    ]
    total: Annotated[
        PromQL, Meta(description="Rate of all events.", examples=["sum(rate(http_requests_total[$window]))"])
    ]


class ThresholdIndicator(Model, frozen=True, kw_only=True):
    """A gauge that is good while it compares as said; the indicator is the share of time that it is not."""

    query: Annotated[
        PromQL,
        Meta(description="An expression with one result.", examples=["phoenix:signal_preservation_score"]),
    ]
    op: Annotated[Literal[">=", ">", "<=", "<"], Meta(description="How the value compares while all is well.")]
    value: Annotated[float, Meta(description="What it is compared with.")]


class Indicator(Model, frozen=True, kw_only=True):
    """What is measured: exactly one of `ratio` and `threshold`."""

    ratio: Annotated[RatioIndicator | None, Meta(description="Bad events over all events.")] = None
    threshold: Annotated[
        ThresholdIndicator | None, Meta(description="Share of time that a gauge is out of bounds.")
    ] = None


class Alerting(Model, frozen=True, kw_only=True):
    """Who hears of a burning budget."""

    page: Annotated[bool, Meta(description="Page on fast burn (2 % in 1 h, 5 % in 6 h).")] = True
    ticket: Annotated[bool, Meta(description="Ticket on slow burn (10 % in 1 d and in 3 d).")] = True
    labels: Annotated[dict[str, LabelValue], Meta(description="Labels put on the alerts, for routing.")] = {}
    runbook: Annotated[
        str, Meta(description="Address of what to do.", examples=["https://runbooks.example.com/checkout"])
    ] = ""


class SLOSpec(Model, frozen=True, kw_only=True):
    """An objective."""

    tenant: Annotated[
        Name | None,
        Meta(
            description="The tenant whose service this is; absent for the platform's own.",
            extra_json_schema=reference("Tenant"),
        ),
    ] = None
    environment_selector: Annotated[
        Selector,
        Meta(description="The environments it holds in, among those of its tenant; empty means all."),
    ] = Selector()
    service: Annotated[LabelValue, Meta(description="The service that is measured.", examples=["checkout-api"])]
    indicator: Annotated[Indicator, Meta(description="What is measured.")]
    objective: Annotated[float, Meta(gt=0, lt=1, description="Share that must be good.", examples=[0.999])]
    window: Annotated[
        Literal["7d", "14d", "28d", "30d", "90d"],
        Meta(description="The period that the error budget is for."),
    ] = "30d"
    alerting: Annotated[Alerting, Meta(description="Who hears of a burning budget.")] = Alerting()


class SLO(Model, frozen=True, kw_only=True):
    """A service level objective, compiled to recording rules and multi-window burn-rate alerts."""

    metadata: Metadata
    spec: SLOSpec
