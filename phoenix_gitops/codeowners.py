"""CODEOWNERS: whom the forge asks about a file. By field and amount only `phoenix diff --approvers` can say it."""

from __future__ import annotations

from collections.abc import Iterable

from phoenix_gitops.approvals import is_path
from phoenix_gitops.document import Document
from phoenix_gitops.model.platform import Platform

FILE = ".github/CODEOWNERS"

_HEAD = """\
# Written by `phoenix owners`. Do not edit: it follows from metadata.owner of the policies and from spec.review of
# phoenix.yaml. The last line that fits a file counts.
"""


def codeowners(platform: Platform, documents: Iterable[Document]) -> str:
    """The file's text: the platform's owner for everything, then each policy's, then the rules by path."""
    review = platform.spec.review
    by_path = [(glob, tuple(rule.owners)) for rule in review.approvals for glob in rule.paths]

    def handles(owners: Iterable[str]) -> str:
        return " ".join(review.code_owner.replace("{owner}", owner) for owner in dict.fromkeys(owners))

    lines = [f"* {handles([platform.metadata.owner])}"]
    lines += [f"/{_escaped(_pattern(glob))} {handles(owners)}" for glob, owners in by_path]
    for document in sorted(documents, key=lambda one: one.file):
        metadata = document.data.get("metadata")
        owner = metadata.get("owner") if isinstance(metadata, dict) else None
        if isinstance(owner, str):
            # The last match counts alone: whom a rule asks about this file is named here again.
            others = [name for glob, owners in by_path if is_path(glob, document.file) for name in owners]
            lines.append(f"/{_escaped(document.file)} {handles([owner, *others])}")
    return _HEAD + "\n".join(lines) + "\n"


def _pattern(glob: str) -> str:
    """A folder's files are meant with it."""
    return glob.removesuffix("**") if glob.endswith("/**") else glob


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(" ", "\\ ").replace("#", "\\#")
