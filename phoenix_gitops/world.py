"""Stage build: raw policies become typed ones, and each environment gets the scope that its emitters see.

Nothing here can fail on input that passed the stages before. A `World` is a value: explain and diff make others
from it by replacing one policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, cast

import msgspec
from msgspec.structs import replace as replaced

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.model import KINDS, Metadata, Policy
from phoenix_gitops.model.account import Account
from phoenix_gitops.model.base import Selector
from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.tenant import Tenant, TenantClass, account_id
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.scope import EnvironmentScope, TenantScope, TenantSummary
from phoenix_gitops.standing import Standing

P = TypeVar("P")


def decode(policy: Resolved) -> Policy:
    """The typed form of a whole policy."""
    return decode_data(policy.document.kind, policy.data)


def decode_data(kind: str, data: Mapping[str, Any]) -> Policy:
    """The typed form of a policy's raw data; raises `msgspec.ValidationError` where the data does not fit."""
    return msgspec.convert({"metadata": data["metadata"], "spec": data["spec"]}, KINDS[kind])


def matches(selector: Selector, environment: Environment) -> bool:
    """Whether an environment bears all the labels that a selector asks for."""
    labels = environment_labels(environment)
    return all(labels.get(name) == value for name, value in selector.match_labels.items())


def environment_labels(environment: Environment) -> dict[str, str]:
    """The labels that selectors match: the environment's own and its name, class, ring, maturity and residency."""
    spec = environment.spec
    return {
        **environment.metadata.labels,
        "name": environment.metadata.name,
        "class": spec.class_,
        "ring": spec.ring,
        "maturity": spec.maturity,
        "residency": spec.residency,
    }


def is_held(tenant: Tenant, environment: Environment) -> bool:
    """Whether a tenant has something in an environment, be it only what a retired one leaves."""
    return matches(tenant.spec.environment_selector, environment)


def is_present(tenant: Tenant, environment: Environment) -> bool:
    """Whether a tenant is in an environment and not retired."""
    return tenant.spec.state != "retired" and is_held(tenant, environment)


