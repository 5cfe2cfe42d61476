"""What may not just go: tenants that were not retired, environments."""

from __future__ import annotations

import pytest

from phoenix_gitops.model.tenant import account_id
from phoenix_gitops.moves import check_moves, jumps
from phoenix_gitops.removals import lost_accounts, removed_environments, removed_tenants
from phoenix_gitops.resolve import Resolved
from phoenix_gitops.world import World, build
from tests.unit.policies import document
from tests.unit.test_maturity import PLATFORM, PRODUCTION


def tenant(name: str, more: str = "") -> str:
    return f"""\
    kind: Tenant
    metadata: {{name: {name}, owner: team}}
    spec: {{class: c, identity: {{namespaces: [{name}]}}{more}}}
"""


def world(*tenants: str, environments: tuple[str, ...] = ("e",)) -> World:
    texts = [PLATFORM.replace("DIGEST", "a" * 64), *tenants]
    texts += [PRODUCTION.replace("{name: e,", f"{{name: {name},") for name in environments]
    documents = [document(text, f"{i}.yaml") for i, text in enumerate(texts)]
    return build({(d.kind, d.name): Resolved(d, d.data) for d in documents})


def said(before: World, after: World, **rest) -> list[tuple[str, str]]:
    return [(fault.code, fault.message) for fault in removed_tenants(before, after, "main", **rest)]


def test_a_tenant_that_was_not_retired_may_not_go():
    before = world(tenant("a"), tenant("b", ", state: readOnly"), tenant("d"))
    assert said(before, world(tenant("d"))) == [
        ("PHX518", "tenant `a` is removed, and in `main` it was `active`, not `retired`"),
        ("PHX518", "tenant `b` is removed, and in `main` it was `readOnly`, not `retired`"),
    ]
    assert said(before, world(tenant("d")), allowed=["a", "b"]) == []
    (first, _) = removed_tenants(before, world(tenant("d")), "main")
    assert "`formerly: [a]`" in first.help
    assert "`--remove a`" in first.help


def test_a_renamed_tenant_is_not_removed():
    assert said(world(tenant("a")), world(tenant("b", ", formerly: [a]"))) == []
    assert len(said(world(tenant("a")), world(tenant("b", ", formerly: [c]")))) == 1


def test_only_the_environments_that_it_was_in_mind():
    before = world(tenant("a", ", environmentSelector: {matchLabels: {name: f}}"), environments=("e", "f"))
    after = world(environments=("e", "f"))
    assert said(before, after, environment="e") == []
    assert len(said(before, after, environment="f")) == 1
    assert len(said(before, after)) == 1


def test_a_removed_environment_is_told_with_its_clusters():
    before, after = world(environments=("e", "f")), world(environments=("e",))
    (fault,) = removed_environments(before, after, "main")
    assert fault.code == "PHX519"
    assert fault.message == "environment `f` of `main` is removed, with all that runs in `a`"
    assert "`--remove f`" in fault.help
    assert list(removed_environments(before, after, "main", allowed=["f"])) == []
    assert list(removed_environments(after, before, "main")) == []


def stone(name: str, spec: str = 'retired: "2026-11-24"') -> str:
    return f"kind: Account\nmetadata: {{name: {name}, owner: team}}\nspec: {{{spec}}}\n"


RETIRED = tenant("a", ", state: retired")
CLASS = "kind: TenantClass\nmetadata: {name: c, owner: team}\nspec: {isolation: ISOLATION, retention: 30d}\n"


def classed(*texts: str, isolation: str = "shared") -> World:
    return world(CLASS.replace("ISOLATION", isolation), *texts)


def test_a_retired_tenant_goes_when_its_retention_is_over():
    before, after = classed(RETIRED, stone("a")), classed(stone("a"))
    early = ("PHX522", "tenant `a` is removed, and its data may go from 2026-12-24 on")
    assert said(before, after, today="2026-12-23") == [early]
    assert said(before, after, today="2026-12-24") == []
    assert said(before, after, today="2026-12-23", allowed=["a"]) == []
    (unsaid,) = said(before, after)
    assert unsaid[1].endswith("nobody said which day it is: its data may go from 2026-12-24 on, which `--now` tells")


def test_a_retired_tenant_leaves_its_tombstone():
    (gone,) = said(classed(RETIRED, stone("a")), classed(), today="2027-01-01")
    assert gone[0] == "PHX522"
    assert "its tombstone with it: `policies/ids/a.yaml` stays" in gone[1]
    # One that comes with the removal could bear any day.
    (new,) = said(classed(RETIRED), classed(stone("a", 'retired: "2020-01-01"')), today="2027-01-01")
    assert new == (
        "PHX522",
        "tenant `a` is removed, and there was no tombstone of it, `policies/ids/a.yaml` with the day since which it is "
        "retired",
    )


def lost(before: World, after: World, **rest) -> list[tuple[str, str]]:
    return [(fault.code, fault.message) for fault in lost_accounts(before, after, "main", **rest)]


def test_an_account_does_not_change_under_a_tenant():
    renamed = tenant("b", ", formerly: [a]")
    changed = f"tenant `b` changes its account id from `{account_id('a')}` in `main` to `{account_id('b')}`"
    assert lost(classed(tenant("a")), classed(renamed)) == []
    assert lost(classed(renamed), classed(tenant("b"))) == [("PHX523", changed)]
    assert lost(classed(renamed), classed(tenant("b"), stone("b", "formerly: [a]"))) == []
    assert lost(classed(renamed), classed(tenant("b")), allowed=["b"]) == []
    moved = classed(tenant("b", ", formerly: [a]"), stone("b", "account: 9"))
    assert [code for code, _ in lost(classed(tenant("a")), moved)] == ["PHX523"]


