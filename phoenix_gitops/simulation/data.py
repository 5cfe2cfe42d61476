"""A simulation as plain data."""

from __future__ import annotations

from typing import Any

from phoenix_gitops.rules import control, outlook
from phoenix_gitops.simulation import words
from phoenix_gitops.simulation.run import Run

_COLUMNS = {
    "series": outlook.INPUT,
    "profile": control.PROFILE,
    "output": control.OUTPUT,
    "forecast": outlook.FORECAST,
    "lower": outlook.LOWER,
    "upper": outlook.UPPER,
    "anomaly": outlook.ANOMALY,
}


def data(run: Run, against: Run | None, *, trace: str) -> dict[str, Any]:
    """What a program reads: times in seconds since `start`, series and profiles (by index) at each step."""
    found = {"trace": trace, **_one(run)}
    return found if against is None else {**found, "against": _one(against)}


def _one(run: Run) -> dict[str, Any]:
    setting = run.setting
    return {
        "control": setting.name,
        "environment": setting.environment.name if setting.environment else None,
        "mode": setting.spec.mode,
        "interval": run.every,
        "start": run.start,
        "profiles": [{"name": name, "seconds": held} for name, held in run.durations.items()],
        "thresholds": [{"meaning": meaning, "series": level} for meaning, level in words.thresholds(run)],
        "switches": [
            {"at": i * run.every, "from": run.profiles[was], "to": run.profiles[now]} for i, was, now in run.switches
        ],
        "alerts": [
            {
                "alert": firing.alert,
                "severity": firing.severity,
                "labels": dict(firing.labels),
                "from": firing.start * run.every,
                "to": None if firing.end is None else firing.end * run.every,
            }
            for firing in run.firings
        ],
        "saved": {
            "series": round(run.saved.series, 3),
            "perMonth": str(run.saved.per_month),
            "currency": run.saved.currency,
        },
        "steps": [
            {"at": i * run.every, **{name: run.lines[record][i] for name, record in _COLUMNS.items()}}
            for i in range(run.count)
        ],
    }
