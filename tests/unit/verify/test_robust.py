"""Whatever an override or a user's template makes of an object, the checks answer with values."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_gitops.verify import Fault, verify
from phoenix_gitops.verify.stage import check
from tests.unit.verify.samples import cluster, good_facts, leaves, located, schemas

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
)
PLACES = [(name, at) for name, body in cluster().items() for at in leaves(body) if len(at) > 1 or at[0] == "spec"]


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_anywhere_is_judged_without_an_exception(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    name, at = place
    bodies = copy.deepcopy(cluster())
    node: Any = bodies[name]
    for step in at[:-1]:
        node = node[step]
    node[at[-1]] = value
    if name in {"gateway", "service"} or at[0] == "metadata":
        found = verify(located(bodies), good_facts(), schemas())
        assert list(found) == sorted(found, key=lambda finding: finding.sort_key)
    else:
        assert all(isinstance(fault, Fault) for fault in check(bodies[name], schemas()).faults)


def test_an_empty_body_is_refused() -> None:
    assert [(fault.at, fault.code) for fault in check({}, schemas()).faults] == [
        (("apiVersion",), "PHX704"),
        (("kind",), "PHX704"),
        (("metadata", "name"), "PHX710"),
    ]
