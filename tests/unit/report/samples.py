"""Diagnostics for the reporters' tests."""

from __future__ import annotations

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span

FILE = "policies/tenants/a.yaml"
OTHER = "environments/prod.yaml"
SOURCES = {
    FILE: "kind: Tenant\nmetadata:\n  name: a\n  lables: {team: pay}\nspec: x\n",
    OTHER: "kind: Environment\n",
}

UNKNOWN = Diagnostic(
    code="PHX202",
    message="unknown field `lables`",
    primary=Label(Span(FILE, 4, 3, 4, 9), "not a field of Tenant.metadata"),
    help="did you mean `labels`?",
    notes=("overlays base.yaml",),
)
DUPLICATE = Diagnostic(
    code="PHX301",
    message="two policies named `a`",
    primary=Label(Span(FILE, 3, 9, 3, 10)),
    secondary=(Label(Span(OTHER, 1, 7, 1, 18), "the other"), Label(Span(FILE, 1, 1, 1, 5), "kind")),
    severity=Severity.WARNING,
)
NO_PLACE = Diagnostic(code="PHX501", message="there is no Platform", severity=Severity.NOTE)

# What a stranger would write: terminal escapes, workflow commands of both kinds, lines, directions, links.
HOSTILE_TEXT = "\x1b[31m\r\n::error::x\n##[add-mask]y ##vso[task]z \u202e\x9b\x07 %0A {0} [a](b)"
HOSTILE = Diagnostic(
    code="PHX202",
    message=f"unknown field `{HOSTILE_TEXT}`",
    primary=Label(Span("::set-env name=a,b:c%::.yaml", 1, 1, 2, 3), HOSTILE_TEXT),
    secondary=(Label(Span("x\n::debug::y", 1, 1, 1, 2), HOSTILE_TEXT),),
    help=HOSTILE_TEXT,
    notes=(HOSTILE_TEXT,),
)
HOSTILE_SOURCES = {
    "::set-env name=a,b:c%::.yaml": HOSTILE_TEXT,
    "x\n::debug::y": HOSTILE_TEXT,
}
