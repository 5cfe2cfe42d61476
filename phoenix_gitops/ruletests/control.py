"""Tests of the control law: a trace that takes every branch, and what the simulation in Python says of each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from phoenix_gitops.rules import control as meant
from phoenix_gitops.rules import outlook as forecasting
from phoenix_gitops.rules.alerts import STABILITY
from phoenix_gitops.rules.control_law import MEMORY_STEPS, Law, State, law, output, step
from phoenix_gitops.rules.group import Alert, Record
from phoenix_gitops.rules.outlook_law import Outlook, Plan, outlooks, plan
from phoenix_gitops.rules.pipelines import RISK, SERIES
from phoenix_gitops.ruletests import outlook
from phoenix_gitops.ruletests.alarm import alarm
from phoenix_gitops.ruletests.case import RuleTest, Value, rounded, rule_key, selects
from phoenix_gitops.ruletests.context import AlertTests, Context, above, below
from phoenix_gitops.ruletests.traces import flat, labelled, steps

_HOUR = 3600
_OFTEN = 7
"""Values are looked at around each change, and every so many steps."""


@dataclass(frozen=True)
class Course:
    """A trace of inputs and risks, and what the law makes of it."""

    law: Law
    plan: Plan
    inputs: tuple[float | None, ...]
    risks: tuple[float | None, ...]
    start: int = 0
    """When it begins, in seconds since 1970."""

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The state after each step."""
        found, state, every = [], State(), self.law.interval_ms // 1000
        for i, (series, risk) in enumerate(zip(self.inputs, self.risks, strict=True)):
            forecast = self.outlooks[i].forecast
            state = step(self.law, state, series, risk or 0.0, at=self.start + i * every, forecast=forecast)
            found.append(state)
        return tuple(found)

    @cached_property
    def outlooks(self) -> tuple[Outlook, ...]:
        """Forecast and band of each step."""
        return tuple(outlooks(self.plan, self.inputs))

    @cached_property
    def profiles(self) -> tuple[int | None, ...]:
        """The profile of each step."""
        return tuple(state.profiles[-1] for state in self.states)

    @cached_property
    def changes(self) -> tuple[float | None, ...]:
        """Whether the step before changed the profile; None where no profile is remembered."""

        def latest(end: int) -> int | None:
            held = [p for p in self.profiles[max(0, end - MEMORY_STEPS) : max(0, end)] if p is not None]
            return held[-1] if held else None

        return tuple(
            None if latest(i) is None else float(latest(i - 1) not in (None, latest(i)))
            for i in range(len(self.profiles))
        )

    def summed(self, i: int, count: int) -> float | None:
        """The changes of so many steps up to this one."""
        seen = [change for change in self.changes[max(0, i - count + 1) : i + 1] if change is not None]
        return sum(seen) if seen else None

    def looked_at(self) -> list[int]:
        """The steps around changes of profile or of presence, and some between."""
        last = len(self.inputs) - 1
        found = set(range(0, last + 1, _OFTEN)) | {last}
        for i in range(1, last + 1):
            if self.profiles[i] != self.profiles[i - 1]:
                found |= {i - 1, i}
        return sorted(found)


def course(rules: Law, plan: Plan) -> Course:
    """A trace along every threshold, exactly at it and just past it, with emergencies, gaps and an oscillation."""
    low, high = rules.leave[0] / 2, rules.enter[-1] * 1.5
    hold = rules.hold_steps + 1
    # The first error is within the limit of the integral, so that its beginning shows.
    near = rules.set_point - min(rules.integral_limit, rules.set_point) / 4
    levels: list[tuple[float | None, int]] = [(near, 1), (low, 3)]
    for limit in rules.enter:
        levels += [(limit, 2), (above(limit), hold)]
    for limit in reversed(rules.leave):
        levels += [(limit, hold), (below(limit), hold)]
    levels += [(high, hold + 1), (None, MEMORY_STEPS), (high, 2), (None, MEMORY_STEPS + 2), (high, hold)]
    levels += [(low, hold + 1), (rules.emergency_series, 2), (above(rules.emergency_series), 2)]
    levels += [(low, rules.lockout_steps + hold + 1)]
    levels += [(high if i % 2 else low, hold) for i in range(2 * rules.oscillation_max + 4)]
    levels += [(low, rules.oscillation_steps + hold)]
    inputs = [level for level, count in levels for _ in range(count)]
    risks: list[float | None] = [None if level is None else 0.0 for level in inputs]
    # At last risk alone makes an emergency, then there is none of it for want of a score.
    inputs += [low] * 6
    risks += [rules.emergency_risk, above(rules.emergency_risk), *[0.0] * 2, *[None] * 2]
    return Course(rules, plan, tuple(inputs), tuple(risks))


_Of = Callable[[Course, int], float | None]


def law_test(context: Context) -> Iterator[RuleTest]:
    """One test for all records of the law: they come of the same inputs, and each step is evaluated once."""
    assert context.env.control is not None
    spec = context.env.control.spec
    found = course(law(spec), plan(spec))
    interval = found.law.interval_ms // 1000
    which = {"phoenix_pipeline": spec.input}
    known = {ACTIVE, *RECORDED}
    records = [rule for rule in context.rules if isinstance(rule, Record) and rule.record in known]
    profiles = [profile.name for profile in spec.profiles]
    values: list[Value] = []
    for rule in records:
        yield from outlook.season_test(context, rule) if rule.record == forecasting.FORECAST else ()
        of = _active(profiles.index(rule.labels["profile"])) if rule.record == ACTIVE else RECORDED[rule.record]
        values += _values(rule, {**which, **rule.labels}, found, of, interval)
    yield RuleTest(
        name="control law: along a course that takes every branch the rules do what the simulation does",
        covers=frozenset(rule_key(rule) for rule in records),
        series={
            labelled(SERIES, which): steps(found.inputs),
            labelled(RISK, which): steps(found.risks),
            labelled(SERIES, {"phoenix_pipeline": "elsewhere"}): flat(1e12, len(found.inputs)),
        },
        values=tuple(values),
        step=interval,
        every=interval,
        differs="a profile set by hand ends by the clock, and vmalert-tool begins today" if spec.override else "",
    )


