"""What the emitted rules mean to both engines: the control law step by step, counts, slopes, burn rates, quotas."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from phoenix_gitops.rules import alerts, control, control_law, cost, pipelines, slo, tenants
from tests.proof.rule_tests import Bench, values
from tests.unit.rules import support

pytestmark = pytest.mark.proof

COUNTED = 'phoenix:pipeline_active_series{phoenix_pipeline="optimized"}'
RISK = 'phoenix:cardinality_explosion_risk{phoenix_pipeline="optimized"}'
ONE = '{phoenix_pipeline="optimized"}'

_noise = random.Random(7)
TRACES = {
    "plateaus": [v for v in (10e3, 16e3, 17e3, 26e3, 23e3, 22e3, 16e3, 14e3) for _ in range(5)],
    "jump": [1e3] * 5 + [30e3] * 5 + [1e3] * 8,
    "ramp up": [1000 * i for i in range(40)],
    "ramp down": [40_000 - 1000 * i for i in range(40)],
    "flat at a threshold": [15_000] * 6 + [25_000] * 6 + [15_000] * 6,
    "inside the band": [17_000, 15_500, 16_400, 15_001, 16_499] * 4,
    "wave": [20_000 + 12_000 * (1 if (i // 3) % 2 else -1) for i in range(40)],
    "fast wave": [20_000 + 12_000 * (1 if i % 2 else -1) for i in range(40)],
    "emergency": [10e3] * 4 + [2e6] * 2 + [10e3] * 14,
    "noise": [_noise.randrange(10_000, 32_000) for _ in range(60)],
    "short gap": [26e3] * 5 + [None] * 3 + [24e3] * 6,
    "long gap": [26e3] * 5 + [None] * 9 + [24e3] * 6,
    "only gap at first": [None] * 3 + [26e3] * 6,
}


def laws():
    two = [
        {"name": "calm", "above": 0, "pipelines": ["full"]},
        {"name": "thrift", "above": 20_000, "pipelines": ["full"]},
    ]
    four = [
        {"name": f"p{i}", "above": above, "pipelines": ["full"]} for i, above in enumerate((0, 12_000, 18_000, 25_000))
    ]
    return {
        "reference": support.control(),
        "two profiles, no hold": support.control(
            profiles=two, oscillation={"fallback": "calm"}, stability="60s", lockout="60s"
        ),
        "four profiles": support.control(profiles=four, oscillation={"fallback": "p2"}, hysteresis=0.05),
        "slow, with a long hold": support.control(
            interval="2m", stability="10m", lockout="20m", oscillation={"max": 1}
        ),
    }


@pytest.fixture
def bench(tmp_path, judge):
    def begin(groups, series=None, **times):
        found = Bench(tmp_path, judge, list(groups), **times)
        if series is not None:
            found.case(series)
        return found

    return begin


def control_groups(policy):
    return control.groups(support.environment(law=policy))


def law_groups(policy):
    """The groups of the law without what only describes it: a thousand steps are evaluated."""
    state = {control.OUTPUT}
    for group in control_groups(policy):
        if group.name != "phoenix-control-state":
            yield group
        else:
            yield replace(group, rules=tuple(rule for rule in group.rules if rule.record in state))


def counted(trace):
    return {COUNTED: values(trace), RISK: values([None if v is None else 0 for v in trace])}


def seconds(policy):
    return control_law.law(policy.spec).interval_ms // 1000


@pytest.mark.parametrize("name", laws())
def test_the_rules_do_what_the_simulation_does_at_every_step(bench, name):
    policy = laws()[name]
    rules, interval = control_law.law(policy.spec), seconds(policy)
    found = bench(law_groups(policy), step=interval)
    for called, trace in TRACES.items():
        found.case(counted(trace), called)
        for i, state in enumerate(control_law.run(rules, trace)):
            profile, integral, output = state.profiles[-1], state.integrals[-1], control_law.output(rules, state)
            here = {} if profile is None else {ONE: profile}
            found.expect(i * interval, f"last_over_time({control.PROFILE}[1s]) + 0", here)
            summed = {} if integral is None else {ONE: integral}
            found.expect(i * interval, f"last_over_time({control.INTEGRAL}[1s]) + 0", summed)
            if output is not None:
                found.expect(i * interval, f"abs({control.OUTPUT} - {output!r}) < bool 0.001", {ONE: 1})
    found.passes()


def test_every_profile_and_every_branch_is_on_a_trace():
    rules = control_law.law(support.control().spec)
    seen = {state.profiles[-1] for trace in TRACES.values() for state in control_law.run(rules, trace)}
    assert seen == {0, 1, 2, None}
    # Without a hold a fast wave ends in the fallback; an emergency locks the last profile; a long gap forgets.
    unheld = control_law.law(support.control(stability="60s").spec)
    fast = [s.profiles[-1] for s in control_law.run(unheld, TRACES["fast wave"])]
    assert fast[:13] == [0, 2, 0, 2, 0, 1, 1, 1, 1, 1, 1, 1, 0]
    locked = [s.profiles[-1] for s in control_law.run(rules, TRACES["emergency"])]
    assert locked[4:11] == [2] * 6 + [0]
    forgotten = [s.profiles[-1] for s in control_law.run(rules, TRACES["long gap"])]
    assert forgotten[-6:] == [0, 1, 1, 1, 1, 1]
    kept = [s.profiles[-1] for s in control_law.run(rules, TRACES["short gap"])]
    assert kept[-6:] == [2] * 6


def test_the_reference_trace(bench):
    found = bench(control_groups(support.control()), counted(TRACES["plateaus"]))
    for plateau, profile in enumerate((0, 0, 1, 2, 2, 1, 1, 0)):
        found.expect((plateau * 5 + 4) * 60, control.PROFILE, {f"{control.PROFILE}{ONE}": profile})
    found.passes()


def test_the_law_is_compared_for_real(bench):
    found = bench(control_groups(support.control()), counted(TRACES["plateaus"]))
    found.expect(4 * 5 * 60, control.PROFILE, {f"{control.PROFILE}{ONE}": 0})
    found.fails(control.PROFILE, "exp", "got")


@pytest.mark.parametrize(("mode", "firing"), [("advisory", 1), ("shadow", 0)])
def test_advice_fires_for_a_profile_that_does_not_run_and_only_in_advisory_mode(bench, mode, firing):
    found = bench(control_groups(support.control(mode=mode)), counted([10e3] * 10))
    found.firing(8 * 60, "PhoenixProfileAdvised", firing)
    found.passes()


def test_an_emergency_from_risk_alone_advises_the_last_profile(bench):
    env = support.environment()
    series = {COUNTED: "10000x10", RISK: "0 0 0 0.7 0.8 0 0 0 0 0"}
    found = bench(control.groups(env), series)
    found.expect(180, control.PROFILE, {f"{control.PROFILE}{ONE}": 0})
    found.expect(240, control.PROFILE, {f"{control.PROFILE}{ONE}": 2})
    found.expect(480, control.PROFILE, {f"{control.PROFILE}{ONE}": 2})
    found.expect(540, control.PROFILE, {f"{control.PROFILE}{ONE}": 0})
    found.passes()


def scraped(name, pod):
    return f'scrape_samples_post_metric_relabeling{{phoenix_pipeline="{name}",pod="{pod}"}}'


def test_active_series_are_counted_once_a_pipeline(bench):
    env = support.environment()
    series = {
        scraped("full", "gateway-0"): "600x10",
        scraped("full", "gateway-1"): "400x10",
        scraped("optimized", "gateway-0"): "200x10",
        scraped("optimized", "gateway-1"): "300x10",
        'scrape_samples_post_metric_relabeling{pod="else"}': "9999x10",
    }
    found = bench([*pipelines.groups(env), *cost.groups(env)], series)
    found.expect(
        300,
        pipelines.SERIES,
        {f'{pipelines.SERIES}{{phoenix_pipeline="{n}"}}': v for n, v in (("full", 1000), ("optimized", 500))},
    )
    found.expect(
        300,
        pipelines.REDUCTION,
        {f'{pipelines.REDUCTION}{{phoenix_pipeline="{n}"}}': v for n, v in (("full", 0), ("optimized", 0.5))},
    )
    labels = '{{currency="USD",phoenix_pipeline="{}"}}'
    found.expect(
        300,
        cost.REDUCTION,
        {cost.REDUCTION + labels.format("full"): 0, cost.REDUCTION + labels.format("optimized"): 0.5},
    )
    # 1000 series / 15 s * 2592000 s = 172.8 million points at 0.10 a million, and 0.1728 GB at 0.05.
    expected = 17.28 + 0.00864
    found.expect(
        300,
        f'abs({cost.PIPELINE_COST}{{phoenix_pipeline="full"}} - {expected}) < bool 1e-9',
        {'{currency="USD",phoenix_pipeline="full"}': 1},
    )
    found.passes()


def test_without_a_baseline_there_is_no_ratio_not_even_nan(bench):
    found = bench(pipelines.groups(support.environment()), {scraped("full", "a"): "0x10"})
    found.expect(300, pipelines.REDUCTION, {})
    found.passes()


def test_a_falling_gauge_shows_a_fall(bench):
    # 20 series a minute less: rate() of this would show growth.
    found = bench(pipelines.groups(support.environment()), {scraped("full", "a"): "10000-20x60"})
    found.expect(3000, f"round({pipelines.GROWTH} * 3)", {'{phoenix_pipeline="full"}': -1})
    found.passes()


def test_a_flat_series_has_the_z_score_0_and_a_jump_a_high_one(bench):
    trace = "1000x60 9000"
    found = bench(pipelines.groups(support.environment()), {scraped("full", "a"): trace})
    found.expect(3000, pipelines.ZSCORE, {f'{pipelines.ZSCORE}{{phoenix_pipeline="full"}}': 0})
    found.expect(3660, f"{pipelines.ZSCORE} > bool 3", {'{phoenix_pipeline="full"}': 1})
    found.passes()


def process(namespace, host, name, priority):
    labels = f'host_name="{host}",process_executable_name="{name}",phoenix_priority="{priority}"'
    return f"{namespace}_process_cpu_time_seconds_total{{{labels}}}"


def test_preservation_is_the_share_of_protected_processes_that_stay_visible(bench):
    full, opt = "phoenix_full_final_output", "phoenix_opt_final_output"
    owed = [("a", "critical-1", "critical"), ("b", "critical-1", "critical"), ("a", "api", "high"), ("a", "db", "high")]
    series = {process(full, *who): "0+1x10" for who in [*owed, ("a", "cron", "low")]}
    series |= {process(opt, *who): "0+1x10" for who in owed[:3]}
    series |= {scraped("full", "a"): "5x10"}
    found = bench(pipelines.groups(support.environment()), series)
    name = pipelines.PRESERVATION
    found.expect(
        300,
        name,
        {f'{name}{{phoenix_pipeline="optimized"}}': 0.75, f'{name}{{phoenix_pipeline="experimental"}}': 0},
    )
    found.passes()


def test_throughput_and_latency_are_by_pipeline(bench):
    env = support.environment()
    sent = 'otelcol_exporter_sent_metric_points_total{namespace="phoenix-gateway",exporter="prometheus/%s_prometheus"}'
    spent = 'otelcol_processor_internal_duration_seconds_bucket{namespace="phoenix-gateway",processor="%s",le="%s"}'
    series = {sent % "full": "0+600x10", sent % "optimized": "0+60x10"}
    for processor in ("transform/optimized_attributes", "filter/optimized"):
        series |= {spent % (processor, "0.01"): "0+0x10", spent % (processor, "0.02"): "0+100x10"}
        series |= {spent % (processor, "+Inf"): "0+100x10"}
    series |= {spent % ("transform/classes", le): "0+100x10" for le in ("1", "+Inf")}
    found = bench(pipelines.groups(env), series)
    rates = {"full": 10, "optimized": 1}
    found.expect(
        600,
        pipelines.THROUGHPUT,
        {f'{pipelines.THROUGHPUT}{{phoenix_pipeline="{n}"}}': v for n, v in rates.items()},
    )
    # Each of the two takes 10 to 20 ms, the 99th percentile of that is 19.9 ms.
    found.expect(600, f"round({pipelines.LATENCY} + 0, 0.5)", {ONE: 40})
    found.passes()


def test_the_reference_alerts_fire_and_stay_silent(bench):
    env = support.environment(
        gateway={"resources": {"cpuRequest": "1", "memoryRequest": "1Gi", "cpuLimit": "1", "memoryLimit": "1Gi"}}
    )
    rss = 'otelcol_process_memory_rss_bytes{namespace="phoenix-gateway",pod="%s"}'
    series = {rss % "full": f"{950 * 2**20}x20", rss % "fine": f"{900 * 2**20}x20"}
    series |= {scraped("full", "a"): "0x2 1000000x18"}
    groups = [*pipelines.groups(env), *alerts.groups(support.cluster_scope(env))]
    found = bench(groups, series)
    found.firing(240, "PhoenixResourceExhaustion", 0)
    found.firing(300, "PhoenixResourceExhaustion", 1)
    labels = {"namespace": "phoenix-gateway", "pod": "full", "component": "phoenix", "severity": "critical"}
    text = "phoenix-gateway/full uses 950 MiB, over 90% of its memory limit"
    found.told(300, "PhoenixResourceExhaustion", (labels, {"summary": text}))
    found.firing(1200, "PhoenixSignalDegradation", 0)
    found.firing(1200, "PhoenixPipelineSilent", 3)
    found.passes()


ERRORS = 'http_requests_total{code="500"}'
GOOD = 'http_requests_total{code="200"}'
HOURS = 60


BURNING = ("slo-shop-up-ratios", "slo-shop-up-alerts")


def burn(bench, good, bad, **times):
    groups = [group for group in slo.groups(support.slo(), "60s") if group.name in BURNING]
    assert len(groups) == len(BURNING)
    return bench(groups, {GOOD: good, ERRORS: bad}, **times)


def test_a_total_outage_pages_within_two_minutes_and_not_before(bench):
    clean = 7 * HOURS
    found = burn(bench, f"0+6000x{clean} {6000 * clean}x10", f"0x{clean} 0+6000x10")
    found.firing(clean * 60, "SLOBudgetBurn", 0)
    found.firing((clean + 3) * 60, "SLOBudgetBurn", 2)
    found.passes()


@pytest.mark.parametrize(("bad", "page", "ticket"), [(5, 0, 1), (8, 1, 1), (0, 0, 0)])
def test_a_steady_burn_alerts_from_its_factor_on(bench, bad, page, ticket):
    # 0.5 % is 5 times the budget: below the factors 14.4 and 6 of the pages, above 3 and 1 of the tickets.
    long = 9 * HOURS
    found = burn(bench, f"0+{1000 - bad}x{long}", f"0+{bad}x{long}", evaluate=600)
    for which, count in (("page", page), ("ticket", ticket)):
        expr = f'count(ALERTS{{alertname="SLOBudgetBurn",burn="{which}",alertstate="firing"}}) or vector(0)'
        found.expect((long - 10) * 60, expr, {"{}": count})
    found.passes()


def test_people_read_the_same_of_either_engine(bench):
    long = 9 * HOURS
    found = burn(bench, f"0+992x{long}", f"0+8x{long}", evaluate=600)
    texts = {
        "description": "objective 0.999 over 30d; 0.8% of what was measured was bad",
        "summary": "shop burns the error budget of shop-up too fast",
    }
    whose = {"service": "shop", "slo": "shop-up"}
    found.told(
        (long - 10) * 60,
        "SLOBudgetBurn",
        ({**whose, "burn": "page", "severity": "critical"}, texts),
        ({**whose, "burn": "ticket", "severity": "warning"}, texts),
    )
    found.passes()


def test_no_traffic_is_unknown_and_no_error_yet_is_0(bench):
    found = bench(slo.groups(support.slo(), "60s"), {GOOD: "0x10 0+60x10"})
    name = slo.ratio("5m")
    found.expect(300, name, {})
    found.expect(1200, name, {f'{name}{{service="shop",slo="shop-up"}}': 0})
    found.passes()


def test_a_threshold_counts_the_time_out_of_bounds(bench):
    policy = support.threshold_slo(objective=0.9)
    found = bench(slo.groups(policy, "60s"), {"queue_length": "100x60 101x60"})
    labels = '{service="shop",slo="queue"}'
    found.expect(3600, slo.BAD, {f"{slo.BAD}{labels}": 0})
    found.expect(3660, slo.BAD, {f"{slo.BAD}{labels}": 1})
    name = "slo:period_error_budget_remaining:ratio"
    found.expect(3600, name, {f"{name}{labels}": 1})
    found.expect(6600, f"{name} < bool 0", {labels: 1})
    found.passes()


def test_quotas_alert_by_tenant(bench):
    held = tuple(support.summary(n, active_series=10, ingest_rate=None) for n in ("calm", "near", "over"))
    env = replace(support.environment(), tenants=held)
    used = {"calm": 5, "near": 10, "over": 11, "ghost": 1, "platform": 3}
    series = {
        f'phoenix_full_final_output_x{{phoenix_pipeline="full",tenant_id="{t}",i="{i}"}}': "1x30"
        for t, n in used.items()
        for i in range(n)
    }
    series |= {
        f'phoenix_opt_final_output_x{{phoenix_pipeline="optimized",tenant_id="calm",i="{i}"}}': "1x30"
        for i in range(50)
    }
    groups = [g for i, t in tenants.shards(env).items() for g in tenants.shard_groups(env, i, t)]
    found = bench([*groups, *tenants.groups(env)], series)
    for alert, tenant in (
        ("PhoenixTenantQuotaNear", "near"),
        ("PhoenixTenantQuotaExceeded", "over"),
        ("PhoenixTenantUnknown", "ghost"),
    ):
        expr = f'count by (tenant_id) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
        found.expect(1500, expr, {f'{{tenant_id="{tenant}"}}': 1})
    found.expect(1500, f'{tenants.SERIES}{{tenant_id="calm"}}', {f'{tenants.SERIES}{{tenant_id="calm"}}': 5})
    found.passes()
