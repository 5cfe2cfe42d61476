"""What the platform's own objects are called: an organisation's templates, and the names that they give."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from phoenix_gitops.model.base import LabelValue, Model

SHORT: Final = 53
"""Longest name that we choose ourselves for an Application; tools make label values of it, with suffixes."""

LabelKey = Annotated[str, Meta(pattern="^([a-z0-9.-]+/)?[A-Za-z0-9_.-]{1,63}$", examples=["app"])]

_OF_ENVIRONMENT = "^([-a-z0-9]|\\{(prefix|environment)\\})+$"
_OF_CLUSTER = "^([-a-z0-9]|\\{(prefix|environment|cluster|component)\\})+$"


class ObjectNames(Model, frozen=True, kw_only=True):
    """Names as templates: `{prefix}` is `namespacePrefix`, `{environment}` the environment's name."""

    agent_namespace: Annotated[
        str, Meta(pattern=_OF_ENVIRONMENT, description="The namespace of the node agents, and their ClusterRole.")
    ] = "{prefix}-agents"
    gateway_namespace: Annotated[
        str, Meta(pattern=_OF_ENVIRONMENT, description="The namespace of the gateway, and its ClusterRole.")
    ] = "{prefix}-gateway"
    rules_namespace: Annotated[
        str, Meta(pattern=_OF_ENVIRONMENT, description="The namespace of the platform's rules.")
    ] = "{prefix}-rules"
    agent: Annotated[str, Meta(pattern=_OF_ENVIRONMENT, description="The node agents.", examples=["otel-agent"])] = (
        "agent"
    )
    gateway: Annotated[
        str, Meta(pattern=_OF_ENVIRONMENT, description="The gateway and its Service.", examples=["otel-gateway"])
    ] = "gateway"
    gateway_headless: Annotated[
        str,
        Meta(
            pattern="^([-a-z0-9]|\\{(prefix|environment|gateway)\\})+$",
            description="The Service without an address of its own by which agents find the gateway's pods; `{gateway}` is "
            "the gateway's name.",
        ),
    ] = "{gateway}-headless"
    tenant_gateway: Annotated[
        str, Meta(pattern=_OF_ENVIRONMENT, description="The own gateway of a tenant, and its Service.")
    ] = "tenant-gateway"
    config: Annotated[
        str,
        Meta(
            pattern="^([-a-z0-9]|\\{(prefix|environment|workload)\\})+$",
            description="The ConfigMap of a collector that others run (`manage: config`); `{workload}` is its name. What we "
            "run ourselves has a name that changes with its content.",
        ),
    ] = "{workload}-config"
    config_key: Annotated[
        str,
        Meta(
            pattern="^[-._a-zA-Z0-9]+$",
            description="The key in that ConfigMap; the chart of OpenTelemetry reads `relay`.",
            examples=["relay"],
        ),
    ] = "config.yaml"
    application: Annotated[
        str,
        Meta(
            pattern=_OF_CLUSTER,
            description="An Application, with `{cluster}` and `{component}`. Names by this default are shortened where they "
            "are longer than 53 characters; yours never are.",
        ),
    ] = "{environment}-{cluster}-{component}"
    project: Annotated[
        str,
        Meta(
            pattern="^([-a-z0-9]|\\{(prefix|environment|component)\\})+$",
            description="An AppProject, with `{component}`.",
        ),
    ] = "{environment}-{component}"
    root: Annotated[
        str, Meta(pattern=_OF_ENVIRONMENT, description="The Application of an environment's Applications.")
    ] = "{environment}-root"


class PodLabels(Model, frozen=True, kw_only=True):
    """By which labels Services, budgets, NetworkPolicies and monitors find the pods of collectors."""

    name_key: Annotated[LabelKey, Meta(description="The label that holds the workload's name.", examples=["app"])] = (
        "app.kubernetes.io/name"
    )
    labels: Annotated[
        dict[LabelKey, LabelValue],
        Meta(description="Labels that all of them have in common.", examples=[{"app.kubernetes.io/part-of": "otel"}]),
    ] = msgspec.field(default_factory=lambda: {"app.kubernetes.io/part-of": "phoenix"})

    def one(self, workload: str) -> dict[str, str]:
        """The label by which one workload's pods are told from others."""
        return {self.name_key: workload}

    def all(self, workload: str) -> dict[str, str]:
        """The labels that a workload's pods are selected by; they can never change."""
        return {self.name_key: workload, **self.labels}


@dataclass(frozen=True, slots=True)
class Names:
    """The names that hold in one environment."""

    templates: ObjectNames
    prefix: str
    environment: str

    @property
    def agent(self) -> str:
        """The workload of the node agents."""
        return self._filled(self.templates.agent)

    @property
    def gateway(self) -> str:
        """The workload of the platform's gateway, and its Service."""
        return self._filled(self.templates.gateway)

    @property
    def gateway_headless(self) -> str:
        """The Service that resolves to the gateway's pods."""
        return self._filled(self.templates.gateway_headless, gateway=self.gateway)

    @property
    def tenant_gateway(self) -> str:
        """The workload of a tenant's own gateway, and its Service."""
        return self._filled(self.templates.tenant_gateway)

    @property
    def agent_namespace(self) -> str:
        """The namespace of the node agents, which need more of a node than `restricted` allows."""
        return self._filled(self.templates.agent_namespace)

    @property
    def gateway_namespace(self) -> str:
        """The namespace of the platform's gateway."""
        return self._filled(self.templates.gateway_namespace)

    @property
    def rules_namespace(self) -> str:
        """The namespace of the platform's rules, and of those of its shared tenants."""
        return self._filled(self.templates.rules_namespace)

    @property
    def namespaces(self) -> tuple[str, str, str]:
        """The namespaces of the platform itself."""
        return self.agent_namespace, self.gateway_namespace, self.rules_namespace

    def config(self, workload: str) -> str:
        """The ConfigMap of a collector that others run."""
        return self._filled(self.templates.config, workload=workload)

    def application(self, cluster: str, component: str) -> str:
        """The Application of a component of a cluster.

        By the default, dashes in names make it ambiguous over environments; link refuses those (PHX676).
        """
        if self.templates.application == ObjectNames().application:
            return _short(f"{self.environment}-{cluster}", component)
        return self._filled(self.templates.application, cluster=cluster, component=component)

    @property
    def root(self) -> str:
        """The Application of the environment's Applications."""
        if self.templates.root == ObjectNames().root:
            return _short(self.environment, "root")
        return self._filled(self.templates.root)

    def project(self, component: str) -> str:
        """The AppProject of a component."""
        if self.templates.project == ObjectNames().project:
            return _short(self.environment, component)
        return self._filled(self.templates.project, component=component)

    def _filled(self, template: str, **values: str) -> str:
        # The schema says which placeholders each template may have, so none is left.
        for name, value in {"prefix": self.prefix, "environment": self.environment, **values}.items():
            template = template.replace(f"{{{name}}}", value)
        return template


def _short(head: str, tail: str) -> str:
    """`head-tail`, the head's end replaced by a hash where that is too long."""
    name = f"{head}-{tail}"
    if len(name) <= SHORT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = SHORT - len(tail) - len(digest) - 2
    return f"{head[:room].rstrip('-')}-{digest}-{tail}"
