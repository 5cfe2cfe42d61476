"""The contract with others: what must be there where an environment compiles less than all of a component.

It is read from what would be compiled in full, so it cannot say anything else than that would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec.structs import replace as replaced

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, Unit
from phoenix_gitops.emit import Stage
from phoenix_gitops.model.components import Components, Configurable

_LABELS = (conventions.TENANT, conventions.STATE)
"""What the platform reads of a namespace of a tenant."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that others owe."""

    cluster: str
    subject: str
    """What it is about, as `Deployment obs/gateway`."""
    what: str
    value: str


def contract(stage: Stage) -> tuple[Term, ...]:
    """The terms of an environment, by cluster; none where all is compiled in full."""
    environment = stage.scope.environment
    full = _in_full(stage)
    found: list[Term] = []
    for cluster in stage.clusters:
        if environment.manages("gitops") == "none":
            found += _deliveries(stage, cluster)
        if environment.manages("tenancy") == "none":
            found += _namespaces(cluster, _objects(full, cluster, "tenancy"))
        if environment.manages("ingest") == "config":
            found += _collectors(stage, cluster, list(_objects(full, cluster, "ingest")))
        if environment.manages("rules") == "config":
            found.append(
                Term(cluster, f"Namespace {stage.scope.names.rules_namespace}", "is", "there before the rules")
            )
    return tuple(found)


def _in_full(stage: Stage) -> Stage:
    """The same environment with all that others have compiled."""
    environment = stage.scope.environment
    parts = environment.spec.components
    everything = replaced(Components(), rules=parts.rules, ingest=Configurable())
    world = stage.world.with_policy(
        ("Environment", stage.environment),
        replaced(environment, spec=replaced(environment.spec, components=everything)),
    )
    return replace(stage, world=world)


def _objects(stage: Stage, cluster: str, component: str) -> Iterator[Artifact]:
    for tenant in ("", *stage.tenants):
        yield from stage.emit_unit(Unit(stage.environment, cluster, component, tenant)).objects


def _deliveries(stage: Stage, cluster: str) -> Iterator[Term]:
    for component in stage.emitters:
        if any(True for _ in _objects(stage, cluster, component)):
            folder = f"generated/{stage.environment}/{cluster}/{component}"
            yield Term(cluster, f"Application of {component}", "applies", f"{folder}, with its subfolders, server-side")


def _namespaces(cluster: str, objects: Iterable[Artifact]) -> Iterator[Term]:
    for artifact in objects:
        labels = artifact.body["metadata"].get("labels", {})
        if artifact.kind == "Namespace" and conventions.TENANT in labels:
            said = ", ".join(f"{key}={labels[key]}" for key in _LABELS if key in labels)
            yield Term(cluster, f"Namespace {artifact.name}", "bears", said)


def _collectors(stage: Stage, cluster: str, objects: list[Artifact]) -> Iterator[Term]:
    roles = {a.name: a.body["rules"] for a in objects if a.kind == "ClusterRole"}
    for artifact in objects:
        if artifact.kind not in ("DaemonSet", "Deployment"):
            continue
        spec = artifact.body["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        namespace, subject = artifact.namespace, f"{artifact.kind} {artifact.namespace}/{artifact.name}"
        services = [a for a in objects if a.kind == "Service" and _selects(a.body, artifact.body)]
        names = stage.scope.names
        terms = {
            "reads": [
                f"ConfigMap {names.config(artifact.name)}, key {names.templates.config_key}; starts anew with it"
            ],
            "runs": [f"OpenTelemetry Collector {stage.scope.platform.spec.catalog.collector.tag}"],
            "is selected by": [_pairs(artifact.body["spec"]["selector"]["matchLabels"])],
            "listens on": [f"{port['containerPort']} as {port['name']}" for port in container["ports"]],
            "has": [_variable(variable) for variable in container["env"]],
            "mounts": list(_mounts(spec, container)),
            "sees": ["the node's processes (hostPID)"] if spec.get("hostPID") else [],
            "may add": container["securityContext"]["capabilities"].get("add", []),
            "has memory": [container["resources"]["limits"]["memory"]],
            "may": [_right(rule) for rule in roles.get(namespace, [])] if spec["automountServiceAccountToken"] else [],
            "is reached by": [_service(service.body) for service in services],
        }
        for what, values in terms.items():
            yield from (Term(cluster, subject, what, value) for value in values)


def _selects(service: Mapping[str, Any], workload: Mapping[str, Any]) -> bool:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    here = service["metadata"]["namespace"] == workload["metadata"]["namespace"]
    return here and all(labels.get(key) == value for key, value in service["spec"]["selector"].items())


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _variable(variable: Mapping[str, Any]) -> str:
    source = variable.get("valueFrom", {})
    if "secretKeyRef" in source:
        return f"{variable['name']} from Secret {source['secretKeyRef']['name']}, key {source['secretKeyRef']['key']}"
    if "fieldRef" in source:
        return f"{variable['name']} from {source['fieldRef']['fieldPath']}"
    return f"{variable['name']}={variable['value']}"


def _mounts(spec: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    """Where a collector finds folders of its node; the config may lie anywhere."""
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for mount in container["volumeMounts"]:
        host = volumes[mount["name"]].get("hostPath")
        if host is not None:
            yield f"{host['path']} of the node at {mount['mountPath']}" + (
                ", read-only" if mount.get("readOnly") else ""
            )


def _right(rule: Mapping[str, Any]) -> str:
    return f"{', '.join(rule['verbs'])} {', '.join(rule['resources'])}"


def _service(body: Mapping[str, Any]) -> str:
    spec = body["spec"]
    kind = "headless Service" if spec.get("clusterIP") == "None" else "Service"
    local = " (internalTrafficPolicy: Local)" if spec.get("internalTrafficPolicy") == "Local" else ""
    return f"{kind} {body['metadata']['name']}{local} on {', '.join(str(port['port']) for port in spec['ports'])}"
