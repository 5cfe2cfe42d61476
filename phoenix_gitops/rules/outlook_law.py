"""Forecast and band in Python: what the emitted recording rules say of a step, from all inputs up to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev

from phoenix_gitops.model.control import Anomaly, ControlPolicySpec, Forecast
from phoenix_gitops.model.units import milliseconds

DEVIATIONS_OF_MAD = 1.4826
"""Standard deviations in a median absolute deviation, where values are normally distributed."""

SEASONS_MS = (86_400_000, 7 * 86_400_000)
"""A day and a week."""

Inputs = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the inputs of so many steps and this one, where at least `least` of them are there."""

    steps: int
    horizon_s: int

    @property
    def least(self) -> int:
        """A quarter of the range: with less in sight a line is a guess."""
        return max(3, self.steps // 4)


@dataclass(frozen=True, slots=True)
class Season:
    """Means of `width` steps and one more, which end so many steps ago."""

    width: int
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """What an input is compared with: the `steps` before it."""

    steps: int
    robust: bool
    deviations: float
    margin: float

    @property
    def least(self) -> int:
        """So many inputs of the window must be there."""
        return max(3, self.steps // 4)


@dataclass(frozen=True, slots=True)
class Plan:
    """Forecast and band of a control policy, in steps."""

    interval_ms: int
    forecast: Line | Season | None
    line: Line
    """By which the time to the limit is told, whatever the forecast's kind."""
    limit: float
    band: Band | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is said of a step; None where nothing can be said."""

    forecast: float | None = None
    to_limit: float | None = None
    """Seconds; None also where the count does not grow."""
    centre: float | None = None
    deviation: float | None = None
    """Of this input from the centre; recorded for the robust band alone."""
    spread: float | None = None
    lower: float | None = None
    upper: float | None = None
    anomaly: bool | None = None


def plan(spec: ControlPolicySpec) -> Plan:
    """The plan of a policy whose relations hold."""
    interval = milliseconds(spec.interval)
    forecast = spec.forecast or Forecast()
    line = Line(_steps(forecast.range, interval), milliseconds(forecast.horizon) // 1000)
    last = spec.profiles[-1].above
    return Plan(
        interval_ms=interval,
        forecast=None if spec.forecast is None else line if forecast.kind == "linear" else _season(forecast, interval),
        line=line,
        limit=float(last if forecast.limit is None else forecast.limit),
        band=None if spec.anomaly is None else _band(spec.anomaly, interval),
    )


def _steps(length: str, interval_ms: int) -> int:
    return max(1, -(-milliseconds(length) // interval_ms))


def _season(forecast: Forecast, interval: int) -> Season:
    width = _steps(forecast.window, interval)
    past = [(season - milliseconds(forecast.horizon)) // interval - width // 2 for season in SEASONS_MS]
    return Season(width, tuple(past))


def _band(anomaly: Anomaly, interval: int) -> Band:
    steps = _steps(anomaly.window, interval)
    return Band(steps, anomaly.method == "robust", anomaly.deviations, anomaly.margin)


def outlooks(plan: Plan, inputs: Inputs) -> Iterator[Outlook]:
    """What is said of each step of a trace, by the inputs up to it."""
    deviations: list[float | None] = []
    for i, now in enumerate(inputs):
        if now is None:
            deviations.append(None)
            yield Outlook()
            continue
        centre, spread = _middle(plan.band, inputs, deviations, i)
        deviations.append(None if centre is None else abs(now - centre))
        lower, upper = _edges(plan.band, centre, spread)
        yield Outlook(
            forecast=_forecast(plan, inputs, i),
            to_limit=None if plan.forecast is None else _to_limit(plan, inputs, i, now),
            centre=centre,
            deviation=deviations[-1],
            spread=spread,
            lower=lower,
            upper=upper,
            anomaly=None if lower is None or upper is None else not lower <= now <= upper,
        )


def _there(values: Inputs, first: int, last: int) -> list[tuple[int, float]]:
    """The inputs of these steps, both included, that are there, with their steps."""
    found = ((i, values[i]) for i in range(max(0, first), last + 1))
    return [(i, value) for i, value in found if value is not None]


def _forecast(plan: Plan, inputs: Inputs, i: int) -> float | None:
    match plan.forecast:
        case Line() as line:
            laid = _laid(plan, line, inputs, i)
            return None if laid is None else max(0.0, laid[0] + laid[1] * line.horizon_s)
        case Season() as season:
            means = [fmean(v for _, v in held) for o in season.offsets if (held := _span(season, inputs, i - o))]
            return fmean(means) if len(means) == len(season.offsets) else next(iter(means), None)
        case None:
            return None


def _span(season: Season, inputs: Inputs, last: int) -> list[tuple[int, float]]:
    return _there(inputs, last - season.width, last) if last >= 0 else []


def _laid(plan: Plan, line: Line, inputs: Inputs, i: int) -> tuple[float, float] | None:
    """The line's value now and its slope in a second, by least squares."""
    points = _there(inputs, i - line.steps, i)
    if len(points) < line.least:
        return None
    times = [(at - i) * plan.interval_ms / 1000 for at, _ in points]
    mean_time, mean = fmean(times), fmean(value for _, value in points)
    spread = math.fsum((at - mean_time) ** 2 for at in times)
    together = ((at - mean_time) * (value - mean) for at, (_, value) in zip(times, points, strict=True))
    slope = math.fsum(together) / spread
    return mean - slope * mean_time, slope


def _to_limit(plan: Plan, inputs: Inputs, i: int, now: float) -> float | None:
    laid = _laid(plan, plan.line, inputs, i)
    return None if laid is None or laid[1] <= 0 else max(0.0, plan.limit - now) / laid[1]


def _middle(band: Band | None, inputs: Inputs, deviations: Inputs, i: int) -> tuple[float | None, float | None]:
    if band is None:
        return None, None
    past = [value for _, value in _there(inputs, i - band.steps, i - 1)]
    centre = None if len(past) < band.least else median(past) if band.robust else fmean(past)
    if not band.robust:
        return centre, None if centre is None else pstdev(past)
    away = [value for _, value in _there(deviations, i - band.steps, i - 1)]
    return centre, DEVIATIONS_OF_MAD * median(away) if away else None


def _edges(band: Band | None, centre: float | None, spread: float | None) -> tuple[float | None, float | None]:
    if band is None or centre is None:
        return None, None
    half = max(band.deviations * (spread or 0.0), band.margin * centre, 1.0)
    return max(0.0, centre - half), centre + half
