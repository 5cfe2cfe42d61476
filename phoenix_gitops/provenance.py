"""Which policy line made a generated value: found by perturbation, with no burden on emitters.

Each leaf of each policy behind a unit of work is changed by its schema's type, the unit is emitted again, and what
moves is noted. `explain`, errors at their cause and the test "every policy field changes the output" are this one
mechanism; it asks of emitters only that they are pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from phoenix_gitops.document import Path
from phoenix_gitops.emit import Stage, Summary, UnitOutput
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import REF, resolved_schema, schema_at
from phoenix_gitops.serialise import object_path, proof_path
from phoenix_gitops.world import decode_data

Location = tuple[str, Path]
"""A value in the output: file path under `generated/`, path in its object."""

ABSENT = object()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a policy; `given` tells whether a document sets it or it is a default of the model."""

    key: Key
    path: Path
    given: bool


@dataclass(frozen=True, slots=True)
class Influence:
    """What moves a unit's output: location to the fields behind it, in a stable order."""

    moves: Mapping[Location, tuple[Field, ...]]
    fields: tuple[Field, ...]
    """Every field that was tried."""

    def behind(self, file: str, path: Path) -> tuple[Field, ...]:
        """The fields that move the value at `path` or a part of it; else those behind its nearest parent."""
        exact = [
            field
            for (moved_file, moved), fields in self.moves.items()
            if moved_file == file and moved[: len(path)] == path
            for field in fields
        ]
        if exact or not path:
            return tuple(dict.fromkeys(exact))
        return self.moves.get((file, path[:-1]), ())

    def unmoved(self) -> tuple[Field, ...]:
        """Fields that were tried and moved nothing."""
        moving = {field for fields in self.moves.values() for field in fields}
        return tuple(field for field in self.fields if field not in moving)


def influence(
    stage: Stage, policies: Mapping[Key, Resolved], unit: UnitOutput, summary: Summary, only: Iterable[Key] = ()
) -> Influence:
    """What each leaf of each policy behind a unit moves in its output; `only` limits the policies that are tried."""
    before = flatten(unit)
    moves: dict[Location, dict[Field, None]] = {}
    fields = []
    for key in only or keys_behind(stage, unit):
        for field, variants in _leaves(stage, policies, key):
            fields.append(field)
            for variant in variants:
                for location in _moved(stage, unit, summary, key, variant, before):
                    moves.setdefault(location, {})[field] = None
    return Influence({location: tuple(found) for location, found in moves.items()}, tuple(fields))


def flatten(output: UnitOutput) -> dict[Location, Any]:
    """Every scalar of a unit's output by location; an empty map or list counts as a scalar."""
    flat: dict[Location, Any] = {}
    for artifact in output.objects:
        file = object_path(output.unit, artifact)
        for path, value in scalars(artifact.body):
            flat[file, path] = value
    for proof in output.proofs:
        file = proof_path(output.unit, proof)
        for path, value in scalars(proof.body):
            flat[file, path] = value
    return flat


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


def keys_behind(stage: Stage, output: UnitOutput) -> list[Key]:
    """The policies that a unit can depend on: those of its scope."""
    scope = stage.scope
    spec = scope.environment.spec
    keys: list[Key] = [
        ("Platform", scope.platform.metadata.name),
        ("Environment", scope.name),
        ("SecurityPolicy", spec.security),
        *(("Pipeline", name) for name in (spec.edge, *spec.pipelines)),
        *(("SLO", slo.metadata.name) for slo in scope.slos),
        *(("RuleSet", rules.metadata.name) for rules in scope.rule_sets),
        *(("MetricCatalog", catalog.metadata.name) for catalog in scope.catalogs),
    ]
    if spec.control:
        keys.append(("ControlPolicy", spec.control))
    tenants = [stage.tenants[output.unit.tenant]] if output.unit.tenant else list(stage.tenants.values())
    for tenant in tenants:
        keys += [("Tenant", tenant.metadata.name), ("TenantClass", tenant.spec.class_)]
    if output.unit.tenant:
        inner = stage.world.tenant(scope.environment, tenants[0])
        keys += [("SLO", slo.metadata.name) for slo in inner.slos]
        keys += [("RuleSet", rules.metadata.name) for rules in inner.rule_sets]
        keys += [("MetricCatalog", catalog.metadata.name) for catalog in inner.catalogs]
    return list(dict.fromkeys(keys))


