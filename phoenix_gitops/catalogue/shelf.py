"""Stages as functions on metrics, and shelves: whole tables of metrics that are built when one of them is asked for.

A table of what a product emits has hundreds of metrics, and an environment's rules read a few of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from phoenix_gitops.catalogue.builtin import table
from phoenix_gitops.catalogue.metric import Loss, Metric


class Stage(Protocol):
    """What happens to each metric on one part of its way; a pure function that compares by value."""

    def renamed(self, name: str) -> str:
        """The name behind the stage."""
        ...

    def passed(self, metric: Metric) -> Metric | Loss:
        """The metric behind the stage, or who took it away."""
        ...


@dataclass(frozen=True)
class Shelf:
    """The metrics of a built-in table behind some stages."""

    table: str
    stages: tuple[Stage, ...] = ()

    def behind(self, stage: Stage) -> Shelf:
        """The shelf after one more stage."""
        return Shelf(self.table, (*self.stages, stage))

    @property
    def names(self) -> Mapping[str, str]:
        """Names behind the stages, each with its name in the table; those of metrics that were lost are among them."""
        found = {name: name for name in _rows(self.table)}
        for stage in self.stages:
            found = {stage.renamed(name): base for name, base in found.items()}
        return found

    def get(self, name: str) -> Metric | Loss | None:
        """The metric of a name, or who took it away; None where it was never there."""
        base = self.names.get(name)
        if base is None:
            return None
        metric = _rows(self.table)[base]
        for stage in self.stages:
            passed = stage.passed(metric)
            if isinstance(passed, Loss):
                return passed
            metric = passed
        return metric


@cache
def _rows(name: str) -> Mapping[str, Metric]:
    return {metric.name: metric for metric in table(name)}
