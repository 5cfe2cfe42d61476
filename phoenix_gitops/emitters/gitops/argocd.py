"""The plan for Argo CD: a project for each fence, an Application for each delivery, one root Application.

Argo CD does not wait for one Application before it syncs the next, so nothing here relies on an order between them.
What comes first in the plan are the projects, which the root applies in an earlier wave than the Applications.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.emitters.base import Render
from phoenix_gitops.emitters.gitops.fences import GroupKind
from phoenix_gitops.emitters.gitops.plan import COMPONENT, ComponentSummary, Delivery, Fence, Plan
from phoenix_gitops.model.units import go_duration
from phoenix_gitops.scope import EnvironmentScope

_SYNC_OPTIONS: Final = (
    "ApplyOutOfSyncOnly=true",
    "CreateNamespace=false",
    "PruneLast=true",
    "RespectIgnoreDifferences=true",
    "ServerSideApply=true",
    "SkipDryRunOnMissingResource=true",
)
_FINALIZER: Final = "resources-finalizer.argocd.argoproj.io/foreground"
"""What Argo CD also takes without its ending; the API server warns of a finalizer that names no path."""


def own(scope: EnvironmentScope) -> dict[str, ComponentSummary]:
    """What Argo CD's own objects are, by cluster: all stand where it runs."""
    argocd = scope.platform.spec.argocd
    kinds = frozenset({("argoproj.io", "AppProject", True), ("argoproj.io", "Application", True)})
    return {argocd.cluster: ComponentSummary(kinds=kinds, namespaces=frozenset({argocd.namespace}))}


def render_plan(plan: Plan, scope: EnvironmentScope, render: Render) -> Iterator[Artifact]:
    """All Argo CD objects of an environment; they are applied where Argo CD runs."""
    writer = _Writer(plan, scope, render)
    for fence in plan.fences:
        yield writer.project(fence)
    for delivery in (*plan.deliveries, plan.root):
        yield writer.application(delivery)


class _Writer:
    """Renders the objects of one environment."""

    def __init__(self, plan: Plan, scope: EnvironmentScope, render: Render) -> None:
        self._plan, self._scope, self._render = plan, scope, render

    def project(self, fence: Fence) -> Artifact:
        """The project of a component: exact sources, exact destinations, listed kinds."""
        destinations = sorted(
            (delivery.server, namespace)
            for delivery in fence.inside
            # The destination of its Application must be allowed too.
            for namespace in {*delivery.namespaces, delivery.destination}
        )
        return self._artifact(
            "appproject",
            name=fence.name,
            labels=fence.labels,
            # Projects stand before the Applications that name them.
            annotations={conventions.SYNC_WAVE: "-10"},
            description=f"{fence.component} of environment {self._plan.environment}",
            repositories=[self._plan.source.url],
            destinations=[{"server": server, "namespace": namespace} for server, namespace in destinations],
            cluster_kinds=_listed(fence.cluster_wide),
            namespaced_kinds=_listed(fence.namespaced),
        )

    def application(self, delivery: Delivery) -> Artifact:
        """The Application of one delivery."""
        sync = self._scope.environment.spec.sync
        hold = delivery.hold
        # Only a commit that touches the Application's own folder makes Argo CD read it anew.
        annotations = {"argocd.argoproj.io/manifest-generate-paths": "."}
        if hold:
            annotations[conventions.HOLD] = f"until {hold.until}: {hold.reason}"
        return self._artifact(
            "application",
            name=delivery.name,
            labels=delivery.labels,
            annotations=annotations,
            finalizers=[_FINALIZER] if delivery.cascade else [],
            project=delivery.fence,
            repository=self._plan.source.url,
            revision=self._plan.source.revision,
            path=delivery.path,
            server=delivery.server,
            # Each object names its namespace, so this one only has to be allowed by the project.
            destination=delivery.destination,
            automated=delivery.automated and not hold,
            prune=delivery.prune,
            self_heal=sync.self_heal,
            retry_limit=sync.retry.limit,
            retry_backoff=go_duration(sync.retry.backoff),
            retry_max_backoff=go_duration(sync.retry.max_backoff),
            sync_options=list(_SYNC_OPTIONS),
            ignore_differences=[
                {"group": group, "kind": kind, "jsonPointers": ["/spec/replicas"]} for group, kind in delivery.scaled
            ],
        )

    def _artifact(self, kind: str, **values: object) -> Artifact:
        template = f"gitops/{kind}.yaml.j2"
        body = self._render(template, namespace=self._scope.platform.spec.argocd.namespace, **values)
        policy = PolicyRef("Environment", self._scope.name)
        return Artifact(component=COMPONENT, policy=policy, body=body, template=template)


def _listed(kinds: Iterable[GroupKind]) -> list[dict[str, str]]:
    return [{"group": group, "kind": kind} for group, kind in sorted(kinds)]
