"""What all formats say in the same words: counts, places in one line, help and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from phoenix_gitops.diagnostics import Diagnostic, Severity, Span
from phoenix_gitops.report.characters import visible


def counts(diagnostics: Sequence[Diagnostic]) -> dict[Severity, int]:
    """How many there are of each severity, the weightiest first."""
    found = Counter(diagnostic.severity for diagnostic in diagnostics)
    return {severity: found[severity] for severity in Severity}


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """The counts in words: `2 errors, 1 warning`."""
    return ", ".join(
        f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counts(diagnostics).items() if number
    )


def location(span: Span) -> str:
    """`file:line:col`, safe at the start of a line."""
    return visible(str(span)).replace("::", r":\x3a")


def advice(diagnostic: Diagnostic) -> list[str]:
    """Help, notes and what the labels say, a line each: what formats without carets add to the message."""
    primary, lines = diagnostic.primary, []
    if primary and primary.text:
        lines.append(primary.text)
    lines += [f"{label.span}: {label.text}" if label.text else f"see {label.span}" for label in diagnostic.secondary]
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    lines += [f"note: {note}" for note in diagnostic.notes]
    return lines
