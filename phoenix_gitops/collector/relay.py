"""From a collector to the gateway's pods, and the config of a tenant's own gateway."""

from __future__ import annotations

from typing import Any

from phoenix_gitops.collector import names
from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.identity import TENANT, stripped
from phoenix_gitops.collector.ports import OTLP_GRPC, OTLP_HTTP
from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.values import Section
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.scope import EnvironmentScope

ROUTING_ATTRIBUTES = ("host.name", "service.name", "service.instance.id")
"""What decides the pod of the gateway. All processes of a host must reach one pod, or no roll-up sums them, and
a service's instance must stay on one, or two pods show its series."""


def to_gateway(builder: Builder, env: EnvironmentScope, sender: str) -> str:
    """The exporter to the gateway's pods, for the collector `sender`."""
    settings: Section = {
        "routing_key": "attributes",
        "routing_attributes": list(ROUTING_ATTRIBUTES),
        "protocol": {"otlp": {"tls": {"insecure": True}}},
        "resolver": {"dns": {"hostname": names.gateway_pods(env.platform), "port": str(names.ENDPOINTS[sender])}},
    }
    return builder.add(Kind.EXPORTER, "load_balancing/gateway", settings)


def tenant_gateway(env: EnvironmentScope, tenant: str, gateway: Gateway) -> tuple[dict[str, Any], Builder]:
    """The config of a tenant's own gateway: all that comes in bears the tenant's name, whatever it said before."""
    builder = Builder(gateway.resources.memory_limit)
    receiver = builder.otlp("workloads", OTLP_GRPC, OTLP_HTTP)
    overwrite: Section = {"attributes": [{"key": TENANT, "value": tenant, "action": "upsert"}]}
    chain = [
        builder.memory_limiter("tenant", env.edge.spec.memory),
        *stripped(builder, "tenant", keep_pod=True),
        builder.processor("resource/tenant", overwrite),
        builder.batch("tenant", env.edge.spec.batch),
    ]
    builder.pipeline("tenant", [receiver], chain, [to_gateway(builder, env, names.TENANT_GATEWAY)])
    return builder.build(), builder
