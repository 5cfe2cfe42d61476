"""Plans of a tenant's life: what each step writes, from policies alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_gitops.front import Front
from phoenix_gitops.life import NoPlanError, plan_move, plan_rename, plan_retirement
from phoenix_gitops.resolve import index, resolve
from phoenix_gitops.world import build
from tests.unit.policies import HEAD, document
from tests.unit.test_world import EDGE, FULL, PLATFORM, SECURITY, SHARED, environment

NAMESPACE = SHARED.replace("name: shared", "name: own").replace("isolation: shared", "isolation: namespace")
CART = "kind: Tenant\nmetadata: {name: cart, owner: t}\nspec:\n  class: shared\n  identity: {namespaces: [cart]}\n"


def front(files: dict[str, str]) -> Front:
    base = {
        "phoenix.yaml": PLATFORM,
        **{f"{i}.yaml": text for i, text in enumerate((EDGE, FULL, SECURITY, SHARED, NAMESPACE))},
    }
    documents = [document(text, file) for file, text in {**base, **files}.items()]
    documents.append(environment("one"))
    texts = {file: HEAD + text for file, text in {**base, **files}.items()}
    resolved = resolve(index(documents, []).value)
    assert resolved.ok, resolved.diagnostics
    return Front(
        root=Path(),
        sources={**texts, "environments/one.yaml": ""},
        documents=tuple(documents),
        policies=resolved.value,
        world=build(resolved.value),
    )


def test_what_another_tenant_would_inherit_again_stays_empty():
    base = CART.replace("name: cart", "name: base") + "  network: {allowFrom: [cart]}\n"
    heir = (
        "kind: Tenant\nmetadata: {name: heir, owner: t}\nspec:\n  extends: base\n  identity: {namespaces: [heir]}\n"
        "  network: {allowFrom: [cart]}\n"
    )
    there = front({"cart.yaml": CART, "base.yaml": base.replace("[cart]}\n  n", "[base]}\n  n"), "heir.yaml": heir})
    users_off = plan_retirement(there, "cart", "2026-11-24").steps[1].changes
    assert users_off["heir.yaml"].endswith("  network: {allowFrom: []}\n")
    assert "network" not in users_off["base.yaml"]


def test_a_tombstone_holds_every_name_and_is_text_to_all_readers():
    files = {"cart.yaml": CART.replace("name: cart", "name: '012'") + "  formerly: [basket, 'no']\n"}
    files["cart.yaml"] = files["cart.yaml"].replace("'012'", '"012"').replace("'no'", '"no"')
    changes = plan_retirement(front(files), "012", "2026-11-24").steps[1].changes
    text = changes["policies/ids/012.yaml"]
    assert 'metadata: {name: "012", owner: team}' in text
    assert 'formerly: [basket, "no"]' in text
    assert 'retired: "2026-11-24"' in text


def test_a_record_that_is_there_becomes_the_tombstone():
    record = "kind: Account\nmetadata: {name: cart, owner: t}\nspec: {account: 7} # clash\n"
    there = front({"cart.yaml": CART + "  formerly: [basket]\n", "ids.yaml": record})
    changes = plan_retirement(there, "cart", "2026-11-24").steps[1].changes
    assert changes["ids.yaml"] == HEAD + (
        "kind: Account\nmetadata: {name: cart, owner: t}\n"
        'spec: {account: 7, formerly: [basket], retired: "2026-11-24"} # clash\n'
    )


def test_without_a_day_no_tombstone_is_written_and_the_step_is_not_done():
    retired = front({"cart.yaml": CART + "  state: retired\n"})
    first, second, third, last = plan_retirement(retired, "cart", "").steps
    assert (first.done, second.done, second.needs_day, second.changes) == (True, False, True, {})
    assert (third.not_before, third.after, last.not_before) == ("", "30d after step 2", "")


def test_days_follow_from_the_tombstone_and_not_from_today():
    stone = 'kind: Account\nmetadata: {name: cart, owner: t}\nspec: {retired: "2026-11-24"}\n'
    there = front({"cart.yaml": CART + "  state: retired\n", "ids.yaml": stone})
    plan = plan_retirement(there, "cart", "2026-12-23")
    assert [(step.not_before, step.done) for step in plan.steps[2:]] == [("2026-12-24", False), ("2026-12-24", False)]
    assert plan.next is plan.steps[2]
    over = plan_retirement(there, "cart", "2026-12-24")
    assert over.next is over.steps[3]
    assert not over.steps[3].waits("2026-12-24")
    assert over.steps[3].waits("2026-12-23")


def test_what_reads_a_tenants_series_by_name_is_told():
    rules = (
        "kind: RuleSet\nmetadata: {name: all, owner: t}\nspec:\n  alerts:\n    - alert: A\n"
        "      expr: 'up{tenant_id=~\"cart|other\"} == 0'\n      severity: warning\n      summary: s\n"
        "    - alert: B\n      expr: 'up{tenant_id=\"cart-batch\"} == 0'\n      severity: warning\n"
        "      summary: cart\n"
    )
    plan = plan_rename(front({"cart.yaml": CART, "rules.yaml": rules}), "cart", "till")
    assert plan.notes == ("rules.yaml:7:13 reads its series by the name `cart`",)


def test_a_file_that_bears_the_name_gets_the_new_one():
    changes = plan_rename(front({"policies/tenants/cart.yaml": CART}), "cart", "till").steps[0].changes
    assert sorted(changes) == ["policies/tenants/cart.yaml", "policies/tenants/till.yaml"]
    elsewhere = plan_rename(front({"policies/all.yaml": CART}), "cart", "till").steps[0].changes
    assert list(elsewhere) == ["policies/all.yaml"]


def test_former_names_are_added_to_where_they_stand():
    record = "kind: Account\nmetadata: {name: cart, owner: t}\nspec: {formerly: [basket]}\n"
    only_record = plan_rename(front({"a.yaml": CART, "ids.yaml": record}), "cart", "till").steps[0].changes
    assert "formerly" not in only_record["a.yaml"]
    assert "formerly: [basket, cart]" in only_record["ids.yaml"]
    both = front({"a.yaml": CART + "  formerly: [basket]\n", "ids.yaml": record})
    changes = plan_rename(both, "cart", "till").steps[0].changes
    assert ["formerly: [basket, cart]" in changes[file] for file in ("a.yaml", "ids.yaml")] == [True, True]


def test_a_name_of_a_retired_tenant_is_not_given_away():
    stone = 'kind: Account\nmetadata: {name: till, owner: t}\nspec: {retired: "2026-11-24", formerly: [shop]}\n'
    there = front({"cart.yaml": CART, "ids.yaml": stone})
    for taken in ("till", "shop"):
        with pytest.raises(NoPlanError, match=f"the name '{taken}' is not free: the retired tenant 'till' had it"):
            plan_rename(there, "cart", taken)


def test_classes_of_one_isolation_are_one_step():
    gold = SHARED.replace("name: shared", "name: gold")
    (step,) = plan_move(front({"cart.yaml": CART, "gold.yaml": gold}), "cart", "gold").steps
    assert step.changes == {"cart.yaml": HEAD + CART.replace("class: shared", "class: gold")}
    (done,) = plan_move(front({"cart.yaml": CART}), "cart", "shared").steps
    assert done.done


def test_a_move_back_begins_anew_before_the_reconciler_is_out():
    there = front({"cart.yaml": CART + "  movedFrom: own\n"})
    first, second = plan_move(there, "cart", "own").steps
    assert first.changes["cart.yaml"] == HEAD + CART.replace("class: shared", "class: own") + "  movingFrom: shared\n"
    assert second.changes["cart.yaml"] == HEAD + CART.replace("class: shared", "class: own")


def test_a_retired_tenant_does_not_move():
    with pytest.raises(NoPlanError, match="tenant 'cart' is retired: nothing of it moves any more"):
        plan_move(front({"cart.yaml": CART + "  state: retired\n"}), "cart", "own")
