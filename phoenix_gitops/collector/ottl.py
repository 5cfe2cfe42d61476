"""Statements and conditions in the collector's transformation language (OTTL), built from policies.

Conditions are strings; an empty disjunction is `false`, an empty conjunction `true`, so polarity never
depends on whether a list is empty. Paths carry their context (`resource.`, `metric.`, `datapoint.`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from phoenix_gitops.model.pipeline import Predicate, ProcessMatch

EXECUTABLE = "process.executable.name"
PRIORITY = "phoenix.priority"
"""Resource attribute with a process's priority class. What has one is a process."""

NEVER = "false"
ALWAYS = "true"


def string(value: str) -> str:
    """A string literal: OTTL unquotes as Go does, of which JSON's escapes are a part."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def strings(values: Iterable[str]) -> str:
    """A list literal."""
    return f"[{', '.join(string(value) for value in values)}]"


def resource(attribute: str) -> str:
    """The path of a resource attribute."""
    return f"resource.attributes[{string(attribute)}]"


def matches(path: str, pattern: str) -> str:
    """Whether all of a value matches; IsMatch itself looks for the pattern anywhere."""
    return f"IsMatch({path}, {string(f'^(?:{pattern})$')})"


def one_of(path: str, values: Sequence[str]) -> str:
    """Whether a value is one of `values`."""
    return any_of(f"{path} == {string(value)}" for value in values)


def any_of(conditions: Iterable[str]) -> str:
    """The disjunction."""
    parts = list(conditions)
    return f"({' or '.join(parts)})" if len(parts) > 1 else parts[0] if parts else NEVER


def all_of(conditions: Iterable[str]) -> str:
    """The conjunction."""
    parts = [part for part in conditions if part != ALWAYS]
    return f"({' and '.join(parts)})" if len(parts) > 1 else parts[0] if parts else ALWAYS


def negated(condition: str) -> str:
    """The opposite."""
    return {NEVER: ALWAYS, ALWAYS: NEVER}.get(condition) or f"not ({condition})"


def process(match: ProcessMatch) -> str:
    """Whether a process matches; only what has a class is one."""
    return all_of([is_process(), *_parts(match.classes, match.executables)])


def selects(predicate: Predicate) -> str:
    """Whether a datapoint matches the predicate."""
    metrics = [matches("metric.name", predicate.metrics)] if predicate.metrics is not None else []
    return all_of([*_parts(predicate.classes, predicate.executables), *metrics])


def is_process() -> str:
    """Whether the resource is a process that was classified."""
    return f"{resource(PRIORITY)} != nil"


def _parts(classes: Sequence[str], executables: str | None) -> list[str]:
    parts = [one_of(resource(PRIORITY), classes)] if classes else []
    if executables is not None:
        parts.append(matches(resource(EXECUTABLE), executables))
    return parts
