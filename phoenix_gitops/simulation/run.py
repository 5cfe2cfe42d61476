"""A control policy along a trace: what is recorded at each step, which alerts fire when, and what it saves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from phoenix_gitops.model.control import ControlPolicySpec
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.platform import Prices
from phoenix_gitops.model.units import milliseconds, seconds
from phoenix_gitops.rules import control, outlook
from phoenix_gitops.rules.alerts import STABILITY, loop_instability
from phoenix_gitops.rules.control_law import law
from phoenix_gitops.rules.cost import BYTES_PER_SAMPLE
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.outlook_law import plan
from phoenix_gitops.rules.terms import MONTH_SECONDS
from phoenix_gitops.ruletests.control import RECORDED, Course
from phoenix_gitops.scope import EnvironmentScope

Line = tuple[float | None, ...]
"""A value for each step, None where nothing is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a policy is put to the trace."""

    name: str
    spec: ControlPolicySpec
    pipelines: Mapping[str, Pipeline]
    """Every pipeline that its profiles name."""
    prices: Prices
    environment: EnvironmentScope | None
    """None where no environment uses it: then nothing runs that an advice could be about."""

    @property
    def scrape_seconds(self) -> float:
        """How often each series has a point."""
        scope = self.environment
        return 15.0 if scope is None else seconds(scope.environment.spec.telemetry.scrape_interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that fires, from one step to another (to `end`, when it is over; None where it goes on)."""

    alert: str
    severity: str
    labels: Mapping[str, str]
    start: int
    end: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What the advised profiles save against the first one, if they are carried out, by what contracts promise."""

    series: float
    """On average."""
    per_month: Decimal
    """If it went on like that, in the platform's currency."""
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A policy along a trace."""

    setting: Setting
    start: int
    """Seconds since 1970, or 0."""
    lines: Mapping[str, Line]
    """What is recorded of it, by name."""
    firings: tuple[Firing, ...]
    saved: Saved

    @property
    def every(self) -> int:
        """Seconds between two steps."""
        return milliseconds(self.setting.spec.interval) // 1000

    @property
    def count(self) -> int:
        """Steps."""
        return len(self.lines[outlook.INPUT])

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles' names, from the most faithful one on."""
        return tuple(profile.name for profile in self.setting.spec.profiles)

    @property
    def switches(self) -> tuple[tuple[int, int, int], ...]:
        """Each change of profile: the step, the profile before, the profile from then on."""
        there = [(i, int(p)) for i, p in enumerate(self.lines[control.PROFILE]) if p is not None]
        return tuple((i, was, now) for (_, was), (i, now) in pairwise(there) if was != now)

    @property
    def durations(self) -> Mapping[str, int]:
        """Seconds in each profile."""
        held = [p for p in self.lines[control.PROFILE] if p is not None]
        return {name: held.count(i) * self.every for i, name in enumerate(self.profiles)}


def simulate(setting: Setting, inputs: Sequence[float | None], start: int = 0) -> Run:
    """The policy along these inputs, one a step, without any risk but that of their number."""
    spec = setting.spec
    course = Course(
        law(spec), plan(spec), tuple(inputs), tuple(None if x is None else 0.0 for x in inputs), start=start
    )
    lines = {name: tuple(of(course, i) for i in range(len(inputs))) for name, of in RECORDED.items()}
    return Run(
        setting=setting,
        start=start,
        lines=lines,
        firings=tuple(_firings(setting, lines, start)),
        saved=_saved(setting, lines),
    )


def alerts(setting: Setting) -> tuple[Alert, ...]:
    """The alerts that the policy comes with in its environment."""
    spec, scope = setting.spec, setting.environment
    found = [loop_instability(spec.guard)]
    if spec.mode == "advisory":
        advised = control.advice(spec, law(spec), {p.metadata.name for p in scope.pipelines} if scope else set())
        found += [alert for alert in advised if scope or alert.alert != control.ADVISED]
    return tuple(found)


