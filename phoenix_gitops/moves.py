"""Moves between classes of other isolation: in two changes, between which old and new stand side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.world import World, is_held


def check_moves(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """PHX524 for each `movingFrom` from which nothing moves."""
    for name, tenant in world.of_kind(Tenant):
        now, former = isolations(world, tenant)
        if former == now:
            yield Diagnostic(
                code="PHX524",
                message=f"tenant `{name}` moves from class `{tenant.spec.moving_from}` to `{tenant.spec.class_}`, and "
                f"both are of isolation `{now}`",
                primary=policies["Tenant", name].origin(("spec", "movingFrom")).value,
                help="remove `movingFrom`: between classes of one isolation `class` is all that changes",
            )


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
        if _is_step(was, now):
            continue
        yield Diagnostic(
            code="PHX524",
            message=f"tenant `{name}` jumps from isolation `{_said(*was)}` in `{since}` to `{_said(*now)}`",
            help=f"`phoenix move {name} --class {tenant.spec.class_}` gives the steps, of which none takes away what "
            f"the next one needs; to do it at once all the same: `--remove {name}`",
        )


def _is_step(was: tuple[str, str], now: tuple[str, str]) -> bool:
    """Whether one isolation stands on both sides: the same, a move that begins, ends, or is called off."""
    if not was[1]:
        return now == was or now[1] == was[0]
    return now == was or (not now[1] and now[0] in was)


def _said(isolation: str, former: str) -> str:
    return f"{former} to {isolation}" if former else isolation
