"""`phoenix init`: a repository that compiles at once."""

from __future__ import annotations

import re
from pathlib import Path

import click

from phoenix_gitops.cli.options import common

_NAME = re.compile("[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_URL = re.compile("(https?|ssh|git|file)://[^ ]+|[^ @:/]+@[^ :]+:[^ ]+")


@click.command(short_help="Make a repository that compiles at once.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--name", help="The platform's name.  [default: the directory's name]")
@click.option(
    "--url",
    default="https://git.example.com/platform/gitops.git",
    show_default=True,
    help="The repository's address, as the reconciler reaches it.",
)
@click.option(
    "--reconciler",
    type=click.Choice(["argocd", "flux"]),
    default="argocd",
    show_default=True,
    help="What keeps your clusters equal to the compiled tree.",
)
@common
def command(directory: Path, name: str | None, url: str, reconciler: str) -> int:
    """Make a repository in DIRECTORY that compiles at once: a platform, an environment, a tenant, CI, editor settings.

    Files that exist are kept.

    \b
    Example:
      phoenix init my-platform --url https://git.example.com/me/my-platform.git
    """
    from phoenix_gitops.scaffold import files

    if name is not None and not _NAME.fullmatch(name):
        raise click.BadParameter("a name has lower-case letters, digits and '-', at most 40", param_hint="'--name'")
    if not _URL.fullmatch(url):
        raise click.BadParameter(f"'{url}' is no address of a git repository", param_hint="'--url'")
    if reconciler == "flux" and not url.startswith(("http://", "https://", "ssh://")):
        raise click.BadParameter(f"Flux cannot read '{url}': give an https:// or ssh:// address", param_hint="'--url'")
    folder = directory.resolve()
    chosen = name or re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")[:40].strip("-") or "platform"
    kept = 0
    for path, text in sorted(files(chosen, url, reconciler).items()):
        target = folder / path
        if target.exists() or target.is_symlink():
            kept += 1
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"cannot write {target}: {error.strerror}") from error
        if not path.startswith("schemas/"):
            click.echo(f"  {path}")
    if kept:
        click.echo(f"{kept} files were there already and are kept")
    where = "" if directory == Path() else f"cd {directory} && "
    click.echo(f"try: {where}phoenix compile")
    return 0
