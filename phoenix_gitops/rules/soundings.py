"""Alerts as routing sees them: how bad each is, whose, and whom the policies name for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.document import Path
from phoenix_gitops.model.routing import Contact, Contacts, Routing
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.platform import platform_files
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.scope import ClusterScope, TenantScope

BURN: Final = "SLOBudgetBurn"
"""The alert of every SLO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounding:
    """An alert as routing sees it."""

    alert: str
    severity: str
    owner: str
    policy: PolicyRef
    path: Path = ()
    """Where the policy says it, empty where the compiler does."""
    by_tenant: bool = False
    """Whether its results bear the tenant that they are about."""

    @property
    def slo(self) -> str:
        """The SLO whose budget burns, empty for other alerts."""
        return self.policy.name if self.policy.kind == "SLO" else ""


def platform_alerts(scope: ClusterScope) -> tuple[Sounding, ...]:
    """The alerts that are no tenant's, each name and severity of a policy once."""
    env = scope.env
    owned = dict(_owned(env.slos, env.rule_sets))
    found: dict[Sounding, None] = {}
    for file in platform_files(scope):
        policy = owned.get(file.policy)
        for alert in (rule for group in file.groups for rule in group.rules if isinstance(rule, Alert)):
            if policy is None:
                owner = env.environment.metadata.owner
                built = Sounding(alert=alert.alert, severity=alert.severity, owner=owner, policy=file.policy)
                found[replace(built, by_tenant=_is_by_tenant(alert))] = None
    for policy in owned.values():
        found |= dict.fromkeys(written(policy))
    return tuple(found)


def _is_by_tenant(alert: Alert) -> bool:
    """Whether each result is about a tenant that is here; one that is unknown has no contacts."""
    return LABEL in alert.expr and f"unless on ({LABEL})" not in alert.expr


def tenant_alerts(tenant: TenantScope) -> tuple[Sounding, ...]:
    """The alerts of a tenant's own SLOs and RuleSets."""
    return tuple(one for _, policy in _owned(tenant.slos, tenant.rule_sets) for one in written(policy))


def _owned(slos: Iterable[SLO], rule_sets: Iterable[RuleSet]) -> Iterator[tuple[PolicyRef, SLO | RuleSet]]:
    yield from ((PolicyRef("SLO", slo.metadata.name), slo) for slo in slos)
    yield from ((PolicyRef("RuleSet", rules.metadata.name), rules) for rules in rule_sets)


def written(policy: SLO | RuleSet) -> Iterator[Sounding]:
    """The alerts that a policy asks for, with the place where it does."""
    owner, by_tenant = policy.metadata.owner, policy.spec.tenant is not None
    if isinstance(policy, SLO):
        ref = PolicyRef("SLO", policy.metadata.name)
        for field, severity in (("page", "critical"), ("ticket", "warning")):
            if getattr(policy.spec.alerting, field):
                path: Path = ("spec", "alerting", field)
                yield Sounding(alert=BURN, severity=severity, owner=owner, policy=ref, path=path, by_tenant=by_tenant)
        return
    ref = PolicyRef("RuleSet", policy.metadata.name)
    for i, alert in enumerate(policy.spec.alerts):
        path = ("spec", "alerts", i)
        yield Sounding(
            alert=alert.alert, severity=alert.severity, owner=owner, policy=ref, path=path, by_tenant=by_tenant
        )


def contact(routing: Routing, sounding: Sounding, tenant: Contacts | None = None) -> tuple[str, Contact] | None:
    """Whose contact is told of an alert, and the contact; None where nobody is. `tenant`: its tenant's contacts."""
    own = tenant.of(sounding.severity) if tenant is not None else None
    if own is not None:
        return "tenant", own
    theirs = routing.owners.get(sounding.owner) if sounding.path and tenant is None else None
    owned = theirs.of(sounding.severity) if theirs is not None else None
    if owned is not None:
        return sounding.owner, owned
    rest = routing.contacts.of(sounding.severity)
    return None if rest is None else ("platform", rest)
