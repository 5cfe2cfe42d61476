"""SARIF 2.1.0: for code scanning and every other tool that reads the standard."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from phoenix_gitops import __version__
from phoenix_gitops.codes import CODES
from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span
from phoenix_gitops.report.summary import advice

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_FINGERPRINT = "phoenixDiagnostic/v1"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, color: bool = False) -> str:
    """One run with one result a diagnostic, as indented JSON in ASCII."""
    del color
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    fingerprints = _fingerprints(diagnostics, sources)
    run = {
        "tool": {
            "driver": {
                "name": "Phoenix GitOps",
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(diagnostic, codes.index(diagnostic.code), fingerprint)
            for diagnostic, fingerprint in zip(diagnostics, fingerprints, strict=True)
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code, "helpUri": f"docs/codes/{code}.md"}
    if known := CODES.get(code):
        rule["name"] = known.slug.title().replace("-", "")
        rule["shortDescription"] = _message(known.meaning)
    return rule


def _result(diagnostic: Diagnostic, rule: int, fingerprint: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": _LEVELS[diagnostic.severity],
        "message": _message("\n".join((diagnostic.message, *advice(diagnostic)))),
        "partialFingerprints": {_FINGERPRINT: fingerprint},
    }
    if diagnostic.primary:
        result["locations"] = [{"physicalLocation": _physical(diagnostic.primary.span)}]
    if diagnostic.secondary:
        result["relatedLocations"] = [_related(number, label) for number, label in enumerate(diagnostic.secondary)]
    return result


def _related(number: int, label: Label) -> dict[str, Any]:
    location: dict[str, Any] = {"id": number, "physicalLocation": _physical(label.span)}
    if label.text:
        location["message"] = _message(label.text)
    return location


def _physical(span: Span) -> dict[str, Any]:
    artifact = {"uri": quote(span.file, errors="backslashreplace"), "uriBaseId": _ROOT}
    if span.file.startswith("preset:"):
        del artifact["uriBaseId"]
    region = {
        "startLine": span.line,
        "startColumn": span.col,
        "endLine": span.end_line,
        "endColumn": span.end_col,
    }
    return {"artifactLocation": artifact, "region": region}


def _message(text: str) -> dict[str, str]:
    """A literal message: braces are doubled (3.11.5), and nothing in it is a link (3.11.6)."""
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _fingerprints(diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> list[str]:
    """Names of faults that survive edits elsewhere: of code, file, message, the line's text, and a count."""
    seen: Counter[str] = Counter()
    names = []
    for diagnostic in diagnostics:
        span = diagnostic.primary.span if diagnostic.primary else None
        lines = sources.get(span.file, "").split("\n") if span else []
        line = lines[span.line - 1].strip() if span and span.line <= len(lines) else ""
        parts = (diagnostic.code, span.file if span else "", diagnostic.message, line)
        name = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[name] += 1
        names.append(f"{name}:{seen[name]}")
    return names
