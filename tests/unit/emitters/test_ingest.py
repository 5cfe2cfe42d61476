"""Objects of ingest: valid, reachable just as declared, restricted, and consistent with the configs they carry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from phoenix_gitops.artifact import Artifact, ProofFile
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import ingest
from phoenix_gitops.emitters.base import Emitted
from phoenix_gitops.resources import templates_dir
from phoenix_gitops.template_files import TemplateFiles
from phoenix_gitops.templating import Renderer
from tests.crds import crds_folder
from tests.unit.collector.scopes import cluster, environment, tenant
from tests.unit.emitters import netpol
from tests.unit.emitters.support import only, validate_builtin

EGRESS = {"egress": [{"name": "newrelic", "cidr": "162.247.240.0/22", "port": 4318}]}
SCALED = {"gateway": {"replicas": {"min": 3, "max": 12, "targetCpu": 0.65}}}
render = Renderer(TemplateFiles(None, (), templates_dir())).render


def emitted(**parts: Any) -> list[Emitted]:
    return list(ingest.emit(cluster(environment(**parts)), render))


def objects(found: Iterable[Emitted]) -> list[dict[str, Any]]:
    found = list(found)
    assert not [item for item in found if isinstance(item, Diagnostic)]
    return [item.body for item in found if isinstance(item, Artifact)]


def faults(found: Iterable[Emitted]) -> list[tuple[str, str]]:
    return sorted({(item.code, item.message) for item in found if isinstance(item, Diagnostic)})


def of_tenant(isolation: str = "namespace", class_: dict[str, Any] | None = None, **spec: Any) -> list[Emitted]:
    return list(ingest.emit_tenant(cluster(environment()), tenant(isolation, class_, **spec), render))


def container(workload: dict[str, Any]) -> dict[str, Any]:
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(found)


def every_workload() -> list[dict[str, Any]]:
    found = [*objects(emitted()), *objects(of_tenant()), *objects(of_tenant("dedicated"))]
    return [body for body in found if body["kind"] in ("DaemonSet", "Deployment")]


def test_every_object_fits_the_kubernetes_schemas():
    found = [*objects(emitted(spec=SCALED)), *objects(of_tenant("dedicated", {"gateway": {"replicas": {"min": 2}}}))]
    builtin = [body for body in found if body["kind"] != "PodMonitor"]
    assert len(builtin) == 27
    validate_builtin(builtin)


def test_what_a_cluster_gets():
    found = {
        (o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in objects(emitted(spec=SCALED))
    }
    named = {item for item in found if item[0] != "ConfigMap"}
    assert named == {
        ("Namespace", "", "phoenix-agents"),
        ("Namespace", "", "phoenix-gateway"),
        ("ServiceAccount", "phoenix-agents", "agent"),
        ("ServiceAccount", "phoenix-gateway", "gateway"),
        ("ClusterRole", "", "phoenix-agents"),
        ("ClusterRole", "", "phoenix-gateway"),
        ("ClusterRoleBinding", "", "phoenix-agents"),
        ("ClusterRoleBinding", "", "phoenix-gateway"),
        ("DaemonSet", "phoenix-agents", "agent"),
        ("Deployment", "phoenix-gateway", "gateway"),
        ("HorizontalPodAutoscaler", "phoenix-gateway", "gateway"),
        ("PodDisruptionBudget", "phoenix-gateway", "gateway"),
        ("Service", "phoenix-agents", "agent"),
        ("Service", "phoenix-gateway", "gateway"),
        ("Service", "phoenix-gateway", "gateway-headless"),
        ("NetworkPolicy", "phoenix-agents", "default-deny"),
        ("NetworkPolicy", "phoenix-agents", "agent"),
        ("NetworkPolicy", "phoenix-gateway", "default-deny"),
        ("NetworkPolicy", "phoenix-gateway", "gateway"),
        ("PodMonitor", "phoenix-agents", "agent"),
        ("PodMonitor", "phoenix-gateway", "gateway"),
        ("PodMonitor", "phoenix-gateway", "tenant-gateways"),
    }


def test_a_config_map_is_immutable_named_by_its_content_and_what_judges_see():
    found = emitted()
    bodies = objects(found)
    proofs = {item.name: item.body for item in found if isinstance(item, ProofFile)}
    for name, kind, namespace in (
        ("agent", "DaemonSet", "phoenix-agents"),
        ("gateway", "Deployment", "phoenix-gateway"),
    ):
        config_map = only(bodies, "ConfigMap", namespace=namespace)
        text = config_map["data"]["config.yaml"]
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        assert config_map["metadata"]["name"] == f"{name}-{digest}"
        assert config_map["immutable"] is True
        assert config_map["metadata"]["annotations"] == {
            "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
            "argocd.argoproj.io/sync-options": "PruneLast=true",
        }
        assert yaml.safe_load(text) == proofs[name]
        volumes = {v["name"]: v for v in only(bodies, kind)["spec"]["template"]["spec"]["volumes"]}
        assert volumes["config"]["configMap"]["name"] == f"{name}-{digest}"


def test_another_config_is_another_config_map():
    first = only(objects(emitted()), "ConfigMap", namespace="phoenix-gateway")
    second = only(objects(emitted(security={"redact": ["x"]})), "ConfigMap", namespace="phoenix-gateway")
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_what_must_not_vanish_says_so():
    for body in objects(emitted()):
        if body["kind"] in ("DaemonSet", "Service"):
            assert body["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=confirm"
        if body["kind"] == "Namespace":
            options = body["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
            assert options == "Prune=confirm,Delete=confirm"


def test_an_autoscaler_owns_the_replicas_alone():
    bodies = objects(emitted(spec=SCALED))
    assert "replicas" not in only(bodies, "Deployment")["spec"]
    scaler = only(bodies, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 12)
    assert scaler["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 65}


@pytest.mark.parametrize(("replicas", "budget"), [({"min": 1}, 0), ({"min": 2}, 1), ({"min": 1, "max": 3}, 0)])
def test_a_budget_only_where_two_run(replicas: dict[str, int], budget: int):
    bodies = objects(emitted(spec={"gateway": {"replicas": replicas}}))
    budgets = [body for body in bodies if body["kind"] == "PodDisruptionBudget"]
    assert len(budgets) == budget
    for body in budgets:
        assert body["spec"]["maxUnavailable"] == 1
        assert body["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_go_and_the_memory_limiter_follow_one_figure():
    resources = {"cpuRequest": "1.5", "cpuLimit": "2000m", "memoryRequest": "2.5Gi", "memoryLimit": "4096Mi"}
    found = emitted(spec={"gateway": {"resources": resources}})
    deployment = only(objects(found), "Deployment")
    assert {"name": "GOMEMLIMIT", "value": "3276MiB"} in container(deployment)["env"]
    # As the cluster writes them, so that what is read is what was sent.
    assert container(deployment)["resources"]["requests"] == {"cpu": "1500m", "memory": "2560Mi"}
    assert container(deployment)["resources"]["limits"] == {"cpu": "2", "memory": "4Gi"}
    (config,) = [item.body for item in found if isinstance(item, ProofFile) and item.name == "gateway"]
    assert config["processors"]["memory_limiter/full"]["limit_mib"] == 2048


def test_probes_ask_a_port_that_the_config_serves():
    for workload in every_workload():
        found = container(workload)
        ports = {port["name"]: port["containerPort"] for port in found["ports"]}
        assert ports["health"] == 13133
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert found[probe]["httpGet"] == {"path": "/", "port": "health"}
        assert all(len(name) <= 15 for name in ports)
        assert len(set(ports.values())) == len(ports)


def test_gateways_are_restricted():
    for workload in every_workload():
        if workload["kind"] != "Deployment":
            continue
        pod, found = workload["spec"]["template"]["spec"], container(workload)
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert found["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_only_the_agents_see_hosts_and_say_why():
    bodies = objects(emitted(security={"podSecurityVersion": "latest"}))
    agents = only(bodies, "Namespace", "phoenix-agents")["metadata"]
    assert agents["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    assert "hostPID" in agents["annotations"]["policy.phoenix.io/why-privileged"]
    gateway = only(bodies, "Namespace", "phoenix-gateway")["metadata"]
    assert gateway["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert gateway["labels"]["pod-security.kubernetes.io/enforce-version"] == "latest"
    pod = only(bodies, "DaemonSet")["spec"]["template"]["spec"]
    assert pod["hostPID"] is True
    mounts = {mount["name"]: mount for mount in container(only(bodies, "DaemonSet"))["volumeMounts"]}
    assert (mounts["host"]["mountPath"], mounts["host"]["readOnly"]) == ("/hostfs", True)


@pytest.mark.parametrize(
    ("inputs", "rules", "token"),
    [
        ({"hostmetrics": {}}, None, False),
        ({"otlp": {}}, [["namespaces", "pods"]], True),
        ({"prometheus": {"pods": True}}, [["namespaces", "pods"]], True),
        ({"prometheus": {"kubelet": True}}, [["nodes/metrics"]], True),
        ({"otlp": {}, "prometheus": {"cadvisor": True}}, [["namespaces", "pods"], ["nodes/metrics"]], True),
    ],
)
def test_rights_are_those_that_the_inputs_need(inputs: dict[str, Any], rules: list[list[str]] | None, token: bool):
    from tests.unit.collector.scopes import pipeline

    edge = pipeline("edge", {"stage": "edge", "inputs": inputs})
    bodies = objects(emitted(edge=edge))
    roles = [b for b in bodies if b["kind"] == "ClusterRole" and b["metadata"]["name"] == "phoenix-agents"]
    assert [[rule["resources"] for rule in role["rules"]] for role in roles] == ([rules] if rules else [])
    pod = only(bodies, "DaemonSet")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is token


def test_no_role_may_write_or_read_secrets():
    for body in objects(emitted()):
        for rule in body.get("rules", []) if body["kind"] == "ClusterRole" else []:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}
            assert not {"secrets", "*"} & set(rule["resources"])


def test_agents_take_data_of_their_own_node():
    service = only(objects(emitted()), "Service", "agent")["spec"]
    assert service["internalTrafficPolicy"] == "Local"
    assert [port["port"] for port in service["ports"]] == [4317, 4318]


def test_services_reach_ports_that_pods_have():
    bodies = [*objects(emitted()), *objects(of_tenant())]
    for service in (body for body in bodies if body["kind"] == "Service"):
        (workload,) = [
            body
            for body in bodies
            if body["kind"] in ("DaemonSet", "Deployment")
            and service["spec"]["selector"].items() <= body["spec"]["template"]["metadata"]["labels"].items()
        ]
        ports = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]


def admitted(policy: dict[str, Any]) -> dict[str, list[int]]:
    """Ports that a policy opens, by what it opens them to."""
    return {
        json.dumps(rule["from"], sort_keys=True): [port["port"] for port in rule["ports"]]
        for rule in policy["spec"]["ingress"]
    }


def test_the_gateway_admits_each_kind_of_sender_to_its_own_port():
    policy = only(objects(emitted()), "NetworkPolicy", "gateway")
    found = admitted(policy)
    assert [sorted(ports) for ports in found.values()] == [
        [4319],
        [4320],
        [4317, 4318],
        [8887, 8888, 8889, 8890, 8891],
    ]
    agents, tenants, workloads, scraper = found
    assert "phoenix-agents" in agents
    assert '"tenant-gateway"' in tenants
    assert '"Exists"' in tenants
    assert "tenant-gateway" not in workloads
    assert '"Exists"' in workloads
    assert "monitoring" in scraper


TENANT = {"policy.phoenix.io/tenant": "checkout"}
AGENT = netpol.Pod("phoenix-agents", {"app.kubernetes.io/name": "agent", "app.kubernetes.io/part-of": "phoenix"})
GATEWAY = netpol.Pod("phoenix-gateway", {"app.kubernetes.io/name": "gateway", "app.kubernetes.io/part-of": "phoenix"})
OWN = netpol.Pod("checkout", {"app.kubernetes.io/name": "tenant-gateway", "app.kubernetes.io/part-of": "phoenix"})
APP = netpol.Pod("checkout", {"app": "cart"})
STRANGER = netpol.Pod("strange", {"app.kubernetes.io/name": "tenant-gateway"})
SCRAPER = netpol.Pod("monitoring", {"app.kubernetes.io/name": "prometheus"})


@pytest.mark.parametrize(
    ("source", "target", "port", "passes"),
    [
        (AGENT, GATEWAY, 4319, True),
        (AGENT, GATEWAY, 4317, False),
        (AGENT, GATEWAY, 8889, False),
        (OWN, GATEWAY, 4320, True),
        (OWN, GATEWAY, 4319, False),
        (STRANGER, GATEWAY, 4320, False),
        (STRANGER, GATEWAY, 4317, False),
        (STRANGER, AGENT, 4317, False),
        (SCRAPER, GATEWAY, 8889, True),
        (SCRAPER, GATEWAY, 8887, True),
        (SCRAPER, AGENT, 8887, True),
        (SCRAPER, OWN, 8887, True),
        (SCRAPER, GATEWAY, 4319, False),
        (AGENT, SCRAPER, 9090, True),
        (GATEWAY, SCRAPER, 9090, False),
        (AGENT, netpol.outside("10.0.0.1"), 6443, True),
        (GATEWAY, netpol.outside("10.0.0.1"), 6443, True),
        (OWN, netpol.outside("10.0.0.1"), 6443, False),
        (GATEWAY, netpol.outside("8.8.8.8"), 443, False),
    ],
)
def test_traffic_passes_just_where_it_is_declared(source: Any, target: Any, port: int, passes: bool):
    found = [*objects(emitted()), *objects(of_tenant())]
    world = netpol.network([*found, {"kind": "Namespace", "metadata": {"name": "checkout", "labels": TENANT}}])
    assert world.passes(source, target, port) is passes


def test_a_tenants_pod_cannot_pose_as_an_agent():
    posing = netpol.Pod("checkout", AGENT.labels)
    found = netpol.network(objects(emitted()))
    assert not found.may_receive(posing, GATEWAY, 4319)
    assert found.may_receive(AGENT, GATEWAY, 4319)


def test_exports_leave_only_for_declared_destinations():
    bodies = objects(emitted(spec={"exports": ["newrelic"]}, security=EGRESS))
    egress = only(bodies, "NetworkPolicy", "gateway")["spec"]["egress"]
    assert egress[-1] == {
        "to": [{"ipBlock": {"cidr": "162.247.240.0/22"}}],
        "ports": [{"port": 4318, "protocol": "TCP"}],
    }


def test_an_export_with_no_way_out_is_a_fault():
    assert faults(emitted(spec={"exports": ["newrelic"]}))[0] == (
        "PHX647",
        "export `newrelic` of pipeline `experimental` goes to port `4318`, "
        "which security policy `standard` lets nothing out to",
    )


@pytest.mark.parametrize(
    ("fact", "value", "code", "words"),
    [
        ("dns", None, "PHX670", "cluster `main` has no `dns`, which its network policies need"),
        ("apiServer", None, "PHX670", "cluster `main` has no `apiServer`, which its network policies need"),
        ("scraper", None, "PHX646", "cluster `main` has no `scraper`, so no network policy lets its Prometheus in"),
    ],
)
def test_a_missing_fact_is_an_error_not_a_guess(fact: str, value: Any, code: str, words: str):
    assert faults(emitted(cluster={fact: value})) == [(code, words)]


def test_without_discovery_labels_nothing_would_scrape():
    env = environment()
    bare = cluster(env)
    import msgspec

    bare = type(bare)(env=env, cluster=msgspec.structs.replace(bare.cluster, discovery_labels={}))
    assert faults(ingest.emit(bare, render)) == [
        ("PHX646", "cluster `main` has no `discoveryLabels`, without which nothing scrapes its collectors")
    ]


def test_without_the_operator_there_are_no_monitors():
    bodies = objects(emitted(cluster={"provides": {"prometheusOperator": None}, "scraper": None}))
    assert not [body for body in bodies if body["kind"] == "PodMonitor"]


def test_monitors_scrape_each_pod_and_every_metrics_port():
    bodies = objects(emitted(spec={"telemetry": {"scrapeInterval": "30s"}}))
    monitor = only(bodies, "PodMonitor", "gateway")
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus"
    endpoints = monitor["spec"]["podMetricsEndpoints"]
    assert [e["port"] for e in endpoints] == ["telemetry", "export-8888", "export-8889", "export-8890", "export-8891"]
    assert [e["honorLabels"] for e in endpoints] == [False, True, True, True, True]
    assert {e["interval"] for e in endpoints} == {"30s"}
    labelled = [rule["replacement"] for e in endpoints for rule in e.get("relabelings", [])]
    assert labelled == ["full", "optimized", "experimental", "observatory"]
    assert endpoints[1]["relabelings"][0]["targetLabel"] == "phoenix_pipeline"
    assert only(bodies, "PodMonitor", "tenant-gateways")["spec"]["namespaceSelector"] == {"any": True}


def test_keys_of_exports_come_by_reference():
    bodies = objects(emitted(spec={"exports": ["newrelic"]}, security=EGRESS))
    env = {entry["name"]: entry for entry in container(only(bodies, "Deployment"))["env"]}
    assert env["EXPORT_FULL__NEWRELIC"]["valueFrom"] == {"secretKeyRef": {"name": "newrelic", "key": "full"}}
    config = only(bodies, "ConfigMap", namespace="phoenix-gateway")["data"]["config.yaml"]
    assert "${env:EXPORT_FULL__NEWRELIC}" in config


def test_every_variable_that_a_config_reads_is_set():
    import re

    bodies = objects(emitted(spec={"exports": ["newrelic"]}, security=EGRESS))
    for kind, namespace in (("DaemonSet", "phoenix-agents"), ("Deployment", "phoenix-gateway")):
        text = only(bodies, "ConfigMap", namespace=namespace)["data"]["config.yaml"]
        read = set(re.findall(r"\$\{env:(\w+)\}", text))
        assert read
        assert read <= {entry["name"] for entry in container(only(bodies, kind))["env"]}


def test_an_unknown_collector_version_is_refused():
    found = faults(emitted(platform={"catalog": {"collector": {"repository": "otelcol", "tag": "0.91.0"}}}))
    assert found == [("PHX630", "no component table for collector version `0.91.0`")]


def test_the_catalogs_image_runs():
    image = {"repository": "registry.example.com/otelcol", "tag": "0.159.0", "digest": "sha256:" + "a" * 64}
    bodies = objects(emitted(platform={"catalog": {"collector": image}}))
    for kind in ("DaemonSet", "Deployment"):
        assert container(only(bodies, kind))["image"] == f"registry.example.com/otelcol:0.159.0@sha256:{'a' * 64}"


def test_replicas_spread_over_zones_where_there_are_some():
    def keys(zones: list[str]) -> list[str]:
        deployment = only(objects(emitted(cluster={"zones": zones})), "Deployment")
        return [s["topologyKey"] for s in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]]

    assert keys(["a", "b"]) == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert keys(["a"]) == ["kubernetes.io/hostname"]


def test_a_tenants_gateway_lives_in_its_first_namespace():
    bodies = objects(of_tenant())
    assert {body["metadata"]["namespace"] for body in bodies} == {"checkout"}
    assert {body["kind"] for body in bodies} == {
        "ServiceAccount",
        "ConfigMap",
        "Deployment",
        "Service",
        "NetworkPolicy",
    }
    pod = only(bodies, "Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert "nodeSelector" not in pod
    assert "tolerations" not in pod


def test_a_dedicated_tenant_has_nodes_of_its_own():
    pod = only(objects(of_tenant("dedicated")), "Deployment")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"policy.phoenix.io/tenant": "checkout"}
    assert pod["tolerations"] == [
        {"key": "policy.phoenix.io/tenant", "operator": "Equal", "value": "checkout", "effect": "NoSchedule"}
    ]


def test_a_tenants_gateway_takes_from_its_namespaces_and_sends_to_the_platform():
    policy = only(objects(of_tenant()), "NetworkPolicy")["spec"]
    assert policy["ingress"][0]["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == [
        "checkout",
        "checkout-jobs",
    ]
    assert policy["egress"][-1]["ports"] == [{"port": 4320, "protocol": "TCP"}]
    assert "phoenix-gateway" in json.dumps(policy["egress"][-1]["to"])


@pytest.mark.parametrize(("isolation", "state"), [("shared", "active"), ("namespace", "retired")])
def test_shared_and_retired_tenants_have_no_gateway(isolation: str, state: str):
    assert of_tenant(isolation, state=state) == []


def test_two_runs_give_the_same():
    assert emitted() == emitted()


def test_monitors_fit_the_operators_schema():
    import jsonschema_rs

    from phoenix_gitops.verify.crd_schema import convert_crd

    crds = yaml.load_all((crds_folder() / "monitoring.coreos.com.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    (schema,) = [s for crd in crds if crd and crd["spec"]["names"]["kind"] == "PodMonitor" for s in convert_crd(crd)]
    judge = jsonschema_rs.validator_for(schema.schema)
    monitors = [body for body in objects(emitted()) if body["kind"] == "PodMonitor"]
    assert len(monitors) == 3
    for monitor in monitors:
        assert [error.message for error in judge.iter_errors(monitor)] == []
    assert not judge.is_valid(monitors[0] | {"spec": {"podMetricsEndpoint": []}})
