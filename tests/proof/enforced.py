"""Who may do what where, as the policies say it, and how a server is asked: what `test_enforced.py` expects.

Rights are stated here a second time, in words of their own: what a tenant's people see, what they change, what nobody
is given. Nothing here reads the objects that we compile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from phoenix_gitops.scope import ClusterScope, TenantScope
from tests.proof.cluster import Client, Ref
from tests.proof.cluster.client import Object
from tests.proof.cluster.tree import Site

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

Right = tuple[str, str]
"""A verb and a resource, as `pods/log` or `deployments.apps`."""

STRANGER = "strangers"
READ = ("get", "list", "watch")
CHANGE = ("create", "update", "patch", "delete")

WORKLOADS = (
    *("pods", "services", "configmaps", "persistentvolumeclaims"),
    *("deployments.apps", "statefulsets.apps", "jobs.batch", "cronjobs.batch"),
    *("horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy", "ingresses.networking.k8s.io"),
)
"""What a tenant runs, and what serves that: its people see it, its editors change it."""
AROUND = (
    *("pods/log", "events", "endpoints", "endpointslices.discovery.k8s.io", "replicasets.apps", "daemonsets.apps"),
    *("serviceaccounts", "resourcequotas", "limitranges", "networkpolicies.networking.k8s.io"),
)
"""What tells how that runs, and the walls around it: seen, and changed by the platform alone."""
SCALES = ("deployments.apps/scale", "statefulsets.apps/scale")
NOBODYS = (
    *("secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "serviceaccounts/token"),
    *("roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io", "leases.coordination.k8s.io"),
    *("nodes", "namespaces", "persistentvolumes", "storageclasses.storage.k8s.io", "nodes/metrics", "nodes/proxy"),
    *("clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"),
    *("customresourcedefinitions.apiextensions.k8s.io", "applications.argoproj.io", "appprojects.argoproj.io"),
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
)
"""Credentials, ways into running containers, rights themselves, and the cluster's own objects."""
GROWING: tuple[Right, ...] = (
    *product(("escalate", "bind"), ("roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io")),
    *product(("impersonate",), ("users", "groups", "serviceaccounts")),
    ("deletecollection", "pods"),
)
"""Verbs by which rights grow, and one that needs no names."""
EVERYBODYS = frozenset(
    (
        ("create", "selfsubjectaccessreviews.authorization.k8s.io"),
        ("create", "selfsubjectrulesreviews.authorization.k8s.io"),
        ("create", "selfsubjectreviews.authentication.k8s.io"),
    )
)
"""What Kubernetes lets everybody do who has logged in: ask what he may."""
ACCOUNTS = EVERYBODYS | set(product(READ, ("clustertrustbundles.certificates.k8s.io",)))
"""What it lets every service account do: also read whom the cluster trusts."""
HURTFUL: tuple[Right, ...] = (
    *product(("list", "create"), ("pods", "secrets")),
    ("patch", "deployments.apps"),
    ("create", "pods/exec"),
    *product(("escalate", "bind"), ("roles.rbac.authorization.k8s.io",)),
    ("impersonate", "users"),
)
"""What would hurt most where somebody has no rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """A cluster that holds one environment's compiled objects, and the policies of that environment."""

    site: Site
    scope: ClusterScope
    tenants: tuple[TenantScope, ...]
    client: Client

    @property
    def walled(self) -> list[tuple[TenantScope, str]]:
        """The namespaces that we make for tenants, each with its tenant."""
        own = [t for t in self.tenants if t.class_.spec.isolation != "shared" and t.tenant.spec.state != "retired"]
        return [(tenant, name) for tenant in own for name in tenant.tenant.spec.identity.namespaces]

    @property
    def collectors(self) -> tuple[str, str]:
        """The namespaces of the platform's own collectors: the node agents' and the gateway's."""
        prefix = self.scope.env.platform.spec.conventions.namespace_prefix
        return f"{prefix}-agents", f"{prefix}-gateway"

    @property
    def groups(self) -> list[str]:
        """Everybody whom a policy names, and somebody whom none does."""
        access = [t.tenant.spec.access for t in self.tenants]
        platform = self.scope.env.security.spec.access
        tenants = [group for a in access for group in (*a.viewers, *a.editors)]
        return sorted({*tenants, *platform.viewers, *platform.operators, STRANGER})

    @property
    def namespaces(self) -> list[str]:
        """Every tenant's namespaces, shared tenants' too, the platform's and the cluster's."""
        tenants = [name for t in self.tenants for name in t.tenant.spec.identity.namespaces]
        rules = f"{self.scope.env.platform.spec.conventions.namespace_prefix}-rules"
        return sorted({*tenants, *self.collectors, rules, "default", "kube-system"})

    @property
    def guarded(self) -> list[str]:
        """Where there is something to guard: tenants' own namespaces, ours, the cluster's, and the whole cluster."""
        return [*(name for _, name in self.walled), *self.collectors, "kube-system", ""]

    def quota(self, namespace: str) -> Object:
        """The ResourceQuota of a tenant's namespace, as it is in the cluster."""
        answer = self.client.get(Ref("v1", "ResourceQuota", namespace, "tenant"))
        assert answer.ok, answer.message
        return answer.body

    def counted(self, namespace: str) -> bool:
        """Whether the quota is in force, and the pods of our own workloads are there and count."""
        deployments = [
            self.client.get(Ref.of(body)).body
            for body in self.site.objects()
            if body["kind"] == "Deployment" and body["metadata"]["namespace"] == namespace
        ]
        there = all(found.get("status", {}).get("replicas") == found["spec"]["replicas"] for found in deployments)
        return there and self.quota(namespace).get("status", {}).get("hard") is not None

    def rights(self, group: str, namespace: str) -> frozenset[Right]:
        """All that a group may do in a namespace, by what the policies say."""
        sees = changes = False
        for tenant, name in self.walled:
            access = tenant.tenant.spec.access
            if name == namespace:
                sees |= group in (*access.viewers, *access.editors)
                changes |= group in access.editors and tenant.tenant.spec.state == "active"
        platform = self.scope.env.security.spec.access
        operates = namespace in self.collectors and group in platform.operators
        sees |= operates or (namespace in self.collectors and group in platform.viewers)
        found = set(EVERYBODYS)
        found |= set(product(READ, (*WORKLOADS, *AROUND))) if sees else set()
        found |= set(product(CHANGE, (*WORKLOADS, *SCALES))) if changes else set()
        found |= set(_restarts()) if operates else set()
        return frozenset(found)


