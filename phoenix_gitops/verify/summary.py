"""A small summary of each object: all that checks across objects need. 24,000 of them stay cheap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.conventions import FLUX_SSA
from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, text
from phoenix_gitops.verify.containers import containers
from phoenix_gitops.verify.finding import ObjectPath
from phoenix_gitops.verify.needs import Need, needs_of
from phoenix_gitops.verify.restricted import Violation, violations
from phoenix_gitops.verify.selectors import Selector
from phoenix_gitops.verify.workloads import SERVING, pod_template

ENFORCE = "pod-security.kubernetes.io/enforce"
"""The label by which a namespace declares its Pod Security level."""


@dataclass(frozen=True, slots=True)
class PodPort:
    """A port of a container."""

    name: str
    number: int
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """What a workload runs."""

    labels: Mapping
    ports: tuple[PodPort, ...]
    replicas: int | None
    """As written; None where absent or where the kind has none."""
    serving: bool
    spread: bool
    """Whether the pods are spread over nodes or zones."""
    scales: bool
    """Whether the kind has replicas at all (a DaemonSet has not)."""
    spec_at: ObjectPath
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A Service's port as its clients and its pods see it."""

    name: str
    number: int
    target: str | int
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """An object without its bulk."""

    group: str
    kind: str
    namespace: str
    name: str
    pods: Pods | None = None
    selects: Selector | None = None
    """Which pods a Service, NetworkPolicy or PodDisruptionBudget selects."""
    ports: tuple[ServicePort, ...] = ()
    needs: tuple[Need, ...] = ()
    makes: tuple[tuple[str, str], ...] = ()
    """Objects that its controller makes in its namespace: (kind, name)."""
    keys: frozenset[str] = frozenset()
    """Keys of a ConfigMap."""
    level: str = ""
    """The Pod Security level that a Namespace declares."""
    seed: bool = False
    """Whether the reconciler only makes it where it is missing, so that another object may say how it is to be."""
    spec: Mapping | None = None
    """The spec of kinds whose checks need it: HPA, PDB, what reconcilers read; all of cluster roles and bindings."""


_KEPT = frozenset(
    (
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("policy", "PodDisruptionBudget"),
        ("argoproj.io", "Application"),
        ("argoproj.io", "AppProject"),
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    )
)
_RBAC = "rbac.authorization.k8s.io"
_RIGHTS = frozenset((_RBAC, kind) for kind in ("ClusterRole", "ClusterRoleBinding", "RoleBinding"))


def summarise(group: str, kind: str, body: Mapping) -> Summary:
    """The summary of one object; never fails, whatever the object holds."""
    metadata, spec = mapping(body.get("metadata")), mapping(body.get("spec"))
    namespace = text(metadata.get("namespace"))
    return Summary(
        group=group,
        kind=kind,
        namespace=namespace,
        name=text(metadata.get("name")),
        pods=_pods(group, kind, body),
        selects=_selects(group, kind, spec),
        ports=tuple(_service_ports(spec)) if (group, kind) == ("", "Service") else (),
        needs=tuple(needs_of(group, kind, body)),
        makes=tuple(_makes(group, kind, metadata, spec)),
        keys=frozenset((*mapping(body.get("data")), *mapping(body.get("binaryData"))))
        if (group, kind) == ("", "ConfigMap")
        else frozenset(),
        level=text(child(metadata, "labels").get(ENFORCE)) if (group, kind) == ("", "Namespace") else "",
        seed=child(metadata, "annotations").get(FLUX_SSA) == "IfNotPresent",
        spec=spec if (group, kind) in _KEPT else body if (group, kind) in _RIGHTS else None,
    )


def _pods(group: str, kind: str, body: Mapping) -> Pods | None:
    found = pod_template(group, kind, body)
    if found is None:
        return None
    at, template = found
    spec = mapping(template.get("spec"))
    return Pods(
        labels=child(template, "metadata", "labels"),
        ports=tuple(_pod_ports(spec)),
        replicas=integer(child(body, "spec").get("replicas")),
        serving=(group, kind) in SERVING,
        spread=bool(spec.get("topologySpreadConstraints") or child(spec, "affinity", "podAntiAffinity")),
        scales=kind in {"Deployment", "StatefulSet", "ReplicaSet", "Rollout"},
        spec_at=(*at, "spec"),
        violations=tuple(violations(spec, (*at, "spec"))),
    )


def _pod_ports(spec: Mapping) -> Iterator[PodPort]:
    for _, container in containers(spec, ()):
        for _, port in entries(container.get("ports")):
            number = integer(port.get("containerPort"))
            if number is not None:
                yield PodPort(text(port.get("name")), number, text(port.get("protocol")) or "TCP")


def _service_ports(spec: Mapping) -> Iterator[ServicePort]:
    for _, port in entries(spec.get("ports")):
        number = integer(port.get("port"))
        if number is not None:
            target = port.get("targetPort") or number
            if isinstance(target, str | int):
                yield ServicePort(text(port.get("name")), number, target, text(port.get("protocol")) or "TCP")


def _selects(group: str, kind: str, spec: Mapping) -> Selector | None:
    if (group, kind) == ("", "Service"):
        selector = mapping(spec.get("selector"))
        return Selector.plain(selector) if selector else None
    if (group, kind) == ("networking.k8s.io", "NetworkPolicy"):
        return Selector.of(mapping(spec.get("podSelector")))
    if (group, kind) == ("policy", "PodDisruptionBudget"):
        return Selector.of(mapping(spec.get("selector")))
    return None


def _makes(group: str, kind: str, metadata: Mapping, spec: Mapping) -> Iterator[tuple[str, str]]:
    """Secrets that operators write from the object."""
    name = text(metadata.get("name"))
    if (group, kind) == ("external-secrets.io", "ExternalSecret"):
        yield ("Secret", text(child(spec, "target").get("name")) or name)
    elif (group, kind) == ("cert-manager.io", "Certificate"):
        yield ("Secret", text(spec.get("secretName")))
    elif (group, kind) == ("bitnami.com", "SealedSecret"):
        yield ("Secret", text(child(spec, "template", "metadata").get("name")) or name)