def _firings(setting: Setting, lines: Mapping[str, Line], start: int) -> Iterable[Firing]:
    every = milliseconds(setting.spec.interval) // 1000
    found = []
    for alert in alerts(setting):
        met = _CONDITIONS[alert.alert](setting, alert, lines, start)
        hold = -(-milliseconds(alert.hold) // 1000 // every)
        for first, last in _runs(met):
            if last - first >= hold:
                end = last + 1 if last + 1 < len(met) else None
                found.append(
                    Firing(
                        alert=alert.alert,
                        severity=alert.severity,
                        labels={k: v for k, v in alert.labels.items() if k != "component"},
                        start=first + hold,
                        end=end,
                    )
                )
    return sorted(found, key=lambda firing: (firing.start, firing.alert, sorted(firing.labels.items())))


def _runs(met: Sequence[bool]) -> Iterable[tuple[int, int]]:
    """The first and the last step of each run of steps at which a condition is met."""
    first = None
    for i, now in enumerate((*met, False)):
        if now and first is None:
            first = i
        if not now and first is not None:
            yield first, i - 1
            first = None


_Condition = Callable[[Setting, Alert, Mapping[str, Line], int], list[bool]]


def _is_one(name: str) -> _Condition:
    return lambda setting, alert, lines, start: [value == 1 for value in lines[name]]


def _advised(setting: Setting, alert: Alert, lines: Mapping[str, Line], start: int) -> list[bool]:
    index = [profile.name for profile in setting.spec.profiles].index(alert.labels["profile"])
    return [value == index for value in lines[control.PROFILE]]


def _overridden(setting: Setting, alert: Alert, lines: Mapping[str, Line], start: int) -> list[bool]:
    rules, every = law(setting.spec), milliseconds(setting.spec.interval) // 1000
    return [
        value == rules.override and start + i * every < rules.override_until
        for i, value in enumerate(lines[control.PROFILE])
    ]


def _near(setting: Setting, alert: Alert, lines: Mapping[str, Line], start: int) -> list[bool]:
    assert setting.spec.forecast is not None
    horizon = seconds(setting.spec.forecast.horizon)
    return [value is not None and value < horizon for value in lines[outlook.TO_LIMIT]]


def _unstable(setting: Setting, alert: Alert, lines: Mapping[str, Line], start: int) -> list[bool]:
    least = setting.spec.guard.control_instability.value
    return [value is not None and value < least for value in lines[STABILITY]]


def _stale(setting: Setting, alert: Alert, lines: Mapping[str, Line], start: int) -> list[bool]:
    return [value is None for value in lines[control.PROFILE]]


_CONDITIONS: Mapping[str, _Condition] = {
    control.ADVISED: _advised,
    "PhoenixControlEmergency": _is_one(control.EMERGENCY),
    "PhoenixControlOscillation": _is_one("phoenix:control_oscillating"),
    "PhoenixControlAnomaly": _is_one(outlook.ANOMALY),
    "PhoenixControlOverridden": _overridden,
    "PhoenixControlLimitNear": _near,
    "PhoenixControlLoopInstability": _unstable,
    "PhoenixControlStale": _stale,
}


def _saved(setting: Setting, lines: Mapping[str, Line]) -> Saved:
    """Each profile's series are those of its thriftiest pipeline, found from the input's by the contracts' least."""
    spec, prices = setting.spec, setting.prices
    kept = [
        min(1 - setting.pipelines[name].spec.contract.reduction_min for name in profile.pipelines)
        for profile in spec.profiles
    ]
    own = 1 - setting.pipelines[spec.input].spec.contract.reduction_min
    pairs = zip(lines[outlook.INPUT], lines[control.PROFILE], strict=True)
    less = [x / own * (kept[0] - kept[int(p)]) for x, p in pairs if x is not None and p is not None and own > 0]
    series = sum(less) / len(less) if less else 0.0
    points = Decimal(str(round(series, 6))) / Decimal(str(setting.scrape_seconds)) * MONTH_SECONDS
    ingest = points / 10**6 * Decimal(prices.per_million_points)
    stored = points * BYTES_PER_SAMPLE / 10**9 * Decimal(prices.per_gigabyte_stored)
    return Saved(series=series, per_month=(ingest + stored).quantize(Decimal("0.01")), currency=prices.currency)
