"""GitOps: fences, folders and manners of the Argo CD objects of an environment."""

from __future__ import annotations

import typing

import pytest

from phoenix_gitops.artifact import COMPONENTS
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import gitops
from phoenix_gitops.emitters.gitops import ComponentSummary
from phoenix_gitops.emitters.gitops.fences import allowed
from phoenix_gitops.model.environment import Component
from phoenix_gitops.model.naming import SHORT, Names, ObjectNames
from tests.unit.emitters.support import (
    artifacts,
    cluster,
    environment,
    merged,
    objects,
    only,
    render,
    validate_argo,
)

TENANCY = ComponentSummary(
    kinds=frozenset({("", "Namespace", False), ("", "ResourceQuota", True)}),
    namespaces=frozenset({"checkout", "cart"}),
)
INGEST = ComponentSummary(
    kinds=frozenset(
        {("", "Namespace", False), ("apps", "Deployment", True), ("autoscaling", "HorizontalPodAutoscaler", True)}
    ),
    namespaces=frozenset({"phoenix-gateway", "phoenix-agents"}),
)
RULES = ComponentSummary(
    kinds=frozenset({("monitoring.coreos.com", "PrometheusRule", True)}), namespaces=frozenset({"phoenix-rules"})
)
SUMMARY = {("main", "tenancy"): TENANCY, ("main", "ingest"): INGEST, ("main", "rules"): RULES}


def emit(summary=SUMMARY, **spec):
    scope = environment(**spec)
    (home,) = gitops.clusters(scope)
    return list(gitops.emit(scope, home, summary, render))


def emitted(summary=SUMMARY, **spec):
    return objects(emit(summary, **spec))


def application(name="prod-main-ingest", summary=SUMMARY, **spec):
    return only(emitted(summary, **spec), "Application", name)


def project(name, summary=SUMMARY, **spec):
    return only(emitted(summary, **spec), "AppProject", name)["spec"]


# --- which objects -------------------------------------------------------------------------------------------------


def test_an_environment_has_projects_applications_and_one_root():
    two = {**SUMMARY, ("edge", "ingest"): INGEST}
    found = emitted(two, clusters=[cluster("main"), cluster("edge")])
    assert sorted((o["kind"], o["metadata"]["name"]) for o in found) == [
        ("AppProject", "prod-gitops"),
        ("AppProject", "prod-ingest"),
        ("AppProject", "prod-rules"),
        ("AppProject", "prod-tenancy"),
        ("Application", "prod-edge-ingest"),
        ("Application", "prod-main-ingest"),
        ("Application", "prod-main-rules"),
        ("Application", "prod-main-tenancy"),
        ("Application", "prod-root"),
    ]


def test_every_object_is_one_that_argo_cd_takes():
    everything = emitted(sync={"keep": ["ingest"]}, ring="canary")
    manual = emitted(sync={"automated": False}, platform_spec={"output": {"mode": "branch"}})
    bare = emitted(
        {("main", "extra"): ComponentSummary(kinds=frozenset({("", "Node", False)}), namespaces=frozenset())}
    )
    assert validate_argo([*everything, *manual, *bare]) == 20


def test_all_of_them_stand_where_argo_cd_runs():
    found = emitted(platform_spec={"argocd": {"namespace": "cd"}})
    assert {o["metadata"]["namespace"] for o in found} == {"cd"}


def test_every_object_belongs_to_the_environments_policy():
    for artifact in artifacts(emit()):
        assert (artifact.component, str(artifact.policy)) == ("gitops", "Environment/prod")
        assert artifact.template == f"gitops/{artifact.kind.lower()}.yaml.j2"


def test_output_does_not_depend_on_the_order_of_the_summary():
    assert emitted(dict(reversed(SUMMARY.items()))) == emitted()


def test_an_environment_without_objects_has_its_root_and_nothing_to_apply():
    found = emitted({})
    assert [(o["kind"], o["metadata"]["name"]) for o in found] == [
        ("AppProject", "prod-gitops"),
        ("Application", "prod-root"),
    ]


# --- the fence -----------------------------------------------------------------------------------------------------


def permits(project_spec, app, kind, namespace):
    """Argo CD's rule: source, destination of the Application and of the object, and kind."""
    source = app["spec"]["source"]["repoURL"] in project_spec["sourceRepos"]
    places = [(d["server"], d["namespace"]) for d in project_spec["destinations"]]
    destination = app["spec"]["destination"]
    group, name = kind
    if namespace is None:
        listed = {"group": group, "kind": name} in project_spec["clusterResourceWhitelist"]
        placed = True
    else:
        listed = {"group": group, "kind": name} in project_spec["namespaceResourceWhitelist"]
        placed = (destination["server"], namespace) in places
    return source and listed and placed and (destination["server"], destination.get("namespace", "")) in places


