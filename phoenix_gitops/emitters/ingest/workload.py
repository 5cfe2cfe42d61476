"""What every collector's workload has: config, container, identity in the cluster, reachability, availability."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, Carrier, PolicyRef, ProofFile
from phoenix_gitops.collector import names
from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.check import check_config
from phoenix_gitops.collector.ports import HEALTH, Listener
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import manners, network
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.model.base import Replicas, Resources
from phoenix_gitops.model.units import amount, canonical
from phoenix_gitops.scope import ClusterScope
from phoenix_gitops.yamlout import dump

COMPONENT: Final = "ingest"

CONFIG_KEY = "config.yaml"
CONFIG_FILE = f"/etc/otelcol/{CONFIG_KEY}"
_MIB = 2**20
_GO_SHARE = Fraction(8, 10)
"""Share of the container's memory limit that Go's heap may fill; the rest is for what is no heap."""


_MANNERS: Final = {
    "configmap": manners.FORMER_CONFIG,
    "daemonset": manners.WORKLOAD,
    "service": manners.WORKLOAD,
}
"""How objects of some kinds are treated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One collector in one namespace: its names, and the objects that all collectors need alike."""

    scope: ClusterScope
    render: Render
    policy: PolicyRef
    role: str
    """Which of the collectors it is, as `collector.names` has them."""
    namespace: str
    tenant: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return names.workload(self.scope.env, self.role)

    @property
    def foreign(self) -> bool:
        """Whether others run it, by our config."""
        return self.scope.env.environment.manages(COMPONENT) == "config"

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which its pods are found; they can never change."""
        return self.scope.env.pod_labels.all(self.name)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its objects."""
        tenant = {conventions.TENANT: self.tenant} if self.tenant else {}
        return {**self.selector, conventions.ENVIRONMENT: self.scope.env.name, **tenant}

    def manner(self, manner: manners.Manner) -> dict[str, str]:
        """How the reconciler is to treat one of its objects."""
        return manners.written(self.scope.env.platform, manner)

    def artifact(self, kind: str, **values: object) -> Artifact:
        """An object from the template of its kind."""
        template = f"ingest/{kind}.yaml.j2"
        common: dict[str, object] = {"name": self.name, "namespace": self.namespace, "labels": self.labels}
        if kind in _MANNERS:
            common["annotations"] = self.manner(_MANNERS[kind])
        body = self.render(template, **{**common, **values})
        return Artifact(component=COMPONENT, policy=self.policy, body=body, template=template)

    def cluster_artifact(self, kind: str, *, name: str, **values: object) -> Artifact:
        """An object that lies in no namespace."""
        template = f"ingest/{kind}.yaml.j2"
        body = self.render(template, **{"name": name, "labels": self.labels, **values})
        return Artifact(component=COMPONENT, policy=self.policy, body=body, template=template)

    def policy_of_network(self, ingress: Sequence[network.Rule], egress: Sequence[network.Rule]) -> Artifact:
        """The NetworkPolicy of its pods."""
        body = network.policy(
            self.render,
            self.name,
            self.namespace,
            self.labels,
            self.selector,
            ingress_rules=ingress,
            egress_rules=egress,
        )
        return Artifact(component=COMPONENT, policy=self.policy, body=body, template=network.TEMPLATE)


@dataclass(frozen=True, slots=True)
class Config:
    """A collector's exact config, the ConfigMap that carries it, and its listeners."""

    document: dict[str, Any]
    text: str
    listeners: tuple[Listener, ...]

    @property
    def digest(self) -> str:
        """What tells one config from another in a ConfigMap's name."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:10]

    def numbers(self, *prefixes: str) -> list[int]:
        """The ports of listeners whose names begin so."""
        return sorted(port.number for port in self.listeners if port.name.startswith(prefixes))

    def container_ports(self) -> list[dict[str, object]]:
        """The ports as a container lists them."""
        ordered = sorted(self.listeners, key=lambda port: port.number)
        return [{"name": p.name, "containerPort": p.number, "protocol": "TCP"} for p in ordered]

    def service_ports(self, *prefixes: str) -> list[dict[str, object]]:
        """The ports as a Service lists them."""
        ordered = sorted(self.listeners, key=lambda port: port.number)
        return [
            {"name": p.name, "port": p.number, "targetPort": p.name, "protocol": "TCP"}
            for p in ordered
            if p.name.startswith(prefixes)
        ]


def prepare(workload: Workload, built: tuple[dict[str, Any], Builder]) -> tuple[Config, list[Diagnostic]]:
    """The config as text with what the check of its collector version finds."""
    document, builder = built
    version = workload.scope.env.platform.spec.catalog.collector.tag
    findings = [
        Diagnostic(
            code=finding.code,
            # Of a version that is not known, every workload would say the same.
            message=finding.message
            if finding.code == "PHX630"
            else f"the config of the {workload.role} would not run: {finding.message}",
            help=finding.help,
            notes=(f"at `{finding.path}` of the collector config",) if finding.path else (),
        )
        for finding in check_config(document, version, probe_port=HEALTH)
    ]
    return Config(document, dump(document), tuple(builder.ports.listeners)), findings


def config_objects(workload: Workload, config: Config) -> Iterator[Emitted]:
    """The ConfigMap, immutable where we run what reads it, and the exact config for judges."""
    if workload.foreign:
        own = workload.scope.env.names
        key = own.templates.config_key
        artifact = workload.artifact("foreignconfig", name=own.config(workload.name), data={key: config.text})
    else:
        key = CONFIG_KEY
        artifact = workload.artifact("configmap", name=config_map(workload, config), config=config.text)
        artifact = replace(artifact, file_name=workload.name)
    yield artifact
    yield ProofFile(
        folder="collectors",
        name=f"{workload.role}-{workload.tenant}" if workload.tenant else workload.role,
        policy=workload.policy,
        body=config.document,
        carrier=Carrier.of(artifact, "data", key),
    )


def config_map(workload: Workload, config: Config) -> str:
    """A name that changes with the content: pods roll over to it, and a rollback finds the old one."""
    return f"{workload.name}-{config.digest}"


def container(
    workload: Workload, config: Config, resources: Resources, security: Mapping[str, object]
) -> dict[str, object]:
    """The values of a collector's container, but for its environment beyond Go's memory limit."""
    return {
        "image": workload.scope.env.platform.spec.catalog.collector.reference,
        "args": [f"--config={CONFIG_FILE}"],
        "ports": config.container_ports(),
        "resources": {
            "requests": {"cpu": canonical(resources.cpu_request), "memory": canonical(resources.memory_request)},
            "limits": {"cpu": canonical(resources.cpu_limit), "memory": canonical(resources.memory_limit)},
        },
        "container_security": dict(security),
        "config_map": config_map(workload, config),
        "account": workload.name,
        "selector": workload.selector,
        "pod_labels": workload.labels,
    }


def go_memory_limit(resources: Resources) -> dict[str, object]:
    """GOMEMLIMIT from the same figure as the memory limiters; without its unit it would mean bytes."""
    limit = int(amount(resources.memory_limit) * _GO_SHARE / _MIB)
    return {"name": "GOMEMLIMIT", "value": f"{limit}MiB"}


def restricted(scope: ClusterScope) -> tuple[dict[str, object], dict[str, object]]:
    """Security contexts of pod and container that Pod Security level `restricted` admits."""
    user = scope.env.security.spec.run_as_user
    pod: dict[str, object] = {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container: dict[str, object] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return pod, container


def spread(workload: Workload) -> list[dict[str, object]]:
    """Replicas over zones where the cluster has some, and over nodes."""
    keys = ["kubernetes.io/hostname"]
    if len(workload.scope.cluster.zones) > 1:
        keys.insert(0, "topology.kubernetes.io/zone")
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": workload.selector},
        }
        for key in keys
    ]


def availability(workload: Workload, replicas: Replicas) -> Iterator[Artifact]:
    """The autoscaler and the disruption budget, where the number of replicas asks for them."""
    if scaled(replicas):
        yield workload.artifact(
            "horizontalpodautoscaler",
            target=workload.name,
            min=replicas.min,
            max=replicas.max,
            cpu_percent=round(replicas.target_cpu * 100),
        )
    if replicas.min >= 2:
        yield workload.artifact("poddisruptionbudget", selector=workload.selector)


def scaled(replicas: Replicas) -> bool:
    """Whether an autoscaler owns the number of replicas."""
    return replicas.max is not None and replicas.max > replicas.min


def namespace(workload: Workload, level: str, annotations: Mapping[str, str]) -> Artifact:
    """A namespace of the platform with its Pod Security level."""
    followed = workload.scope.env.security.spec.pod_security_version
    version = "latest" if followed == "latest" else f"v{workload.scope.cluster.kubernetes}"
    labels = {conventions.ENVIRONMENT: workload.scope.env.name, conventions.APP_PART_OF: conventions.PART_OF}
    for mode in ("enforce", "audit", "warn"):
        labels[f"pod-security.kubernetes.io/{mode}"] = level
        labels[f"pod-security.kubernetes.io/{mode}-version"] = version
    return workload.cluster_artifact(
        "namespace",
        name=workload.namespace,
        labels=labels,
        annotations={**workload.manner(manners.PLATFORM_NAMESPACE), **annotations},
    )


def monitoring(workload: Workload, config: Config) -> Iterator[Artifact | Diagnostic]:
    """The PodMonitor, where the cluster runs the Prometheus operator; each pod is scraped, never a Service."""
    cluster = workload.scope.cluster
    if cluster.provides.prometheus_operator is None:
        return
    if not cluster.discovery_labels:
        yield Diagnostic(
            code="PHX646",
            message=f"cluster `{cluster.name}` has no `discoveryLabels`, without which nothing scrapes its collectors",
            help="give the labels that its Prometheus selects PodMonitors by, under `spec.clusters` of the environment",
        )
        return
    endpoints: list[dict[str, object]] = [{"port": "telemetry", "honor_labels": False, "pipeline": ""}]
    # The pipelines' series carry job and instance of whom they came from. What the scraper itself counts of
    # a target tells pipelines apart by the target's label alone.
    endpoints += [
        {"port": port.name, "honor_labels": True, "pipeline": port.purpose}
        for port in sorted(config.listeners, key=lambda listener: listener.number)
        if port.name.startswith("export-")
    ]
    yield workload.artifact(
        "podmonitor",
        labels={**workload.labels, **cluster.discovery_labels},
        selector=workload.selector,
        endpoints=endpoints,
        interval=workload.scope.env.environment.spec.telemetry.scrape_interval,
        everywhere=False,
    )
    if workload.role == names.GATEWAY:
        relays = workload.scope.env.names.tenant_gateway
        # One for the gateways of all tenants: a tenant more changes nothing here.
        yield workload.artifact(
            "podmonitor",
            name=f"{relays}s",
            labels={**workload.labels, **cluster.discovery_labels},
            selector=workload.scope.env.pod_labels.all(relays),
            endpoints=endpoints[:1],
            interval=workload.scope.env.environment.spec.telemetry.scrape_interval,
            everywhere=True,
        )


def scraped(workload: Workload, config: Config) -> list[network.Rule] | Diagnostic:
    """Ingress of the scraper to the metrics ports, which show every tenant's series."""
    cluster = workload.scope.cluster
    if cluster.scraper is not None:
        peer = network.pods_in([cluster.scraper.namespace], cluster.scraper.pod_labels)
        return [network.ingress([peer], network.tcp(*config.numbers("telemetry", "export-")))]
    if cluster.provides.prometheus_operator is None:
        return []
    return Diagnostic(
        code="PHX646",
        message=f"cluster `{cluster.name}` has no `scraper`, so no network policy lets its Prometheus in",
        help="say which pods scrape: `scraper: {}` for those that the Prometheus operator runs in `monitoring`",
    )


def faults(parts: Iterable[object]) -> list[Diagnostic]:
    """The diagnostics among what was computed."""
    return [part for part in parts if isinstance(part, Diagnostic)]
