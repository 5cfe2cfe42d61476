"""What is known in an environment: emitted, declared and recorded metrics, with the labels that each can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from phoenix_gitops.catalogue import Catalogue, declared, of
from phoenix_gitops.catalogue.collection import View
from phoenix_gitops.rules import flow
from phoenix_gitops.rules.group import Group
from phoenix_gitops.rules.known import known_metrics
from phoenix_gitops.rules.recorded import Growing, Origin, recorded
from phoenix_gitops.scope import EnvironmentScope, TenantScope

__all__ = ["emitted", "narrowed", "recorded", "seen_by", "tenants_own", "with_records"]


def emitted(env: EnvironmentScope) -> Catalogue:
    """What the environment's components emit and its own catalogs declare."""
    own = of(known_metrics(env)).joined(flow.exported(env)).joined(flow.provided(env))
    return own.plus(flow.behind(flow.strips(env), declared(env.catalogs)))


def with_records(
    catalogue: Catalogue, groups: Iterable[Group], origins: Mapping[str, Origin] | None = None
) -> Catalogue:
    """A catalogue with what these groups record; `origins` says which policies' expressions record names."""
    return Catalogue(Growing(catalogue, groups, origins or {}), catalogue.lost, catalogue.shelves)


def seen_by(tenant: TenantScope, platform: Catalogue, strips: Iterable[flow.Strip] = ()) -> Catalogue:
    """What a tenant's rules can read: only series that bear its label survive the narrowing.

    `strips` says what pipelines do to the labels of what the tenant sends through them.
    """
    return tenants_own(tenant, narrowed(platform), strips)


def tenants_own(tenant: TenantScope, left: Catalogue, strips: Iterable[flow.Strip]) -> Catalogue:
    """What is left of a platform's catalogue to any tenant, and what this one declares."""
    return left.plus(flow.behind(strips, declared(tenant.catalogs)))


def narrowed(platform: Catalogue) -> Catalogue:
    """What is left of a platform's catalogue to any tenant."""
    return Catalogue({}, {}, (View(platform, flow.Narrowed()),))
