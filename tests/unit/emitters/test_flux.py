"""GitOps for Flux: sources, folders, order and manners of Kustomizations, and the rights of their accounts."""

from __future__ import annotations

import pytest

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import gitops, manners
from phoenix_gitops.emitters.gitops import ComponentSummary
from phoenix_gitops.emitters.gitops.fences import RESOURCES, allowed, granted
from tests.unit.emitters.support import cluster, environment, merged, objects, only, platform, render

SEES = {
    "kind": "Role",
    "metadata": {"name": "tenant-viewer"},
    "rules": [{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}],
}
METRICS = {
    "kind": "ClusterRole",
    "metadata": {"name": "phoenix-agents"},
    "rules": [{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}],
}
TENANCY = ComponentSummary(
    kinds=frozenset({("", "Namespace", False), ("rbac.authorization.k8s.io", "Role", True)}),
    namespaces=frozenset({"checkout", "cart"}),
    grants=granted([SEES]),
)
INGEST = ComponentSummary(
    kinds=frozenset({("", "Namespace", False), ("apps", "Deployment", True)}),
    namespaces=frozenset({"phoenix-gateway", "checkout"}),
    grants=granted([METRICS]),
)
RULES = ComponentSummary(
    kinds=frozenset({("monitoring.coreos.com", "PrometheusRule", True)}), namespaces=frozenset({"phoenix-rules"})
)
SUMMARY = {("main", "tenancy"): TENANCY, ("main", "ingest"): INGEST, ("main", "rules"): RULES}
HUB = "management"


def scope(platform_spec=None, **spec):
    spec.setdefault("clusters", [cluster("main", kubeConfig={"secret": "main-kubeconfig"})])
    return environment(platform_spec=merged({"reconciler": "flux"}, platform_spec or {}), **spec)


def emit(where=HUB, summary=SUMMARY, **spec):
    return list(gitops.emit(scope(**spec), where, summary, render))


def emitted(where=HUB, summary=SUMMARY, **spec):
    return objects(emit(where, summary, **spec))


def kustomization(name="prod-main-ingest", summary=SUMMARY, **spec):
    return only(emitted(HUB, summary, **spec), "Kustomization", name)


