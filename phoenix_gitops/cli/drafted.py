"""What `phoenix import` does with files: reads what is imported, tries drafts in a folder, writes them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from phoenix_gitops.artifact import RenderedFile
    from phoenix_gitops.cli.options import Common
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.importing.drafts import Draft


def contents(sources: Sequence[str]) -> dict[str, bytes]:
    """The inputs by the names that findings give them, folders opened, in the order in which they were named."""
    from phoenix_gitops.importing.reading import MAX_BYTES

    found: dict[str, bytes] = {}
    for source in sources:
        if source == "-":
            found["<stdin>"] = sys.stdin.buffer.read(MAX_BYTES + 1)
            continue
        path = Path(source)
        below = (p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"} or is_env(p.name))
        paths = sorted(below) if path.is_dir() else [path]
        for one in paths:
            try:
                with one.open("rb") as file:
                    found[one.as_posix()] = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise click.ClickException(f"cannot read {one}: {error.strerror}") from error
    return found


def is_env(name: str) -> bool:
    """Whether a file holds variables of an environment, keys perhaps among them."""
    return name.endswith(".env") or Path(name).name.startswith(".env.")


def judged(options: Common, root: Path, files: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """What the compiler says of the repository with these files."""
    return compiled_with(options, root, files)[0]


def compiled_with(
    options: Common, root: Path, files: Mapping[str, str]
) -> tuple[tuple[Diagnostic, ...], tuple[RenderedFile, ...]]:
    """What the compiler says and makes of the repository with these files, in a folder that is gone afterwards."""
    from phoenix_gitops.cli.session import compile_all
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain
    from phoenix_gitops.publish import INPUTS

    with tempfile.TemporaryDirectory(prefix="phoenix-import-") as name:
        folder = Path(name)
        for part in INPUTS:
            if (root / part).is_dir():
                shutil.copytree(root / part, folder / part, symlinks=True)
            elif (root / part).exists():
                shutil.copy2(root / part, folder / part)
        _put(folder, files)
        result = run_front(folder, constrain)
        if has_errors(result.diagnostics):
            return result.diagnostics, ()
        compiled, faults = compile_all(replace(options, verbosity=-1), result, (), cache=False)
        said = (*result.diagnostics, *faults, *(d for one in compiled for d in one.diagnostics))
        return said, tuple(file for one in compiled for file in one.files)


def exists(path: Path) -> bool:
    """Whether something stands there, be it a link to nothing."""
    return path.exists() or path.is_symlink()


def _put(root: Path, files: Mapping[str, str]) -> None:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")


def write(root: Path, drafts: Sequence[Draft]) -> None:
    """Write the drafts' files; where the system refuses one, those before it are as they were."""
    written: list[tuple[Path, bytes | None]] = []
    try:
        for draft in drafts:
            target = root / draft.file
            target.parent.mkdir(parents=True, exist_ok=True)
            text = draft.text()
            if draft.standing is None:
                with target.open("x", encoding="utf-8") as file:
                    written.append((target, None))
                    file.write(text)
                continue
            before = target.read_bytes()
            if before.decode() != draft.standing.text:
                raise click.ClickException(
                    f"{draft.file} changed while it was being imported into; nothing was written"
                )
            written.append((target, before))
            target.write_bytes(text.encode())
    except (OSError, click.ClickException) as error:
        _undo(written)
        if isinstance(error, click.ClickException):
            raise
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error


def _undo(written: Sequence[tuple[Path, bytes | None]]) -> None:
    for target, before in written:
        if before is None:
            target.unlink(missing_ok=True)
        else:
            target.write_bytes(before)
