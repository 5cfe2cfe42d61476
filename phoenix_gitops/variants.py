"""Other values for the fields of a policy, by their schemas' types: what provenance tries.

A variant means something else than the value it stands for, or it would show nothing; several are given where one may
happen to mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_gitops.document import Path
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import REF, Schema, deref, resolved_schema, schema_at

ABSENT = object()
"""In place of a value: there is none."""


def scalars(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401
    """The scalars in plain data, with their paths."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from scalars(inner, (*path, name))
    elif isinstance(value, list) and value:
        for i, inner in enumerate(value):
            yield from scalars(inner, (*path, i))
    else:
        yield path, value


def replaced(data: Any, path: Path, value: object) -> Any:  # noqa: ANN401
    """A copy of plain data with one value replaced, or removed where `value` is ABSENT."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(data, list):
        assert isinstance(step, int)
        if value is ABSENT and not rest:
            return [*data[:step], *data[step + 1 :]]
        return [*data[:step], replaced(data[step], rest, value), *data[step + 1 :]]
    if value is ABSENT and not rest:
        return {k: v for k, v in data.items() if k != step}
    return {**data, step: replaced(data[step], rest, value)}


_BY_UNIT: dict[str, tuple[object, ...]] = {
    "duration": ("7s", "11m", "97d"),
    "quantity": ("3", "5Gi", "77Mi"),
    "money": ("7.77", "0.003"),
    "port": (4777,),
    "cidr": ("198.51.100.0/24",),
    "re2": ("zz.*",),
    "promql": ("vector(1)", "up"),
}


def other_values(kind: str, path: Path, value: object, policies: Mapping[Key, Resolved]) -> list[object]:
    """Other values for a leaf, by its schema's type; several, since one may happen to mean the same."""
    schema = schema_at(kind, path) or {}
    found: list[object] = []
    if REF in schema:
        found += [name for other, name in policies if other == schema[REF] and name != value][:3]
    elif "enum" in schema:
        found = [choice for choice in schema["enum"] if choice != value]
    elif isinstance(value, bool):
        found = [not value]
    elif isinstance(value, int | float):
        found = _numbers(value, schema)
    elif isinstance(value, str):
        found = [v for v in _BY_UNIT.get(schema.get("x-phoenix-unit", ""), ()) if v != value] or list(
            _texts(value, schema)
        )
    elif value is None or value in ({}, []):
        found = _filled(schema, resolved_schema(kind))
    else:
        found = []
    if path and isinstance(path[-1], int):
        found.append(ABSENT)
    return found


def _numbers(value: float, schema: Mapping[str, Any]) -> list[object]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", float("inf")))
    candidates: list[float] = [value + 1, value * 2 + 1, value - 1, value / 2, (value + min(high, value + 1)) / 2]
    if schema.get("type") == "integer":
        candidates = [int(c) for c in candidates]
    fitting = [c for c in dict.fromkeys(candidates) if low < c < high and c != value]
    return list(fitting[:3])


def _texts(value: str, schema: Mapping[str, Any]) -> list[object]:
    """Texts that are like the old one: with its last letter or digit changed, or wholly other."""
    candidates = [re.sub(r"[a-z](?=[^a-z]*$)", "z", value), re.sub(r"[0-9](?=[^0-9]*$)", "7", value), "zz", "v" + value]
    pattern = re.compile(schema.get("pattern", ""))
    fitting: list[object] = [c for c in dict.fromkeys(candidates) if c != value and pattern.search(c)]
    return fitting[:3]


def _filled(schema: Mapping[str, Any], root: Schema) -> list[object]:
    """Something for a field that is absent or empty."""
    examples = list(schema.get("examples", ()))
    if examples:
        return examples[:1]
    match schema.get("type"):
        case "integer":
            return [max(7, schema.get("minimum", 0))]
        case "number":
            return [schema.get("minimum", 0.5)]
        case "string":
            unit = schema.get("x-phoenix-unit", "")
            return [*_BY_UNIT.get(unit, ("zz",))][:1]
        case "array":
            return [[item] for item in _filled(deref(schema.get("items", {}), root), root)]
        case "object" if "properties" in schema:
            return _object(schema, root)
        case "object":
            inner = schema.get("additionalProperties")
            return [{"zz": v} for v in _filled(deref(dict(inner), root), root)] if isinstance(inner, dict) else []
        case _:
            return []


def _object(schema: Mapping[str, Any], root: Schema) -> list[object]:
    """An object with its required fields, and one optional field if it needs none."""
    names = schema.get("required") or list(schema["properties"])[:1]
    filled = {}
    for name in names:
        inner = deref(schema["properties"][name], root)
        options = list(inner.get("enum", ())) or _filled(inner, root)
        if not options:
            return []
        filled[name] = options[0]
    return [filled]
