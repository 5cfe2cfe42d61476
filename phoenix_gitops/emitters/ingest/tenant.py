"""The own gateway of a tenant that is not shared, in the first of its namespaces."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops import conventions
from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.collector import names
from phoenix_gitops.collector.ports import TENANTS
from phoenix_gitops.collector.relay import tenant_gateway
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import network
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.ingest.gateway import deployment
from phoenix_gitops.emitters.ingest.workload import (
    Config,
    Workload,
    availability,
    config_objects,
    faults,
    prepare,
    scraped,
)
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.scope import ClusterScope, TenantScope


def emit_tenant_gateway(scope: ClusterScope, tenant: TenantScope, spec: Gateway, render: Render) -> Iterator[Emitted]:
    """Everything of the tenant's gateway in a cluster."""
    namespaces = tenant.tenant.spec.identity.namespaces
    workload = Workload(
        scope=scope,
        render=render,
        policy=PolicyRef("Tenant", tenant.name),
        role=names.TENANT_GATEWAY,
        namespace=namespaces[0],
        tenant=tenant.name,
    )
    config, findings = prepare(workload, tenant_gateway(scope.env, tenant.name, spec))
    yield from findings
    if workload.foreign:
        yield from config_objects(workload, config)
        return
    yield workload.artifact("serviceaccount")
    yield from config_objects(workload, config)
    own = {conventions.TENANT: tenant.name}
    standing = tenant.standing
    yield deployment(
        workload,
        config,
        spec,
        node_selector=own if standing.bound_to_nodes else None,
        tolerations=[{"key": conventions.TENANT, "operator": "Equal", "value": tenant.name, "effect": "NoSchedule"}]
        if standing.lets_onto_nodes
        else None,
    )
    yield from availability(workload, spec.replicas)
    ports = config.service_ports("otlp-")
    yield workload.artifact("service", selector=workload.selector, ports=ports, headless=False, local=False)
    yield from _network(workload, config, namespaces)


def _network(workload: Workload, config: Config, namespaces: list[str]) -> Iterator[Emitted]:
    scope = workload.scope
    dns, metrics = network.dns_egress(scope.cluster), scraped(workload, config)
    if isinstance(dns, Diagnostic) or isinstance(metrics, Diagnostic):
        yield from faults([dns, metrics])
        return
    senders = network.ingress([network.pods_in(namespaces)], network.tcp(*config.numbers("otlp-")))
    gateway = network.egress([network.gateway(scope.env)], network.tcp(TENANTS))
    yield workload.policy_of_network([senders, *metrics], [dns, gateway])
