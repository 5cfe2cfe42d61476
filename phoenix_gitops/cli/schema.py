"""`phoenix schema`: JSON Schemas for editors, the kind reference, and schemas of custom resources for our checks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from phoenix_gitops.cli.options import common, current


@click.group(short_help="Write JSON Schemas for editors, or fetch those of custom resources.")
def command() -> None:
    """JSON Schemas of policies for editors, and of custom resources for verification.

    \b
    Example:
      phoenix schema write schemas
    """


@command.command(short_help="Write the schemas of all kinds.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("schemas"))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is out of date.")
@common
def write(folder: Path, check: bool) -> int:
    """Write the JSON Schemas of all kinds into FOLDER (schemas/ unless named).

    \b
    Example:
      phoenix schema write schemas
    """
    from phoenix_gitops.schemas import schema_files

    return _bring_up_to_date(folder, schema_files(), check=check, what="the schemas are")


@command.command(short_help="Write the reference of all kinds.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/kinds"))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a page is out of date.")
@common
def docs(folder: Path, check: bool) -> int:
    """Write the reference of all kinds, a Markdown page each, into FOLDER (docs/kinds/ unless named).

    \b
    Example:
      phoenix schema docs --check
    """
    from phoenix_gitops.kindref import kind_pages

    return _bring_up_to_date(folder, kind_pages(), check=check, what="the kind reference is")


def _bring_up_to_date(folder: Path, files: Mapping[str, str], *, check: bool, what: str) -> int:
    """Writes the files that differ, or with `check` only names them; gives the exit code."""
    stale = []
    for name, text in sorted(files.items()):
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path))
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        click.echo("\n".join(f"{'out of date' if check else 'written'}: {path}" for path in stale))
    else:
        click.echo(f"{what} up to date")
    return 1 if check and stale else 0


@command.command(short_help="Print the schema of one kind.")
@click.argument("kind")
@common
def show(kind: str) -> int:
    """Print the JSON Schema of KIND, as a file of that kind is checked.

    \b
    Example:
      phoenix schema show Tenant
    """
    import json

    from phoenix_gitops.model import KINDS
    from phoenix_gitops.schemas import written_schema
    from phoenix_gitops.suggest import closest

    if kind not in KINDS:
        near = closest(kind, list(KINDS))
        hint = f"did you mean '{near}'?" if near else f"the kinds are {', '.join(sorted(KINDS))}"
        raise click.BadParameter(f"there is no kind '{kind}'; {hint}", param_hint="KIND")
    click.echo(json.dumps(written_schema(kind), indent=2, ensure_ascii=False))
    return 0


@command.command(short_help="Take the schemas of custom resources into schemas/crds/.")
@click.argument("sources", nargs=-1, required=True)
@common
def fetch(sources: tuple[str, ...]) -> int:
    """Take the schemas of custom resources from SOURCES into schemas/crds/.

    A source is a folder of CustomResourceDefinitions, a file of them, `-` for standard input, or a URL template with
    {group}, {kind} and {version}.

    \b
    Examples:
      phoenix schema fetch ../crds
      kubectl get crd -o yaml | phoenix schema fetch -
    """
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.crds import fetch as fetch_schemas
    from phoenix_gitops.crds import open_source

    options = current()
    target = options.directory / "schemas" / "crds"
    result = fetch_schemas([open_source(source, sys.stdin.buffer) for source in sources], target)
    return finish(
        options,
        result.diagnostics,
        {},
        lambda: click.echo(f"{len(result.written)} schemas written to {target}, {len(result.unchanged)} unchanged"),
    )
