"""Stage emit: one unit of work at a time, from a world to finished objects.

A unit is a component of a cluster, a tenant's part of it, or an environment's GitOps objects. `emit_unit` is pure and
callable for any one unit, in any order and process: compile calls it for all, explain for one in many worlds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import msgspec

from phoenix_gitops.artifact import Artifact, Derived, ProofFile, Unit
from phoenix_gitops.conventions import decorate
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import gitops, tenancy
from phoenix_gitops.emitters.base import Emitted, Emitter, Render
from phoenix_gitops.emitters.gitops.fences import Rule, granted
from phoenix_gitops.model.environment import Cluster
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.overrides import Override, apply_all
from phoenix_gitops.scope import ClusterScope, EnvironmentScope
from phoenix_gitops.templating import TemplateError
from phoenix_gitops.world import World

GITOPS = "gitops"

Summary = Mapping[tuple[str, str], gitops.ComponentSummary]
"""What each component of each cluster holds: kinds and namespaces, by (cluster, component)."""


@dataclass(frozen=True, slots=True)
class UnitOutput:
    """What one unit gave: finished objects, proof files and faults found while building them."""

    unit: Unit
    objects: tuple[Artifact, ...]
    proofs: tuple[ProofFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    matched: frozenset[int] = frozenset()
    """Which overrides found an object."""
    derived: tuple[Derived, ...] = ()
    """Proof files that are made when the unit is written."""
    traces: tuple[Artifact, ...] = ()
    """Objects that are no more, and that the reconciler must still be let to, or it would never prune them."""

    def further_proofs(self) -> Iterator[ProofFile | Diagnostic]:
        """What follows from the unit's proof files, as overrides left them."""
        bodies = {(proof.folder, proof.name): proof.body for proof in self.proofs}
        for derived in self.derived:
            source = derived.source
            yield from derived.make(source.body, bodies[source.folder, source.name])

    @property
    def kinds(self) -> frozenset[tuple[str, str, bool]]:
        """(API group, kind, whether it is namespaced) of the objects, and of those that are to be pruned."""
        return frozenset((a.group, a.kind, bool(a.namespace)) for a in (*self.objects, *self.traces))

    @property
    def namespaces(self) -> frozenset[str]:
        """Namespaces of the namespaced objects, and of those that are to be pruned."""
        return frozenset(a.namespace for a in (*self.objects, *self.traces) if a.namespace)

    @property
    def grants(self) -> frozenset[Rule]:
        """Rights that roles among the objects grant."""
        return granted(a.body for a in self.objects)


