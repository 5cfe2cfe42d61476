"""Ingest: the node agents, the platform's gateway, and the gateways of tenants that have their own."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.ingest.agent import emit_agent
from phoenix_gitops.emitters.ingest.gateway import emit_gateway
from phoenix_gitops.emitters.ingest.tenant import emit_tenant_gateway
from phoenix_gitops.emitters.ingest.workload import COMPONENT
from phoenix_gitops.scope import ClusterScope, TenantScope

__all__ = ["COMPONENT", "emit", "emit_tenant"]


def emit(scope: ClusterScope, render: Render) -> Iterator[Emitted]:
    """The node agents and the gateway of a cluster."""
    yield from emit_agent(scope, render)
    yield from emit_gateway(scope, render)


def emit_tenant(scope: ClusterScope, tenant: TenantScope, render: Render) -> Iterator[Emitted]:
    """The tenant's own gateway; nothing for a tenant that has none, or is retired."""
    gateway = tenant.standing.gateway
    if gateway is not None and not tenant.retired:
        yield from emit_tenant_gateway(scope, tenant, gateway, render)