def _moved(
    stage: Stage, unit: UnitOutput, summary: Summary, key: Key, variant: dict[str, Any], before: dict[Location, Any]
) -> list[Location]:
    """What differs when a policy is replaced; a variant that cannot be emitted tells nothing."""
    try:
        world = stage.world.with_policy(key, decode_data(key[0], variant))
        output = replace(stage, world=world).emit_unit(unit.unit, summary)
    except Exception:
        return []
    after = flatten(output)
    gone = [location for location in before if after.get(location, ABSENT) != before[location]]
    return gone + [location for location in after if location not in before]


def _leaves(stage: Stage, policies: Mapping[Key, Resolved], key: Key) -> Iterator[tuple[Field, list[dict[str, Any]]]]:
    """The leaves of a policy, defaults included, each with whole variants of the policy's data."""
    data: dict[str, Any] = msgspec.to_builtins(stage.world.policies[key])
    for path, value in scalars(data):
        if path == ("metadata", "owner") or path[0] in ("metadata", "spec"):
            field = Field(key, path, policies[key].sets(path))
            variants = [
                variant
                for new in _values(key[0], path, value, policies)
                if (variant := _with(data, path, new)) is not None
            ]
            if variants:
                yield field, variants


def _with(data: Any, path: Path, value: object) -> Any:  # noqa: ANN401
    """A copy of plain data with one value replaced, or removed where `value` is ABSENT."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(data, list):
        assert isinstance(step, int)
        if value is ABSENT and not rest:
            return [*data[:step], *data[step + 1 :]]
        return [*data[:step], _with(data[step], rest, value), *data[step + 1 :]]
    if value is ABSENT and not rest:
        return {k: v for k, v in data.items() if k != step}
    return {**data, step: _with(data[step], rest, value)}


_BY_UNIT: dict[str, tuple[object, ...]] = {
    "duration": ("7s", "11m", "97d"),
    "quantity": ("3", "5Gi", "77Mi"),
    "money": ("7.77", "0.003"),
    "port": (4777,),
    "cidr": ("198.51.100.0/24",),
    "re2": ("zz.*",),
    "promql": ("vector(1)", "up"),
}


def _values(kind: str, path: Path, value: object, policies: Mapping[Key, Resolved]) -> list[object]:
    """Other values for a leaf, by its schema's type; several, since one may happen to mean the same."""
    schema = schema_at(kind, path) or {}
    found: list[object]
    if REF in schema:
        found = [name for other, name in policies if other == schema[REF] and name != value][:3]
    elif "enum" in schema:
        found = [choice for choice in schema["enum"] if choice != value]
    elif isinstance(value, bool):
        found = [not value]
    elif isinstance(value, int | float):
        found = _numbers(value, schema)
    elif isinstance(value, str):
        found = [v for v in _BY_UNIT.get(schema.get("x-phoenix-unit", ""), ()) if v != value] or _texts(value, schema)
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
    return [c for c in dict.fromkeys(candidates) if c != value and pattern.search(c)][:3]


def _filled(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[object]:
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
            return list(_BY_UNIT.get(unit, ("zz",)))[:1]
        case "array":
            return [[item] for item in _filled(_deref(schema.get("items", {}), root), root)]
        case "object" if "properties" in schema:
            return _object(schema, root)
        case "object":
            inner = schema.get("additionalProperties")
            return [{"zz": v} for v in _filled(_deref(inner, root), root)] if isinstance(inner, dict) else []
        case _:
            return []


def _object(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[object]:
    """An object with its required fields, and one optional field if it needs none."""
    names = schema.get("required") or list(schema["properties"])[:1]
    filled = {}
    for name in names:
        inner = _deref(schema["properties"][name], root)
        options = list(inner.get("enum", ())) or _filled(inner, root)
        if not options:
            return []
        filled[name] = options[0]
    return [filled]


def _deref(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    from phoenix_gitops.schemas import deref

    return deref(dict(schema), dict(root))