def listed(found):
    return sorted((o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in found)


# --- which objects -------------------------------------------------------------------------------------------------


def test_where_flux_runs_are_a_source_and_a_kustomization_for_each_folder():
    assert listed(emitted()) == [
        ("GitRepository", "flux-system", "prod-root"),
        ("Kustomization", "flux-system", "prod-main-gitops"),
        ("Kustomization", "flux-system", "prod-main-ingest"),
        ("Kustomization", "flux-system", "prod-main-rules"),
        ("Kustomization", "flux-system", "prod-main-tenancy"),
        ("Kustomization", "flux-system", "prod-root"),
    ]


def test_in_each_cluster_are_namespaces_and_the_accounts_with_their_rights():
    assert listed(emitted("main")) == [
        ("ClusterRole", "", "phoenix-prod-ingest"),
        ("ClusterRole", "", "phoenix-prod-ingest-cluster"),
        ("ClusterRole", "", "phoenix-prod-rules"),
        ("ClusterRole", "", "phoenix-prod-rules-cluster"),
        ("ClusterRole", "", "phoenix-prod-tenancy"),
        ("ClusterRole", "", "phoenix-prod-tenancy-cluster"),
        ("ClusterRoleBinding", "", "phoenix-prod-ingest-cluster"),
        ("ClusterRoleBinding", "", "phoenix-prod-rules-cluster"),
        ("ClusterRoleBinding", "", "phoenix-prod-tenancy-cluster"),
        *(("Namespace", "", name) for name in ("cart", "checkout", "flux-system", "phoenix-gateway", "phoenix-rules")),
        ("RoleBinding", "cart", "phoenix-prod-tenancy"),
        ("RoleBinding", "checkout", "phoenix-prod-ingest"),
        ("RoleBinding", "checkout", "phoenix-prod-tenancy"),
        ("RoleBinding", "phoenix-gateway", "phoenix-prod-ingest"),
        ("RoleBinding", "phoenix-rules", "phoenix-prod-rules"),
        ("ServiceAccount", "flux-system", "phoenix-prod-ingest"),
        ("ServiceAccount", "flux-system", "phoenix-prod-rules"),
        ("ServiceAccount", "flux-system", "phoenix-prod-tenancy"),
    ]


def test_where_flux_runs_its_namespace_is_there_already():
    home = {"flux": {"server": "https://main.example.com"}}
    assert "flux-system" in {o["metadata"]["name"] for o in emitted("main")}
    found = emitted("main", clusters=[cluster("main")], platform_spec=home)
    assert "flux-system" not in {o["metadata"]["name"] for o in found if o["kind"] == "Namespace"}
    assert "kubeConfig" not in kustomization(clusters=[cluster("main")], platform_spec=home)["spec"]


def test_a_cluster_that_flux_runs_in_by_name_has_one_folder_for_both():
    spec = {"clusters": [cluster("main")], "platform_spec": {"flux": {"cluster": "main"}}}
    assert gitops.clusters(scope(**spec)) == ("main",)
    found = emitted("main", **spec)
    names = {o["metadata"]["name"] for o in found if o["kind"] == "Kustomization"}
    assert names == {"prod-root", "prod-main-ingest", "prod-main-rules", "prod-main-tenancy"}
    assert only(found, "ServiceAccount", "phoenix-prod-rules")
    assert only(found, "Kustomization", "prod-main-rules")["spec"]["dependsOn"] == [{"name": "prod-root"}]
    assert only(found, "Kustomization", "prod-root")["spec"]["path"] == "./generated/prod/main/gitops"


def test_faults_of_the_whole_are_told_once():
    odd = {("main", "rules"): ComponentSummary(kinds=frozenset({("", "Secret", True)}), namespaces=frozenset({"a"}))}
    found = [e for where in (HUB, "main") for e in emit(where, odd) if isinstance(e, Diagnostic)]
    assert [(f.code, f.message) for f in found] == [
        ("PHX675", "component `rules` holds a `Secret`, which it may not apply")
    ]
    nowhere = {"output": {"mode": "repo"}}
    codes = [[e.code for e in emit(where, platform_spec=nowhere)] for where in (HUB, "main")]
    assert codes == [["PHX674"], []]


# --- the source ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "url", "branch"),
    [
        ({"mode": "tree"}, "https://git.example.com/metrics/gitops.git", "main"),
        ({"mode": "branch"}, "https://git.example.com/metrics/gitops.git", "env/prod"),
        ({"mode": "repo", "url": "https://git.example.com/tree.git"}, "https://git.example.com/tree.git", "env/prod"),
    ],
)
def test_the_source_follows_the_output_mode(output, url, branch):
    flux = {"secret": "gitops-key", "poll": "90s"}
    source = only(emitted(platform_spec={"output": output, "flux": flux}), "GitRepository", "prod-root")
    assert source["spec"] == {
        "url": url,
        "ref": {"branch": branch},
        "secretRef": {"name": "gitops-key"},
        "interval": "1m30s",
        "sparseCheckout": ["generated/prod"],
    }
    assert "secretRef" not in only(emitted(), "GitRepository", "prod-root")["spec"]


# --- Kustomizations ------------------------------------------------------------------------------------------------


def test_a_kustomization_is_what_the_policies_say():
    flux = {"interval": "1d", "timeout": "7m"}
    found = kustomization(platform_spec={"flux": flux}, sync={"retry": {"backoff": "20s"}})["spec"]
    assert found == {
        "sourceRef": {"kind": "GitRepository", "name": "prod-root"},
        "path": "./generated/prod/main/ingest",
        "kubeConfig": {"secretRef": {"name": "main-kubeconfig"}},
        "serviceAccountName": "phoenix-prod-ingest",
        "dependsOn": [{"name": "prod-main-gitops"}],
        "interval": "24h",
        "retryInterval": "20s",
        "timeout": "7m",
        "prune": True,
        "deletionPolicy": "Orphan",
        "wait": True,
        "force": False,
    }


def test_the_key_of_a_kubeconfig_is_named_where_it_is_another():
    own = [cluster("main", kubeConfig={"secret": "fleet", "key": "main.yaml"})]
    assert kustomization(clusters=own)["spec"]["kubeConfig"] == {"secretRef": {"name": "fleet", "key": "main.yaml"}}


def test_what_lets_flux_in_is_applied_by_flux_itself_and_waits_for_nothing():
    root, gate = kustomization("prod-root")["spec"], kustomization("prod-main-gitops")["spec"]
    for spec in (root, gate):
        assert not {"serviceAccountName", "dependsOn", "suspend"} & set(spec)
        assert spec["deletionPolicy"] == "Orphan"
    assert "kubeConfig" not in root
    assert gate["kubeConfig"] == {"secretRef": {"name": "main-kubeconfig"}}
    assert not root["wait"], "it would wait for those that wait for it"


