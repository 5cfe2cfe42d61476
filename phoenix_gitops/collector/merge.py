"""Processes that have become equal are made one: their counters as differences, all else as it stands.

A sum of counters falls when one of its processes ends, and every reader takes that for a reset. So each process's
counters are turned into differences while it can still be told from all others, differences are added up, and the sum
is accumulated again. The first reading of a process is the base that later ones are measured from, and adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.identity import INSTANCE
from phoenix_gitops.collector.ottl import NEVER, all_of, any_of, is_process, negated, resource, string
from phoenix_gitops.collector.values import Section
from phoenix_gitops.model.pipeline import PipelineSpec
from phoenix_gitops.model.units import duration, milliseconds

MEMBER = "phoenix.member"
"""Tells a process from all others, until its counters are differences."""
_TIME = "phoenix.rollup.time"
"""The latest time of a reading, until it is given to all of its points."""

Groups = list[tuple[str, list[str]]]

FORGOTTEN = "5m"
"""A series that is silent for so long, or for as long as an export shows it, is forgotten."""

_PID, _CONTAINER = "process.pid", "container.id"
_COUNTER = "phoenix.counter."
"""Put before the names of counters, by which alone the processor can be told what to take."""
_COUNTERS = "^phoenix[.]counter[.]"
_DELTA = "metric.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA"
_NO_SUMMARY = "metric.type != METRIC_DATA_TYPE_SUMMARY"


def merges(spec: PipelineSpec) -> bool:
    """Whether processes become equal: they do as soon as their ids are gone."""
    attributes = spec.attributes
    dropped = any(dropped.name == _PID for dropped in attributes.drop)
    return spec.rollup is not None or dropped or bool(attributes.keep_only and _PID not in attributes.keep_only)


def member() -> str:
    """The statement that tells a process from all others; other attributes may change while it runs."""
    parts = ", ".join(resource(name) for name in (_PID, _CONTAINER, INSTANCE))
    return f'set({resource(MEMBER)}, Concat([{parts}], "/")) where {is_process()}'


def counters(scope: str) -> Groups:
    """Statements that mark the counters of what is merged."""
    distributions = [f"metric.type == METRIC_DATA_TYPE_{kind}" for kind in ("HISTOGRAM", "EXPONENTIAL_HISTOGRAM")]
    growing = any_of(["(metric.type == METRIC_DATA_TYPE_SUM and metric.is_monotonic == true)", *distributions])
    named = f'set(metric.name, Concat([{string(_COUNTER)}, metric.name], ""))'
    return [("metric", [f"{named} where {all_of([scope, growing])}"])]


def merge(builder: Builder, name: str, spec: PipelineSpec, scope: str, count: str) -> list[str]:
    """The processors that join what has become equal, within `scope`; `count` says which metric counts processes."""
    memory = duration(max(map(milliseconds, [FORGOTTEN, *_expirations(spec)])))
    differences: Section = {
        "include": {"metrics": [_COUNTERS], "match_type": "regexp"},
        # Never the whole of a counter at once: a gateway that just started would add years to a sum.
        "initial_value": "drop",
        "max_staleness": memory,
    }
    sums: Section = {"max_stale": memory, "max_streams": builder.streams()}
    forget: Section = {"attributes": [{"key": MEMBER, "action": "delete"}]}
    return [
        builder.processor(f"cumulative_to_delta/{name}", differences),
        builder.processor(f"resource/{name}_members", forget),
        builder.processor(f"groupbyattrs/{name}", {"keys": []}),
        *builder.transform(f"{name}_merge", _joined(spec, scope, count)),
        builder.processor(f"delta_to_cumulative/{name}", sums),
    ]


def _expirations(spec: PipelineSpec) -> Sequence[str]:
    """A sum that starts anew must have been out of sight before."""
    return [export.prometheus.expiration for export in spec.export if export.prometheus is not None]


def _joined(spec: PipelineSpec, scope: str, count: str) -> Groups:
    """Points are aggregated only if they bear one time, and each process is read a moment after the last: the
    latest time of a reading is given to all of its points.
    """
    time, point = resource(_TIME), "datapoint.time_unix_nano"
    gauge = "metric.type == METRIC_DATA_TYPE_GAUGE"
    added = all_of([scope, any_of(part for part in (negated(gauge), count) if part != NEVER), _NO_SUMMARY])
    combined = all_of([scope, gauge, negated(count)])
    return [
        ("datapoint", [f"set({time}, {point}) where {scope} and ({time} == nil or {time} < {point})"]),
        (
            "datapoint",
            [
                f"set({point}, {time}) where {scope}",
                # Differences of one reading begin together, else they would not be added up, and after the last
                # reading, else they would not be accumulated.
                f"set(datapoint.start_time_unix_nano, {point} - 1) where {all_of([scope, _DELTA])}",
            ],
        ),
        (
            "metric",
            [
                f'aggregate_on_attributes("sum") where {added}',
                f'aggregate_on_attributes("{spec.combine_gauges}") where {combined}',
                f'replace_pattern(metric.name, {string(_COUNTERS)}, "") where {scope}',
            ],
        ),
        # What is accumulated is known by its attributes: one that changes would begin a new sum each time.
        ("resource", [f"delete_key(resource.attributes, {string(_TIME)})"]),
    ]