@pytest.mark.parametrize("component", ["tenancy", "ingest", "rules"])
def test_a_project_lets_its_application_apply_all_that_it_holds(component):
    app, fence = application(f"prod-main-{component}"), project(f"prod-{component}")
    part = SUMMARY["main", component]
    for group, kind, namespaced in part.kinds:
        for namespace in part.namespaces if namespaced else [None]:
            assert permits(fence, app, (group, kind), namespace), (kind, namespace)


def test_a_project_permits_nothing_beyond():
    app, fence = application("prod-main-rules"), project("prod-rules")
    rule = ("monitoring.coreos.com", "PrometheusRule")
    assert permits(fence, app, rule, "phoenix-rules")
    assert not permits(fence, app, rule, "kube-system")
    assert not permits(fence, app, ("rbac.authorization.k8s.io", "ClusterRoleBinding"), None)
    assert not permits(fence, app, ("", "Secret"), "phoenix-rules")
    elsewhere = merged(app, {"spec": {"source": {"repoURL": "https://evil.example.com/a.git"}}})
    assert not permits(fence, elsewhere, rule, "phoenix-rules")
    other_cluster = merged(app, {"spec": {"destination": {"server": "https://other.example.com"}}})
    assert not permits(fence, other_cluster, rule, "phoenix-rules")


def test_no_project_has_a_wildcard():
    for found in emitted():
        if found["kind"] == "AppProject":
            assert "*" not in str(found["spec"])


