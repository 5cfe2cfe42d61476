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
]


@cache
def world():
    return run_front(CASES / "good" / "small").world


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
