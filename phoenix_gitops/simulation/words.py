"""Words and figures that every plot of a simulation uses: levels, times, alerts, totals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from phoenix_gitops.model.units import duration
from phoenix_gitops.rules.control_law import law
from phoenix_gitops.rules.terms import number
from phoenix_gitops.simulation.run import Firing, Run

_WITH_A_CLOCK = 1_000_000_000
"""Seconds since 1970 from which on a time is meant as one, and not as counted from a beginning."""


def figure(value: float) -> str:
    """A count, short: `950`, `16.5k`, `2M`."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{round(value / size, 1):g}{unit}"
    return f"{round(value, 2):g}"


def elapsed(run: Run, step: int) -> str:
    """The time of a step since the beginning."""
    return span(step * run.every)


def span(length: int) -> str:
    """A length of seconds."""
    return duration(length * 1000) if length else "0s"


def moment(run: Run, step: int) -> str:
    """The time of a step: since the beginning, and by the clock where the trace has one."""
    if run.start < _WITH_A_CLOCK:
        return elapsed(run, step)
    clock = datetime.fromtimestamp(run.start + step * run.every, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{elapsed(run, step)} ({clock})"


def thresholds(run: Run) -> Iterator[tuple[str, float]]:
    """What the count is held against, each with what happens there."""
    rules = law(run.setting.spec)
    for i, (enter, leave) in enumerate(zip(rules.enter, rules.leave, strict=True), start=1):
        below = run.profiles[i - 1]
        if enter == leave:
            yield f"{run.profiles[i]} above, {below} below {number(enter)}", enter
        else:
            yield f"{run.profiles[i]} above {number(enter)}", enter
            yield f"{below} below {number(leave)}", leave


def alert(firing: Firing) -> str:
    """An alert with its labels."""
    labels = ", ".join(f"{name}={firing.labels[name]}" for name in sorted(firing.labels))
    return f"{firing.alert}{{{labels}}}" if labels else firing.alert


def title(run: Run) -> str:
    """What is simulated, and where."""
    setting = run.setting
    where = f"environment {setting.environment.name}" if setting.environment else "no environment"
    return f"{setting.name} ({setting.spec.mode}, {where})"


def totals(run: Run) -> Iterator[str]:
    """What it comes to, a sentence each."""
    count = len(run.switches)
    changes = ", ".join(
        f"{run.profiles[was]} > {run.profiles[now]} at {moment(run, i)}" for i, was, now in run.switches[:6]
    )
    more = ", ..." if count > 6 else ""
    yield f"{count} switch{'' if count == 1 else 'es'}{': ' if changes else ''}{changes}{more}"
    yield ", ".join(f"{name} {span(length)}" for name, length in run.durations.items())
    saved = run.saved
    yield (
        f"saves {figure(saved.series)} series on average against {run.profiles[0]}, "
        f"{saved.per_month} {saved.currency} a month (by the least that contracts promise)"
    )
    if run.setting.spec.mode == "shadow":
        yield "shadow: it advises nobody; `mode: advisory` does"
    elif run.setting.environment is None:
        yield "no environment uses it: which pipelines to switch is not known, and no alert says so"
    for firing in run.firings:
        until = "the end" if firing.end is None else moment(run, firing.end)
        yield f"{alert(firing)} ({firing.severity}) from {moment(run, firing.start)} to {until}"