def test_only_components_that_need_it_may_touch_the_whole_cluster():
    wide = {c: {kind for _, kind in allowed(c, ())[0]} for c in ("gitops", "tenancy", "ingest", "rules")}
    assert wide["gitops"] == set()
    assert wide["tenancy"] == {"Namespace"}
    assert wide["ingest"] == {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    assert "ClusterRoleBinding" not in wide["rules"]


def test_destinations_are_exact_over_all_clusters():
    edge = ComponentSummary(kinds=INGEST.kinds, namespaces=frozenset({"phoenix-agents"}))
    fence = project("prod-ingest", {**SUMMARY, ("edge", "ingest"): edge}, clusters=[cluster("main"), cluster("edge")])
    assert fence["destinations"] == [
        {"server": "https://edge.example.com", "namespace": "phoenix-agents"},
        {"server": "https://main.example.com", "namespace": "phoenix-agents"},
        {"server": "https://main.example.com", "namespace": "phoenix-gateway"},
    ]


def test_the_last_object_of_a_kind_can_still_be_pruned():
    less = ComponentSummary(kinds=frozenset({("", "Namespace", False)}), namespaces=INGEST.namespaces)
    assert project("prod-ingest", {**SUMMARY, ("main", "ingest"): less}) == project("prod-ingest")


def test_a_kind_that_a_component_must_not_hold_is_a_fault():
    odd = ComponentSummary(
        kinds=RULES.kinds | {("rbac.authorization.k8s.io", "ClusterRoleBinding", False), ("", "Secret", True)},
        namespaces=RULES.namespaces,
    )
    found = [e for e in emit({("main", "rules"): odd}) if isinstance(e, Diagnostic)]
    assert [(f.code, f.message) for f in found] == [
        ("PHX675", "component `rules` holds a `Secret`, which it may not apply"),
        (
            "PHX675",
            "component `rules` holds a `ClusterRoleBinding.rbac.authorization.k8s.io`, which it may not apply",
        ),
    ]


def test_a_namespaced_kind_is_not_allowed_cluster_wide():
    odd = ComponentSummary(kinds=frozenset({("", "ConfigMap", False)}), namespaces=frozenset())
    assert [e.code for e in emit({("main", "rules"): odd}) if isinstance(e, Diagnostic)] == ["PHX675"]


def test_a_component_that_is_not_built_in_may_hold_what_it_emits():
    part = ComponentSummary(
        kinds=frozenset({("", "Secret", True), ("", "Node", False)}), namespaces=frozenset({"extra"})
    )
    fence = project("prod-extra", {("main", "extra"): part})
    assert fence["clusterResourceWhitelist"] == [{"group": "", "kind": "Node"}]
    assert fence["namespaceResourceWhitelist"] == [{"group": "", "kind": "Secret"}]


def test_an_application_of_cluster_wide_objects_alone_is_permitted():
    part = ComponentSummary(kinds=frozenset({("", "Node", False)}), namespaces=frozenset())
    app = application("prod-main-extra", {("main", "extra"): part})
    assert app["spec"]["destination"] == {"server": "https://main.example.com", "namespace": "phoenix-gateway"}
    assert project("prod-extra", {("main", "extra"): part})["destinations"] == [
        {"server": "https://main.example.com", "namespace": "phoenix-gateway"}
    ]


# --- Applications --------------------------------------------------------------------------------------------------


def test_an_application_watches_its_folder_on_the_full_branch_name():
    found = application()
    assert found["spec"]["source"] == {
        "repoURL": "https://git.example.com/metrics/gitops.git",
        "targetRevision": "refs/heads/main",
        "path": "generated/prod/main/ingest",
        "directory": {"recurse": True},
    }
    assert found["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"] == "."
    assert found["spec"]["destination"]["server"] == "https://main.example.com"
    assert found["spec"]["project"] == "prod-ingest"


@pytest.mark.parametrize(
    ("output", "url", "revision"),
    [
        ({"mode": "tree"}, "https://git.example.com/metrics/gitops.git", "refs/heads/main"),
        ({"mode": "branch"}, "https://git.example.com/metrics/gitops.git", "refs/heads/env/prod"),
        (
            {"mode": "repo", "url": "git@git.example.com:metrics/tree.git", "branch": "live"},
            "git@git.example.com:metrics/tree.git",
            "refs/heads/live",
        ),
    ],
)
def test_source_and_fence_follow_the_output_mode(output, url, revision):
    found = emitted(platform_spec={"output": output})
    applications = [o for o in found if o["kind"] == "Application"]
    assert {o["spec"]["source"]["repoURL"] for o in applications} == {url}
    assert {o["spec"]["source"]["targetRevision"] for o in applications} == {revision}
    assert [o["spec"]["sourceRepos"] for o in found if o["kind"] == "AppProject"] == [[url]] * 4


def test_a_place_that_cannot_hold_the_tree_gives_the_fault_alone():
    (fault,) = emit(platform_spec={"output": {"mode": "repo"}})
    assert isinstance(fault, Diagnostic)
    assert fault.code == "PHX674"


def test_the_sync_of_an_application_is_what_the_policy_says():
    sync = application(sync={"retry": {"limit": 7, "backoff": "20s", "maxBackoff": "10m"}})["spec"]["syncPolicy"]
    assert sync == {
        "automated": {"prune": True, "selfHeal": True},
        "retry": {"limit": 7, "backoff": {"duration": "20s", "factor": 2, "maxDuration": "10m"}},
        "syncOptions": [
            "ApplyOutOfSyncOnly=true",
            "CreateNamespace=false",
            "PruneLast=true",
            "RespectIgnoreDifferences=true",
            "ServerSideApply=true",
            "SkipDryRunOnMissingResource=true",
        ],
    }


@pytest.mark.parametrize(
    ("sync", "automated"),
    [
        ({}, {"prune": True, "selfHeal": True}),
        ({"prune": False}, {"prune": False, "selfHeal": True}),
        ({"selfHeal": False}, {"prune": True, "selfHeal": False}),
        ({"keep": ["ingest"]}, {"prune": False, "selfHeal": True}),
        ({"keep": ["tenancy"]}, {"prune": True, "selfHeal": True}),
        ({"automated": False}, None),
    ],
)
def test_prune_and_self_heal_are_as_the_policy_says(sync, automated):
    assert application(sync=sync)["spec"]["syncPolicy"].get("automated") == automated


@pytest.mark.parametrize(
    ("policy", "go"), [("90s", "1m30s"), ("1d", "24h"), ("1d30m", "24h30m"), ("1500ms", "1s500ms"), ("0s", "0s")]
)
def test_waits_are_written_as_go_reads_them(policy, go):
    sync = application(sync={"retry": {"backoff": policy, "maxBackoff": policy}})["spec"]["syncPolicy"]
    assert sync["retry"]["backoff"] == {"duration": go, "factor": 2, "maxDuration": go}


def test_replicas_belong_to_the_autoscaler_where_there_is_one():
    owned = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
    assert application()["spec"]["ignoreDifferences"] == owned
    fixed = ComponentSummary(kinds=frozenset({("apps", "Deployment", True)}), namespaces=INGEST.namespaces)
    assert "ignoreDifferences" not in application(summary={("main", "ingest"): fixed})["spec"]
    assert "ignoreDifferences" not in application("prod-main-tenancy")["spec"]


def test_only_what_holds_no_state_goes_with_its_application():
    cascading = {o["metadata"]["name"] for o in emitted() if "finalizers" in o["metadata"]}
    assert cascading == {"prod-main-rules"}
    finalizers = application("prod-main-rules")["metadata"]["finalizers"]
    assert finalizers == ["resources-finalizer.argocd.argoproj.io/foreground"]


def test_applications_can_be_found_by_what_their_environment_is():
    labels = application(ring="canary", maturity="production")["metadata"]["labels"]
    assert labels == {
        "policy.phoenix.io/environment": "prod",
        "policy.phoenix.io/cluster": "main",
        "policy.phoenix.io/component": "ingest",
        "policy.phoenix.io/class": "prod",
        "policy.phoenix.io/ring": "canary",
        "policy.phoenix.io/maturity": "production",
    }
    assert "policy.phoenix.io/ring" not in application()["metadata"]["labels"]


def test_the_root_applies_the_folder_of_the_applications_where_argo_cd_runs():
    spec = {"argocd": {"cluster": "hub", "server": "https://hub.example.com", "namespace": "cd"}}
    root = application("prod-root", platform_spec=spec)
    assert root["spec"]["source"]["path"] == "generated/prod/hub/gitops"
    assert root["spec"]["destination"] == {"server": "https://hub.example.com", "namespace": "cd"}
    fence = project("prod-gitops", platform_spec=spec)
    for kind in ("AppProject", "Application"):
        assert permits(fence, root, ("argoproj.io", kind), "cd")
        assert not permits(fence, root, ("argoproj.io", kind), "other")
    assert fence["clusterResourceWhitelist"] == []


def test_argo_cd_may_run_in_a_cluster_of_the_environment():
    found = emitted(platform_spec={"argocd": {"cluster": "main"}})
    assert only(found, "Application", "prod-root")["spec"]["source"]["path"] == "generated/prod/main/gitops"
    assert only(found, "Application", "prod-root")["spec"]["destination"]["server"] == "https://kubernetes.default.svc"


def test_projects_come_before_the_applications_that_name_them():
    for found in emitted():
        wave = int(found["metadata"]["annotations"].get("argocd.argoproj.io/sync-wave", "0"))
        assert wave == (-10 if found["kind"] == "AppProject" else 0)
    names = {o["metadata"]["name"] for o in emitted() if o["kind"] == "AppProject"}
    assert {o["spec"]["project"] for o in emitted() if o["kind"] == "Application"} == names


# --- names ---------------------------------------------------------------------------------------------------------


def named(environment):
    return Names(ObjectNames(), "phoenix", environment)


def test_names_are_plain_while_they_fit():
    assert named("prod-eu").application("eu-west-1", "ingest") == "prod-eu-eu-west-1-ingest"
    assert named("prod-eu").project("ingest") == "prod-eu-ingest"
    assert named("prod-eu").root == "prod-eu-root"
    exact = named("a" * 23).application("b" * 22, "ingest")
    assert exact == f"{'a' * 23}-{'b' * 22}-ingest"
    assert len(exact) == SHORT


def test_long_names_are_shortened_alike_each_time_and_stay_apart():
    long = "e" * 40
    names = [named(long).application(f"{'c' * 39}{i}", component) for i in range(9) for component in COMPONENTS]
    names += [named(long).project(component) for component in COMPONENTS]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= SHORT
    assert named(long).application("c" * 40, "ingest") == f"{'e' * 37}-1c4e0693-ingest"


def test_a_shortened_name_has_no_double_dash():
    name = named("a" * 36).application("b" * 40, "ingest")
    assert "--" not in name


def test_components_that_may_be_kept_are_those_that_exist():
    assert typing.get_args(Component) == COMPONENTS


# --- holds ---------------------------------------------------------------------------------------------------------


def test_what_is_held_is_not_applied_by_itself_and_says_why():
    hold = {"target": "main/ingest", "reason": "INC-7 queue drains", "until": "2026-12-01"}
    found = {o["metadata"]["name"]: o for o in emitted(holds=[hold]) if o["kind"] == "Application"}
    held = found.pop("prod-main-ingest")
    assert "automated" not in held["spec"]["syncPolicy"]
    assert held["spec"]["syncPolicy"]["retry"]["limit"] == 5, "a sync by hand is still retried"
    assert held["metadata"]["annotations"]["policy.phoenix.io/hold"] == "until 2026-12-01: INC-7 queue drains"
    assert all(o["spec"]["syncPolicy"]["automated"]["selfHeal"] for o in found.values())
    assert not any("policy.phoenix.io/hold" in o["metadata"]["annotations"] for o in found.values())


def test_a_hold_of_everything_leaves_the_root_so_that_it_can_be_lifted():
    hold = {"target": "*/*", "reason": "freeze", "until": "2026-12-01"}
    found = [o for o in emitted(holds=[hold]) if o["kind"] == "Application"]
    assert [o["metadata"]["name"] for o in found if "automated" in o["spec"]["syncPolicy"]] == ["prod-root"]
