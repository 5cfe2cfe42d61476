"""Whose data it is: what a sender says of itself is removed, and the tenant follows from its pod's namespace."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.ottl import PRIORITY, matches, resource, string
from phoenix_gitops.collector.values import Section, Value
from phoenix_gitops.conventions import TENANT as TENANT_LABEL
from phoenix_gitops.model.pipeline import Classification

TENANT = "tenant.id"
"""Resource attribute with the tenant, set by the first trusted hop."""

INSTANCE = "service.instance.id"

SENDER = ("host.name", "service.name", INSTANCE)
"""Resource attributes that tell senders apart. What two senders say is never added up: they do not speak at one time,
and may speak to two replicas of the gateway."""

PLATFORM = "platform"
"""The tenant of the nodes' and the platform's own metrics."""

UNASSIGNED = "unassigned"
"""The tenant of what comes from a pod in no tenant's namespace."""

# Separators other than the dot become the same label once a Prometheus exporter has escaped them.
_TENANT_NAMES = r"tenant[^A-Za-z0-9]+id"
_OURS = r"phoenix[^A-Za-z0-9].*"
_KUBERNETES = r"k8s[^A-Za-z0-9].*"

_METADATA_TIMEOUT = "45s"
"""Then the collector ends, and is started anew: before its startup probe gives it up."""

_POD_METADATA = ("k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.node.name")


def stripped(builder: Builder, name: str, *, keep_pod: bool) -> list[str]:
    """Removes what senders must not say: tenant, priority class, and (unless `keep_pod`) their pod."""
    names = [_TENANT_NAMES, _OURS, *([] if keep_pod else [_KUBERNETES])]
    groups = [
        ("resource", [f"delete_matching_keys(resource.attributes, {string(_anchored(names))})"]),
        ("datapoint", [f"delete_matching_keys(datapoint.attributes, {string(_anchored([_TENANT_NAMES, _OURS]))})"]),
    ]
    return builder.transform(f"{name}_strip", groups)


def by_connection(builder: Builder, name: str, *, node_only: bool) -> str:
    """Finds the sender's pod by the address of its connection."""
    return _k8s_attributes(builder, name, [{"from": "connection"}], node_only=node_only)


def by_pod_uid(builder: Builder, name: str, *, node_only: bool) -> str:
    """Finds the pod by the uid that service discovery attached; only for what we scraped ourselves."""
    source: Section = {"from": "resource_attribute", "name": "k8s.pod.uid"}
    return _k8s_attributes(builder, name, [source], node_only=node_only)


def assigned(tenant: str) -> list[str]:
    """Statements that give a tenant to what has none."""
    return [f"set({resource(TENANT)}, {string(tenant)}) where {resource(TENANT)} == nil"]


def classified(classification: Classification | None) -> list[str]:
    """Statements that set the priority class of every resource that bears the deciding attribute."""
    if classification is None:
        return []
    path, priority = resource(classification.attribute), resource(PRIORITY)
    undecided = f"{path} != nil and {priority} == nil"
    return [
        *(
            f"set({priority}, {string(rule.name)}) where {undecided} and {matches(path, rule.match)}"
            for rule in classification.classes
        ),
        f"set({priority}, {string(classification.default)}) where {undecided}",
    ]


def _k8s_attributes(builder: Builder, name: str, sources: Sequence[Value], *, node_only: bool) -> str:
    settings: Section = {
        "auth_type": "serviceAccount",
        "extract": {
            "metadata": list(_POD_METADATA),
            "labels": [{"tag_name": TENANT, "key": TENANT_LABEL, "from": "namespace"}],
        },
        "pod_association": [{"sources": list(sources)}],
        # Nothing is taken in before the pods are known: it would be nobody's, and every series be there twice.
        "wait_for_metadata": True,
        "wait_for_metadata_timeout": _METADATA_TIMEOUT,
    }
    if node_only:
        settings["filter"] = {"node_from_env_var": "K8S_NODE_NAME"}
    return builder.processor(f"k8s_attributes/{name}", settings)


def _anchored(names: Sequence[str]) -> str:
    return f"^(?:{'|'.join(names)})$"
