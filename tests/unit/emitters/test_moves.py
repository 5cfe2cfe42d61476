"""Moves between classes: what stands at each step; none opens access or takes away what the next one needs."""

from __future__ import annotations

import pytest

from phoenix_gitops.emitters import ingest, tenancy
from phoenix_gitops.standing import Standing
from tests.unit.emitters import netpol
from tests.unit.emitters.netpol import Pod
from tests.unit.emitters.rbac import may
from tests.unit.emitters.support import cluster_scope, objects, render, tenant, tenant_class

ACCESS = {"viewers": ["devs"], "editors": ["leads"]}
QUOTAS = {"namespace": {"cpu": "8", "pods": 20, "activeSeries": 50}, "dedicated": {"cpu": "32", "pods": 200}}
QUOTAS |= {"shared": {"activeSeries": 10}}
HANDED_OVER = "Prune=false,Delete=false"
GATEWAY = Pod("phoenix-gateway", {"app.kubernetes.io/name": "gateway"})
SYNC = "argocd.argoproj.io/sync-options"


def standing(now: str, former: str = ""):
    """All objects of a tenant's own at one step."""
    scope = tenant(
        isolation=now,
        class_spec={"quotas": QUOTAS[now]},
        former=former,
        former_spec={"quotas": QUOTAS[former]} if former else None,
        access=ACCESS,
    )
    found = []
    for emitter in (tenancy, ingest):
        found += objects(emitter.emit_tenant(cluster_scope(), scope, render))
    return found


def names(found, *kinds):
    return sorted(f"{o['kind']}/{o['metadata']['name']}" for o in found if o["kind"] in kinds)


def labels(found):
    (space,) = [o for o in found if o["kind"] == "Namespace"]
    return space["metadata"]["labels"]


