"""Drafts of policies that exist already: edits of their files that keep comments, and what stays there besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.document import Path
from phoenix_gitops.importing.drafts import Draft, Standing, Taken, changed
from phoenix_gitops.resolve import Key, Resolved

_PRESET = "preset:"


def revised(
    drafts: Sequence[Draft], policies: Mapping[Key, Resolved], sources: Mapping[str, str]
) -> tuple[Taken, tuple[Draft, ...]]:
    """Drafts as edits of the policies that bear their names, with what stays of these; and drafts that change nothing.

    `sources` are the texts of the repository's policies by file.
    """
    taken, unchanged = Taken(), []
    for draft in drafts:
        there = policies.get((draft.kind, draft.name))
        if there is None:
            taken += Taken((draft,))
            continue
        standing = Standing(sources.get(there.document.file, ""), there.document.data, there.data)
        stays = tuple(_stays(draft, there))
        if not standing.edits(draft.spec):
            unchanged.append(draft)
            taken += Taken(notes=stays)
        elif there.document.file.startswith(_PRESET):
            what = f"{draft.kind} `{draft.name}` takes the place of the preset of that name"
            span = next(iter(draft.sources.values()), there.document.value_span(()))
            taken += Taken((draft,), (changed(span, what, "give it another name if it is another"),))
        else:
            taken += Taken((replace(draft, file=there.document.file, standing=standing),), stays)
    return taken, tuple(unchanged)


def _stays(draft: Draft, there: Resolved) -> Iterator[Diagnostic]:
    for path in _besides(there.data.get("spec", {}), dict(draft.spec), ("spec",)):
        origin = there.origin(path)
        if origin.document.file.startswith(_PRESET) and there.document is not origin.document:
            continue
        what = f"`{'.'.join(map(str, path))}` of {draft.kind} `{draft.name}`"
        yield Diagnostic(
            code="PHX826",
            message=f"{what} is not in what is imported, and stays",
            primary=Label(there.document.key_span(path)),
            help="delete it if it is to go",
            severity=Severity.WARNING,
        )


def _besides(old: Any, new: Any, path: Path) -> Iterator[Path]:  # noqa: ANN401
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key not in new:
                yield (*path, key)
            else:
                yield from _besides(value, new[key], (*path, key))