@dataclass(frozen=True)
class World:
    """Every policy of a repository, typed, by kind and name."""

    policies: Mapping[Key, Policy]
    presets: frozenset[Key] = frozenset()
    """Those that came with the compiler: no team of the organisation's wrote them."""

    def with_policy(self, key: Key, policy: Policy) -> World:
        """The same world with one policy replaced."""
        return replace(self, policies={**self.policies, key: policy})

    def of_kind(self, kind: type[P]) -> Iterator[tuple[str, P]]:
        """The policies of a kind with their names, by name."""
        for (_, name), policy in self.policies.items():
            if isinstance(policy, kind):
                yield name, policy

    @cached_property
    def metadata(self) -> dict[PolicyRef, Metadata]:
        """The metadata of every policy, by the name that it bears; for presets the platform's owner answers."""
        owner = self.platform.metadata.owner
        return {
            PolicyRef(key[0], policy.metadata.name): (
                replaced(policy.metadata, owner=owner) if key in self.presets else policy.metadata
            )
            for key, policy in self.policies.items()
        }

    @cached_property
    def platform(self) -> Platform:
        """The one Platform."""
        return next(policy for _, policy in self.of_kind(Platform))

    @cached_property
    def environments(self) -> dict[str, Environment]:
        """Environments by name."""
        return dict(self.of_kind(Environment))

    def platform_of(self, environment: Environment) -> Platform:
        """The Platform as it holds in an environment: the catalog is that of its ring."""
        spec = self.platform.spec
        catalog = spec.catalog.in_ring(environment.spec.ring)
        return replaced(self.platform, spec=replaced(spec, catalog=catalog))

    def environment(self, name: str) -> EnvironmentScope:
        """What holds in every cluster of an environment."""
        environment = self.environments[name]
        spec = environment.spec
        return EnvironmentScope(
            platform=self.platform_of(environment),
            environment=environment,
            edge=cast(Pipeline, self.policies["Pipeline", spec.edge]),
            pipelines=tuple(cast(Pipeline, self.policies["Pipeline", p]) for p in spec.pipelines),
            control=cast(ControlPolicy, self.policies["ControlPolicy", spec.control]) if spec.control else None,
            security=cast(SecurityPolicy, self.policies["SecurityPolicy", spec.security]),
            slos=tuple(s for s in self._slos.get(None, ()) if matches(s.spec.environment_selector, environment)),
            rule_sets=tuple(
                r for r in self._rule_sets.get(None, ()) if matches(r.spec.environment_selector, environment)
            ),
            catalogs=self._catalogs.get(None, ()),
            tenants=tuple(self._summary(tenant) for tenant in self.present(environment).values()),
        )

    def present(self, environment: Environment) -> dict[str, Tenant]:
        """The tenants that are in an environment and not retired, by the name that references use."""
        return {name: tenant for name, tenant in self.of_kind(Tenant) if is_present(tenant, environment)}

    def held(self, environment: Environment) -> dict[str, Tenant]:
        """As `present`, and those that are retired: their namespaces stay until their files are removed."""
        return {name: tenant for name, tenant in self.of_kind(Tenant) if is_held(tenant, environment)}

    def tenant(self, environment: Environment, name: str) -> TenantScope:
        """A tenant with all that belongs to it in one environment."""
        tenant = cast(Tenant, self.policies["Tenant", name])
        standing = self.standing(tenant)
        return TenantScope(
            tenant=tenant,
            class_=standing.now,
            former=standing.former,
            moved=self._class_named(tenant.spec.moved_from),
            quotas=standing.quotas(tenant),
            account=self.account(tenant),
            formerly=self.names(tenant)[:-1],
            slos=tuple(s for s in self._slos.get(name, ()) if matches(s.spec.environment_selector, environment)),
            rule_sets=tuple(
                r for r in self._rule_sets.get(name, ()) if matches(r.spec.environment_selector, environment)
            ),
            catalogs=self._catalogs.get(name, ()),
            peers=_namespaces(
                (cast(Tenant, self.policies["Tenant", peer]) for peer in tenant.spec.network.allow_from), environment
            ),
            targets=_namespaces(self._allowing.get(name, ()), environment),
        )

    def class_of(self, tenant: Tenant) -> TenantClass:
        """The class of a tenant."""
        return cast(TenantClass, self.policies["TenantClass", tenant.spec.class_])

    def standing(self, tenant: Tenant) -> Standing:
        """The class of a tenant, and the one that it is moving from."""
        return Standing(self.class_of(tenant), self._class_named(tenant.spec.moving_from))

    def _class_named(self, name: str | None) -> TenantClass | None:
        return cast(TenantClass, self.policies["TenantClass", name]) if name else None

    def names(self, tenant: Tenant) -> tuple[str, ...]:
        """Every name that a tenant bears or bore, oldest first."""
        record = self.policies.get(("Account", tenant.metadata.name))
        formerly = tenant.spec.formerly or (record.spec.formerly if isinstance(record, Account) else [])
        return (*formerly, tenant.metadata.name)

    def account(self, tenant: Tenant) -> int:
        """The account id: the one that is written down, else that of the oldest name, so that a rename keeps it."""
        record = self.policies.get(("Account", tenant.metadata.name))
        if isinstance(record, Account) and record.spec.account is not None:
            return record.spec.account
        return account_id(self.names(tenant)[0])

    def _summary(self, tenant: Tenant) -> TenantSummary:
        class_ = self.class_of(tenant)
        quotas = self.standing(tenant).quotas(tenant)
        return TenantSummary(
            name=tenant.metadata.name,
            owner=tenant.metadata.owner,
            class_=class_.metadata.name,
            isolation=class_.spec.isolation,
            namespaces=tuple(tenant.spec.identity.namespaces),
            account=self.account(tenant),
            cost_center=tenant.spec.cost_center,
            retention=class_.spec.retention,
            active_series=quotas.active_series,
            ingest_rate=quotas.ingest_rate,
            state=tenant.spec.state,
            told=tenant.spec.contacts.severities,
        )

    @cached_property
    def _allowing(self) -> dict[str, list[Tenant]]:
        """Tenants by each of those whom they let in."""
        allowing: dict[str, list[Tenant]] = {}
        for _, tenant in self.of_kind(Tenant):
            for peer in set(tenant.spec.network.allow_from):
                allowing.setdefault(peer, []).append(tenant)
        return allowing

    @cached_property
    def _slos(self) -> dict[str | None, tuple[SLO, ...]]:
        return _by_tenant(policy for _, policy in self.of_kind(SLO))

    @cached_property
    def _rule_sets(self) -> dict[str | None, tuple[RuleSet, ...]]:
        return _by_tenant(policy for _, policy in self.of_kind(RuleSet))

    @cached_property
    def _catalogs(self) -> dict[str | None, tuple[MetricCatalog, ...]]:
        return _by_tenant(policy for _, policy in self.of_kind(MetricCatalog))


Owned = TypeVar("Owned", SLO, RuleSet, MetricCatalog)


def _by_tenant(policies: Iterator[Owned]) -> dict[str | None, tuple[Owned, ...]]:
    grouped: dict[str | None, list[Owned]] = {}
    for policy in policies:
        grouped.setdefault(policy.spec.tenant, []).append(policy)
    return {tenant: tuple(owned) for tenant, owned in grouped.items()}


def _namespaces(tenants: Iterable[Tenant], environment: Environment) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Those of the tenants that are in the environment, with their namespaces, by name."""
    here = {t.metadata.name: tuple(t.spec.identity.namespaces) for t in tenants if is_present(t, environment)}
    return tuple(sorted(here.items()))


def build(policies: Mapping[Key, Resolved]) -> World:
    """Every policy, typed."""
    presets = frozenset(key for key, policy in policies.items() if policy.document.file.startswith("preset:"))
    return World({key: decode(policy) for key, policy in policies.items()}, presets)
