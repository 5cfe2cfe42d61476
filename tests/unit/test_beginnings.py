"""New policies as text: where they go, what they say, and that they look as if a person wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_gitops.beginnings import Beginning, merged, taken
from phoenix_gitops.formatting import normal_form
from phoenix_gitops.source import parse


def begun(spec, **more):
    return Beginning(**{"kind": "Tenant", "name": "checkout", "owner": "team-checkout", "spec": spec, **more})


def read(text):
    outcome = parse("x.yaml", text.encode())
    assert outcome.value is not None, outcome.diagnostics
    return outcome.value


@pytest.mark.parametrize(
    ("kind", "tenant", "file"),
    [
        ("Tenant", "", "policies/tenants/checkout/tenant.yaml"),
        ("Environment", "", "environments/checkout.yaml"),
        ("SLO", "shop", "policies/tenants/shop/slos/checkout.yaml"),
        ("SLO", "", "policies/slos/checkout.yaml"),
    ],
)
def test_a_policy_lies_where_the_reference_platform_has_it(kind, tenant, file):
    assert begun({}, kind=kind, tenant=tenant).file == file


def test_a_text_reads_like_a_persons():
    spec = {
        "class": "prod",
        "clusters": [
            {"name": "main", "kubernetes": "1.34", "server": "https://a.b", "dns": {"podLabels": {"k8s-app": "x"}}},
            {"name": "other", "scraper": {}},
        ],
        "indicator": {"ratio": {"errors": 'sum(rate(a{b="c"}[$window]))', "total": "a: b"}},
        "pipelines": ["full", "yes", "1.0"],
        "page": False,
    }
    made = begun(spec, head="why", notes={"dns": "look"}, hints=("page: true # no", "window: 30d # yes"))
    assert made.text() == (
        """\
# why
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {name: checkout, owner: team-checkout}
spec:
  class: prod
  clusters:
    - name: main
      kubernetes: "1.34"
      server: https://a.b
      # look
      dns: {podLabels: {k8s-app: x}}
    - name: other
      scraper: {}
  indicator:
    ratio:
      errors: sum(rate(a{b="c"}[$window]))
      total: "a: b"
  pipelines: [full, "yes", "1.0"]
  page: false
  # window: 30d # yes
"""
    )


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=70)
VALUES = st.recursive(
    st.one_of(
        TEXT, st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.sampled_from(["a: b", "a #b", "-", "1:20"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXT.filter(bool).map(lambda key: f"k{key}"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES, min_size=1))
def test_any_value_is_read_back_and_its_layout_is_the_normal_one(spec):
    text = begun(spec, notes={"b": "note"}).text()
    assert read(text).data["spec"] == spec
    assert normal_form("x.yaml", text.encode()).value == text


def test_settings_go_deep_and_into_the_one_cluster():
    spec = {"clusters": [{"name": "a"}], "quotas": 1}
    assert merged(spec, ["clusters", "capacity", "activeSeries"], 5)["clusters"] == [
        {"name": "a", "capacity": {"activeSeries": 5}}
    ]
    assert merged(spec, ["quotas", "pods"], 4)["quotas"] == {"pods": 4}
    assert merged(spec, ["clusters"], [])["clusters"] == []
    assert spec == {"clusters": [{"name": "a"}], "quotas": 1}


@pytest.mark.parametrize(
    ("existing", "codes"),
    [
        ("checkout", ["PHX301"]),
        ("check-out", ["PHX305"]),
        ("checkouts", ["PHX305"]),
        ("checkout-web", []),
        ("checkin", []),
    ],
)
def test_names_that_are_taken_or_nearly(existing, codes):
    document = read(begun({}, name=existing).text() + "  class: a\n")
    found = list(taken(begun({}), [document]))
    assert [d.code for d in found] == codes
    assert all(str(d.primary.span) == "x.yaml:3:18" for d in found)
    assert [d.code for d in taken(begun({}), [document], alike=False)] == [c for c in codes if c == "PHX301"]
    assert list(taken(begun({}, kind="SLO"), [document])) == []
