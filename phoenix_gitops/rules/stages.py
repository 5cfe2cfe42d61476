"""The stages on a metric's way, each a value that says what becomes of a metric there, and who took what is lost.

Before an export names and labels are those of OpenTelemetry (`process.cpu.time`, `process.pid`), behind it those of
Prometheus. What policies declare is in Prometheus' form from the start, so labels are compared in either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.catalogue import TARGET_LABELS, Loss, Metric
from phoenix_gitops.collector.identity import SENDER, TENANT
from phoenix_gitops.collector.ottl import EXECUTABLE, PRIORITY
from phoenix_gitops.document import Path
from phoenix_gitops.model.export import PrometheusExport
from phoenix_gitops.model.pipeline import Pipeline, Predicate
from phoenix_gitops.model.security import SecurityPolicy

POINT_ATTRIBUTES = frozenset({"state", "direction"})
"""Attributes of the points of processes' metrics: what pipelines do to resource attributes leaves them alone."""


def escaped(name: str) -> str:
    """A name as Prometheus exporters write it."""
    return re.sub(r"[^A-Za-z0-9_:]", "_", name)


def pipeline_ref(pipeline: Pipeline) -> PolicyRef:
    """The policy that a pipeline is."""
    return PolicyRef("Pipeline", pipeline.metadata.name)


class SameName:
    """Stages that leave names alone."""

    prefix = ""
    """What the stage puts before names."""

    def renamed(self, name: str) -> str:
        """The name behind the stage."""
        return name


@dataclass(frozen=True)
class Classified(SameName):
    """Processes get their priority class."""

    pipeline: Pipeline

    def passed(self, metric: Metric) -> Metric:
        """The metric behind the stage."""
        rules = self.pipeline.spec.classification
        if rules is None or rules.attribute not in metric.known_labels:
            return metric
        return with_labels(metric, {PRIORITY: frozenset({*(rule.name for rule in rules.classes), rules.default})})


@dataclass(frozen=True)
class Tagged(SameName):
    """Resource attributes are set: the policy's constants, its grades, and what every pipeline says of itself."""

    pipeline: Pipeline
    tags: tuple[tuple[str, str], ...] = ()

    def passed(self, metric: Metric) -> Metric:
        """The metric behind the stage."""
        spec = self.pipeline.spec.attributes
        constants = {**dict(self.tags), **spec.set}
        added = {name: frozenset({value}) for name, value in constants.items()}
        if PRIORITY in metric.known_labels:
            for graded in spec.grade:
                values = {grade.value for grade in graded.grades} | ({graded.default} - {None})
                added[graded.name] = frozenset(value for value in values if value is not None)
        return with_labels(metric, added)


@dataclass(frozen=True)
class Stripped(SameName):
    """Attributes go: those that the pipeline drops for everybody, and those that the security policy redacts."""

    pipeline: Pipeline
    security: SecurityPolicy

    def passed(self, metric: Metric) -> Metric:
        """The metric behind the stage."""
        return without_labels(metric, {**dict(self._dropped(metric)), **dict(self._redacted())})

    def _dropped(self, metric: Metric) -> Iterator[tuple[str, Loss]]:
        spec = self.pipeline.spec
        for index, dropped in enumerate(spec.attributes.drop):
            if not dropped.unless and dropped.name not in POINT_ATTRIBUTES:
                path: Path = ("spec", "attributes", "drop", index, "name")
                yield dropped.name, self._loss("attributes.drop", path)
        kept = {*spec.attributes.keep_only, *SENDER, TENANT, EXECUTABLE, *POINT_ATTRIBUTES}
        if not spec.attributes.keep_only or PRIORITY not in metric.known_labels:
            return
        if spec.rollup is not None:
            kept |= {*spec.rollup.by, *spec.attributes.set, *(graded.name for graded in spec.attributes.grade)}
        for label in sorted(metric.known_labels - kept):
            yield label, self._loss("attributes.keepOnly", ("spec", "attributes", "keepOnly"))

    def _loss(self, what: str, path: Path) -> Loss:
        name = self.pipeline.metadata.name
        return Loss(
            stage=self.pipeline.spec.stage,
            what=f"`{what}` of pipeline `{name}` takes it away",
            policy=pipeline_ref(self.pipeline),
            path=path,
        )

    def _redacted(self) -> Iterator[tuple[str, Loss]]:
        name = self.security.metadata.name
        for index, attribute in enumerate(self.security.spec.redact):
            yield (
                attribute,
                Loss(
                    stage=self.pipeline.spec.stage,
                    what=f"`redact` of security policy `{name}` takes it away",
                    policy=PolicyRef("SecurityPolicy", name),
                    path=("spec", "redact", index),
                ),
            )


