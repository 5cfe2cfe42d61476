"""The conditions of an environment's policies, and which of them a set of processes hits both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phoenix_gitops.model.pipeline import Classification, Pipeline, PipelineSpec, Predicate, ProcessMatch
from phoenix_gitops.samples import full_match
from phoenix_gitops.scope import EnvironmentScope


@dataclass(frozen=True, slots=True)
class Fact:
    """What a condition may ask of a point: its process's name and class, and its metric."""

    executable: str
    class_: str
    metric: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a policy, or a part of one."""

    where: str
    """The policy and the path in it."""
    match: ProcessMatch | Predicate

    def holds(self, fact: Fact) -> bool:
        """Whether it holds."""
        return matches(self.match, fact.executable, fact.class_, fact.metric)


def class_of(classification: Classification, value: str) -> str:
    """The priority class of what bears `value`: the first that matches."""
    rules = (rule.name for rule in classification.classes if full_match(rule.match, value))
    return next(rules, classification.default)


def matches(match: ProcessMatch | Predicate, executable: str, class_: str | None, metric: str = "") -> bool:
    """Whether a process, or a point of one, is meant; what has no class is in none."""
    return (
        (not match.classes or class_ in match.classes)
        and (match.executables is None or full_match(match.executables, executable))
        and (not isinstance(match, Predicate) or match.metrics is None or full_match(match.metrics, metric))
    )


def conditions(env: EnvironmentScope) -> list[Condition]:
    """Every condition of an environment's pipelines, whole and in its parts, in order."""
    edge = env.edge.spec.classification
    found = [
        condition
        for rule in (edge.classes if edge is not None else [])
        for condition in (
            Condition(
                f"{env.edge.metadata.name}: classification.classes.{rule.name}.match",
                ProcessMatch(executables=rule.match),
            ),
            Condition(
                f"{env.edge.metadata.name}: classification.classes.{rule.name}", ProcessMatch(classes=[rule.name])
            ),
        )
    ]
    for pipeline in (env.edge, *env.pipelines):
        found += _of_pipeline(pipeline)
    return found


def missed(env: EnvironmentScope, facts: Iterable[Fact]) -> list[str]:
    """What no process hits, or each one does: a line for each such condition."""
    seen = list(facts)
    lines = []
    for condition in conditions(env):
        held = {condition.holds(fact) for fact in seen}
        lines += [f"{condition.where} is met by none"] if True not in held else []
        lines += [f"{condition.where} is met by all"] if False not in held else []
    return lines


def _of_pipeline(pipeline: Pipeline) -> Iterator[Condition]:
    name, spec = pipeline.metadata.name, pipeline.spec
    for path, match in _matches(spec):
        where = f"{name}: {path}"
        parts = list(_parts(match))
        yield Condition(where, match)
        if len(parts) > 1:
            yield from (Condition(f"{where}.{field}", part) for field, part in parts)
    for dropped in spec.attributes.drop:
        if dropped.unless:
            yield Condition(f"{name}: attributes.drop.{dropped.name}.unless", ProcessMatch(classes=dropped.unless))


def _parts(match: ProcessMatch | Predicate) -> Iterator[tuple[str, ProcessMatch | Predicate]]:
    if match.classes:
        yield "classes", ProcessMatch(classes=match.classes)
    if match.executables is not None:
        yield "executables", ProcessMatch(executables=match.executables)
    if isinstance(match, Predicate) and match.metrics is not None:
        yield "metrics", Predicate(metrics=match.metrics)


def _matches(spec: PipelineSpec) -> Iterator[tuple[str, ProcessMatch | Predicate]]:
    yield from ((f"keep[{index}]", match) for index, match in enumerate(spec.keep))
    yield from ((f"drop[{index}]", match) for index, match in enumerate(spec.drop))
    if spec.rollup is not None:
        yield "rollup.match", spec.rollup.match
        yield from ((f"rollup.unless[{index}]", match) for index, match in enumerate(spec.rollup.unless))
    for graded in spec.attributes.grade:
        for index, grade in enumerate(graded.grades):
            yield f"attributes.grade.{graded.name}[{index}]", grade.match
