"""The way of metrics through an environment: collected, through the edge and a pipeline, exported, stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from phoenix_gitops.catalogue import TARGET_LABELS, Catalogue, Loss, Metric, of
from phoenix_gitops.catalogue.shelf import Table
from phoenix_gitops.collector.gateway import STRATEGY
from phoenix_gitops.collector.identity import INSTANCE, PLATFORM, TENANT
from phoenix_gitops.model.export import PrometheusExport
from phoenix_gitops.model.pipeline import HostMetrics, Pipeline
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.rules.known import PIPELINE, PROCESS_SERIES, prometheus_exports
from phoenix_gitops.rules.recorded import RECORDED
from phoenix_gitops.rules.stages import (
    POINT_ATTRIBUTES,
    Classified,
    Exported,
    SameName,
    Scraped,
    Selected,
    Stripped,
    Tagged,
    escaped,
    pipeline_ref,
)
from phoenix_gitops.scope import EnvironmentScope


class Process(NamedTuple):
    """A metric of processes: its type, unit, and the attributes of its points."""

    type: str
    unit: str
    points: tuple[str, ...] = ()


PROCESSES = {
    "process.cpu.time": Process("counter", "seconds", ("state",)),
    "process.memory.usage": Process("gauge", "bytes"),
    "process.disk.io": Process("counter", "bytes", ("direction",)),
    "process.threads": Process("gauge", "threads"),
    "process.open_file_descriptors": Process("gauge", "descriptors"),
}
"""What can be read of each process."""

PROCESS_ATTRIBUTES = frozenset(
    {
        *("process.cgroup", "process.command", "process.command_line", "process.executable.name"),
        *("process.executable.path", "process.owner", "process.parent_pid", "process.pid"),
    }
)
"""What can tell of each process."""

_SUFFIXED = tuple(PROCESS_SERIES.items())
_PLACE = frozenset({"host.name", "k8s.node.name", TENANT})
_NODE = frozenset({"node", "service.name", INSTANCE, "server.address", "server.port", "url.scheme"})
"""What the agent's scraping says of the kubelet, its target."""
_SCRAPER = frozenset({"service", "node", "metrics_path", "prometheus", "prometheus_replica", "replica"})
"""What a cluster's own scraping may put on series besides what ours does."""
_OURS = frozenset({PIPELINE, "pipeline_alias", "tenant_id"})


def collected(env: EnvironmentScope) -> Catalogue:
    """What the node agents collect, before their pipeline: of processes, of the kubelet, of containers."""
    inputs = env.edge.spec.inputs
    found = Catalogue({}) if inputs.hostmetrics is None else _processes(env.edge, inputs.hostmetrics)
    shelves = []
    if inputs.prometheus is not None:
        placed = Scraped(
            milliseconds(inputs.prometheus.interval), ((TENANT, frozenset({PLATFORM})),), _NODE | _PLACE - {TENANT}
        )
        wanted = {"kubelet": inputs.prometheus.kubelet, "cadvisor": inputs.prometheus.cadvisor}
        shelves = [Table(name, (placed,)) for name, on in wanted.items() if on]
    return Catalogue(found.metrics, found.lost, tuple(shelves))


def _processes(edge: Pipeline, host: HostMetrics) -> Catalogue:
    ref = pipeline_ref(edge)

    def not_read(field: str) -> Loss:
        what = f"`{field}` of pipeline `{edge.metadata.name}` does not name it"
        return Loss(stage="source", what=what, policy=ref, path=("spec", "inputs", "hostmetrics", field))

    read = set(host.process_attributes)
    unread = dict.fromkeys(sorted(PROCESS_ATTRIBUTES - read), not_read("processAttributes"))
    metrics = [
        Metric(
            name=name,
            type=PROCESSES[name].type,
            unit=PROCESSES[name].unit,
            named=_PLACE | read | set(PROCESSES[name].points),
            interval_ms=milliseconds(host.interval),
            source=f"pipeline {edge.metadata.name}",
            lost=unread,
        )
        for name in host.process_metrics
    ]
    lost = {name: not_read("processMetrics") for name in sorted(PROCESSES.keys() - set(host.process_metrics))}
    return of(metrics).plus((), lost)


def at_edge(env: EnvironmentScope) -> Catalogue:
    """What leaves the node agents."""
    edge = env.edge
    stages = (Classified(edge), Tagged(edge), Stripped(edge, env.security), Selected(edge))
    return _through(collected(env), stages)