@dataclass(frozen=True)
class Selected(SameName):
    """Metrics go of which `keep` and `drop` leave no point, whatever process it is of."""

    pipeline: Pipeline

    def passed(self, metric: Metric) -> Metric | Loss:
        """The metric behind the stage, or who took it away."""
        spec, name = self.pipeline.spec, metric.name
        kept = any(_may_match(predicate, name) for predicate in spec.keep)
        if spec.keep and not kept and spec.rollup is None and PRIORITY in metric.known_labels:
            return self._loss("keep", ("spec", "keep"))
        for index, predicate in enumerate(spec.drop):
            if not kept and _takes_all(predicate, name):
                return self._loss("drop", ("spec", "drop", index, "metrics"))
        return metric

    def _loss(self, what: str, path: Path) -> Loss:
        return Loss(
            stage=self.pipeline.spec.stage,
            what=f"`{what}` of pipeline `{self.pipeline.metadata.name}` takes it away",
            policy=pipeline_ref(self.pipeline),
            path=path,
        )


def _may_match(predicate: Predicate, name: str) -> bool:
    return predicate.metrics is None or _matches(predicate.metrics, name)


def _takes_all(predicate: Predicate, name: str) -> bool:
    if predicate.classes or predicate.executables is not None or predicate.metrics is None:
        return False
    return _matches(predicate.metrics, name)


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error:
        # Another check says so; what cannot be read takes nothing here.
        return False


@dataclass(frozen=True)
class Exported:
    """A Prometheus exporter: escaped names, suffixes of unit and type, a namespace, attributes as labels."""

    export: PrometheusExport
    alias: str | None
    names: tuple[tuple[str, str], ...] = ()
    """Names that get suffixes of units and types, with what they become; others are escaped."""

    @property
    def prefix(self) -> str:
        """What the exporter puts before names."""
        return f"{self.export.namespace}_"

    def renamed(self, name: str) -> str:
        """The name behind the exporter."""
        return self.prefix + (dict(self.names).get(name) or escaped(name))

    def passed(self, metric: Metric) -> Metric:
        """The metric behind the exporter."""
        named = {
            *map(escaped, metric.named),
            *("job", "instance"),
            *(() if self.alias is None else ("pipeline_alias",)),
        }
        return replace(
            metric,
            name=self.renamed(metric.name),
            labels=None if metric.labels is None else frozenset(map(escaped, metric.labels)) | {"job", "instance"},
            named=frozenset(named) if metric.labels is None else metric.named,
            values={escaped(name): found for name, found in metric.values.items()},
            most={escaped(name): found for name, found in metric.most.items()},
            lost={escaped(name): loss for name, loss in metric.lost.items()},
        )


@dataclass(frozen=True)
class Scraped(SameName):
    """A Prometheus takes it in: the target's labels, and a value each `interval_ms` at most."""

    interval_ms: int
    labels: tuple[tuple[str, frozenset[str]], ...] = ()
    """Labels that relabelling gives the target, with their values."""
    target: frozenset[str] = TARGET_LABELS

    def passed(self, metric: Metric) -> Metric:
        """The metric as it is stored."""
        known = dict(self.labels)
        labels = None if metric.labels is None else metric.labels | self.target | known.keys()
        return replace(
            metric,
            labels=labels,
            named=metric.named | self.target | known.keys() if labels is None else metric.named,
            values={**metric.values, **known},
            interval_ms=max(self.interval_ms, metric.interval_ms),
        )


def with_labels(metric: Metric, added: Mapping[str, frozenset[str]]) -> Metric:
    """The metric with more labels, of which every value is known."""
    if not added:
        return metric
    names = added.keys()
    return replace(
        metric,
        labels=None if metric.labels is None else metric.labels | names,
        named=metric.named | names if metric.labels is None else metric.named,
        values={**metric.values, **added},
        lost={name: loss for name, loss in metric.lost.items() if name not in names},
    )


def without_labels(metric: Metric, gone: Mapping[str, Loss]) -> Metric:
    """The metric without labels, each given by its attribute's name and who took it."""
    by_label = {**{escaped(name): loss for name, loss in gone.items()}, **gone}
    lost = {label: loss for label, loss in by_label.items() if label in metric.known_labels}
    if metric.labels is None:
        # Senders may have put more on it than we know of, and that is gone as well.
        lost |= {name: loss for name, loss in gone.items() if name not in metric.lost}
    if not lost:
        return metric
    return replace(
        metric,
        labels=None if metric.labels is None else metric.labels - lost.keys(),
        named=metric.named - lost.keys(),
        values={label: found for label, found in metric.values.items() if label not in lost},
        most={label: found for label, found in metric.most.items() if label not in lost},
        lost={**metric.lost, **lost},
    )
