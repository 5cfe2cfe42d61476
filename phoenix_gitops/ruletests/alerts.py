"""Tests of the platform's own alerts. Limits come from the policies; series from the names that rules record."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.model.control import Explosion, Guard
from phoenix_gitops.model.units import mebibytes, milliseconds
from phoenix_gitops.rules import pipelines as meant
from phoenix_gitops.rules.alerts import NEAR, STABILITY
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.known import baseline, own_metric, prometheus_exports
from phoenix_gitops.rules.terms import rate_window
from phoenix_gitops.ruletests.alarm import Level, alarm, phases
from phoenix_gitops.ruletests.case import MINUTE, RuleTest
from phoenix_gitops.ruletests.context import AlertTests, Context, RecordTests, above, below
from phoenix_gitops.ruletests.pipelines import RATES
from phoenix_gitops.ruletests.traces import counter, labelled

ONE = {"phoenix_pipeline": "one"}
OTHER = {"phoenix_pipeline": "other"}


def _guard(context: Context) -> tuple[Guard, Explosion]:
    control = context.env.control
    return (control.spec.guard, control.spec.explosion) if control is not None else (Guard(), Explosion())


def _degradation(context: Context, alert: Alert) -> Iterator[RuleTest]:
    least = _guard(context)[0].signal_degradation.value
    series: dict[str, Level] = {
        labelled(meant.PRESERVATION, ONE): (least, below(least)),
        labelled(meant.PRESERVATION, OTHER): least,
    }
    yield alarm(alert, series, ONE, below(least), says=f"less than {least} of what is owed is shown")


def _explosion(context: Context, alert: Alert) -> Iterator[RuleTest]:
    guard, explosion = _guard(context)
    growth, score = guard.cardinality_explosion.value, explosion.zscore
    series: dict[str, Level] = {
        labelled(meant.GROWTH, ONE): (growth, above(growth)),
        labelled(meant.ZSCORE, ONE): above(score),
        labelled(meant.GROWTH, OTHER): above(growth),
        labelled(meant.ZSCORE, OTHER): score,
    }
    yield alarm(alert, series, ONE, above(growth), says=f"over {growth} series a second, which is unusual")


def _exhaustion(context: Context, alert: Alert) -> Iterator[RuleTest]:
    share, spec = _guard(context)[0].resource_exhaustion.value, context.env.environment.spec
    for namespace, resources in (
        (context.env.names.gateway_namespace, spec.gateway.resources),
        (context.env.names.agent_namespace, spec.agent.resources),
    ):
        here, limit = {"namespace": namespace, "pod": "one"}, share * mebibytes(resources.memory_limit)
        series: dict[str, Level] = {
            labelled(meant.MEMORY, here): (limit, above(limit)),
            labelled(meant.MEMORY, {**here, "pod": "two"}): limit,
            labelled(meant.MEMORY, {"namespace": "elsewhere", "pod": "one"}): 1e6,
        }
        yield alarm(alert, series, here, above(limit), says=f"over {limit} MiB in {namespace}")


def _instability(context: Context, alert: Alert) -> Iterator[RuleTest]:
    least = _guard(context)[0].control_instability.value
    yield alarm(alert, {labelled(STABILITY, ONE): (least, below(least))}, ONE, below(least), says=f"less than {least}")


def _violation(context: Context, alert: Alert) -> Iterator[RuleTest]:
    """One test for each objective, with the others just kept and another pipeline that misses all."""
    env = context.env
    assert env.control is not None
    control, base = env.control.spec, baseline(env)
    owed, which = control.guard.objectives, {"phoenix_pipeline": control.input}
    limits = {meant.LATENCY: (owed.latency_ms, above(owed.latency_ms), 1e9)}
    if base is not None and base.metadata.name != control.input:
        limits[meant.REDUCTION] = (owed.reduction, below(owed.reduction), -1.0)
    if control.input in meant.preserving(env):
        limits[meant.PRESERVATION] = (owed.preservation, below(owed.preservation), 0.0)
    for missed, (limit, past, _) in limits.items():
        kept = {labelled(name, which): limits[name][0] for name in limits if name != missed}
        others: dict[str, Level] = {
            labelled(name, {"phoenix_pipeline": "elsewhere"}): limits[name][2] for name in limits
        }
        series: dict[str, Level] = {**kept, **others, labelled(missed, which): (limit, past)}
        yield alarm(alert, series, which, past, says=f"{missed} passes {limit}")


def _silent(context: Context, alert: Alert) -> Iterator[RuleTest]:
    pipelines = [pipeline.metadata.name for pipeline, _, _ in prometheus_exports(context.env)]
    silent = alert.labels["pipeline"]
    series: dict[str, Level] = {
        labelled(meant.SERIES, {"phoenix_pipeline": name}): 1.0 for name in pipelines if name != silent
    }
    which = {"phoenix_pipeline": silent}
    yield alarm(
        alert, {**series, labelled(meant.SERIES, which): (1.0, None)}, which, 1, says=f"no series of {silent} any more"
    )


def _refused(context: Context, alert: Alert) -> Iterator[RuleTest]:
    """Two counters of one pod grow by 15 a minute each, which is half a point a second."""
    name = own_metric(context.env, "otelcol_processor_memory_limiter_refused_metric_points_total")
    window = milliseconds(rate_window(context.env)) // 1000
    found = phases(alert, lag=window - MINUTE)
    # Over the whole range the counters must have grown when the alert fires.
    early = max(0, window // found.every - found.hold - 1)
    begin, end = found.begin, found.end - 1
    grows = counter(
        [(0, begin - 1), (15 * found.every / MINUTE, end - begin + 1), (0, found.resolved - end + 1)], first=100
    )
    pod = {"namespace": "gateway", "pod": "one"}
    series: dict[str, Level] = {labelled(name, {**pod, "processor": p}): grows for p in ("a", "b")}
    series[labelled(name, {**pod, "pod": "two", "processor": "a"})] = 100.0
    if early:
        raise AssertionError(f"the range of {alert.alert} is longer than what it waits")
    yield alarm(alert, series, pod, 0.5, says="half a point a second is refused", found=found, differs=RATES)


def _budget(context: Context, alert: Alert) -> Iterator[RuleTest]:
    name = alert.labels["pipeline"]
    budget = next(p.spec.budget for p in context.env.pipelines if p.metadata.name == name)
    assert budget is not None
    most, which = budget.hard if alert.severity == "critical" else budget.target, {"phoenix_pipeline": name}
    series: dict[str, Level] = {
        labelled(meant.SERIES, which): (float(most), above(most)),
        labelled(meant.SERIES, {"phoenix_pipeline": "elsewhere"}): 1e12,
    }
    both = context.beside(alert, which, above(most), "warning")
    yield alarm(alert, series, which, above(most), says=f"over {most} series", beside=both)


def _contract(context: Context, alert: Alert) -> Iterator[RuleTest]:
    name, least = alert.labels["pipeline"], alert.labels["bound"] == "min"
    contract = next(p.spec.contract for p in context.env.pipelines if p.metadata.name == name)
    limit = contract.reduction_min if least else contract.reduction_max
    past, which = (below if least else above)(limit), {"phoenix_pipeline": name}
    series: dict[str, Level] = {
        labelled(meant.REDUCTION, which): (limit, past),
        labelled(meant.REDUCTION, {"phoenix_pipeline": "elsewhere"}): -9.0 if least else 9.0,
    }
    yield alarm(alert, series, which, past, says=f"{'less' if least else 'more'} than {limit} is saved")


def _capacity(context: Context, alert: Alert) -> Iterator[RuleTest]:
    capacity = context.scope.cluster.capacity
    assert capacity is not None
    limit = NEAR * capacity.active_series
    series: dict[str, Level] = {
        labelled(meant.SERIES, ONE): (limit / 2, limit / 2 + 1),
        labelled(meant.SERIES, OTHER): limit - limit / 2,
    }
    yield alarm(alert, series, {}, limit + 1, says=f"all pipelines together hold more than {limit} series")


RECORDS: RecordTests = {}
ALERTS: AlertTests = {
    "PhoenixSignalDegradation": _degradation,
    "PhoenixCardinalityExplosion": _explosion,
    "PhoenixResourceExhaustion": _exhaustion,
    "PhoenixControlLoopInstability": _instability,
    "PhoenixSLOViolation": _violation,
    "PhoenixPipelineSilent": _silent,
    "PhoenixDataRefused": _refused,
    "PhoenixSeriesBudget": _budget,
    "PhoenixContractBroken": _contract,
    "PhoenixStorageCapacity": _capacity,
}
