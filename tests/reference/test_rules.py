"""Items 2, 11, 12, 13, 17 and 20: what is recorded, what alerts, what is promised and what it costs."""

from __future__ import annotations

import pytest

from tests.reference.promql import calls, limits, names, numbers

RECORDED = {
    "phoenix:signal_preservation_score",
    "phoenix:cardinality_efficiency_ratio",
    "phoenix:pipeline_latency_ms_p99",
    "phoenix:pipeline_throughput_metrics_per_sec",
    "phoenix:resource_efficiency_score",
    "phoenix:collector_memory_usage_mb",
    "phoenix:control_stability_score",
    "phoenix:control_loop_effectiveness",
    "phoenix:control_mode_transitions_per_hour",
    "phoenix:cardinality_zscore",
    "phoenix:cardinality_growth_rate",
    "phoenix:cardinality_explosion_risk",
    "phoenix:cost_reduction_ratio",
}

SERIES = "phoenix:pipeline_active_series"


def alone(labels: str) -> str:
    return f'{{phoenix_pipeline="{labels}"}}'


ALERTS = {
    "PhoenixSignalDegradation": ("warning", "5m", {("phoenix:signal_preservation_score", "<", 0.95)}),
    "PhoenixCardinalityExplosion": (
        "critical",
        "2m",
        {("phoenix:cardinality_growth_rate", ">", 1000), ("phoenix:cardinality_zscore", ">", 3)},
    ),
    "PhoenixResourceExhaustion": (
        "critical",
        "5m",
        {
            ('phoenix:collector_memory_usage_mb{namespace="phoenix-gateway"}', ">", 921.6),
            ('phoenix:collector_memory_usage_mb{namespace="phoenix-agents"}', ">", 460.8),
        },
    ),
    "PhoenixControlLoopInstability": ("warning", "10m", {("phoenix:control_stability_score", "<", 0.8)}),
    "PhoenixSLOViolation": (
        "warning",
        "10m",
        {
            (f"phoenix:signal_preservation_score{alone('optimized')}", "<", 0.98),
            (f"phoenix:cardinality_efficiency_ratio{alone('optimized')}", "<", 0.15),
            (f"phoenix:pipeline_latency_ms_p99{alone('optimized')}", ">", 50),
        },
    ),
}


def test_the_thirteen_names_are_recorded(reference):
    found = {rule["record"] for group in reference.groups for rule in group["rules"] if "record" in rule}
    assert found >= RECORDED
    assert len(RECORDED) == 13


def test_what_is_recorded_by_name_is_one_series_a_pipeline(reference):
    """A name has one rule, or rules whose labels tell their results apart."""
    for name in RECORDED:
        rules = reference.records(name)
        assert len({tuple(sorted(rule.get("labels", {}).items())) for rule in rules}) == len(rules), name


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_have_their_severity_hold_and_thresholds(reference, name):
    severity, hold, expected = ALERTS[name]
    alert = reference.alert(name)
    assert alert["labels"]["severity"] == severity
    assert "component" in alert["labels"]
    assert alert["for"] == hold
    assert limits(alert["expr"]) == expected


def test_the_series_of_a_pipeline_are_counted_where_it_is_scraped(reference):
    """What the observer served on 9888, from the scrape itself."""
    expr = reference.record(SERIES)
    assert names(expr) == {"scrape_samples_post_metric_relabeling"}
    assert expr.startswith("sum by (phoenix_pipeline) (")
    endpoints = reference.one("PodMonitor", "gateway")["spec"]["podMetricsEndpoints"]
    scraped = {
        relabeling["replacement"]: endpoint["port"]
        for endpoint in endpoints
        for relabeling in endpoint.get("relabelings", [])
        if relabeling.get("targetLabel") == "phoenix_pipeline"
    }
    assert scraped == {
        "full": "export-8888",
        "optimized": "export-8889",
        "experimental": "export-8890",
        "observatory": "export-8891",
    }


