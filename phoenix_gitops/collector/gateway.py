"""The config of the platform's gateway: three ways in, one pipeline for each policy.

Names of policies hold no underscore, and each of our own ids does: they can never meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phoenix_gitops.collector import names
from phoenix_gitops.collector.builder import Builder, listen
from phoenix_gitops.collector.chain import processors
from phoenix_gitops.collector.identity import UNASSIGNED, assigned, by_connection, classified, stripped
from phoenix_gitops.collector.merge import FORGOTTEN
from phoenix_gitops.collector.ottl import string
from phoenix_gitops.collector.ports import AGENTS, OTLP_GRPC, OTLP_HTTP, TENANTS
from phoenix_gitops.collector.relay import ROUTE
from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.values import Env, Section
from phoenix_gitops.collector.versions import table_of
from phoenix_gitops.model.export import (
    Export,
    ExportRetry,
    KafkaExport,
    MetricsStoreExport,
    OtlpHttpExport,
    PrometheusExport,
    Queue,
)
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.scope import EnvironmentScope

STRATEGY = "phoenix.pipeline.strategy"
"""Resource attribute with the pipeline's name."""


def gateway(env: EnvironmentScope) -> tuple[dict[str, Any], Builder]:
    """The config of the gateway of an environment."""
    builder = Builder(
        env.environment.spec.gateway.resources.memory_limit, table_of(env.platform.spec.catalog.collector.tag)
    )
    forwards = [builder.forward(pipeline.metadata.name) for pipeline in env.pipelines]
    _intake(builder, env, forwards)
    for pipeline, forward in zip(env.pipelines, forwards, strict=True):
        _pipeline(builder, env, pipeline, forward)
    return builder.build(), builder


def active_exports(env: EnvironmentScope, pipeline: Pipeline) -> Iterator[Export]:
    """The exports of a pipeline that are on in this environment."""
    switched_on = set(env.environment.spec.exports)
    return (e for e in pipeline.spec.export if not e.optional or e.name in switched_on)


def _intake(builder: Builder, env: EnvironmentScope, forwards: list[str]) -> None:
    """Agents are trusted: they took the tenant from the pod. Nobody else is, tenants' gateways included.

    Anybody in a tenant's namespace can start a pod with the labels of its gateway, so what comes from there
    gets the tenant of the namespace that the connection comes from.
    """
    memories = [pipeline.spec.memory for pipeline in env.pipelines]
    strictest = min(memories, key=lambda memory: memory.limit, default=env.edge.spec.memory)
    limiter = builder.memory_limiter("intake_all", strictest)
    classes = builder.transform("intake_classes", [("resource", classified(env.edge.spec.classification))])
    default = builder.transform(
        "intake_default", [("resource", [*assigned(UNASSIGNED), f"delete_key(resource.attributes, {string(ROUTE)})"])]
    )
    builder.pipeline("intake_agents", [builder.otlp("agents", AGENTS, None)], [limiter, *default], forwards)
    for name, receiver, keep_pod in (
        ("tenants", builder.otlp("tenants", TENANTS, None), True),
        ("workloads", builder.otlp("workloads", OTLP_GRPC, OTLP_HTTP), False),
    ):
        intake = f"intake_{name}"
        sender = by_connection(builder, intake, node_only=False)
        chain = [limiter, *stripped(builder, intake, keep_pod=keep_pod), sender, *default, *classes]
        builder.pipeline(intake, [receiver], chain, forwards)


def _pipeline(builder: Builder, env: EnvironmentScope, pipeline: Pipeline, forward: str) -> None:
    name, spec = pipeline.metadata.name, pipeline.spec
    tags: dict[str, str | Env] = {STRATEGY: name, "deployment.environment": env.name}
    chain = processors(builder, name, spec, tags, env.security.spec.redact)
    exporters = [_export(builder, env, pipeline, export) for export in active_exports(env, pipeline)]
    builder.pipeline(name, [forward], chain, exporters)


