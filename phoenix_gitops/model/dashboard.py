"""Dashboards as data: what their panels ask and how it is shown, and the Grafana that shows them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from phoenix_gitops.model.base import LabelValue, Model, Name, PromQL

PlatformDashboard = Literal["overview", "pipelines", "control", "cost", "slo", "tenants"]
"""A dashboard that comes with the platform."""


class Panel(Model, frozen=True, kw_only=True):
    """One query and how it is shown."""

    title: Annotated[str, Meta(min_length=1, max_length=100, description="What it shows.")]
    type: Annotated[
        Literal["timeseries", "stat", "table"],
        Meta(description="`timeseries`: values over time. `stat`: the last value, large. `table`: the last values."),
    ] = "timeseries"
    expr: Annotated[
        PromQL,
        Meta(
            description="The query, checked as the expressions of rules are. `$__rate_interval` stands for a range of four "
            "scrapes or more, as Grafana has it."
        ),
    ]
    unit: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z][A-Za-z0-9:]*$",
            description="Unit as Grafana names it.",
            examples=["percentunit", "bytes", "reqps"],
        ),
    ] = "short"
    legend: Annotated[str, Meta(description="Name of a series; `{{label}}` shows a label.", examples=["{{route}}"])] = (
        ""
    )


class Dashboard(Model, frozen=True, kw_only=True):
    """Panels that are seen together."""

    name: Annotated[Name, Meta(description="Its name, unique in its RuleSet; its address in Grafana follows from it.")]
    title: Annotated[str, Meta(min_length=1, max_length=100, description="Its title.")]
    panels: Annotated[
        list[Panel],
        Meta(
            min_length=1,
            description="Panels, from left to right and top to bottom.",
            extra_json_schema={"x-phoenix-merge-key": "title"},
        ),
    ]


class Dashboards(Model, frozen=True, kw_only=True):
    """Which dashboards an environment's clusters get; those of RuleSets come with them."""

    platform: Annotated[list[PlatformDashboard], Meta(description="Dashboards that come with the platform.")] = (
        msgspec.field(default_factory=lambda: ["overview", "pipelines", "control", "cost", "slo", "tenants"])
    )


class Grafana(Model, frozen=True, kw_only=True):
    """The Grafana of a cluster, and how dashboards reach it."""

    discovery: Annotated[
        Literal["sidecar", "operator"],
        Meta(
            description="`sidecar`: it takes ConfigMaps that bear the labels. `operator`: Grafana's operator gives "
            "GrafanaDashboards to instances that bear the labels."
        ),
    ] = "sidecar"
    namespace: Annotated[Name, Meta(description="Its namespace; dashboards lie there.")] = "monitoring"
    labels: Annotated[
        dict[str, LabelValue],
        Meta(min_length=1, description="The labels that it, or its operator, goes by."),
    ] = msgspec.field(default_factory=lambda: {"grafana_dashboard": "1"})
