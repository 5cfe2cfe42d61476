"""Moves between classes of other isolation: in two changes, between which old and new stand side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.tenant import Tenant, TenantClass
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.world import World, is_held

SHARED: Final = "shared"


def check_moves(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """PHX524 for each `movingFrom` from which nothing moves, and each `movedFrom` of which nothing can be left."""
    for name, tenant in world.of_kind(Tenant):
        spec = tenant.spec
        now, former = isolations(world, tenant)
        if former == now:
            yield Diagnostic(
                code="PHX524",
                message=f"tenant `{name}` moves from class `{spec.moving_from}` to `{spec.class_}`, and both are of "
                f"isolation `{now}`",
                primary=policies["Tenant", name].origin(("spec", "movingFrom")).value,
                help="remove `movingFrom`: between classes of one isolation `class` is all that changes",
            )
        left = spec.moved_from is not None and (former or now != SHARED)
        if left or (spec.moved_from and _isolation(world, spec.moved_from) == SHARED):
            yield Diagnostic(
                code="PHX524",
                message=f"of class `{spec.moved_from}` nothing is left to prune in tenant `{name}`",
                primary=policies["Tenant", name].origin(("spec", "movedFrom")).value,
                help="remove `movedFrom`: it follows `movingFrom`, where no namespaces of its own are left",
            )


def _isolation(world: World, class_: str) -> str:
    found = world.policies["TenantClass", class_]
    assert isinstance(found, TenantClass)
    return found.spec.isolation


def isolations(world: World, tenant: Tenant) -> tuple[str, str]:
    """The isolation of a tenant's class, and of the one that it is moving from; empty if it is not moving."""
    standing = world.standing(tenant)
    return standing.now.spec.isolation, standing.former.spec.isolation if standing.former else ""


def jumps(
    before: World, after: World, since: str, *, environment: str = "", allowed: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """PHX524 for each tenant whose isolation becomes another one, and not step by step.

    Args:
        before: the policies as they were.
        after: as they are.
        since: how to name the former state, as a commit or branch.
        environment: only tenants that were in this one; empty means all.
        allowed: names for which it is meant.

    """
    where = before.environments.get(environment)
    olds = dict(before.of_kind(Tenant))
    for name, tenant in after.of_kind(Tenant):
        old = next((olds[known] for known in reversed(after.names(tenant)) if known in olds), None)
        if old is None or name in allowed or "retired" in (old.spec.state, tenant.spec.state):
            continue
        if where is not None and not is_held(old, where):
            continue
        was, now = isolations(before, old), isolations(after, tenant)
        if _leaves(was, now) and not tenant.spec.moved_from:
            own = old.spec.class_ if was[0] != SHARED else old.spec.moving_from
            yield Diagnostic(
                code="PHX524",
                message=f"tenant `{name}` leaves class `{own}`, and nothing lets the reconciler prune what that gave",
                help=f"say `movedFrom: {own}` until it is pruned: `phoenix move {name} --class {tenant.spec.class_}` "
                f"gives the steps; to do it all the same: `--remove {name}`",
            )
        if _is_step(was, now):
            continue
        yield Diagnostic(
            code="PHX524",
            message=f"tenant `{name}` jumps from isolation `{_said(*was)}` in `{since}` to `{_said(*now)}`",
            help=f"`phoenix move {name} --class {tenant.spec.class_}` gives the steps, of which none takes away what "
            f"the next one needs; to do it at once all the same: `--remove {name}`",
        )


def _leaves(was: tuple[str, str], now: tuple[str, str]) -> bool:
    """Whether a tenant ends a move, or calls it off, without namespaces of its own."""
    return now == (SHARED, "") and bool(was[1])


def _is_step(was: tuple[str, str], now: tuple[str, str]) -> bool:
    """Whether one isolation stands on both sides: the same, a move that begins, ends, or is called off."""
    if not was[1]:
        return now == was or now[1] == was[0]
    return now == was or (not now[1] and now[0] in was)


def _said(isolation: str, former: str) -> str:
    return f"{former} to {isolation}" if former else isolation
