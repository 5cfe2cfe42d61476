"""What happens in an environment: hours of quiet, then faults, then quiet again, as the samples of a scraper.

The metrics are those of the environment's catalogue: a rule that reads something else finds nothing here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from phoenix_gitops.catalogue import Catalogue, Metric, declared
from phoenix_gitops.rules import inventory
from phoenix_gitops.scope import EnvironmentScope, TenantScope
from phoenix_gitops.world import World
from tests.proof.replay.series import Course, Series, counter, gauge

MINUTE = 60
FAULT, CALM, END = 90 * MINUTE, 165 * MINUTE, 210 * MINUTE
"""When faults begin, when the last ends, and when the story does, in seconds."""

GATEWAY = {"namespace": "phoenix-gateway", "job": "gateway"}
PODS = ("gateway-0", "gateway-1")
COUNTS = {"full": 15_000, "optimized": 9_000, "experimental": 4_500, "observatory": 200}
"""Series that each pipeline shows on a quiet day in a small environment."""
PROCESSES = (("critical-db", "critical"), ("critical-queue", "critical"), ("java_app", "high"), ("backup", "low"))
SHOWN = {"full": ("critical", "high", "low"), "opt": ("critical", "high"), "exp": ("critical",)}
NOT_DECLARED = {"status": ("200", "503"), "route": ("/",)}
"""Values of labels whose catalogs bound only their number."""
BAD = {("status", "503"), ("outcome", "failed")}
"""What a failed request or a failed job bears."""


@dataclass(frozen=True, slots=True)
class Between:
    """A time in the story, in seconds."""

    first: int
    last: int

    def __contains__(self, at: object) -> bool:
        return isinstance(at, int) and self.first <= at < self.last


FAULTY = Between(FAULT, CALM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The faults of one environment; those that are not named do not happen."""

    environment: str
    scale: int = 1
    failing: tuple[str, ...] = ()
    """Tenants of which three in ten requests fail."""
    idle: tuple[str, ...] = ()
    """Tenants whose counters stand still."""
    waiting: tuple[str, ...] = ()
    """Tenants whose queues grow."""
    refusing: bool = False
    """The gateway refuses one point in five, for lack of memory."""
    heavy: bool = False
    """A pod of the gateway uses nearly all of its memory."""
    slow: bool = False
    """Processors of every pipeline take 50 to 200 ms."""
    hidden: bool = False
    """The optimized pipeline shows one process of those that it owes."""
    down: str = ""
    """A pipeline whose targets are gone."""
    growth: int = 0
    """Series a second that the full pipeline grows by, for five minutes."""
    waves: bool = False
    """The optimized pipeline grows beyond all limits, then swings."""
    crowd: tuple[tuple[str, int, int, Between], ...] = ()
    """Tenants that bear so many series, from a number to another, for a time."""


def samples(story: Story, world: World) -> list[Series]:
    """All samples of a story."""
    env = world.environment(story.environment)
    here = world.environments[story.environment]
    tenants = [world.tenant(here, name) for name in sorted(world.present(here))]
    found = list(_platform(story))
    for tenant in tenants:
        found += _tenant(story, tenant)
    found += _crowds(story)
    known = catalogue(env, tenants)
    for series in found:
        metric = known.get(series.name)
        assert metric is not None, f"no component emits {series.name}"
        strange = series.labels.keys() - {"__name__"} - (metric.labels or series.labels.keys())
        assert not strange, f"{series.name} has no labels {sorted(strange)}"
    return found


def catalogue(env: EnvironmentScope, tenants: Iterable[TenantScope]) -> Catalogue:
    """What components emit and catalogs declare."""
    known = inventory.emitted(env)
    for tenant in tenants:
        known = known.plus(declared(tenant.catalogs))
    return known


def _platform(story: Story) -> Iterator[Series]:
    for pod in PODS:
        yield from _collector(story, {**GATEWAY, "pod": pod})
    yield from _collector(story, {"namespace": "phoenix-agents", "job": "agent", "pod": "agent-x7"})
    for pipeline in COUNTS:
        for pod in PODS:
            target = {**GATEWAY, "pod": pod, "phoenix_pipeline": pipeline}
            yield gauge("scrape_samples_post_metric_relabeling", target, _count(story, pipeline), END)
        yield from _passage(story, pipeline)
    for prefix, pipeline in (("full", "full"), ("opt", "optimized"), ("exp", "experimental")):
        for process, priority in PROCESSES:
            if priority in SHOWN[prefix]:
                labels = {"host_name": "node-1", "process_executable_name": process, "phoenix_priority": priority}
                labels |= {**GATEWAY, "phoenix_pipeline": pipeline}
                name = f"phoenix_{prefix}_final_output_process_cpu_time_seconds_total"
                yield counter(name, labels, _shown(story, pipeline, process), END)


