"""The common test of an alert: at its limit nothing, past it a firing alert once `for` is over, then an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.ruletests.case import MINUTE, RuleTest, Told, Value, rule_key, selects
from phoenix_gitops.ruletests.texts import UnreadableTemplateError, texts_of
from phoenix_gitops.ruletests.traces import Labels, Trace, plateaus, span

_LONG = 7200
"""Alerts that wait longer than this are evaluated in coarser steps."""

Level = float | tuple[float | None, float | None] | Trace
"""A level that holds throughout, a trace as it is, or two levels: at which an alert is silent, at which it fires."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One result of an alert's expression: its labels and its value."""

    alert: Alert
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Phases:
    """When what happens, in steps of `every` seconds."""

    every: int
    hold: int
    keep: int
    lag: int = 0
    """How long a range goes on seeing what is over."""

    @property
    def begin(self) -> int:
        """The first step past the limit: before it the alert had time enough to fire, had it been true."""
        return self.hold + 2

    @property
    def fires(self) -> int:
        """The first step at which the alert fires."""
        return self.begin + self.hold

    @property
    def end(self) -> int:
        """The first step back at the limit."""
        return self.fires + 2

    @property
    def resolved(self) -> int:
        """The first step at which it is over."""
        return self.end + self.lag + self.keep

    def at(self, step: int) -> int:
        """The time of a step in seconds."""
        return step * self.every

    def trace(self, level: Level) -> Trace:
        """A series at this level."""
        if isinstance(level, Trace):
            return level
        calm, hot = level if isinstance(level, tuple) else (level, level)
        if calm == hot:
            return plateaus([(calm, self.resolved + 1)])
        return plateaus([(calm, self.begin), (hot, self.end - self.begin), (calm, self.lag + self.keep + 1)])


def phases(alert: Alert, *, coarse: int = 0, lag: int = 0) -> Phases:
    """The phases of an alert. `coarse` is the time between evaluations of one that has no `for`, `lag` in seconds."""
    hold, keep = milliseconds(alert.hold) // 1000, milliseconds(alert.keep) // 1000
    every = coarse or gcd(MINUTE if hold + keep <= _LONG else 10 * MINUTE, hold, keep)
    return Phases(every, -(-hold // every), -(-keep // every), -(-lag // every))


def alarm(
    alert: Alert,
    series: Mapping[str, Level],
    labels: Labels,
    value: float,
    *,
    says: str,
    beside: Sequence[Instance] = (),
    found: Phases | None = None,
    differs: str = "",
) -> RuleTest:
    """The test of an alert that has one result while `series` are past its limit.

    `says` is the condition in words, `beside` are other alerts of the same name that fire then.
    """
    found = found or phases(alert)
    quiet = selects(alert)
    instances, unread = _told((Instance(alert, labels, value), *beside))
    # promtool and vmalert-tool compare all instances of a name with all of their texts; ALERTS says less, of one rule.
    told = () if unread else (Told(at=found.at(found.fires), alert=alert.alert, instances=instances),)
    still = [found.fires, *([found.resolved - 1] if found.keep else [])]
    over = [found.begin - 1, *([found.fires - 1] if found.hold else []), found.resolved]
    values = [Value(at=found.at(i), expr=quiet, samples={}) for i in over]
    values += [Value(at=found.at(i), expr=f"count({quiet})", samples={"{}": 1}) for i in still]
    after = f" after {span(found.at(found.hold))}" if found.hold else ""
    return RuleTest(
        name=f"{rule_key(alert)} fires{after}: {says}",
        covers=frozenset({rule_key(alert)}),
        series={name: found.trace(level) for name, level in series.items()},
        values=tuple(sorted(values, key=lambda value: value.at)),
        told=told,
        step=found.every,
        every=found.every,
        differs=differs,
    )


def firing(instance: Instance) -> tuple[Labels, Labels]:
    """An instance as it is sent: its labels and its texts. Raises `UnreadableTemplateError`."""
    alert, labels = instance.alert, instance.labels
    sent = {**labels, **alert.labels, "severity": alert.severity}
    return sent, texts_of(alert, labels, instance.value)


def _told(instances: Sequence[Instance]) -> tuple[tuple[tuple[Labels, Labels], ...], bool]:
    try:
        return tuple(firing(instance) for instance in instances), False
    except UnreadableTemplateError:
        return (), True
