"""The config of the node agent: what it collects, whose it is, and the edge pipeline."""

from __future__ import annotations

from typing import Any

from phoenix_gitops.collector import names
from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.chain import processors
from phoenix_gitops.collector.identity import (
    PLATFORM,
    TENANT,
    UNASSIGNED,
    assigned,
    by_connection,
    by_pod_uid,
    classified,
    stripped,
)
from phoenix_gitops.collector.relay import routed, to_gateway
from phoenix_gitops.collector.scrape import node_jobs, pods_job
from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.values import Env, Section, Value
from phoenix_gitops.collector.versions import table_of
from phoenix_gitops.model.pipeline import HostMetrics
from phoenix_gitops.scope import EnvironmentScope

NODE = Env("K8S_NODE_NAME")
ROOT = "/hostfs"
"""Where the host's root is mounted, read-only."""
QUEUE = "/var/lib/otelcol"
"""Where the agent's folder on the node's disk is mounted."""

_PROCESS_METRICS_ON = ("process.cpu.time", "process.disk.io", "process.memory.usage", "process.memory.virtual")
"""What the process scraper reads unless it is told otherwise."""
_PROCESS_ATTRIBUTES_ON = (
    *("process.command", "process.command_line", "process.executable.name", "process.executable.path"),
    *("process.owner", "process.parent_pid", "process.pid"),
)


def agent(env: EnvironmentScope) -> tuple[dict[str, Any], Builder]:
    """The config of the agent of an environment."""
    spec = env.edge.spec
    builder = Builder(
        env.environment.spec.agent.resources.memory_limit, table_of(env.platform.spec.catalog.collector.tag)
    )
    edge = builder.forward("edge")
    _intake(builder, env, edge)
    # A reading that is split would be summed twice, each time in part.
    chain = processors(builder, "edge", spec, {}, env.security.spec.redact, whole=True)
    # Classes come before everything that asks for them, directly after the memory limiter.
    chain[1:1] = builder.transform("edge_classes", [("resource", classified(spec.classification))])
    chain[-1:-1] = routed(builder, "edge")
    builder.pipeline("edge", [edge], chain, [to_gateway(builder, env, names.AGENT, disk=QUEUE)])
    return builder.build(), builder


def _intake(builder: Builder, env: EnvironmentScope, edge: str) -> None:
    inputs = env.edge.spec.inputs
    limiter = builder.memory_limiter("edge", env.edge.spec.memory)
    own = [_host_metrics(builder, inputs.hostmetrics)] if inputs.hostmetrics else []
    scrape = inputs.prometheus
    if scrape is not None:
        jobs = node_jobs(scrape)
        if jobs:
            own.append(builder.add(Kind.RECEIVER, "prometheus/node", {"config": {"scrape_configs": jobs}}))
        if scrape.pods:
            job: list[Value] = [pods_job(scrape)]
            pods = builder.add(Kind.RECEIVER, "prometheus/pods", {"config": {"scrape_configs": job}})
            chain = [
                limiter,
                *_place(builder, "scraped", "insert"),
                *stripped(builder, "scraped", keep_pod=True),
                by_pod_uid(builder, "scraped", node_only=True),
                *builder.transform("tenant", [("resource", assigned(UNASSIGNED))]),
            ]
            builder.pipeline("scraped", [pods], chain, [edge])
    if own:
        builder.pipeline("node", own, [limiter, *_place(builder, "node", "upsert", PLATFORM)], [edge])
    if inputs.otlp is not None:
        receiver = builder.otlp("workloads", inputs.otlp.grpc_port, inputs.otlp.http_port)
        chain = [
            limiter,
            *stripped(builder, "workloads", keep_pod=False),
            by_connection(builder, "workloads", node_only=True),
            *_place(builder, "workloads", "insert"),
            *builder.transform("tenant", [("resource", assigned(UNASSIGNED))]),
        ]
        builder.pipeline("workloads", [receiver], chain, [edge])


def _place(builder: Builder, name: str, action: str, tenant: str = "") -> list[str]:
    """Says on which node data was collected, and whose it is if that is known."""
    actions: list[Value] = [
        {"key": "host.name", "value": NODE, "action": action},
        {"key": "k8s.node.name", "value": NODE, "action": "upsert"},
    ]
    if tenant:
        actions.append({"key": TENANT, "value": tenant, "action": "upsert"})
    return [builder.processor(f"resource/{name}", {"attributes": actions})]


def _host_metrics(builder: Builder, host: HostMetrics) -> str:
    patterns: list[Value] = [pattern for group in host.exclude for pattern in group.patterns]
    process: Section = {
        "metrics": _switches(host.process_metrics, _PROCESS_METRICS_ON),
        "resource_attributes": _switches(host.process_attributes, _PROCESS_ATTRIBUTES_ON),
        # Kernel threads have no executable, containers have users that the host does not know.
        "mute_process_exe_error": True,
        "mute_process_user_error": True,
    }
    if patterns:
        process["exclude"] = {"names": patterns, "match_type": "regexp"}
    settings: Section = {
        "collection_interval": host.interval,
        "root_path": ROOT,
        "scrapers": {"process": process},
    }
    return builder.add(Kind.RECEIVER, "host_metrics", settings)


def _switches(wanted: list[Any], on: tuple[str, ...]) -> Section:
    """Switches for all that is wanted or would be on by itself."""
    return {name: {"enabled": name in wanted} for name in sorted({*wanted, *on})}
