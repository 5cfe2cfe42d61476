"""Alert routing: AlertmanagerConfigs beside a cluster's Alertmanager, one for the platform and one a tenant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact
from phoenix_gitops.emitters.base import Render
from phoenix_gitops.rules.routing import Config, configs, spec, tenant_config
from phoenix_gitops.scope import ClusterScope, TenantScope

_CONFIG: Final = "rules/alertmanagerconfig.yaml.j2"


def platform_routes(scope: ClusterScope, render: Render) -> Iterator[Artifact]:
    """The routes of what is no tenant's, and of tenants that do not say who is told."""
    for config in configs(scope):
        yield from _object(scope, render, config)


def tenant_routes(scope: ClusterScope, tenant: TenantScope, render: Render) -> Iterator[Artifact]:
    """The routes of a tenant that says who is told."""
    config = tenant_config(scope.env, tenant)
    if config is not None:
        yield from _object(scope, render, config, tenant.name)


def _object(scope: ClusterScope, render: Render, config: Config, tenant: str = "") -> Iterator[Artifact]:
    routing, there = scope.env.environment.spec.routing, scope.cluster.alertmanager
    if routing is None or there is None:
        # Link reports a cluster without one.
        return
    labels = {conventions.ENVIRONMENT: scope.env.name, **({conventions.TENANT: tenant} if tenant else {})}
    body = render(
        _CONFIG,
        name=config.name,
        namespace=there.namespace,
        labels={**labels, **there.labels},
        spec=spec(config, routing),
    )
    yield Artifact(component="rules", policy=config.policy, body=body, template=_CONFIG)
