"""The policies as they were at a commit, in a folder that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_gitops.diagnostics import Outcome

if TYPE_CHECKING:
    from phoenix_gitops.front import Constrain, Front


@contextmanager
def policies_at(root: Path, ref: str, constrain: Constrain | None = None) -> Iterator[Outcome[Front | None]]:
    """What the policies of `ref` come to; None if it holds no platform, or why they cannot be had.

    Fetched schemas are not committed: those at hand lie there, too.
    """
    from phoenix_gitops.export import export
    from phoenix_gitops.front import run_front
    from phoenix_gitops.publish import INPUTS

    with tempfile.TemporaryDirectory(prefix="phoenix-former-") as name:
        folder = Path(name)
        exported = export(root, ref, INPUTS, folder)
        if not exported.value:
            yield Outcome(None, exported.diagnostics)
            return
        crds = root / "schemas" / "crds"
        if crds.is_dir() and not crds.is_symlink():
            shutil.copytree(crds, folder / "schemas" / "crds", symlinks=True, dirs_exist_ok=True)
        yield Outcome(run_front(folder, constrain))


def changed_inputs(before: Path | None, after: Path) -> list[str]:
    """The input files that differ between two folders, by path; None stands for an empty one."""
    from phoenix_gitops.publish import INPUTS

    olds, news = (_inputs(root, INPUTS) if root else {} for root in (before, after))
    return sorted(path for path in olds.keys() | news.keys() if olds.get(path) != news.get(path))


def _inputs(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Plain files of these names, or below them; links are none, in a commit as in a folder."""
    found = {}
    for name in names:
        top = root / name
        for path in [top, *top.rglob("*")]:
            inside = path.relative_to(root)
            if path.is_symlink() or not path.is_file() or inside.parts[:2] == ("schemas", "crds"):
                continue
            found[inside.as_posix()] = path.read_bytes()
    return found
