"""SARIF 2.1.0: structural checks written from the standard (sections in brackets).

The standard's JSON Schema is not part of any package that we depend on, so what it demands of the properties
that we write is checked here by hand: required properties, allowed values, no unknown properties.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from phoenix_gitops.diagnostics import Diagnostic, Label, Span
from phoenix_gitops.report import REPORTERS
from tests.unit.report.samples import DUPLICATE, HOSTILE, HOSTILE_SOURCES, NO_PLACE, SOURCES, UNKNOWN

ALL = [UNKNOWN, DUPLICATE, UNKNOWN, NO_PLACE, HOSTILE]

# Object -> required and optional properties, of those that we use.
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "log": ({"version", "runs"}, {"$schema"}),  # 3.13
    "run": ({"tool"}, {"results", "columnKind"}),  # 3.14
    "tool": ({"driver"}, set()),  # 3.18
    "driver": ({"name"}, {"semanticVersion", "rules"}),  # 3.19
    "rule": ({"id"}, {"name", "shortDescription", "helpUri"}),  # 3.49
    "result": (  # 3.27
        {"message"},
        {"ruleId", "ruleIndex", "level", "locations", "relatedLocations", "partialFingerprints"},
    ),
    "message": ({"text"}, set()),  # 3.11
    "location": (set(), {"id", "physicalLocation", "message"}),  # 3.28
    "physicalLocation": ({"artifactLocation"}, {"region"}),  # 3.29
    "artifactLocation": (set(), {"uri", "uriBaseId"}),  # 3.4
    "region": (set(), {"startLine", "startColumn", "endLine", "endColumn"}),  # 3.30
}


def shaped(name: str, value: Any) -> dict[str, Any]:
    required, optional = SHAPES[name]
    assert isinstance(value, dict), name
    assert required <= value.keys() <= required | optional, (name, value)
    return value


def check_location(location: Any) -> None:
    shaped("location", location)
    if "message" in location:
        check_message(location["message"])
    if "id" in location:
        assert location["id"] >= 0
    physical = shaped("physicalLocation", location["physicalLocation"])
    artifact = shaped("artifactLocation", physical["artifactLocation"])
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", artifact["uri"]), "RFC 3986, relative"
    region = shaped("region", physical["region"])
    assert all(isinstance(number, int) and number >= 1 for number in region.values())
    assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])


def check_message(message: Any) -> None:
    text = shaped("message", message)["text"]
    assert text
    assert "{" not in text.replace("{{", ""), "3.11.5: a single brace begins a placeholder"
    assert not re.search(r"\[[^\[\]]*\]\([^)]*\)", text), "3.11.6: no link"


def check(text: str) -> dict[str, Any]:
    assert text.isascii()
    log = shaped("log", json.loads(text))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    shaped("run", run)
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = shaped("driver", shaped("tool", run["tool"])["driver"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    for rule in driver["rules"]:
        shaped("rule", rule)
        check_message(rule["shortDescription"])
    identifiers = [rule["id"] for rule in driver["rules"]]
    assert len(set(identifiers)) == len(identifiers)
    for result in run["results"]:
        shaped("result", result)
        check_message(result["message"])
        assert result["level"] in {"none", "note", "warning", "error"}
        assert identifiers[result["ruleIndex"]] == result["ruleId"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        related = result.get("relatedLocations", [])
        for location in (*result.get("locations", []), *related):
            check_location(location)
        assert len({location["id"] for location in related}) == len(related)
    return run


def test_it_is_sarif() -> None:
    run = check(REPORTERS["sarif"](ALL, {**SOURCES, **HOSTILE_SOURCES}))
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["PHX202", "PHX301", "PHX501"]
    assert run["tool"]["driver"]["rules"][0] == {
        "id": "PHX202",
        "name": "UnknownField",
        "shortDescription": {"text": "a field that its kind does not have"},
        "helpUri": "docs/codes/PHX202.md",
    }
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error", "note", "error"]


def test_a_run_without_findings_has_empty_results() -> None:
    run = check(REPORTERS["sarif"]([], {}))
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_places_and_messages() -> None:
    first, second = check(REPORTERS["sarif"]([UNKNOWN, DUPLICATE], SOURCES))["results"]
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "policies/tenants/a.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 4, "startColumn": 3, "endLine": 4, "endColumn": 9},
            }
        }
    ]
    assert first["message"]["text"] == (
        "unknown field `lables`\nnot a field of Tenant.metadata\nhelp: did you mean `labels`?\nnote: overlays base.yaml"
    )
    assert [location["message"]["text"] for location in second["relatedLocations"]] == ["the other", "kind"]


def test_file_names_are_percent_encoded() -> None:
    files = ["policies/a b/é%#?.yaml", "preset:pipeline/full", "policies/\\udcff.yaml"]
    faults = [replace(UNKNOWN, primary=Label(Span(file, 1, 1, 1, 2))) for file in files]
    results = check(REPORTERS["sarif"](faults, {}))["results"]
    artifacts = [r["locations"][0]["physicalLocation"]["artifactLocation"] for r in results]
    assert [unquote(artifact["uri"]) for artifact in artifacts] == files
    assert artifacts[0]["uri"] == "policies/a%20b/%C3%A9%25%23%3F.yaml"
    assert ["uriBaseId" in artifact for artifact in artifacts] == [True, False, True]


def fingerprints(faults: list[Diagnostic], sources: dict[str, str]) -> list[str]:
    results = check(REPORTERS["sarif"](faults, sources))["results"]
    return [result["partialFingerprints"]["phoenixDiagnostic/v1"] for result in results]


def test_fingerprints_survive_edits_elsewhere() -> None:
    span = Span("f", 2, 1, 2, 2)
    here = replace(UNKNOWN, primary=Label(span))
    (before,) = fingerprints([here], {"f": "a: 1\nb: 2\n"})
    (moved,) = fingerprints([replace(here, primary=Label(Span("f", 3, 3, 3, 4)))], {"f": "\na: 1\n  b: 2\r\n"})
    assert before == moved
    assert re.fullmatch(r"[0-9a-f]{32}:1", before)
    (changed,) = fingerprints([here], {"f": "a: 1\nb: 3\n"})
    (other_file,) = fingerprints([replace(here, primary=Label(replace(span, file="g")))], {"g": "a: 1\nb: 2\n"})
    (other_code,) = fingerprints([replace(here, code="PHX203")], {"f": "a: 1\nb: 2\n"})
    (other_text,) = fingerprints([replace(here, message="m")], {"f": "a: 1\nb: 2\n"})
    assert len({before, changed, other_file, other_code, other_text}) == 5


def test_equal_faults_on_equal_lines_are_counted() -> None:
    faults = [replace(UNKNOWN, primary=Label(Span("f", line, 1, line, 2))) for line in (1, 2)]
    first, second = fingerprints(faults, {"f": "b: 2\nb: 2\n"})
    assert (first[:33], first[-2:], second[-2:]) == (second[:33], ":1", ":2")
