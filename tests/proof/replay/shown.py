"""Dashboards of a cluster as they lie in the tree, and what their queries give after a story."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from tests.proof.judge import GENERATED
from tests.proof.replay.engines import Engine

RATE_INTERVAL = "$__rate_interval"
SCRAPES = "1m"
"""What Grafana puts for it: four scrapes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One query of a panel."""

    place: str
    expr: str

    def values(self, engine: Engine, at: int) -> int:
        """How many series it shows at a time of the story; NaN is nothing."""
        status, found = engine.query(self.expr.replace(RATE_INTERVAL, SCRAPES), at)
        assert status == 200, (self.place, found)
        return sum(1 for series in found if series["value"][1] != "NaN")


def panels(environment: str, cluster: str) -> Iterator[Shown]:
    """Every query of every dashboard that a cluster gets."""
    folder = GENERATED / environment / cluster / "rules"
    for path in sorted(folder.rglob("configmap-dashboard-*.yaml")):
        (text,) = yaml.safe_load(path.read_text())["data"].values()
        dashboard = json.loads(text)
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield Shown(f"{dashboard['title']}: {panel['title']}", target["expr"])
