"""What must come out of each pipeline: from the words of the policies alone, not from any config.

Counters of processes show what they grew by since their first reading, as soon as a pipeline drops the ids by which
processes can be told apart; all else shows what the last reading said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from phoenix_gitops.golden.metrics import Kind, Metric, Points
from phoenix_gitops.golden.predicates import class_of, matches
from phoenix_gitops.golden.subjects import Series, Subject, attributes
from phoenix_gitops.model.pipeline import Attributes, Pipeline, PipelineSpec
from phoenix_gitops.scope import EnvironmentScope

EXECUTABLE, PRIORITY, TENANT = "process.executable.name", "phoenix.priority", "tenant.id"
_PID = "process.pid"
_SENDER = ("host.name", "service.name", "service.instance.id")
_CLAIMS = ("phoenix.", "k8s.")
_NOBODY = "unassigned"

Named = dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The output of one pipeline after a number of readings; what has ended shows what it said last."""

    values: Mapping[Series, float]
    grown: Mapping[Series, float]
    """For counters: by how much they grew since they were first seen."""
    named: Mapping[str, frozenset[tuple[str, str]]]
    """For each class the processes of it that went in: node and name."""


@dataclass(slots=True)
class _Cell:
    """The points that become one."""

    last: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By the reading that saw a process last: what it said."""
    growth: list[float] = field(default_factory=list)


def expected(
    env: EnvironmentScope, pipeline: Pipeline, subjects: Iterable[Subject], *, node: str | None, readings: int
) -> Expected:
    """The output of `pipeline` after `readings` readings, sent through the agent on `node`, or else to the gateway."""
    spec = pipeline.spec
    constants: Named = {"phoenix.pipeline.strategy": pipeline.metadata.name, "deployment.environment": env.name}
    cells: dict[tuple[Metric, Series], _Cell] = defaultdict(_Cell)
    counted: dict[Series, _Cell] = defaultdict(_Cell)
    named: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for subject in subjects:
        came = _arrived(env, subject, node)
        class_ = came.get(PRIORITY)
        if class_ is not None:
            named[str(class_)].add((str(came.get("host.name", "")), str(came.get(EXECUTABLE, ""))))
        seen = subject.seen(readings)
        left, rolled = _shaped(spec, came, constants | spec.attributes.set, env.security.spec.redact)
        resource = attributes(left)
        for (metric, point), values in subject.values.items():
            if seen and _stays(spec, left, class_ if not rolled else None, metric, rolled=rolled):
                cell = cells[metric, _series(metric, resource, point, env.security.spec.redact)]
                cell.last[seen[-1]].append(values[seen[-1]])
                cell.growth += [values[seen[-1]] - values[seen[0]]] if len(seen) > 1 else []
        if rolled and seen and spec.rollup and spec.rollup.count_metric and _counts(spec, subject):
            counted[Series(metric=spec.rollup.count_metric, resource=resource)].last[seen[-1]].append(1)
    return _added_up(spec, cells, counted, {name: frozenset(found) for name, found in named.items()})


def _added_up(
    spec: PipelineSpec,
    cells: Mapping[tuple[Metric, Series], _Cell],
    counted: Mapping[Series, _Cell],
    named: Mapping[str, frozenset[tuple[str, str]]],
) -> Expected:
    values = {series: sum(cell.last[max(cell.last)]) for series, cell in counted.items()}
    grown: dict[Series, float] = {}
    for (metric, series), cell in cells.items():
        process = any(name == PRIORITY for name, _ in series.resource) or any(
            n == EXECUTABLE for n, _ in series.resource
        )
        last = cell.last[max(cell.last)]
        if metric.kind is not Kind.COUNTER:
            values[series] = _combined(spec, metric, last)
            continue
        if cell.growth:
            grown[series] = sum(cell.growth)
        if not process or not _joins(spec):
            values[series] = sum(last)
        elif cell.growth:
            values[series] = grown[series]
    return Expected(values=values, grown=grown, named=named)


def _combined(spec: PipelineSpec, metric: Metric, last: list[float]) -> float:
    if metric.kind is Kind.LEVEL or spec.combine_gauges == "sum":
        return sum(last)
    return max(last) if spec.combine_gauges == "max" else fmean(last)


def _joins(spec: PipelineSpec) -> bool:
    """Whether processes lose their ids."""
    named = spec.attributes
    dropped = _PID in (dropped.name for dropped in named.drop)
    return spec.rollup is not None or dropped or bool(named.keep_only and _PID not in named.keep_only)


def _arrived(env: EnvironmentScope, subject: Subject, node: str | None) -> Named:
    """What a subject bears when it reaches the gateway's pipelines: nothing that it says of who it is."""
    found: Named = {
        name: value for name, value in subject.attributes.items() if not name.startswith((TENANT, *_CLAIMS))
    }
    found[TENANT] = _NOBODY
    edge = env.edge.spec
    if node is not None:
        found.setdefault("host.name", node)
        found["k8s.node.name"] = node
    if edge.classification is not None and edge.classification.attribute in found:
        found[PRIORITY] = class_of(edge.classification, str(found[edge.classification.attribute]))
    if node is not None:
        found = _described(edge.attributes, {**found, **edge.attributes.set})
    return {name: value for name, value in found.items() if name not in env.security.spec.redact}


