"""`phoenix owners`: CODEOWNERS, by which the forge asks those who answer for a file."""

from __future__ import annotations

import click

from phoenix_gitops.cli.options import common, current


@click.command(short_help="Write CODEOWNERS from the owners of policies.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the file is out of date.")
@common
def command(*, check: bool) -> int:
    """Write .github/CODEOWNERS: each policy's owner, and whom spec.review of phoenix.yaml names for paths.

    \b
    Examples:
      phoenix owners
      phoenix owners --check
    """
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.codeowners import FILE, codeowners
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.front import run_front

    options = current()
    result = run_front(options.directory)
    if has_errors(result.diagnostics) or result.world is None:
        return finish(options, result.diagnostics, result.sources)
    text = codeowners(result.world.platform, result.documents)
    path = options.directory / FILE
    current_text = path.read_text(encoding="utf-8") if path.is_file() else None
    if current_text == text:
        click.echo(f"{FILE} is up to date")
        return 0
    if check:
        click.echo(f"out of date: {FILE}; write it with `phoenix owners`")
        return 1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"written: {FILE}")
    return 0
