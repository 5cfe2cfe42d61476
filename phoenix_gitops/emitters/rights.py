"""Rights: what each role of a tenant's or the platform's groups may do in a namespace.

No rule reads secrets, grants rights, changes walls (quotas, limits, network policies, service accounts) or enters a
running container: the first would show what other members entrusted to it, the others would let rights grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypedDict

READ: Final = ("get", "list", "watch")
WRITE: Final = ("create", "delete", "patch", "update")


class Rule(TypedDict):
    """What may be done with some resources of one API group."""

    groups: list[str]
    resources: list[str]
    verbs: list[str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and the groups that have it."""

    name: str
    rules: list[Rule]
    groups: list[str]


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> Rule:
    return {"groups": [group], "resources": sorted(resources), "verbs": list(verbs)}


_VIEWER: Final = (
    _rule(
        "",
        (
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ),
        READ,
    ),
    _rule("apps", ("daemonsets", "deployments", "replicasets", "statefulsets"), READ),
    _rule("autoscaling", ("horizontalpodautoscalers",), READ),
    _rule("batch", ("cronjobs", "jobs"), READ),
    _rule("discovery.k8s.io", ("endpointslices",), READ),
    _rule("networking.k8s.io", ("ingresses", "networkpolicies"), READ),
    _rule("policy", ("poddisruptionbudgets",), READ),
)
_EDITOR: Final = (
    _rule("", ("configmaps", "persistentvolumeclaims", "pods", "services"), WRITE),
    # No DaemonSets: those run on every node, whoever else's it is.
    _rule("apps", ("deployments", "deployments/scale", "statefulsets", "statefulsets/scale"), WRITE),
    _rule("autoscaling", ("horizontalpodautoscalers",), WRITE),
    _rule("batch", ("cronjobs", "jobs"), WRITE),
    _rule("networking.k8s.io", ("ingresses",), WRITE),
    _rule("policy", ("poddisruptionbudgets",), WRITE),
)
_OPERATOR: Final = (
    # A restart is a patch of the pod template, or the deletion of a pod.
    _rule("", ("pods",), ("delete",)),
    _rule("apps", ("daemonsets", "deployments", "statefulsets"), ("patch",)),
    _rule("apps", ("deployments/scale", "statefulsets/scale"), ("patch", "update")),
)


def tenant_grants(readers: Iterable[str], writers: Iterable[str]) -> list[Grant]:
    """The roles of a tenant's groups in its own namespaces; a role that nobody has is left out."""
    return _held(
        Grant("tenant-viewer", list(_VIEWER), sorted(set(readers))),
        Grant("tenant-editor", list(_EDITOR), sorted(set(writers))),
    )


def platform_grants(viewers: Iterable[str], operators: Iterable[str]) -> list[Grant]:
    """The roles of the platform team in the platform's namespaces; operators see what they restart."""
    operating = sorted(set(operators))
    return _held(
        Grant("platform-viewer", list(_VIEWER), sorted({*viewers, *operating})),
        Grant("platform-operator", list(_OPERATOR), operating),
    )


def _held(*grants: Grant) -> list[Grant]:
    return [grant for grant in grants if grant.groups]
