"""The processors of a pipeline, in the one order that keeps its promises.

memory_limiter, tags, attributes, merge, keep and drop, tidying, batch. Attributes go before points are merged, since
processes that differ in nothing else are one series from then on; the roll-up comes before keep and drop, which would
otherwise remove what it sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.identity import SENDER, TENANT
from phoenix_gitops.collector.merge import MEMBER, Groups, counters, member, merge, merges
from phoenix_gitops.collector.ottl import (
    EXECUTABLE,
    NEVER,
    PRIORITY,
    all_of,
    any_of,
    is_process,
    negated,
    one_of,
    process,
    resource,
    selects,
    string,
    strings,
)
from phoenix_gitops.collector.values import Env, Section, Value
from phoenix_gitops.model.pipeline import GradedAttribute, PipelineSpec, Rollup

_ROLLED = "phoenix.rollup"
"""Marks what was rolled up, until keep and drop have run."""


def processors(
    builder: Builder,
    name: str,
    spec: PipelineSpec,
    tags: Mapping[str, str | Env],
    redact: Iterable[str],
    *,
    whole: bool = False,
) -> list[str]:
    """The processors of pipeline `name`, from first to last; `tags` are set besides the policy's own, and with
    `whole` no batch is split.
    """
    constants: dict[str, str | Env] = {**tags, **spec.attributes.set}
    return [
        builder.memory_limiter(name, spec.memory),
        *_tag(builder, name, constants),
        *builder.transform(f"{name}_attributes", _shape(spec, constants, sorted(set(redact)))),
        *(_merge(builder, name, spec) if merges(spec) else []),
        *_select(builder, name, spec),
        *builder.transform(f"{name}_tidy", [("resource", _tidy(spec))]),
        builder.batch(name, spec.batch, whole=whole),
    ]


def _tag(builder: Builder, name: str, constants: Mapping[str, str | Env]) -> list[str]:
    if not constants:
        return []
    actions: list[Value] = [
        {"key": key, "value": value, "action": "upsert"} for key, value in sorted(constants.items())
    ]
    return [builder.processor(f"resource/{name}", {"attributes": actions})]


def _shape(spec: PipelineSpec, constants: Mapping[str, str | Env], redact: list[str]) -> Groups:
    attributes = spec.attributes
    joins = merges(spec)
    lines = [line for graded in attributes.grade for line in _grade(graded)]
    if joins:
        lines.append(member())
    rolled: Groups = []
    if spec.rollup is not None:
        lines += _mark(spec.rollup, [*constants, *(graded.name for graded in attributes.grade)])
        rolled = _count(spec.rollup)
    unrolled = f"{resource(_ROLLED)} == nil"
    for dropped in attributes.drop:
        keeps = one_of(resource(PRIORITY), dropped.unless)
        where = "" if keeps == NEVER else f" where {negated(keeps)}"
        lines.append(f"delete_key(resource.attributes, {string(dropped.name)}){where}")
    if attributes.keep_only:
        kept = sorted({*attributes.keep_only, *SENDER, TENANT, EXECUTABLE, PRIORITY, MEMBER, _ROLLED})
        where = all_of([is_process(), unrolled]) if spec.rollup else is_process()
        lines.append(f"keep_keys(resource.attributes, {strings(kept)}) where {where}")
    lines += [f"delete_key(resource.attributes, {string(name)})" for name in redact]
    points = [f"delete_key(datapoint.attributes, {string(name)})" for name in redact]
    return [("resource", lines), *rolled, *(counters(_scope(spec)) if joins else []), ("datapoint", points)]


def _grade(graded: GradedAttribute) -> list[str]:
    """Later statements overwrite, so the grades run from last to first."""
    path = resource(graded.name)
    lines = [f"delete_key(resource.attributes, {string(graded.name)})"]
    if graded.default is not None:
        lines.append(f"set({path}, {string(graded.default)}) where {is_process()}")
    for grade in reversed(graded.grades):
        lines.append(f"set({path}, {string(grade.value)}) where {process(grade.match)}")
    return lines


def _mark(rollup: Rollup, constants: list[str]) -> list[str]:
    """Marks what is rolled up, names it after its group and takes away what tells its members apart."""
    marked = f"{resource(_ROLLED)} != nil"
    kept = sorted({*rollup.by, *constants, *SENDER, TENANT, EXECUTABLE, MEMBER, _ROLLED})
    before, found, after = rollup.into.partition("{class}")
    into = string(rollup.into)
    spared = any_of(process(match) for match in rollup.unless)
    if found:
        into = f'Concat([{string(before)}, {resource(PRIORITY)}, {string(after)}], "")'
    return [
        f'set({resource(_ROLLED)}, "true") where {all_of([process(rollup.match), negated(spared)])}',
        f"set({resource(EXECUTABLE)}, {into}) where {marked}",
        f"keep_keys(resource.attributes, {strings(kept)}) where {marked}",
    ]


def _count(rollup: Rollup) -> Groups:
    """A gauge of value 1 for each process, which the merge adds up: a true count."""
    if rollup.count_metric is None:
        return []
    name, source = string(rollup.count_metric), string(rollup.count_from)
    marked = f"{resource(_ROLLED)} != nil"
    counts = f"metric.name == {name} and {marked}"
    copied = f'copy_metric(name={name}, description="Processes behind each sum.", unit="{{process}}")'
    return [
        (
            "metric",
            [
                f"{copied} where metric.name == {source} and {marked}",
                f"convert_sum_to_gauge() where {counts} and metric.type == METRIC_DATA_TYPE_SUM",
            ],
        ),
        ("datapoint", [f"set(datapoint.value_int, 1) where {counts}"]),
        # However many points the source has for a process, it counts once.
        ("metric", [f'aggregate_on_attributes("max", []) where {counts}']),
    ]


def _merge(builder: Builder, name: str, spec: PipelineSpec) -> list[str]:
    """Joins processes that have become equal."""
    count = NEVER
    if spec.rollup is not None and spec.rollup.count_metric is not None:
        count = f"metric.name == {string(spec.rollup.count_metric)}"
    return merge(builder, name, spec, _scope(spec), count)


def _scope(spec: PipelineSpec) -> str:
    """What is merged: processes, and what was rolled up, which may have lost its class."""
    return is_process() if spec.rollup is None else any_of([is_process(), f"{resource(_ROLLED)} != nil"])


def _select(builder: Builder, name: str, spec: PipelineSpec) -> list[str]:
    """Keep and drop. A filter's conditions say what goes, so the keep-set is negated here, and only here."""
    kept = any_of(selects(predicate) for predicate in spec.keep)
    dropped = any_of(selects(predicate) for predicate in spec.drop)
    conditions: list[Value] = []
    if spec.keep:
        unrolled = [f"{resource(_ROLLED)} == nil"] if spec.rollup else []
        conditions.append(all_of([is_process(), *unrolled, negated(kept)]))
    if spec.drop:
        conditions.append(all_of([dropped, negated(kept)]))
    if not conditions:
        return []
    settings: Section = {"error_mode": "ignore", "metric_conditions": conditions}
    return [builder.processor(f"filter/{name}", settings)]


def _tidy(spec: PipelineSpec) -> list[str]:
    gone = [_ROLLED] if spec.rollup else []
    lines = [f"delete_key(resource.attributes, {string(name)})" for name in gone]
    if spec.attributes.keep_only and PRIORITY not in spec.attributes.keep_only:
        # Sums of several classes would become one series if they lost it.
        spared = f" where {resource(_ROLLED)} == nil" if spec.rollup and PRIORITY in spec.rollup.by else ""
        lines.insert(0, f"delete_key(resource.attributes, {string(PRIORITY)}){spared}")
    return lines
