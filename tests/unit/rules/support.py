"""The reference platform's policies as scopes, and changes of them, for tests of rules."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import yaml

from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.resources import presets_dir
from phoenix_gitops.scope import ClusterScope, EnvironmentScope, TenantScope, TenantSummary
from tests.unit.emitters import support

PIPELINES = ("full", "optimized", "experimental", "observatory")
FACTS = {"provides": {"prometheusOperator": "0.93"}, "discoveryLabels": {"release": "kube-prometheus"}}


@functools.cache
def preset(path: str) -> Mapping[str, Any]:
    return yaml.safe_load((presets_dir() / f"{path}.yaml").read_text())


def decoded(kind: type, data: Mapping[str, Any]) -> Any:
    return msgspec.convert({"metadata": data["metadata"], "spec": data["spec"]}, kind)


def pipeline(name: str, **spec: Any) -> Pipeline:
    return decoded(Pipeline, support.merged(preset(f"pipelines/{name}"), {"spec": spec}))


def control(**spec: Any) -> ControlPolicy:
    return decoded(ControlPolicy, support.merged(preset("control/standard"), {"spec": spec}))


def environment(
    *,
    names: tuple[str, ...] = PIPELINES,
    law: ControlPolicy | None = None,
    facts: Mapping[str, Any] = FACTS,
    **spec: Any,
) -> EnvironmentScope:
    env = support.environment(clusters=[support.cluster(**facts)], **spec)
    return replace(
        env,
        edge=pipeline("edge"),
        pipelines=tuple(pipeline(name) for name in names),
        control=control() if law is None else law,
    )


def cluster_scope(env: EnvironmentScope | None = None) -> ClusterScope:
    return support.cluster_scope(env or environment())


def named(kind: type, name: str, spec: Mapping[str, Any]) -> Any:
    return msgspec.convert({"metadata": {"name": name, "owner": "team"}, "spec": spec}, kind)


def slo(name: str = "shop-up", **spec: Any) -> SLO:
    base = {
        "service": "shop",
        "objective": 0.999,
        "indicator": {
            "ratio": {
                "errors": 'sum(rate(http_requests_total{code=~"5.."}[$window]))',
                "total": "sum(rate(http_requests_total[$window]))",
            }
        },
    }
    return named(SLO, name, {**base, **spec})


def threshold_slo(**spec: Any) -> SLO:
    indicator = {"threshold": {"query": "max(queue_length)", "op": "<=", "value": 100}}
    return slo("queue", indicator=indicator, **spec)


def rule_set(name: str = "shop", **spec: Any) -> RuleSet:
    return named(RuleSet, name, spec)


def catalog(**spec: Any) -> MetricCatalog:
    metrics = [
        {"name": "http_requests_total", "type": "counter", "labels": {"code": {}, "route": {}}},
        {"name": "queue_length", "type": "gauge"},
        {"name": "request_seconds", "type": "histogram", "labels": {"route": {}}},
    ]
    return named(MetricCatalog, "shop", {"metrics": metrics, **spec})


def tenant(name: str = "shop", *, isolation: str = "shared", **parts: Any) -> TenantScope:
    scope = support.tenant(name, isolation=isolation)
    return replace(scope, catalogs=(catalog(tenant=name),), **parts)


def summary(name: str = "shop", **facts: Any) -> TenantSummary:
    base: dict[str, Any] = {
        "name": name,
        "owner": f"team-{name}",
        "class_": "shared",
        "isolation": "shared",
        "namespaces": (name,),
        "account": 7,
        "cost_center": "CC-1",
        "retention": "30d",
        "active_series": 1000,
        "ingest_rate": 100,
        "state": "active",
    }
    return TenantSummary(**{**base, **facts})
