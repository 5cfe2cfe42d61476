"""What verification must know of a cluster that no emitted object says: its version and what exists already."""

from __future__ import annotations

from phoenix_gitops.emit import Stage
from phoenix_gitops.emitters.gitops.fences import RESOURCES
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.verify import ANY, Facts, ObjectRef

_EVERYWHERE = ("default", "kube-system", "kube-public", "kube-node-lease")
"""Namespaces of every cluster."""

_CLUSTER_ROLES = ("view", "edit", "admin", "cluster-admin")
"""ClusterRoles of every cluster."""


def cluster_facts(stage: Stage, cluster: str) -> Facts:
    """The facts of one cluster of an environment, or of the cluster that the reconciler runs in."""
    platform = stage.world.platform
    known = stage.clusters.get(cluster)
    external = {ObjectRef("Namespace", "", name) for name in _EVERYWHERE}
    external |= {ObjectRef("ClusterRole", "", name) for name in _CLUSTER_ROLES}
    home = platform.spec.home
    if cluster == home.cluster or (known and known.server == home.server):
        external.add(ObjectRef("Namespace", "", home.namespace))
    for pipeline in stage.scope.pipelines:
        for export in pipeline.spec.export:
            if export.otlp_http is not None and export.otlp_http.secret_ref is not None:
                external.add(ObjectRef("Secret", ANY, export.otlp_http.secret_ref.name))
    external |= {ObjectRef("Namespace", "", name) for name in _foreign_namespaces(stage)}
    if known is not None and known.alertmanager is not None:
        external.add(ObjectRef("Namespace", "", known.alertmanager.namespace))
    if known is not None and known.grafana is not None:
        external.add(ObjectRef("Namespace", "", known.grafana.namespace))
    given = stage.scope.environment.spec.external
    if given.metrics_store is not None and given.metrics_store.secret_ref is not None:
        external.add(ObjectRef("Secret", ANY, given.metrics_store.secret_ref.name))
    if given.broker is not None and given.broker.sasl is not None:
        external.add(ObjectRef("Secret", ANY, given.broker.sasl.password_ref.name))
    versions = [c.kubernetes for c in stage.clusters.values()]
    return Facts(
        kubernetes=known.kubernetes if known else min(versions),
        external=frozenset(external),
        resources=_resources(platform),
    )


def _foreign_namespaces(stage: Stage) -> list[str]:
    """The namespaces of components that others run."""
    names = stage.scope.names
    found = (
        [] if stage.scope.environment.manages("ingest") == "full" else [names.agent_namespace, names.gateway_namespace]
    )
    if stage.scope.environment.manages("rules") != "full":
        found.append(names.rules_namespace)
    return found


def kubernetes_of(stage: Stage, cluster: str) -> str:
    """The Kubernetes minor that a cluster's objects are checked against."""
    return cluster_facts(stage, cluster).kubernetes


def _resources(platform: Platform) -> tuple[tuple[str, str, str], ...]:
    """Resource names of kinds: of those that we make, and of those that the platform's policy tells."""
    told = {
        (kind.partition(".")[2], kind.partition(".")[0]): name for kind, name in platform.spec.flux.resources.items()
    }
    return tuple(sorted((*kind, name) for kind, name in {**told, **RESOURCES}.items()))
