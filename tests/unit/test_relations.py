"""Policies that would do less than they say."""

from __future__ import annotations

import pytest

from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.link import link_relations
from phoenix_gitops.resolve import index, resolve
from phoenix_gitops.world import build
from tests.unit.policies import document, tenant

PLATFORM = document(
    'kind: Platform\nmetadata: {name: p, owner: o}\nspec:\n  version: 0.1.0\n  repository: {url: "https://g/x.git"}\n',
    "phoenix.yaml",
)


def environment(extra: str = "", name: str = "main", class_: str = "dev"):
    return document(
        f"kind: Environment\nmetadata: {{name: {name}, owner: o}}\nspec:\n  class: {class_}\n"
        f'  clusters: [{{name: c, server: "https://{name}", kubernetes: "1.34"}}]\n{extra}',
        f"environments/{name}.yaml",
    )


def found(*documents):
    """Of the findings of relations those that are of this module: code and message, with the rest as it is."""
    from phoenix_gitops.front import read_presets

    indexed = index((PLATFORM, *documents), read_presets().documents)
    policies = resolve(indexed.value).value
    return [d for d in link_relations(policies, build(policies)) if d.code in ("PHX206", "PHX513")]


@pytest.mark.parametrize(
    ("replicas", "faulty"), [("min: 5, max: 4", True), ("min: 5, max: 5", False), ("min: 5", False)]
)
def test_replicas_of_an_environment(replicas, faulty):
    faults = found(environment(f"  gateway: {{replicas: {{{replicas}}}}}\n"))
    assert [(d.message, str(d.primary.span)) for d in faults] == (
        [("`spec.gateway.replicas.max` must be at least `min`, which is `5`, not `4`", "environments/main.yaml:7:37")]
        if faulty
        else []
    )


def test_replicas_of_a_class():
    text = "kind: TenantClass\nmetadata: {name: own, owner: o}\nspec:\n  extends: namespace\n"
    (fault,) = found(environment(), document(f"{text}  gateway: {{replicas: {{min: 2, max: 1}}}}\n", "class.yaml"))
    assert str(fault.primary.span) == "class.yaml:6:37"


SELECTOR = (
    "class: shared\nidentity: {{namespaces: [a]}}\nstate: {}\nenvironmentSelector: {{matchLabels: {{class: {}}}}}"
)


@pytest.mark.parametrize(
    ("state", "class_", "homeless"),
    [
        ("active", "prod", True),
        ("readOnly", "prod", True),
        ("retired", "prod", False),
        ("active", "staging", False),
        ("active", "dev", False),
    ],
)
def test_a_tenant_in_no_environment(state, class_, homeless):
    environments = (environment(), environment(name="next", class_="staging"))
    faults = found(*environments, tenant("cart", SELECTOR.format(state, class_)))
    assert [(d.code, d.severity, d.help) for d in faults] == (
        [("PHX513", Severity.WARNING, "select by what an environment has, such as `class: dev` or `class: staging`")]
        if homeless
        else []
    )
