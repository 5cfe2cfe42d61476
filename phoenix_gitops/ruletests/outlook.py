"""Tests of forecast and band: what the simulation says of each step, and seasons that lie days back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from phoenix_gitops.model.units import seconds
from phoenix_gitops.rules import outlook as meant
from phoenix_gitops.rules.group import Alert, Record
from phoenix_gitops.rules.outlook_law import Outlook, Season, plan
from phoenix_gitops.ruletests.alarm import alarm
from phoenix_gitops.ruletests.case import RuleTest, Value, rounded, rule_key, selects
from phoenix_gitops.ruletests.context import AlertTests, Context, below
from phoenix_gitops.ruletests.traces import Run, Trace, labelled

_OFTEN = 21_600
"""Seconds between two evaluations of days: each looks at a mean of its own."""


def _flag(outlook: Outlook) -> float | None:
    return None if outlook.anomaly is None else float(outlook.anomaly)


OF: Mapping[str, Callable[[Outlook], float | None]] = {
    meant.FORECAST: lambda found: found.forecast,
    meant.TO_LIMIT: lambda found: found.to_limit,
    meant.CENTRE: lambda found: found.centre,
    meant.DEVIATION: lambda found: found.deviation,
    meant.SPREAD: lambda found: found.spread,
    meant.LOWER: lambda found: found.lower,
    meant.UPPER: lambda found: found.upper,
    meant.ANOMALY: _flag,
}
"""What each record is at a step, by the simulation."""


def season_test(context: Context, rule: Record) -> Iterator[RuleTest]:
    """A forecast by seasons: another level each hour of each day, so that an hour and a day show in every mean."""
    assert context.env.control is not None
    spec = context.env.control.spec
    found = plan(spec)
    if not isinstance(found.forecast, Season):
        return
    interval = found.interval_ms // 1000
    hours = [1000.0 * (hour % 24) + 7.0 * hour for hour in range(9 * 24)]
    each = 3600 // interval
    inputs = [level for level in hours for _ in range(each)]
    which = {"phoenix_pipeline": spec.input}
    values = []
    for at in (_OFTEN, 4 * _OFTEN, 29 * _OFTEN, 33 * _OFTEN):
        means = [_mean(found.forecast, inputs, at // interval - past) for past in found.forecast.offsets]
        there = [mean for mean in means if mean is not None]
        result = {labelled("", which): rounded(sum(there) / len(there))} if there else {}
        expr = f"round(last_over_time({selects(rule)}[1s]), 0.000001)"
        values.append(Value(at=at, expr=expr, samples=result))
    yield RuleTest(
        name=f"{rule_key(rule)}: the mean around the same time a day and a week before, or of the one that is known",
        covers=frozenset({rule_key(rule)}),
        series={labelled(meant.INPUT, which): Trace(tuple(Run(each, level) for level in hours))},
        values=tuple(values),
        step=interval,
        every=_OFTEN,
    )


def _mean(season: Season, inputs: list[float], last: int) -> float | None:
    held = inputs[max(0, last - season.width) : last + 1] if last >= 0 else []
    return sum(held) / len(held) if held else None


def _near(context: Context, alert: Alert) -> Iterator[RuleTest]:
    assert context.env.control is not None
    spec = context.env.control.spec
    assert spec.forecast is not None
    horizon = seconds(spec.forecast.horizon)
    which = {"phoenix_pipeline": spec.input}
    levels = {labelled(meant.TO_LIMIT, which): (horizon, below(horizon))}
    yield alarm(alert, levels, which, below(horizon), says=f"the limit is less than {horizon:g} s away")


def _unusual(context: Context, alert: Alert) -> Iterator[RuleTest]:
    assert context.env.control is not None
    which = {"phoenix_pipeline": context.env.control.spec.input}
    yield alarm(alert, {labelled(meant.ANOMALY, which): (0.0, 1.0)}, which, 1, says="the count is outside its band")


ALERTS: AlertTests = {"PhoenixControlLimitNear": _near, "PhoenixControlAnomaly": _unusual}
