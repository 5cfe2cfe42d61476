"""What emitters see: one cluster of an environment with every policy that holds there, decoded, linked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec.structs import replace as replaced

from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.model.environment import Cluster, Environment
from phoenix_gitops.model.naming import Names, PodLabels
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.tenant import Quotas, Tenant, TenantClass
from phoenix_gitops.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantScope:
    """A tenant that is present in the environment, with all that belongs to it."""

    tenant: Tenant
    class_: TenantClass
    former: TenantClass | None = None
    """The class that it is moving from."""
    moved: TenantClass | None = None
    """The class that it was moved from."""
    quotas: Quotas
    """The class's quotas with the tenant's own over them; of two classes the more."""
    account: int
    formerly: tuple[str, ...] = ()
    """Names that it bore before, oldest first."""
    slos: tuple[SLO, ...]
    rule_sets: tuple[RuleSet, ...]
    catalogs: tuple[MetricCatalog, ...]
    peers: tuple[tuple[str, tuple[str, ...]], ...]
    """Namespaces of the tenants that may reach this one: (tenant, namespaces)."""
    targets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Namespaces of the tenants that this one may reach, because they name it: (tenant, namespaces)."""

    @property
    def name(self) -> str:
        """The tenant's name."""
        return self.tenant.metadata.name

    @property
    def before(self) -> TenantScope | None:
        """As it was, where something that it had may still have to be pruned: retired, or moved to another class."""
        if self.retired:
            active = replaced(self.tenant, spec=replaced(self.tenant.spec, state="active"))
            return replace(self, tenant=active, moved=None)
        return None if self.moved is None else replace(self, class_=self.moved, moved=None)

    @property
    def standing(self) -> Standing:
        """What of its class, and of the one that it is moving from, holds."""
        return Standing(self.class_, self.former)

    @property
    def retired(self) -> bool:
        """Whether nothing is left of it but its namespaces."""
        return self.tenant.spec.state == "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSummary:
    """The little that a stage needs which sees all tenants of an environment."""

    name: str
    owner: str
    class_: str
    isolation: str
    namespaces: tuple[str, ...]
    account: int
    cost_center: str
    retention: str
    active_series: int | None
    ingest_rate: int | None
    state: str
    told: tuple[str, ...] = ()
    """Severities of which its own contacts are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentScope:
    """An environment without its tenants' details: what holds in all of its clusters."""

    platform: Platform
    """As it holds here: its catalog has the versions of the environment's ring."""
    environment: Environment
    edge: Pipeline
    pipelines: tuple[Pipeline, ...]
    control: ControlPolicy | None
    security: SecurityPolicy
    slos: tuple[SLO, ...]
    rule_sets: tuple[RuleSet, ...]
    catalogs: tuple[MetricCatalog, ...]
    """Catalogs of no tenant."""
    tenants: tuple[TenantSummary, ...]
    """Active and read-only tenants that are present here, by name."""

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.metadata.name

    @property
    def names(self) -> Names:
        """What the platform's own objects are called here."""
        return self.platform.spec.conventions.names_of(self.name)

    @property
    def pod_labels(self) -> PodLabels:
        """By which labels collectors are found."""
        return self.platform.spec.conventions.pod_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterScope:
    """One cluster of an environment: the scope of a component's emitter."""

    env: EnvironmentScope
    cluster: Cluster
