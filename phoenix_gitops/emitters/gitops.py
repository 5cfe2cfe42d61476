"""GitOps: the Argo CD objects by which the compiled tree of an environment reaches its clusters.

A project for each component fences what its Applications may apply and where; an Application for each component of each
cluster watches one folder; one root Application for the environment watches the folder that holds them all. Argo CD
does not wait for one Application before it syncs the next, so nothing here relies on an order between them: each
retries until what it needs is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.network import gateway_namespace
from phoenix_gitops.emitters.projects import GroupKind, allowed
from phoenix_gitops.model.environment import Cluster
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.repository import Location, location
from phoenix_gitops.scope import EnvironmentScope

COMPONENT: Final = "gitops"
NAME_LIMIT: Final = 53
"""Longest name of an Application; Argo CD and its tools make label values of it, with suffixes."""

_CASCADE: Final = frozenset({"rules", "observability", "delivery", "finops", "control", "local"})
"""Components whose objects go when their Application goes.

They hold no state: left behind, an alert would go on firing for a platform that is no more. All others keep what they
applied, since their Applications hold namespaces, volumes or the collectors through which everything flows, and an
Application may also vanish by mistake.
"""
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
_AUTOSCALER: Final = ("autoscaling", "HorizontalPodAutoscaler", True)
_SCALED: Final = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSummary:
    """What one component of one cluster holds."""

    kinds: frozenset[tuple[str, str, bool]]
    """(API group, kind, whether it is namespaced)."""
    namespaces: frozenset[str]
    """Namespaces of its namespaced objects."""


Summary = Mapping[tuple[str, str], ComponentSummary]
"""By cluster and component."""


def emit_environment(scope: EnvironmentScope, summary: Summary, render: Render) -> Iterator[Emitted]:
    """Projects and Applications of an environment, and its root."""
    where = location(scope.platform, scope.name)
    if isinstance(where, Diagnostic):
        yield where
        return
    argocd = scope.platform.spec.argocd
    own = ComponentSummary(
        kinds=frozenset({("argoproj.io", "AppProject", True), ("argoproj.io", "Application", True)}),
        namespaces=frozenset({argocd.namespace}),
    )
    held = {(argocd.cluster, COMPONENT): own, **summary}
    writer = _Writer(scope, where, {cluster.name: cluster for cluster in scope.environment.spec.clusters}, render)
    for component in sorted({component for _, component in held}):
        parts = {cluster: part for (cluster, name), part in sorted(held.items()) if name == component}
        yield from _faults(component, parts.values())
        yield writer.project(component, parts)
        if component != COMPONENT:
            for cluster, part in parts.items():
                yield writer.application(cluster, component, part)
    yield writer.root()


def application_name(environment: str, cluster: str, component: str) -> str:
    """`<environment>-<cluster>-<component>`, the middle replaced by a hash where that is too long.

    Dashes in names make this ambiguous over environments; link refuses those (PHX676).
    """
    return _short(f"{environment}-{cluster}", component)


def root_name(environment: str) -> str:
    """The name of an environment's root Application."""
    return _short(environment, "root")


def project_name(environment: str, component: str) -> str:
    """The name of the project of one component."""
    return _short(environment, component)


def _short(head: str, tail: str) -> str:
    name = f"{head}-{tail}"
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = NAME_LIMIT - len(tail) - len(digest) - 2
    return f"{head[:room].rstrip('-')}-{digest}-{tail}"


