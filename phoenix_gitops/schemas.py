"""JSON Schemas (2020-12) of the kinds, derived from the models.

Two forms of each: `resolved` (every required field, no nulls) for a policy after inheritance, and `written` for a
document in a file: required is only the envelope, since a base or class may give the rest, and null deletes what
was inherited. The written form is what editors use; it is committed under `schemas/` and held equal by a check.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
Validator = Any
"""A compiled jsonschema-rs validator; that package has no types."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MERGE_KEY = "x-phoenix-merge-key"
REF = "x-phoenix-ref"
_DEFS = "#/$defs/"


def schema_name(kind: str) -> str:
    """The file name of a kind's schema: `TenantClass` stands in `tenant-class.schema.json`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()
    return f"{words}.schema.json"


@functools.cache
def resolved_schema(kind: str) -> Schema:
    """The schema of a policy after inheritance; treat it as read-only."""
    import msgspec

    from phoenix_gitops.model import API_VERSION, KINDS

    derived = msgspec.json.schema(KINDS[kind])
    defs = {name: _simplified(body) for name, body in derived["$defs"].items()}
    top = defs.pop(kind)
    top["properties"] = {
        "apiVersion": {"const": API_VERSION, "description": "The version of the policy language."},
        "kind": {"const": kind, "description": top["description"]},
        **top["properties"],
    }
    top["required"] = ["apiVersion", "kind", "metadata", "spec"]
    return {"$schema": DRAFT, **top, "$defs": dict(sorted(defs.items()))}


@functools.cache
def written_schema(kind: str) -> Schema:
    """The schema of a policy as it stands in a file; treat it as read-only."""
    schema: Schema = json.loads(json.dumps(resolved_schema(kind)))
    for name, body in schema["$defs"].items():
        if name != "Metadata":
            _relax(body)
    spec = schema["$defs"][f"{kind}Spec"]
    spec["properties"] = {
        "extends": {
            "type": "string",
            "description": f"Name of the {kind} (or preset) whose fields hold where this one says nothing.",
            REF: kind,
        },
        "abstract": {"type": "boolean", "description": "A base for others that is never compiled itself."},
        **spec["properties"],
    }
    schema["title"] = f"Phoenix {kind}"
    return schema


def editor_schema() -> Schema:
    """One schema for all policy files: the kind picks the rest, which is what an editor needs."""
    from phoenix_gitops.model import API_VERSION, KINDS

    return {
        "$schema": DRAFT,
        "title": "Phoenix policy",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The version of the policy language."},
            "kind": {"enum": sorted(KINDS), "description": "What the policy says."},
        },
        "required": ["apiVersion", "kind"],
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": schema_name(kind)},
            }
            for kind in sorted(KINDS)
        ],
    }


def schema_files() -> dict[str, str]:
    """The committed schemas: file name to text."""
    from phoenix_gitops.model import KINDS

    schemas = {schema_name(kind): written_schema(kind) for kind in KINDS}
    schemas["policy.schema.json"] = editor_schema()
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


@functools.cache
def validator(kind: str, *, written: bool) -> Validator:
    """The compiled validator of a kind."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(written_schema(kind) if written else resolved_schema(kind))


def deref(schema: Schema, root: Schema) -> Schema:
    """The schema with a `$ref` into `root` followed, siblings of the reference kept over it."""
    while "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix(_DEFS)]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def schema_at(kind: str, path: tuple[str | int, ...]) -> Schema | None:
    """The resolved schema of the value at `path`, or None where there is none."""
    root = resolved_schema(kind)
    schema = root
    for step in path:
        schema = deref(schema, root)
        properties = schema.get("properties", {})
        if isinstance(step, int):
            inner = schema.get("items")
        else:
            inner = properties.get(step) or schema.get("additionalProperties")
        if not isinstance(inner, dict):
            return None
        schema = inner
    return deref(schema, root)


@functools.cache
def marked_paths(kind: str, mark: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Where the schema of `kind` carries `mark`: path patterns (`*` for an item) with the mark's value."""
    root = resolved_schema(kind)
    return tuple(_marked(root, root, mark, ()))


def values_at(data: Any, pattern: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:  # noqa: ANN401
    """The values in `data` that a path pattern names, with their paths."""
    if not pattern:
        yield (), data
        return
    step, rest = pattern[0], pattern[1:]
    if step == "*":
        items: Any = enumerate(data) if isinstance(data, list) else ()
    elif isinstance(data, dict) and step in data:
        items = ((step, data[step]),)
    else:
        items = ()
    for key, inner in items:
        for path, value in values_at(inner, rest):
            yield (key, *path), value


def _marked(schema: Schema, root: Schema, mark: str, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    schema = deref(schema, root)
    if mark in schema:
        yield path, schema[mark]
    for name, inner in schema.get("properties", {}).items():
        yield from _marked(inner, root, mark, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield from _marked(schema["items"], root, mark, (*path, "*"))


def _simplified(schema: Schema) -> Schema:
    """Without the null branches and null defaults that optional fields have: an absent field is just absent."""
    branches = schema.get("anyOf")
    if branches and {"type": "null"} in branches:
        (kept,) = [b for b in branches if b != {"type": "null"}]
        schema = {**kept, **{k: v for k, v in schema.items() if k != "anyOf"}}
    if schema.get("default", ...) is None or isinstance(schema.get("default"), dict):
        schema = {k: v for k, v in schema.items() if k != "default"}
    return {key: _mapped(key, value, _simplified) for key, value in schema.items()}


def _mapped(key: str, value: Any, function: Callable[[Schema], Schema]) -> Any:  # noqa: ANN401
    if key == "properties":
        return {name: function(inner) for name, inner in value.items()}
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return function(value)
    return value


def _relax(schema: Schema) -> None:
    """Drops `required` and lets null stand for every property, in place."""
    schema.pop("required", None)
    for name, inner in schema.get("properties", {}).items():
        schema["properties"][name] = _nullable(inner)


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        rest = {k: v for k, v in schema.items() if k != "$ref"}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **rest}
    result = dict(schema)
    if "type" in result:
        result["type"] = [result["type"], "null"]
    if "enum" in result:
        result["enum"] = [*result["enum"], None]
        result.setdefault("type", ["string", "null"])
    return result


def field_names(schema: Mapping[str, Any]) -> list[str]:
    """The names of an object schema's fields, sorted."""
    return sorted(schema.get("properties", {}))
