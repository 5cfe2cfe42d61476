"""Items 16, 19 and 22: workloads, what Argo CD may do with them, and whose data is whose."""

from __future__ import annotations

import pytest

from tests.reference.platform import Output
from tests.unit.collector.otel import Resource, process


def resources(output: Output, kind: str, name: str) -> tuple[str, str, str, str]:
    found = output.container(kind, name)["resources"]
    return (
        *(found["requests"]["cpu"], found["requests"]["memory"]),
        *(found["limits"]["cpu"], found["limits"]["memory"]),
    )


def test_the_collector_has_one_core_and_1_gib(reference):
    assert resources(reference, "Deployment", "gateway") == ("500m", "1Gi", "1", "1Gi")
    autoscaler = reference.one("HorizontalPodAutoscaler", "gateway")["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 3)


def test_production_has_three_collectors_of_twice_the_size(prod):
    workloads = [w for w in prod.of_kind("Deployment") if w["metadata"]["name"] == "gateway"]
    assert len(workloads) == 2
    for workload in workloads:
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        assert container["resources"] == {
            "requests": {"cpu": "1", "memory": "2Gi"},
            "limits": {"cpu": "2", "memory": "4Gi"},
        }
    scalers = [s for s in prod.of_kind("HorizontalPodAutoscaler") if s["metadata"]["name"] == "gateway"]
    assert [scaler["spec"]["minReplicas"] for scaler in scalers] == [3, 3]


def test_go_keeps_to_four_fifths_of_the_memory(reference):
    env = {v["name"]: v.get("value") for v in reference.container("Deployment", "gateway")["env"]}
    assert env["GOMEMLIMIT"] == f"{1024 * 8 // 10}MiB"


def test_a_drain_takes_one_collector_at_a_time(reference, prod):
    """Of three in production two stay, as before."""
    for output, least in ((reference, 1), (prod, 2)):
        budgets = [b for b in output.of_kind("PodDisruptionBudget") if b["metadata"]["name"] == "gateway"]
        assert budgets
        scalers = [s for s in output.of_kind("HorizontalPodAutoscaler") if s["metadata"]["name"] == "gateway"]
        (running,) = {scaler["spec"]["minReplicas"] for scaler in scalers}
        assert {running - budget["spec"]["maxUnavailable"] for budget in budgets} == {least}


def test_the_gateway_runs_as_10001_with_no_rights(reference):
    pod = reference.one("Deployment", "gateway")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["runAsNonRoot"] is True
    inner = reference.container("Deployment", "gateway")["securityContext"]
    assert inner["readOnlyRootFilesystem"] is True
    assert inner["capabilities"] == {"drop": ["ALL"]}
    assert inner["allowPrivilegeEscalation"] is False


def test_only_the_agents_namespace_is_not_restricted(reference):
    enforced = {
        n["metadata"]["name"]: n["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for n in reference.of_kind("Namespace")
    }
    assert {name for name, level in enforced.items() if level != "restricted"} == {"phoenix-agents"}
    assert enforced["phoenix-gateway"] == "restricted"
    agents = {d["metadata"]["namespace"] for d in reference.of_kind("DaemonSet")}
    assert agents == {"phoenix-agents"}


def application(reference: Output, component: str) -> dict:
    return reference.one("Application", f"reference-reference-{component}")


@pytest.mark.parametrize(("component", "prune"), [("ingest", False), ("rules", True), ("tenancy", True)])
def test_argo_cd_heals_all_and_never_prunes_collectors(reference, component, prune):
    assert application(reference, component)["spec"]["syncPolicy"]["automated"] == {"prune": prune, "selfHeal": True}


def test_the_control_plane_is_pruned_and_healed(reference):
    root = reference.one("Application", "reference-root")
    assert root["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    (rules,) = [r for r in reference.of_kind("PrometheusRule") if r["metadata"]["name"] == "control"]
    assert rules["metadata"]["labels"]["policy.phoenix.io/component"] == "rules"


def test_argo_cd_works_in_namespace_argocd_with_a_project_for_each_component(reference):
    applications = list(reference.of_kind("Application"))
    projects = {project["metadata"]["name"] for project in reference.of_kind("AppProject")}
    assert {o["metadata"]["namespace"] for o in [*applications, *reference.of_kind("AppProject")]} == {"argocd"}
    assert {a["spec"]["project"] for a in applications} == projects
    assert projects == {f"reference-{component}" for component in ("gitops", "ingest", "rules", "tenancy")}
    assert {o["metadata"]["labels"]["app.kubernetes.io/part-of"] for o in applications} == {"phoenix"}


def test_the_tenant_is_known_by_its_namespace_under_tenant_id(reference):
    for config in (reference.agent, reference.gateway):
        lookups = [p for name, p in config["processors"].items() if name.startswith("k8s_attributes/")]
        assert lookups
        for lookup in lookups:
            (label,) = lookup["extract"]["labels"]
            assert (label["tag_name"], label["from"]) == ("tenant.id", "namespace")


def test_data_of_nobody_has_a_tenant_of_its_own_and_is_told(reference):
    for config, name in ((reference.agent, "transform/tenant"), (reference.gateway, "transform/intake_default")):
        unknown, known = Resource({}, []), Resource({"tenant.id": "benchmark"}, [])
        process("transform", config["processors"][name], [unknown, known])
        assert unknown.attributes == {"tenant.id": "unassigned"}
        assert known.attributes == {"tenant.id": "benchmark"}
    told = reference.alert("PhoenixTenantUnknown")
    of_tenants = 'phoenix:tenant_active_series{tenant_id!="platform"}'
    assert told["expr"] == f"{of_tenants} unless on (tenant_id) phoenix:tenant_info"
    assert not reference.records("phoenix:tenant_info", tenant_id="unassigned")
