r"""Diagnostics for programs.

The shape, which only grows within a version:

    {"version": 1,
     "diagnostics": [{"code": "PHX107", "slug": "duplicate-key", "severity": "error", "message": "...",
                      "primary": LABEL or null, "secondary": [LABEL], "help": "...", "notes": ["..."]}],
     "summary": {"error": 1, "warning": 0, "note": 0}}

LABEL is `{"file", "line", "column", "endLine", "endColumn", "text"}`: lines and columns begin at 1, columns
count code points, the end is exclusive. Texts are as they are; a terminal needs them escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from phoenix_gitops.codes import CODES
from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.report.summary import counts

VERSION = 1


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, color: bool = False) -> str:
    """The diagnostics as indented JSON in ASCII."""
    del sources, color
    return json.dumps(as_data(diagnostics), indent=2) + "\n"


def as_data(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """The diagnostics in the shape above."""
    return {
        "version": VERSION,
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnostics],
        "summary": {str(severity): number for severity, number in counts(diagnostics).items()},
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    known = CODES.get(diagnostic.code)
    return {
        "code": diagnostic.code,
        "slug": known.slug if known else "",
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "primary": _label(diagnostic.primary) if diagnostic.primary else None,
        "secondary": [_label(label) for label in diagnostic.secondary],
        "help": diagnostic.help,
        "notes": list(diagnostic.notes),
    }


def _label(label: Label) -> dict[str, str | int]:
    span = label.span
    return {
        "file": span.file,
        "line": span.line,
        "column": span.col,
        "endLine": span.end_line,
        "endColumn": span.end_col,
        "text": label.text,
    }
