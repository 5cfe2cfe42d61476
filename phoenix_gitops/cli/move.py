"""`phoenix move`: a tenant to another class."""

from __future__ import annotations

import click

from phoenix_gitops.cli.steps import Wanted, planned, run


@click.command(short_help="Plan how a tenant gets another class, step by step.")
@click.argument("tenant")
@click.option("--class", "class_", required=True, metavar="CLASS", help="The class that it is to have.")
@planned
def command(tenant: str, class_: str, wanted: Wanted) -> int:
    """Show the steps by which TENANT gets another class.

    Where the isolation becomes another one there are two: old and new stand beside each other (`movingFrom`), then the
    new alone. No step opens access that the next one closes, or takes away what data still need.

    \b
    Examples:
      phoenix move checkout --class namespace
      phoenix move checkout --class namespace --write
    """
    from phoenix_gitops.life import plan_move

    return run(lambda front, _: plan_move(front, tenant, class_), wanted)
