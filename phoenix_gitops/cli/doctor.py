"""`phoenix doctor`: which external tools were found."""

from __future__ import annotations

import click

from phoenix_gitops.cli.options import common


@click.command(short_help="Show which tools were found.")
@common
def command() -> int:
    """Show which external tools were found, in which version, and what each is needed for.

    \b
    Example:
      phoenix doctor
    """
    from phoenix_gitops.cli.tables import table
    from phoenix_gitops.tools import survey

    rows = [(s.name, s.version or "not found", s.path or s.hint, s.purpose) for s in survey()]
    click.echo(table(("tool", "version", "where, or how to get it", "needed for"), rows))
    return 0
