"""What verification must know of a cluster that no emitted object says: its version and what exists already."""

from __future__ import annotations

from phoenix_gitops.emit import Stage
from phoenix_gitops.verify import ANY, Facts, ObjectRef

_EVERYWHERE = ("default", "kube-system", "kube-public", "kube-node-lease")
"""Namespaces of every cluster."""

_CLUSTER_ROLES = ("view", "edit", "admin", "cluster-admin")
"""ClusterRoles of every cluster."""


def cluster_facts(stage: Stage, cluster: str) -> Facts:
    """The facts of one cluster of an environment, or of the cluster that Argo CD runs in."""
    platform = stage.world.platform
    known = stage.clusters.get(cluster)
    external = {ObjectRef("Namespace", "", name) for name in _EVERYWHERE}
    external |= {ObjectRef("ClusterRole", "", name) for name in _CLUSTER_ROLES}
    if cluster == platform.spec.argocd.cluster:
        external.add(ObjectRef("Namespace", "", platform.spec.argocd.namespace))
    for pipeline in stage.scope.pipelines:
        for export in pipeline.spec.export:
            if export.otlp_http is not None and export.otlp_http.secret_ref is not None:
                external.add(ObjectRef("Secret", ANY, export.otlp_http.secret_ref.name))
    versions = [c.kubernetes for c in stage.clusters.values()]
    return Facts(
        kubernetes=known.kubernetes if known else min(versions),
        external=frozenset(external),
    )


def kubernetes_of(stage: Stage, cluster: str) -> str:
    """The Kubernetes minor that a cluster's objects are checked against."""
    return cluster_facts(stage, cluster).kubernetes
