"""Scopes for tests: an environment of the preset pipelines, with parts of policies laid over them."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from phoenix_gitops.model import Environment, Pipeline, Platform, SecurityPolicy, Tenant, TenantClass
from phoenix_gitops.model.tenant import Quotas, account_id
from phoenix_gitops.resources import presets_dir
from phoenix_gitops.scope import ClusterScope, EnvironmentScope, TenantScope

CLUSTER: dict[str, Any] = {
    "name": "main",
    "server": "https://kubernetes.default.svc",
    "kubernetes": "1.34",
    "zones": ["a", "b"],
    "provides": {"prometheusOperator": "0.93"},
    "discoveryLabels": {"release": "kube-prometheus"},
    "dns": {},
    "apiServer": {"ipBlocks": ["10.0.0.1/32"], "port": 6443},
    "scraper": {},
}


def over(base: Any, patch: Any) -> Any:
    """Mappings merged deep; anything else replaces."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: over(base.get(key), value) for key, value in patch.items()}
    return patch


def decode(model: type[Any], spec: dict[str, Any], name: str) -> Any:
    return msgspec.convert({"metadata": {"name": name, "owner": "platform"}, "spec": spec}, model)


def preset(name: str, patch: dict[str, Any] | None = None) -> Pipeline:
    document = yaml.safe_load((presets_dir() / "pipelines" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert document["metadata"]["name"] == name
    return pipeline(name, over(document["spec"], patch or {}))


def pipeline(name: str, spec: dict[str, Any]) -> Pipeline:
    found: Pipeline = decode(Pipeline, spec, name)
    return found


def environment(
    *,
    edge: Pipeline | None = None,
    pipelines: tuple[Pipeline, ...] | None = None,
    spec: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    platform: dict[str, Any] | None = None,
    security: dict[str, Any] | None = None,
) -> EnvironmentScope:
    base_platform = {"version": "0.1.0", "repository": {"url": "https://git.example.com/gitops.git"}}
    base = {"class": "prod", "clusters": [over(CLUSTER, cluster or {})]}
    if pipelines is None:
        pipelines = tuple(preset(name) for name in ("full", "optimized", "experimental", "observatory"))
    return EnvironmentScope(
        platform=decode(Platform, over(base_platform, platform or {}), "phoenix"),
        environment=decode(Environment, over(base, spec or {}), "prod-eu"),
        edge=edge or preset("edge"),
        pipelines=pipelines,
        control=None,
        security=decode(SecurityPolicy, security or {}, "standard"),
        slos=(),
        rule_sets=(),
        catalogs=(),
        tenants=(),
    )


def cluster(env: EnvironmentScope) -> ClusterScope:
    return ClusterScope(env=env, cluster=env.environment.spec.clusters[0])


def tenant(isolation: str = "namespace", class_: dict[str, Any] | None = None, **spec: Any) -> TenantScope:
    base = {"class": "own", "identity": {"namespaces": ["checkout", "checkout-jobs"]}}
    return TenantScope(
        tenant=decode(Tenant, over(base, spec), "checkout"),
        class_=decode(TenantClass, {"isolation": isolation} | (class_ or {}), "own"),
        quotas=Quotas(),
        account=account_id("checkout"),
        slos=(),
        rule_sets=(),
        catalogs=(),
        peers=(),
    )
