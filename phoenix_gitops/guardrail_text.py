"""What a guardrail file must be before `cue` sees it: small, readable, and asking for nothing but to compute."""

from __future__ import annotations

import re

from phoenix_gitops.cue_text import ALLOWED_IMPORTS, CueText, UnreadableError
from phoenix_gitops.diagnostics import Diagnostic, Label, Span

MAX_BYTES = 128 * 1024
_PACKAGE = re.compile(r"[a-z][a-z0-9_]*")


def read_guardrail(file: str, text: str) -> tuple[CueText | None, list[Diagnostic]]:
    """The file's tokens, or None and what stands against running it."""
    top = Label(Span(file, 1, 1, 1, 2))
    if len(text.encode()) > MAX_BYTES:
        message = f"guardrail file is larger than {MAX_BYTES // 1024} KiB"
        return None, [Diagnostic(code="PHX408", message=message, primary=top, help="split it")]
    try:
        cue = CueText.read(file, text)
    except UnreadableError as error:
        line = text.count("\n", 0, error.offset) + 1
        column = error.offset - (text.rfind("\n", 0, error.offset) + 1) + 1
        label = Label(Span(file, line, column, line, column + 1))
        message = "string or interpolation does not end, or nests too deep"
        return None, [Diagnostic(code="PHX402", message=message, primary=label, help="close it")]
    found = _attributes(cue) or [*_imports(cue), *_form(cue, top)]
    return (None if found else cue), found


def _attributes(cue: CueText) -> list[Diagnostic]:
    hint = "remove it: attributes read files, tags or the build, and a guardrail sees nothing but `input`"
    return [
        Diagnostic(
            code="PHX404",
            message=f"guardrail has the attribute `{mark.text}`",
            primary=Label(cue.span(mark), "not allowed here"),
            help=hint,
        )
        for mark in cue.attributes()
    ]


def _imports(cue: CueText) -> list[Diagnostic]:
    hint = f"guardrails may import {', '.join(f'`{name}`' for name in sorted(ALLOWED_IMPORTS))}"
    return [
        Diagnostic(
            code="PHX403",
            message=f"guardrail imports `{path or token.text}`",
            primary=Label(cue.span(token), "not allowed here"),
            help=hint,
        )
        for token, path in cue.imports()
        if path not in ALLOWED_IMPORTS
    ]


def _form(cue: CueText, top: Label) -> list[Diagnostic]:
    package = cue.package()
    if package is None or not _PACKAGE.fullmatch(package.text):
        message = "guardrail does not begin with a package clause"
        hint = "write `package guardrails` as its first line"
        return [Diagnostic(code="PHX402", message=message, primary=top, help=hint)]
    if not cue.has_label("violations"):
        message = "guardrail never fills `violations`, so it can object to nothing"
        hint = "write `violations: NAME: {path: [kind, name, ...], message: ...}` under the condition"
        return [Diagnostic(code="PHX407", message=message, primary=top, help=hint)]
    return []
