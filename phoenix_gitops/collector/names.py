"""What collectors are to each other, and how one reaches another: in one place.

What they are called is the organisation's choice (`model.naming`); their roles are ours.
"""

from __future__ import annotations

from phoenix_gitops.collector.ports import AGENTS, TENANTS
from phoenix_gitops.scope import EnvironmentScope

AGENT = "agent"
GATEWAY = "gateway"
TENANT_GATEWAY = "tenant-gateway"

ENDPOINTS = {AGENT: AGENTS, TENANT_GATEWAY: TENANTS}
"""The gateway's port for each of the collectors that relay to it."""

STORE_KEY = "EXTERNAL_METRICS_STORE"
"""The environment variable with what the external store wants to see in its header."""

BROKER_PASSWORD = "EXTERNAL_BROKER_PASSWORD"  # noqa: S105 - a variable's name
"""The environment variable with our password at the external broker."""


def workload(env: EnvironmentScope, role: str) -> str:
    """The name of the workload in a role."""
    return {AGENT: env.names.agent, GATEWAY: env.names.gateway, TENANT_GATEWAY: env.names.tenant_gateway}[role]


def gateway_pods(env: EnvironmentScope) -> str:
    """The DNS name that resolves to the gateway's pods; the search path adds the cluster's domain."""
    return f"{env.names.gateway_headless}.{env.names.gateway_namespace}.svc"


def secret_variable(pipeline: str, export: str) -> str:
    """The environment variable with an export's key."""
    return f"EXPORT_{pipeline}__{export}".upper().replace("-", "_")
