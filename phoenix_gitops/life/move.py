"""A move to a class of other isolation: old and new beside each other, then the new alone."""

from __future__ import annotations

from typing import Final

from phoenix_gitops.edits import Edit, Remove, Set
from phoenix_gitops.front import Front
from phoenix_gitops.life.base import NoPlanError, Plan, Step
from phoenix_gitops.life.drafting import Drafting
from phoenix_gitops.life.tenants import known, meant, own_file
from phoenix_gitops.model.tenant import Tenant, TenantClass
from phoenix_gitops.moves import SHARED
from phoenix_gitops.world import World

_CLASS: Final = ("spec", "class")
_FORMER: Final = ("spec", "movingFrom")
_MOVED: Final = ("spec", "movedFrom")


def plan_move(front: Front, name: str, new: str) -> Plan:
    """The steps by which a tenant gets another class.

    Args:
        front: the repository's policies, sound.
        name: the tenant's.
        new: the class that it is to have.

    """
    world = front.world
    assert world is not None
    tenant = known(front, name)
    classes = dict(world.of_kind(TenantClass))
    if new not in classes:
        raise NoPlanError(f"there is no class '{new}'{meant(new, classes)}")
    if tenant.spec.state == "retired":
        raise NoPlanError(f"tenant '{name}' is retired: nothing of it moves any more")
    draft = Drafting(front)
    return Plan(
        verb="move",
        tenant=name,
        command=f"phoenix move {name} --class {new}",
        steps=_steps(draft, world, tenant, new),
    )


def _steps(draft: Drafting, world: World, tenant: Tenant, new: str) -> tuple[Step, ...]:
    spec = tenant.spec
    if spec.moving_from is not None and new == spec.moving_from:
        draft.edit(own_file(draft, tenant), Set(_CLASS, new), Remove(_FORMER))
        if _isolation(world, new) != SHARED:
            return (_called_off(draft, tenant),)
        draft.edit(own_file(draft, tenant), Set(_MOVED, spec.class_))
        called_off = _called_off(draft, tenant)
        draft.edit(own_file(draft, tenant), Remove(_MOVED))
        return called_off, _pruned(draft, 2)
    if spec.moving_from is not None and new != spec.class_:
        raise NoPlanError(
            f"tenant '{tenant.metadata.name}' is moving from class '{spec.moving_from}' to '{spec.class_}': finish "
            f"that first, or call it off with `--class {spec.moving_from}`"
        )
    former = spec.moving_from or (spec.moved_from if new == spec.class_ else None) or spec.class_
    old, now = _isolation(world, former), _isolation(world, new)
    if old == now:
        if new != spec.class_:
            draft.edit(own_file(draft, tenant), Set(_CLASS, new))
        return (_at_once(draft, former, new),)
    if spec.moving_from is None and spec.class_ != new:
        edits: list[Edit] = [Set(_CLASS, new), Set(_FORMER, former)]
        edits += [Remove(_MOVED)] if spec.moved_from else []
        draft.edit(own_file(draft, tenant), *edits)
    begin = _begin(draft, old, now)
    if now != SHARED:
        draft.edit(own_file(draft, tenant), Remove(_FORMER))
        return begin, _settle(draft, old, now)
    if not spec.moved_from:
        draft.edit(own_file(draft, tenant), Remove(_FORMER), Set(_MOVED, former))
    settle = _settle(draft, old, now)
    draft.edit(own_file(draft, tenant), Remove(_MOVED))
    return begin, settle, _pruned(draft, 3)


def _isolation(world: World, name: str) -> str:
    class_ = world.policies["TenantClass", name]
    assert isinstance(class_, TenantClass)
    return class_.spec.isolation


def _at_once(draft: Drafting, former: str, new: str) -> Step:
    changes = draft.take()
    return Step(
        number=1,
        slug="class",
        title="the new class",
        does=f"both classes are of one isolation: quotas, bounds and gateway of `{new}` hold at once",
        back=f"set `class: {former}`",
        changes=changes,
        done=not changes,
    )


