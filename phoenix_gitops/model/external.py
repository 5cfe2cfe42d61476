"""What an environment uses and somebody else runs: a metrics store, a broker."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Cidr, Model, Name, Port

_ADDRESS: Final = re.compile(r"(?:http(?P<tls>s)?://)?(?:\[[^]]*\]|[^:/]*)(?::(?P<port>[0-9]+))?")
"""Scheme and port of an address."""

HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"


class SecretRef(Model, frozen=True, kw_only=True):
    """A key of a Secret that exists in the gateway's namespace; its value is never in Git."""

    name: Annotated[Name, Meta(description="The Secret.")]
    key: Annotated[str, Meta(pattern="^[-._a-zA-Z0-9]+$", description="The key in the Secret.")]


class External(Model, frozen=True, kw_only=True):
    """Where something stands that exists already: network policies let the gateway out to it, and nowhere else."""

    ip_blocks: Annotated[
        list[Cidr],
        Meta(description="Its addresses, where it is no pod of the cluster.", examples=[["10.20.0.0/24"]]),
    ] = []
    namespace: Annotated[
        str, Meta(description="The namespace of its pods, where it runs in the same cluster.", examples=["victoria"])
    ] = ""
    pod_labels: Annotated[
        dict[str, str],
        Meta(
            description="Labels of its pods; none means all pods of the namespace.",
            examples=[{"app.kubernetes.io/name": "vminsert"}],
        ),
    ] = {}
    pod_port: Annotated[
        Port | None,
        Meta(description="The port that its pods listen on, where the Service's is another.", examples=[8480]),
    ] = None


class MetricsStore(External, frozen=True, kw_only=True):
    """A store that takes OTLP over HTTP, as VictoriaMetrics and Mimir do."""

    url: Annotated[
        str,
        Meta(
            pattern=f"^https?://{HOST}(:[1-9][0-9]{{0,4}})?(/[^ ]*)?$",
            description="Its base address; `/v1/metrics` is added. For a VMCluster it ends in "
            "`/insert/ACCOUNT/opentelemetry`.",
            examples=["http://vminsert.victoria.svc:8480/insert/0/opentelemetry"],
        ),
    ]
    header: Annotated[
        str, Meta(min_length=1, description="Header that carries the value of `secretRef`, as it stands there.")
    ] = "Authorization"
    secret_ref: Annotated[
        SecretRef | None, Meta(description="Where the header's value is, such as `Bearer ...`; absent: none is sent.")
    ] = None


class Sasl(Model, frozen=True, kw_only=True):
    """Who we are to a broker."""

    mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Meta(description="How the password is shown.")
    ] = "SCRAM-SHA-512"
    username: Annotated[str, Meta(min_length=1, description="The user.", examples=["phoenix"])]
    password_ref: Annotated[SecretRef, Meta(description="Where the password is.")]


class Broker(External, frozen=True, kw_only=True):
    """A Kafka that takes what pipelines put out."""

    brokers: Annotated[
        list[Annotated[str, Meta(pattern=f"^{HOST}:[1-9][0-9]{{0,4}}$")]],
        Meta(
            min_length=1,
            description="The brokers that are asked first, as HOST:PORT.",
            examples=[["kafka-1.example.com:9093"]],
        ),
    ]
    tls: Annotated[bool, Meta(description="Whether the connection is encrypted, by public certificates.")] = True
    sasl: Annotated[Sasl | None, Meta(description="Who we are to it; absent: nobody in particular.")] = None


class Externals(Model, frozen=True, kw_only=True):
    """What somebody else runs and the environment's pipelines send to."""

    metrics_store: Annotated[
        MetricsStore | None, Meta(description="The store that exports of kind `metricsStore` go to.")
    ] = None
    broker: Annotated[Broker | None, Meta(description="The broker that exports of kind `kafka` go to.")] = None


def port_of(address: str) -> int:
    """The port that an address (`http://host/path`, `host:port`) means."""
    match = _ADDRESS.match(address)
    assert match is not None, "every part of the pattern may be absent"
    return int(match["port"] or (443 if match["tls"] else 80))
