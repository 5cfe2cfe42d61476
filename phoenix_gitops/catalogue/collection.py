"""The metrics of a place: what is there, and who took what is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from phoenix_gitops.catalogue.metric import Loss, Metric, series
from phoenix_gitops.catalogue.shelf import Shelf, Stage
from phoenix_gitops.suggest import closest


@dataclass(frozen=True)
class View:
    """Another catalogue behind a stage that leaves names alone, as a shelf."""

    catalogue: Catalogue
    stage: Stage

    @property
    def names(self) -> Iterator[str]:
        """All names; those of metrics that were lost are among them."""
        return iter(sorted(self.catalogue.names))

    def get(self, name: str) -> Metric | Loss | None:
        """The metric of a name, or who took it away; None where it was never there."""
        metric = self.catalogue.get(name)
        return self.catalogue.loss(name) if metric is None else self.stage.passed(metric)

    def behind(self, stage: Stage) -> View:
        """The shelf after one more stage."""
        return View(Catalogue({}, {}, (self,)), stage)


@dataclass(frozen=True)
class Catalogue:
    """Metrics by name; histograms and summaries are there as the series that they consist of."""

    metrics: Mapping[str, Metric]
    lost: Mapping[str, Loss] = field(default_factory=dict)
    """Metrics that are not there, and who took them."""
    shelves: tuple[Shelf, ...] = ()
    """Tables of further metrics; what `metrics` says of a name holds."""

    def get(self, name: str) -> Metric | None:
        """The metric of a name, or None."""
        metric = self.metrics.get(name)
        if metric is not None or name in self.lost:
            return metric
        found = (shelf.get(name) for shelf in self.shelves)
        return next((metric for metric in found if isinstance(metric, Metric)), None)

    def loss(self, name: str) -> Loss | None:
        """Who took the metric of a name away; None for one that is there or never was."""
        if name in self.metrics:
            return None
        if name in self.lost:
            return self.lost[name]
        found = [shelf.get(name) for shelf in self.shelves]
        if any(isinstance(metric, Metric) for metric in found):
            return None
        return next((loss for loss in found if isinstance(loss, Loss)), None)

    def matching(self, pattern: str) -> tuple[Metric, ...]:
        """The metrics whose whole names match an RE2 pattern; raises `re.error` for one that nothing can read."""
        if pattern not in self._matched:
            self._matched[pattern] = self._matching(re.compile(pattern))
        return self._matched[pattern]

    @cached_property
    def _matched(self) -> dict[str, tuple[Metric, ...]]:
        return {}

    def _matching(self, compiled: re.Pattern[str]) -> tuple[Metric, ...]:
        names = dict.fromkeys(name for name in self.metrics if compiled.fullmatch(name))
        for shelf in self.shelves:
            names |= dict.fromkeys(name for name in shelf.names if compiled.fullmatch(name))
        return tuple(metric for metric in map(self.get, names) if metric is not None)

    def near(self, name: str) -> str | None:
        """The name that was probably meant."""
        return closest(name, self.names)

    def plus(self, more: Iterable[Metric], lost: Mapping[str, Loss] | None = None) -> Catalogue:
        """The catalogue with more metrics; of two definitions of a name the later one holds."""
        metrics = {**self.metrics, **{m.name: m for found in more for m in series(found)}}
        gone = {**self.lost, **(lost or {})}
        return Catalogue(metrics, {name: loss for name, loss in gone.items() if name not in metrics}, self.shelves)

    def joined(self, other: Catalogue) -> Catalogue:
        """Both catalogues as one."""
        both = self.plus(other.metrics.values(), other.lost)
        return Catalogue(both.metrics, both.lost, (*self.shelves, *other.shelves))

    def through(self, stage: Stage) -> Catalogue:
        """What is behind a stage."""
        lost = {stage.renamed(name): loss for name, loss in self.lost.items()}
        metrics: dict[str, Metric] = {}
        for name, metric in self.metrics.items():
            passed = stage.passed(metric)
            if isinstance(passed, Loss):
                lost[stage.renamed(name)] = passed
            else:
                metrics[passed.name] = passed
        return Catalogue(metrics, lost, tuple(shelf.behind(stage) for shelf in self.shelves))

    def all(self) -> tuple[Metric, ...]:
        """Every metric, those of shelves too, by name."""
        named = ((name, self.get(name)) for name in sorted(self.names))
        return tuple(metric for _, metric in named if metric is not None)

    def losses(self) -> Mapping[str, Loss]:
        """Every metric that is not there any more, those of shelves too, and who took it."""
        shelved = (name for shelf in self.shelves for name in shelf.names)
        found = {name: self.loss(name) for name in (*self.lost, *shelved)}
        return {name: loss for name, loss in found.items() if loss is not None}

    @cached_property
    def names(self) -> frozenset[str]:
        """All names, those of shelves too."""
        shelved = (name for shelf in self.shelves for name in shelf.names if self.get(name) is not None)
        return frozenset(self.metrics).union(shelved)


def of(metrics: Iterable[Metric]) -> Catalogue:
    """A catalogue of these metrics."""
    return Catalogue({}).plus(metrics)
