"""The node agents: a DaemonSet in a namespace of its own, since it alone sees the host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.collector import names
from phoenix_gitops.collector.agent import QUEUE, ROOT, agent
from phoenix_gitops.collector.ports import AGENTS
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import network
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.ingest.workload import (
    COMPONENT,
    Config,
    Workload,
    config_objects,
    container,
    faults,
    go_memory_limit,
    monitoring,
    namespace,
    prepare,
    scraped,
)
from phoenix_gitops.scope import ClusterScope

_WHY = (
    "reads /proc of every process and the host's file system read-only, and keeps its queue on the node's disk: "
    "hostPID and hostPath need the level `privileged`; nothing else runs in this namespace"
)
_READ = ["get", "list", "watch"]


def emit_agent(scope: ClusterScope, render: Render) -> Iterator[Emitted]:
    """Everything of the node agents in a cluster."""
    workload = Workload(
        scope=scope,
        render=render,
        policy=PolicyRef("Pipeline", scope.env.edge.metadata.name),
        role=names.AGENT,
        namespace=scope.env.names.agent_namespace,
    )
    config, findings = prepare(workload, agent(scope.env))
    yield from findings
    if workload.foreign:
        yield from config_objects(workload, config)
        yield from monitoring(workload, config)
        return
    yield namespace(workload, "privileged", {f"{conventions.POLICY_GROUP}/why-privileged": _WHY})
    body = network.deny_all(render, workload.namespace, workload.labels)
    yield Artifact(component=COMPONENT, policy=workload.policy, body=body, template=network.TEMPLATE)
    yield workload.artifact("serviceaccount")
    yield from _rights(workload)
    yield from config_objects(workload, config)
    yield _daemon_set(workload, config)
    if config.numbers("otlp-"):
        # The sender's own node: data takes no detour, and the pod's address is what the agent sees.
        ports = config.service_ports("otlp-")
        yield workload.artifact("service", selector=workload.selector, ports=ports, headless=False, local=True)
    yield from _network(workload, config)
    yield from monitoring(workload, config)


def _rules(workload: Workload) -> list[dict[str, Any]]:
    inputs = workload.scope.env.edge.spec.inputs
    scrape = inputs.prometheus
    rules = []
    if inputs.otlp is not None or (scrape is not None and scrape.pods):
        rules.append({"groups": [""], "resources": ["namespaces", "pods"], "verbs": _READ})
    if scrape is not None and (scrape.kubelet or scrape.cadvisor):
        rules.append({"groups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]})
    return rules


def _rights(workload: Workload) -> Iterator[Artifact]:
    rules = _rules(workload)
    if rules:
        name = workload.namespace
        yield workload.cluster_artifact("clusterrole", name=name, rules=rules)
        yield workload.cluster_artifact(
            "clusterrolebinding", name=name, account=workload.name, account_namespace=workload.namespace
        )


def _daemon_set(workload: Workload, config: Config) -> Artifact:
    resources = workload.scope.env.environment.spec.agent.resources
    security: dict[str, object] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        # Other users' open files and I/O counters are shown to nobody else.
        "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH", "SYS_PTRACE"]},
    }
    return workload.artifact(
        "daemonset",
        pod_security={"runAsUser": 0, "runAsGroup": 0, "seccompProfile": {"type": "RuntimeDefault"}},
        token=bool(_rules(workload)),
        env=[
            go_memory_limit(resources),
            _downward("K8S_NODE_NAME", "spec.nodeName"),
            _downward("K8S_NODE_IP", "status.hostIP"),
        ],
        host_path=ROOT,
        queue_path=QUEUE,
        # By the namespace: two platforms on one node keep two queues.
        queue_on_host=f"/var/lib/{workload.namespace}",
        **container(workload, config, resources, security),
    )


def _downward(name: str, path: str) -> dict[str, object]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _network(workload: Workload, config: Config) -> Iterator[Emitted]:
    scope = workload.scope
    dns, api, metrics = network.dns_egress(scope.cluster), network.api_egress(scope.cluster), scraped(workload, config)
    if isinstance(dns, Diagnostic) or isinstance(api, Diagnostic) or isinstance(metrics, Diagnostic):
        yield from faults([dns, api, metrics])
        return
    ingress = list(metrics)
    if config.numbers("otlp-"):
        ingress.insert(0, network.ingress([network.tenants()], network.tcp(*config.numbers("otlp-"))))
    egress = [dns, network.egress([network.gateway(scope.env)], network.tcp(AGENTS))]
    if _rules(workload):
        egress.insert(1, api)
    scrape = scope.env.edge.spec.inputs.prometheus
    if scrape is not None and scrape.pods:
        # Pods say their port by annotation, so none can be named here.
        egress.append(network.egress([network.any_pod()]))
    yield workload.policy_of_network(ingress, egress)
