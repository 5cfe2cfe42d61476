"""`phoenix fmt`: policies in their normal form."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import common, current

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phoenix_gitops.diagnostics import Diagnostic


@click.command(short_help="Lay policies out in their normal form, comments kept.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(exists=True, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="As --check, and show what would change.")
@common
def command(paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Lay policies out in their normal form: all of the repository, or those at or below PATH.

    Indentation, spaces, quotes, empty lines and the envelope's order become one; what is said, comments, the order of
    fields and line breaks stay the author's. Only files that change are written. A file that cannot be read as a
    policy is reported and left alone; the others are formatted.

    \b
    Examples:
      phoenix fmt
      phoenix fmt policies/tenants/checkout --diff
      phoenix fmt --check --format github
    """
    from phoenix_gitops.cli.session import finish

    options = current()
    root = options.directory.resolve()
    found = _format(root, paths)
    if check or diff:
        if diff:
            click.echo("".join(_difference(each) for each in found.changed), nl=False)
        faults = [*found.diagnostics, *map(_unformatted, found.changed)]
        said = f"{_files(found.looked_at)} in their normal form"
        return finish(options, faults, found.sources, lambda: None if faults else click.echo(said))
    for each in found.changed:
        _replace(root / each.file, each.after)
        if options.verbosity >= 0 and options.format in ("text", "concise"):
            click.echo(f"  {each.file}")
    said = f"{_files(len(found.changed))} formatted, {found.looked_at - len(found.changed)} were so already"
    return finish(options, found.diagnostics, found.sources, lambda: click.echo(said))


@dataclass(frozen=True, slots=True)
class _Changed:
    """A file that is not in its normal form."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was looked at, which of it would change, and what cannot be read."""

    looked_at: int
    changed: tuple[_Changed, ...]
    sources: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


def _format(root: Path, paths: tuple[Path, ...]) -> _Found:
    """Every file in its normal form before the first is written."""
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.formatting import normal_form
    from phoenix_gitops.source import list_policies, read_file

    listed = list_policies(root)
    wanted = [_below(root, path) for path in paths] or [""]
    for path, prefix in zip(paths, wanted, strict=False):
        if not any(_is_in(file, prefix) for file in (*listed.value, *_named(listed.diagnostics))):
            raise click.BadParameter(f"{path} holds no policies: they are phoenix.yaml, environments/ and policies/")
    faults = [d for d in listed.diagnostics if not d.primary or _wanted(d.primary.span.file, wanted)]
    changed: list[_Changed] = []
    sources: dict[str, str] = {}
    looked_at = 0
    for file in listed.value:
        if not _wanted(file, wanted):
            continue
        looked_at += 1
        content = read_file(root, file)
        if isinstance(content, Diagnostic):
            faults.append(content)
            continue
        outcome = normal_form(file, content)
        faults += outcome.diagnostics
        if outcome.value is None or outcome.value.encode() != content:
            sources[file] = content.decode("utf-8", "replace").removeprefix("\ufeff")
            if outcome.value is not None:
                changed.append(_Changed(file, sources[file], outcome.value))
    return _Found(looked_at=looked_at, changed=tuple(changed), sources=sources, diagnostics=tuple(faults))


def _below(root: Path, path: Path) -> str:
    """A path as files are named below the root; a link is not followed, as no policy is one."""
    whole = path.absolute()
    inside = Path(os.path.normpath(whole.parent.resolve() / whole.name if whole.name != ".." else whole.resolve()))
    if not inside.is_relative_to(root):
        raise click.BadParameter(f"{path} is not in the repository {root}")
    relative = inside.relative_to(root).as_posix()
    return "" if relative == "." else relative


def _is_in(file: str, prefix: str) -> bool:
    return not prefix or file == prefix or file.startswith(f"{prefix}/")


def _wanted(file: str, wanted: Iterable[str]) -> bool:
    return any(_is_in(file, prefix) for prefix in wanted)


def _named(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [d.primary.span.file for d in diagnostics if d.primary]


def _unformatted(changed: _Changed) -> Diagnostic:
    """The finding about a file that would change, at the first line that does."""
    from phoenix_gitops.diagnostics import Diagnostic, Label, Span

    before, after = changed.before.split("\n"), changed.after.split("\n")
    same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(after) - 1)
    line = min(same, len(before) - 1)
    return Diagnostic(
        code="PHX126",
        message="file is not in its normal form",
        primary=Label(Span(changed.file, line + 1, 1, line + 1, len(before[line]) + 1)),
        help=f"`phoenix fmt {changed.file}` puts it there; `--diff` shows what changes",
    )


def _difference(changed: _Changed) -> str:
    import difflib

    before, after = (text.splitlines(keepends=True) for text in (changed.before, changed.after))
    found = difflib.unified_diff(before, after, f"a/{changed.file}", f"b/{changed.file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def _replace(path: Path, text: str) -> None:
    """Puts a text in a file's place in one step; the file keeps its rights."""
    import tempfile

    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".phoenix-fmt-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(text.encode())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
