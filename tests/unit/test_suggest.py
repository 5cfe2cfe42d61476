"""The nearest known word."""

from __future__ import annotations

import pytest

from phoenix_gitops.suggest import closest


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("lables", ["labels", "name", "owner"], "labels"),
        ("Labels", ["labels"], "labels"),
        ("tennant", ["TenantClass", "Tenant"], "Tenant"),
        ("qoutas", ["quotas", "quota"], "quotas"),
        ("xyz", ["labels", "name"], None),
        ("", ["a", "b"], None),
        ("a", [], None),
        ("labels", ["labels"], None),
    ],
)
def test_closest(word: str, candidates: list[str], expected: str | None) -> None:
    assert closest(word, candidates) == expected


def test_neither_order_nor_repetition_of_candidates_matters() -> None:
    candidates = ["prod-eu", "prod-us", "prod-ap"]
    assert closest("prod-xx", candidates) == closest("prod-xx", reversed(candidates * 2)) == "prod-ap"
