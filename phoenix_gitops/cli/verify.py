"""`phoenix verify`: determinism proved, not promised."""

from __future__ import annotations

import click

from phoenix_gitops.cli.options import common, current


@click.command(short_help="Prove that the output does not depend on the machine.")
@common
def command() -> int:
    """Compile again under other hash seeds, locales, time zones, orders and directories, and compare every byte.

    \b
    Example:
      phoenix verify
    """
    from phoenix_gitops.determinism import VARIATIONS, CompileFailed, run_variation

    root = current().directory.resolve()
    first: dict[str, str] | None = None
    for variation in VARIATIONS:
        try:
            found = run_variation(root, variation)
        except CompileFailed:
            click.echo("the policies do not compile; `phoenix validate` says why", err=True)
            return 1
        if first is None:
            first = found
        different = sorted(path for path in first.keys() | found.keys() if first.get(path) != found.get(path))
        if different:
            click.echo(f"{variation.name}: {len(different)} files differ, first generated/{different[0]}")
            return 1
        click.echo(f"{variation.name}: {len(found)} files, equal")
    return 0
