"""Which policy line made a generated value: found by perturbation, with no burden on emitters.

Each leaf of each policy behind a unit of work is changed by its schema's type, the unit is emitted again, and what
moves is noted. `explain`, errors at their cause and the test "every policy field changes the output" are this one
mechanism; it asks of emitters only that they are pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from phoenix_gitops.document import Path
from phoenix_gitops.emit import Stage, Summary, UnitOutput
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import REF, schema_at
from phoenix_gitops.trials import Field, Location, Trial, bodies
from phoenix_gitops.variants import other_values, replaced, scalars
from phoenix_gitops.world import decode_data


@dataclass(frozen=True, slots=True)
class Influence:
    """What moves a unit's output: location to the fields behind it, in a stable order.

    The location (file, ()) holds the fields on which it hangs that there is such an object at all.
    """

    moves: Mapping[Location, tuple[Field, ...]]
    fields: tuple[Field, ...]
    """Every field that was tried."""

    def behind(self, file: str, path: Path) -> tuple[Field, ...]:
        """The fields that move the value at `path` or a part of it; for a whole object also its existence."""
        return tuple(
            dict.fromkeys(
                field
                for (moved_file, moved), fields in self.moves.items()
                if moved_file == file and moved[: len(path)] == path
                for field in fields
            )
        )


def influence(
    stage: Stage, policies: Mapping[Key, Resolved], unit: UnitOutput, summary: Summary, only: Iterable[Key] = ()
) -> Influence:
    """What each leaf of each policy behind a unit moves in its output; `only` limits the policies that are tried."""
    trial = Trial(stage, unit, summary)
    moves: dict[Location, dict[Field, None]] = {}
    fields = []
    for key in only or keys_behind(stage, unit):
        if not trial.depends_on(key):
            continue
        for field, values in _leaves(stage, policies, key):
            fields.append(field)
            for value in values:
                moved = trial.moved(field, value)
                for location in moved:
                    moves.setdefault(location, {})[field] = None
                if moved and not _is_choice(field):
                    # Another value would move the same; another choice may move something else.
                    break
    return Influence({location: tuple(found) for location, found in moves.items()}, tuple(fields))


def trace(
    stage: Stage,
    policies: Mapping[Key, Resolved],
    unit: UnitOutput,
    summary: Summary,
    location: Location,
    *,
    thorough: bool = False,
    enough: int | None = None,
) -> tuple[Field, ...]:
    """The fields behind one value (or all values below it), found by halving: all fields are changed at once, and
    where that moves the value or breaks the unit, each half is, down to single fields. Two changes at once can hide
    each other; `thorough` therefore tries what documents set alone, too, each field once. With more than `enough`
    fields that documents set the search ends: so many are no answer to who asks for the cause.
    """
    trial = Trial(stage, unit, summary)
    leaves = [
        leaf for key in keys_behind(stage, unit) if trial.depends_on(key) for leaf in _leaves(stage, policies, key)
    ]
    found: list[Field] = []
    _halve(trial, leaves, location, found, enough)
    if not thorough:
        return tuple(found)
    known = set(found)
    alone = [leaf for leaf in leaves if leaf[0].given and leaf[0] not in known]
    found += [field for field, values in alone if trial.moves([(field, values[0])], location)]
    return tuple(found)


def confirmed(
    stage: Stage,
    policies: Mapping[Key, Resolved],
    unit: UnitOutput,
    summary: Summary,
    location: Location,
    *,
    suspects: Sequence[Field],
) -> bool:
    """Whether each of these fields moves a value: much cheaper than to search among all of them."""
    trial = Trial(stage, unit, summary)
    left = set(suspects)
    for key in dict.fromkeys(field.key for field in suspects):
        for field, values in _leaves(stage, policies, key):
            if field in left and any(trial.moves([(field, value)], location) for value in values):
                left.remove(field)
    return not left


Leaf = tuple[Field, list[object]]
"""A field and other values for it."""


def _halve(trial: Trial, leaves: list[Leaf], location: Location, found: list[Field], enough: int | None) -> None:
    if not leaves or (enough is not None and sum(field.given for field in found) > enough):
        return
    if len(leaves) == 1:
        field, values = leaves[0]
        if any(trial.moves([(field, value)], location) for value in values):
            found.append(field)
        return
    rounds = max(len(values) for _, values in leaves)
    if all(trial.moves([(f, v[turn % len(v)]) for f, v in leaves], location) is False for turn in range(rounds)):
        return
    middle = len(leaves) // 2
    _halve(trial, leaves[:middle], location, found, enough)
    _halve(trial, leaves[middle:], location, found, enough)


def locations(output: UnitOutput) -> dict[Location, Any]:
    """Every scalar of a unit's output by location."""
    return {(file, path): value for file, body in bodies(output).items() for path, value in scalars(body.data)}


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
    for name in [output.unit.tenant] if output.unit.tenant else stage.tenants:
        keys += [("Tenant", name), ("TenantClass", stage.tenants[name].spec.class_)]
    if output.unit.tenant:
        inner = stage.world.tenant(scope.environment, output.unit.tenant)
        keys += [("SLO", slo.metadata.name) for slo in inner.slos]
        keys += [("RuleSet", rules.metadata.name) for rules in inner.rule_sets]
        keys += [("MetricCatalog", catalog.metadata.name) for catalog in inner.catalogs]
    return list(dict.fromkeys(keys))


def _leaves(stage: Stage, policies: Mapping[Key, Resolved], key: Key) -> Iterator[Leaf]:
    """The leaves of a policy, defaults included, each with other values that its kind takes."""
    data = msgspec.to_builtins(stage.world.policies[key])
    for path, value in scalars(data):
        if key[0] == "Environment" and path[:2] == ("spec", "clusters") and path[3:] == ("name",):
            # Units of work go by the names of clusters: another one is another unit.
            continue
        if path == ("metadata", "name"):
            # References hold by the key in the world; a suffix keeps the order of what is sorted by name.
            yield Field(key, path, given=True), [f"{str(value)[:38]}-z"]
            continue
        values = [
            new for new in other_values(key[0], path, value, policies) if _fits(key[0], replaced(data, path, new))
        ]
        if values:
            yield Field(key, path, policies[key].sets(path)), values


def _is_choice(field: Field) -> bool:
    schema = schema_at(field.key[0], field.path) or {}
    return REF in schema or "enum" in schema


def _fits(kind: str, data: Mapping[str, Any]) -> bool:
    try:
        decode_data(kind, data)
    except msgspec.ValidationError:
        return False
    return True