def _collector(story: Story, labels: Mapping[str, str]) -> Iterator[Series]:
    """What a collector says of itself."""
    gateway, first = labels["job"] == "gateway", labels["pod"] == PODS[0]

    def memory(at: int) -> float:
        return (990 if story.heavy and first and at in FAULTY else 300) * 2**20

    def refused(at: int) -> float:
        return 200 if story.refusing and gateway and at in FAULTY else 0

    yield gauge("otelcol_process_memory_rss_bytes", labels, memory, END)
    yield counter("otelcol_process_cpu_seconds_total", labels, lambda at: 0.2, END)
    limiter = {**labels, "processor": "memory_limiter"}
    yield counter("otelcol_processor_memory_limiter_refused_metric_points_total", limiter, refused, END)
    otlp = {**labels, "receiver": "otlp", "transport": "grpc"}
    yield counter("otelcol_receiver_refused_metric_points_total", otlp, refused, END)
    yield counter("otelcol_receiver_accepted_metric_points_total", otlp, lambda at: 1000 - refused(at), END)


def _passage(story: Story, pipeline: str) -> Iterator[Series]:
    """What passes the gateway for a pipeline, and how long that takes."""
    labels = {**GATEWAY, "pod": PODS[0]}
    sent = {**labels, "exporter": f"prometheus/{pipeline}_prometheus"}
    yield counter("otelcol_exporter_sent_metric_points_total", sent, lambda at: COUNTS[pipeline] / 15, END)

    def within(bound: float) -> Course:
        def batches(at: int) -> float:
            return 0 if story.slow and at in FAULTY and bound < 0.2 else 10

        return batches

    for bound, le in ((0.01, "0.01"), (0.05, "0.05"), (0.2, "0.2"), (float("inf"), "+Inf")):
        bucket = {**labels, "processor": f"transform/{pipeline}", "otel_signal": "metrics", "le": le}
        yield counter("otelcol_processor_internal_duration_seconds_bucket", bucket, within(bound), END)


def _count(story: Story, pipeline: str) -> Course:
    """The series that each of two pods shows of a pipeline."""
    usual = COUNTS[pipeline] * story.scale

    def shown(at: int) -> float | None:
        if story.down == pipeline and at in FAULTY:
            return None
        if pipeline == "full" and story.growth and at in FAULTY:
            return (usual + story.growth * min(at - FAULT, 5 * MINUTE)) / len(PODS)
        if pipeline == "optimized" and story.waves and at in FAULTY:
            return _wave(at - FAULT, usual) / len(PODS)
        return usual / len(PODS)

    return shown


def _wave(at: int, usual: int) -> float:
    """Ten minutes of far too many series, then half an hour of swings around the thresholds, then the usual."""
    if at < 10 * MINUTE:
        return 1_500_000
    if at < 50 * MINUTE:
        return 30_000 if at // (3 * MINUTE) % 2 else 10_000
    return usual


def _shown(story: Story, pipeline: str, process: str) -> Course:
    def busy(at: int) -> float | None:
        gone = story.down == pipeline or (story.hidden and pipeline == "optimized" and process != PROCESSES[0][0])
        return None if gone and at in FAULTY else 0.5

    return busy


def _tenant(story: Story, tenant: TenantScope) -> Iterator[Series]:
    for metric in declared(tenant.catalogs):
        for labels in _combinations(metric):
            whole = {**labels, **GATEWAY, "phoenix_pipeline": "full", "tenant_id": tenant.name}
            if metric.type == "counter":
                yield counter(metric.name, whole, _requests(story, tenant.name, labels), END)
            else:
                yield gauge(metric.name, whole, _queue(story, tenant.name), END)


def _combinations(metric: Metric) -> Iterator[dict[str, str]]:
    """Every combination of the values that its own labels have."""
    own = [name for name in (*metric.values, *NOT_DECLARED) if metric.labels is not None and name in metric.labels]
    values = [sorted(metric.values.get(name, NOT_DECLARED.get(name, ()))) for name in own]
    yield from (dict(zip(own, combination, strict=True)) for combination in itertools.product(*values))


def _requests(story: Story, tenant: str, labels: Mapping[str, str]) -> Course:
    bad = not BAD.isdisjoint(labels.items())

    def requests(at: int) -> float:
        if at not in FAULTY:
            return 0 if bad else 10
        if tenant in story.idle:
            return 0
        if tenant in story.failing:
            return 3 if bad else 7
        return 0 if bad else 10

    return requests


def _queue(story: Story, tenant: str) -> Course:
    return lambda at: 5000 if tenant in story.waiting and at in FAULTY else 5


def _crowds(story: Story) -> Iterator[Series]:
    """Many series of a tenant, each the same; a sample every two minutes is enough to be counted."""
    for tenant, first, last, when in story.crowd:
        shared = {"phoenix_pipeline": "full", "tenant_id": tenant}
        name = "phoenix_full_final_output_process_threads"
        one = gauge(name, shared, _present(when), END, every=2 * MINUTE)
        for i in range(first, last):
            yield Series({**one.labels, "process_pid": str(i)}, one.samples)


def _present(when: Between) -> Course:
    return lambda at: 1 if at in when else None
