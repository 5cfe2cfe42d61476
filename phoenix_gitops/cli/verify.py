"""`phoenix verify`: determinism proved, not promised."""

from __future__ import annotations

import json

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

    options = current()
    root = options.directory.resolve()
    first: dict[str, str] | None = None
    rows: list[tuple[str, int, str]] = []
    for variation in VARIATIONS:
        try:
            found = run_variation(root, variation)
        except CompileFailed:
            click.echo("the policies do not compile; `phoenix validate` says why", err=True)
            return 1
        if first is None:
            first = found
        different = sorted(path for path in first.keys() | found.keys() if first.get(path) != found.get(path))
        rows.append((variation.name, len(found), f"generated/{different[0]}" if different else ""))
        if options.format != "json":
            said = f"{len(different)} files differ, first {rows[-1][2]}" if different else f"{len(found)} files, equal"
            click.echo(f"{variation.name}: {said}")
        if different:
            break
    if options.format == "json":
        names = ("variation", "files", "firstDifference")
        click.echo(json.dumps({"variations": [dict(zip(names, row, strict=True)) for row in rows]}, indent=2))
    return 1 if rows[-1][2] else 0
