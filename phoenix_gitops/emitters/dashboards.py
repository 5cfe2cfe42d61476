"""Dashboards: ConfigMaps for a Grafana with a sidecar, GrafanaDashboards for Grafana's operator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.emitters.base import Render
from phoenix_gitops.model.dashboard import Dashboard, Grafana
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.rules.dashboards import own, platform
from phoenix_gitops.rules.grafana import address, text
from phoenix_gitops.scope import ClusterScope, TenantScope

_CONFIG_MAP: Final = "rules/dashboard-configmap.yaml.j2"
_DASHBOARD: Final = "rules/grafanadashboard.yaml.j2"


def platform_dashboards(scope: ClusterScope, render: Render) -> Iterator[Artifact]:
    """The platform's dashboards, and those of its own RuleSets."""
    there = _grafana(scope)
    if there is None:
        return
    for dashboard in platform(scope):
        yield _object(scope, render, there, dashboard, policy=PolicyRef("Environment", scope.env.name))
    yield from _of_rule_sets(scope, render, there, scope.env.rule_sets)


def tenant_dashboards(scope: ClusterScope, tenant: TenantScope, render: Render) -> Iterator[Artifact]:
    """The dashboards of a tenant's RuleSets. Raises what `narrowed` raises; the checks of `lint` come first."""
    there = _grafana(scope)
    if there is not None:
        yield from _of_rule_sets(scope, render, there, tenant.rule_sets)


def _grafana(scope: ClusterScope) -> Grafana | None:
    """The cluster's Grafana, where the environment wants dashboards; link reports a cluster without one."""
    return None if scope.env.environment.spec.dashboards is None else scope.cluster.grafana


def _of_rule_sets(
    scope: ClusterScope, render: Render, there: Grafana, rule_sets: Iterable[RuleSet]
) -> Iterator[Artifact]:
    for rule_set in rule_sets:
        for dashboard in own(rule_set):
            ref = PolicyRef("RuleSet", rule_set.metadata.name)
            yield _object(scope, render, there, dashboard, policy=ref, tenant=rule_set.spec.tenant or "")


def _object(
    scope: ClusterScope, render: Render, there: Grafana, dashboard: Dashboard, *, policy: PolicyRef, tenant: str = ""
) -> Artifact:
    name = f"{policy.name}-{dashboard.name}" if policy.kind == "RuleSet" else f"phoenix-{dashboard.name}"
    uid = address(scope.env.name, scope.cluster.name, str(policy), dashboard.name)
    shown = text(dashboard, uid, ["phoenix", scope.env.name, *([tenant] if tenant else [])])
    labels = {conventions.ENVIRONMENT: scope.env.name, **({conventions.TENANT: tenant} if tenant else {})}
    head = {"name": f"dashboard-{name}", "namespace": there.namespace}
    if there.discovery == "operator":
        body = render(_DASHBOARD, **head, labels=labels, json=shown, instances=there.labels)
        return Artifact(component="rules", policy=policy, body=body, template=_DASHBOARD)
    data = {f"{name}.json": shown}
    body = render(_CONFIG_MAP, **head, labels={**labels, **there.labels}, data=data)
    return Artifact(component="rules", policy=policy, body=body, template=_CONFIG_MAP)
