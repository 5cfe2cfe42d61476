"""Tenant and TenantClass: who uses the platform, how isolated, with which quotas."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import (
    Cidr,
    Duration,
    LabelValue,
    Metadata,
    Model,
    Name,
    Port,
    Quantity,
    Resources,
    Selector,
    reference,
)
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.routing import Contacts


class Quotas(Model, frozen=True, kw_only=True):
    """What a tenant may use; each is compiled to the points that can enforce it."""

    active_series: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Active series.", examples=[200000])
    ] = None
    ingest_rate: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Datapoints a second.", examples=[20000])
    ] = None
    cpu: Annotated[
        Quantity | None, Meta(description="Sum of CPU requests, and of limits, in each of its namespaces, in cores.")
    ] = None
    memory: Annotated[
        Quantity | None, Meta(description="Sum of memory requests, and of limits, in each of its namespaces.")
    ] = None
    pods: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Pods in each of its namespaces.")] = None


class ContainerDefaults(Model, frozen=True, kw_only=True):
    """What a container gets that says nothing about its resources."""

    cpu_request: Annotated[Quantity, Meta(description="CPU reserved, in cores.")] = "50m"
    memory_request: Annotated[Quantity, Meta(description="Memory reserved.")] = "64Mi"
    cpu_limit: Annotated[Quantity, Meta(description="CPU allowed, in cores.")] = "500m"
    memory_limit: Annotated[Quantity, Meta(description="Memory allowed.")] = "512Mi"
    max_ratio: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="A container's limit is at most so many times its request; absent: any."),
    ] = None


class TenantClassSpec(Model, frozen=True, kw_only=True):
    """Isolation and default quotas."""

    isolation: Annotated[
        Literal["shared", "namespace", "dedicated"],
        Meta(
            description="`shared`: the tenant is data of the platform's gateway. `namespace`: own namespaces and an own gateway in "
            "the first of them. `dedicated`: the same on nodes of its own."
        ),
    ]
    quotas: Annotated[Quotas, Meta(description="Quotas of a tenant that sets none.")] = Quotas()
    retention: Annotated[
        Duration, Meta(description="How long the tenant's series are kept; bounds look-back of its rules.")
    ] = "30d"
    pod_security: Annotated[
        Literal["baseline", "restricted"], Meta(description="Pod Security level that its namespaces enforce.")
    ] = "restricted"
    container_defaults: Annotated[
        ContainerDefaults, Meta(description="Resources of containers that say nothing (LimitRange).")
    ] = ContainerDefaults()
    gateway: Annotated[Gateway, Meta(description="The tenant's own gateway, where isolation gives it one.")] = Gateway(
        resources=Resources(cpu_request="100m", memory_request="256Mi", cpu_limit="500m", memory_limit="256Mi")
    )


class TenantClass(Model, frozen=True, kw_only=True):
    """A class of tenants: isolation, default quotas, retention."""

    metadata: Metadata
    spec: TenantClassSpec


class Identity(Model, frozen=True, kw_only=True):
    """How the platform knows the tenant; what a client says of itself never counts."""

    namespaces: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]],
        Meta(min_length=1, description="Its namespaces. A namespace belongs to one tenant."),
    ]


class Access(Model, frozen=True, kw_only=True):
    """Groups of the cluster's identity provider and what they may do in the tenant's namespaces."""

    viewers: Annotated[list[str], Meta(description="Groups that may read.", examples=[["checkout-devs"]])] = []
    editors: Annotated[
        list[str], Meta(description="Groups that may change workloads.", examples=[["checkout-leads"]])
    ] = []


class Egress(Model, frozen=True, kw_only=True):
    """A destination outside the cluster that the tenant's pods may reach."""

    cidr: Annotated[Cidr, Meta(description="Its addresses.")]
    port: Annotated[Port, Meta(description="Its TCP port.")] = 443


class Network(Model, frozen=True, kw_only=True):
    """The tenant's declared edges; everything else is denied."""

    allow_from: Annotated[
        list[Annotated[Name, Meta(extra_json_schema=reference("Tenant"))]],
        Meta(description="Tenants whose pods may reach this tenant's pods."),
    ] = []
    egress: Annotated[list[Egress], Meta(description="Destinations outside the cluster.")] = []


class TenantSpec(Model, frozen=True, kw_only=True):
    """What a tenant is owed."""

    class_: Annotated[Name, Meta(description="Its TenantClass.", extra_json_schema=reference("TenantClass"))]
    identity: Annotated[Identity, Meta(description="How the platform knows the tenant.")]
    environment_selector: Annotated[Selector, Meta(description="The environments it is in; empty means all.")] = (
        Selector()
    )
    moving_from: Annotated[
        Name | None,
        Meta(
            description="The class that it is moving from, while what that class gave it still stands beside what `class` "
            "gives. `phoenix move` sets and removes it.",
            examples=["shared"],
            extra_json_schema=reference("TenantClass"),
        ),
    ] = None
    moved_from: Annotated[
        Name | None,
        Meta(
            description="The class with namespaces of its own that it was moved from, while what that class gave is being "
            "pruned: until this goes, the reconciler is let into its namespaces.",
            examples=["namespace"],
            extra_json_schema=reference("TenantClass"),
        ),
    ] = None
    state: Annotated[
        Literal["active", "readOnly", "retired"],
        Meta(
            description="`readOnly` takes the editors' rights; `retired` all rights, the gateway and every network edge, and "
            "leaves its namespaces until the file is removed. `phoenix retire` says when."
        ),
    ] = "active"
    residency: Annotated[
        LabelValue,
        Meta(description="The only jurisdiction its data may lie in; empty means any.", examples=["eu"]),
    ] = ""
    cost_center: Annotated[LabelValue, Meta(description="Who pays.", examples=["CC-1042"])] = ""
    quotas: Annotated[Quotas, Meta(description="Quotas that differ from its class.")] = Quotas()
    access: Annotated[Access, Meta(description="Groups and their rights.")] = Access()
    network: Annotated[Network, Meta(description="Declared network edges.")] = Network()
    contacts: Annotated[
        Contacts,
        Meta(
            description="Who is told of its alerts, where the environment has `routing`; of severities that are absent here "
            "the platform's contacts are told.",
            examples=[{"critical": {"pagerDuty": {"key": "pager"}}}],
        ),
    ] = Contacts()
    formerly: Annotated[
        list[Name],
        Meta(
            description="Former names, oldest first; the account id stays that of the oldest, and nobody else may bear them."
        ),
    ] = []


class Tenant(Model, frozen=True, kw_only=True):
    """A team or product that uses the platform."""

    metadata: Metadata
    spec: TenantSpec


def account_id(name: str) -> int:
    """The account of a tenant: the first 32 bits of the SHA-256 of its (oldest) name, never 0 (DESIGN section 3)."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") or 1