def _export(builder: Builder, env: EnvironmentScope, pipeline: Pipeline, export: Export) -> str:
    """The exporter, or for differences the connector to a pipeline of its own."""
    name = f"{pipeline.metadata.name}_{export.name}"
    if export.prometheus is not None:
        return _prometheus(builder, name, pipeline, export.prometheus)
    if export.metrics_store is not None:
        return _metrics_store(builder, env, name, export.metrics_store)
    if export.kafka is not None:
        return _kafka(builder, env, name, export.kafka)
    if export.otlp_http is None:
        raise ValueError(f"export without a kind passed the lint: {name}")
    exporter = _otlp_http(builder, name, pipeline, export, export.otlp_http)
    if not export.otlp_http.delta:
        return exporter
    branch = builder.forward(name)
    chain = [
        builder.memory_limiter(pipeline.metadata.name, pipeline.spec.memory),
        builder.processor(f"cumulative_to_delta/{name}", {"max_staleness": FORGOTTEN}),
        builder.batch(pipeline.metadata.name, pipeline.spec.batch),
    ]
    builder.pipeline(name, [branch], chain, [exporter])
    return branch


def _prometheus(builder: Builder, name: str, pipeline: Pipeline, export: PrometheusExport) -> str:
    port = builder.ports.claim(f"export-{export.port}", export.port, pipeline.metadata.name)
    settings: Section = {
        "endpoint": listen(port),
        "namespace": export.namespace,
        "metric_expiration": export.expiration,
        "send_timestamps": True,
        "enable_open_metrics": True,
        "without_scope_info": True,
        "translation_strategy": "UnderscoreEscapingWithSuffixes",
        "resource_to_telemetry_conversion": {"enabled": True},
    }
    if pipeline.spec.alias is not None:
        settings["const_labels"] = {"pipeline_alias": pipeline.spec.alias}
    return builder.add(Kind.EXPORTER, f"prometheus/{name}", settings)


def _otlp_http(builder: Builder, name: str, pipeline: Pipeline, export: Export, otlp: OtlpHttpExport) -> str:
    settings: Section = {
        "endpoint": otlp.endpoint,
        "compression": otlp.compression,
        **_patience(otlp.queue, otlp.retry),
    }
    if otlp.header is not None and otlp.secret_ref is not None:
        variable = Env(names.secret_variable(pipeline.metadata.name, export.name))
        settings["headers"] = {otlp.header: variable}
    return builder.add(Kind.EXPORTER, f"otlp_http/{name}", settings)


def _patience(queue: Queue, retry: ExportRetry) -> Section:
    """What waits while a backend is away, and how often it is tried."""
    return {
        "sending_queue": {
            "enabled": True,
            "sizer": "requests",
            "queue_size": queue.size,
            "num_consumers": queue.consumers,
        },
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": retry.initial,
            "max_interval": retry.max,
            "max_elapsed_time": retry.elapsed,
        },
    }


def _metrics_store(builder: Builder, env: EnvironmentScope, name: str, export: MetricsStoreExport) -> str:
    store = env.environment.spec.external.metrics_store
    if store is None:
        raise ValueError(f"export to a store that is not there passed the lint: {name}")
    settings: Section = {
        "endpoint": store.url,
        "compression": export.compression,
        **_patience(export.queue, export.retry),
    }
    if store.secret_ref is not None:
        settings["headers"] = {store.header: Env(names.STORE_KEY)}
    return builder.add(Kind.EXPORTER, f"otlp_http/{name}", settings)


def _kafka(builder: Builder, env: EnvironmentScope, name: str, export: KafkaExport) -> str:
    broker = env.environment.spec.external.broker
    if broker is None:
        raise ValueError(f"export to a broker that is not there passed the lint: {name}")
    settings: Section = {
        "brokers": list(broker.brokers),
        "metrics": {"topic": export.topic, "encoding": export.encoding},
        # Readings of one process stay in order, and no message is larger than what one resource says.
        "partition_metrics_by_resource_attributes": True,
        "producer": {
            "required_acks": -1 if export.acks == "all" else 1,
            "compression": export.compression,
            # A topic that a typing error made would have one partition and no reader.
            "allow_auto_topic_creation": False,
        },
        **_patience(export.queue, export.retry),
    }
    if broker.tls:
        settings["tls"] = {"insecure": False}
    if broker.sasl is not None:
        settings["auth"] = {
            "sasl": {
                "mechanism": broker.sasl.mechanism,
                "username": broker.sasl.username,
                "password": Env(names.BROKER_PASSWORD),
            }
        }
    return builder.add(Kind.EXPORTER, f"kafka/{name}", settings)
