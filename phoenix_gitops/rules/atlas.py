"""The catalogue of an environment at each stage of the way, with what its tenants declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_gitops.catalogue import Catalogue, Metric, declared, of
from phoenix_gitops.catalogue.bounds import series_bound
from phoenix_gitops.rules import flow, inventory
from phoenix_gitops.rules.known import PIPELINE, prometheus_exports
from phoenix_gitops.rules.lint import own_groups, readable
from phoenix_gitops.scope import EnvironmentScope, TenantScope

STAGES: Final = ("collected", "edge", "gateway", "export", "stored", "rules")
"""The stages, in the order of the way."""


@dataclass(frozen=True, slots=True)
class Total:
    """Series of one owner: a tenant, a pipeline, or another source."""

    owner: str
    metrics: int
    bounded: int
    """Metrics of which a bound is known."""
    series: int
    """At most so many series of those."""


def at_stage(env: EnvironmentScope, tenant: TenantScope | None, stage: str) -> Mapping[str, Catalogue]:
    """The catalogues of a stage: by pipeline where each pipeline has its own, else one under no name.

    With a tenant `stored` and `rules` are what its rules can read.
    """
    if stage == "collected":
        return {"": flow.collected(env)}
    if stage == "edge":
        return {"": flow.at_edge(env)}
    if stage in ("gateway", "export"):
        return dict(_by_pipeline(env, stage))
    stored = inventory.emitted(env)
    if tenant is None and stage == "stored":
        return {"": stored}
    interval = env.environment.spec.telemetry.evaluation_interval
    groups = [*own_groups(env), *readable(env.slos, env.rule_sets, interval)]
    known = inventory.with_records(stored, groups)
    if tenant is None:
        return {"": known}
    seen = inventory.seen_by(tenant, known if stage == "rules" else stored, flow.strips(env))
    own = readable(tenant.slos, tenant.rule_sets, interval) if stage == "rules" else ()
    return {"": inventory.with_records(seen, own)}


def _by_pipeline(env: EnvironmentScope, stage: str) -> Iterator[tuple[str, Catalogue]]:
    edge = flow.at_edge(env)
    exports = {pipeline.metadata.name: export for pipeline, _, export in prometheus_exports(env)}
    for pipeline in env.pipelines:
        name = pipeline.metadata.name
        found = flow.at_gateway(env, pipeline, edge)
        if stage == "gateway":
            yield name, found
        elif name in exports:
            yield name, flow.at_export(pipeline, exports[name], found)


def totals(env: EnvironmentScope, tenants: Iterable[TenantScope]) -> list[Total]:
    """At most so many series of what is stored, by tenant, pipeline or source."""
    found: dict[str, list[int | None]] = {}
    for metric in inventory.emitted(env).all():
        pipeline = metric.values.get(PIPELINE, frozenset())
        owner = f"pipeline {next(iter(pipeline))}" if len(pipeline) == 1 else metric.source
        found.setdefault(owner, []).append(_most(metric))
    for tenant in tenants:
        own = of(flow.behind(flow.strips(env), declared(tenant.catalogs)))
        if own.metrics:
            found[f"tenant {tenant.name}"] = [_most(metric) for metric in own.all()]
    return [_total(owner, bounds) for owner, bounds in sorted(found.items())]


def _most(metric: Metric) -> int | None:
    bound = series_bound(metric)
    return None if bound is None else bound.most


def _total(owner: str, bounds: list[int | None]) -> Total:
    known = [bound for bound in bounds if bound is not None]
    return Total(owner, len(bounds), len(known), sum(known))
