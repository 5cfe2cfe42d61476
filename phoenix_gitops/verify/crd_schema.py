"""CustomResourceDefinition -> strict JSON Schema: what the API server would prune or refuse is refused.

Rules in CEL (`x-kubernetes-validations`) are counted, not evaluated: only a real API server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text
from phoenix_gitops.verify.patterns import portable

Schema = dict[str, Any]

SCOPE = "x-phoenix-scope"
"""Top-level key of a converted schema: `Namespaced`, `Cluster`, or absent where the source did not say."""

_KEPT = frozenset(
    (
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "required",
    )
)
_FORMATS = frozenset(("date", "date-time", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"))
_FORMAT_PATTERNS = {
    # Kubernetes takes Go's durations and, as go-openapi does, words such as `2 days`.
    "duration": r"^[+-]?([0-9]+([.][0-9]*)? ?[A-Za-zµ]+ ?)+$|^0$",
    "byte": r"^[A-Za-z0-9+/]*={0,2}$",
}
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
_STRINGS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_OWNER: Schema = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("apiVersion", "kind", "name", "uid")},
        **{name: {"type": "boolean"} for name in ("blockOwnerDeletion", "controller")},
    },
    "required": ["apiVersion", "kind", "name", "uid"],
    "additionalProperties": False,
}
_METADATA: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "generateName": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": _STRINGS,
        "annotations": _STRINGS,
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": _OWNER},
    },
    "additionalProperties": False,
}
"""What a generated object may say about itself: all else of ObjectMeta belongs to the API server."""


@dataclass(frozen=True, slots=True, order=True)
class KindSchema:
    """The strict schema of one (group, kind, version)."""

    group: str
    kind: str
    version: str
    schema: Schema = field(compare=False)
    unchecked: tuple[str, ...] = field(default=(), compare=False)
    """Patterns that the validator's engine does not take."""
    rules: int = field(default=0, compare=False)
    """Rules in CEL, which are left out."""


def convert_crd(crd: Mapping) -> Iterator[KindSchema]:
    """A schema for each served version of a CustomResourceDefinition; versions without schema give none."""
    spec = mapping(crd.get("spec"))
    group, kind = text(spec.get("group")), text(child(spec, "names").get("kind"))
    for _, version in entries(spec.get("versions")):
        source = child(version, "schema", "openAPIV3Schema")
        if version.get("served") is not False and source:
            yield convert(group, kind, text(version.get("name")), source, text(spec.get("scope")))


def convert(group: str, kind: str, version: str, source: Mapping, scope: str = "") -> KindSchema:
    """The strict schema of a kind from its structural schema (or from a JSON Schema made of one)."""
    unchecked: set[str] = set()
    schema = _resource(source, unchecked)
    properties = schema.setdefault("properties", {})
    properties["apiVersion"] = {"enum": [f"{group}/{version}"]}
    properties["kind"] = {"enum": [kind]}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    if scope:
        schema[SCOPE] = scope
    return KindSchema(group, kind, version, schema, tuple(sorted(unchecked)), _count_rules(source))


def _count_rules(source: object) -> int:
    waiting, rules = [source], 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            rules += len(entries(node.get("x-kubernetes-validations")))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return rules


def _resource(source: Mapping, unchecked: set[str]) -> Schema:
    """An object with the envelope of Kubernetes: apiVersion, kind, metadata."""
    schema = _closed(source, unchecked)
    properties = schema.setdefault("properties", {})
    own = _open(child(source, "properties", "metadata"), unchecked)
    properties["apiVersion"] = properties["kind"] = {"type": "string"}
    properties["metadata"] = {**_METADATA, "allOf": [own]} if own.keys() - {"type"} else _METADATA
    schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"})
    return schema


def _closed(source: Mapping, unchecked: set[str]) -> Schema:
    """A structural schema: it has types, and objects hold nothing that it does not name."""
    if source.get("x-kubernetes-embedded-resource"):
        return _resource({**source, "x-kubernetes-embedded-resource": False}, unchecked)
    schema = _open(source, unchecked)
    for name, value in mapping(source.get("properties")).items():
        schema.setdefault("properties", {})[name] = _closed(mapping(value), unchecked)
    if isinstance(items := source.get("items"), dict):
        schema["items"] = _closed(items, unchecked)
    extra = source.get("additionalProperties")
    if isinstance(extra, dict):
        schema["additionalProperties"] = _closed(extra, unchecked)
    elif extra is False or (extra is None and _is_object(source) and not _preserves(source)):
        schema["additionalProperties"] = False
    return schema


def _open(source: Mapping, unchecked: set[str]) -> Schema:
    """The constraints on a value without those on unknown fields, as `allOf` and the like have them."""
    schema: Schema = {key: value for key, value in source.items() if key in _KEPT}
    integer_or_string = bool(source.get("x-kubernetes-int-or-string"))
    if types := ["integer", "string"] if integer_or_string else _types(source):
        nullable = ["null"] if source.get("nullable") and "null" not in types else []
        schema["type"] = types[0] if len(types) == 1 and not nullable else [*types, *nullable]
    for key in ("properties", "additionalProperties", "items", "not"):
        if isinstance(value := source.get(key), dict):
            schema[key] = (
                {name: _open(mapping(item), unchecked) for name, item in value.items()}
                if key == "properties"
                else _open(value, unchecked)
            )
    for key in ("allOf", "anyOf", "oneOf"):
        branches = [_open(branch, unchecked) for _, branch in entries(source.get(key))]
        if branches and not (integer_or_string and all(branch.keys() == {"type"} for branch in branches)):
            schema[key] = branches
    _scalars(source, schema, unchecked)
    _lists(source, schema)
    return schema


def _scalars(source: Mapping, schema: Schema, unchecked: set[str]) -> None:
    patterns = []
    form = source.get("format")
    if form in _FORMATS:
        schema["format"] = form
    elif form in _FORMAT_PATTERNS:
        patterns.append(_FORMAT_PATTERNS[form])
    elif form == "int32" and not source.get("x-kubernetes-int-or-string"):
        for bound, value in _INT32.items():
            schema.setdefault(bound, value)
    if isinstance(pattern := source.get("pattern"), str):
        rewritten = portable(pattern)
        if rewritten is None:
            unchecked.add(pattern)
        else:
            patterns.append(rewritten)
    if patterns:
        schema["pattern"] = patterns[0]
        schema.setdefault("allOf", []).extend({"pattern": pattern} for pattern in patterns[1:])
        if not schema["allOf"]:
            del schema["allOf"]


def _lists(source: Mapping, schema: Schema) -> None:
    if source.get("x-kubernetes-list-type") == "set":
        schema["uniqueItems"] = True
    elif source.get("x-kubernetes-list-type") == "map":
        schema["x-kubernetes-list-map-keys"] = source.get("x-kubernetes-list-map-keys", [])


def _types(source: Mapping) -> list[str]:
    kind = source.get("type")
    return [kind] if isinstance(kind, str) else [name for name in kind or () if isinstance(name, str)]


def _is_object(source: Mapping) -> bool:
    return "object" in _types(source) or bool(source.get("properties"))


def _preserves(source: Mapping) -> bool:
    return bool(source.get("x-kubernetes-preserve-unknown-fields"))
