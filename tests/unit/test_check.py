"""One document's form: every fault at its place, with what to do."""

from __future__ import annotations

import pytest

from phoenix_gitops.check import check
from phoenix_gitops.model import KINDS
from phoenix_gitops.schemas import resolved_schema, validator, written_schema
from tests.unit.policies import document, tenant


def faults(text: str) -> list[tuple[str, str, str]]:
    """Code, place and message of each fault."""
    return [(d.code, str(d.primary.span).split(":", 1)[1], d.message) for d in check(document(text))]


def test_a_sound_tenant_has_no_fault():
    assert check(tenant("checkout")) == ()


def test_unknown_field_points_at_its_key_and_offers_the_near_one():
    (fault,) = check(tenant("checkout", "class: shared\nquota: {}\nidentity: {namespaces: [a]}"))
    assert (fault.code, fault.message) == ("PHX202", "unknown field `quota` in `spec`")
    assert (fault.primary.span.line, fault.primary.span.col, fault.primary.span.end_col) == (6, 3, 8)
    assert fault.help == "did you mean `quotas`?"


def test_all_faults_of_a_nullable_mapping_are_reported():
    found = check(tenant("a", "class: shared\nidentity: {namespaces: [a]}\nquotas: {activeSeries: -5, cpu: 2 cores}"))
    assert [(d.code, d.message.split("`")[1]) for d in found] == [
        ("PHX206", "spec.quotas.activeSeries"),
        ("PHX206", "spec.quotas.cpu"),
    ]


def test_all_faults_of_a_document_are_reported_at_once():
    found = check(
        tenant(
            "checkout", "class: 7\nidentity: {namespaces: []}\nstate: gone\nresidence: eu\nquotas: {activeSeries: many}"
        )
    )
    assert [d.code for d in found] == ["PHX202", "PHX203", "PHX206", "PHX203", "PHX205"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Tennant\nmetadata: {name: a, owner: b}\n", ("PHX201", "2:7", "unknown kind `Tennant`")),
        (
            "kind: Benchmark\nmetadata: {name: a, owner: b}\n",
            ("PHX207", "2:7", "kind `Benchmark` is not compiled by this version"),
        ),
        ("metadata: {name: a, owner: b}\n", ("PHX204", "1:1", "missing field `kind`")),
        ("kind: Tenant\nmetadata: {name: a}\nspec: {}\n", ("PHX204", "3:1", "missing field `owner` in `metadata`")),
        (
            "kind: Tenant\nmetadata: {name: A, owner: b}\nspec: {}\n",
            ("PHX206", "3:18", "`metadata.name` cannot be `A`"),
        ),
        (
            "kind: Tenant\nmetadata: {name: a, owner: b}\nspec: [1]\n",
            ("PHX203", "4:7", "`spec` must be a mapping, not a list"),
        ),
    ],
)
def test_envelope(text, expected):
    assert faults(text) == [expected]


def test_wrong_api_version_says_which_to_write():
    from phoenix_gitops.source import parse

    outcome = parse("a.yaml", b"apiVersion: phoenix.io/v1\nkind: Tenant\n")
    (fault,) = check(outcome.value)
    assert fault.help == "write `apiVersion: policy.phoenix.io/v1alpha1`"


def test_a_required_field_may_be_missing_as_written():
    assert check(tenant("checkout", "extends: base")) == ()


def test_null_may_stand_where_something_is_inherited():
    assert check(tenant("checkout", "extends: base\nquotas: null\nresidency: null\nstate: null")) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_jsonschema_and_the_fast_validator_accept_the_same_schemas(kind):
    from jsonschema import Draft202012Validator

    for schema in (written_schema(kind), resolved_schema(kind)):
        Draft202012Validator.check_schema(schema)
    assert validator(kind, written=True) is validator(kind, written=True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described(kind):
    schema = resolved_schema(kind)
    undescribed = [
        f"{name}.{field}"
        for name, body in schema["$defs"].items()
        for field, inner in body.get("properties", {}).items()
        if not inner.get("description")
    ]
    assert undescribed == []
