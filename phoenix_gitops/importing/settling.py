"""Drafts before the compiler: parts that it refuses are left out and told, until it takes the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span, ordered
from phoenix_gitops.document import Path
from phoenix_gitops.importing.drafts import WHOLE, Draft, Taken
from phoenix_gitops.source import parse

Judge = Callable[[Mapping[str, str]], tuple[Diagnostic, ...]]
"""What the compiler says of the repository with these files in it."""

Complete = Callable[[tuple[Draft, ...]], tuple[Draft, ...]]
"""Adds drafts that follow from others."""


def settle(taken: Taken, complete: Complete, judge: Judge) -> tuple[Taken, tuple[Diagnostic, ...]]:
    """Drafts that the compiler takes, with all notes; or its errors, where it refuses more than parts of drafts."""
    drafts, notes = taken.drafts, list(taken.notes)
    while True:
        whole = complete(drafts)
        errors = [d for d in judge({draft.file: draft.text() for draft in whole}) if d.severity is Severity.ERROR]
        refused = dict(_refused(drafts, errors))
        if not errors or not refused:
            return Taken(whole, ordered(notes)), tuple(errors)
        notes += [_told(drafts[at], path, error) for (at, path), error in refused.items()]
        drafts = tuple(_reduced(draft, at, refused) for at, draft in enumerate(drafts) if (at, WHOLE) not in refused)
        drafts = tuple(draft for draft in drafts if not _empty(draft))


def _refused(drafts: tuple[Draft, ...], errors: list[Diagnostic]) -> Iterator[tuple[tuple[int, Path], Diagnostic]]:
    """((draft, part), error): the last error of each part that may be left out."""
    for at, draft in enumerate(drafts):
        mine = [error for error in errors if error.primary is not None and error.primary.span.file == draft.file]
        document = parse(draft.file, draft.text().encode()).value if mine else None
        if document is None:
            continue
        for error in mine:
            assert error.primary is not None
            held = [path for path in draft.sources if _holds(document.value_span(path), error.primary.span)]
            if held:
                yield (at, max(held, key=len)), error


def _holds(outer: Span, inner: Span) -> bool:
    return (outer.line, outer.col) <= (inner.line, inner.col) <= (outer.end_line, outer.end_col)


def _told(draft: Draft, path: Path, error: Diagnostic) -> Diagnostic:
    what = f"{draft.kind} `{draft.name}`"
    if path:
        item, key = draft.part(path), str(path[-2])
        name = item if isinstance(item, str) else item.get("alert", item.get("record"))
        what = f"{key.removesuffix('s')} `{name}`"
    message = f"{what} is not carried over: {error.message} ({error.code})"
    return Diagnostic(
        code="PHX821",
        message=message,
        primary=Label(draft.sources[path]),
        help=error.help,
        severity=Severity.WARNING,
    )


def _reduced(draft: Draft, at: int, refused: Mapping[tuple[int, Path], Diagnostic]) -> Draft:
    # From behind, so that the places of those before stay what they are.
    paths = sorted((path for index, path in refused if index == at and path), key=lambda path: -int(path[-1]))
    for path in paths:
        draft = draft.without(path)
    return draft


def _empty(draft: Draft) -> bool:
    return draft.kind == "RuleSet" and not draft.spec.get("records") and not draft.spec.get("alerts")


def in_the_way(draft: Draft) -> Diagnostic:
    """The error that a file stands where a draft would be written."""
    return Diagnostic(
        code="PHX823",
        message=f"`{draft.file}` exists, and an import overwrites nothing",
        primary=Label(Span(draft.file, 1, 1, 1, 1)),
        help="edit it with `--update`, move it away, or import into another folder with `--to`",
    )
