"""What an object refers to by name: ConfigMaps, Secrets, Services, ServiceAccounts, roles, targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text
from phoenix_gitops.verify.containers import containers
from phoenix_gitops.verify.finding import ObjectPath
from phoenix_gitops.verify.workloads import pod_template


@dataclass(frozen=True, slots=True)
class Need:
    """A reference to an object that must exist; `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str
    at: ObjectPath
    keys: tuple[tuple[str, ObjectPath], ...] = ()
    """Keys of the ConfigMap that are read, and where."""


def needs_of(group: str, kind: str, body: Mapping) -> Iterator[Need]:
    """Every reference of one object; those that are `optional: true` are left out."""
    namespace = text(child(body, "metadata").get("namespace"))
    found = pod_template(group, kind, body)
    if found is not None:
        at, template = found
        yield from _pod(mapping(template.get("spec")), (*at, "spec"), namespace)
    if (reader := _READERS.get((group, kind))) is not None:
        for need in reader(body, namespace):
            if need.name:
                yield need


def _pod(spec: Mapping, at: ObjectPath, namespace: str) -> Iterator[Need]:
    if account := text(spec.get("serviceAccountName")):
        yield Need("ServiceAccount", namespace, account, (*at, "serviceAccountName"))
    if priority := text(spec.get("priorityClassName")):
        yield Need("PriorityClass", "", priority, (*at, "priorityClassName"))
    for index, secret in entries(spec.get("imagePullSecrets")):
        yield Need("Secret", namespace, text(secret.get("name")), (*at, "imagePullSecrets", index, "name"))
    for index, volume in entries(spec.get("volumes")):
        yield from _volume(volume, (*at, "volumes", index), namespace)
    for path, container in containers(spec, at):
        yield from _environment(container, path, namespace)


def _volume(volume: Mapping, at: ObjectPath, namespace: str) -> Iterator[Need]:
    yield from _file_source(volume, at, namespace, secret_name="secretName")  # noqa: S106 - a field's name
    if claim := text(child(volume, "persistentVolumeClaim").get("claimName")):
        yield Need("PersistentVolumeClaim", namespace, claim, (*at, "persistentVolumeClaim", "claimName"))
    for index, source in entries(child(volume, "projected").get("sources")):
        where = (*at, "projected", "sources", index)
        yield from _file_source(source, where, namespace, secret_name="name")  # noqa: S106 - a field's name


def _file_source(source: Mapping, at: ObjectPath, namespace: str, *, secret_name: str) -> Iterator[Need]:
    for field, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", secret_name)):
        data = mapping(source.get(field))
        name = text(data.get(key))
        if name and not data.get("optional"):
            keys = tuple(
                (text(item.get("key")), (*at, field, "items", index, "key"))
                for index, item in entries(data.get("items"))
            )
            yield Need(kind, namespace, name, (*at, field, key), keys)


def _environment(container: Mapping, at: ObjectPath, namespace: str) -> Iterator[Need]:
    for index, variable in entries(container.get("env")):
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            data = child(variable, "valueFrom", field)
            name = text(data.get("name"))
            if name and not data.get("optional"):
                where = (*at, "env", index, "valueFrom", field)
                yield Need(kind, namespace, name, (*where, "name"), ((text(data.get("key")), (*where, "key")),))
    for index, source in entries(container.get("envFrom")):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            data = mapping(source.get(field))
            name = text(data.get("name"))
            if name and not data.get("optional"):
                yield Need(kind, namespace, name, (*at, "envFrom", index, field, "name"))


def _stateful_set(body: Mapping, namespace: str) -> Iterator[Need]:
    name = text(child(body, "spec").get("serviceName"))
    yield Need("Service", namespace, name, ("spec", "serviceName"))


def _binding(body: Mapping, namespace: str) -> Iterator[Need]:
    role = mapping(body.get("roleRef"))
    kind = text(role.get("kind"))
    if kind in {"Role", "ClusterRole"}:
        yield Need(kind, namespace if kind == "Role" else "", text(role.get("name")), ("roleRef", "name"))
    for index, subject in entries(body.get("subjects")):
        if subject.get("kind") == "ServiceAccount" and (where := text(subject.get("namespace"))):
            yield Need("ServiceAccount", where, text(subject.get("name")), ("subjects", index, "name"))


def _scale_target(body: Mapping, namespace: str) -> Iterator[Need]:
    target = child(body, "spec", "scaleTargetRef")
    kind = text(target.get("kind")) or "Deployment"
    yield Need(kind, namespace, text(target.get("name")), ("spec", "scaleTargetRef", "name"))


def _ingress(body: Mapping, namespace: str) -> Iterator[Need]:
    spec = mapping(body.get("spec"))
    at: ObjectPath = ("spec", "defaultBackend", "service", "name")
    yield Need("Service", namespace, text(child(spec, "defaultBackend", "service").get("name")), at)
    for index, rule in entries(spec.get("rules")):
        for number, path in entries(child(rule, "http").get("paths")):
            at = ("spec", "rules", index, "http", "paths", number, "backend", "service", "name")
            yield Need("Service", namespace, text(child(path, "backend", "service").get("name")), at)
    for index, tls in entries(spec.get("tls")):
        yield Need("Secret", namespace, text(tls.get("secretName")), ("spec", "tls", index, "secretName"))


def _application(body: Mapping, namespace: str) -> Iterator[Need]:
    yield Need("AppProject", namespace, text(child(body, "spec").get("project")), ("spec", "project"))


def _kustomization(body: Mapping, namespace: str) -> Iterator[Need]:
    spec = mapping(body.get("spec"))
    source = mapping(spec.get("sourceRef"))
    where = text(source.get("namespace")) or namespace
    yield Need(text(source.get("kind")), where, text(source.get("name")), ("spec", "sourceRef", "name"))
    for index, other in entries(spec.get("dependsOn")):
        where = text(other.get("namespace")) or namespace
        yield Need("Kustomization", where, text(other.get("name")), ("spec", "dependsOn", index, "name"))


_RBAC = "rbac.authorization.k8s.io"
_READERS: dict[tuple[str, str], Callable[[Mapping, str], Iterator[Need]]] = {
    ("apps", "StatefulSet"): _stateful_set,
    (_RBAC, "RoleBinding"): _binding,
    (_RBAC, "ClusterRoleBinding"): _binding,
    ("autoscaling", "HorizontalPodAutoscaler"): _scale_target,
    ("keda.sh", "ScaledObject"): _scale_target,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("argoproj.io", "Application"): _application,
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): _kustomization,
}
