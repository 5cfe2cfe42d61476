"""RuleSet: a team's own recording rules, alerts and dashboards."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Duration, LabelValue, Metadata, Model, Name, PromQL, Selector, reference
from phoenix_gitops.model.dashboard import Dashboard


class Record(Model, frozen=True, kw_only=True):
    """A recording rule."""

    record: Annotated[
        str,
        Meta(
            pattern="^[a-zA-Z_:][a-zA-Z0-9_:]*$",
            description="The name it records.",
            examples=["checkout:orders:rate5m"],
        ),
    ]
    expr: Annotated[PromQL, Meta(description="What is recorded.")]
    labels: Annotated[dict[str, LabelValue], Meta(description="Labels put on the result.")] = {}


class Alert(Model, frozen=True, kw_only=True):
    """An alerting rule."""

    alert: Annotated[
        str,
        Meta(pattern="^[A-Za-z][A-Za-z0-9_]*$", description="The alert's name.", examples=["CheckoutDown"]),
    ]
    expr: Annotated[PromQL, Meta(description="Fires for each result.")]
    for_: Annotated[Duration, Meta(description="It must hold so long before it fires.")] = "0s"
    keep_firing_for: Annotated[Duration, Meta(description="It fires so long after it last held.")] = "0s"
    severity: Annotated[Literal["critical", "warning", "info"], Meta(description="How bad it is.")] = "warning"
    labels: Annotated[dict[str, LabelValue], Meta(description="Further labels, for routing.")] = {}
    summary: Annotated[str, Meta(description="One line for the person who is woken; `{{ $labels.x }}` works.")]
    runbook: Annotated[str, Meta(description="Address of what to do.")] = ""
    annotations: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")], str],
        Meta(
            description="Further texts for notifications; `summary` and `runbook_url` have fields of their own.",
            examples=[{"dashboard": "https://grafana.example.com/d/checkout"}],
        ),
    ] = {}


class RuleSetSpec(Model, frozen=True, kw_only=True):
    """Rules that are evaluated together."""

    tenant: Annotated[
        Name | None,
        Meta(
            description="The tenant that the rules belong to: they see only its series. Absent for the platform's own.",
            extra_json_schema=reference("Tenant"),
        ),
    ] = None
    environment_selector: Annotated[
        Selector,
        Meta(description="The environments they hold in, among those of the tenant; empty means all."),
    ] = Selector()
    interval: Annotated[
        Duration | None, Meta(description="Time between two evaluations; absent: as the environment says.")
    ] = None
    records: Annotated[
        list[Record],
        Meta(description="Recording rules.", extra_json_schema={"x-phoenix-merge-key": "record"}),
    ] = []
    alerts: Annotated[list[Alert], Meta(description="Alerts.", extra_json_schema={"x-phoenix-merge-key": "alert"})] = []
    dashboards: Annotated[
        list[Dashboard],
        Meta(
            description="Dashboards, where the environment has `dashboards`; a tenant's see only its series.",
            extra_json_schema={"x-phoenix-merge-key": "name"},
        ),
    ] = []


class RuleSet(Model, frozen=True, kw_only=True):
    """Own recording rules, alerts and dashboards, checked against the metric catalogue."""

    metadata: Metadata
    spec: RuleSetSpec
