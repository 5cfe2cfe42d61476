"""The control law in Python: what the emitted recording rules do, step by step.

One step is one evaluation of the rules. `step` and `control.profile_expression` must agree on every trace; a test
holds them to it in promtool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from phoenix_gitops.model.control import ControlPolicySpec
from phoenix_gitops.model.units import milliseconds

T = TypeVar("T")

MEMORY_STEPS = 5
"""A latch that saw no input for longer than this forgets its profile and starts again at the first."""

_DAY_SECONDS = 86_400

SLOPE_STEPS = 4
"""The derivative is the slope of the last five inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A control policy in steps. Profile `i` is entered above `enter[i - 1]` and left below `leave[i - 1]`."""

    interval_ms: int
    enter: tuple[float, ...]
    leave: tuple[float, ...]
    fallback: int
    """The profile of an oscillation."""
    hold_steps: int
    lockout_steps: int
    oscillation_steps: int
    oscillation_max: int
    emergency_series: float
    emergency_risk: float
    set_point: float
    kp: float
    ki: float
    kd: float
    integral_limit: float
    velocity: bool = False
    """Whether `integrals` are the controller's last output, from 0 to 1, and not a sum of errors."""
    override: int | None = None
    """The profile that is set by hand."""
    override_until: int = 0
    """When that ends, in seconds since 1970."""
    drives: bool = False
    """Whether thresholds are held against a forecast, too."""

    @property
    def last(self) -> int:
        """The thriftiest profile."""
        return len(self.enter)


def law(spec: ControlPolicySpec) -> Law:
    """The law of a policy whose relations hold (thresholds ascend, the fallback exists)."""
    interval = milliseconds(spec.interval)
    names = [profile.name for profile in spec.profiles]
    thresholds = [float(profile.above) for profile in spec.profiles[1:]]
    enter, leave = list(thresholds), list(thresholds)
    enter[0] = _rounded(enter[0] * (1 + spec.hysteresis))
    leave[-1] = _rounded(leave[-1] * (1 - spec.hysteresis))
    return Law(
        interval_ms=interval,
        enter=tuple(enter),
        leave=tuple(leave),
        fallback=names.index(spec.oscillation.fallback),
        hold_steps=_steps(spec.stability, interval),
        lockout_steps=_steps(spec.lockout, interval),
        oscillation_steps=_steps(spec.oscillation.window, interval),
        oscillation_max=spec.oscillation.max,
        emergency_series=float(spec.explosion.limit),
        emergency_risk=spec.explosion.risk,
        set_point=float(spec.set_point),
        kp=spec.pid.kp,
        ki=spec.pid.ki,
        kd=spec.pid.kd,
        integral_limit=spec.pid.integral_limit,
        velocity=spec.pid.form == "velocity",
        override=None if spec.override is None else names.index(spec.override.profile),
        override_until=0 if spec.override is None else ends(spec.override.until),
        drives=spec.forecast is not None and spec.forecast.drives,
    )


def ends(until: str) -> int:
    """When a day (`2026-12-01`, its last moment) or a minute (`2026-12-01T14:30Z`) is over, in seconds since 1970.

    Raises ValueError for a day that is not in the calendar.
    """
    if "T" in until:
        return int(datetime.fromisoformat(until).timestamp())
    return int(datetime.fromisoformat(f"{until}T00:00Z").timestamp()) + _DAY_SECONDS


def _rounded(threshold: float) -> float:
    """A series count with three decimals: 15000 x 1.1 is 16500, whatever binary floats make of it."""
    return round(threshold, 3)


