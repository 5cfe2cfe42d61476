"""Tenancy: what a tenant's objects mean, who may what and who reaches whom."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
import yaml

from phoenix_gitops.codes import CODES
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import rights, tenancy
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.model.tenant import TenantClass
from phoenix_gitops.resources import presets_dir
from tests.unit.emitters import netpol
from tests.unit.emitters.netpol import Pod, outside
from tests.unit.emitters.rbac import may
from tests.unit.emitters.support import (
    artifacts,
    cluster_scope,
    environment,
    objects,
    only,
    render,
    tenant,
    validate_builtin,
)

ACCESS = {"viewers": ["devs"], "editors": ["leads"]}


def emitted(scope=None, /, **spec):
    return objects(tenancy.emit_tenant(scope or cluster_scope(), tenant(**spec), render))


def faults(scope=None, /, **spec):
    found = list(tenancy.emit_tenant(scope or cluster_scope(), tenant(**spec), render))
    assert found
    assert all(isinstance(f, Diagnostic) for f in found)
    return found


def kinds(found):
    return [(o["kind"], o["metadata"]["name"]) for o in found]


# --- which objects -----------------------------------------------------------------------------------------------


def test_a_tenant_with_one_group_has_eight_objects():
    found = emitted(quotas={"pods": 5}, access={"viewers": ["devs"]})
    assert kinds(found) == [
        ("Namespace", "checkout"),
        ("ResourceQuota", "tenant"),
        ("LimitRange", "tenant"),
        ("NetworkPolicy", "default-deny"),
        ("NetworkPolicy", "allow-declared"),
        ("ServiceAccount", "checkout"),
        ("Role", "tenant-viewer"),
        ("RoleBinding", "tenant-viewer"),
    ]


@pytest.mark.parametrize("isolation", ["namespace", "dedicated"])
def test_every_object_is_one_that_the_api_server_takes(isolation):
    found = emitted(
        isolation=isolation,
        identity={"namespaces": ["checkout", "checkout-batch"]},
        quotas={"cpu": "8", "memory": "16Gi", "pods": 20, "activeSeries": 1},
        class_spec={"containerDefaults": {"maxRatio": 10}},
        access=ACCESS,
        costCenter="CC-1",
        residency="eu",
        network={"egress": [{"cidr": "192.0.2.0/24"}]},
        peers=[("cart", ("cart",))],
        targets=[("fraud", ("fraud",))],
    )
    assert len(found) == 20
    validate_builtin(found)


@pytest.mark.parametrize("isolation", ["namespace", "dedicated"])
def test_of_a_retired_tenant_the_namespaces_stay_walled_and_without_rights(isolation):
    network = {"allowFrom": ["other"], "egress": [{"cidr": "198.51.100.0/28"}]}
    found = emitted(access=ACCESS, quotas={"cpu": "8"}, isolation=isolation, state="retired", network=network)
    assert kinds(found) == [
        ("Namespace", "checkout"),
        ("ResourceQuota", "tenant"),
        ("LimitRange", "tenant"),
        ("NetworkPolicy", "default-deny"),
        ("ServiceAccount", "checkout"),
    ]
    labels = found[0]["metadata"]["labels"]
    assert labels["policy.phoenix.io/state"] == "retired"
    # By this label collectors know whose data it is, and who may send.
    assert "policy.phoenix.io/tenant" not in labels
    assert found[0]["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=confirm,Delete=confirm"
    assert pod_security(labels)["enforce"] == "restricted"
    walls = netpol.network(found)
    assert not walls.may_send(Pod("checkout"), Pod("checkout"), 80)
    assert not walls.may_receive(Pod("other"), Pod("checkout"), 80)


def test_of_a_retired_shared_tenant_the_mark_is_taken_off():
    (found,) = emitted(access=ACCESS, isolation="shared", state="retired")
    assert found["metadata"]["labels"] == {
        "policy.phoenix.io/environment": "prod",
        "policy.phoenix.io/state": "retired",
    }
    assert found["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"


@pytest.mark.parametrize("state", ["active", "readOnly"])
def test_a_shared_tenants_namespaces_are_marked_and_otherwise_left_alone(state):
    namespaces = ["checkout", "checkout-batch"]
    found = emitted(
        access=ACCESS, quotas={"cpu": "8"}, isolation="shared", state=state, identity={"namespaces": namespaces}
    )
    assert [(o["kind"], o["metadata"]["name"]) for o in found] == [("Namespace", name) for name in namespaces]
    for body in found:
        assert body["metadata"]["labels"] == {
            "policy.phoenix.io/environment": "prod",
            "policy.phoenix.io/tenant": "checkout",
            "policy.phoenix.io/state": state,
        }
        assert body["metadata"]["annotations"] == {
            "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
            "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
            "argocd.argoproj.io/sync-wave": "-10",
        }
        assert "spec" not in body


@pytest.mark.parametrize("namespace", ["kube-system", "default", "argocd", "phoenix-gateway"])
def test_a_shared_tenant_owns_no_namespace_of_the_cluster_or_the_platform(namespace):
    (fault,) = tenancy.emit_tenant(
        cluster_scope(), tenant(isolation="shared", identity={"namespaces": [namespace]}), render
    )
    assert (fault.code, fault.message) == (
        "PHX671",
        f"tenant `checkout` cannot own namespace `{namespace}`, which is not a tenant's",
    )


def test_every_object_belongs_to_the_tenants_policy_and_says_whose_it_is():
    for artifact in artifacts(tenancy.emit_tenant(cluster_scope(), tenant(access=ACCESS), render)):
        assert (artifact.component, str(artifact.policy)) == ("tenancy", "Tenant/checkout")
        assert artifact.template.endswith(f"/{artifact.kind.lower()}.yaml.j2")
        labels = artifact.body["metadata"]["labels"]
        assert labels["policy.phoenix.io/tenant"] == "checkout"
        assert labels["policy.phoenix.io/environment"] == "prod"


def test_each_namespace_has_the_same_walls_and_rights():
    found = emitted(identity={"namespaces": ["b", "a"]}, access=ACCESS)
    in_a = [(o["kind"], o["metadata"]["name"]) for o in found if o["metadata"].get("namespace") == "a"]
    in_b = [(o["kind"], o["metadata"]["name"]) for o in found if o["metadata"].get("namespace") == "b"]
    assert in_a == in_b
    assert len(in_a) == 8
    assert [n for kind, n in kinds(found) if kind == "Namespace"] == ["a", "b"]


def test_output_does_not_depend_on_the_order_of_lists():
    one = emitted(
        identity={"namespaces": ["a", "b"]},
        access={"viewers": ["x", "y"], "editors": ["z", "w"]},
        network={"egress": [{"cidr": "192.0.2.0/24"}, {"cidr": "198.51.100.0/24"}]},
        peers=[("p", ("p1",)), ("q", ("q1",))],
        targets=[("r", ("r1",)), ("s", ("s1",))],
    )
    other = emitted(
        identity={"namespaces": ["b", "a"]},
        access={"viewers": ["y", "x"], "editors": ["w", "z"]},
        network={"egress": [{"cidr": "198.51.100.0/24"}, {"cidr": "192.0.2.0/24"}]},
        peers=[("q", ("q1",)), ("p", ("p1",))],
        targets=[("s", ("s1",)), ("r", ("r1",))],
    )
    assert one == other
    assert [list(o) for o in one] == [list(o) for o in other]


def test_another_tenant_changes_nothing():
    from phoenix_gitops.scope import TenantSummary

    other = TenantSummary(
        name="cart",
        owner="team-cart",
        class_="namespace",
        isolation="namespace",
        namespaces=("cart",),
        account=1,
        cost_center="",
        retention="30d",
        active_series=1,
        ingest_rate=1,
        state="active",
    )
    crowded = cluster_scope(dataclasses.replace(environment(), tenants=(other,)))
    assert emitted(crowded, access=ACCESS) == emitted(access=ACCESS)


# --- namespace -----------------------------------------------------------------------------------------------------


def namespace(scope=None, /, **spec):
    return only(emitted(scope, **spec), "Namespace")["metadata"]


def test_a_namespace_is_never_deleted_unasked_and_comes_before_what_it_holds():
    found = emitted(access=ACCESS, quotas={"cpu": "8"})
    waves = {o["kind"]: int(o["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for o in found}
    assert {kind for kind, wave in waves.items() if wave == -10} == {"Namespace"}
    assert set(waves.values()) == {-10, -5}
    options = only(found, "Namespace")["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
    assert options == "Prune=confirm,Delete=confirm"


def test_the_namespace_says_who_pays_and_where_data_may_lie():
    labels = namespace(costCenter="CC-1042", residency="eu", state="readOnly", isolation="dedicated")["labels"]
    said = {key.removeprefix("policy.phoenix.io/"): value for key, value in labels.items() if "phoenix" in key}
    assert said == {
        "tenant": "checkout",
        "environment": "prod",
        "tenant-class": "dedicated",
        "isolation": "dedicated",
        "state": "readOnly",
        "cost-center": "CC-1042",
        "residency": "eu",
    }
    bare = namespace()["labels"]
    assert not {"policy.phoenix.io/cost-center", "policy.phoenix.io/residency"} & bare.keys()


def test_a_renamed_tenant_keeps_its_account():
    account = "policy.phoenix.io/account"
    assert namespace()["annotations"][account] == "3346407000"
    assert namespace(name="new", formerly=["checkout"])["annotations"][account] == "3346407000"
    assert namespace(name="new")["annotations"][account] != "3346407000"


def test_a_renamed_tenants_pods_keep_the_account_that_they_name():
    found = emitted(name="new", formerly=["older", "old"], identity={"namespaces": ["shop"]})
    assert [o["metadata"]["name"] for o in found if o["kind"] == "ServiceAccount"] == ["new", "old", "older"]


def pod_security(labels):
    prefix = "pod-security.kubernetes.io/"
    return {key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)}


def test_pod_security_follows_the_clusters_version():
    expected = {f"{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    expected |= {f"{mode}-version": "v1.36" for mode in ("enforce", "audit", "warn")}
    assert pod_security(namespace(cluster_scope(kubernetes="1.36"))["labels"]) == expected


def test_pod_security_follows_the_newest_definition_if_the_policy_says_so():
    scope = cluster_scope(environment(security={"podSecurityVersion": "latest"}))
    found = pod_security(namespace(scope)["labels"])
    assert {value for key, value in found.items() if key.endswith("-version")} == {"latest"}


def test_a_baseline_class_still_hears_of_what_falls_short_of_restricted():
    found = pod_security(namespace(class_spec={"podSecurity": "baseline"})["labels"])
    assert (found["enforce"], found["audit"], found["warn"]) == ("baseline", "restricted", "restricted")


# --- quotas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quotas", "hard"),
    [
        ({"cpu": "8"}, {"requests.cpu": "8", "limits.cpu": "8"}),
        ({"memory": "16Gi"}, {"requests.memory": "16Gi", "limits.memory": "16Gi"}),
        ({"pods": 12}, {"pods": "12"}),
        (
            {"cpu": "8", "memory": "16Gi", "pods": 12},
            {
                "requests.cpu": "8",
                "limits.cpu": "8",
                "requests.memory": "16Gi",
                "limits.memory": "16Gi",
                "pods": "12",
            },
        ),
    ],
)
def test_a_quota_holds_just_what_is_set(quotas, hard):
    assert only(emitted(quotas=quotas), "ResourceQuota")["spec"] == {"hard": hard}


def test_quantities_are_written_as_the_cluster_writes_them():
    quotas = {"cpu": "8000m", "memory": "16384Mi", "pods": 1000}
    defaults = {"cpuRequest": "0.05", "cpuLimit": "1000m", "memoryRequest": "0.5Gi", "memoryLimit": "1024Mi"}
    found = emitted(quotas=quotas, class_spec={"containerDefaults": defaults | {"maxRatio": 1000}})
    assert only(found, "ResourceQuota")["spec"]["hard"] == {
        **dict.fromkeys(("requests.cpu", "limits.cpu"), "8"),
        **dict.fromkeys(("requests.memory", "limits.memory"), "16Gi"),
        "pods": "1k",
    }
    (limit,) = only(found, "LimitRange")["spec"]["limits"]
    assert limit["default"] == {"cpu": "1", "memory": "1Gi"}
    assert limit["defaultRequest"] == {"cpu": "50m", "memory": "512Mi"}
    assert limit["maxLimitRequestRatio"] == {"cpu": "1k", "memory": "1k"}


def test_the_tenants_quotas_stand_over_those_of_its_class():
    spec = {"quotas": {"cpu": "8", "pods": 10}}
    quota = only(emitted(class_spec=spec, quotas={"pods": 20}), "ResourceQuota")
    assert quota["spec"]["hard"] == {"requests.cpu": "8", "limits.cpu": "8", "pods": "20"}


def test_how_exactly_each_quota_is_held_is_said():
    found = emitted(quotas={"cpu": "8", "memory": "16Gi", "pods": 12, "activeSeries": 5, "ingestRate": 6})
    key = "policy.phoenix.io/quota-enforcement"
    said = "cpu=exact,memory=exact,pods=exact,activeSeries=alert-only,ingestRate=alert-only"
    assert only(found, "ResourceQuota")["metadata"]["annotations"][key] == said
    assert only(found, "Namespace")["metadata"]["annotations"][key] == said


def test_without_quotas_there_is_no_resource_quota():
    found = emitted(quotas={"activeSeries": 5})
    assert "ResourceQuota" not in {o["kind"] for o in found}
    annotations = only(found, "Namespace")["metadata"]["annotations"]
    assert annotations["policy.phoenix.io/quota-enforcement"] == "activeSeries=alert-only"
    assert "policy.phoenix.io/quota-enforcement" not in namespace()["annotations"]


def test_containers_that_say_nothing_get_the_defaults_of_the_class():
    defaults = {"cpuRequest": "10m", "memoryRequest": "20Mi", "cpuLimit": "30m", "memoryLimit": "40Mi"}
    (limit,) = only(emitted(class_spec={"containerDefaults": defaults}), "LimitRange")["spec"]["limits"]
    assert limit == {
        "type": "Container",
        "default": {"cpu": "30m", "memory": "40Mi"},
        "defaultRequest": {"cpu": "10m", "memory": "20Mi"},
    }


def test_a_ratio_bounds_limits_by_requests():
    (limit,) = only(emitted(class_spec={"containerDefaults": {"maxRatio": 10}}), "LimitRange")["spec"]["limits"]
    assert limit["maxLimitRequestRatio"] == {"cpu": "10", "memory": "10"}


@pytest.mark.parametrize(
    ("class_spec", "message"),
    [
        (
            {"containerDefaults": {"cpuRequest": "600m"}},
            "in `containerDefaults` of class `namespace` the cpu limit `500m` is below its request `600m`",
        ),
        (
            {"containerDefaults": {"memoryRequest": "1Gi"}},
            "in `containerDefaults` of class `namespace` the memory limit `512Mi` is below its request `1Gi`",
        ),
        (
            {"containerDefaults": {"maxRatio": 9}},
            "in `containerDefaults` of class `namespace` the cpu limit `500m` is more than `9` times its request `50m`",
        ),
        (
            {
                "containerDefaults": {"maxRatio": 10},
                "gateway": {
                    "resources": {
                        "cpuRequest": "10m",
                        "cpuLimit": "101m",
                        "memoryRequest": "1Mi",
                        "memoryLimit": "1Mi",
                    }
                },
            },
            "in `gateway.resources` of class `namespace` the cpu limit `101m` is more than `10` times its "
            "request `10m`",
        ),
    ],
)
def test_limits_that_the_api_server_would_refuse_are_faults(class_spec, message):
    (fault,) = faults(class_spec=class_spec)
    assert (fault.code, fault.message) == ("PHX672", message)


GATEWAY = {
    "replicas": {"min": 1, "max": 3},
    "resources": {"cpuRequest": "100m", "cpuLimit": "500m", "memoryRequest": "256Mi", "memoryLimit": "256Mi"},
}


@pytest.mark.parametrize(
    ("quotas", "message"),
    [
        (
            {"cpu": "1999m"},
            "the cpu quota `1999m` of tenant `checkout` holds less than the `4` gateway replicas of `500m` "
            "that it must",
        ),
        (
            {"memory": "1023Mi"},
            "the memory quota `1023Mi` of tenant `checkout` holds less than the `4` gateway replicas of `256Mi` "
            "that it must",
        ),
        (
            {"pods": 3},
            "the quota of `3` pods of tenant `checkout` holds less than the `4` gateway replicas that it must",
        ),
    ],
)
def test_a_quota_below_the_tenants_own_gateway_is_a_fault(quotas, message):
    (fault,) = faults(quotas=quotas, class_spec={"gateway": GATEWAY})
    assert (fault.code, fault.message) == ("PHX673", message)


def test_a_quota_that_just_holds_the_gateway_is_fine():
    assert emitted(quotas={"cpu": "2", "memory": "1Gi", "pods": 4}, class_spec={"gateway": GATEWAY})


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-node-lease", "argocd", "phoenix", "phoenix-agents"])
def test_a_tenant_cannot_own_what_is_everybodys(name):
    (fault,) = faults(identity={"namespaces": ["mine", name]})
    assert fault.code == "PHX671"
    assert fault.message == f"tenant `checkout` cannot own namespace `{name}`, which is not a tenant's"


def test_reserved_namespaces_follow_the_platform():
    scope = cluster_scope(
        environment(platform_spec={"conventions": {"namespacePrefix": "obs"}, "argocd": {"namespace": "cd"}})
    )
    assert [f.code for f in faults(scope, identity={"namespaces": ["cd", "obs-agents", "phoenix-x"]})] == ["PHX671"] * 2


# --- rights --------------------------------------------------------------------------------------------------------

READS = (
    "pods",
    "pods/log",
    "configmaps",
    "services",
    "deployments.apps",
    "jobs.batch",
    "networkpolicies.networking.k8s.io",
)
WRITES = ("configmaps", "deployments.apps", "statefulsets.apps", "jobs.batch", "horizontalpodautoscalers.autoscaling")
NEVER = (
    "secrets",
    "serviceaccounts/token",
    "pods/exec",
    "pods/attach",
    "pods/ephemeralcontainers",
    "nodes",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
)
WALLS = ("resourcequotas", "limitranges", "networkpolicies.networking.k8s.io", "serviceaccounts", "namespaces")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "bind", "escalate")


def test_viewers_read_and_do_nothing_else():
    found = emitted(access=ACCESS)
    for resource in READS:
        granted = {verb for verb in VERBS if may(found, "devs", "checkout", verb, resource)}
        assert granted == {"get", "list", "watch"}, resource


def test_editors_read_and_change_workloads():
    found = emitted(access=ACCESS)
    for resource in READS:
        assert may(found, "leads", "checkout", "get", resource), resource
    for resource in WRITES:
        granted = {verb for verb in VERBS if may(found, "leads", "checkout", verb, resource)}
        assert granted == {"get", "list", "watch", "create", "update", "patch", "delete"}, resource


def test_nobody_reads_secrets_enters_containers_or_grows_their_rights():
    found = emitted(access=ACCESS)
    granted = {
        (group, verb, resource)
        for group in ("devs", "leads")
        for verb in VERBS
        for resource in NEVER
        if may(found, group, "checkout", verb, resource)
    }
    assert granted == set()


def test_nobody_moves_the_walls():
    found = emitted(access=ACCESS)
    for resource in WALLS:
        assert not [v for v in VERBS[3:] if may(found, "leads", "checkout", v, resource)], resource


def test_editors_run_nothing_on_every_node():
    assert not may(emitted(access=ACCESS), "leads", "checkout", "create", "daemonsets.apps")


def test_rights_end_at_the_tenants_namespaces():
    found = [*emitted(access=ACCESS), *emitted(name="cart", access={"viewers": ["cart-devs"]})]
    assert may(found, "cart-devs", "cart", "get", "pods")
    assert not may(found, "cart-devs", "checkout", "get", "pods")
    assert not may(found, "leads", "cart", "get", "pods")
    assert not may(found, "strangers", "checkout", "get", "pods")
    assert not {o["kind"] for o in found} & {"ClusterRole", "ClusterRoleBinding"}


def test_a_read_only_tenants_editors_can_still_look():
    found = emitted(access=ACCESS, state="readOnly")
    assert may(found, "leads", "checkout", "get", "pods")
    assert not [v for v in VERBS[3:] if may(found, "leads", "checkout", v, "deployments.apps")]
    assert not [o for o in found if o["metadata"]["name"] == "tenant-editor"]


def test_without_groups_there_are_no_roles():
    assert not {"Role", "RoleBinding"} & {o["kind"] for o in emitted()}


def test_no_rule_has_a_wildcard():
    grants = [*rights.tenant_grants(["a"], ["b"]), *rights.platform_grants(["a"], ["b"])]
    assert len(grants) == 4
    for grant in grants:
        for rule in grant.rules:
            assert not [v for part in rule.values() for v in part if "*" in v]


def test_pods_get_no_token_unless_they_ask():
    account = only(emitted(), "ServiceAccount")
    assert account["automountServiceAccountToken"] is False


def platform_objects(**access):
    scope = cluster_scope(environment(security={"access": access}))
    return objects(tenancy.emit(scope, render))


def test_the_platform_team_reads_and_restarts_in_the_platforms_namespaces():
    found = platform_objects(viewers=["oncall"], operators=["sre"])
    validate_builtin(found)
    assert len(found) == 8
    for space in ("phoenix-agents", "phoenix-gateway"):
        assert may(found, "oncall", space, "list", "pods")
        assert may(found, "sre", space, "list", "pods")
        assert may(found, "sre", space, "delete", "pods")
        assert may(found, "sre", space, "patch", "daemonsets.apps")
        for verb in ("update", "patch"):
            assert may(found, "sre", space, verb, "deployments/scale.apps")
            assert may(found, "sre", space, verb, "statefulsets/scale.apps")
        assert not may(found, "oncall", space, "delete", "pods")
        assert not may(found, "sre", space, "create", "deployments.apps")
        assert not may(found, "sre", space, "get", "secrets")
        assert not may(found, "sre", space, "patch", "configmaps")


def test_no_platform_groups_no_platform_roles():
    assert platform_objects() == []


# --- network -------------------------------------------------------------------------------------------------------

MINE = Pod("checkout", {"app": "api"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"}, "10.244.0.53")
AGENT = Pod("phoenix-agents", {"app.kubernetes.io/name": "agent"}, "10.244.0.9")


def network(scope=None, /, **spec):
    return netpol.network(emitted(scope, **spec))


def test_a_tenant_reaches_itself_and_dns_and_nothing_else():
    world = network(identity={"namespaces": ["checkout", "checkout-batch"]})
    batch = Pod("checkout-batch")
    assert world.passes(MINE, Pod("checkout", {"app": "db"}), 5432)
    assert world.passes(MINE, batch, 80)
    assert world.passes(batch, MINE, 80)
    assert world.passes(MINE, DNS, 53, "UDP")
    strangers = (Pod("cart"), Pod("kube-system"), Pod("phoenix-gateway"), outside("1.1.1.1"), outside("10.4.0.1"))
    for stranger in strangers:
        assert not world.passes(MINE, stranger, 443), stranger
        assert not world.passes(stranger, MINE, 443), stranger


def test_metrics_go_to_the_agents_at_the_ports_they_listen_on():
    scope = cluster_scope(environment(inputs={"otlp": {"grpcPort": 5317, "httpPort": 5318}}))
    world = network(scope)
    assert world.passes(MINE, AGENT, 5317)
    assert world.passes(MINE, AGENT, 5318)
    assert not world.passes(MINE, AGENT, 4317)
    assert not world.passes(MINE, Pod("phoenix-gateway"), 5317)
    assert not world.passes(MINE, Pod("phoenix-agents"), 5317)
    assert not network(cluster_scope(environment(inputs={}))).passes(MINE, AGENT, 4317)


@pytest.mark.parametrize(
    ("inputs", "scraped"),
    [({}, False), ({"prometheus": {"pods": False}}, False), ({"prometheus": {"pods": True}}, True)],
)
def test_agents_reach_pods_only_if_they_scrape_them(inputs, scraped):
    world = network(cluster_scope(environment(inputs=inputs)))
    assert world.passes(AGENT, MINE, 8080) is scraped
    assert not world.passes(Pod("other"), MINE, 8080)


def test_a_tenant_that_is_let_in_can_get_out():
    host = emitted(name="payments", peers=[("checkout", ("checkout", "checkout-batch"))])
    guest = emitted(identity={"namespaces": ["checkout", "checkout-batch"]}, targets=[("payments", ("payments",))])
    stranger = emitted(name="cart")
    world = netpol.network([*host, *guest, *stranger])
    payments = Pod("payments")
    assert world.passes(MINE, payments, 443)
    assert world.passes(Pod("checkout-batch"), payments, 443)
    assert not world.passes(payments, MINE, 443)
    assert not world.passes(Pod("cart"), payments, 443)


def test_neither_side_of_an_edge_opens_it_alone():
    host = emitted(name="payments", peers=[("checkout", ("checkout",))])
    guest = emitted(targets=[("payments", ("payments",))])
    assert not netpol.network([*host, *emitted()]).passes(MINE, Pod("payments"), 443)
    assert not netpol.network([*emitted(name="payments"), *guest]).passes(MINE, Pod("payments"), 443)


def test_declared_destinations_are_reached_at_their_port():
    declared = [{"cidr": "192.0.2.0/28", "port": 5432}, {"cidr": "198.51.100.7/32"}]
    world = network(network={"egress": declared})
    assert world.passes(MINE, outside("192.0.2.5"), 5432)
    assert world.passes(MINE, outside("198.51.100.7"), 443)
    assert not world.passes(MINE, outside("192.0.2.5"), 443)
    assert not world.passes(MINE, outside("192.0.2.16"), 5432)
    assert not world.passes(MINE, outside("198.51.100.7"), 5432)
    assert not world.passes(outside("192.0.2.5"), MINE, 5432)


def test_a_cluster_that_does_not_say_how_it_reaches_dns_gets_no_network_policy():
    found = list(tenancy.emit_tenant(cluster_scope(dns=None), tenant(), render))
    (fault,) = [f for f in found if isinstance(f, Diagnostic)]
    assert fault.code == "PHX670"


def test_whom_a_tenant_may_reach_follows_from_who_lets_it_in():
    from phoenix_gitops.world import World

    env = environment().environment
    policies = [
        tenant(name="payments", network={"allowFrom": ["checkout", "gone", "away"]}),
        tenant(name="search", network={"allowFrom": ["checkout"]}, identity={"namespaces": ["s1", "s2"]}),
        tenant(name="closed", network={"allowFrom": ["checkout"]}, state="retired"),
        tenant(name="far", network={"allowFrom": ["checkout"]}, environmentSelector={"matchLabels": {"class": "dev"}}),
        tenant(name="checkout"),
        tenant(name="gone", state="retired"),
        tenant(name="away", environmentSelector={"matchLabels": {"class": "dev"}}),
    ]
    world = World({("Tenant", t.name): t.tenant for t in policies} | {("TenantClass", "namespace"): policies[0].class_})
    checkout = world.tenant(env, policies[4].name)
    assert checkout.targets == (("payments", ("payments",)), ("search", ("s1", "s2")))
    assert checkout.peers == ()
    assert world.tenant(env, policies[0].name).peers == (("checkout", ("checkout",)),)


# --- presets -------------------------------------------------------------------------------------------------------


def preset(kind, folder, name):
    data = yaml.safe_load((presets_dir() / folder / f"{name}.yaml").read_text())
    assert data["metadata"]["name"] == name
    return data, msgspec.convert({"metadata": data["metadata"], "spec": data["spec"]}, kind)


@pytest.mark.parametrize("name", ["shared", "namespace", "dedicated"])
def test_the_presets_compile_as_they_are(name):
    data, class_ = preset(TenantClass, "tenant-classes", name)
    assert class_.spec.isolation == name
    found = emitted(isolation=name, class_spec=data["spec"], access=ACCESS)
    assert len(found) == (1 if name == "shared" else 10)


def test_the_security_preset_grants_nothing_and_redacts_credentials():
    _, policy = preset(SecurityPolicy, "security", "standard")
    assert policy.spec.access.viewers == policy.spec.access.operators == []
    assert policy.spec.egress == []
    assert "http.request.header.authorization" in policy.spec.redact
    assert policy.spec.run_as_user == 10001


def test_codes_of_this_range_have_a_row():
    assert {f"PHX67{i}" for i in range(7)} <= CODES.keys()
