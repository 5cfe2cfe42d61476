"""What the reference platform records and alerts on, with its numbers."""

import pytest

from phoenix_gitops.promql import syntax
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.platform import platform_files
from tests.unit.rules import support

RECORDS = {
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


def rules(env=None):
    return [r for f in platform_files(support.cluster_scope(env)) for g in f.groups for r in g.rules]


def test_the_thirteen_names_are_recorded():
    assert {r.record for r in rules() if not isinstance(r, Alert)} >= RECORDS


@pytest.mark.parametrize(
    ("name", "severity", "hold", "limit"),
    [
        ("PhoenixSignalDegradation", "warning", "5m", "< 0.95"),
        ("PhoenixCardinalityExplosion", "critical", "2m", "> 1000"),
        ("PhoenixResourceExhaustion", "critical", "5m", "> 0.9 * 1024"),
        ("PhoenixControlLoopInstability", "warning", "10m", "< 0.8"),
        ("PhoenixSLOViolation", "warning", "10m", "> 50"),
    ],
)
def test_the_five_alerts(name, severity, hold, limit):
    (alert,) = [r for r in rules() if isinstance(r, Alert) and r.alert == name]
    assert (alert.severity, alert.hold) == (severity, hold)
    assert limit in alert.expr
    assert alert.labels["component"] == "phoenix"


def test_a_name_is_recorded_once_or_under_labels_that_tell_apart():
    found = [(r.record, tuple(sorted(r.labels.items()))) for r in rules() if not isinstance(r, Alert)]
    assert len(found) == len(set(found))


def test_no_group_reads_what_it_records_but_the_latches():
    latches = {"phoenix:control_profile", "phoenix:control_integral", "phoenix:control_profile_changed"}
    for file in platform_files(support.cluster_scope()):
        known: set[str] = set()
        for group in file.groups:
            own = {r.record for r in group.records}
            for rule in group.rules:
                read = {s.name for s in syntax.selectors(syntax.parse(rule.expr))}
                assert not (read & own) - latches - known, (group.name, read & own)
            known |= own


def test_without_a_control_policy_the_platform_still_watches_itself():
    from dataclasses import replace

    alerts = {r.alert for r in rules(replace(support.environment(), control=None)) if isinstance(r, Alert)}
    assert {"PhoenixSignalDegradation", "PhoenixCardinalityExplosion", "PhoenixResourceExhaustion"} <= alerts
    assert not {"PhoenixSLOViolation", "PhoenixControlLoopInstability"} & alerts


def test_without_pipelines_nothing_is_divided_or_counted():
    names = {getattr(r, "record", "") for r in rules(support.environment(names=()))}
    assert not names & {
        "phoenix:pipeline_active_series",
        "phoenix:tenant_active_series",
        "phoenix:cost_reduction_ratio",
    }


def test_budgets_of_series_and_money_alert():
    env = support.environment(budget={"monthlyCost": "900"})
    cost = [r for r in rules(env) if isinstance(r, Alert) and r.alert == "PhoenixCostBudget"]
    assert [(r.severity, r.expr) for r in cost] == [
        ("warning", "phoenix:environment_cost_per_month > 0.8 * 900 / 1"),
        ("critical", "phoenix:environment_cost_per_month > 1 * 900 / 1"),
    ]


def test_prices_and_currency_come_from_the_platform():
    prices = {"currency": "EUR", "perMillionPoints": "0.20", "perGigabyteStored": "0.07", "perCoreMonth": "33"}
    env = support.environment(platform_spec={"prices": {**prices, "perGibibyteMonth": "4"}})
    found = {getattr(r, "record", ""): r for r in rules(env)}
    cost = found["phoenix:pipeline_cost_per_month"]
    assert "2592000 / 1e6 * 0.2 + 2592000 * 1 / 1e9 * 0.07" in cost.expr
    assert cost.labels == {"currency": "EUR"}
    assert found["phoenix:collector_cost_per_month"].expr == (
        "sum(phoenix:collector_cpu_cores) * 33 + sum(phoenix:collector_memory_usage_mb) / 1024 * 4"
    )
