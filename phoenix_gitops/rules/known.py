"""Metrics that our own components emit, under the names that the configs we emit give them.

The gateway's Prometheus exporters put their namespace before each name and follow
`UnderscoreEscapingWithSuffixes`; the collector's own metrics follow our reader, which asks for suffixes.
"""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.catalogue import TARGET_LABELS, Metric
from phoenix_gitops.collector.gateway import active_exports
from phoenix_gitops.collector.versions import table_of
from phoenix_gitops.model.export import PrometheusExport
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.scope import EnvironmentScope

PROCESS_SERIES = {
    "process.cpu.time": "process_cpu_time_seconds_total",
    "process.memory.usage": "process_memory_usage_bytes",
    "process.disk.io": "process_disk_io_bytes_total",
    "process.threads": "process_threads",
    "process.open_file_descriptors": "process_open_file_descriptors",
}
"""Names behind a Prometheus exporter, without its namespace."""

PIPELINE = "phoenix_pipeline"
"""The label by which a target says whose output it shows."""

BASELINE = "full"
"""The pipeline that the others are measured against; where there is none of this name, the first."""

_BACKEND = ("server_address", "server_port", "url_path")
_OWN = {
    "otelcol_process_cpu_seconds_total": ("counter", "seconds", ()),
    "otelcol_process_memory_rss_bytes": ("gauge", "bytes", ()),
    "otelcol_process_runtime_heap_alloc_bytes": ("gauge", "bytes", ()),
    "otelcol_process_runtime_total_alloc_bytes_total": ("counter", "bytes", ()),
    "otelcol_process_runtime_total_sys_memory_bytes": ("gauge", "bytes", ()),
    "otelcol_process_uptime_seconds_total": ("counter", "seconds", ()),
    "otelcol_receiver_accepted_metric_points_total": ("counter", "points", ("receiver", "transport")),
    "otelcol_receiver_refused_metric_points_total": ("counter", "points", ("receiver", "transport")),
    "otelcol_receiver_failed_metric_points_total": ("counter", "points", ("receiver", "transport")),
    "otelcol_exporter_sent_metric_points_total": ("counter", "points", ("exporter", *_BACKEND)),
    "otelcol_exporter_send_failed_metric_points_total": (
        "counter",
        "points",
        ("exporter", "error_permanent", "error_type", *_BACKEND),
    ),
    "otelcol_exporter_enqueue_failed_metric_points_total": ("counter", "points", ("exporter",)),
    "otelcol_exporter_queue_size": ("gauge", "batches", ("exporter", "data_type")),
    "otelcol_exporter_queue_capacity": ("gauge", "batches", ("exporter", "data_type")),
    "otelcol_processor_incoming_items_total": ("counter", "items", ("processor", "otel_signal")),
    "otelcol_processor_outgoing_items_total": ("counter", "items", ("processor", "otel_signal")),
    "otelcol_processor_internal_duration_seconds": ("histogram", "seconds", ("processor", "otel_signal")),
    "otelcol_processor_memory_limiter_accepted_metric_points_total": ("counter", "points", ("processor",)),
    "otelcol_processor_memory_limiter_refused_metric_points_total": ("counter", "points", ("processor",)),
    "otelcol_processor_batch_batch_send_size": ("histogram", "points", ("processor",)),
}
"""The collector's own metrics, by the newest version's names (type, unit, labels)."""

_SCRAPED = {
    "up": "",
    "scrape_duration_seconds": "seconds",
    "scrape_samples_scraped": "samples",
    "scrape_samples_post_metric_relabeling": "samples",
    "scrape_series_added": "series",
}
"""What the scraper itself records of each target."""


def prometheus_exports(env: EnvironmentScope) -> Iterator[tuple[Pipeline, str, PrometheusExport]]:
    """The pipelines that Prometheus can scrape, with the name and settings of the first such export."""
    for pipeline in env.pipelines:
        for export in active_exports(env, pipeline):
            if export.prometheus is not None:
                yield pipeline, export.name, export.prometheus
                break


def baseline(env: EnvironmentScope) -> Pipeline | None:
    """The countable pipeline that the others are measured against, or None where none can be counted."""
    countable = [pipeline for pipeline, _, _ in prometheus_exports(env)]
    named = [pipeline for pipeline in countable if pipeline.metadata.name == BASELINE]
    return next(iter(named or countable), None)


def own_metric(env: EnvironmentScope, name: str) -> str:
    """What the environment's collectors call the metric of theirs that the newest version calls `name`."""
    return table_of(env.platform.spec.catalog.collector.tag).metric(name)


def known_metrics(env: EnvironmentScope) -> Iterator[Metric]:
    """What an environment's collectors say of themselves, and its scraper of its targets."""
    interval = milliseconds(env.environment.spec.telemetry.scrape_interval)
    named = {PIPELINE: frozenset(pipeline.metadata.name for pipeline, _, _ in prometheus_exports(env))}
    for name, unit in _SCRAPED.items():
        yield Metric(
            name=name,
            type="gauge",
            unit=unit,
            labels=TARGET_LABELS,
            values=named,
            interval_ms=interval,
            source="the scraper",
        )
    for name, (type_, unit, labels) in _OWN.items():
        yield Metric(
            name=own_metric(env, name),
            type=type_,
            unit=unit,
            labels=TARGET_LABELS | frozenset(labels),
            interval_ms=interval,
            source="the collectors' own metrics",
        )