def _faults(component: str, parts: Iterable[ComponentSummary]) -> Iterator[Diagnostic]:
    present = {kind for part in parts for kind in part.kinds}
    cluster_wide, namespaced = allowed(component, present)
    for group, kind, in_namespace in sorted(present):
        if (group, kind) not in (namespaced if in_namespace else cluster_wide):
            name = f"{kind}.{group}" if group else kind
            yield Diagnostic(
                code="PHX675",
                message=f"component `{component}` holds a `{name}`, which its project does not allow",
                help="Argo CD would refuse it; emit it in the component that it belongs to",
            )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Renders the objects of one environment."""

    scope: EnvironmentScope
    where: Location
    clusters: Mapping[str, Cluster]
    render: Render

    def project(self, component: str, parts: Mapping[str, ComponentSummary]) -> Artifact:
        """The project of a component: exact sources, exact destinations, listed kinds."""
        present = [kind for part in parts.values() for kind in part.kinds]
        cluster_wide, namespaced = allowed(component, present)
        destinations = sorted(
            (self._server(cluster, component), namespace)
            for cluster, part in parts.items()
            # The destination of its Application must be allowed too.
            for namespace in {*part.namespaces, self._destination(component, part)}
        )
        return self._artifact(
            "appproject",
            name=project_name(self.scope.name, component),
            labels=self._labels(component),
            # Projects stand before the Applications that name them.
            annotations={conventions.SYNC_WAVE: "-10"},
            description=f"{component} of environment {self.scope.name}",
            repositories=[self.where.url],
            destinations=[{"server": server, "namespace": namespace} for server, namespace in destinations],
            cluster_kinds=_listed(cluster_wide),
            namespaced_kinds=_listed(namespaced),
        )

    def application(self, cluster: str, component: str, part: ComponentSummary) -> Artifact:
        """The Application of one component of one cluster."""
        return self._application(
            application_name(self.scope.name, cluster, component),
            component,
            cluster,
            destination=self._destination(component, part),
            finalizers=[_FINALIZER] if component in _CASCADE else [],
            ignore_differences=_runtime_owned(part),
        )

    def root(self) -> Artifact:
        """The Application of Applications, itself among them; it never takes them along when it goes."""
        argocd = self.scope.platform.spec.argocd
        return self._application(
            root_name(self.scope.name),
            COMPONENT,
            argocd.cluster,
            destination=argocd.namespace,
            finalizers=[],
            ignore_differences=[],
        )

    def _application(
        self,
        name: str,
        component: str,
        cluster: str,
        *,
        destination: str | None,
        finalizers: list[str],
        ignore_differences: list[dict[str, object]],
    ) -> Artifact:
        sync = self.scope.environment.spec.sync
        hold = self.scope.environment.hold(cluster, component)
        # Only a commit that touches the Application's own folder makes Argo CD read it anew.
        annotations = {"argocd.argoproj.io/manifest-generate-paths": "."}
        if hold:
            annotations[conventions.HOLD] = f"until {hold.until}: {hold.reason}"
        return self._artifact(
            "application",
            name=name,
            labels={**self._labels(component), conventions.CLUSTER: cluster, **self._region(cluster)},
            annotations=annotations,
            finalizers=finalizers,
            project=project_name(self.scope.name, component),
            repository=self.where.url,
            revision=self.where.revision,
            path=f"generated/{self.scope.name}/{cluster}/{component}",
            server=self._server(cluster, component),
            destination=destination,
            automated=sync.automated and not hold,
            prune=sync.prune and component not in sync.keep,
            self_heal=sync.self_heal,
            retry_limit=sync.retry.limit,
            retry_backoff=_go_duration(sync.retry.backoff),
            retry_max_backoff=_go_duration(sync.retry.max_backoff),
            sync_options=list(_SYNC_OPTIONS),
            ignore_differences=ignore_differences,
        )

    def _destination(self, component: str, part: ComponentSummary) -> str:
        """Each object names its namespace, so this one only has to be allowed by the project; one of the platform's
        own does not change when tenants come and go.
        """
        if component == COMPONENT:
            return self.scope.platform.spec.argocd.namespace
        own = gateway_namespace(self.scope.platform)
        prefix = f"{self.scope.platform.spec.conventions.namespace_prefix}-"
        return min((name for name in part.namespaces if name.startswith(prefix)), default=own)

    def _region(self, cluster: str) -> dict[str, str]:
        known = self.clusters.get(cluster)
        return {conventions.REGION: known.region} if known and known.region else {}

    def _server(self, cluster: str, component: str) -> str:
        return self.scope.platform.spec.argocd.server if component == COMPONENT else self.clusters[cluster].server

    def _labels(self, component: str) -> dict[str, str]:
        spec = self.scope.environment.spec
        labels = {
            conventions.ENVIRONMENT: self.scope.name,
            conventions.COMPONENT: component,
            conventions.CLASS: spec.class_,
            conventions.MATURITY: spec.maturity,
        }
        optional = {conventions.RING: spec.ring, conventions.RESIDENCY: spec.residency}
        return {**labels, **{key: value for key, value in optional.items() if value}}

    def _artifact(self, kind: str, **values: object) -> Artifact:
        template = f"gitops/{kind}.yaml.j2"
        body = self.render(template, namespace=self.scope.platform.spec.argocd.namespace, **values)
        policy = PolicyRef("Environment", self.scope.name)
        return Artifact(component=COMPONENT, policy=policy, body=body, template=template)


def _listed(kinds: Iterable[GroupKind]) -> list[dict[str, str]]:
    return [{"group": group, "kind": kind} for group, kind in sorted(kinds)]


def _runtime_owned(part: ComponentSummary) -> list[dict[str, object]]:
    """Fields that a controller in the cluster owns: the replicas of what an autoscaler scales."""
    if _AUTOSCALER not in part.kinds:
        return []
    return [
        {"group": "apps", "kind": kind, "jsonPointers": ["/spec/replicas"]}
        for kind in _SCALED
        if ("apps", kind, True) in part.kinds
    ]


def _go_duration(duration: str) -> str:
    """A duration as Go reads it, which knows no unit above hours."""
    rest = milliseconds(duration)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
