"""`phoenix doctor`: which external tools were found."""

from __future__ import annotations

import click

from phoenix_gitops.cli.options import common, current


@click.command(short_help="Show which tools were found.")
@common
def command() -> int:
    """Show which external tools were found, in which version, and what each is needed for.

    \b
    Example:
      phoenix doctor
    """
    from phoenix_gitops.cli.session import listed
    from phoenix_gitops.tools import PROGRAMS, find, version_of

    rows = []
    for name, program in PROGRAMS.items():
        tool = find(name)
        version = version_of(tool) if tool else None
        said = ".".join(str(part) for part in version) if version else "not found" if tool is None else "does not run"
        rows.append((name, said, str(tool.path) if tool else program.hint, program.purpose))
    return listed(current(), "tools", ("tool", "version", "where, or how to get it", "what it does"), rows)
