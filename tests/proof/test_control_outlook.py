"""Velocity form, override, forecast and band: Python and both engines agree at every step of every trace."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from phoenix_gitops.rules import control, control_law, outlook
from phoenix_gitops.rules.group import Group, Record
from phoenix_gitops.rules.outlook_law import outlooks, plan
from phoenix_gitops.ruletests.outlook import OF
from tests.proof.rule_tests import PROMTOOL, VMALERT_TOOL, Bench, values
from tests.proof.test_rule_semantics import COUNTED, ONE, RISK, TRACES
from tests.unit.rules import support

pytestmark = pytest.mark.proof

LEVELS = ("plateaus", "jump", "short gap", "long gap", "emergency", "fast wave", "only gap at first")
MORE = {
    "flat": [20_000] * 40,
    "flat, then one more": [20_000] * 30 + [20_001] * 3 + [22_001] * 3 + [20_000] * 6,
    "nothing": [0] * 20 + [5] * 5,
    "sine": [round(20_000 + 9_000 * math.sin(i / 6)) for i in range(60)],
    "spike": [16_000 + 50 * (i % 7) for i in range(30)] + [60_000] + [16_000 + 50 * (i % 7) for i in range(20)],
    "ramp with a gap": [1000 * i for i in range(20)] + [None] * 4 + [1000 * i for i in range(24, 44)],
    "ramp with a long gap": [1000 * i for i in range(20)] + [None] * 30 + [30_000 - 100 * i for i in range(20)],
}
LAWS = {
    "velocity": {"pid": {"form": "velocity", "ki": 0.002, "kd": 0.05}},
    "a line that drives, robust": {
        "pid": {"form": "velocity", "kp": 0.3, "ki": 0.001, "kd": 0},
        "forecast": {"horizon": "5m", "range": "20m", "drives": True, "limit": 30_000},
        "anomaly": {"method": "robust", "window": "15m", "deviations": 4, "margin": 0.05},
    },
    "a line beside, z-score": {
        "forecast": {"horizon": "3m", "range": "12m"},
        "anomaly": {"method": "zscore", "window": "10m", "deviations": 2.5, "margin": 0.01},
    },
}
TOLD = {
    outlook.FORECAST: 1e-4,
    outlook.TO_LIMIT: 1e-4,
    outlook.CENTRE: 1e-6,
    outlook.DEVIATION: 1e-6,
    outlook.SPREAD: 1e-3,
    outlook.LOWER: 5e-3,
    outlook.UPPER: 5e-3,
}
"""Records, and how far the engines' sums of floats may be apart."""
NOT_WITHOUT_SLOPE = (outlook.TO_LIMIT,)
"""A line of equal values rises by a rounding error or by none: nothing is asked where the slope is nothing."""


def test_there_are_at_least_ten_traces_and_none_is_another():
    told = [*(TRACES[called] for called in LEVELS), *MORE.values()]
    assert len({tuple(trace) for trace in told}) == len(told) >= 10


def _needed(policy):
    """The groups of the law; of what only describes it nothing but the controller's output."""
    for group in control.groups(support.environment(law=policy)):
        kept = [r for r in group.rules if group.name != "phoenix-control-state" or r.record == control.OUTPUT]
        yield replace(group, rules=tuple(kept))


@pytest.mark.parametrize("name", LAWS)
def test_the_rules_do_what_the_simulation_does_at_every_step(tmp_path, judge, name):
    policy = support.control(**LAWS[name])
    rules, planned = control_law.law(policy.spec), plan(policy.spec)
    groups = list(_needed(policy))
    recorded = {rule.record for group in groups for rule in group.rules}
    bench = Bench(tmp_path, judge, groups)
    for called, trace in {**{called: TRACES[called] for called in LEVELS}, **MORE}.items():
        bench.case({COUNTED: values(trace), RISK: values([None if v is None else 0 for v in trace])}, called)
        state = control_law.State()
        for i, found in enumerate(outlooks(planned, trace)):
            at = i * 60
            state = control_law.step(rules, state, trace[i], at=at, forecast=found.forecast)
            profile, integral, output = state.profiles[-1], state.integrals[-1], control_law.output(rules, state)
            _same(bench, at, control.PROFILE, profile)
            _close(bench, at, control.INTEGRAL, integral, 1e-9)
            if output is not None:
                _close(bench, at, control.OUTPUT, output, 1e-3)
            for record in sorted(OF.keys() & recorded):
                if record == outlook.ANOMALY:
                    _same(bench, at, record, OF[record](found))
                elif record not in NOT_WITHOUT_SLOPE or _sloped(planned, trace, i):
                    _close(bench, at, record, OF[record](found), TOLD[record])
    bench.passes()


