"""The plan for Flux: a GitRepository, a Kustomization for each delivery, and for each fence an account with its rights.

What lets a component into a cluster (`access`) is a folder of its own in that cluster, which Flux applies as itself;
every other folder is applied by the account of its component, and waits for that one alone. A Kustomization that is
suspended never becomes ready for the next commit, so no component may wait for another: a hold of one would hold both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.gitops.access import account_name, grant_access
from phoenix_gitops.emitters.gitops.plan import COMPONENT, ComponentSummary, Delivery, Plan
from phoenix_gitops.model.environment import Cluster
from phoenix_gitops.model.units import go_duration
from phoenix_gitops.scope import EnvironmentScope

_SOURCE: Final = "GitRepository"
_KINDS: Final = frozenset(
    {("kustomize.toolkit.fluxcd.io", "Kustomization", True), ("source.toolkit.fluxcd.io", _SOURCE, True)}
)


def own(scope: EnvironmentScope) -> dict[str, ComponentSummary]:
    """What Flux's own objects are, by cluster: those that it reads stand where it runs."""
    flux = scope.platform.spec.flux
    namespaces = frozenset({flux.namespace})
    access = {
        cluster.name: ComponentSummary(kinds=frozenset(), namespaces=namespaces)
        for cluster in scope.environment.spec.clusters
    }
    return {**access, flux.cluster: ComponentSummary(kinds=_KINDS, namespaces=namespaces)}


def render_plan(plan: Plan, scope: EnvironmentScope, cluster: str, render: Render) -> Iterator[Emitted]:
    """The objects of one cluster: what Flux reads where it runs, and what lets it into each cluster."""
    writer = _Writer(plan, scope, render)
    if cluster == scope.platform.spec.flux.cluster:
        yield writer.source()
        for delivery in (*plan.deliveries, plan.root):
            yield writer.kustomization(delivery)
    if cluster in writer.clusters:
        yield from grant_access(plan, scope, writer.clusters[cluster], render)


class _Writer:
    """Renders what Flux reads of one environment."""

    def __init__(self, plan: Plan, scope: EnvironmentScope, render: Render) -> None:
        self._plan, self._scope, self._render = plan, scope, render
        self._flux = scope.platform.spec.flux
        self.clusters = {cluster.name: cluster for cluster in scope.environment.spec.clusters}
        # What lets Flux into the cluster that it runs in may stand in the root's own folder.
        gates = (*(one for one in plan.deliveries if one.component == COMPONENT), plan.root)
        self._gates = {gate.cluster: gate.name for gate in gates}

    def source(self) -> Artifact:
        """Where the tree is; of a branch that holds more only the environment's part."""
        return self._artifact(
            "gitrepository",
            name=self._plan.root.name,
            labels=self._plan.root.labels,
            url=self._plan.source.url,
            branch=self._plan.source.branch,
            secret=self._flux.secret,
            interval=go_duration(self._flux.poll),
            folders=[f"generated/{self._plan.environment}"],
        )

    def kustomization(self, delivery: Delivery) -> Artifact:
        """The Kustomization of one delivery."""
        ours = delivery.component == COMPONENT
        hold, root = delivery.hold, delivery is self._plan.root
        annotations = {conventions.HOLD: f"until {hold.until}: {hold.reason}"} if hold else {}
        return self._artifact(
            "kustomization",
            name=delivery.name,
            labels=delivery.labels,
            annotations=annotations,
            source=self._plan.root.name,
            path=f"./{delivery.path}",
            interval=go_duration(self._flux.interval),
            retry_interval=go_duration(self._scope.environment.spec.sync.retry.backoff),
            timeout=go_duration(self._flux.timeout),
            prune=delivery.prune,
            deletion_policy="Delete" if delivery.cascade else "Orphan",
            # The root would wait for Kustomizations that wait for it.
            wait=not root,
            # What says how everything is applied goes on being applied, or nothing could ever be resumed.
            suspend=not ours and bool(hold or not delivery.automated),
            account=None if ours else account_name(self._scope.platform, delivery.fence),
            kube_config=None if root else self._kube_config(delivery.cluster),
            depends_on=sorted({self._gates[delivery.cluster] for _ in delivery.after}),
        )

    def _kube_config(self, name: str) -> dict[str, str] | None:
        known: Cluster = self.clusters[name]
        if known.kube_config is None:
            return None
        key = {"key": known.kube_config.key} if known.kube_config.key else {}
        return {"name": known.kube_config.secret, **key}

    def _artifact(self, kind: str, **values: object) -> Artifact:
        template = f"gitops/{kind}.yaml.j2"
        body = self._render(template, namespace=self._flux.namespace, **values)
        policy = PolicyRef("Environment", self._scope.name)
        return Artifact(component=COMPONENT, policy=policy, body=body, template=template)
