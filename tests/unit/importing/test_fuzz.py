"""Broken input of every kind: drafts and findings, never an exception."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_gitops.front import run_front
from phoenix_gitops.importing.metrics import catalog
from phoenix_gitops.importing.reading import read
from phoenix_gitops.importing.rules import Aim
from phoenix_gitops.importing.sorting import take
from phoenix_gitops.source import parse

CASES = Path(__file__).resolve().parents[2] / "cases"
FILES = sorted((CASES / "import").glob("*.yaml"))
AIM = Aim(folder="policies", owner="team", severities={"page": "critical"})
PIECES = [
    "",
    "[]",
    "{}",
    "null",
    "- a",
    "-1",
    '"\\u2028"',
    "{{ x }}",
    "&a",
    "%",
    "x" * 5000,
    "a: b",
    "9" * 400,
    "\t",
    "1e999",
    "nan",
    "0",
    "1000",
    "500m",
]


@cache
def world():
    return run_front(CASES / "good" / "dedicated").world


def drafted(content):
    """Drafts of what can be read, each of which is one readable policy."""
    found = read("fuzz.yaml", content)
    taken = take(found.value, AIM, world())
    for note in (*found.diagnostics, *taken.notes):
        assert note.primary is not None
        assert "\n" not in note.message
    more = catalog(taken.drafts, frozenset({"up"}), AIM, "imported")
    for draft in (*taken.drafts, *([more] if more else [])):
        assert parse(draft.file, draft.text().encode()).value is not None, draft.text()
    return taken


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_cases_as_they_are_lead_to_drafts(path):
    assert drafted(path.read_bytes()).drafts


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("slos", "value: 100\n", "value: 1e999\n", "the value `1e999` of its objective is without bound"),
        ("slos", "value: 100\n", "value: much\n", "the value `much` of its objective is no number"),
        ("slos", "target: 0.995", "target: nan", "its target `nan` leaves no budget, or is none"),
        (
            "slos",
            "type: Prometheus",
            "type: Datadog",
            "its metric source is `Datadog`, and `Prometheus` with a `query`",
        ),
        ("slos", "[5m]", "", "a query of its ratio has no range, as in `rate(x[5m])`"),
        ("slos", "duration: 4w", "duration: 3d", "its window is `3d`, and there are `7d`"),
        ("slos", "openslo/v1\n", "openslo/v2\n", "its apiVersion is `openslo/v2`, and `openslo/v1` is read"),
        ("namespaces", 'pods: "40"', "pods: 500m", "`500m` is no whole number"),
        ("namespaces", 'pods: "40"', "pods: many", "`many` is no quantity"),
        (
            "namespaces",
            "192.0.2.0/24}",
            "192.0.2.0/24, except: [192.0.2.1/32]}",
            "an egress of a Tenant has no exceptions",
        ),
        ("namespaces", "name: scratch", "name: phoenix-agents", "it is the platform's own"),
        ("namespaces", "namespace: shop}", "namespace: gone}", "its Namespace `gone` is not among what is imported"),
        ("rules", "for: 10m", "for: 1.5h", "its `for` is `1.5h`, which is not of the form `1m30s`"),
        ("rules", "interval: 30s", "interval: soon", "its interval `soon` is not of the form `1m30s`"),
        ("rules", "name: checkout.rules", "name: '%'", "nothing of its name can stand in a policy's"),
    ],
)
def test_what_is_said_of_values_that_cannot_be_carried(path, old, new, said):
    text = (CASES / "import" / f"{path}.yaml").read_text()
    assert old in text
    notes = drafted(text.replace(old, new).encode()).notes
    assert any(f"is not carried over: {said}" in note.message for note in notes), [note.message for note in notes]


def test_a_thousand_pods_are_a_number():
    content = (CASES / "import" / "namespaces.yaml").read_text().replace('pods: "40"', 'pods: "1000"')
    shop = next(draft for draft in drafted(content.encode()).drafts if draft.name == "shop")
    assert shop.spec["quotas"]["pods"] == 1000


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_values_that_nobody_expects(path, data):
    lines = path.read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        piece = data.draw(st.sampled_from(PIECES))
        key, sign, _ = lines[at].partition(": ")
        lines[at] = f"{key}{sign}{piece}"
    drafted("\n".join(lines).encode())


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 4000), st.integers(0, 200), st.binary(max_size=5))
def test_bytes_that_are_cut_out_or_put_in(path, at, length, instead):
    content = path.read_bytes()
    drafted(content[:at] + instead + content[at + length :])