def test_a_tombstone_does_not_go_and_gets_no_earlier_day():
    before = classed(stone("a"))
    assert lost(before, classed()) == [("PHX523", "the tombstone of tenant `a` is removed")]
    earlier = classed(stone("a", 'retired: "2026-11-23"'))
    assert lost(before, earlier) == [
        ("PHX523", "the tombstone of tenant `a` gets the day 2026-11-23, before 2026-11-24")
    ]
    assert lost(before, classed(stone("a", 'retired: "2026-11-25"'))) == []
    assert lost(before, classed(), allowed=["a"]) == []
    # The tenant came back before its file was gone.
    assert lost(classed(RETIRED, stone("a")), classed(tenant("a"))) == []


def leaped(before: World, after: World, **rest) -> list[str]:
    assert {fault.code for fault in jumps(before, after, "main", **rest)} <= {"PHX524"}
    return [fault.message for fault in jumps(before, after, "main", **rest)]


def of(class_: str, former: str = "", moved: str = "", more: str = "") -> World:
    classes = [
        CLASS.replace("name: c", f"name: {name}").replace("ISOLATION", name)
        for name in ("shared", "namespace", "dedicated")
    ]
    moving = (f", movingFrom: {former}" if former else "") + (f", movedFrom: {moved}" if moved else "")
    return world(*classes, tenant("a", moving + more).replace("class: c", f"class: {class_}"))


def test_a_tenant_does_not_jump_between_isolations():
    jump = "tenant `a` jumps from isolation `namespace` in `main` to `shared`"
    assert leaped(of("namespace"), of("shared")) == [jump]
    assert leaped(of("namespace"), of("shared"), allowed=["a"]) == []
    (fault,) = jumps(of("namespace"), of("shared"), "main")
    assert "`phoenix move a --class shared`" in fault.help
    # The class itself is changed, which moves all of its tenants.
    assert leaped(classed(tenant("a"), isolation="dedicated"), classed(tenant("a"))) == [
        "tenant `a` jumps from isolation `dedicated` in `main` to `shared`"
    ]


STEPS = [
    (("namespace", ""), ("shared", "namespace"), True),
    (("shared", "namespace"), ("shared", "", "namespace"), True),
    (("shared", "namespace"), ("shared", ""), False),
    (("shared", "", "namespace"), ("shared", ""), True),
    (("namespace", "shared"), ("namespace", ""), True),
    (("namespace", "shared"), ("shared", "", "namespace"), True),
    (("namespace", "shared"), ("shared", ""), False),
    (("dedicated", "namespace"), ("dedicated", ""), True),
    (("shared", "namespace"), ("namespace", ""), True),
    (("namespace", ""), ("namespace", ""), True),
    (("shared", "namespace"), ("shared", "namespace"), True),
    (("namespace", ""), ("namespace", "shared"), False),
    (("namespace", ""), ("shared", "dedicated"), False),
    (("shared", "namespace"), ("dedicated", ""), False),
    (("shared", "namespace"), ("namespace", "shared"), False),
    (("shared", "namespace"), ("dedicated", "shared"), False),
    (("shared", "namespace"), ("dedicated", "namespace"), False),
]


@pytest.mark.parametrize(("was", "now", "fine"), STEPS)
def test_each_step_has_one_isolation_in_common_with_the_next(was, now, fine):
    assert (leaped(of(*was), of(*now)) == []) is fine


def test_a_retired_tenant_or_one_elsewhere_does_not_jump():
    assert leaped(of("namespace"), of("shared", more=", state: retired")) == []
    assert len(leaped(of("namespace"), of("shared"), environment="e")) == 1
    far = ", environmentSelector: {matchLabels: {name: f}}"
    assert leaped(of("namespace", more=far), of("shared", more=far), environment="e") == []


def test_who_leaves_namespaces_of_its_own_lets_the_reconciler_in_until_it_has_pruned():
    (fault,) = jumps(of("shared", "namespace"), of("shared"), "main")
    assert fault.message == "tenant `a` leaves class `namespace`, and nothing lets the reconciler prune what that gave"
    assert "`movedFrom: namespace`" in fault.help
    (called_off,) = jumps(of("dedicated", "shared"), of("shared"), "main")
    assert "leaves class `dedicated`" in called_off.message


@pytest.mark.parametrize(
    ("now", "fault"),
    [
        (("shared", "", "namespace"), ""),
        (("shared", "", "shared"), "of class `shared` nothing is left to prune in tenant `a`"),
        (("namespace", "", "dedicated"), "of class `dedicated` nothing is left to prune in tenant `a`"),
        (("shared", "namespace", "namespace"), "of class `namespace` nothing is left to prune in tenant `a`"),
        (("shared", "shared"), "tenant `a` moves from class `shared` to `shared`, and both are of isolation `shared`"),
        (("namespace", "dedicated"), ""),
    ],
)
def test_what_a_tenant_says_of_its_move_is_so(now, fault):
    there = of(*now)
    assert [found.message for found in check_moves(policies_of(there), there)] == ([fault] if fault else [])


def policies_of(there: World) -> dict[tuple[str, str], Resolved]:
    (tenant_,) = [policy for (kind, _), policy in there.policies.items() if kind == "Tenant"]
    written = document(
        f"kind: Tenant\nmetadata: {{name: a, owner: t}}\n"
        f"spec: {{movingFrom: {tenant_.spec.moving_from}, movedFrom: {tenant_.spec.moved_from}}}\n"
    )
    return {("Tenant", "a"): Resolved(written, written.data)}
