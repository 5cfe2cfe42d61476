"""`phoenix init`: a repository that compiles at once."""

from __future__ import annotations

import re
from pathlib import Path

import click

from phoenix_gitops.cli.options import common


@click.command(short_help="Make a repository that compiles at once.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", help="The platform's name.  [default: the directory's name]")
@click.option(
    "--url",
    default="https://git.example.com/platform/gitops.git",
    show_default=True,
    help="The repository's address, as Argo CD reaches it.",
)
@common
def command(directory: Path, name: str | None, url: str) -> int:
    """Make a repository in DIRECTORY that compiles at once: a platform, an environment, a tenant, CI, editor settings.

    Files that exist are kept.

    \b
    Example:
      phoenix init my-platform --url https://git.example.com/me/my-platform.git
    """
    from phoenix_gitops.scaffold import files

    folder = directory.resolve()
    chosen = name or re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")[:40].strip("-") or "platform"
    kept = 0
    for path, text in sorted(files(chosen, url).items()):
        target = folder / path
        if target.exists() or target.is_symlink():
            kept += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        if not path.startswith("schemas/"):
            click.echo(f"  {path}")
    if kept:
        click.echo(f"{kept} files were there already and are kept")
    where = "" if directory == Path() else f"cd {directory} && "
    click.echo(f"try: {where}phoenix compile")
    return 0
