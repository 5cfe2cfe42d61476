"""GitHub workflow commands: annotations beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_gitops.codes import CODES
from phoenix_gitops.diagnostics import Diagnostic, Severity
from phoenix_gitops.report.characters import visible
from phoenix_gitops.report.summary import advice

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, color: bool = False) -> str:
    """One workflow command a line."""
    del sources, color
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    known = CODES.get(diagnostic.code)
    properties: dict[str, str | int] = {}
    if diagnostic.primary:
        span = diagnostic.primary.span
        properties = {"file": span.file, "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:
            # GitHub takes columns only on annotations of one line.
            properties |= {"col": span.col, "endColumn": span.end_col}
    properties["title"] = f"{diagnostic.code} {known.slug}" if known else diagnostic.code
    lines = "\n".join((diagnostic.message, *advice(diagnostic))).split("\n")
    body = "%0A".join(map(_data, lines))
    return f"::{_COMMANDS[diagnostic.severity]} {_properties(properties)}::{body}"


def _properties(properties: Mapping[str, str | int]) -> str:
    return ",".join(
        f"{name}={_data(str(value)).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )


def _data(text: str) -> str:
    return visible(text).replace("%", "%25")
