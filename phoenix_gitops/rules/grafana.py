"""Dashboards as Grafana reads them: JSON with a stable address, no version and no database id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from phoenix_gitops.model.dashboard import Dashboard, Panel

_SCHEMA: Final = 39
"""The form of Grafana 10.4 and 11; newer ones migrate it when they load it."""

_WIDTH: Final = 24
_SIZES: Final = {"timeseries": (12, 8), "stat": (6, 4), "table": (12, 8)}
"""Columns and rows of each type of panel."""

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


def address(*parts: str) -> str:
    """The `uid` of a dashboard: the same for the same parts, at most 40 characters as Grafana has it."""
    return "phoenix-" + hashlib.sha256("/".join(parts).encode()).hexdigest()[:24]


def text(dashboard: Dashboard, uid: str, tags: Iterable[str]) -> str:
    """The dashboard as JSON."""
    return json.dumps(plain(dashboard, uid, tags), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def plain(dashboard: Dashboard, uid: str, tags: Iterable[str]) -> dict[str, Any]:
    """The dashboard as plain data."""
    return {
        "editable": False,
        "panels": _laid_out(dashboard.panels),
        "refresh": "1m",
        "schemaVersion": _SCHEMA,
        "tags": list(tags),
        "templating": {"list": [_datasource()]},
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": uid,
    }


def _datasource() -> dict[str, Any]:
    """Which Prometheus is asked is chosen where the dashboard is seen."""
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _laid_out(panels: Iterable[Panel]) -> list[dict[str, Any]]:
    """From left to right; a panel that does not fit begins a row below the highest of the last."""
    found: list[dict[str, Any]] = []
    x = y = deepest = 0
    for number, panel in enumerate(panels, start=1):
        width, height = _SIZES[panel.type]
        if x + width > _WIDTH:
            x, y, deepest = 0, y + deepest, 0
        found.append(_panel(panel, number, {"x": x, "y": y, "w": width, "h": height}))
        x, deepest = x + width, max(deepest, height)
    return found


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    last = panel.type == "table"
    target = {
        "datasource": _SOURCE,
        "expr": panel.expr,
        "legendFormat": panel.legend or "__auto",
        "refId": "A",
        "instant": last,
        "range": not last,
        **({"format": "table"} if last else {}),
    }
    shown = {"reduceOptions": {"calcs": ["lastNotNull"]}} if panel.type == "stat" else {}
    return {
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "gridPos": place,
        "id": number,
        "options": shown,
        "targets": [target],
        "title": panel.title,
        "type": panel.type,
    }
