"""Relations between the numbers of a control policy, of an SLO and of what runs, which no schema can hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.document import Path
from phoenix_gitops.model.control import ControlPolicySpec, Forecast
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import duration, milliseconds
from phoenix_gitops.promql.check import Finding, days
from phoenix_gitops.promql.syntax import WINDOW
from phoenix_gitops.rules import slo as rules
from phoenix_gitops.rules.alerts import countable
from phoenix_gitops.rules.control_law import ends
from phoenix_gitops.rules.outlook_law import SEASONS_MS
from phoenix_gitops.rules.terms import number
from phoenix_gitops.scope import EnvironmentScope
from phoenix_gitops.suggest import closest

Located = tuple[Path, Finding]

_SHORTEST_STEP = 60_000
"""A rule that reads its own last value needs that value to be there: vmalert writes it up to 30 s later."""


def control_faults(env: EnvironmentScope, spec: ControlPolicySpec) -> Iterator[Located]:
    """What keeps a control law from working in an environment."""
    if spec.mode == "active":
        yield (
            ("spec", "mode"),
            Finding(
                code="PHX695",
                message="a control policy cannot be `active`: only Git changes what runs, and no rule writes to Git",
                help="use `advisory`: an alert says what to change in the environment's `pipelines`",
            ),
        )
    yield from _thresholds(spec)
    yield from _names(env, spec)
    yield from _times(env, spec)
    yield from outlook_faults(spec)


def _thresholds(spec: ControlPolicySpec) -> Iterator[Located]:
    above = [profile.above for profile in spec.profiles]
    if above[0] != 0:
        yield (
            ("spec", "profiles", 0, "above"),
            _band(f"the first profile must hold from 0 on, not above `{above[0]}`", "write `above: 0`"),
        )
    for i, (lower, upper) in enumerate(pairwise(above), start=1):
        if lower >= upper:
            name = spec.profiles[i].name
            yield (
                ("spec", "profiles", i, "above"),
                _band(
                    f"profile `{name}` is entered above `{upper}`, no higher than the one before it (`{lower}`)",
                    "let the thresholds rise from profile to profile",
                ),
            )
    if len(above) > 2 and sorted(set(above)) == above:
        rising, falling = above[1] * (1 + spec.hysteresis), above[-1] * (1 - spec.hysteresis)
        if rising > above[2] or falling < above[-2]:
            yield (
                ("spec", "hysteresis"),
                _band(
                    f"a hysteresis of `{number(spec.hysteresis)}` reaches over the neighbouring threshold",
                    "lower it, or set the thresholds further apart",
                ),
            )


def _names(env: EnvironmentScope, spec: ControlPolicySpec) -> Iterator[Located]:
    profiles = [profile.name for profile in spec.profiles]
    named: list[tuple[Path, str]] = [(("spec", "oscillation", "fallback"), spec.oscillation.fallback)]
    if spec.override is not None:
        named.append((("spec", "override", "profile"), spec.override.profile))
    for path, wanted in named:
        if wanted in profiles:
            continue
        near = closest(wanted, profiles)
        listed = ", ".join(f"`{name}`" for name in profiles)
        yield (
            path,
            _band(
                f"there is no profile `{wanted}`",
                f"did you mean `{near}`?" if near else f"the profiles are {listed}",
            ),
        )
    for name in sorted({name for name in profiles if profiles.count(name) > 1}):
        yield ("spec", "profiles"), _band(f"two profiles are called `{name}`", "rename one of them")
    if not countable(env, spec.input):
        yield (
            ("spec", "input"),
            _band(
                f"environment `{env.name}` cannot count the series of pipeline `{spec.input}`",
                "run the pipeline there, with a `prometheus` export that is on",
            ),
        )


def _band(message: str, advice: str) -> Finding:
    return Finding(code="PHX666", message=message, help=advice)


def _times(env: EnvironmentScope, spec: ControlPolicySpec) -> Iterator[Located]:
    interval = milliseconds(spec.interval)
    telemetry = env.environment.spec.telemetry
    if interval < _SHORTEST_STEP:
        yield (
            ("spec", "interval"),
            _time(
                f"an interval of `{spec.interval}` is too short for a rule that reads its own last value",
                f"use at least `{duration(_SHORTEST_STEP)}`",
            ),
        )
    for what in (telemetry.evaluation_interval, telemetry.scrape_interval):
        if interval < 2 * milliseconds(what):
            yield (
                ("spec", "interval"),
                _time(
                    f"an interval of `{spec.interval}` sees fewer than two new values, which come every `{what}`",
                    f"use at least `{duration(2 * milliseconds(what))}`",
                ),
            )
            break
    for field, length in (("stability", spec.stability), ("window", spec.oscillation.window)):
        path: Path = ("spec", field) if field == "stability" else ("spec", "oscillation", field)
        if milliseconds(length) < interval:
            yield (
                path,
                _time(f"`{length}` is shorter than the interval of `{spec.interval}`", "use at least the interval"),
            )


def outlook_faults(spec: ControlPolicySpec) -> Iterator[Located]:
    """What keeps override, forecast and band of a control policy from working."""
    if spec.override is not None:
        try:
            ends(spec.override.until)
        except ValueError:
            yield (
                ("spec", "override", "until"),
                _time(f"`{spec.override.until}` is no day of the calendar", "give the last day as YYYY-MM-DD"),
            )
    interval = milliseconds(spec.interval)
    if spec.forecast is not None:
        yield from _forecast(spec.forecast, interval)
    if spec.anomaly is not None and milliseconds(spec.anomaly.window) < FEWEST * interval:
        yield (
            ("spec", "anomaly", "window"),
            _outlook(
                f"a window of `{spec.anomaly.window}` has fewer than {FEWEST} counts, one each `{spec.interval}`",
                f"use at least `{duration(FEWEST * interval)}`",
            ),
        )


FEWEST = 10
"""Counts without which neither a deviation nor a median means much."""


def _forecast(forecast: Forecast, interval: int) -> Iterator[Located]:
    horizon, window = milliseconds(forecast.horizon), milliseconds(forecast.window)
    if milliseconds(forecast.range) < 4 * horizon:
        yield (
            ("spec", "forecast", "range"),
            _outlook(
                f"a line through `{forecast.range}` says little of `{forecast.horizon}` ahead",
                f"use at least four horizons, `{duration(4 * horizon)}`, or a shorter `horizon`",
            ),
        )
    if milliseconds(forecast.range) < FEWEST * interval:
        yield (
            ("spec", "forecast", "range"),
            _outlook(
                f"a range of `{forecast.range}` has fewer than {FEWEST} counts, one each `{duration(interval)}`",
                f"use at least `{duration(FEWEST * interval)}`",
            ),
        )
    if forecast.kind == "seasonal" and horizon + window > SEASONS_MS[0] - interval:
        yield (
            ("spec", "forecast", "horizon"),
            _outlook(
                f"`{forecast.horizon}` ahead and a window of `{forecast.window}` reach beyond a day",
                "let both together be less than a day",
            ),
        )


def _outlook(message: str, advice: str) -> Finding:
    return Finding(code="PHX694", message=message, help=advice)


def _time(message: str, advice: str) -> Finding:
    return Finding(code="PHX667", message=message, help=advice)


def slo_faults(policy: SLO, retention_ms: int | None) -> Iterator[Located]:
    """Objectives whose alerts cannot fire or fire too early, and periods that are not kept."""
    spec = policy.spec
    yield from _windows(policy)
    for severity in ("page", "ticket"):
        yield from _severity(policy, severity)
    if retention_ms is not None and milliseconds(spec.window) > retention_ms:
        yield (
            ("spec", "window"),
            Finding(
                code="PHX663",
                message=f"a window of `{spec.window}` is longer than series are kept: `{days(retention_ms)}`",
                help="shorten the window, or choose a tenant class with a longer `retention`",
            ),
        )


def _severity(policy: SLO, severity: str) -> Iterator[Located]:
    spec, budget = policy.spec, rules.budget(policy)
    wanted = [tier for tier in rules.tiers(policy) if tier.severity == severity]
    factors = [rules.factor(tier, spec.window) for tier in wanted]
    dead = [f for f in factors if float(f) * float(budget) >= 1]
    if dead:
        least = number(round(100 * (1 - 1 / float(max(dead))), 3))
        yield (
            ("spec", "objective"),
            Finding(
                code="PHX661",
                message=f"the {severity} alert at {number(max(dead))} times the budget of "
                f"`{number(budget)}` can never fire: not even if all is bad",
                help=f"use an objective above {least} %, or set `alerting.{severity}: false`",
            ),
        )
    early = [f for f in factors if f < 1]
    if early:
        yield (
            ("spec", "window"),
            Finding(
                code="PHX662",
                message=f"with a window of `{spec.window}` the {severity} alert fires at "
                f"{number(round(float(min(early)), 4))} times the budget, while the objective is still met",
                help=f"use a longer window, or set `alerting.{severity}: false`",
                severity=Severity.WARNING,
            ),
        )


def _windows(policy: SLO) -> Iterator[Located]:
    ratio, threshold = policy.spec.indicator.ratio, policy.spec.indicator.threshold
    if ratio is not None:
        for field, text in (("errors", ratio.errors), ("total", ratio.total)):
            if WINDOW not in text:
                yield (
                    ("spec", "indicator", "ratio", field),
                    Finding(
                        code="PHX664",
                        message=f"`{field}` has no `{WINDOW}`, so all windows of the SLO would be one",
                        help=f"write the range as `[{WINDOW}]`, as in `sum(rate(requests_total[{WINDOW}]))`",
                    ),
                )
    if threshold is not None and WINDOW in threshold.query:
        yield (
            ("spec", "indicator", "threshold", "query"),
            Finding(
                code="PHX664",
                message=f"`query` has `{WINDOW}`, but a threshold is compared at each moment",
                help="write a fixed range, as in `[5m]`",
            ),
        )
