"""Exports: where a pipeline's output goes, and what waits where that is away."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Duration, Model, Name, Port
from phoenix_gitops.model.external import SecretRef


class Queue(Model, frozen=True, kw_only=True):
    """What waits while the backend is away."""

    size: Annotated[int, Meta(ge=1, description="Requests that the queue holds.")] = 2000
    consumers: Annotated[int, Meta(ge=1, le=1000, description="Requests in flight.")] = 3


class ExportRetry(Model, frozen=True, kw_only=True):
    """How a failed export is retried."""

    initial: Annotated[Duration, Meta(description="Wait before the first retry.")] = "5s"
    max: Annotated[Duration, Meta(description="The longest wait.")] = "60s"
    elapsed: Annotated[Duration, Meta(description="After so long the data is given up.")] = "10m"


class PrometheusExport(Model, frozen=True, kw_only=True):
    """An endpoint that Prometheus scrapes."""

    port: Annotated[Port, Meta(description="The port.", examples=[8889])]
    namespace: Annotated[
        str,
        Meta(
            pattern="^[a-z_][a-z0-9_]*$",
            description="Prefix of every metric's name.",
            examples=["phoenix_opt_final_output"],
        ),
    ]
    expiration: Annotated[Duration, Meta(description="A series that gets no data for so long is no longer shown.")] = (
        "5m"
    )


class OtlpHttpExport(Model, frozen=True, kw_only=True):
    """OTLP over HTTP to a backend."""

    endpoint: Annotated[
        str,
        Meta(
            pattern="^https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[1-9][0-9]{0,4})?(/[^ ]*)?$",
            description="The backend's base address.",
            examples=["https://otlp.example.com:4318"],
        ),
    ]
    header: Annotated[str | None, Meta(description="Header that carries the key.", examples=["api-key"])] = None
    secret_ref: Annotated[SecretRef | None, Meta(description="Where the key is.")] = None
    delta: Annotated[bool, Meta(description="Send counters as differences, as some backends ask.")] = False
    compression: Annotated[Literal["gzip", "none", "zstd"], Meta(description="Compression of the body.")] = "gzip"
    queue: Annotated[
        Queue,
        Meta(
            description="What waits while the backend is away. It is in memory: when a pod of the gateway is replaced, it sends "
            "what waits once. What the backend does not take then is lost, and so are the requests, one a consumer, that wait for "
            "a retry."
        ),
    ] = Queue()
    retry: Annotated[ExportRetry, Meta(description="How a failed export is retried.")] = ExportRetry()


class MetricsStoreExport(Model, frozen=True, kw_only=True):
    """OTLP over HTTP to the environment's `external.metricsStore`."""

    compression: Annotated[Literal["gzip", "none", "zstd"], Meta(description="Compression of the body.")] = "gzip"
    queue: Annotated[Queue, Meta(description="What waits, in memory, while the store is away.")] = Queue()
    retry: Annotated[ExportRetry, Meta(description="How a failed export is retried.")] = ExportRetry()


class KafkaExport(Model, frozen=True, kw_only=True):
    """OTLP in messages of the environment's `external.broker`, one for each resource, which decides the partition."""

    topic: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=249,
            pattern="^[A-Za-z0-9._-]+$",
            description="The topic; it exists already.",
            examples=["metrics-optimized"],
        ),
    ]
    encoding: Annotated[Literal["otlp_json", "otlp_proto"], Meta(description="What a message holds.")] = "otlp_proto"
    compression: Annotated[
        Literal["gzip", "lz4", "none", "snappy", "zstd"], Meta(description="Compression of messages.")
    ] = "zstd"
    acks: Annotated[
        Literal["all", "leader"],
        Meta(description="Whose word is waited for: all replicas that are in sync, or the leader alone."),
    ] = "all"
    queue: Annotated[Queue, Meta(description="What waits, in memory, while the broker is away.")] = Queue()
    retry: Annotated[ExportRetry, Meta(description="How a failed export is retried.")] = ExportRetry()


class Export(Model, frozen=True, kw_only=True):
    """Where a pipeline's output goes: exactly one of `prometheus`, `otlpHttp`, `metricsStore` and `kafka`."""

    name: Annotated[Name, Meta(description="The export's name; environments switch optional ones on by it.")]
    optional: Annotated[bool, Meta(description="Off unless the environment lists it in `exports`.")] = False
    prometheus: Annotated[PrometheusExport | None, Meta(description="An endpoint that Prometheus scrapes.")] = None
    otlp_http: Annotated[OtlpHttpExport | None, Meta(description="OTLP over HTTP to a backend.")] = None
    metrics_store: Annotated[
        MetricsStoreExport | None, Meta(description="OTLP over HTTP to the environment's `external.metricsStore`.")
    ] = None
    kafka: Annotated[KafkaExport | None, Meta(description="Messages to the environment's `external.broker`.")] = None
