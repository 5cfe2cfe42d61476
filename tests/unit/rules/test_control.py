import copy

import pytest

from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.rules import control, control_law
from phoenix_gitops.rules.outlook_law import plan
from phoenix_gitops.rules.platform import platform_files
from tests.unit.rules import support


def law(**spec):
    return control_law.law(support.control(**spec).spec)


def test_the_reference_numbers():
    found = law()
    assert (found.enter, found.leave) == ((16500, 25000), (15000, 22500))
    assert (found.hold_steps, found.lockout_steps, found.oscillation_steps, found.oscillation_max) == (2, 5, 10, 3)
    assert (found.fallback, found.last, found.set_point) == (1, 2, 20000)
    assert (found.kp, found.ki, found.kd, found.integral_limit) == (0.5, 0.1, 0.05, 10000)
    assert (found.emergency_series, found.emergency_risk) == (1_000_000, 0.7)


@pytest.mark.parametrize(
    ("previous", "series", "profile"),
    [
        *[(0, x, 0) for x in (0, 15_000, 16_500)],
        *[(0, x, 1) for x in (16_501, 25_000)],
        (0, 25_001, 2),
        *[(1, x, 1) for x in (15_000, 20_000, 25_000)],
        (1, 14_999, 0),
        (1, 25_001, 2),
        *[(2, x, 2) for x in (22_500, 30_000)],
        *[(2, x, 1) for x in (22_499, 15_000)],
        (2, 14_999, 0),
    ],
)
def test_thresholds_with_hysteresis(previous, series, profile):
    assert control_law.proposed(law(), previous, series) == profile


def test_the_integral_is_bounded_both_ways_and_the_output_has_all_three_parts():
    rules = law()
    states = list(control_law.run(rules, [30_000, 30_000, 30_000, 0, 0, 0]))
    assert [s.integrals[-1] for s in states] == [10_000, 10_000, 10_000, -10_000, -10_000, -10_000]
    assert control_law.output(rules, states[0]) is None
    # 0.5 x 10000 + 0.1 x 10000, and no slope.
    assert control_law.output(rules, states[1]) == 6000
    steady = list(control_law.run(rules, [20_000, 20_100, 20_200]))[-1]
    assert control_law.output(rules, steady) == pytest.approx(0.5 * 200 + 0.1 * 300 + 0.05 * 100)


def test_nothing_is_advised_without_input():
    assert control_law.step(law(), control_law.State(), None).profiles == (None,)
    assert control_law.output(law(), control_law.State()) is None


def test_windows_are_whole_steps_and_a_half():
    assert control.window(law(), 2) == "2m30s"
    assert control.window(law(interval="2m"), 2) == "5m"
    assert control.window(law(), 0) == "30s"


def test_a_change_between_profiles_that_are_too_far_apart_is_none():
    rules = law(stability="60s", oscillation={"max": 1, "fallback": "balanced"})
    for gap, last in ((4, 1), (5, 0)):
        states = list(control_law.run(rules, [10e3, 26e3, *[None] * gap, 10e3, 10e3]))
        assert [s.profiles[-1] for s in states] == [0, 2, *[None] * gap, 0, last], gap


@pytest.mark.parametrize(("window", "summed"), [("1m", []), ("2m", []), ("3m", ["1m30s"]), ("10m", ["8m30s"])])
def test_the_changes_of_a_window_are_the_latest_and_those_recorded_before(window, summed):
    expr = control.profile_expression(law(oscillation={"window": window}))
    found = [part.split("]")[0] for part in expr.split("sum_over_time(phoenix:control_profile_changed[")[1:]]
    assert found == summed


def test_no_control_rules_without_an_input_that_can_be_counted():
    assert list(control.groups(support.environment(names=("full",)))) == []


def test_shadow_has_no_advice():
    names = [g.name for g in control.groups(support.environment())]
    assert names == ["phoenix-control-input", "phoenix-control", "phoenix-control-state"]


def test_forecast_and_band_are_none_unless_asked_for():
    env = support.environment(law=support.control(forecast={"kind": "seasonal"}, anomaly={"method": "zscore"}))
    names = [g.name for g in control.groups(env)]
    assert names[1:4] == ["phoenix-control-outlook", "phoenix-control-band", "phoenix-control-anomaly"]
    seasons = next(r.expr for g in control.groups(env) for r in g.rules if r.record == "phoenix:control_forecast")
    # An hour's mean that ends half an hour after the same time: 24 h - 1 h - 30 min, and six days more.
    assert seasons.count("offset 22h30m") == seasons.count("offset 6d22h30m") == 2


def test_what_the_last_profile_is_entered_at_is_the_limit_unless_another_is_given():
    assert plan(support.control(forecast={}).spec).limit == 25_000
    assert plan(support.control(forecast={"limit": 50_000}).spec).limit == 50_000


def test_no_experimental_function_is_used():
    env = support.environment(law=support.control(mode="advisory", **MORE))
    text = " ".join(rule.expr for group in control.groups(env) for rule in group.rules)
    assert not {name for name in ("mad_over_time", "double_exponential_smoothing", "holt_winters") if name in text}


def test_advice_says_what_to_switch():
    env = support.environment(law=support.control(mode="advisory"))
    advice = next(g for g in control.groups(env) if g.name == "phoenix-control-advice")
    advised = {r.labels["profile"]: r.description for r in advice.rules if r.alert == "PhoenixProfileAdvised"}
    switch = "switch off experimental in the environment's `pipelines`"
    assert advised == {"conservative": switch, "balanced": switch}


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path


def changed(value):
    if isinstance(value, bool):
        return not value
    if value in ("shadow", "advisory"):
        return "shadow" if value == "advisory" else "advisory"
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2
    words = {"optimized": "experimental", "balanced": "conservative", "linear": "seasonal", "robust": "zscore"}
    return words.get(value) or (
        "2026-12-02" if value.startswith("20") else "7m" if value[0].isdigit() else f"{value}-x"
    )


MORE = {
    "override": {"profile": "balanced", "reason": "load test", "until": "2026-12-01"},
    "forecast": {"kind": "linear", "horizon": "1h", "range": "4h", "limit": 50_000, "drives": True},
    "anomaly": {"method": "robust", "window": "1h", "deviations": 3.0, "margin": 0.1, "for": "5m"},
}
PRESET = support.preset("control/standard")
PRESET = {**PRESET, "spec": {**PRESET["spec"], **MORE}}
FIELDS = [p for p in leaves(PRESET["spec"]) if p != ("profiles", 0, "above")]


def emitted(data):
    env = support.environment(law=support.decoded(ControlPolicy, data))
    return [file.groups for file in platform_files(support.cluster_scope(env))]


@pytest.mark.parametrize("path", FIELDS, ids=lambda p: ".".join(map(str, p)))
def test_every_field_of_the_policy_changes_the_rules(path):
    data = copy.deepcopy(PRESET)
    data["spec"]["mode"] = "advisory"
    before = emitted(data)
    parent = data["spec"]
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = changed(parent[path[-1]])
    if path[:1] == ("profiles",) and path[-1] == "name" and path[1] == 1:
        data["spec"]["oscillation"]["fallback"] = data["spec"]["override"]["profile"] = parent["name"]
    assert emitted(data) != before