def test_no_component_waits_for_another_so_that_a_hold_of_one_is_no_hold_of_all():
    found = emitted(holds=[{"target": "*/*", "reason": "freeze", "until": "2026-12-01"}])
    waiting = {o["metadata"]["name"]: o["spec"].get("dependsOn") for o in found if o["kind"] == "Kustomization"}
    suspended = {o["metadata"]["name"] for o in found if o["spec"].get("suspend")}
    assert suspended == {"prod-main-ingest", "prod-main-rules", "prod-main-tenancy"}
    assert {one["name"] for awaited in waiting.values() for one in awaited or ()} == {"prod-main-gitops"}


def test_what_is_held_is_suspended_and_says_why():
    hold = {"target": "main/ingest", "reason": "INC-7 queue drains", "until": "2026-12-01"}
    held = kustomization(holds=[hold])
    assert held["spec"]["suspend"] is True
    assert held["metadata"]["annotations"]["policy.phoenix.io/hold"] == "until 2026-12-01: INC-7 queue drains"
    other = kustomization("prod-main-rules", holds=[hold])
    assert "suspend" not in other["spec"]
    assert "policy.phoenix.io/hold" not in other["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("sync", "name", "field", "value"),
    [
        ({"automated": False}, "prod-main-ingest", "suspend", True),
        ({"automated": False}, "prod-main-gitops", "suspend", None),
        ({"automated": False}, "prod-root", "suspend", None),
        ({"prune": False}, "prod-main-ingest", "prune", False),
        ({"keep": ["ingest"]}, "prod-main-ingest", "prune", False),
        ({"keep": ["ingest"]}, "prod-main-rules", "prune", True),
        ({}, "prod-main-rules", "deletionPolicy", "Delete"),
    ],
)
def test_sync_is_as_the_policy_says(sync, name, field, value):
    assert kustomization(name, sync=sync)["spec"].get(field) == value


# --- the fence -----------------------------------------------------------------------------------------------------


def rules(name, where="main", summary=SUMMARY, **spec):
    return only(emitted(where, summary, **spec), "ClusterRole", name)["rules"]


def may(found, verb, group, resource):
    return any(verb in r["verbs"] and group in r["apiGroups"] and resource in r["resources"] for r in found)


@pytest.mark.parametrize("component", ["tenancy", "ingest", "rules"])
def test_an_account_may_do_with_each_kind_of_its_fence_what_flux_does(component):
    for kinds, name in zip(allowed(component, ()), ("-cluster", ""), strict=True):
        found = rules(f"phoenix-prod-{component}{name}")
        for group, kind in kinds:
            for verb in ("create", "delete", "get", "list", "patch", "watch"):
                assert may(found, verb, group, RESOURCES[group, kind]), (kind, verb)


def test_an_account_may_nothing_beyond():
    found = rules("phoenix-prod-rules")
    assert not may(found, "get", "", "secrets")
    assert not may(found, "create", "apps", "deployments")
    assert not may(rules("phoenix-prod-rules-cluster"), "create", "rbac.authorization.k8s.io", "clusterroles")
    every = [rule for o in emitted("main") if o["kind"] == "ClusterRole" for rule in o["rules"]]
    bind = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind"]}
    assert [rule for rule in every if "bind" in rule["verbs"]] == [{**bind, "resourceNames": ["tenant-viewer"]}]
    applied = {"create", "delete", "get", "list", "patch", "watch"}
    assert {verb for rule in every for verb in rule["verbs"]} == applied | {"bind"}
    assert "*" not in str(every)


def test_who_applies_a_role_holds_its_rights_where_the_role_holds_them():
    assert may(rules("phoenix-prod-tenancy"), "get", "", "pods/log")
    assert not may(rules("phoenix-prod-tenancy-cluster"), "get", "", "pods/log")
    assert may(rules("phoenix-prod-ingest-cluster"), "get", "", "nodes/metrics")
    assert not may(rules("phoenix-prod-ingest"), "get", "", "nodes/metrics")


def test_rules_that_differ_by_names_are_one_but_for_one_that_names_none():
    roles = [
        {"kind": "Role", "metadata": {"name": name}, "rules": [{**SEES["rules"][0], **names}]}
        for name, names in (("b", {"resourceNames": ["y"]}), ("a", {"resourceNames": ["x"]}), ("c", {}))
    ]
    part = ComponentSummary(kinds=TENANCY.kinds, namespaces=TENANCY.namespaces, grants=granted(roles))
    found = rules("phoenix-prod-tenancy", "main", {("main", "tenancy"): part})
    assert [rule.get("resourceNames") for rule in found if "pods/log" in rule["resources"]] == [None, ["x", "y"]]
    assert [rule.get("resourceNames") for rule in found if "bind" in rule["verbs"]] == [["a", "b", "c"]]