def test_targets_are_scraped_every_15_s_and_rules_evaluated_every_30_s(reference):
    endpoints = [e for monitor in reference.of_kind("PodMonitor") for e in monitor["spec"]["podMetricsEndpoints"]]
    assert endpoints
    assert {endpoint["interval"] for endpoint in endpoints} == {"15s"}
    by_name = {group["name"]: group["interval"] for group in reference.groups}
    own = {name: every for name, every in by_name.items() if name.startswith("phoenix-") and "control" not in name}
    assert set(own.values()) == {"30s"}
    assert len(own) >= 10


def test_the_platform_owes_what_it_owed(reference):
    bad = {rule["labels"]["slo"]: rule["expr"] for rule in reference.records("slo:sli_bad:bool")}
    objectives = {rule["labels"]["slo"]: rule["expr"] for rule in reference.records("slo:objective:ratio")}
    assert next(numbers(objectives["platform-availability"])) == 0.999
    assert next(numbers(objectives["platform-latency"])) == 0.999
    assert {(op, value) for _, op, value in limits(bad["platform-latency"])} == {(">=", 100)}
    assert {(op, value) for _, op, value in limits(bad["platform-preservation"])} == {("<", 0.98)}
    assert {(op, value) for _, op, value in limits(bad["platform-stability"])} == {("<", 0.8)}


def test_a_budget_burns_by_the_four_standard_factors(reference):
    assert _burn(reference, "page") == {("1h", 0.0144), ("5m", 0.0144), ("6h", 0.006), ("30m", 0.006)}
    assert _burn(reference, "ticket") == {("1d", 0.003), ("2h", 0.003), ("3d", 0.001), ("6h", 0.001)}


def _burn(reference, burn: str) -> set[tuple[str, float]]:
    (alert,) = (a for a in reference.alerts("SLOBudgetBurn", burn=burn) if 'slo="platform-availability"' in a["expr"])
    found = limits(alert["expr"])
    return {(what.split("{")[0].removeprefix("slo:sli_error:ratio_rate"), value) for what, _, value in found}


def test_each_pipeline_saves_what_its_contract_says(reference):
    found = {
        (alert["labels"]["pipeline"], alert["labels"]["bound"]): value
        for alert in reference.alerts("PhoenixContractBroken")
        for _, _, value in limits(alert["expr"])
    }
    assert found == {
        ("optimized", "min"): 0.15,
        ("optimized", "max"): 0.6,
        ("experimental", "min"): 0.4,
        ("experimental", "max"): 0.9,
    }


def test_a_workload_is_ready_or_restarted_within_5_minutes(reference):
    for kind, name in (("DaemonSet", "agent"), ("Deployment", "gateway")):
        probe = reference.container(kind, name)["startupProbe"]
        assert 0 < probe["failureThreshold"] * probe["periodSeconds"] < 300


def test_a_count_is_anomalous_beyond_3_deviations(reference):
    assert ("phoenix:cardinality_zscore", ">", 3) in limits(reference.record("phoenix:cardinality_explosion_risk"))
    (alert,) = reference.alerts("PhoenixCardinalityExplosion")
    assert ("phoenix:cardinality_zscore", ">", 3) in limits(alert["expr"])


def test_prices_are_those_of_the_platform(reference):
    per_pipeline = reference.record("phoenix:pipeline_cost_per_month")
    # 30 days of one point a scrape: $0.10 a million points, and a byte each at $0.05 a GB.
    assert list(numbers(per_pipeline)) == [15, 2_592_000, 1e6, 0.1, 2_592_000, 1, 1e9, 0.05]
    collectors = reference.record("phoenix:collector_cost_per_month")
    assert list(numbers(collectors)) == [50, 1024, 10]
    assert {r["labels"]["currency"] for r in reference.records("phoenix:pipeline_cost_per_month")} == {"USD"}


def test_latency_is_a_quantile_of_durations(reference):
    ((quantile, _),) = calls(reference.record("phoenix:pipeline_latency_ms_p99"), "histogram_quantile")
    assert quantile == "0.99"
    assert names(reference.record("phoenix:pipeline_latency_ms_p99")) == {
        "otelcol_processor_internal_duration_seconds_bucket"
    }
