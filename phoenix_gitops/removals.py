"""What a change takes away that may not just go: tenants that were not retired, environments.

A tenant whose file is deleted loses its namespaces, and its data with them, at the next sync. So a tenant is retired
first (`state: retired`), which keeps its file; a new name is no removal (`formerly`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.world import World, matches


def removed_tenants(
    before: World, after: World, since: str, *, environment: str = "", allowed: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """PHX518 for each tenant that is gone without having been retired.

    Args:
        before: the policies as they were.
        after: as they are.
        since: how to name the former state, as a commit or branch.
        environment: only tenants that were in this one; empty means all.
        allowed: names that may go.

    """
    now = {name for name, tenant in after.of_kind(Tenant)}
    renamed = {former for _, tenant in after.of_kind(Tenant) for former in tenant.spec.formerly}
    where = before.environments.get(environment)
    for name, tenant in before.of_kind(Tenant):
        here = where is None or matches(tenant.spec.environment_selector, where)
        if name in now | renamed | set(allowed) or tenant.spec.state == "retired" or not here:
            continue
        yield Diagnostic(
            code="PHX518",
            message=f"tenant `{name}` is removed, and in `{since}` it was `{tenant.spec.state}`, not `retired`",
            help="set `state: retired` first and remove the file when its data may go; a new name says "
            f"`formerly: [{name}]`; to remove it all the same: `--remove {name}`",
        )


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
