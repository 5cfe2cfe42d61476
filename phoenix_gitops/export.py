"""The policies of another commit as files in a folder: nothing is checked out, no link is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Span, ordered
from phoenix_gitops.vcs import (
    GitRefusedError,
    clean_environment,
    list_tree,
    open_repository,
    prefix_in,
    read_blobs,
    resolve,
)


def export(root: Path, ref: str, inputs: Sequence[str], target: Path) -> Outcome[bool]:
    """Write what `ref` holds at the paths `inputs` (below `root`) below `target`, an empty folder.

    True if there was a `phoenix.yaml`. A symbolic link or a submodule among the inputs is `PHX120`, as it is in a
    work tree; a ref or repository that is not there is `PHX910` or `PHX901`.
    """
    with clean_environment():
        try:
            repo = open_repository(root)
            with repo:
                prefix = prefix_in(repo, root)
                listed = list_tree(repo, resolve(repo, ref), [prefix + path for path in inputs])
                entries = {path.removeprefix(prefix): entry for path, entry in sorted(listed.items())}
                faults = tuple(_link(path) for path, entry in entries.items() if entry.kind != "blob")
                if faults:
                    return Outcome(False, ordered(faults))
                blobs = read_blobs(repo, (entry.oid for entry in entries.values()))
        except GitRefusedError as error:
            return Outcome(False, error.diagnostics)
    for path, entry in entries.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(blobs[entry.oid])
    return Outcome("phoenix.yaml" in entries)


def _link(path: str) -> Diagnostic:
    return Diagnostic(
        code="PHX120",
        message="symbolic links are not followed",
        primary=Label(Span(path, 1, 1, 1, 1)),
        help="put the file or folder itself there, or compare with another commit",
    )
