"""`phoenix status`: what is merged, and what is published of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import common, current

if TYPE_CHECKING:
    from phoenix_gitops.front import Front


@click.command(short_help="Show what is published of what is merged.")
@click.argument("tenant", required=False)
@common
def command(tenant: str | None) -> int:
    """Show for each environment which commit of the policies is published, and how many wait behind it.

    With TENANT only that tenant's files count, and only the environments that it is in. It reads git alone: the last
    commit of this checkout, and the branches that clusters read.

    \b
    Examples:
      phoenix status
      phoenix status checkout
    """
    from phoenix_gitops.cli.publish import destination
    from phoenix_gitops.cli.session import finish, listed
    from phoenix_gitops.front import run_front
    from phoenix_gitops.status import status

    options = current()
    result = run_front(options.directory)
    if result.world is None:
        return finish(options, result.diagnostics, result.sources)
    environments, files = _asked(result, tenant)
    where = destination(result.world.platform.spec)
    if where.mode == "tree":
        raise click.ClickException(
            "with output mode `tree` the output lies beside the policies: `phoenix compile --check` compares the two"
        )
    outcome = status(options.directory, environments, where, files)
    rows = [
        (
            one.environment,
            one.branch,
            one.changed[:12] or "-",
            one.published.source[:12] if one.published else "-",
            one.published.day if one.published else "-",
            one.state,
        )
        for one in outcome.value
    ]
    names = ("environment", "branch", "changed", "published", "day", "state")
    return listed(options, "status", names, rows, diagnostics=outcome.diagnostics, sources=result.sources)


def _asked(result: Front, tenant: str | None) -> tuple[list[str], set[str]]:
    """The environments and files in question."""
    from phoenix_gitops.model.tenant import Tenant
    from phoenix_gitops.suggest import closest
    from phoenix_gitops.world import matches

    world, policies = result.world, result.policies
    assert world is not None
    assert policies is not None
    if tenant is None:
        return sorted(world.environments), set()
    tenants = dict(world.of_kind(Tenant))
    if tenant not in tenants:
        near = closest(tenant, tenants)
        raise click.BadParameter(f"there is no tenant '{tenant}'" + (f"; did you mean '{near}'?" if near else ""))
    selector = tenants[tenant].spec.environment_selector
    here = [name for name, environment in world.environments.items() if matches(selector, environment)]
    own = {
        policy.document.file
        for (kind, name), policy in policies.items()
        if (kind, name) == ("Tenant", tenant) or policy.data.get("spec", {}).get("tenant") == tenant
    }
    return here, own
