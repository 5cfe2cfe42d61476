"""The platform's own alerts: broken promises of pipelines, and collectors in trouble."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.model.control import ControlPolicySpec, Explosion, Guard
from phoenix_gitops.model.units import mebibytes
from phoenix_gitops.rules import pipelines as recorded
from phoenix_gitops.rules.group import Alert, Group, group
from phoenix_gitops.rules.known import baseline, own_metric, prometheus_exports
from phoenix_gitops.rules.terms import agents, gateway, number, rate_window
from phoenix_gitops.scope import ClusterScope, EnvironmentScope

NEAR = 0.9
"""Share of a hard limit at which to warn."""

STABILITY = "phoenix:control_stability_score"

_COMPONENT = {"component": "phoenix"}


def groups(scope: ClusterScope) -> Iterator[Group]:
    """The alerts of a cluster, in two groups."""
    env = scope.env
    interval = env.environment.spec.telemetry.evaluation_interval
    yield from group("phoenix-alerts", interval, [*_guarded(env), *_liveness(env)])
    yield from group("phoenix-promises", interval, [*_budgets(env), *_capacity(scope)])


def _guarded(env: EnvironmentScope) -> Iterator[Alert]:
    """The five alerts of the reference platform. Without a control policy their limits are the defaults."""
    control = env.control.spec if env.control is not None else None
    guard = control.guard if control is not None else Guard()
    explosion = control.explosion if control is not None else Explosion()
    if baseline(env) is not None:
        yield from _signals(env, guard, explosion)
    yield _exhaustion(env, guard)
    if control is not None and countable(env, control.input):
        yield from _controlled(env, control)


def countable(env: EnvironmentScope, pipeline: str) -> bool:
    """Whether a pipeline of this name runs here and shows its series to Prometheus."""
    return any(found.metadata.name == pipeline for found, _, _ in prometheus_exports(env))


def _signals(env: EnvironmentScope, guard: Guard, explosion: Explosion) -> Iterator[Alert]:
    if recorded.preserving(env):
        yield Alert(
            alert="PhoenixSignalDegradation",
            expr=f"{recorded.PRESERVATION} < {number(guard.signal_degradation.value)}",
            hold=guard.signal_degradation.for_,
            severity="warning",
            summary="{{ $labels.phoenix_pipeline }} shows only {{ $value | humanizePercentage }} "
            "of the processes that it owes",
            labels=_COMPONENT,
        )
    growing = f"{recorded.GROWTH} > {number(guard.cardinality_explosion.value)}"
    yield Alert(
        alert="PhoenixCardinalityExplosion",
        expr=f"{growing}\nand\n{recorded.ZSCORE} > {number(explosion.zscore)}",
        hold=guard.cardinality_explosion.for_,
        severity="critical",
        summary="{{ $labels.phoenix_pipeline }} grows by {{ $value | humanize }} series a second",
        labels=_COMPONENT,
    )


def _exhaustion(env: EnvironmentScope, guard: Guard) -> Alert:
    spec = env.environment.spec
    share = guard.resource_exhaustion.value
    parts = [
        f"{recorded.MEMORY}{{{who}}} > {number(share)} * {mebibytes(resources.memory_limit)}"
        for who, resources in ((gateway(env), spec.gateway.resources), (agents(env), spec.agent.resources))
    ]
    return Alert(
        alert="PhoenixResourceExhaustion",
        expr="\nor\n".join(parts),
        hold=guard.resource_exhaustion.for_,
        severity="critical",
        summary="{{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanize }} MiB, "
        f"over {share:.0%} of its memory limit",
        labels=_COMPONENT,
    )


def _controlled(env: EnvironmentScope, control: ControlPolicySpec) -> Iterator[Alert]:
    owed = control.guard.objectives
    which = f'{{phoenix_pipeline="{control.input}"}}'
    yield loop_instability(control.guard)
    missed = [f"{recorded.LATENCY}{which} > {number(owed.latency_ms)}"]
    base = baseline(env)
    if base is not None and base.metadata.name != control.input:
        # The baseline saves nothing against itself.
        missed.insert(0, f"{recorded.REDUCTION}{which} < {number(owed.reduction)}")
    if control.input in recorded.preserving(env):
        missed.insert(0, f"{recorded.PRESERVATION}{which} < {number(owed.preservation)}")
    yield Alert(
        alert="PhoenixSLOViolation",
        expr="\nor\n".join(missed),
        hold=owed.for_,
        severity="warning",
        summary="{{ $labels.phoenix_pipeline }} misses an objective",
        description=f"preservation below {number(owed.preservation)}, series saved below {number(owed.reduction)}, "
        f"or processors slower than {number(owed.latency_ms)} ms",
        labels=_COMPONENT,
    )


def loop_instability(guard: Guard) -> Alert:
    """The alert on a law that keeps changing its mind."""
    return Alert(
        alert="PhoenixControlLoopInstability",
        expr=f"{STABILITY} < {number(guard.control_instability.value)}",
        hold=guard.control_instability.for_,
        severity="warning",
        summary="the advised profile keeps changing (stability {{ $value | humanize }})",
        labels=_COMPONENT,
    )


def _liveness(env: EnvironmentScope) -> Iterator[Alert]:
    """What all other rules stand on: without series they are silent, not well."""
    for pipeline, _, _ in prometheus_exports(env):
        name = pipeline.metadata.name
        yield Alert(
            alert="PhoenixPipelineSilent",
            expr=f'absent({recorded.SERIES}{{phoenix_pipeline="{name}"}})',
            hold="10m",
            severity="critical",
            summary=f"Prometheus sees no series of pipeline {name}",
            labels={**_COMPONENT, "pipeline": name},
        )
    refused = own_metric(env, "otelcol_processor_memory_limiter_refused_metric_points_total")
    yield Alert(
        alert="PhoenixDataRefused",
        expr=f"sum by (namespace, pod) (rate({refused}[{rate_window(env)}])) > 0",
        hold="5m",
        severity="warning",
        summary="{{ $labels.namespace }}/{{ $labels.pod }} refuses {{ $value | humanize }} points a second "
        "for lack of memory",
        labels=_COMPONENT,
    )


def _budgets(env: EnvironmentScope) -> Iterator[Alert]:
    """Series budgets and contracts of the pipelines, each from its own policy."""
    base = baseline(env)
    for pipeline, _, _ in prometheus_exports(env):
        name = pipeline.metadata.name
        which = f'{{phoenix_pipeline="{name}"}}'
        budget, contract = pipeline.spec.budget, pipeline.spec.contract
        if budget is not None:
            for severity, most in (("warning", budget.target), ("critical", budget.hard)):
                yield Alert(
                    alert="PhoenixSeriesBudget",
                    expr=f"{recorded.SERIES}{which} > {most}",
                    hold="10m",
                    severity=severity,
                    summary=f"pipeline {name} puts out {{{{ $value | humanize }}}} series, its budget is {most}",
                    labels={**_COMPONENT, "pipeline": name},
                )
        if base is None or name == base.metadata.name:
            continue
        promised = [(contract.reduction_min, "<", "less"), (contract.reduction_max, ">", "more")]
        for limit, op, word in promised:
            if limit in (0, 1):
                continue
            yield Alert(
                alert="PhoenixContractBroken",
                expr=f"{recorded.REDUCTION}{which} {op} {number(limit)}",
                hold="30m",
                severity="warning",
                summary=f"pipeline {name} saves {{{{ $value | humanizePercentage }}}} of the series, "
                f"{word} than the {limit:.0%} that it promises",
                labels={**_COMPONENT, "pipeline": name, "bound": "min" if op == "<" else "max"},
            )


def _capacity(scope: ClusterScope) -> Iterator[Alert]:
    capacity = scope.cluster.capacity
    if capacity is None or baseline(scope.env) is None:
        return
    yield Alert(
        alert="PhoenixStorageCapacity",
        expr=f"sum({recorded.SERIES}) > {number(NEAR)} * {capacity.active_series}",
        hold="30m",
        severity="critical",
        summary=f"all pipelines hold {{{{ $value | humanize }}}} series, "
        f"the storage is made for {capacity.active_series}",
        labels=_COMPONENT,
    )
