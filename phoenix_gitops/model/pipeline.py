"""Pipeline: what is collected, kept, dropped, rolled up and exported, and what that promises."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from phoenix_gitops.model.base import Duration, Metadata, Model, Name, Port, Ratio, Regex
from phoenix_gitops.model.export import Export


class ExcludeGroup(Model, frozen=True, kw_only=True):
    """Processes that are not measured."""

    name: Annotated[Name, Meta(description="What they have in common.")]
    patterns: Annotated[list[Regex], Meta(min_length=1, description="RE2 patterns of executable names; not anchored.")]


class HostMetrics(Model, frozen=True, kw_only=True):
    """Metrics of the node and its processes."""

    interval: Annotated[Duration, Meta(description="Time between two readings.")] = "15s"
    process_metrics: Annotated[
        list[
            Literal[
                "process.cpu.time",
                "process.memory.usage",
                "process.disk.io",
                "process.threads",
                "process.open_file_descriptors",
            ]
        ],
        Meta(description="Metrics read of each process."),
    ] = msgspec.field(
        default_factory=lambda: [
            "process.cpu.time",
            "process.memory.usage",
            "process.disk.io",
            "process.threads",
            "process.open_file_descriptors",
        ]
    )
    process_attributes: Annotated[
        list[
            Literal[
                "process.cgroup",
                "process.command",
                "process.command_line",
                "process.executable.name",
                "process.executable.path",
                "process.owner",
                "process.parent_pid",
                "process.pid",
            ]
        ],
        Meta(description="Resource attributes read of each process; without its name it has no class."),
    ] = msgspec.field(
        default_factory=lambda: [
            "process.executable.name",
            "process.command_line",
            "process.owner",
            "process.pid",
        ]
    )
    exclude: Annotated[
        list[ExcludeGroup],
        Meta(description="Processes that are left out.", extra_json_schema={"x-phoenix-merge-key": "name"}),
    ] = []


class Otlp(Model, frozen=True, kw_only=True):
    """OTLP from workloads."""

    grpc_port: Annotated[Port, Meta(description="Port for OTLP over gRPC.")] = 4317
    http_port: Annotated[Port, Meta(description="Port for OTLP over HTTP.")] = 4318


class PrometheusScrape(Model, frozen=True, kw_only=True):
    """Scraping of targets on the agent's own node."""

    interval: Annotated[Duration, Meta(description="Time between two scrapes.")] = "15s"
    kubelet: Annotated[bool, Meta(description="Scrape the kubelet.")] = False
    cadvisor: Annotated[bool, Meta(description="Scrape cAdvisor, the kubelet's container metrics.")] = False
    pods: Annotated[bool, Meta(description='Scrape pods that carry the annotation `prometheus.io/scrape: "true"`.')] = (
        False
    )


class Inputs(Model, frozen=True, kw_only=True):
    """What an edge pipeline collects; an absent input is off."""

    hostmetrics: Annotated[HostMetrics | None, Meta(description="Metrics of the node and its processes.")] = None
    otlp: Annotated[Otlp | None, Meta(description="OTLP from workloads on the node.")] = None
    prometheus: Annotated[PrometheusScrape | None, Meta(description="Scraping of targets on the node.")] = None


class PriorityClass(Model, frozen=True, kw_only=True):
    """A class of processes."""

    name: Annotated[Name, Meta(description="The class.", examples=["critical"])]
    match: Annotated[Regex, Meta(description="RE2 pattern of the attribute's value; anchored at both ends.")]


class Classification(Model, frozen=True, kw_only=True):
    """Sorts processes into classes; the first class that matches wins.

    A resource without the attribute is no process: it gets no class, and neither `keep` nor a roll-up touches it.
    """

    attribute: Annotated[str, Meta(min_length=1, description="The resource attribute that decides.")] = (
        "process.executable.name"
    )
    classes: Annotated[
        list[PriorityClass],
        Meta(
            min_length=1,
            description="The classes, first match first.",
            extra_json_schema={"x-phoenix-merge-key": "name"},
        ),
    ]
    default: Annotated[Name, Meta(description="The class of every other resource that bears the attribute.")] = "low"


class Predicate(Model, frozen=True, kw_only=True):
    """A condition on a datapoint; all parts that are given must hold."""

    classes: Annotated[list[Name], Meta(description="The resource's priority class is one of these.")] = []
    executables: Annotated[
        Regex | None, Meta(description="RE2 pattern of process.executable.name; anchored at both ends.")
    ] = None
    metrics: Annotated[Regex | None, Meta(description="RE2 pattern of the metric's name; anchored at both ends.")] = (
        None
    )


class ProcessMatch(Model, frozen=True, kw_only=True):
    """A condition on a process as a whole; all parts that are given must hold."""

    classes: Annotated[list[Name], Meta(description="Its priority class is one of these.")] = []
    executables: Annotated[
        Regex | None, Meta(description="RE2 pattern of process.executable.name; anchored at both ends.")
    ] = None


class Rollup(Model, frozen=True, kw_only=True):
    """Adds processes up into one series per group, before anything is dropped."""

    match: Annotated[ProcessMatch, Meta(description="Which processes are rolled up.")]
    unless: Annotated[list[ProcessMatch], Meta(description="Processes that stay as they are though they match.")] = []
    into: Annotated[
        str,
        Meta(
            min_length=1,
            description="The executable name that the sum bears; `{class}` stands for the priority class.",
            examples=["{class}_others_optimized"],
        ),
    ]
    by: Annotated[
        list[str],
        Meta(
            min_length=1,
            description="Resource attributes that are kept; the sum is over all others. What tells senders apart is always "
            "kept: `host.name`, `service.name`, `service.instance.id`.",
        ),
    ]
    count_metric: Annotated[
        str | None,
        Meta(
            description="A gauge that counts the processes behind each sum.",
            examples=["rollup.process.count"],
        ),
    ] = None
    count_from: Annotated[
        str,
        Meta(
            min_length=1,
            description="The metric by which processes are counted: each that shows it counts once.",
        ),
    ] = "process.memory.usage"


