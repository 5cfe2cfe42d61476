"""Policies as they become, edit by edit, and who refers to a tenant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from phoenix_gitops.document import Document, Path
from phoenix_gitops.edits import Edit, Remove, Set, edited
from phoenix_gitops.front import Front
from phoenix_gitops.life.base import Changes
from phoenix_gitops.schemas import REF, marked_paths, values_at
from phoenix_gitops.source import parse


class Drafting:
    """The repository's own policies; each edit is made on what the former ones left."""

    def __init__(self, front: Front) -> None:
        self._documents = {document.file: document for document in front.documents}
        self._texts = {file: front.sources[file] for file in self._documents}
        self._changes: dict[str, str | None] = {}

    @property
    def documents(self) -> list[Document]:
        """Every policy as it is by now, by file."""
        return [self._documents[file] for file in sorted(self._documents)]

    def find(self, kind: str, name: str) -> Document | None:
        """The policy of that kind and name."""
        return next((d for d in self._documents.values() if (d.kind, d.name) == (kind, name)), None)

    def edit(self, document: Document, *edits: Edit) -> None:
        """Makes edits in a policy's file; comments stay."""
        self.write(document.file, edited(self._texts[document.file], edits))

    def write(self, file: str, text: str) -> None:
        """Gives a file this text; the same as it has is no change."""
        if self._texts.get(file) == text:
            return
        outcome = parse(file, text.encode())
        assert outcome.value is not None, outcome.diagnostics
        self._documents[file], self._texts[file], self._changes[file] = outcome.value, text, text

    def remove(self, document: Document) -> None:
        """Removes a policy's file."""
        del self._documents[document.file], self._texts[document.file]
        self._changes[document.file] = None

    def move(self, document: Document, file: str) -> Document:
        """Moves a policy's file; gives the policy as it lies there."""
        text = self._texts[document.file]
        self.remove(document)
        self.write(file, text)
        return self._documents[file]

    def take(self) -> Changes:
        """What was changed since this was asked last."""
        changes, self._changes = self._changes, {}
        return dict(sorted(changes.items()))


def references(document: Document, kind: str, name: str) -> list[Path]:
    """Where a policy names another one, its base excepted."""
    patterns = [pattern for pattern, other in marked_paths(document.kind, REF) if other == kind]
    return [path for pattern in patterns for path, value in values_at(document.data, pattern) if value == name]


def belongs(document: Document, tenant: str) -> bool:
    """Whether a policy is a tenant's own: it says so, and means nothing without it."""
    return any(not isinstance(path[-1], int) for path in references(document, "Tenant", tenant))


def let_go(draft: Drafting, tenant: str) -> None:
    """Takes a tenant out of the lists of all others."""
    for document in draft.documents:
        for path in reversed(references(document, "Tenant", tenant)):
            if isinstance(path[-1], int):
                current = draft.find(document.kind, document.name)
                assert current is not None
                draft.edit(current, _without(current, path))


def _without(document: Document, path: Path) -> Edit:
    """An item taken out of its list; what is empty then goes with it, unless it would be inherited again."""
    inherits = "extends" in document.data["spec"]
    if inherits and len(_at(document.data, path[:-1])) == 1:
        return Set(path[:-1], [])
    while len(path) > 2 and len(_at(document.data, path[:-1])) == 1:
        path = path[:-1]
    return Remove(path)


def _at(data: Any, path: Path) -> Any:  # noqa: ANN401 (plain data)
    for step in path:
        data = data[step]
    return data


def approvals_of(document: Document, folder: str) -> Iterator[tuple[int, list[int], int]]:
    """Rules of approval that name a folder or what is in it: which rule, which of its paths, and how many it has."""
    review = document.data["spec"].get("review")
    rules = review.get("approvals") if isinstance(review, dict) else None
    for i, rule in enumerate(rules if isinstance(rules, list) else ()):
        paths = rule.get("paths") or []
        named = [j for j, path in enumerate(paths) if f"{path.rstrip('/*')}/".startswith(f"{folder}/")]
        if named:
            yield i, named, len(paths)


def folder_of(document: Document) -> str:
    """The folder that is a tenant's alone; empty where its file lies among others'."""
    file = PurePosixPath(document.file)
    return file.parent.as_posix() if file.parent.name == document.name else ""


def mentions(documents: Iterable[Document], tenant: str) -> list[str]:
    """Where texts name a tenant by its label, as `file:line:col`: what only a person can judge."""
    label = re.compile(rf"tenant_id\W.*?(?<![A-Za-z0-9-]){re.escape(tenant)}(?![A-Za-z0-9-])", re.DOTALL)
    return [
        str(document.value_span(path))
        for document in documents
        if not belongs(document, tenant)
        for path, text in _texts(document.data, ())
        if label.search(text)
    ]


def _texts(data: Any, path: Path) -> Iterator[tuple[Path, str]]:  # noqa: ANN401 (plain data)
    if isinstance(data, str):
        yield path, data
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in items:
        yield from _texts(value, (*path, step))
