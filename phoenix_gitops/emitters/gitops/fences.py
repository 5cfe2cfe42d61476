"""What each component may apply: the fence around its part of the tree, whatever reconciler keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

GroupKind = tuple[str, str]
"""API group (empty for the core group) and kind."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Rule:
    """A rule of a role, as far as rights are compared: what may be done with what."""

    everywhere: bool
    """Whether a ClusterRole grants it."""
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()


_WALLS: Final = frozenset(
    {
        ("", "ServiceAccount"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
    }
)
_WORKLOADS: Final = frozenset(
    {
        ("", "ConfigMap"),
        ("", "Service"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("policy", "PodDisruptionBudget"),
    }
)
_MONITORS: Final = frozenset({("monitoring.coreos.com", "PodMonitor"), ("monitoring.coreos.com", "ServiceMonitor")})
_CLUSTER_RIGHTS: Final = frozenset(
    {("rbac.authorization.k8s.io", "ClusterRole"), ("rbac.authorization.k8s.io", "ClusterRoleBinding")}
)
_RBAC: Final = "rbac.authorization.k8s.io"
_ROLES: Final = ("ClusterRole", "Role")
_NAMESPACE: Final = frozenset({("", "Namespace")})
_NONE: Final[frozenset[GroupKind]] = frozenset()

# Whole lists rather than the kinds of today's tree: Argo CD refuses to prune a kind that its project no longer allows,
# so the last object of a kind could never leave the cluster.
_ALLOWED: Final[Mapping[str, tuple[frozenset[GroupKind], frozenset[GroupKind]]]] = {
    "gitops": (_NONE, frozenset({("argoproj.io", "AppProject"), ("argoproj.io", "Application")})),
    "tenancy": (_NAMESPACE, _WALLS | {("", "LimitRange"), ("", "ResourceQuota")}),
    "ingest": (_NAMESPACE | _CLUSTER_RIGHTS, _WALLS | _WORKLOADS | _MONITORS),
    "rules": (
        _NAMESPACE,
        frozenset(
            {
                ("", "ConfigMap"),
                ("grafana.integreatly.org", "GrafanaDashboard"),
                ("monitoring.coreos.com", "AlertmanagerConfig"),
                ("monitoring.coreos.com", "PrometheusRule"),
            }
        ),
    ),
}
"""Component -> (cluster-wide kinds, namespaced kinds)."""

RESOURCES: Final[Mapping[GroupKind, str]] = {
    ("", "ConfigMap"): "configmaps",
    ("", "LimitRange"): "limitranges",
    ("", "Namespace"): "namespaces",
    ("", "ResourceQuota"): "resourcequotas",
    ("", "Service"): "services",
    ("", "ServiceAccount"): "serviceaccounts",
    ("apps", "DaemonSet"): "daemonsets",
    ("apps", "Deployment"): "deployments",
    ("apps", "StatefulSet"): "statefulsets",
    ("autoscaling", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("grafana.integreatly.org", "GrafanaDashboard"): "grafanadashboards",
    ("monitoring.coreos.com", "AlertmanagerConfig"): "alertmanagerconfigs",
    ("monitoring.coreos.com", "PodMonitor"): "podmonitors",
    ("monitoring.coreos.com", "PrometheusRule"): "prometheusrules",
    ("monitoring.coreos.com", "ServiceMonitor"): "servicemonitors",
    ("networking.k8s.io", "NetworkPolicy"): "networkpolicies",
    ("policy", "PodDisruptionBudget"): "poddisruptionbudgets",
    ("rbac.authorization.k8s.io", "ClusterRole"): "clusterroles",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "clusterrolebindings",
    ("rbac.authorization.k8s.io", "Role"): "roles",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rolebindings",
}
"""What the API server calls the kinds that built-in components may apply: rights go by these names."""


def granted(objects: Iterable[Mapping[str, Any]]) -> frozenset[Rule]:
    """What whoever applies the roles among some objects must hold: all that they grant, and to bind each by its name.

    Flux tries a whole folder before it applies any of it. A binding whose role is not there yet is then refused to all
    who may not bind a role of that name; cluster roles are there, since they come in an earlier stage.
    """
    roles = [body for body in objects if body["kind"] in _ROLES]
    named = (_bind(body["metadata"]["name"]) for body in roles if body["kind"] == "Role")
    return frozenset((*named, *(_rule(body["kind"], rule) for body in roles for rule in body.get("rules") or ())))


def _bind(name: str) -> Rule:
    return Rule(everywhere=False, groups=(_RBAC,), resources=("roles",), names=(name,), verbs=("bind",))


def _rule(kind: str, rule: Mapping[str, Any]) -> Rule:
    return Rule(
        everywhere=kind == "ClusterRole",
        groups=tuple(rule.get("apiGroups", ())),
        resources=tuple(rule.get("resources", ())),
        names=tuple(rule.get("resourceNames", ())),
        urls=tuple(rule.get("nonResourceURLs", ())),
        verbs=tuple(rule.get("verbs", ())),
    )


def allowed(
    component: str, present: Iterable[tuple[str, str, bool]]
) -> tuple[frozenset[GroupKind], frozenset[GroupKind]]:
    """The cluster-wide and the namespaced kinds that a component may apply.

    A component that is not built in is allowed just the kinds that are `present` in its tree.
    """
    if component in _ALLOWED:
        return _ALLOWED[component]
    kinds = frozenset(present)
    return (
        frozenset((group, kind) for group, kind, namespaced in kinds if not namespaced),
        frozenset((group, kind) for group, kind, namespaced in kinds if namespaced),
    )
