"""One line a diagnostic, as compilers write it; editors and grep understand it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.report.characters import visible
from phoenix_gitops.report.summary import location


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, color: bool = False) -> str:
    """`file:line:col: severity[code]: message (help)`, without a place where there is none."""
    del sources, color
    return "".join(f"{_line(diagnostic)}\n" for diagnostic in diagnostics)


def _line(diagnostic: Diagnostic) -> str:
    place = f"{location(diagnostic.primary.span)}: " if diagnostic.primary else ""
    help_ = " ".join(diagnostic.help.split("\n"))
    text = f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
    return place + visible(f"{text} ({help_})" if help_ else text)
