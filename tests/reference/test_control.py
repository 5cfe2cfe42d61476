"""Item 9: the control law as the rules carry it out."""

from __future__ import annotations

from tests.reference.platform import Output
from tests.reference.promql import calls, limits, names, numbers, ranges

PROFILE = "phoenix:control_profile"
COUNT = 'phoenix:pipeline_active_series{phoenix_pipeline="optimized"}'
STEP = 60
"""Seconds between two decisions; ranges are half a step longer than the time they mean."""


def thresholds(output: Output) -> set[tuple[str, float]]:
    """What the count is compared with when nothing else decides."""
    return {(op, value) for what, op, value in limits(output.record(PROFILE)) if what == "phoenix:control_input"}


def interval(output: Output, record: str) -> str:
    (found,) = (g["interval"] for g in output.groups for rule in g["rules"] if rule.get("record") == record)
    return found


def test_the_law_watches_the_count_of_the_optimized_pipeline(reference):
    assert reference.record("phoenix:control_input") == COUNT


def test_profiles_change_at_their_thresholds_and_stick(reference):
    assert thresholds(reference) == {(">", 16500), ("<", 15000), (">", 25000), ("<", 22500)}


def test_dev_changes_at_10000_and_20000(dev):
    assert thresholds(dev) == {(">", 11000), ("<", 10000), (">", 20000), ("<", 18000)}


def test_there_are_three_profiles_and_only_the_last_runs_experimental(reference):
    active = reference.records("phoenix:control_profile_active")
    assert {r["labels"]["profile"]: (r["labels"]["pipelines"], r["expr"]) for r in active} == {
        "conservative": ("full,optimized", f"{PROFILE} == bool 0"),
        "balanced": ("full,optimized", f"{PROFILE} == bool 1"),
        "aggressive": ("full,optimized,experimental", f"{PROFILE} == bool 2"),
    }


def test_it_decides_every_60_s_and_holds_120_s(reference):
    assert interval(reference, PROFILE) == interval(reference, "phoenix:control_integral") == "60s"
    held = calls(reference.record(PROFILE), "min_over_time")
    assert held == [[f"{PROFILE}[2m30s]"]]
    assert 120 + STEP // 2 in ranges(reference.record(PROFILE))


def test_the_controller_has_its_gains_set_point_and_clamp(reference):
    gains = list(numbers(reference.record("phoenix:control_output")))
    assert gains == [0.5, 20000, 0.1, 0.05, STEP]
    ((_, low, high),) = calls(reference.record("phoenix:control_integral"), "clamp")
    assert (float(low), float(high)) == (-10000, 10000)
    assert 20000 in numbers(reference.record("phoenix:control_integral"))
    assert list(numbers(reference.record("phoenix:control_loop_effectiveness"))).count(20000) == 2


def test_an_explosion_calls_for_the_last_profile_at_once(reference):
    emergency = limits(reference.record("phoenix:control_emergency"))
    assert (COUNT, ">", 1_000_000) in emergency
    assert ('phoenix:cardinality_explosion_risk{phoenix_pipeline="optimized"}', ">", 0.7) in emergency
    # The first branch of the latch, so nothing comes before it.
    first = reference.record(PROFILE).split("\n  or\n")[0]
    assert "(phoenix:control_emergency == 1) * 2" in first


def test_the_risk_weighs_series_growth_and_anomaly(reference):
    expr = reference.record("phoenix:cardinality_explosion_risk")
    assert limits(expr) == {
        ("phoenix:pipeline_active_series", ">", 500_000),
        ("phoenix:pipeline_active_series", ">", 1_000_000),
        ("phoenix:cardinality_growth_rate", ">", 5000),
        ("phoenix:cardinality_growth_rate", ">", 10_000),
        ("phoenix:cardinality_zscore", ">", 3),
    }
    # Half of the weight for half of the limit, all of it for the limit: 0.4, 0.4 and 0.2.
    assert [n for n in numbers(expr) if n < 1] == [0.2, 0.2, 0.2]


def test_an_emergency_locks_the_profile_for_300_s(reference):
    assert calls(reference.record(PROFILE), "max_over_time")[0] == ["phoenix:control_emergency[4m30s]"]
    assert 300 - STEP // 2 in ranges(reference.record(PROFILE))


def test_more_than_3_changes_in_600_s_fall_back_to_balanced(reference):
    expr = reference.record(PROFILE)
    # The changes between the 10 profiles of 600 s: the latest, and the 8 steps before that have recorded theirs.
    assert 3 in {limit for _, op, limit in limits(expr) if op == ">"}
    assert calls(expr, "sum_over_time") == [["phoenix:control_profile_changed[8m30s]"]]
    assert 600 - 2 * STEP + STEP // 2 in ranges(expr)
    assert "> 3) * 0 + 1" in expr


def test_the_cost_is_to_fall_by_0_70(reference):
    expr = reference.record("phoenix:cost_reduction_shortfall")
    assert next(numbers(expr)) == 0.7
    assert names(expr) == {"phoenix:pipeline_cost_per_month"}


def test_the_reference_law_records_and_leaves_the_deed_to_people(reference, prod):
    assert not reference.alerts("PhoenixProfileAdvised")
    assert not reference.alerts("PhoenixControlEmergency")
    assert prod.alerts("PhoenixControlEmergency")
