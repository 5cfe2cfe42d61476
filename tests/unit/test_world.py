"""Decoding, environments, tenants: what holds where."""

from __future__ import annotations

import pytest

from phoenix_gitops.link import link_references, link_relations
from phoenix_gitops.model.tenant import account_id
from phoenix_gitops.resolve import index, resolve
from phoenix_gitops.world import build
from tests.unit.policies import document, tenant

PLATFORM = """\
    kind: Platform
    metadata: {name: p, owner: team}
    spec:
      version: 0.1.0
      repository: {url: "https://git.example.com/a.git"}
      rings: [canary]
"""
EDGE = "kind: Pipeline\nmetadata: {name: edge, owner: t}\nspec: {stage: edge}\n"
FULL = "kind: Pipeline\nmetadata: {name: full, owner: t}\nspec: {}\n"
SECURITY = "kind: SecurityPolicy\nmetadata: {name: standard, owner: t}\nspec: {}\n"
SHARED = (
    "kind: TenantClass\nmetadata: {name: shared, owner: t}\n"
    "spec: {isolation: shared, quotas: {activeSeries: 100, ingestRate: 7}}\n"
)


def environment(name: str, extra: str = "", server: str = ""):
    return document(
        f"kind: Environment\nmetadata: {{name: {name}, owner: t, labels: {{region: eu}}}}\nspec:\n"
        f"  class: dev\n  pipelines: [full]\n{extra}"
        f'  clusters: [{{name: main, server: "{server or "https://" + name}", kubernetes: "1.34"}}]\n',
        f"environments/{name}.yaml",
    )


def linked(*documents):
    base = [document(PLATFORM, "phoenix.yaml")]
    presets = [document(text, "preset:x") for text in (EDGE, FULL, SECURITY, SHARED)]
    indexed = index([*base, *documents], presets)
    resolved = resolve(indexed.value)
    assert not indexed.diagnostics
    assert not resolved.diagnostics
    dangling = link_references(resolved.value)
    if dangling:
        return None, dangling
    world = build(resolved.value)
    return world, link_relations(resolved.value, world)


def test_a_tenant_is_in_the_environments_that_its_selector_matches():
    selected = tenant(
        "a", "class: shared\nidentity: {namespaces: [a]}\nenvironmentSelector: {matchLabels: {region: eu, name: two}}"
    )
    everywhere = tenant("b", "class: shared\nidentity: {namespaces: [b]}")
    retired = tenant("c", "class: shared\nidentity: {namespaces: [c]}\nstate: retired")
    world, faults = linked(environment("one"), environment("two"), selected, everywhere, retired)
    assert faults == ()
    present = {name: [t.name for t in world.environment(name).tenants] for name in ("one", "two")}
    assert present == {"one": ["b"], "two": ["a", "b"]}


def test_quotas_of_the_class_hold_where_the_tenant_says_nothing():
    own = tenant("a", "class: shared\nidentity: {namespaces: [a]}\nquotas: {activeSeries: 5}")
    world, _ = linked(environment("one"), own)
    (summary,) = world.environment("one").tenants
    assert (summary.active_series, summary.ingest_rate) == (5, 7)


def test_account_ids_follow_the_oldest_name():
    renamed = tenant("new", "class: shared\nidentity: {namespaces: [a]}\nformerly: [old, middle]")
    world, _ = linked(environment("one"), renamed)
    assert world.account(world.policies["Tenant", "new"]) == account_id("old")
    # printf checkout | sha256sum | cut -c-8
    assert account_id("checkout") == 3346407000


@pytest.mark.parametrize(
    ("documents", "code", "message", "span"),
    [
        (
            [tenant("a", "class: sharde\nidentity: {namespaces: [a]}")],
            "PHX503",
            "there is no TenantClass `sharde`",
            "policies/tenants/a.yaml:5:10",
        ),
        (
            [environment("b", server="https://one")],
            "PHX506",
            "clusters `one/main` and `b/main` are the same API server",
            None,
        ),
        ([environment("b", "  ring: canry\n")], "PHX505", "there is no ring `canry`", "environments/b.yaml:7:9"),
        (
            [environment("b", "  exports: [x]\n")],
            "PHX509",
            "no pipeline of this environment has an optional export `x`",
            "environments/b.yaml:7:13",
        ),
        (
            [
                tenant("a", "class: shared\nidentity: {namespaces: [one]}"),
                tenant("b", "class: shared\nidentity: {namespaces: [two, one]}"),
            ],
            "PHX510",
            "namespace `one` belongs to tenants `a` and `b` in environment `one`",
            "policies/tenants/b.yaml:6:32",
        ),
        (
            [tenant("a"), tenant("b", "class: shared\nidentity: {namespaces: [b]}\nformerly: [a]")],
            "PHX511",
            f"tenants `a` and `b` have the same account id `{account_id('a')}`",
            "policies/tenants/b.yaml:3:18",
        ),
    ],
)
def test_relations(documents, code, message, span):
    _, faults = linked(environment("one"), *documents)
    (fault,) = faults
    assert (fault.code, fault.message) == (code, message)
    if span:
        assert str(fault.primary.span) == span


def test_an_edge_pipeline_cannot_run_at_the_gateway():
    other = document("kind: Pipeline\nmetadata: {name: mine, owner: t}\nspec: {stage: edge}\n", "policies/mine.yaml")
    _, faults = linked(environment("one", "  edge: full\n"), other)
    (fault,) = faults
    assert fault.message == "pipeline `full` is of stage `gateway` and cannot run at the edge"
    assert str(fault.primary.span) == "environments/one.yaml:7:9"
    assert fault.secondary[0].span.file == "preset:x"


def test_another_version_refuses():
    indexed = index(
        [document(PLATFORM.replace("0.1.0", "9.9.9"), "phoenix.yaml"), environment("one")],
        [document(text, "preset:x") for text in (EDGE, FULL, SECURITY, SHARED)],
    )
    policies = resolve(indexed.value).value
    (fault,) = link_relations(policies, build(policies))
    assert (fault.code, fault.message) == (
        "PHX504",
        "the platform asks for compiler version `9.9.9`, this is `0.1.0`",
    )