def test_the_health_of_pods_is_seen_where_there_are_workloads():
    assert may(rules("phoenix-prod-ingest"), "list", "apps", "replicasets")
    assert may(rules("phoenix-prod-ingest"), "list", "", "pods")
    assert not may(rules("phoenix-prod-rules"), "list", "", "pods")


def test_rights_in_a_namespace_outlive_its_last_object_and_namespaces_are_never_deleted():
    for found in emitted("main"):
        annotations = found["metadata"].get("annotations", {})
        kept = annotations.get("kustomize.toolkit.fluxcd.io/prune") == "disabled"
        assert kept == (found["kind"] in ("RoleBinding", "Namespace")), found["metadata"]["name"]
        seed = annotations.get("kustomize.toolkit.fluxcd.io/ssa") == "IfNotPresent"
        assert seed == (found["kind"] == "Namespace")


def test_the_rights_of_the_last_namespace_outlive_it():
    less = ComponentSummary(kinds=frozenset({("", "Namespace", False)}), namespaces=frozenset())
    found = emitted("main", {("main", "tenancy"): less})
    assert may(only(found, "ClusterRole", "phoenix-prod-tenancy")["rules"], "delete", "", "resourcequotas")
    assert not [o for o in found if o["kind"] == "RoleBinding"]


def test_a_kind_whose_resource_name_nobody_knows_is_a_fault_until_the_policy_tells_it():
    part = ComponentSummary(
        kinds=frozenset({("example.com", "Widget", True), ("example.com", "Site", False)}),
        namespaces=frozenset({"extra"}),
    )
    odd = {("main", "extra"): part}
    found = [e for e in emit("main", odd) if isinstance(e, Diagnostic)]
    assert [(f.code, f.message) for f in found] == [
        ("PHX538", "component `extra` holds a `Site.example.com`, whose resource name is not known"),
        ("PHX538", "component `extra` holds a `Widget.example.com`, whose resource name is not known"),
    ]
    told = {"flux": {"resources": {"Widget.example.com": "widgets", "Site.example.com": "sites"}}}
    assert may(rules("phoenix-prod-extra", "main", odd, platform_spec=told), "patch", "example.com", "widgets")
    assert may(rules("phoenix-prod-extra-cluster", "main", odd, platform_spec=told), "patch", "example.com", "sites")


def test_every_kind_that_a_fence_lets_in_has_a_resource_name():
    kinds = {kind for component in ("tenancy", "ingest", "rules") for side in allowed(component, ()) for kind in side}
    assert kinds == set(RESOURCES)


# --- manners -------------------------------------------------------------------------------------------------------

PRUNE, SSA = "kustomize.toolkit.fluxcd.io/prune", "kustomize.toolkit.fluxcd.io/ssa"


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        (manners.NAMESPACE, {PRUNE: "disabled"}),
        (manners.FOREIGN_NAMESPACE, {PRUNE: "disabled", SSA: "Merge"}),
        (manners.PLATFORM_NAMESPACE, {PRUNE: "disabled"}),
        (manners.WORKLOAD, {PRUNE: "disabled"}),
        (manners.FORMER_CONFIG, {PRUNE: "disabled"}),
        (manners.WALL, {}),
    ],
)
def test_what_argo_cd_would_ask_about_flux_leaves_alone(manner, said):
    assert manners.written(platform(reconciler="flux"), manner) == said


def test_all_that_flux_reads_and_its_accounts_stand_in_its_namespace():
    spec = {"platform_spec": {"flux": {"namespace": "fleet", "cluster": "hub"}}}
    assert gitops.clusters(scope(**spec)) == ("hub", "main")
    found = [*emitted("hub", **spec), *emitted("main", **spec)]
    read = [o for o in found if o["kind"] in ("GitRepository", "Kustomization", "ServiceAccount")]
    assert {o["metadata"]["namespace"] for o in read} == {"fleet"}
    bindings = [o for o in found if o["kind"].endswith("RoleBinding")]
    assert {subject["namespace"] for o in bindings for subject in o["subjects"]} == {"fleet"}
    assert "fleet" in {o["metadata"]["name"] for o in found if o["kind"] == "Namespace"}
    assert only(found, "Kustomization", "prod-root")["spec"]["path"] == "./generated/prod/hub/gitops"
