"""Tests of what is recorded of pipelines: counts, preservation, slopes, use of reservations, risk."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.model.units import amount, milliseconds
from phoenix_gitops.promql.functions import deviation, mean_of
from phoenix_gitops.rules import pipelines as meant
from phoenix_gitops.rules.group import Record
from phoenix_gitops.rules.known import baseline, prometheus_exports
from phoenix_gitops.rules.terms import rate_window, record_window
from phoenix_gitops.ruletests.case import MINUTE, RuleTest
from phoenix_gitops.ruletests.context import AlertTests, Context, RecordTests, above, by, recorded
from phoenix_gitops.ruletests.rising import rising, rising_rate, squares, squares_slope, steady
from phoenix_gitops.ruletests.traces import Trace, flat, labelled, steps

RATES = "rates over a range do not extrapolate in VictoriaMetrics"
_HOUR = 60
"""An hour in steps of a minute."""
_MEBIBYTE = 2**20


def _exported(context: Context) -> list[tuple[str, str]]:
    return [(pipeline.metadata.name, export) for pipeline, export, _ in prometheus_exports(context.env)]


def _window(context: Context) -> int:
    """The range of rates in steps of a minute."""
    return milliseconds(rate_window(context.env)) // (1000 * MINUTE)


def _memory(_: Context, rule: Record) -> Iterator[RuleTest]:
    name = "otelcol_process_memory_rss_bytes"
    yield recorded(
        rule,
        {
            labelled(name, {"namespace": "a", "pod": "one", "instance": "x"}): flat(100 * _MEBIBYTE, 2),
            labelled(name, {"namespace": "a", "pod": "one", "instance": "y"}): flat(300 * _MEBIBYTE, 2),
            labelled(name, {"namespace": "a", "pod": "two", "instance": "x"}): flat(64 * _MEBIBYTE, 2),
            labelled(name, {"namespace": "b", "pod": "two", "instance": "x"}): flat(_MEBIBYTE, 2),
        },
        {by(namespace="a", pod="one"): 300, by(namespace="a", pod="two"): 64, by(namespace="b", pod="two"): 1},
        at=MINUTE,
        says="the largest process of each pod, in MiB",
        exact=True,
    )


def _cpu(context: Context, rule: Record) -> Iterator[RuleTest]:
    name, window = "otelcol_process_cpu_seconds_total", _window(context)
    last = window + 2

    def cores(base: float) -> float:
        return rising_rate(base, last, window, MINUTE)

    yield recorded(
        rule,
        {
            labelled(name, {"namespace": "a", "pod": "one", "instance": "x"}): rising(3, last + 1),
            labelled(name, {"namespace": "a", "pod": "one", "instance": "y"}): rising(5, last + 1),
            labelled(name, {"namespace": "a", "pod": "two", "instance": "x"}): rising(7, last + 1),
            labelled(name, {"namespace": "b", "pod": "two", "instance": "x"}): rising(11, last + 1),
        },
        {
            by(namespace="a", pod="one"): cores(8),
            by(namespace="a", pod="two"): cores(7),
            by(namespace="b", pod="two"): cores(11),
        },
        at=last * MINUTE,
        says="seconds of all processes of each pod, a second",
        differs=RATES,
    )


def _series(context: Context, rule: Record) -> Iterator[RuleTest]:
    name = "scrape_samples_post_metric_relabeling"
    series = {labelled(name, {"phoenix_pipeline": "elsewhere", "pod": "one"}): flat(999, 2)}
    results = {}
    for i, (pipeline, _) in enumerate(_exported(context)):
        series[labelled(name, {"phoenix_pipeline": pipeline, "pod": "one"})] = flat(100 + i, 2)
        series[labelled(name, {"phoenix_pipeline": pipeline, "pod": "two"})] = flat(20, 2)
        results[by(phoenix_pipeline=pipeline)] = 120 + i
    says = "what was kept of all targets of each pipeline"
    yield recorded(rule, series, results, at=MINUTE, says=says, exact=True)


def _throughput(context: Context, rule: Record) -> Iterator[RuleTest]:
    name, window = "otelcol_exporter_sent_metric_points_total", _window(context)
    last = window + 2
    here = {"namespace": context.env.names.gateway_namespace}
    series: dict[str, Trace] = {}
    results = {}
    for i, (pipeline, export) in enumerate(_exported(context)):
        exporter = f"prometheus/{pipeline}_{export}"
        series[labelled(name, {**here, "exporter": exporter, "pod": "one"})] = rising(3 + i, last + 1)
        series[labelled(name, {**here, "exporter": exporter, "pod": "two"})] = rising(2, last + 1)
        series[labelled(name, {**here, "exporter": f"otlp/{pipeline}", "pod": "one"})] = rising(50, last + 1)
        series[labelled(name, {"namespace": "elsewhere", "exporter": exporter})] = rising(70, last + 1)
        results[by(phoenix_pipeline=pipeline)] = rising_rate(5 + i, last, window, MINUTE)
    says = "points a second to Prometheus exporters of the gateway"
    yield recorded(rule, series, results, at=last * MINUTE, says=says, differs=RATES)


def _latency(context: Context, rule: Record) -> Iterator[RuleTest]:
    """Two processors a pipeline: 99 % of a growing number lie in the second bucket, of a steady one in the first."""
    name, window = "otelcol_processor_internal_duration_seconds_bucket", _window(context)
    last = window + 2
    here = {"namespace": context.env.names.gateway_namespace}
    many = rising_rate(60, last, window, MINUTE)
    second = 0.01 + (0.1 - 0.01) * (0.99 * many - 2.0) / (many - 2.0)
    first = 0.01 * 0.99
    series: dict[str, Trace] = {}
    results = {}
    for pipeline, _ in _exported(context):
        for processor, buckets in (
            (f"filter/{pipeline}", (steady(60, last + 1), rising(30, last + 1), rising(30, last + 1))),
            (f"transform/{pipeline}_keep", (steady(60, last + 1), steady(60, last + 1), steady(60, last + 1))),
            (f"batch/{pipeline}", (flat(0, last + 1), flat(0, last + 1), flat(0, last + 1))),
        ):
            for le, trace in zip(("0.01", "0.1", "+Inf"), buckets, strict=True):
                for pod in ("one", "two"):
                    series[labelled(name, {**here, "processor": processor, "pod": pod, "le": le})] = trace
                elsewhere = {"namespace": "elsewhere", "processor": processor, "le": le}
                series[labelled(name, elsewhere)] = rising(200 if le == "+Inf" else 1, last + 1)
        results[by(phoenix_pipeline=pipeline)] = 1000 * (first + second)
    says = "the slowest percent of each processor, added up; one that did nothing adds nothing"
    yield recorded(rule, series, results, at=last * MINUTE, says=says, differs=RATES)


def _preservation(context: Context, rule: Record) -> Iterator[RuleTest]:
    env = context.env
    base, metric = baseline(env), meant.process_series(env)
    assert base is not None
    prefixes = {pipeline.metadata.name: export.namespace for pipeline, _, export in prometheus_exports(env)}
    pipeline = next(p for p in env.pipelines if p.metadata.name == rule.labels["phoenix_pipeline"])
    everything, shown = f"{prefixes[base.metadata.name]}_{metric}", f"{prefixes[pipeline.metadata.name]}_{metric}"

    def process(name: str, host: str, executable: str, priority: str = "") -> str:
        more = {"phoenix_priority": priority} if priority else {}
        return labelled(name, {"host_name": host, "process_executable_name": executable, "pid": "1", **more})

    classes = sorted(pipeline.spec.contract.preserve)
    owed = [(f"host-{i}", f"owed-{i}", classes[i % len(classes)]) for i in range(len(classes) + 2)]
    # The same program on another host, and another program on the same host, are other processes.
    owed += [("host-0", "owed-1", classes[0]), ("host-1", "owed-0", classes[0])]
    series = {process(everything, *one): flat(1, 2) for one in owed}
    # A process is one signal, however many series it has.
    series[process(everything, *owed[0]).replace('pid="1"', 'pid="2"')] = flat(1, 2)
    series[process(everything, "host-0", "idle", "another")] = flat(1, 2)
    kept = {process(shown, host, executable): flat(1, 2) for host, executable, _ in owed[:-3]}
    others = {process(shown, "host-0", "idle"): flat(1, 2), process(shown, "host-9", "owed-0"): flat(1, 2)}
    share = (len(owed) - 3) / len(owed)
    yield recorded(
        rule,
        {**series, **kept, **others},
        {(): share},
        at=MINUTE,
        says=f"{len(owed) - 3} of {len(owed)} owed are shown",
    )
    yield recorded(rule, {**series, **others}, {(): 0}, at=MINUTE, says="none that is owed is shown", exact=True)


def _reduction(context: Context, rule: Record) -> Iterator[RuleTest]:
    base = baseline(context.env)
    assert base is not None
    whole = labelled(meant.SERIES, {"phoenix_pipeline": base.metadata.name})
    part = labelled(meant.SERIES, {"phoenix_pipeline": "part"})
    results = {by(phoenix_pipeline=base.metadata.name): 0.0, by(phoenix_pipeline="part"): 0.85}
    series = {whole: flat(1000, 2), part: flat(150, 2)}
    yield recorded(rule, series, results, at=MINUTE, says="150 of 1000 series are left")
    nothing = {whole: flat(0, 2), part: flat(150, 2)}
    yield recorded(rule, nothing, {}, at=MINUTE, says="nothing to compare with is no result")


def _growth(context: Context, rule: Record) -> Iterator[RuleTest]:
    window = milliseconds(record_window(context.env)) // (1000 * MINUTE)
    last = window + 3
    series = {labelled(meant.SERIES, {"phoenix_pipeline": "a"}): squares(last + 1)}
    results = {by(phoenix_pipeline="a"): squares_slope(last, window, MINUTE)}
    yield recorded(rule, series, results, at=last * MINUTE, says="the slope of a gauge that grows by squares")


def _zscore(_: Context, rule: Record) -> Iterator[RuleTest]:
    seen = [100.0 if k % 2 else 140.0 for k in range(_HOUR - 1)] + [400.0]
    before = [5000.0] * 3
    last = len(before) + len(seen) - 1
    series = {
        labelled(meant.SERIES, {"phoenix_pipeline": "a"}): steps([*before, *seen]),
        labelled(meant.SERIES, {"phoenix_pipeline": "flat"}): flat(7, last + 1),
    }
    score = (seen[-1] - mean_of(seen)) / deviation(seen)
    results = {by(phoenix_pipeline="a"): score, by(phoenix_pipeline="flat"): 0.0}
    yield recorded(
        rule, series, results, at=last * MINUTE, says="distance from the mean of an hour; 0 if nothing moved"
    )


def _efficiency(context: Context, rule: Record) -> Iterator[RuleTest]:
    reserved = context.env.environment.spec.gateway.resources
    cores, mebibytes = float(amount(reserved.cpu_request)), float(amount(reserved.memory_request) / _MEBIBYTE)

    def used(cpu: tuple[float, float], memory: tuple[float, float]) -> dict[str, Trace]:
        found = {}
        for i, pod in enumerate(("one", "two")):
            here = {"namespace": context.env.names.gateway_namespace, "pod": pod}
            found[labelled(meant.CPU, here)] = flat(cpu[i] * cores, 2)
            found[labelled(meant.MEMORY, here)] = flat(memory[i] * mebibytes, 2)
        found[labelled(meant.CPU, {"namespace": "elsewhere", "pod": "x"})] = flat(0.01 * cores, 2)
        found[labelled(meant.MEMORY, {"namespace": "elsewhere", "pod": "x"})] = flat(0.01 * mebibytes, 2)
        return found

    says = "a quarter of the CPU and half of the memory are used"
    yield recorded(rule, used((0.25, 0.25), (0.375, 0.625)), {(): 0.375}, at=MINUTE, says=says)
    says = "more than is reserved counts as all of it"
    yield recorded(rule, used((3, 5), (0.5, 0.5)), {(): 0.75}, at=MINUTE, says=f"CPU: {says}")
    yield recorded(rule, used((0.25, 0.75), (3, 5)), {(): 0.75}, at=MINUTE, says=f"memory: {says}")


def _risk(context: Context, rule: Record) -> Iterator[RuleTest]:
    assert context.env.control is not None
    explosion = context.env.control.spec.explosion
    weights, limit, growth = explosion.weights, float(explosion.limit), explosion.growth
    signs = {
        "none": (0.0, 0.0, 0.0),
        "half-at": (limit / 2, growth / 2, 0.0),
        "half": (above(limit / 2), 0.0, weights.series / 2),
        "at": (limit, 0.0, weights.series / 2),
        "many": (above(limit), 0.0, weights.series),
        "slow": (0.0, above(growth / 2), weights.growth / 2),
        "fast-at": (0.0, growth, weights.growth / 2),
        "fast": (0.0, above(growth), weights.growth),
    }
    series, results = {}, {}
    for pipeline, (count, slope, score) in signs.items():
        series[labelled(meant.SERIES, {"phoenix_pipeline": pipeline})] = flat(count, 1)
        series[labelled(meant.GROWTH, {"phoenix_pipeline": pipeline})] = flat(slope, 1)
        results[by(phoenix_pipeline=pipeline)] = score
    # One sample has no slope, so the growth is that of the input.
    yield recorded(rule, series, results, at=0, says="each sign adds its weight once its limit is passed")
    # The last of n samples, if it alone differs, lies sqrt(n - 1) standard deviations from their mean.
    odd = int(explosion.zscore**2) + 2
    for count, score in ((odd, weights.anomaly), (odd - 2, 0.0)) if 3 < odd < _HOUR else ():
        spike = {labelled(meant.SERIES, {"phoenix_pipeline": "odd"}): steps([1.0] * (count - 1) + [2.0])}
        says = f"an anomaly of {(count - 1) ** 0.5:.2f} adds {score:g}"
        yield recorded(rule, spike, {by(phoenix_pipeline="odd"): score}, at=(count - 1) * MINUTE, says=says)


RECORDS: RecordTests = {
    meant.MEMORY: _memory,
    meant.CPU: _cpu,
    meant.SERIES: _series,
    meant.THROUGHPUT: _throughput,
    meant.LATENCY: _latency,
    meant.PRESERVATION: _preservation,
    meant.REDUCTION: _reduction,
    meant.GROWTH: _growth,
    meant.ZSCORE: _zscore,
    meant.EFFICIENCY: _efficiency,
    meant.RISK: _risk,
}
ALERTS: AlertTests = {}
