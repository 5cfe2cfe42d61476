"""What may not just go: tenants that were not retired, environments."""

from __future__ import annotations

from phoenix_gitops.removals import removed_environments, removed_tenants
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
    before = world(tenant("a"), tenant("b", ", state: readOnly"), tenant("c", ", state: retired"), tenant("d"))
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
