"""`phoenix rename`: a new name for a tenant."""

from __future__ import annotations

import click

from phoenix_gitops.cli.steps import Wanted, planned, run


@click.command(short_help="Give a tenant a new name; account and data stay.")
@click.argument("tenant")
@click.argument("new")
@planned
def command(tenant: str, new: str, wanted: Wanted) -> int:
    """Show what it takes to call TENANT by the name NEW: its files, `formerly`, and whoever names it.

    The account stays that of the oldest name, so nothing that is stored is lost; nobody else gets the old name.

    \b
    Examples:
      phoenix rename checkout till
      phoenix rename checkout till --write
    """
    from phoenix_gitops.life import plan_rename

    return run(lambda front, _: plan_rename(front, tenant, new), wanted)
