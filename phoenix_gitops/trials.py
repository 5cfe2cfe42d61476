"""One unit of work in changed worlds: what comes out differently when fields of policies have other values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import msgspec

from phoenix_gitops.document import Path
from phoenix_gitops.emit import Stage, Summary, UnitOutput
from phoenix_gitops.emitters.base import Render
from phoenix_gitops.resolve import Key
from phoenix_gitops.serialise import object_path, proof_path
from phoenix_gitops.variants import ABSENT, replaced, scalars
from phoenix_gitops.world import World, decode_data

Location = tuple[str, Path]
"""A value in the output: file path under `generated/`, path in its object."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a policy; `given` tells whether a document sets it or it is a default of the model."""

    key: Key
    path: Path
    given: bool


@dataclass(frozen=True, slots=True)
class Body:
    """An object of a unit's output; `shape` tells objects that a rename may have moved."""

    shape: tuple[str, str]
    data: Any


Bodies = dict[str, Body]
"""Objects by file."""


class _Remembering:
    """A renderer that fills a template once for each set of values: most trials change one object of many."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._known: dict[bytes, bytes] = {}

    def __call__(self, template: str, /, **values: object) -> dict[str, Any]:
        """The object, which is the caller's own."""
        key = msgspec.msgpack.encode((template, values))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = msgspec.msgpack.encode(self._render(template, **values))
        body: dict[str, Any] = msgspec.msgpack.decode(found)
        return body


class Trial:
    """Emits one unit in changed worlds and compares what comes out with what came before."""

    def __init__(self, stage: Stage, unit: UnitOutput, summary: Summary) -> None:
        self._stage = replace(stage, render=_Remembering(stage.render))
        self._unit = unit
        self._summary = summary
        self._before = bodies(unit)
        self._scope = self._view(stage)

    def _view(self, stage: Stage) -> object:
        """All that the unit's emitter gets to see."""
        name = self._unit.unit.tenant
        if not name:
            return stage.scope
        tenant = stage.tenants.get(name)
        return stage.tenant_scope, tenant and stage.world.tenant(stage.scope.environment, name)

    def depends_on(self, key: Key) -> bool:
        """Whether the unit has anything to do with a tenant: what does not miss it needs no closer look."""
        if key[0] != "Tenant" or self._unit.unit.tenant:
            return True
        policies = {k: policy for k, policy in self._stage.world.policies.items() if k != key}
        return bool(self._changed(replace(self._stage.world, policies=policies)))

    def moved(self, field: Field, value: object) -> list[Location]:
        """What differs when a field has another value; a change that cannot be compiled tells nothing."""
        return self._changed(self._world([(field, value)])) or []

    def moves(self, changes: Sequence[tuple[Field, object]], location: Location) -> bool | None:
        """Whether changes move a value; None if they cannot be compiled or remove the object."""
        changed = self._changed(self._world(changes))
        if changed is None or (location[1] and (location[0], ()) in changed):
            return None
        depth = len(location[1])
        return any(file == location[0] and path[:depth] == location[1] for file, path in changed)

    def _world(self, changes: Sequence[tuple[Field, object]]) -> World | None:
        world = self._stage.world
        data: dict[Key, Any] = {}
        try:
            # Items are removed last and from the end, so that the paths of the others still hold.
            for field, value in sorted(changes, key=_removals_last):
                known = data.get(field.key) or msgspec.to_builtins(world.policies[field.key])
                data[field.key] = replaced(known, field.path, value)
            for key, changed in data.items():
                world = world.with_policy(key, decode_data(key[0], changed))
        except msgspec.ValidationError:
            return None
        return world

    def _changed(self, world: World | None) -> list[Location] | None:
        """The locations that differ in another world; None if it cannot be compiled."""
        if world is None:
            return None
        try:
            stage = replace(self._stage, world=world)
            if self._view(stage) == self._scope and stage.overrides == self._stage.overrides:
                return []
            output = stage.emit_unit(self._unit.unit, self._summary)
        except Exception:
            # A variant may break relations that emitters rely on, in any way.
            return None
        return self._compare(bodies(output))

    def _compare(self, after: Bodies) -> list[Location]:
        found: list[Location] = []
        matched = _matched(self._before, after)
        for file, body in self._before.items():
            if file not in matched:
                found.append((file, ()))
                continue
            found += [(file, path) for path in _differing(body.data, after[matched[file]].data)]
        return found + [(file, ()) for file in after if file not in set(matched.values())]


def _differing(before: Any, after: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401
    """The paths of scalars that two values do not share; what is equal is not walked through."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and before and after:
        for name in (*before, *(name for name in after if name not in before)):
            yield from _differing(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        for i, (left, right) in enumerate(zip_longest(before, after, fillvalue=ABSENT)):
            yield from _differing(left, right, (*path, i))
    else:
        sides = [dict(scalars(side, path)) for side in (before, after) if side is not ABSENT]
        yield from dict.fromkeys(found for side in sides for found in side)


def _matched(before: Bodies, after: Bodies) -> dict[str, str]:
    """Files of the same object before and after: of one path, else (renamed) of one shape, in their order."""
    matched = {file: file for file in before if file in after}
    left: dict[tuple[str, str], list[str]] = {}
    for file, body in after.items():
        if file not in before:
            left.setdefault(body.shape, []).append(file)
    for file, body in before.items():
        if file not in matched and left.get(body.shape):
            matched[file] = left[body.shape].pop(0)
    return matched


def bodies(output: UnitOutput) -> Bodies:
    """The objects and proof files of a unit, by file."""
    objects = {object_path(output.unit, a): Body((a.kind, a.template), a.body) for a in output.objects}
    proofs = {proof_path(output.unit, p): Body(("proof", p.folder), p.body) for p in output.proofs}
    return objects | proofs


def _removals_last(change: tuple[Field, object]) -> tuple[bool, int]:
    field, value = change
    last = field.path[-1]
    return (value is ABSENT, -last if value is ABSENT and isinstance(last, int) else 0)