@dataclass(frozen=True)
class Stage:
    """An environment ready to be emitted: its scope without tenants' details, emitters and renderer."""

    world: World
    environment: str
    emitters: Mapping[str, Emitter]
    render: Render

    @cached_property
    def scope(self) -> EnvironmentScope:
        """The environment's scope."""
        return self.world.environment(self.environment)

    @cached_property
    def tenant_scope(self) -> EnvironmentScope:
        """The scope that a tenant's unit sees: no other tenant, so none can change its output."""
        return replace(self.scope, tenants=())

    @cached_property
    def scope_bytes(self) -> bytes:
        """The environment's scope as bytes, for keys of caches."""
        return msgspec.msgpack.encode((self.scope, self.overrides))

    @cached_property
    def tenant_scope_bytes(self) -> bytes:
        """The scope of a tenant's unit, without the tenant, as bytes."""
        return msgspec.msgpack.encode((self.tenant_scope, self.overrides))

    @cached_property
    def clusters(self) -> dict[str, Cluster]:
        """The environment's clusters by name."""
        return {cluster.name: cluster for cluster in self.scope.environment.spec.clusters}

    @cached_property
    def tenants(self) -> dict[str, Tenant]:
        """The tenants that have something here, be it only what a retired one leaves, by name."""
        return self.world.held(self.scope.environment)

    @cached_property
    def overrides(self) -> tuple[Override, ...]:
        """The platform's overrides, then the environment's."""
        patches = (*self.world.platform.spec.overrides, *self.scope.environment.spec.overrides)
        return tuple(
            Override(
                kind=p.target.kind,
                name=p.target.name,
                namespace=p.target.namespace,
                component=p.target.component,
                patch=p.patch,
            )
            for p in patches
        )

    def units(self) -> Iterator[Unit]:
        """Every unit but the GitOps objects, which need what the others gave."""
        for cluster in self.clusters:
            for component in self.emitters:
                yield Unit(self.environment, cluster, component)
                for tenant in self.tenants:
                    yield Unit(self.environment, cluster, component, tenant)

    @property
    def home(self) -> str:
        """The cluster that the reconciler runs in."""
        return self.world.platform.spec.home.cluster

    @property
    def gitops_units(self) -> tuple[Unit, ...]:
        """The units of the environment's GitOps objects, that of the cluster where the reconciler runs first."""
        return tuple(Unit(self.environment, cluster, GITOPS) for cluster in gitops.clusters(self.scope))

    def emit_unit(self, unit: Unit, summary: Summary | None = None) -> UnitOutput:
        """The finished objects of one unit; GitOps units need the summary of all others."""
        if self.scope.environment.manages(unit.component) == "none":
            return UnitOutput(unit, (), (), ())
        if unit.component == GITOPS:
            return self._finish(unit, gitops.emit(self.scope, unit.cluster, summary or {}, self.render))
        emitter = self.emitters[unit.component]
        cluster = self.clusters[unit.cluster]
        if not unit.tenant:
            return self._finish(unit, emitter.emit(ClusterScope(env=self.scope, cluster=cluster), self.render))
        tenant = self.world.tenant(self.scope.environment, unit.tenant)
        scope = ClusterScope(env=self.tenant_scope, cluster=cluster)
        # Of a retired tenant only the namespaces stay: no other emitter is asked.
        stays = not tenant.retired or unit.component == tenancy.COMPONENT
        output = self._finish(unit, emitter.emit_tenant(scope, tenant, self.render) if stays else ())
        if tenant.before is None:
            return output
        before = self._finish(unit, emitter.emit_tenant(scope, tenant.before, self.render))
        return replace(output, traces=before.objects)

    def _finish(self, unit: Unit, emitted: Iterable[Emitted]) -> UnitOutput:
        objects, proofs = [], []
        diagnostics: list[Diagnostic] = []
        matched: set[int] = set()
        derived: list[Derived] = []
        for item in _until_template_fault(emitted, diagnostics):
            if isinstance(item, Diagnostic):
                diagnostics.append(item)
            elif isinstance(item, ProofFile):
                proofs.append(item)
            elif isinstance(item, Derived):
                derived.append(item)
            else:
                finished = self._finish_object(item)
                changed, hits = apply_all(finished, self.overrides)
                objects.append(changed)
                matched |= hits
        if matched:
            proofs = [_as_carried(proof, objects) for proof in proofs]
        return UnitOutput(unit, tuple(objects), tuple(proofs), tuple(diagnostics), frozenset(matched), tuple(derived))

    def _finish_object(self, artifact: Artifact) -> Artifact:
        metadata, given = self.world.metadata[artifact.policy], self.world.platform.spec.conventions
        body = decorate(
            artifact.body,
            component=artifact.component,
            policy=artifact.policy,
            owner=metadata.owner,
            labels={**given.labels, **metadata.labels},
            annotations=given.annotations,
        )
        return replace(artifact, body=body)


def _as_carried(proof: ProofFile, objects: Iterable[Artifact]) -> ProofFile:
    """The proof file as its object carries it after the overrides: judges read what the cluster gets."""
    carrier = proof.carrier
    artifact = next((a for a in objects if carrier and carrier.is_(a)), None)
    data: object = artifact.body if artifact else None
    for step in carrier.at if carrier else ():
        data = data.get(step) if isinstance(data, dict) else None
    # Text is the collector's: its object is named after it, so no override may change it.
    return replace(proof, body=data) if isinstance(data, dict) else proof


def _until_template_fault(emitted: Iterable[Emitted], diagnostics: list[Diagnostic]) -> Iterator[Emitted]:
    """What an emitter yields, until a template that it renders is at fault."""
    try:
        yield from emitted
    except TemplateError as error:
        diagnostics.extend(error.diagnostics)


class Summarised(Protocol):
    """What a unit's result says of its objects."""

    @property
    def unit(self) -> Unit:
        """The unit."""
        ...

    @property
    def kinds(self) -> frozenset[tuple[str, str, bool]]:
        """(API group, kind, whether it is namespaced)."""
        ...

    @property
    def namespaces(self) -> frozenset[str]:
        """Namespaces of its namespaced objects."""
        ...

    @property
    def grants(self) -> frozenset[Rule]:
        """Rights that its roles grant."""
        ...


def summarise(results: Iterable[Summarised]) -> dict[tuple[str, str], gitops.ComponentSummary]:
    """What each component of each cluster holds, for the plan of how it gets there."""
    parts: dict[tuple[str, str], list[Summarised]] = {}
    for result in results:
        if result.kinds:
            parts.setdefault((result.unit.cluster, result.unit.component), []).append(result)
    return {
        key: gitops.ComponentSummary(
            kinds=frozenset().union(*(part.kinds for part in found)),
            namespaces=frozenset().union(*(part.namespaces for part in found)),
            grants=frozenset().union(*(part.grants for part in found)),
        )
        for key, found in sorted(parts.items())
    }
