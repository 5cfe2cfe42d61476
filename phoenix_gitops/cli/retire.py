"""`phoenix retire`: the steps by which a tenant goes."""

from __future__ import annotations

import click

from phoenix_gitops.cli.steps import Wanted, planned, run


@click.command(short_help="Plan how a tenant goes, step by step.")
@click.argument("tenant")
@planned
def command(tenant: str, wanted: Wanted) -> int:
    """Show the steps by which TENANT goes: writes off, users off, data expires, namespaces last.

    Each step is a change of its own, which compiles. It is shown with what it means in the clusters, from when on it
    may be merged, the command that makes it, and the way back. Run it again when a step is merged: the next one is
    due.

    \b
    Examples:
      phoenix retire checkout
      phoenix retire checkout --write --now 2026-11-24
      phoenix retire checkout --branches --now 2026-11-24
    """
    from phoenix_gitops.life import plan_retirement

    return run(lambda front, today: plan_retirement(front, tenant, today), wanted)