def _restarts() -> Iterator[Right]:
    """A restart patches a pod template or deletes a pod; a scaling writes the scale."""
    yield ("delete", "pods")
    yield from product(("patch",), ("deployments.apps", "statefulsets.apps", "daemonsets.apps"))
    yield from product(("patch", "update"), SCALES)


def collector_rights(config: dict[str, Any]) -> frozenset[Right]:
    """What a collector must be allowed in the whole cluster to do what its config says, and no more."""
    found = set(ACCOUNTS)
    components = {key.partition("/")[0] for part in ("receivers", "processors") for key in config.get(part) or {}}
    attributes = [c for key, c in (config.get("processors") or {}).items() if key.partition("/")[0] == "k8s_attributes"]
    if attributes:
        # Pods by their address, and namespaces for their labels. Owners of pods would need ReplicaSets.
        found |= set(product(READ, ("pods", "namespaces")))
        asked = {name for processor in attributes for name in processor["extract"]["metadata"]}
        assert not {name for name in asked if "deployment" in name or "replicaset" in name}, asked
    assert "kubeletstats" not in components
    for job in _scrape_jobs(config):
        if any(discovery["role"] == "pod" for discovery in job.get("kubernetes_sd_configs", ())):
            found |= set(product(READ, ("pods",)))
        if any(target.endswith(":10250") for static in job.get("static_configs", ()) for target in static["targets"]):
            # The kubelet asks whether one may get this before it shows its metrics, or cAdvisor's.
            found.add(("get", "nodes/metrics"))
    return frozenset(found)


def _scrape_jobs(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for receiver in (config.get("receivers") or {}).values():
        yield from ((receiver or {}).get("config") or {}).get("scrape_configs", ())


def held(client: Client, namespace: str) -> frozenset[Right]:
    """All that this user may do in a namespace, as the authoriser lists it."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = client.request("POST", _REVIEWS, review)
    assert answer.ok, answer.message
    assert not answer.body["status"]["incomplete"]
    found: set[Right] = set()
    for rule in answer.body["status"]["resourceRules"]:
        assert "resourceNames" not in rule, rule
        for verb, group, resource in product(rule["verbs"], rule["apiGroups"], rule["resources"]):
            name, _, sub = resource.partition("/")
            found.add((verb, f"{name}{group and '.'}{group}{sub and '/'}{sub}"))
    return frozenset(found)


def may(client: Client, namespace: str, right: Right) -> bool:
    """Whether this user may do this in a namespace, or in the whole cluster if there is none."""
    verb, resource = right
    whole, _, sub = resource.partition("/")
    name, _, group = whole.partition(".")
    return client.may(verb, name, group=group, namespace=namespace, subresource=sub)


def asked(inside: bool) -> list[Right]:
    """What is asked: everything where somebody has rights, and what would hurt most everywhere else."""
    if not inside:
        return list(HURTFUL)
    return [*product((*READ, *CHANGE), (*WORKLOADS, *AROUND, *SCALES, *NOBODYS)), *GROWING]


def pod(
    namespace: str, limits: dict[str, str] | None = None, requests: dict[str, str] | None = None, **spec: Any
) -> Object:
    """A pod that the level `restricted` takes, but for what `spec` changes."""
    container: Object = {
        "name": "c",
        "image": "registry.example.com/pause:1.0",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if limits:
        container["resources"] = {"limits": limits, "requests": requests or limits}
    secure = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "probe-", "namespace": namespace},
        "spec": {"containers": [container], "securityContext": secure, **spec},
    }


def as_pod(workload: Object, namespace: str) -> Object:
    """A pod as the workload's controller would make it, in this namespace."""
    template = workload["spec"]["template"]
    metadata = {**template["metadata"], "namespace": namespace, "generateName": "probe-"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": dict(template["spec"])}