def _called_off(draft: Drafting, tenant: Tenant) -> Step:
    return Step(
        number=1,
        slug="call-off",
        title="the move is called off",
        does=f"all that class `{tenant.spec.moving_from}` gave stood all the time; what `{tenant.spec.class_}` "
        "brought goes",
        back=f"begin again: `phoenix move {tenant.metadata.name} --class {tenant.spec.class_}`",
        after=f"once nothing is sent by the way that class `{tenant.spec.class_}` brought",
        changes=draft.take(),
    )


def _begin(draft: Drafting, old: str, now: str) -> Step:
    changes = draft.take()
    return Step(
        number=1,
        slug="beside",
        title=f"`{now}` beside `{old}`",
        does=_BEGINS[_direction(old, now)],
        back="revert it: all that the old class gave still stands",
        after="once nodes bear label and taint `policy.phoenix.io/tenant` with its name" if now == "dedicated" else "",
        changes=changes,
        done=not changes,
    )


def _settle(draft: Drafting, old: str, now: str) -> Step:
    does, after, back = _SETTLES[_direction(old, now)]
    changes = draft.take()
    return Step(
        number=2,
        slug="settle",
        title=f"`{now}` alone",
        does=does,
        back=back,
        after=after,
        changes=changes,
        done=not changes,
    )


def _pruned(draft: Drafting, number: int) -> Step:
    return Step(
        number=number,
        slug="pruned",
        title="the reconciler out",
        does="the reconciler is no longer let into its namespaces",
        back="revert it: nothing else is touched",
        after=f"once step {number - 1} is synced everywhere and its gateway and rights are gone: what is left then "
        "is never pruned",
        changes=draft.take(),
    )


def _direction(old: str, now: str) -> str:
    """Which of three ways: in, out, or between two classes with namespaces of its own."""
    if old == "shared":
        return "in"
    return "out" if now == "shared" else f"between, to {now}"


_NOT_LOST: Final = "move it back by the same two steps; nothing that is stored is lost"

_BEGINS: Final = {
    "in": "its own gateway starts in the first of its namespaces, which are warned of what their Pod Security level "
    "would refuse; nothing is limited yet, and what is sent the old way goes on",
    "out": "an edge opens from its pods to the platform's gateway; namespaces, walls, quotas and service account are "
    "marked to outlast the class; its gateway and rights stay as they are",
    "between, to dedicated": "its gateway may run on its own nodes, and rolls for that; the wider bounds of both "
    "classes hold",
    "between, to namespace": "its gateway may leave its own nodes, and rolls for that; the wider bounds of both "
    "classes hold",
}

_SETTLES: Final = {
    "in": (
        "the walls stand: network policies, quotas, limits, Pod Security and the declared rights; its rules move into "
        "its namespace; the namespace is the class's, and is asked about before it is deleted",
        "once its pods send to its own gateway or the node agents, run within the quotas, and whom they talk to is "
        "declared under `network`",
        "move it back by the same two steps; the walls then outlast the class",
    ),
    "out": (
        "its gateway, its rights and its Pod Security level go, and its rules move to the platform's; walls, quotas "
        "and service account stay in the cluster, and are the namespace owner's from then on",
        "once its pods send to the platform's gateway or the node agents, and step 1 is synced everywhere",
        _NOT_LOST,
    ),
    "between, to dedicated": (
        "its gateway runs on its own nodes alone, in the new class's size, and the new class's bounds hold",
        "once a node with its label and taint is ready",
        _NOT_LOST,
    ),
    "between, to namespace": (
        "its gateway no longer tolerates the taint of its nodes, has the new class's size, and the new class's bounds "
        "hold",
        "once its pods run elsewhere, within the new class's quotas",
        _NOT_LOST,
    ),
}
"""What becomes of it, what must be so before, and the way back."""
