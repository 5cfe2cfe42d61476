"""Names and accounts: what is written down of them, and that nobody gets a used one."""

from __future__ import annotations

import pytest

from phoenix_gitops.model.tenant import account_id
from tests.unit.policies import document, tenant
from tests.unit.test_world import environment, linked

OWN = "class: shared\nidentity: {namespaces: [%s]}"


def shared(name, more=""):
    return tenant(name, f"{OWN % name}\n{more}")


def record(name, spec):
    return document(
        f"kind: Account\nmetadata: {{name: {name}, owner: team}}\nspec: {{{spec}}}\n", f"policies/ids/{name}.yaml"
    )


def said(*documents):
    _, faults = linked(environment("one"), *documents)
    return [(f.code, f.message, str(f.primary.span) if f.primary else "") for f in faults]


def world(*documents):
    built, faults = linked(environment("one"), *documents)
    assert not list(faults)
    return built


def test_a_clash_is_resolved_by_one_file_that_gives_one_of_the_two_another_account():
    clashing = f"account: {account_id('cart')}"
    assert said(shared("cart"), shared("till"), record("till", clashing)) == [
        (
            "PHX511",
            f"tenants `cart` and `till` have the same account id `{account_id('cart')}`",
            "policies/tenants/till.yaml:3:18",
        )
    ]
    built = world(shared("cart"), shared("till"), record("till", "account: 7"))
    assert [(t.name, t.account) for t in built.environment("one").tenants] == [
        ("cart", account_id("cart")),
        ("till", 7),
    ]
    assert built.tenant(built.environments["one"], "till").account == 7


def test_former_names_may_stand_in_the_record():
    built = world(shared("till"), record("till", "formerly: [cart, shop]"))
    till = built.policies["Tenant", "till"]
    assert built.account(till) == account_id("cart")
    assert built.names(till) == ("cart", "shop", "till")
    both = world(shared("till", "formerly: [cart]"), record("till", "formerly: [cart], account: 9"))
    assert both.account(both.policies["Tenant", "till"]) == 9


TOMBSTONE = 'retired: "2026-11-24"'
USED = [
    (
        [shared("cart"), record("shop", f"formerly: [cart], {TOMBSTONE}")],
        "the name `cart` is not free: tenant `shop` had it before",
        "cart.yaml:3:18",
    ),
    (
        [shared("till", "formerly: [old, cart]"), shared("cart")],
        "the name `cart` is not free: tenant `till` had it before",
        "cart.yaml:3:18",
    ),
    (
        [shared("till"), record("till", "formerly: [old, cart]"), shared("cart")],
        "the name `cart` is not free: tenant `till` had it before",
        "cart.yaml:3:18",
    ),
    (
        [shared("cart", "formerly: [shop]"), record("shop", TOMBSTONE)],
        f"tenant `cart` has the account id `{account_id('shop')}` of the retired tenant `shop`",
        "cart.yaml:3:18",
    ),
    (
        [shared("cart"), record("shop", f"account: {account_id('cart')}, {TOMBSTONE}")],
        f"tenant `cart` has the account id `{account_id('cart')}` of the retired tenant `shop`",
        "cart.yaml:3:18",
    ),
]


@pytest.mark.parametrize(("documents", "message", "span"), USED)
def test_names_and_accounts_are_never_used_again(documents, message, span):
    assert said(*documents) == [("PHX520", message, f"policies/tenants/{span}")]


WRONG = [
    ([record("cart", "account: 7")], "there is no tenant `cart` whose account this could be", "3:18"),
    ([shared("cart"), record("cart", TOMBSTONE)], "tenant `cart` has a tombstone, and is `active`", "4:17"),
    ([record("cart", 'retired: "2026-02-30"')], "`2026-02-30` is no day", "4:17"),
    (
        [shared("cart", "formerly: [a]"), record("cart", "formerly: [b]")],
        "`formerly` of tenant `cart` is another there than here",
        "4:18",
    ),
    ([shared("cart"), record("cart", "")], "the record of `cart` says nothing", "4:7"),
]


@pytest.mark.parametrize(("documents", "message", "span"), WRONG)
def test_a_record_says_what_is_so(documents, message, span):
    assert said(*documents) == [("PHX521", message, f"policies/ids/cart.yaml:{span}")]


def test_a_retired_tenant_and_its_tombstone_stand_beside_each_other():
    assert said(shared("cart", "state: retired"), record("cart", TOMBSTONE)) == []
    assert said(record("cart", TOMBSTONE)) == []