class Grade(Model, frozen=True, kw_only=True):
    """A value of a graded attribute and the processes that get it."""

    match: Annotated[ProcessMatch, Meta(description="Which processes get it.")]
    value: Annotated[str, Meta(description="The value.", examples=["0.9"])]


class GradedAttribute(Model, frozen=True, kw_only=True):
    """A resource attribute whose value depends on the process; the first grade that matches wins."""

    name: Annotated[str, Meta(min_length=1, description="The attribute.", examples=["phoenix.cardinality.risk"])]
    grades: Annotated[list[Grade], Meta(min_length=1, description="The values, first match first.")]
    default: Annotated[str | None, Meta(description="The value of every other process.")] = None


class DropAttribute(Model, frozen=True, kw_only=True):
    """A resource attribute that is dropped."""

    name: Annotated[str, Meta(min_length=1, description="The attribute.", examples=["process.command_line"])]
    unless: Annotated[list[Name], Meta(description="Priority classes that keep it.")] = []


class Attributes(Model, frozen=True, kw_only=True):
    """What happens to resource attributes."""

    drop: Annotated[list[DropAttribute], Meta(description="Attributes that are dropped.")] = []
    keep_only: Annotated[
        list[str],
        Meta(
            description="If not empty, every other resource attribute of a process is dropped, but for its name, tenant and sender."
        ),
    ] = []
    set: Annotated[
        dict[str, str], Meta(description="Resource attributes that are set, overwriting what a client says.")
    ] = {}
    grade: Annotated[list[GradedAttribute], Meta(description="Resource attributes that depend on the process.")] = []


class Batch(Model, frozen=True, kw_only=True):
    """How points are batched before export."""

    size: Annotated[int, Meta(ge=1, description="Points that make a batch.")] = 8192
    timeout: Annotated[Duration, Meta(description="A smaller batch is sent after so long.")] = "10s"
    max: Annotated[
        int, Meta(ge=1, description="A larger batch is split; never in an edge pipeline, where a reading stays whole.")
    ] = 16384


class Memory(Model, frozen=True, kw_only=True):
    """Where the collector begins to refuse data."""

    check_interval: Annotated[Duration, Meta(description="How often memory is looked at.")] = "1s"
    limit: Annotated[Ratio, Meta(description="Hard limit, as share of the container's memory limit.")] = 0.8
    spike: Annotated[
        Ratio, Meta(description="Head room below the hard limit, as share of the container's memory limit.")
    ] = 0.2


class Contract(Model, frozen=True, kw_only=True):
    """What a pipeline promises; checked against its output."""

    reduction_min: Annotated[Ratio, Meta(description="At least this share of series is saved, against the input.")] = (
        0.0
    )
    reduction_max: Annotated[Ratio, Meta(description="At most this share of series is saved.")] = 1.0
    preserve: Annotated[
        list[Name], Meta(description="Priority classes of which every process stays visible by its own name.")
    ] = []


class SeriesBudget(Model, frozen=True, kw_only=True):
    """How many series a pipeline may put out."""

    target: Annotated[int, Meta(ge=1, description="An alert warns above it.")]
    hard: Annotated[int, Meta(ge=1, description="An alert pages above it.")]


class PipelineSpec(Model, frozen=True, kw_only=True):
    """A pipeline of the node agent (`edge`) or of the gateway."""

    stage: Annotated[Literal["edge", "gateway"], Meta(description="Where it runs.")] = "gateway"
    alias: Annotated[
        Annotated[str, Meta(pattern="^[a-z_][a-z0-9_]*$")] | None,
        Meta(
            description="Former name, still shown in the label `pipeline_alias` for dashboards that use it.",
            examples=["optimised"],
        ),
    ] = None
    inputs: Annotated[Inputs, Meta(description="What is collected; only for stage `edge`.")] = Inputs()
    classification: Annotated[
        Classification | None,
        Meta(description="Sorts resources into priority classes; only for stage `edge`."),
    ] = None
    rollup: Annotated[
        Rollup | None, Meta(description="Sums processes into groups. It comes before `keep` and `drop`.")
    ] = None
    keep: Annotated[
        list[Predicate],
        Meta(description="If not empty, only processes that match one of these stay, and what was rolled up."),
    ] = []
    drop: Annotated[list[Predicate], Meta(description="What matches one of these goes; `keep` wins over `drop`.")] = []
    attributes: Annotated[Attributes, Meta(description="What happens to resource attributes.")] = Attributes()
    combine_gauges: Annotated[
        Literal["max", "mean", "sum"],
        Meta(
            description="How gauges of processes are combined that dropped attributes or a roll-up make one series. "
            "Sums are added."
        ),
    ] = "max"
    batch: Annotated[Batch, Meta(description="Batching, last before export.")] = Batch()
    memory: Annotated[Memory, Meta(description="Memory limiter, first in the pipeline.")] = Memory()
    export: Annotated[
        list[Export],
        Meta(
            description="Where the output goes; an edge pipeline always goes to the gateway.",
            extra_json_schema={"x-phoenix-merge-key": "name"},
        ),
    ] = []
    contract: Annotated[Contract, Meta(description="What the pipeline promises.")] = Contract()
    budget: Annotated[SeriesBudget | None, Meta(description="How many series it may put out.")] = None


class Pipeline(Model, frozen=True, kw_only=True):
    """A way of metrics through the collectors."""

    metadata: Metadata
    spec: PipelineSpec
