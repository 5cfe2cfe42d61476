"""What the compiler has to say to a user: values, never exceptions.

A `Diagnostic` names one fault, where it stands and what to do. Every stage returns an `Outcome`:
its value, if it has one, and all the diagnostics it found. Rendering lives in `report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Severity(StrEnum):
    """How much a diagnostic weighs: an error stops the compile, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range in a file: 1-based lines and columns, columns in code points, end exclusive.

    `file` is relative to the repository's root, with `/`. Built-in presets are named `preset:NAME`.
    """

    file: str
    line: int
    col: int
    end_line: int
    end_col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


@dataclass(frozen=True, slots=True)
class Label:
    """A span with a short text that stands beside its caret."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One fault: what (`message`), where (`primary`, `secondary`) and what to do (`help`).

    `message` is one line in lower case without a full stop; it quotes values in backticks.
    """

    code: str
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    help: str = ""
    notes: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """A total order: file, line, column, code, message."""
        span = self.primary.span if self.primary else Span("", 0, 0, 0, 0)
        return (span.file, span.line, span.col, self.code, self.message)


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Without duplicates, in the order in which they are always shown."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: d.sort_key))


def folded(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In order, and those that differ in their notes only, as one fault does in many generated files, as one.

    Of faults the first place is told and the others are counted; what is no fault tells all.
    """
    alike: dict[Diagnostic, list[Diagnostic]] = {}
    for diagnostic in ordered(diagnostics):
        alike.setdefault(replace(diagnostic, notes=()), []).append(diagnostic)
    return tuple(_one(group) for group in alike.values())


def _one(group: Sequence[Diagnostic]) -> Diagnostic:
    first = group[0]
    if len(group) == 1:
        return first
    if first.severity is Severity.NOTE:
        return replace(first, notes=tuple(sorted({note for one in group for note in one.notes})))
    return replace(first, notes=(*first.notes, _more(len(group) - 1)))


def _more(count: int) -> str:
    return f"and in {count} more place{'' if count == 1 else 's'}"


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them stops the compile."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """A stage's value and what it found; the value of a stage with errors is not used further."""

    value: T
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether the next stage may run."""
        return not has_errors(self.diagnostics)
