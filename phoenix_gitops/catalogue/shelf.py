"""Stages as functions on metrics, and shelves: whole tables of metrics that are built when one of them is asked for.

A table of what a product emits has hundreds of metrics, and an environment's rules read a few of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

from phoenix_gitops.catalogue.builtin import table
from phoenix_gitops.catalogue.metric import Loss, Metric


class Stage(Protocol):
    """What happens to each metric on one part of its way; a pure function that compares by value."""

    @property
    def prefix(self) -> str:
        """What the stage puts before names."""
        ...

    def renamed(self, name: str) -> str:
        """The name behind the stage."""
        ...

    def passed(self, metric: Metric) -> Metric | Loss:
        """The metric behind the stage, or who took it away."""
        ...


class Shelf(Protocol):
    """Metrics that are built when they are asked for; compares by value."""

    @property
    def names(self) -> Iterator[str]:
        """All names; those of metrics that were lost are among them."""
        ...

    def get(self, name: str) -> Metric | Loss | None:
        """The metric of a name, or who took it away; None where it was never there."""
        ...

    def behind(self, stage: Stage) -> Shelf:
        """The shelf after one more stage."""
        ...


@dataclass(frozen=True)
class Table:
    """The metrics of a built-in table behind stages: names are Prometheus' already, and get prefixes only."""

    table: str
    stages: tuple[Stage, ...] = ()

    def behind(self, stage: Stage) -> Table:
        """The shelf after one more stage."""
        return Table(self.table, (*self.stages, stage))

    @cached_property
    def prefix(self) -> str:
        """What stands before each name of the table."""
        return "".join(stage.prefix for stage in reversed(self.stages))

    @property
    def names(self) -> Iterator[str]:
        """Names behind the stages; those of metrics that were lost are among them."""
        return (self.prefix + name for name in _rows(self.table))

    def get(self, name: str) -> Metric | Loss | None:
        """The metric of a name, or who took it away; None where it was never there."""
        if not name.startswith(self.prefix):
            return None
        base = name.removeprefix(self.prefix)
        if base not in _rows(self.table):
            return None
        if name not in self._built:
            self._built[name] = self._passed(_rows(self.table)[base])
        return self._built[name]

    @cached_property
    def _built(self) -> dict[str, Metric | Loss]:
        return {}

    def _passed(self, metric: Metric) -> Metric | Loss:
        for stage in self.stages:
            passed = stage.passed(metric)
            if isinstance(passed, Loss):
                return passed
            metric = passed
        return metric


@cache
def _rows(name: str) -> Mapping[str, Metric]:
    return {metric.name: metric for metric in table(name)}
