"""Holds: what they reach, and what is said of them."""

from __future__ import annotations

import pytest

from phoenix_gitops.artifact import COMPONENTS
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.holds import check_ends, check_holds, held_folders
from phoenix_gitops.resolve import Resolved
from phoenix_gitops.world import build
from tests.unit.policies import document
from tests.unit.test_maturity import PLATFORM, PRODUCTION


def world(*holds: str):
    """The policies and the world of an environment `e` with cluster `a` and these holds."""
    lines = "".join(f"        - {hold}\n" for hold in holds)
    environment = f"{PRODUCTION}      holds:\n{lines}" if holds else PRODUCTION
    documents = [document(PLATFORM.replace("DIGEST", "a" * 64), "phoenix.yaml"), document(environment, "e.yaml")]
    policies = {(d.kind, d.name): Resolved(d, d.data) for d in documents}
    return policies, build(policies)


def hold(target: str, until: str = "2026-12-01", reason: str = "INC-7") -> str:
    return f'{{target: "{target}", reason: {reason}, until: "{until}"}}'


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("a/ingest", {"e/a/ingest/"}),
        ("*/ingest", {"e/a/ingest/"}),
        ("b/ingest", set()),
        ("a/*", {f"e/a/{component}/" for component in COMPONENTS if component != "gitops"}),
        ("a/gitops", set()),
    ],
)
def test_folders_that_a_hold_reaches(target, reached):
    _, there = world(hold(target))
    assert held_folders(there) == reached


def test_the_first_hold_that_reaches_is_the_one_that_is_told():
    _, there = world(hold("b/ingest", reason="one"), hold("*/ingest", reason="two"), hold("*/*", reason="three"))
    environment = there.environments["e"]
    assert [environment.hold("a", part).reason for part in ("ingest", "rules")] == ["two", "three"]
    assert environment.hold("a", "gitops") is None


def test_a_target_that_is_not_there():
    found = list(check_holds(*world(hold("aa/ingest"), hold("a/ingst"), hold("*/gitops"), hold("*/*"))))
    assert [(fault.code, fault.message, fault.help.partition(",")[0]) for fault in found] == [
        ("PHX515", "environment `e` has no cluster `aa`", "did you mean `a`?"),
        ("PHX515", "environment `e` has no component to hold `ingst`", "did you mean `ingest`?"),
        ("PHX515", "environment `e` has no component to hold `gitops`", "one of `tenancy`"),
    ]
    assert all(str(fault.primary.span).startswith("e.yaml:") for fault in found)


def test_the_last_day_still_counts_and_the_next_one_is_late():
    policies, there = world(hold("a/ingest", "2026-12-01"), hold("a/rules", "2026-11-30"))
    assert list(check_ends(policies, there, "2026-11-30")) == []
    (over,) = check_ends(policies, there, "2026-12-01")
    assert (over.code, over.severity) == ("PHX516", Severity.WARNING)
    assert over.message == "the hold of `a/rules` in environment `e` was to end on 2026-11-30"
    assert len(list(check_ends(policies, there, "2026-12-02"))) == 2


LAW = """
    kind: ControlPolicy
    metadata: {name: law, owner: platform}
    spec:
      profiles:
        - {name: calm, above: 0, pipelines: [full]}
        - {name: thrift, above: 20000, pipelines: [full]}
      override: {profile: thrift, reason: load test, until: "%s"}
"""


@pytest.mark.parametrize("until", ["2026-12-01", "2026-12-01T09:00Z"])
def test_a_profile_that_was_set_by_hand_is_told_when_its_day_is_over(until):
    policies, _ = world()
    law = document(LAW % until, "law.yaml")
    policies = {**policies, (law.kind, law.name): Resolved(law, law.data)}
    there = build(policies)
    assert list(check_ends(policies, there, "2026-12-01")) == []
    (over,) = check_ends(policies, there, "2026-12-02")
    assert (over.code, over.severity) == ("PHX693", Severity.WARNING)
    assert over.message == f"profile `thrift` of control policy `law` was set by hand until {until}"
    assert str(over.primary.span).startswith("law.yaml:9:")