def _described(wanted: Attributes, found: Named) -> Named:
    """After grades, drops and `keepOnly`."""
    found = _graded(wanted, found)
    class_ = found.get(PRIORITY)
    gone = {dropped.name for dropped in wanted.drop if class_ is None or class_ not in dropped.unless}
    found = {name: value for name, value in found.items() if name not in gone}
    if wanted.keep_only and class_ is not None:
        kept = {*wanted.keep_only, *_SENDER, TENANT, EXECUTABLE}
        found = {name: value for name, value in found.items() if name in kept}
    return found


def _graded(wanted: Attributes, found: Named) -> Named:
    class_, executable = found.get(PRIORITY), str(found.get(EXECUTABLE, ""))
    for graded in wanted.grade:
        found = {name: value for name, value in found.items() if name != graded.name}
        if class_ is None:
            continue
        values = (grade.value for grade in graded.grades if matches(grade.match, executable, str(class_)))
        value = next(values, graded.default)
        if value is not None:
            found[graded.name] = value
    return found


def _shaped(
    spec: PipelineSpec, came: Named, constants: Mapping[str, str | int], redact: Iterable[str]
) -> tuple[Named, bool]:
    """What is left of a subject's attributes, and whether it is rolled up."""
    found = {**came, **constants}
    class_, executable = found.get(PRIORITY), str(found.get(EXECUTABLE, ""))
    rollup = spec.rollup
    rolled = (
        rollup is not None
        and class_ is not None
        and matches(rollup.match, executable, str(class_))
        and not any(matches(spared, executable, str(class_)) for spared in rollup.unless)
    )
    if rolled and rollup is not None:
        graded = _graded(spec.attributes, found)
        kept = {*rollup.by, *constants, *_SENDER, TENANT, *(g.name for g in spec.attributes.grade)}
        found = {name: value for name, value in graded.items() if name in kept}
        found[EXECUTABLE] = rollup.into.replace("{class}", str(class_))
        gone = {dropped.name for dropped in spec.attributes.drop if str(class_) not in dropped.unless}
        found = {name: value for name, value in found.items() if name not in gone}
    else:
        found = _described(spec.attributes, found)
    return {name: value for name, value in found.items() if name not in redact}, rolled


def _stays(spec: PipelineSpec, left: Named, class_: str | int | None, metric: Metric, *, rolled: bool) -> bool:
    """Whether a point stays; `drop` sees a sum under its own name, and by the class that it still bears."""
    seen = left.get(PRIORITY) if rolled else class_
    known = None if seen is None else str(seen)
    executable = str(left.get(EXECUTABLE, ""))
    if any(matches(kept, executable, known, metric.name) for kept in spec.keep):
        return True
    if any(matches(dropped, executable, known, metric.name) for dropped in spec.drop):
        return False
    return not spec.keep or rolled or known is None


def _series(metric: Metric, resource: frozenset[tuple[str, str]], point: Points, redact: Iterable[str]) -> Series:
    kept = frozenset((name, value) for name, value in point if name not in redact)
    return Series(metric=metric.name, resource=resource, points=kept)


def _counts(spec: PipelineSpec, subject: Subject) -> bool:
    source = spec.rollup.count_from if spec.rollup is not None else ""
    return any(metric.name == source for metric, _ in subject.values)
