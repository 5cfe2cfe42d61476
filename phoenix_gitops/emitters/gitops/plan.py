"""The plan: what of an environment's tree is reconciled where, in which order, pruned how, and fenced by what.

It says nothing in the words of a reconciler: `argocd` and `flux` are two ways to write it down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.gitops.fences import GroupKind, Rule, allowed
from phoenix_gitops.model.environment import Hold
from phoenix_gitops.repository import Location
from phoenix_gitops.scope import EnvironmentScope

COMPONENT: Final = "gitops"

_CASCADE: Final = frozenset({"rules", "observability", "delivery", "finops", "control", "local"})
"""Components whose objects go when their delivery goes.

They hold no state: left behind, an alert would go on firing for a platform that is no more. All others keep what they
applied, since they hold namespaces, volumes or the collectors through which everything flows, and a delivery may also
vanish by mistake.
"""
_AUTOSCALER: Final = ("autoscaling", "HorizontalPodAutoscaler", True)
_SCALED: Final = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSummary:
    """What one component of one cluster holds."""

    kinds: frozenset[tuple[str, str, bool]]
    """(API group, kind, whether it is namespaced)."""
    namespaces: frozenset[str]
    """Namespaces of its namespaced objects."""
    grants: frozenset[Rule] = frozenset()
    """Rights that whoever applies its roles must hold."""


Summary = Mapping[tuple[str, str], ComponentSummary]
"""By cluster and component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One folder of the tree on its way into one cluster."""

    name: str
    component: str
    cluster: str
    server: str
    """The cluster's API server as the reconciler addresses it."""
    path: str
    """The folder, from the root of what is published."""
    fence: str
    """The fence that it stands in."""
    after: tuple[str, ...]
    """Components of the same cluster that are applied first. Nothing else is waited for, so one part that fails or is
    held keeps no other from the cluster: each retries until what it needs is there.
    """
    namespaces: frozenset[str]
    """Namespaces that its objects are in."""
    destination: str
    """One of them, or another of the platform's, that does not change when tenants come and go."""
    grants: frozenset[Rule]
    """Rights that whoever applies its roles must hold."""
    automated: bool
    """Whether a commit is applied without being asked."""
    prune: bool
    """Whether what left the folder is deleted."""
    cascade: bool
    """Whether all that it applied goes when it goes."""
    hold: Hold | None
    scaled: tuple[GroupKind, ...]
    """Kinds whose replicas an autoscaler owns."""
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What the deliveries of one component may apply, and where."""

    name: str
    component: str
    cluster_wide: frozenset[GroupKind]
    namespaced: frozenset[GroupKind]
    inside: tuple[Delivery, ...]
    """The deliveries in it; no other namespace of no other cluster is let in."""
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the tree of one environment reaches its clusters."""

    environment: str
    source: Location
    fences: tuple[Fence, ...]
    root: Delivery
    """Brings the objects that say all of this, itself among them."""
    deliveries: tuple[Delivery, ...]
    """All others."""


def make_plan(scope: EnvironmentScope, source: Location, own: Mapping[str, ComponentSummary], summary: Summary) -> Plan:
    """The plan of an environment.

    `own` says what the reconciler's own objects are, by cluster, `summary` what all others hold.
    """
    planner = _Planner(scope)
    home = scope.platform.spec.home
    root = planner.delivery(scope.names.root, home.cluster, home.server, COMPONENT, own[home.cluster])
    held = {**{(cluster, COMPONENT): part for cluster, part in own.items()}, **summary}
    deliveries = tuple(
        planner.delivery(scope.names.application(cluster, component), cluster, planner.server(cluster), component, part)
        for (cluster, component), part in sorted(held.items(), key=lambda item: (item[0][1], item[0][0]))
        if (cluster, component) != (home.cluster, COMPONENT)
    )
    fences = []
    for component in sorted({component for _, component in held}):
        present = [kind for (_, name), part in held.items() if name == component for kind in part.kinds]
        cluster_wide, namespaced = allowed(component, present)
        fences.append(
            Fence(
                name=scope.names.project(component),
                component=component,
                cluster_wide=cluster_wide,
                namespaced=namespaced,
                inside=tuple(one for one in (root, *deliveries) if one.component == component),
                labels=planner.labels(component),
            )
        )
    return Plan(environment=scope.name, source=source, fences=tuple(fences), root=root, deliveries=deliveries)


def faults(summary: Summary) -> Iterator[Diagnostic]:
    """`PHX675` for each kind that a component holds and that its fence keeps out."""
    for component in sorted({component for _, component in summary}):
        present = {kind for (_, name), part in summary.items() if name == component for kind in part.kinds}
        cluster_wide, namespaced = allowed(component, present)
        for group, kind, in_namespace in sorted(present):
            if (group, kind) not in (namespaced if in_namespace else cluster_wide):
                name = f"{kind}.{group}" if group else kind
                yield Diagnostic(
                    code="PHX675",
                    message=f"component `{component}` holds a `{name}`, which it may not apply",
                    help="it would be refused when it is applied; emit it in the component that it belongs to",
                )


class _Planner:
    """What the deliveries of one environment have in common."""

    def __init__(self, scope: EnvironmentScope) -> None:
        self._scope = scope
        self._clusters = {cluster.name: cluster for cluster in scope.environment.spec.clusters}

    def server(self, cluster: str) -> str:
        return self._clusters[cluster].server

    def delivery(self, name: str, cluster: str, server: str, component: str, part: ComponentSummary) -> Delivery:
        environment = self._scope.environment
        sync = environment.spec.sync
        known = self._clusters.get(cluster)
        region = {conventions.REGION: known.region} if known and known.region else {}
        return Delivery(
            name=name,
            component=component,
            cluster=cluster,
            server=server,
            path=f"generated/{environment.metadata.name}/{cluster}/{component}",
            fence=self._scope.names.project(component),
            after=() if component == COMPONENT else (COMPONENT,),
            namespaces=part.namespaces,
            destination=self._destination(component, part.namespaces),
            grants=part.grants,
            automated=sync.automated,
            prune=sync.prune and component not in sync.keep,
            cascade=component in _CASCADE and component not in sync.keep,
            hold=environment.hold(cluster, component),
            scaled=_scaled(part),
            labels={**self.labels(component), conventions.CLUSTER: cluster, **region},
        )

    def labels(self, component: str) -> dict[str, str]:
        spec = self._scope.environment.spec
        labels = {
            conventions.ENVIRONMENT: self._scope.name,
            conventions.COMPONENT: component,
            conventions.CLASS: spec.class_,
            conventions.MATURITY: spec.maturity,
        }
        optional = {conventions.RING: spec.ring, conventions.RESIDENCY: spec.residency}
        return {**labels, **{key: value for key, value in optional.items() if value}}

    def _destination(self, component: str, namespaces: Iterable[str]) -> str:
        platform = self._scope.platform
        if component == COMPONENT:
            return platform.spec.home.namespace
        names = self._scope.names
        return min((name for name in namespaces if name in names.namespaces), default=names.gateway_namespace)


def _scaled(part: ComponentSummary) -> tuple[GroupKind, ...]:
    if _AUTOSCALER not in part.kinds:
        return ()
    return tuple(("apps", kind) for kind in _SCALED if ("apps", kind, True) in part.kinds)
