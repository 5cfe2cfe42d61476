"""`phoenix validate`: every check, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import common, current, day

if TYPE_CHECKING:
    from phoenix_gitops.back import Compiled


@click.command(short_help="Run every check on policies and output; write nothing.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@day
@common
def command(environments: tuple[str, ...]) -> int:
    """Run every check on policies and on what they compile to; write nothing.

    \b
    Examples:
      phoenix validate
      phoenix validate --format sarif > phoenix.sarif
    """
    from phoenix_gitops.cli.session import compile_all, finish, front
    from phoenix_gitops.diagnostics import has_errors

    options = current()
    result = front(options)
    found = list(result.diagnostics)
    compiled: list[Compiled] = []
    if not has_errors(found):
        compiled, faults = compile_all(options, result, environments)
        found += faults + [d for one in compiled for d in one.diagnostics]

    def conclude() -> None:
        if options.format in ("text", "concise") and not has_errors(found):
            objects = sum(one.objects for one in compiled)
            checks = sum(one.checks for one in compiled)
            click.echo(
                f"{len(result.documents)} policies and {objects} objects in {len(compiled)} environments pass "
                f"({checks} checks)"
            )

    return finish(options, found, result.sources, conclude)