def option(found, kind, name):
    (one,) = [o for o in found if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return one["metadata"]["annotations"].get(SYNC)


def gateway(found):
    (one,) = [o for o in found if o["kind"] == "Deployment"]
    return one["spec"]["template"]["spec"]


def hard(found):
    return next((o["spec"]["hard"] for o in found if o["kind"] == "ResourceQuota"), None)


@pytest.mark.parametrize("own", ["namespace", "dedicated"])
def test_into_namespaces_of_its_own_the_gateway_comes_first_and_the_walls_last(own):
    before, between, after = standing("shared"), standing(own, "shared"), standing(own)
    assert names(before, "Deployment", "NetworkPolicy", "RoleBinding", "ResourceQuota") == []
    # The gateway with its own fence; nothing yet limits or admits anybody in the namespace.
    assert names(between, "Deployment", "NetworkPolicy", "RoleBinding", "ResourceQuota", "LimitRange") == [
        "Deployment/tenant-gateway",
        "NetworkPolicy/tenant-gateway",
    ]
    assert gateway(between) == gateway(after)
    assert not may(between, "leads", "checkout", "create", "pods")
    assert may(after, "leads", "checkout", "create", "pods")
    open_, walled = netpol.network(between), netpol.network(after)
    app = Pod("checkout", {"app": "till"})
    assert open_.may_send(app, GATEWAY, 4317)
    assert open_.may_receive(Pod("elsewhere"), app, 80)
    assert not walled.may_send(app, GATEWAY, 4317)
    assert not walled.may_receive(Pod("elsewhere"), app, 80)
    # Who would be refused is told before; the namespace is nobody's to delete until it is ours.
    assert "pod-security.kubernetes.io/warn" in labels(between)
    assert "pod-security.kubernetes.io/enforce" not in labels(between)
    assert "pod-security.kubernetes.io/enforce" in labels(after)
    assert option(between, "Namespace", "checkout") == HANDED_OVER
    assert option(after, "Namespace", "checkout") == "Prune=confirm,Delete=confirm"
    assert labels(between)["policy.phoenix.io/tenant"] == "checkout"


@pytest.mark.parametrize("own", ["namespace", "dedicated"])
def test_out_of_namespaces_of_its_own_the_walls_are_handed_over_and_nothing_opens(own):
    before, between, after = standing(own), standing("shared", own), standing("shared")
    # All that stood before stands, the gateway with not a byte changed: its pods go on.
    kinds = ("Deployment", "NetworkPolicy", "Role", "RoleBinding", "ResourceQuota", "LimitRange", "ServiceAccount")
    assert names(between, *kinds) == names(before, *kinds)
    assert gateway(between) == gateway(before)
    assert hard(between) == hard(before)
    assert names(after, *kinds) == []
    app = Pod("checkout", {"app": "till"})
    was, now = netpol.network(before), netpol.network(between)
    for other, port in ((Pod("elsewhere"), 80), (GATEWAY, 4999), (Pod("kube-system"), 443)):
        assert now.may_send(app, other, port) == was.may_send(app, other, port)
        assert now.may_receive(other, app, port) == was.may_receive(other, app, port)
    # The one edge that opens is that by which a shared tenant sends.
    assert (was.may_send(app, GATEWAY, 4317), now.may_send(app, GATEWAY, 4317)) == (False, True)
    stays = [
        *(("NetworkPolicy", name) for name in ("default-deny", "allow-declared")),
        *(
            ("ResourceQuota", "tenant"),
            ("LimitRange", "tenant"),
            ("Namespace", "checkout"),
            ("ServiceAccount", "checkout"),
        ),
    ]
    assert {option(between, *one) for one in stays} == {HANDED_OVER}
    assert option(before, "NetworkPolicy", "default-deny") is None
    # Rights go with the class, so nothing keeps them.
    assert {option(between, "RoleBinding", f"tenant-{role}") for role in ("viewer", "editor")} == {None}
    assert labels(between)["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("old", "new"), [("namespace", "dedicated"), ("dedicated", "namespace")])
def test_between_two_classes_of_its_own_the_wider_bounds_hold_and_the_gateway_runs_anywhere(old, new):
    before, between, after = standing(old), standing(new, old), standing(new)
    kinds = ("NetworkPolicy", "Role", "RoleBinding", "ServiceAccount", "Namespace", "LimitRange")
    assert names(before, *kinds) == names(between, *kinds) == names(after, *kinds)
    assert hard(between) == {"requests.cpu": "32", "limits.cpu": "32", "pods": "200"}
    own = {"policy.phoenix.io/tenant": "checkout"}
    selectors = [gateway(step).get("nodeSelector") for step in (before, between, after)]
    assert selectors == ([None, None, own] if new == "dedicated" else [own, None, None])
    tolerated = [bool(gateway(step).get("tolerations")) for step in (before, between, after)]
    assert tolerated == ([False, True, True] if new == "dedicated" else [True, True, False])
    assert {option(step, "NetworkPolicy", "default-deny") for step in (before, between, after)} == {None}
    assert option(between, "Namespace", "checkout") == "Prune=confirm,Delete=confirm"


def test_the_gateway_that_runs_already_keeps_its_size_until_the_move_is_over():
    small = {"gateway": {"replicas": {"min": 1}, "resources": _resources("128Mi")}}
    large = {"gateway": {"replicas": {"min": 3}, "resources": _resources("512Mi")}}
    old, new = tenant_class("dedicated", large), tenant_class("namespace", small)
    assert Standing(new, old).gateway == old.spec.gateway
    assert Standing(new).gateway == new.spec.gateway
    assert Standing(tenant_class("shared"), old).gateway == old.spec.gateway
    assert Standing(new, tenant_class("shared")).gateway == new.spec.gateway
    assert Standing(tenant_class("shared")).gateway is None


def _resources(memory):
    return {"cpuRequest": "100m", "memoryRequest": memory, "cpuLimit": "1", "memoryLimit": memory}


def test_the_looser_pod_security_and_ratio_hold_between_two_classes():
    strict = {"podSecurity": "restricted", "containerDefaults": {"maxRatio": 10}}
    for loose, ratio in (({"podSecurity": "baseline", "containerDefaults": {"maxRatio": 20}}, 20), ({}, None)):
        for now, former in ((strict, loose), (loose, strict)):
            bounds = Standing(tenant_class("namespace", now), tenant_class("dedicated", former)).bounds
            assert bounds.spec.container_defaults.max_ratio == ratio
            assert bounds.spec.pod_security == loose.get("podSecurity", "restricted")
            assert bounds.spec.isolation == "namespace"


@pytest.mark.parametrize(
    ("now", "former", "home"),
    [
        ("shared", "", False),
        ("namespace", "", True),
        ("namespace", "shared", False),
        ("shared", "namespace", True),
        ("dedicated", "namespace", True),
    ],
)
def test_rules_stay_where_they_are_until_the_move_is_over(now, former, home):
    assert Standing(tenant_class(now), tenant_class(former) if former else None).rules_at_home is home


def test_quotas_of_telemetry_are_the_larger_of_both_classes():
    moving = tenant(
        isolation="shared",
        class_spec={"quotas": QUOTAS["shared"]},
        former="namespace",
        former_spec={"quotas": QUOTAS["namespace"]},
    )
    assert (moving.quotas.active_series, moving.quotas.ingest_rate, moving.quotas.cpu) == (50, None, "8")
    own = tenant(isolation="namespace", class_spec={"quotas": QUOTAS["namespace"]}, quotas={"activeSeries": 7})
    assert own.quotas.active_series == 7


@pytest.mark.parametrize(("now", "former"), [("namespace", ""), ("shared", "namespace")])
def test_a_retired_tenant_has_no_gateway(now, former):
    active, retired = (tenant(isolation=now, former=former, state=state) for state in ("active", "retired"))
    assert list(ingest.emit_tenant(cluster_scope(), active, render))
    assert list(ingest.emit_tenant(cluster_scope(), retired, render)) == []