def _values(rule: Record, labels: dict[str, str], found: Course, of: _Of, interval: int) -> Iterator[Value]:
    # Of this step alone: an older sample would hide that there is none.
    expr = f"round(last_over_time({selects(rule)}[1s]), 0.000001)"
    for i in found.looked_at():
        value = of(found, i)
        samples = {} if value is None else {labelled("", labels): rounded(value)}
        yield Value(at=i * interval, expr=expr, samples=samples)


def _emergency(found: Course, i: int) -> float | None:
    return None if found.inputs[i] is None else float(bool(found.states[i].emergencies[-1]))


def _stability(found: Course, i: int) -> float | None:
    changed = found.summed(i, max(1, found.law.oscillation_steps - 1))
    return None if changed is None else max(0.0, 1 - changed / found.law.oscillation_steps)


def _oscillating(found: Course, i: int) -> float | None:
    changed = found.summed(i, max(1, found.law.oscillation_steps - 1))
    return None if changed is None else float(changed > found.law.oscillation_max)


def _hourly(found: Course, i: int) -> float | None:
    return found.summed(i, max(1, _HOUR * 1000 // found.law.interval_ms))


def _effectiveness(found: Course, i: int) -> float | None:
    series, aim = found.inputs[i], found.law.set_point
    return None if series is None else max(0.0, 1 - abs(series - aim) / aim)


def _active(mine: int) -> _Of:
    def active(found: Course, i: int) -> float | None:
        profile = found.profiles[i]
        return None if profile is None else float(profile == mine)

    return active


def _foreseen(name: str) -> _Of:
    return lambda found, i: outlook.OF[name](found.outlooks[i])


def _drive(found: Course, i: int) -> float | None:
    series, forecast = found.inputs[i], found.outlooks[i].forecast
    return series if series is None or forecast is None else max(series, forecast)


def _profile(found: Course, i: int) -> float | None:
    return found.profiles[i]


def _advised(context: Context, alert: Alert) -> Iterator[RuleTest]:
    assert context.env.control is not None
    spec = context.env.control.spec
    index = float([profile.name for profile in spec.profiles].index(alert.labels["profile"]))
    which = {"phoenix_pipeline": spec.input}
    # Between two profiles there is none: no alert of the same name fires.
    series = {labelled(meant.PROFILE, which): (index + 0.5, index)}
    yield alarm(alert, series, which, index, says=f"profile {index:g} is advised")


def _becomes_one(name: str) -> Callable[[Context, Alert], Iterator[RuleTest]]:
    def test(context: Context, alert: Alert) -> Iterator[RuleTest]:
        assert context.env.control is not None
        which = {"phoenix_pipeline": context.env.control.spec.input}
        yield alarm(alert, {labelled(name, which): (0.0, 1.0)}, which, 1, says=f"{name} is 1")

    return test


def _overridden(context: Context, alert: Alert) -> Iterator[RuleTest]:
    assert context.env.control is not None
    spec = context.env.control.spec
    assert spec.override is not None
    index = float([profile.name for profile in spec.profiles].index(spec.override.profile))
    which = {"phoenix_pipeline": spec.input}
    series = {labelled(meant.PROFILE, which): (index + 0.5, index)}
    yield alarm(alert, series, which, index, says=f"profile {index:g} is set by hand, and its time is not over")


def _stale(context: Context, alert: Alert) -> Iterator[RuleTest]:
    assert context.env.control is not None
    which = {"phoenix_pipeline": context.env.control.spec.input}
    yield alarm(alert, {labelled(meant.PROFILE, which): (0.0, None)}, {}, 1, says="no profile is recorded any more")


ACTIVE = "phoenix:control_profile_active"
RECORDED: dict[str, _Of] = {
    "phoenix:control_input": lambda found, i: found.inputs[i],
    meant.EMERGENCY: _emergency,
    meant.PROFILE: _profile,
    meant.INTEGRAL: lambda found, i: found.states[i].integrals[-1],
    meant.CHANGED: lambda found, i: found.changes[i],
    meant.OUTPUT: lambda found, i: output(found.law, found.states[i]),
    STABILITY: _stability,
    "phoenix:control_mode_transitions_per_hour": _hourly,
    "phoenix:control_loop_effectiveness": _effectiveness,
    "phoenix:control_oscillating": _oscillating,
    forecasting.DRIVE: _drive,
    **{name: _foreseen(name) for name in outlook.OF},
}
"""What each record is at a step of a course, by the simulation."""

ALERTS: AlertTests = {
    **outlook.ALERTS,
    "PhoenixControlOverridden": _overridden,
    "PhoenixProfileAdvised": _advised,
    "PhoenixControlEmergency": _becomes_one(meant.EMERGENCY),
    "PhoenixControlOscillation": _becomes_one("phoenix:control_oscillating"),
    "PhoenixControlStale": _stale,
}
