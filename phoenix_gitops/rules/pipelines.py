"""What pipelines carry, keep and cost in time: the recorded names that everything else reads.

Each ratio is absent, never NaN, where there is nothing to divide by: Prometheus records NaN, vmalert drops it.
"""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.model.control import ControlPolicySpec
from phoenix_gitops.model.export import PrometheusExport
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.units import amount
from phoenix_gitops.rules.group import Group, Record, group
from phoenix_gitops.rules.known import PROCESS_SERIES, baseline, prometheus_exports
from phoenix_gitops.rules.terms import any_of, gateway, number, rate_window, record_window
from phoenix_gitops.scope import EnvironmentScope

SERIES = "phoenix:pipeline_active_series"
PRESERVATION = "phoenix:signal_preservation_score"
REDUCTION = "phoenix:cardinality_efficiency_ratio"
LATENCY = "phoenix:pipeline_latency_ms_p99"
THROUGHPUT = "phoenix:pipeline_throughput_metrics_per_sec"
EFFICIENCY = "phoenix:resource_efficiency_score"
MEMORY = "phoenix:collector_memory_usage_mb"
CPU = "phoenix:collector_cpu_cores"
ZSCORE = "phoenix:cardinality_zscore"
GROWTH = "phoenix:cardinality_growth_rate"
RISK = "phoenix:cardinality_explosion_risk"

_SIGNAL = "host_name, process_executable_name"
"""What makes a signal: a process, by its name, on a host."""


def groups(env: EnvironmentScope) -> Iterator[Group]:
    """The groups of an environment's pipelines, each reading only what stands before it."""
    interval = env.environment.spec.telemetry.evaluation_interval
    yield from group("phoenix-collectors", interval, _collectors(env))
    exports = list(prometheus_exports(env))
    base = baseline(env)
    if base is not None:
        yield from group("phoenix-pipelines", interval, [*_counts(env, exports), *_preservation(env, exports, base)])
        yield from group("phoenix-cardinality", interval, _cardinality(env, base))
    yield from group("phoenix-efficiency", interval, [_use_of_reservation(env)])
    if base is not None and env.control is not None:
        yield from group("phoenix-risk", interval, [_risk(env.control.spec)])


def _collectors(env: EnvironmentScope) -> Iterator[Record]:
    yield Record(record=MEMORY, expr="max by (namespace, pod) (otelcol_process_memory_rss_bytes) / 1048576")
    window = rate_window(env)
    yield Record(record=CPU, expr=f"sum by (namespace, pod) (rate(otelcol_process_cpu_seconds_total[{window}]))")


Exports = list[tuple[Pipeline, str, PrometheusExport]]


def _counts(env: EnvironmentScope, exports: Exports) -> Iterator[Record]:
    pipelines = any_of(pipeline.metadata.name for pipeline, _, _ in exports)
    window = rate_window(env)
    # What the scraper kept of each target: a count of series, one result a pipeline.
    kept = f'scrape_samples_post_metric_relabeling{{phoenix_pipeline=~"{pipelines}"}}'
    yield Record(record=SERIES, expr=f"sum by (phoenix_pipeline) ({kept})")
    exporters = any_of(f"prometheus/{pipeline.metadata.name}_{name}" for pipeline, name, _ in exports)
    suffixes = any_of(name for _, name, _ in exports)
    sent = f'otelcol_exporter_sent_metric_points_total{{{gateway(env)},exporter=~"{exporters}"}}'
    named = f'"phoenix_pipeline", "$1", "exporter", "prometheus/({pipelines})_({suffixes})"'
    yield Record(
        record=THROUGHPUT,
        expr=f"sum by (phoenix_pipeline) (\n  label_replace(rate({sent}[{window}]), {named})\n)",
    )
    # No histogram spans a pipeline, so its slowest percentiles are added up: an upper estimate.
    processors = f"[a-z_0-9]+/({pipelines})(_.*)?"
    spent = f'otelcol_processor_internal_duration_seconds_bucket{{{gateway(env)},processor=~"{processors}"}}'
    quantile = f"histogram_quantile(0.99, sum by (le, processor) (rate({spent}[{window}])))"
    named = f'"phoenix_pipeline", "$1", "processor", "{processors}"'
    busy = f"label_replace({quantile} >= 0, {named})"
    yield Record(record=LATENCY, expr=f"1000 * sum by (phoenix_pipeline) (\n  {busy}\n)")


