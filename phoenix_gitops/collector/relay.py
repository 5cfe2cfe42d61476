"""From a collector to the gateway's pods, and the config of a tenant's own gateway."""

from __future__ import annotations

from typing import Any

from phoenix_gitops.collector import names
from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.identity import SENDER, TENANT, stripped
from phoenix_gitops.collector.ottl import resource
from phoenix_gitops.collector.ports import OTLP_GRPC, OTLP_HTTP
from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.values import Section
from phoenix_gitops.collector.versions import table_of
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.units import mebibytes
from phoenix_gitops.scope import EnvironmentScope

ROUTE = "phoenix.sender"
"""Resource attribute that decides the pod of the gateway: all processes of a host must reach one pod, or no roll-up
sums them, and a service's instance must stay on one, or two pods show its series."""

_ON_DISK = 256 * 2**20
"""Bytes that a queue on a node's disk may hold."""
_IN_MEMORY = 16
"""The share of a container's memory that a queue may hold is one of so many: unpacked it takes several times that."""


def routed(builder: Builder, name: str) -> list[str]:
    """The processor that gives every resource its route. Were one of the routing attributes missing, the exporter
    would look for it on every point, and compare each with every other: 2 s of CPU for 1,000 processes.
    """
    parts = ", ".join(resource(attribute) for attribute in SENDER)
    return builder.transform(f"{name}_route", [("resource", [f'set({resource(ROUTE)}, Concat([{parts}], "/"))'])])


def to_gateway(builder: Builder, env: EnvironmentScope, sender: str, *, disk: str = "") -> str:
    """The exporter to the gateway's pods, for the collector `sender`; `disk` is a folder that outlives its pods.

    The queue is before the choice of a pod: a queue for each pod would be dropped with the pod, at every change of
    the gateway. What fails is sent again, to whoever is there by then, until the queue is full.

    From disk, nothing is lost over a restart, and all keeps its order but for one reading: that which was tried in
    vain when the process ended comes last. Merged counters take it for a reset, and count once more what had grown
    since it. A queue in memory is sent once when the process ends, and what fails then is lost.
    """
    queue: Section = {
        "enabled": True,
        # One after the other: counters of a reading that overtook another would seem reset.
        "num_consumers": 1,
        "sizer": "bytes",
        "queue_size": _ON_DISK if disk else mebibytes(builder.memory_limit) * 2**20 // _IN_MEMORY,
    }
    if disk:
        queue["storage"] = builder.storage(disk)
    settings: Section = {
        "routing_key": "attributes",
        "routing_attributes": [ROUTE],
        "protocol": {
            "otlp": {
                "tls": {"insecure": True},
                "sending_queue": {"enabled": False},
                "retry_on_failure": {"enabled": False},
            }
        },
        "resolver": {"dns": {"hostname": names.gateway_pods(env), "port": str(names.ENDPOINTS[sender])}},
        "sending_queue": queue,
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": "1s",
            "max_interval": "10s",
            "max_elapsed_time": "0s",
        },
    }
    return builder.add(Kind.EXPORTER, "load_balancing/gateway", settings)


def tenant_gateway(env: EnvironmentScope, tenant: str, gateway: Gateway) -> tuple[dict[str, Any], Builder]:
    """The config of a tenant's own gateway: all that comes in bears the tenant's name, whatever it said before."""
    builder = Builder(gateway.resources.memory_limit, table_of(env.platform.spec.catalog.collector.tag))
    receiver = builder.otlp("workloads", OTLP_GRPC, OTLP_HTTP)
    overwrite: Section = {"attributes": [{"key": TENANT, "value": tenant, "action": "upsert"}]}
    chain = [
        builder.memory_limiter("tenant", env.edge.spec.memory),
        *stripped(builder, "tenant", keep_pod=True),
        builder.processor("resource/tenant", overwrite),
        *routed(builder, "tenant"),
        builder.batch("tenant", env.edge.spec.batch, whole=True),
    ]
    builder.pipeline("tenant", [receiver], chain, [to_gateway(builder, env, names.TENANT_GATEWAY)])
    return builder.build(), builder
