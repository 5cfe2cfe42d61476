"""What a change takes away that may not just go: tenants that were not retired, accounts, environments.

A tenant whose file is deleted loses its namespaces, and its data with them, at the next sync. So a tenant is retired
first (`state: retired`, and a tombstone with the day), which keeps its file until its retention is over; a new name is
no removal (`formerly`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Final

from phoenix_gitops.accounts import tombstones
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.model.units import seconds
from phoenix_gitops.moves import jumps
from phoenix_gitops.world import World, is_held

_DAY: Final = 86_400


def objections(
    before: World, after: World, since: str, *, environment: str = "", allowed: Collection[str] = (), today: str = ""
) -> Iterator[Diagnostic]:
    """Everything that speaks against a change of tenants and components; arguments as of `removed_tenants`."""
    yield from removed_tenants(before, after, since, environment=environment, allowed=allowed, today=today)
    yield from lost_accounts(before, after, since, environment=environment, allowed=allowed)
    yield from jumps(before, after, since, environment=environment, allowed=allowed)
    yield from given_up(before, after, since, environment=environment, allowed=allowed)


def removed_tenants(
    before: World, after: World, since: str, *, environment: str = "", allowed: Collection[str] = (), today: str = ""
) -> Iterator[Diagnostic]:
    """PHX518 for each tenant that is gone without having been retired, PHX522 for one that is gone too early.

    Args:
        before: the policies as they were.
        after: as they are.
        since: how to name the former state, as a commit or branch.
        environment: only tenants that were in this one; empty means all.
        allowed: names that may go.
        today: the day, as YYYY-MM-DD; empty where nobody said it.

    """
    now = {name for _, tenant in after.of_kind(Tenant) for name in after.names(tenant)}
    where = before.environments.get(environment)
    for name, tenant in before.of_kind(Tenant):
        if name in now | set(allowed) or not (where is None or is_held(tenant, where)):
            continue
        if tenant.spec.state != "retired":
            yield Diagnostic(
                code="PHX518",
                message=f"tenant `{name}` is removed, and in `{since}` it was `{tenant.spec.state}`, not `retired`",
                help=f"`phoenix retire {name}` gives the steps; a new name says `formerly: [{name}]`; to remove it all "
                f"the same: `--remove {name}`",
            )
            continue
        reason = _too_early(before, after, tenant, today)
        if reason:
            yield Diagnostic(
                code="PHX522",
                message=f"tenant `{name}` is removed, {reason}",
                help=f"`phoenix retire {name} --now DAY` says what is due when; to remove it all the same: "
                f"`--remove {name}`",
            )


def _too_early(before: World, after: World, tenant: Tenant, today: str) -> str:
    """Why a retired tenant may not go yet; empty if it may."""
    name = tenant.metadata.name
    stone = tombstones(before).get(name)
    if stone is None or stone.spec.retired is None:
        return f"and there was no tombstone of it, `policies/ids/{name}.yaml` with the day since which it is retired"
    if name not in tombstones(after):
        return f"and its tombstone with it: `policies/ids/{name}.yaml` stays, so that nobody gets its name and account"
    free = data_free(before, tenant, stone.spec.retired)
    if not today:
        return f"and nobody said which day it is: its data may go from {free} on, which `--now` tells"
    return f"and its data may go from {free} on" if today < free else ""


def data_free(world: World, tenant: Tenant, retired: str) -> str:
    """The first day on which nothing is kept any more of what a tenant sent until the day that it was retired."""
    days = -(-seconds(world.class_of(tenant).spec.retention) // _DAY)
    return (date.fromisoformat(retired) + timedelta(days=int(days))).isoformat()


def lost_accounts(
    before: World, after: World, since: str, *, environment: str = "", allowed: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """PHX523 for each tenant whose account becomes another one, and each tombstone that goes or gets an earlier day."""
    where = before.environments.get(environment)
    olds = dict(before.of_kind(Tenant))
    for name, tenant in after.of_kind(Tenant):
        old = next((olds[known] for known in reversed(after.names(tenant)) if known in olds), None)
        if old is None or name in allowed or not (where is None or is_held(old, where)):
            continue
        was, now = before.account(old), after.account(tenant)
        if was != now:
            yield Diagnostic(
                code="PHX523",
                message=f"tenant `{name}` changes its account id from `{was}` in `{since}` to `{now}`",
                help="its data lie under the old one: keep its `formerly` and its file in `policies/ids/`",
            )
    stones = tombstones(after)
    for name, stone in () if environment else tombstones(before).items():
        day, kept = stone.spec.retired, stones[name].spec.retired if name in stones else None
        revived = next((t for _, t in after.of_kind(Tenant) if name in after.names(t)), None)
        if name in allowed or revived is not None or kept == day or (kept and day and kept > day):
            continue
        what = f"gets the day {kept}, before {day}" if kept else "is removed"
        yield Diagnostic(
            code="PHX523",
            message=f"the tombstone of tenant `{name}` {what}",
            help="names and accounts are never used again: what is stored lies under them",
        )


def given_up(
    before: World, after: World, since: str, *, environment: str = "", allowed: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """PHX533 for each component that is compiled no more, or less, and whose objects would be pruned.

    What runs goes on only if the reconciler was told to keep it before: `sync.keep` in the published state.
    """
    for name in sorted(before.environments.keys() & after.environments.keys()):
        was, now = before.environments[name], after.environments[name]
        if environment not in ("", name):
            continue
        for component in sorted({"gitops", "tenancy", "ingest", "rules"} - set(allowed)):
            less = _AMOUNT[now.manages(component)] < _AMOUNT[was.manages(component)]
            if less and was.spec.sync.prune and component not in was.spec.sync.keep:
                yield Diagnostic(
                    code="PHX533",
                    message=f"component `{component}` of environment `{name}` goes from `{was.manages(component)}` to "
                    f"`{now.manages(component)}`, and in `{since}` its objects are pruned: what runs would be deleted",
                    help=f"publish `sync: {{keep: [{component}]}}` first, and then this: all that was applied stays, "
                    f"for others to take over; to delete it: `--remove {component}`",
                )


_AMOUNT = {"none": 0, "config": 1, "full": 2}
"""How much of a component is compiled, in order."""


def removed_environments(
    before: World, after: World, since: str, *, allowed: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """PHX519 for each environment that is gone."""
    for name in sorted(before.environments.keys() - after.environments.keys() - set(allowed)):
        clusters = ", ".join(f"`{cluster.name}`" for cluster in before.environments[name].spec.clusters)
        yield Diagnostic(
            code="PHX519",
            message=f"environment `{name}` of `{since}` is removed, with all that runs in {clusters}",
            help=f"delete its root Application first, which keeps what it applied, then say `--remove {name}`",
        )
