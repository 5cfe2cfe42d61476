"""Names of what collectors run as and are reached by, computed in one place."""

from __future__ import annotations

from phoenix_gitops.collector.ports import AGENTS, TENANTS
from phoenix_gitops.model.platform import Platform

AGENT = "agent"
GATEWAY = "gateway"
TENANT_GATEWAY = "tenant-gateway"
HEADLESS = "gateway-headless"

ENDPOINTS = {AGENT: AGENTS, TENANT_GATEWAY: TENANTS}
"""The gateway's port for each of the collectors that relay to it."""


def agent_namespace(platform: Platform) -> str:
    """The namespace of the node agents, which need more of a node than `restricted` allows."""
    return f"{platform.spec.conventions.namespace_prefix}-agents"


def gateway_namespace(platform: Platform) -> str:
    """The namespace of the platform's gateway."""
    return f"{platform.spec.conventions.namespace_prefix}-gateway"


def gateway_pods(platform: Platform) -> str:
    """The DNS name that resolves to the gateway's pods; the search path adds the cluster's domain."""
    return f"{HEADLESS}.{gateway_namespace(platform)}.svc"


def secret_variable(pipeline: str, export: str) -> str:
    """The environment variable with an export's key."""
    return f"EXPORT_{pipeline}__{export}".upper().replace("-", "_")