def _preservation(env: EnvironmentScope, exports: Exports, base: Pipeline) -> Iterator[Record]:
    """For each pipeline that promises classes: the share of their processes that it still shows by name."""
    metric, measured = process_series(env), preserving(env)
    prefixes = {pipeline.metadata.name: export.namespace for pipeline, _, export in exports}
    for pipeline, _, export in exports:
        if pipeline.metadata.name not in measured:
            continue
        classes = pipeline.spec.contract.preserve
        wanted = f'{prefixes[base.metadata.name]}_{metric}{{phoenix_priority=~"{any_of(classes)}"}}'
        owed = f"group by ({_SIGNAL}) ({wanted})"
        shown = f"group by ({_SIGNAL}) ({export.namespace}_{metric})"
        kept = f"count(\n    {owed}\n    and on ({_SIGNAL})\n    {shown}\n  )"
        yield Record(
            record=PRESERVATION,
            expr=f"(\n  {kept}\n  or\n  0 * count({owed})\n)\n/\ncount({owed})",
            labels={"phoenix_pipeline": pipeline.metadata.name},
        )


def preserving(env: EnvironmentScope) -> frozenset[str]:
    """The pipelines whose preservation is recorded: all that promise classes, but the baseline itself."""
    base = baseline(env)
    if base is None or process_series(env) is None:
        return frozenset()
    promising = {
        pipeline.metadata.name for pipeline, _, _ in prometheus_exports(env) if pipeline.spec.contract.preserve
    }
    return frozenset(promising - {base.metadata.name})


def process_series(env: EnvironmentScope) -> str | None:
    """A series that every measured process has, without an exporter's namespace."""
    hostmetrics = env.edge.spec.inputs.hostmetrics
    if hostmetrics is None or not hostmetrics.process_metrics or env.edge.spec.classification is None:
        return None
    return PROCESS_SERIES[hostmetrics.process_metrics[0]]


def _cardinality(env: EnvironmentScope, base: Pipeline) -> Iterator[Record]:
    total = f'{SERIES}{{phoenix_pipeline="{base.metadata.name}"}}'
    yield Record(
        record=REDUCTION,
        expr=f"1 - {SERIES} / ignoring (phoenix_pipeline) group_left () ({total} > 0)",
    )
    yield Record(record=GROWTH, expr=f"deriv({SERIES}[{record_window(env)}])")
    deviation = f"({SERIES} - avg_over_time({SERIES}[1h])) / (stddev_over_time({SERIES}[1h]) > 0)"
    yield Record(record=ZSCORE, expr=f"{deviation}\nor\n0 * {SERIES}")


def _use_of_reservation(env: EnvironmentScope) -> Record:
    """How much of the CPU and memory that the gateway reserves it uses, the mean of both."""
    reserved = env.environment.spec.gateway.resources
    cores = number(amount(reserved.cpu_request))
    mebibytes = number(amount(reserved.memory_request) / 2**20)
    cpu = f"clamp_max(avg({CPU}{{{gateway(env)}}}) / {cores}, 1)"
    memory = f"clamp_max(avg({MEMORY}{{{gateway(env)}}}) / {mebibytes}, 1)"
    return Record(record=EFFICIENCY, expr=f"({cpu} + {memory}) / 2")


def _risk(control: ControlPolicySpec) -> Record:
    """A score from 0 to 1: how many series, how fast they grow, how unusual that is."""
    explosion, weights = control.explosion, control.explosion.weights
    terms = []
    for weight, series, limit in (
        (weights.series, SERIES, float(explosion.limit)),
        (weights.growth, GROWTH, explosion.growth),
    ):
        # Half of the weight from half of the limit on, the rest from the limit on.
        half = f"({series} > bool {number(limit / 2)}) + ({series} > bool {number(limit)})"
        terms.append(f"{number(weight / 2)} * ({half})")
    terms.append(f"{number(weights.anomaly)} * ({ZSCORE} > bool {number(explosion.zscore)})")
    return Record(record=RISK, expr="\n+\n".join(terms))