def _steps(length: str, interval_ms: int) -> int:
    """A length in steps, rounded up; a length of nothing is one step, in which nothing can have changed."""
    return max(1, -(-milliseconds(length) // interval_ms))


@dataclass(frozen=True, slots=True)
class State:
    """What the rules can look back on, the latest last; None where a step had no input."""

    profiles: tuple[int | None, ...] = ()
    emergencies: tuple[bool | None, ...] = ()
    inputs: tuple[float | None, ...] = ()
    integrals: tuple[float | None, ...] = field(default=())


def step(
    law: Law,
    state: State,
    series: float | None,
    risk: float = 0.0,
    *,
    at: int = 0,
    forecast: float | None = None,
) -> State:
    """The state after one evaluation at `at`, in seconds since 1970.

    Without input nothing is recorded, and time passes.
    """
    if series is None:
        return _remember(law, state)
    emergency = series > law.emergency_series or risk > law.emergency_risk
    moved = replace(state, emergencies=(*state.emergencies, emergency))
    drive = max(series, forecast) if law.drives and forecast is not None else series
    profile = _profile(law, moved, drive, at)
    integral = _integral(law, state, series)
    return _remember(law, state, profile=profile, emergency=emergency, series=series, integral=integral)


def _integral(law: Law, state: State, series: float) -> float:
    """The sum of errors within its limits; in the velocity form the output itself, which is its own limit."""
    error, before = series - law.set_point, _latest(state.integrals, MEMORY_STEPS) or 0.0
    if not law.velocity:
        return max(-law.integral_limit, min(law.integral_limit, before + error))
    last = _latest(state.inputs, MEMORY_STEPS)
    moved = law.kp * (series - (series if last is None else last)) + law.ki * law.interval_ms / 1000 * error
    return max(0.0, min(1.0, before + moved / law.set_point))


def _profile(law: Law, state: State, drive: float, at: int) -> int:
    """The first that holds: override, emergency, lockout, oscillation, hold, thresholds; without memory the first."""
    previous = _latest(state.profiles, MEMORY_STEPS)
    if law.override is not None and at < law.override_until:
        return law.override
    if state.emergencies[-1]:
        return law.last
    if previous is None:
        return 0
    if any(state.emergencies[-law.lockout_steps :]):
        return previous
    if _changes(state.profiles, law.oscillation_steps) > law.oscillation_max:
        return law.fallback
    if len({profile for profile in state.profiles[-law.hold_steps :] if profile is not None}) > 1:
        return previous
    return proposed(law, previous, drive)


def proposed(law: Law, previous: int, series: float) -> int:
    """The profile by thresholds alone: up through each that is passed, down through each that is no longer."""
    up = sum(series > law.enter[i] for i in range(previous, law.last))
    down = sum(series < law.leave[i] for i in range(previous))
    return previous + up - down


def _latest(values: tuple[T | None, ...], steps: int) -> T | None:
    return next((value for value in reversed(values[-steps:]) if value is not None), None)


def _changes(profiles: tuple[int | None, ...], steps: int) -> int:
    """How often the profile changed between so many steps; one that was forgotten in between did not change."""
    count = 0
    for i in range(max(1, len(profiles) - steps + 1), len(profiles)):
        before = _latest(profiles[:i], MEMORY_STEPS)
        count += None not in (profiles[i], before) and profiles[i] != before
    return count


def _remember(
    law: Law,
    state: State,
    *,
    profile: int | None = None,
    emergency: bool | None = None,
    series: float | None = None,
    integral: float | None = None,
) -> State:
    depth = max(law.hold_steps, law.lockout_steps, law.oscillation_steps + MEMORY_STEPS, SLOPE_STEPS + 1)
    return State(
        profiles=(*state.profiles, profile)[-depth:],
        emergencies=(*state.emergencies, emergency)[-depth:],
        inputs=(*state.inputs, series)[-depth:],
        integrals=(*state.integrals, integral)[-depth:],
    )


def output(law: Law, state: State) -> float | None:
    """The controller's output after a step: above 0 asks for thrift. None until two inputs give a slope."""
    window = state.inputs[-(SLOPE_STEPS + 1) :]
    points = [(i, value) for i, value in enumerate(window) if value is not None]
    if len(points) < 2 or state.inputs[-1] is None:
        return None
    mean_x = sum(i for i, _ in points) / len(points)
    mean_y = sum(value for _, value in points) / len(points)
    spread = sum((i - mean_x) ** 2 for i, _ in points)
    slope = sum((i - mean_x) * (value - mean_y) for i, value in points) / spread
    integral = state.integrals[-1] or 0.0
    if law.velocity:
        return max(0.0, min(1.0, integral + law.kd * slope / law.set_point))
    return law.kp * (state.inputs[-1] - law.set_point) + law.ki * integral + law.kd * slope


def run(law: Law, trace: Iterable[float | None]) -> Iterator[State]:
    """The states along a trace of inputs."""
    state = State()
    for series in trace:
        state = step(law, state, series)
        yield state
