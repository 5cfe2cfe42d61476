"""Overrides: Kubernetes' strategic merge for people, and the limits of what a patch may touch."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.overrides import Override, apply, apply_all, check


def pod(**spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": spec}


@pytest.mark.parametrize(
    ("base", "patch", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": 1}, {"b": {"c": None, "d": 1}}, {"a": 1, "b": {"d": 1}}),
        ({"a": 1}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [{"name": "x"}]}, {"a": []}, {"a": []}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"$patch": "replace", "d": 1}}, {"a": {"d": 1}}),
        ({"a": {"b": 1}, "c": 2}, {"a": {"$patch": "delete"}}, {"c": 2}),
        ({"a": {"b": 1}}, {"a": {"$patch": "merge", "c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({}, {"a": [{"x": None, "y": [{"z": None}]}]}, {"a": [{"y": [{}]}]}),
    ],
)
def test_maps_and_plain_lists(base: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]) -> None:
    assert apply(base, patch) == result


@pytest.mark.parametrize(
    ("field", "base", "patch", "result"),
    [
        (
            "containers",
            [{"name": "a", "image": "a:1", "args": ["x"]}, {"name": "b"}],
            [{"name": "b", "image": "b:2"}, {"name": "c"}],
            [{"name": "a", "image": "a:1", "args": ["x"]}, {"name": "b", "image": "b:2"}, {"name": "c"}],
        ),
        ("volumes", [{"name": "a"}, {"name": "b"}], [{"name": "a", "$patch": "delete"}], [{"name": "b"}]),
        (
            "volumes",
            [{"name": "a", "emptyDir": {}}, {"name": "b"}],
            [{"name": "a", "$patch": "replace", "secret": {}}],
            [{"name": "a", "secret": {}}, {"name": "b"}],
        ),
        ("volumes", [{"name": "a"}], [{"$patch": "replace"}, {"name": "b"}], [{"name": "b"}]),
        (
            "volumeMounts",
            [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}],
            [{"mountPath": "/b", "readOnly": True}],
            [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b", "readOnly": True}],
        ),
        (
            "ports",
            [{"name": "a", "containerPort": 1}, {"name": "b", "containerPort": 1, "protocol": "UDP"}],
            [{"containerPort": 1, "protocol": "TCP", "hostPort": 2}, {"containerPort": 3}],
            [
                {"name": "a", "containerPort": 1, "protocol": "TCP", "hostPort": 2},
                {"name": "b", "containerPort": 1, "protocol": "UDP"},
                {"containerPort": 3},
            ],
        ),
        (
            "ports",
            [{"name": "a", "port": 1, "targetPort": 5}, {"port": 1, "protocol": "UDP"}],
            [{"port": 1, "protocol": "UDP", "targetPort": 6}],
            [{"name": "a", "port": 1, "targetPort": 5}, {"port": 1, "protocol": "UDP", "targetPort": 6}],
        ),
        (
            "ports",
            [{"name": "a", "port": 1}, {"port": 2}],
            [{"name": "a", "nodePort": 30000}],
            [{"name": "a", "port": 1, "nodePort": 30000}, {"port": 2}],
        ),
        (
            "topologySpreadConstraints",
            [{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}],
            [
                {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 2},
                {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
            ],
            [
                {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 2},
                {"topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
            ],
        ),
        (
            "hostAliases",
            [{"ip": "10.0.0.1", "hostnames": ["a"]}],
            [{"ip": "10.0.0.1", "hostnames": ["b"]}],
            [{"ip": "10.0.0.1", "hostnames": ["b"]}],
        ),
        ("tolerations", [{"key": "a"}], [{"key": "b"}], [{"key": "b"}]),
        (
            "subjects",
            [{"kind": "User", "name": "a"}],
            [{"kind": "Group", "name": "b"}],
            [{"kind": "Group", "name": "b"}],
        ),
        ("envFrom", [{"prefix": "x"}], [{"name": "a"}], [{"name": "a"}]),
        ("env", [{"name": "A"}], [{"value": "b"}], [{"value": "b"}]),
        ("env", [{"name": "A", "v": 1}, {"name": "A", "v": 2}], [{"name": "A", "v": 3}], [{"name": "A", "v": 3}]),
        (
            "env",
            [{"name": "B"}],
            [{"name": "A", "v": 1}, {"name": "A", "v": 2}],
            [{"name": "A", "v": 1}, {"name": "A", "v": 2}],
        ),
        ("env", "text", [{"name": "A", "$patch": "delete"}, {"name": "B"}], [{"name": "B"}]),
        ("env", [1, {"name": "A"}], [{"name": "A", "x": 1}], [{"name": "A", "x": 1}]),
    ],
)
def test_lists_of_objects(field: str, base: Any, patch: list[Any], result: list[Any]) -> None:
    assert apply({field: base}, {field: patch}) == {field: result}


def test_ports_of_a_network_policy_are_replaced() -> None:
    base = {"kind": "NetworkPolicy", "spec": {"ingress": {"ports": [{"port": 1}, {"port": 2}]}}}
    patched = apply(base, {"spec": {"ingress": {"ports": [{"port": 1}]}}})
    assert patched["spec"]["ingress"]["ports"] == [{"port": 1}]


scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"])
names = st.sampled_from(["name", "a", "b", "ports", "containerPort", "port", "protocol", "containers", "volumeMounts"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
bodies = st.dictionaries(names, values, max_size=3)
directives = st.sampled_from([{"$patch": "delete"}, {"$patch": "replace"}, {"$patch": "merge"}])
patch_values = st.recursive(
    scalars | directives,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names, inner, max_size=3)
        | st.builds(lambda d, i: {**i, **d}, directives, st.dictionaries(names, inner, max_size=3))
    ),
    max_leaves=10,
)
patches = st.dictionaries(names, patch_values, max_size=3)


@settings(max_examples=500, deadline=None)
@given(body=bodies, patch=patches)
def test_applying_twice_is_applying_once_and_nothing_is_mutated(body: Any, patch: Any) -> None:
    before = copy.deepcopy((body, patch))
    once = apply(body, patch)
    assert apply(once, patch) == once
    assert (body, patch) == before


def poison(value: Any) -> None:
    """Changes every collection in place."""
    if isinstance(value, dict):
        for item in value.values():
            poison(item)
        value["poison"] = True
    elif isinstance(value, list):
        for item in value:
            poison(item)
        value.append("poison")


@settings(max_examples=200, deadline=None)
@given(patch=patches)
def test_a_result_shares_nothing_with_the_patch(patch: Any) -> None:
    before = copy.deepcopy(patch)
    poison(apply({}, patch))
    assert patch == before


@settings(max_examples=200, deadline=None)
@given(body=bodies)
def test_an_empty_patch_changes_nothing(body: Any) -> None:
    assert apply(body, {}) == body


def has_directive(value: Any) -> bool:
    if isinstance(value, dict):
        return "$patch" in value or any(map(has_directive, value.values()))
    return isinstance(value, list) and any(map(has_directive, value))


@settings(max_examples=300, deadline=None)
@given(body=bodies, patch=patches)
def test_no_directive_reaches_the_object(body: Any, patch: Any) -> None:
    assert not has_directive(apply(body, patch))


def artifact(**metadata: str) -> Artifact:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "gateway-eu", **metadata}}
    return Artifact(component="ingest", policy=PolicyRef("Environment", "prod"), body=body)


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ({"kind": "Deployment"}, True),
        ({"kind": "DaemonSet"}, False),
        ({"kind": "*"}, True),
        ({"kind": "deployment"}, False),
        ({"kind": "Deployment", "name": "gateway-eu"}, True),
        ({"kind": "Deployment", "name": "gateway"}, False),
        ({"kind": "Deployment", "name": "gateway-*"}, True),
        ({"kind": "Deployment", "name": "*-eu"}, True),
        ({"kind": "Deployment", "name": "gate*y-*u"}, True),
        ({"kind": "Deployment", "name": "gateway-e?"}, False),
        ({"kind": "Deployment", "name": "gateway-[e]*"}, False),
        ({"kind": "Deployment", "namespace": "phoenix-ingest"}, True),
        ({"kind": "Deployment", "namespace": "phoenix"}, False),
        ({"kind": "Deployment", "component": "ingest"}, True),
        ({"kind": "Deployment", "component": "storage"}, False),
    ],
)
def test_targets(target: dict[str, str], hit: bool) -> None:
    override = Override(patch={"spec": {"replicas": 3}}, **target)
    changed, hits = apply_all(artifact(namespace="phoenix-ingest"), [override])
    assert hits == (frozenset({0}) if hit else frozenset())
    assert changed.body.get("spec") == ({"replicas": 3} if hit else None)


def test_a_wildcard_matches_objects_without_namespace() -> None:
    assert Override(kind="Deployment", namespace="*", patch={}).matches(artifact())
    assert not Override(kind="Deployment", namespace="x*", patch={}).matches(artifact())


def test_overrides_apply_in_order_and_a_faulty_one_not_at_all() -> None:
    before = artifact()
    overrides = [
        Override(kind="Deployment", patch={"spec": {"replicas": 3, "paused": True}}),
        Override(kind="Deployment", patch={"spec": {"replicas": 9}, "kind": "Secret"}),
        Override(kind="Service", patch={"spec": {"replicas": 8}}),
        Override(kind="Deployment", patch={"spec": {"replicas": 5}}),
    ]
    changed, hits = apply_all(before, overrides)
    assert changed.body["spec"] == {"replicas": 5, "paused": True}
    assert hits == {0, 1, 3}
    assert "spec" not in before.body


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ({"apiVersion": "v2"}, "apiVersion"),
        ({"kind": None}, "kind"),
        ({"metadata": {"name": "x"}}, "metadata.name"),
        ({"metadata": {"namespace": None}}, "metadata.namespace"),
        ({"metadata": {"generateName": "x"}}, "metadata.generateName"),
        ({"metadata": None}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"$patch": "replace"}}, "metadata"),
        ({"metadata": {"$patch": "delete"}}, "metadata"),
        ({"metadata": {"labels": None}}, "metadata.labels"),
        ({"metadata": {"annotations": {"$patch": "replace"}}}, "metadata.annotations"),
        (
            {"metadata": {"annotations": {"policy.phoenix.io/policy": "x"}}},
            "metadata.annotations.policy.phoenix.io/policy",
        ),
        ({"metadata": {"labels": {"policy.phoenix.io/tenant": None}}}, "metadata.labels.policy.phoenix.io/tenant"),
        ({"$patch": "replace"}, "metadata"),
    ],
)
def test_identity_is_not_overridden(patch: dict[str, Any], path: str) -> None:
    (fault,) = check(Override(kind="Deployment", name="gw", patch=patch))
    assert fault.code == "PHX616"
    assert fault.message == (f"the override of Deployment `gw` changes `{path}`, which says which object it is")
    assert ".".join(map(str, fault.path)) == path


@pytest.mark.parametrize(
    ("patch", "told", "path"),
    [
        ({"spec": {"$patch": "remove"}}, "holds the directive `$patch: remove`", ("spec", "$patch")),
        ({"spec": {"x": [{"$patch": None}]}}, "holds the directive `$patch: None`", ("spec", "x", 0, "$patch")),
        (
            {"spec": {"$setElementOrder/containers": []}},
            "holds the directive `$setElementOrder/containers`",
            ("spec", "$setElementOrder/containers"),
        ),
        (
            {"$deleteFromPrimitiveList/finalizers": []},
            "holds the directive `$deleteFromPrimitiveList/finalizers`",
            ("$deleteFromPrimitiveList/finalizers",),
        ),
        (
            {"spec": {"strategy": {"$retainKeys": ["type"]}}},
            "holds the directive `$retainKeys`",
            ("spec", "strategy", "$retainKeys"),
        ),
        ({"$patch": "delete"}, "would delete the whole object", ("$patch",)),
    ],
)
def test_directives(patch: dict[str, Any], told: str, path: tuple[str | int, ...]) -> None:
    (fault,) = check(Override(kind="Deployment", name="gw", patch=patch))
    assert (fault.code, fault.message) == ("PHX617", f"the override of Deployment `gw` {told}")
    assert fault.path == path


def test_ordinary_patches_have_no_fault() -> None:
    patch = {
        "metadata": {"labels": {"team": "a", "old": None}, "annotations": {"x": "y"}},
        "spec": {"template": {"metadata": {"name": "x", "labels": None}}, "x": [{"$patch": "delete", "name": "a"}]},
    }
    assert check(Override(kind="Deployment", patch=patch)) == ()
