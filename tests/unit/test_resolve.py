"""Inheritance: what wins, where it came from, and what cannot be resolved."""

from __future__ import annotations

from phoenix_gitops.resolve import index, resolve
from tests.unit.policies import document, tenant


def resolved(*documents, presets=()):
    indexed = index(documents, presets)
    assert indexed.diagnostics == ()
    return resolve(indexed.value)


BASE = """\
    kind: Environment
    metadata: {name: base, owner: team}
    spec:
      abstract: true
      class: prod
      pipelines: [full]
      budget: {activeSeries: 10, overcommit: 2}
      clusters:
        - {name: a, server: "https://a", kubernetes: "1.34", zones: [x]}
        - {name: b, server: "https://b", kubernetes: "1.34"}
"""
CHILD = """\
    kind: Environment
    metadata: {name: child, owner: team}
    spec:
      extends: base
      pipelines: [optimized, full]
      budget: {overcommit: null, activeSeries: 20}
      clusters:
        - {name: b, zones: [w]}
        - {name: c, server: "https://c", kubernetes: "1.35"}
"""


def test_maps_merge_named_lists_merge_by_name_other_lists_replace_null_deletes():
    base, child = document(BASE, "environments/base.yaml"), document(CHILD, "environments/child.yaml")
    policies = resolved(base, child)
    assert policies.diagnostics == ()
    assert list(policies.value) == [("Environment", "child")]
    data = policies.value["Environment", "child"].data
    assert data["spec"] == {
        "class": "prod",
        "pipelines": ["optimized", "full"],
        "budget": {"activeSeries": 20},
        "clusters": [
            {"name": "a", "server": "https://a", "kubernetes": "1.34", "zones": ["x"]},
            {"name": "b", "server": "https://b", "kubernetes": "1.34", "zones": ["w"]},
            {"name": "c", "server": "https://c", "kubernetes": "1.35"},
        ],
    }


def test_each_value_knows_the_line_that_set_it():
    base, child = document(BASE, "environments/base.yaml"), document(CHILD, "environments/child.yaml")
    policy = resolved(base, child).value["Environment", "child"]

    def origin(*path):
        return str(policy.origin(path).value.span)

    assert origin("spec", "class") == "environments/base.yaml:6:10"
    assert origin("spec", "budget", "activeSeries") == "environments/child.yaml:7:44"
    assert origin("spec", "clusters", 1, "zones", 0) == "environments/child.yaml:9:25"
    assert origin("spec", "clusters", 1, "server") == "environments/base.yaml:11:25"
    assert origin("spec", "clusters", 2, "name") == "environments/child.yaml:10:14"
    assert not policy.sets(("spec", "budget", "overcommit"))
    assert not policy.sets(("spec", "ring"))


def test_inputs_are_not_changed():
    base, child = document(BASE), document(CHILD)
    before = (repr(base.data), repr(child.data))
    resolved(base, child)
    assert (repr(base.data), repr(child.data)) == before


def test_a_document_may_extend_the_preset_of_its_own_name():
    preset = tenant("web", "class: shared\nidentity: {namespaces: [a]}\ncostCenter: C1", file="preset:web")
    own = tenant("web", "extends: web\nresidency: eu")
    policy = resolved(own, presets=[preset]).value["Tenant", "web"]
    assert policy.data["spec"] == {
        "class": "shared",
        "identity": {"namespaces": ["a"]},
        "costCenter": "C1",
        "residency": "eu",
    }


def test_two_policies_of_one_name():
    first, second = tenant("web", file="a.yaml"), tenant("web", file="b.yaml")
    (fault,) = index([first, second], []).diagnostics
    assert (fault.code, str(fault.primary.span), str(fault.secondary[0].span)) == (
        "PHX301",
        "b.yaml:3:18",
        "a.yaml:3:18",
    )


def test_unknown_base_offers_the_near_one():
    (fault,) = resolved(tenant("web", "extends: bsae"), tenant("base")).diagnostics
    assert (fault.code, fault.help) == ("PHX302", "did you mean `base`?")


def test_a_circle_is_named_whole():
    (first, second) = resolved(tenant("a", "extends: b"), tenant("b", "extends: a")).diagnostics
    assert (first.code, first.message) == ("PHX303", "policies extend each other in a circle: `a` -> `b` -> `a`")
    assert first == second, "from wherever it is entered, so that it is shown once"


def test_a_circle_leaves_out_what_only_leads_into_it():
    documents = (tenant("a", "extends: m"), tenant("m", "extends: z"), tenant("z", "extends: m"))
    faults = resolved(*documents).diagnostics
    assert {fault.message for fault in faults} == {"policies extend each other in a circle: `m` -> `z` -> `m`"}


def test_nulls_of_a_patch_are_for_the_object():
    written = document("kind: Environment\nspec:\n  overrides:\n    - {patch: {a: {b: null, c: [1]}}}\n", "e.yaml")
    policies = resolve(index([written], []).value).value
    policy = policies["Environment", ""]
    assert policy.data["spec"]["overrides"] == [{"patch": {"a": {"b": None, "c": [1]}}}]
    at = ("spec", "overrides", 0, "patch", "a")
    assert str(policy.origin((*at, "b")).value.span) == "e.yaml:5:23"
    assert str(policy.origin((*at, "c", 0)).value.span) == "e.yaml:5:33"


def test_a_missing_field_is_reported_at_the_policy_that_should_hold_it():
    base = tenant("base", "abstract: true\nclass: shared", file="base.yaml")
    (fault,) = resolved(base, tenant("web", "extends: base", file="web.yaml")).diagnostics
    assert (fault.code, fault.message) == ("PHX204", "missing field `identity` in `spec`")
    assert fault.primary.span.file == "web.yaml"


def test_two_items_of_one_name_in_a_named_list():
    text = BASE.replace("abstract: true", "ring: r").replace("name: b", "name: a")
    (fault,) = resolved(document(text.replace("name: base", "name: e"))).diagnostics
    assert (fault.code, fault.message) == ("PHX304", "two items of `clusters` have the name `a`")