def _sloped(planned, trace, i):
    return len({v for v in trace[max(0, i - planned.line.steps) : i + 1] if v is not None}) > 1


def _same(bench, at, record, value):
    bench.expect(at, f"last_over_time({record}[1s]) + 0", {} if value is None else {ONE: value})


def _close(bench, at, record, value, apart):
    if value is None:
        bench.expect(at, f"last_over_time({record}[1s]) + 0", {})
    else:
        bench.expect(
            at, f"abs(last_over_time({record}[1s]) - {value!r}) < bool {apart * max(1.0, abs(value))!r}", {ONE: 1}
        )


def test_the_comparison_can_fail(tmp_path, judge):
    policy = support.control(**LAWS["velocity"])
    bench = Bench(tmp_path, judge, list(_needed(policy)))
    bench.case({COUNTED: "17000x3 26000x3", RISK: "0x7"})
    _close(bench, 180, control.INTEGRAL, 0.5, 1e-3)
    bench.fails(control.INTEGRAL)


def test_the_velocity_form_winds_up_by_its_steps_and_no_further(tmp_path, judge):
    """Gains and steps of the reference: 0.315, then 0.09 more each 30 s, up to 1; and back at once."""
    policy = support.control(pid={"form": "velocity", "kp": 0.5, "ki": 0.01, "kd": 0}, interval="30s")
    trace = [17_000] * 3 + [26_000] * 12 + [17_000] * 2
    rules = control_law.law(policy.spec)
    ours = [round(state.integrals[-1], 9) for state in control_law.run(rules, trace)]
    rising = [0.315, 0.405, 0.495, 0.585, 0.675, 0.765, 0.855, 0.945, 1, 1, 1, 1]
    assert ours == [0, 0, 0, *rising, 0.73, 0.685]
    bench = Bench(tmp_path, judge, list(_needed(policy)), step=30, engines=(PROMTOOL, VMALERT_TOOL))
    bench.case({COUNTED: values(trace), RISK: f"0x{len(trace) - 1}"})
    for i, value in enumerate(ours):
        _close(bench, i * 30, control.INTEGRAL, value, 1e-9)
        _close(bench, i * 30, control.OUTPUT, value, 1e-9) if i else None
    bench.passes()


def test_an_override_holds_against_all_else_and_ends_by_the_clock(tmp_path, judge):
    policy = support.control(override={"profile": "balanced", "reason": "load test", "until": "2026-12-01"})
    rules = replace(control_law.law(policy.spec), override_until=600)
    trace = [10_000] * 3 + [30_000] * 3 + [2_000_000] + [30_000] * 12
    latch = Group(
        name="phoenix-control",
        interval="60s",
        rules=(
            Record(record=control.PROFILE, expr=control.profile_expression(rules)),
            Record(record=control.CHANGED, expr=control.changed_expression(rules)),
        ),
    )
    first = next(iter(control.groups(support.environment(law=policy))))
    state, seen = control_law.State(), []
    for i, series in enumerate(trace):
        state = control_law.step(rules, state, series, at=i * 60)
        seen.append(state.profiles[-1])
    # Set by hand for 600 s, through an emergency; then there is nothing that locks.
    assert seen == [1] * 10 + [1] + [2] * 8
    # vmalert-tool begins today, promtool in 1970: the end is seen by one, an end that is past by the other.
    over = [state.profiles[-1] for state in control_law.run(replace(rules, override=None), trace)]
    for engine, expected in ((PROMTOOL, seen), (VMALERT_TOOL, over)):
        bench = Bench(tmp_path, judge, [first, latch], engines=(engine,))
        bench.case({COUNTED: values(trace), RISK: f"0x{len(trace) - 1}"})
        for i, profile in enumerate(expected):
            _same(bench, i * 60, control.PROFILE, profile)
        bench.passes()


def test_an_override_of_a_day_ends_with_it():
    assert control_law.ends("2026-12-01") == 1_796_169_600
    assert control_law.ends("2026-12-01T14:30Z") == 1_796_135_400