def _through(catalogue: Catalogue, stages: Iterable[Classified | Tagged | Stripped | Selected]) -> Catalogue:
    for stage in stages:
        catalogue = catalogue.through(stage)
    return catalogue


def at_gateway(env: EnvironmentScope, pipeline: Pipeline, edge: Catalogue) -> Catalogue:
    """What comes out of a pipeline of the gateway, given what leaves the node agents."""
    tags = ((STRATEGY, pipeline.metadata.name), ("deployment.environment", env.name))
    before = edge.through(Tagged(pipeline, tags)).through(Stripped(pipeline, env.security))
    rollup = pipeline.spec.rollup
    if rollup is not None and rollup.count_metric is not None and rollup.count_from in before.metrics:
        counted = before.metrics[rollup.count_from]
        named = counted.named & {*rollup.by, *_PLACE, *(name for name, _ in tags), "process.executable.name"}
        count = Metric(
            name=rollup.count_metric,
            type="gauge",
            unit="processes",
            named=named - POINT_ATTRIBUTES,
            interval_ms=counted.interval_ms,
            source=f"pipeline {pipeline.metadata.name}",
        )
        before = before.plus([count])
    return before.through(Selected(pipeline))


def at_export(pipeline: Pipeline, export: PrometheusExport, gateway: Catalogue) -> Catalogue:
    """What a Prometheus exporter of a pipeline shows, given what comes out of the pipeline."""
    shown = gateway.through(Exported(export, pipeline.spec.alias, _SUFFIXED))
    info = Metric(
        name=f"{export.namespace}_target_info",
        type="gauge",
        named=frozenset({"job", "instance"}),
        interval_ms=0,
        source=f"pipeline {pipeline.metadata.name}",
    )
    return shown.plus([info])


def exported(env: EnvironmentScope) -> Catalogue:
    """What the pipelines' exporters show, as it is stored."""
    interval = milliseconds(env.environment.spec.telemetry.scrape_interval)
    edge = at_edge(env)
    found = Catalogue({})
    for pipeline, _, export in prometheus_exports(env):
        name = pipeline.metadata.name
        shown = at_export(pipeline, export, at_gateway(env, pipeline, edge))
        found = found.joined(shown.through(Scraped(interval, ((PIPELINE, frozenset({name})),))))
    return found


def provided(env: EnvironmentScope) -> Catalogue:
    """What other components of the clusters emit and their Prometheus scrapes, as the environment says."""
    interval = milliseconds(env.environment.spec.telemetry.scrape_interval)
    target = TARGET_LABELS - _OURS | _SCRAPER | {f"exported_{label}" for label in TARGET_LABELS - _OURS}
    stage = Scraped(interval, (), target)
    return Catalogue({}, {}, tuple(Table(name, (stage,)) for name in env.environment.spec.catalogs))


class Strip(NamedTuple):
    """What a pipeline does to labels of everything that it exports under its prefix."""

    prefix: str
    stage: Stripped


def strips(env: EnvironmentScope) -> tuple[Strip, ...]:
    """What happens to the labels of metrics that tenants send through the pipelines, by the prefix of their names."""
    return tuple(
        Strip(f"{export.namespace}_", Stripped(pipeline, env.security))
        for pipeline, _, export in prometheus_exports(env)
    )


def behind(stripped: Iterable[Strip], metrics: Iterable[Metric]) -> Iterator[Metric]:
    """Declared metrics without the labels that their pipelines take away."""
    known = tuple(stripped)
    for metric in metrics:
        stage = next((one.stage for one in known if metric.name.startswith(one.prefix)), None)
        yield metric if stage is None else stage.passed(metric)


UNSEEN = Loss(stage="tenant", what="its series bear no tenant's `tenant_id`, and a tenant sees only its own")
"""Why a tenant reads nothing of what other components of the cluster emit."""


@dataclass(frozen=True)
class Narrowed(SameName):
    """A tenant's rules read it: only series with the tenant's label are left."""

    def passed(self, metric: Metric) -> Metric | Loss:
        """The metric, if its series can be a tenant's."""
        label = escaped(TENANT)
        foreign = metric.values.get(label) == frozenset({PLATFORM})
        unknown = metric.labels is None and metric.source != RECORDED
        return metric if (unknown or label in metric.known_labels) and not foreign else UNSEEN
