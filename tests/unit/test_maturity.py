"""Maturity: each thing that a level requires, missing and there."""

from __future__ import annotations

import pytest

from phoenix_gitops.maturity import check_maturity
from phoenix_gitops.resolve import Resolved
from phoenix_gitops.world import build
from tests.unit.policies import document

PLATFORM = """\
    kind: Platform
    metadata: {name: p, owner: team}
    spec:
      version: 0.1.0
      repository: {url: "https://git.example.com/a.git"}
      catalog:
        collector: {repository: r, tag: 0.159.0, digest: "sha256:DIGEST"}
"""
PRODUCTION = """\
    kind: Environment
    metadata: {name: e, owner: team}
    spec:
      class: prod
      maturity: production
      gateway: {replicas: {min: 2}}
      budget: {activeSeries: 10}
      clusters:
        - {name: a, server: "https://a", kubernetes: "1.34", zones: [x, w]}
"""


def gaps(environment: str, platform: str = PLATFORM) -> list[tuple[str, int]]:
    """What is missing, with the line in the environment."""
    documents = [document(platform.replace("DIGEST", "a" * 64), "phoenix.yaml"), document(environment, "e.yaml")]
    policies = {(d.kind, d.name): Resolved(d, d.data) for d in documents}
    found = check_maturity(policies, build(policies))
    return [(fault.message.partition(": ")[2], fault.primary.span.line) for fault in found]


def test_production_with_all_that_it_requires():
    assert gaps(PRODUCTION) == []


@pytest.mark.parametrize(
    ("old", "new", "missing", "line"),
    [
        ("{min: 2}", "{min: 1}", "its gateway runs once", 7),
        ("zones: [x, w]", "zones: [x]", "cluster `a` lies in fewer than two zones", 10),
        ("{activeSeries: 10}", "{}", "it has no budget of active series", 6),
    ],
)
def test_what_production_lacks_is_told_at_its_line(old, new, missing, line):
    assert gaps(PRODUCTION.replace(old, new)) == [(missing, line)]


def test_production_pins_its_image():
    platform = PLATFORM.replace(', digest: "sha256:DIGEST"', "")
    assert gaps(PRODUCTION, platform) == [("its collector image is not pinned by a digest", 6)]


def test_foundation_requires_nothing():
    assert gaps(PRODUCTION.replace("production", "foundation").replace("{min: 2}", "{min: 1}")) == []


def test_enterprise_requires_more():
    assert [missing for missing, _ in gaps(PRODUCTION.replace("production", "enterprise"))] == [
        "it has one cluster",
        "it does not say where its data lies",
        "it has no control policy",
        "it has no backups and no encryption between collectors",
    ]
