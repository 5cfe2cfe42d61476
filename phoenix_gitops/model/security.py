"""SecurityPolicy: rights, network stance, redaction."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Cidr, Metadata, Model, Port


class PlatformAccess(Model, frozen=True, kw_only=True):
    """Groups of the platform team and what they may do in the platform's namespaces."""

    viewers: Annotated[list[str], Meta(description="Groups that may read.")] = []
    operators: Annotated[list[str], Meta(description="Groups that may restart and scale workloads.")] = []


class ExternalEgress(Model, frozen=True, kw_only=True):
    """A destination outside the cluster that the platform's collectors may reach."""

    name: Annotated[str, Meta(min_length=1, max_length=40, description="What is there.")]
    cidr: Annotated[Cidr, Meta(description="Its addresses.")]
    port: Annotated[Port, Meta(description="Its TCP port.")] = 443


class SecurityPolicySpec(Model, frozen=True, kw_only=True):
    """Rights, network stance, redaction."""

    access: Annotated[PlatformAccess, Meta(description="Groups of the platform team.")] = PlatformAccess()
    redact: Annotated[
        list[str],
        Meta(
            description="Resource and datapoint attributes that no pipeline lets out.",
            examples=[["process.environment", "http.request.header.authorization"]],
        ),
    ] = []
    egress: Annotated[
        list[ExternalEgress],
        Meta(
            description="Destinations outside the cluster that the gateway may reach, for exports.",
            extra_json_schema={"x-phoenix-merge-key": "name"},
        ),
    ] = []
    pod_security_version: Annotated[
        Literal["latest", "cluster"],
        Meta(
            description="Whether Pod Security levels mean the newest definition or that of the cluster's Kubernetes version."
        ),
    ] = "cluster"
    run_as_user: Annotated[int, Meta(ge=1, le=4294967295, description="Uid that the platform's containers run as.")] = (
        10001
    )


class SecurityPolicy(Model, frozen=True, kw_only=True):
    """Rights of the platform team, allowed destinations and attributes that never leave."""

    metadata: Metadata
    spec: SecurityPolicySpec
