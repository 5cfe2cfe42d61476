"""Who is asked about a change, why, and what of it CODEOWNERS can say."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from phoenix_gitops.approvals import Approver, approvers, is_path
from phoenix_gitops.codeowners import codeowners
from phoenix_gitops.document import Document
from phoenix_gitops.model import KINDS
from phoenix_gitops.model.base import Metadata
from phoenix_gitops.model.platform import Approval, Platform, PlatformSpec, PolicyKind, Repository, Review


def policy(spec: dict[str, Any], kind: str = "Tenant", name: str = "shop", owner: str = "team-shop") -> Document:
    data = {"kind": kind, "metadata": {"name": name, "owner": owner}, "spec": spec}
    return Document(f"policies/{kind.lower()}/{name}.yaml", data, {}, "")


def asked(
    old: Document | None, new: Document | None, *rules: Approval, files: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    sides = [[one] if one else [] for one in (old, new)]
    found = approvers(*sides, files, Review(approvals=list(rules)))
    return {one.owner: list(one.reasons) for one in found}


def test_the_owner_of_what_changes_is_asked() -> None:
    old, new = policy({"a": 1}), policy({"a": 2})
    assert asked(old, new) == {"team-shop": ["owns Tenant `shop`, which is changed"]}
    assert asked(None, new) == {"team-shop": ["owns Tenant `shop`, which is added"]}
    assert asked(old, None) == {"team-shop": ["owns Tenant `shop`, which is removed"]}
    assert asked(old, policy({"a": 1})) == {}


def test_handing_a_policy_over_takes_both_owners() -> None:
    assert list(asked(policy({"a": 1}), policy({"a": 1}, owner="team-cart"))) == ["team-cart", "team-shop"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ({"cpu": "4"}, {"cpu": "7"}, "`spec.quotas.cpu` of Tenant `shop` is raised from 4 to 7 (+75 %)"),
        ({"cpu": "4"}, {"cpu": "6"}, None),
        ({"cpu": "4"}, {"cpu": "6001m"}, "`spec.quotas.cpu` of Tenant `shop` is raised from 4 to 6001m (+50 %)"),
        ({"cpu": "4"}, {"cpu": "1"}, None),
        (
            {"memory": "1Gi"},
            {"memory": "2048Mi"},
            "`spec.quotas.memory` of Tenant `shop` is raised from 1Gi to 2048Mi (+100 %)",
        ),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, None),
        ({}, {"cpu": "4"}, "`spec.quotas.cpu` of Tenant `shop` is given"),
        ({"cpu": "4"}, {}, "`spec.quotas.cpu` of Tenant `shop` is taken away"),
        ({"keep": "1h"}, {"keep": "2h"}, "`spec.quotas.keep` of Tenant `shop` is raised from 1h to 2h (+100 %)"),
        ({"name": "a"}, {"name": "b"}, None),
        ({"pods": 0}, {"pods": 1}, "`spec.quotas.pods` of Tenant `shop` is raised from 0 to 1"),
    ],
)
def test_amounts_that_grow_by_more_than_a_share(old: dict[str, Any], new: dict[str, Any], reason: str | None) -> None:
    rule = Approval(fields=["spec.quotas.*"], raised_by=0.5, owners=["money"])
    # Another field beside it, so that an empty map does not stand for itself.
    sides = [policy({"quotas": {"beside": 1, **side}}) for side in (old, new)]
    assert asked(*sides, rule).get("money", []) == ([reason] if reason else [])


def test_a_policy_that_goes_raises_nothing() -> None:
    rule = Approval(raised_by=0.0, owners=["money"])
    assert "money" not in asked(policy({"cpu": "4"}), None, rule)
    assert asked(None, policy({"cpu": "4"}), rule)["money"] == ["`spec.cpu` of Tenant `shop` is given"]


def test_rules_by_kind_and_field() -> None:
    old, new = policy({"access": {"viewers": ["a"]}, "b": 1}), policy({"access": {"viewers": ["a", "c"]}, "b": 2})
    access = Approval(kinds=["Tenant"], fields=["spec.access.**"], owners=["security", "team-shop"])
    reason = "`spec.access.viewers` of Tenant `shop` is changed"
    assert asked(old, new, access) == {
        "security": [reason],
        "team-shop": [reason, "owns Tenant `shop`, which is changed"],
    }
    assert "security" not in asked(old, new, Approval(kinds=["SLO"], owners=["security"]))
    assert asked(old, new, Approval(fields=["spec"], owners=["security"]))["security"] == [
        reason,
        "`spec.b` of Tenant `shop` is changed",
    ]
    assert "security" not in asked(old, new, Approval(fields=["spec.acc"], owners=["security"]))


def test_items_of_lists_go_by_their_name() -> None:
    old = policy({"clusters": [{"name": "eu", "zones": 3}, {"name": "us", "zones": 3}]})
    new = policy({"clusters": [{"name": "us", "zones": 2}, {"name": "eu", "zones": 3}]})
    rule = Approval(fields=["spec.clusters.*.zones"], owners=["infra"])
    assert asked(old, new, rule)["infra"] == ["`spec.clusters.us.zones` of Tenant `shop` is changed"]


def test_rules_by_path() -> None:
    rule = Approval(paths=["policies/guardrails/**", "templates"], owners=["security"])
    files = ("policies/guardrails/a/b.cue", "policies/tenants/x.yaml", "templates/ingest/a.j2")
    assert asked(None, None, rule, files=files) == {
        "security": ["`policies/guardrails/a/b.cue` differs", "`templates/ingest/a.j2` differs"]
    }


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("a/*.yaml", "a/b.yaml", True),
        ("a/*.yaml", "a/b/c.yaml", False),
        ("a/**", "a/b/c.yaml", True),
        ("a", "a/b", True),
        ("a", "ab", False),
        ("a/", "a/b", True),
        ("a.b", "axb", False),
    ],
)
def test_paths(glob: str, path: str, fits: bool) -> None:
    assert is_path(glob, path) is fits


def test_codeowners_say_whom_to_ask_about_a_file() -> None:
    rule = Approval(paths=["policies/tenant/**", "templates/**"], owners=["security"])
    amount = Approval(fields=["spec.quotas.*"], owners=["money"])
    spec = PlatformSpec(
        version="0.1.0",
        repository=Repository(url="https://x/y"),
        review=Review(code_owner="@org/{owner}", approvals=[rule, amount]),
    )
    platform = Platform(metadata=Metadata(name="p", owner="platform"), spec=spec)
    documents = [policy({}), policy({}, "SLO", "a b", "security")]
    lines = codeowners(platform, documents).splitlines()
    assert lines[2:] == [
        "* @org/platform",
        "/policies/tenant/ @org/security",
        "/templates/ @org/security",
        "/policies/slo/a\\ b.yaml @org/security",
        "/policies/tenant/shop.yaml @org/team-shop @org/security",
    ]
    assert all(line.startswith("#") for line in lines[:2])


def test_nobody_is_asked_about_nothing() -> None:
    found: tuple[Approver, ...] = approvers((), (), (), Review())
    assert found == ()


def test_rules_name_kinds_that_there_are() -> None:
    assert set(get_args(PolicyKind)) == set(KINDS)
