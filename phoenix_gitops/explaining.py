"""What `phoenix explain` says: of a code, of a policy field, of a generated value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.document import Path
from phoenix_gitops.paths import show_path
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import deref, field_names, resolved_schema, schema_at
from phoenix_gitops.trials import Field
from phoenix_gitops.variants import ABSENT


def value_at(data: Any, path: Path) -> Any:  # noqa: ANN401
    """The value at a path in plain data, or ABSENT."""
    for step in path:
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return ABSENT
    return data


def located(data: Any, path: Path) -> Path | None:  # noqa: ANN401
    """A path as people type it, as the data has it: dots in a key need no quotes (`data.config.yaml`), and an index may
    be a step (`containers.0`). None where there is no such value.
    """
    if not path:
        return ()
    if isinstance(data, list):
        index = int(path[0]) if str(path[0]).isdecimal() else len(data)
        rest = located(data[index], path[1:]) if index < len(data) else None
        return None if rest is None else (index, *rest)
    for length in range(1, len(path) + 1) if isinstance(data, dict) else ():
        key = ".".join(str(step) for step in path[:length])
        rest = located(data[key], path[length:]) if key in data else None
        if rest is not None:
            return (key, *rest)
    return None


def show_value(value: object) -> str:
    """A scalar as YAML has it."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Cause:
    """One field behind a generated value."""

    policy: str
    field: str
    where: str
    """`file:line:col`, `preset:...`, or `default of KIND.FIELD`."""
    text: str
    """The value as the policy has it."""


def causes(fields: Sequence[Field], policies: Mapping[Key, Resolved]) -> list[Cause]:
    """The fields behind a generated value as a person reads them: those that documents give first."""
    ordered = sorted(fields, key=lambda field: not field.given)
    return [_cause(field, policies) for field in ordered]


def _cause(field: Field, policies: Mapping[Key, Resolved]) -> Cause:
    kind, name = field.key
    policy = policies[field.key]
    text = show_value(value_at(policy.data, field.path)) if field.given else ""
    return Cause(f"{kind}/{name}", show_path(field.path), where_set(policy, field.path), text)


def where_set(policy: Resolved, path: Path) -> str:
    """Where a field of a policy got its value: `file:line:col`, `preset:...`, or `default of KIND.FIELD`."""
    if policy.sets(path):
        return str(policy.origin(path).value.span)
    named = ".".join(str(step) for step in path if not isinstance(step, int))
    return f"default of {policy.document.kind}.{named}"


def explain_field(kind: str, path: Path) -> list[str] | None:
    """What a policy field means: description, type, unit, bounds, default, example; None if there is none."""
    schema = schema_at(kind, path)
    if schema is None:
        return None
    lines = [f"{kind}.{show_path(path)}" if path else kind, ""]
    if description := schema.get("description"):
        lines += [f"  {description}", ""]
    lines.append(f"  type: {schema_type(schema)}")
    facts = {
        "unit": schema.get("x-phoenix-unit"),
        "names a": schema.get("x-phoenix-ref"),
        "merged by": schema.get("x-phoenix-merge-key"),
        "at least": schema.get("minimum"),
        "at most": schema.get("maximum"),
        "above": schema.get("exclusiveMinimum"),
        "below": schema.get("exclusiveMaximum"),
        "pattern": schema.get("pattern"),
        "default": schema.get("default"),
        "example": (schema.get("examples") or [None])[0],
    }
    lines += [f"  {name}: {value}" for name, value in facts.items() if value not in (None, "", [], {})]
    inner = deref(schema["items"], resolved_schema(kind)) if isinstance(schema.get("items"), dict) else schema
    if names := field_names(inner):
        lines += ["", "  fields: " + ", ".join(names)]
    return lines


def schema_type(schema: Mapping[str, Any]) -> str:
    """A type in words: `one of dev, prod`, `list`, `text`."""
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    words = {
        "string": "text",
        "integer": "whole number",
        "object": "mapping",
        "array": "list",
        "boolean": "true or false",
    }
    name = str(schema.get("type", "any"))
    return words.get(name, name)
