"""The formats for machines: concise, json and github."""

from __future__ import annotations

import json
import re

from phoenix_gitops.diagnostics import Diagnostic, Label, Span
from phoenix_gitops.report import REPORTERS
from phoenix_gitops.report.json import as_data
from tests.unit.report.samples import DUPLICATE, FILE, HOSTILE, HOSTILE_SOURCES, NO_PLACE, OTHER, SOURCES, UNKNOWN

ALL = [UNKNOWN, DUPLICATE, NO_PLACE]


def test_the_formats() -> None:
    assert list(REPORTERS) == ["text", "concise", "json", "github", "sarif"]


def test_concise() -> None:
    assert REPORTERS["concise"](ALL, SOURCES, color=True) == (
        "policies/tenants/a.yaml:4:3: error[PHX202]: unknown field `lables` (did you mean `labels`?)\n"
        "policies/tenants/a.yaml:3:9: warning[PHX301]: two policies named `a`\n"
        "note[PHX501]: there is no Platform\n"
    )


def test_concise_says_help_of_several_lines_in_one() -> None:
    fault = Diagnostic(code="PHX202", message="m", help="one\ntwo")
    assert REPORTERS["concise"]([fault], {}) == "error[PHX202]: m (one two)\n"


def test_github() -> None:
    assert REPORTERS["github"](ALL, SOURCES) == (
        "::error file=policies/tenants/a.yaml,line=4,endLine=4,col=3,endColumn=9,title=PHX202 unknown-field"
        "::unknown field `lables`%0Anot a field of Tenant.metadata%0Ahelp: did you mean `labels`?"
        "%0Anote: overlays base.yaml\n"
        "::warning file=policies/tenants/a.yaml,line=3,endLine=3,col=9,endColumn=10,title=PHX301 duplicate-policy"
        "::two policies named `a`%0Aenvironments/prod.yaml:1:7: the other%0Apolicies/tenants/a.yaml:1:1: kind\n"
        "::notice title=PHX501 no-platform::there is no Platform\n"
    )


def test_github_has_no_columns_for_several_lines() -> None:
    fault = Diagnostic(code="PHX202", message="m", primary=Label(Span("f", 1, 4, 3, 2)))
    assert REPORTERS["github"]([fault], {}) == "::error file=f,line=1,endLine=3,title=PHX202 unknown-field::m\n"


def test_a_stranger_cannot_act_through_lines() -> None:
    for name in ("concise", "github"):
        drawn = REPORTERS[name]([HOSTILE], HOSTILE_SOURCES)
        assert drawn.count("\n") == 1
        assert not re.search(r"[^\n\x20-\x7e]", drawn), name
        assert not re.search(r"##(\[|vso\[)", drawn), name
    assert not REPORTERS["concise"]([HOSTILE], {}).startswith("::")
    command = REPORTERS["github"]([HOSTILE], {})
    match = re.fullmatch(r"::error (?P<properties>[^:]*)::(?P<data>.*)\n", command)
    assert match is not None
    assert match["properties"] == (
        "file=%3A%3Aset-env name=a%2Cb%3Ac%25%3A%3A.yaml,line=1,endLine=2,title=PHX202 unknown-field"
    )
    assert "%250A" in match["data"]


def test_json() -> None:
    text = REPORTERS["json"](ALL, SOURCES, color=True)
    assert text.isascii()
    assert json.loads(text) == as_data(ALL)
    data = as_data(ALL)
    assert data["version"] == 1
    assert data["summary"] == {"error": 1, "warning": 1, "note": 1}
    assert data["diagnostics"][0] == {
        "code": "PHX202",
        "slug": "unknown-field",
        "severity": "error",
        "message": "unknown field `lables`",
        "primary": {
            "file": FILE,
            "line": 4,
            "column": 3,
            "endLine": 4,
            "endColumn": 9,
            "text": "not a field of Tenant.metadata",
        },
        "secondary": [],
        "help": "did you mean `labels`?",
        "notes": ["overlays base.yaml"],
    }
    assert [label["file"] for label in data["diagnostics"][1]["secondary"]] == [OTHER, FILE]
    assert data["diagnostics"][2]["primary"] is None


def test_json_of_nothing_and_of_an_unknown_code() -> None:
    assert json.loads(REPORTERS["json"]([], {})) == {
        "version": 1,
        "diagnostics": [],
        "summary": {"error": 0, "warning": 0, "note": 0},
    }
    assert as_data([Diagnostic(code="PHX000", message="m")])["diagnostics"][0]["slug"] == ""


def test_json_keeps_every_text_as_it_is() -> None:
    text = REPORTERS["json"]([HOSTILE], {})
    assert not re.search(r"[^\n\x20-\x7e]", text)
    assert json.loads(text)["diagnostics"][0]["message"] == HOSTILE.message
