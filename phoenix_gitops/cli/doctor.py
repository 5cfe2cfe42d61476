"""`phoenix doctor`: which external tools were found."""

from __future__ import annotations

import os

import click

from phoenix_gitops.cli.options import common, current

_CACHE = "cache"


@click.command(short_help="Show which tools were found.")
@common
def command() -> int:
    """Show which external tools were found, in which version, and what each is needed for.

    A tool is looked for where its variable (PHOENIX_CUE) points, then in the cache, then on PATH. In a checkout of
    Phoenix GitOps the programs that only its own tests run are shown as well.

    \b
    Example:
      phoenix doctor
    """
    from phoenix_gitops.cli.session import listed
    from phoenix_gitops.resources import in_checkout
    from phoenix_gitops.tools import OURS, PROGRAMS, cache_dir, dotted, fault, find, version_of

    text = current().format not in ("json", "sarif")
    rows: list[tuple[str, ...]] = []
    advice: dict[str, list[str]] = {}
    wrong: list[str] = []
    for name, program in PROGRAMS.items():
        if program.needed_for == OURS and not in_checkout():
            continue
        tool = find(name)
        version = version_of(tool) if tool else None
        where = "not found" if tool is None else tool.source if text and tool.source == _CACHE else str(tool.path)
        rows.append((name, dotted(version) if version else "-", program.needed_for, program.purpose, where))
        problem = fault(program, tool, version)
        if problem and (tool or program.variable in os.environ):
            wrong.append(f"{name}: {problem.message}")
        if problem:
            advice.setdefault(program.get, []).append(name)
    code = listed(current(), "tools", ("tool", "version", "needed for", "what it does", "where"), rows)
    if text:
        click.echo(f"\n{_CACHE} is {cache_dir() / 'tools'}; PHOENIX_TOOL (PHOENIX_CUE) names another program")
        click.echo("".join(f"{line}\n" for line in wrong), nl=False)
        click.echo("".join(f"{', '.join(names)}: {get}\n" for get, names in advice.items()), nl=False)
    return code
