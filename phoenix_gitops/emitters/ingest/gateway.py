"""The platform's gateway: it takes from agents, tenants' gateways and workloads, and runs the pipelines."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.collector import names
from phoenix_gitops.collector.gateway import active_exports, gateway
from phoenix_gitops.collector.ports import AGENTS, TENANTS
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import network
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.ingest.external import external_egress, secrets
from phoenix_gitops.emitters.ingest.workload import (
    COMPONENT,
    Config,
    Workload,
    availability,
    config_objects,
    container,
    faults,
    go_memory_limit,
    monitoring,
    namespace,
    prepare,
    restricted,
    scaled,
    scraped,
    spread,
)
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.external import port_of
from phoenix_gitops.scope import ClusterScope

_READ = ["get", "list", "watch"]


def emit_gateway(scope: ClusterScope, render: Render) -> Iterator[Emitted]:
    """Everything of the platform's gateway in a cluster."""
    workload = Workload(
        scope=scope,
        render=render,
        policy=PolicyRef("Environment", scope.env.name),
        role=names.GATEWAY,
        namespace=scope.env.names.gateway_namespace,
    )
    config, findings = prepare(workload, gateway(scope.env))
    yield from findings
    if workload.foreign:
        yield from config_objects(workload, config)
        yield from monitoring(workload, config)
        return
    yield namespace(workload, "restricted", {})
    body = network.deny_all(render, workload.namespace, workload.labels)
    yield Artifact(component=COMPONENT, policy=workload.policy, body=body, template=network.TEMPLATE)
    yield workload.artifact("serviceaccount")
    # The tenant of a sender is a label of its pod's namespace.
    rules = [{"groups": [""], "resources": ["namespaces", "pods"], "verbs": _READ}]
    yield workload.cluster_artifact("clusterrole", name=workload.namespace, rules=rules)
    yield workload.cluster_artifact(
        "clusterrolebinding",
        name=workload.namespace,
        account=workload.name,
        account_namespace=workload.namespace,
    )
    yield from config_objects(workload, config)
    spec = scope.env.environment.spec.gateway
    yield deployment(workload, config, spec, token=True, keys=secrets(scope.env))
    yield from availability(workload, spec.replicas)
    yield from _services(workload, config)
    yield from _network(workload, config)
    yield from monitoring(workload, config)


def deployment(
    workload: Workload,
    config: Config,
    spec: Gateway,
    *,
    token: bool = False,
    keys: list[dict[str, object]] | None = None,
    node_selector: dict[str, str] | None = None,
    tolerations: list[dict[str, str]] | None = None,
) -> Artifact:
    """The Deployment of a gateway; it says no replicas where an autoscaler owns them."""
    pod, security = restricted(workload.scope)
    return workload.artifact(
        "deployment",
        replicas=None if scaled(spec.replicas) else spec.replicas.min,
        pod_security=pod,
        token=token,
        env=[go_memory_limit(spec.resources), *(keys or [])],
        node_selector=node_selector,
        tolerations=tolerations,
        spread=spread(workload),
        **container(workload, config, spec.resources, security),
    )


def _services(workload: Workload, config: Config) -> Iterator[Artifact]:
    ports = config.service_ports("otlp-grpc", "otlp-http")
    yield workload.artifact("service", selector=workload.selector, ports=ports, headless=False, local=False)
    yield workload.artifact(
        "service",
        name=workload.scope.env.names.gateway_headless,
        selector=workload.selector,
        ports=config.service_ports("otlp-", "export-", "telemetry"),
        headless=True,
        local=False,
    )


def _network(workload: Workload, config: Config) -> Iterator[Emitted]:
    scope = workload.scope
    dns, api, metrics = network.dns_egress(scope.cluster), network.api_egress(scope.cluster), scraped(workload, config)
    yield from _unreachable_exports(scope)
    if isinstance(dns, Diagnostic) or isinstance(api, Diagnostic) or isinstance(metrics, Diagnostic):
        yield from faults([dns, api, metrics])
        return
    relays = network.tenants(scope.env.pod_labels.one(scope.env.names.tenant_gateway))
    ingress = [
        network.ingress([network.agents(scope.env)], network.tcp(AGENTS)),
        network.ingress([relays], network.tcp(TENANTS)),
        network.ingress([network.tenants()], network.tcp(*config.numbers("otlp-grpc", "otlp-http"))),
        *metrics,
    ]
    declared = sorted({(edge.cidr, edge.port) for edge in scope.env.security.spec.egress})
    exports = [network.egress(network.blocks([cidr]), network.tcp(port)) for cidr, port in declared]
    yield workload.policy_of_network(ingress, [dns, api, *exports, *external_egress(scope.env)])


def _unreachable_exports(scope: ClusterScope) -> Iterator[Diagnostic]:
    """Exports that no declared destination lets out. Addresses are not known here, so ports decide."""
    allowed = {edge.port for edge in scope.env.security.spec.egress}
    for pipeline in scope.env.pipelines:
        for export in active_exports(scope.env, pipeline):
            if export.otlp_http is None:
                continue
            port = port_of(export.otlp_http.endpoint)
            if port not in allowed:
                yield Diagnostic(
                    code="PHX647",
                    message=f"export `{export.name}` of pipeline `{pipeline.metadata.name}` goes to port `{port}`, "
                    f"which security policy `{scope.env.security.metadata.name}` lets nothing out to",
                    help="declare the backend's addresses and port in `spec.egress` of the security policy",
                )
