"""Scopes for tests of emitters, from short data, and judges of what they emit."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from phoenix_gitops.artifact import Artifact
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.base import Emitted
from phoenix_gitops.model.environment import Cluster, Environment
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.model.tenant import Tenant, TenantClass, account_id
from phoenix_gitops.resources import templates_dir
from phoenix_gitops.scope import ClusterScope, EnvironmentScope, TenantScope
from phoenix_gitops.standing import Standing
from phoenix_gitops.template_files import TemplateFiles
from phoenix_gitops.templating import Renderer
from tests.crds import crds_folder

Object = Mapping[str, Any]


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `change` over it, maps deep."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def cluster(name: str = "main", **facts: Any) -> Cluster:
    base = {
        "name": name,
        "server": f"https://{name}.example.com",
        "kubernetes": "1.34",
        "dns": {},
        "apiServer": {"ipBlocks": ["10.4.0.1/32"], "port": 6443},
    }
    return msgspec.convert({**base, **facts}, Cluster)


def platform(**spec: Any) -> Platform:
    base = {"version": "0.1.0", "repository": {"url": "https://git.example.com/metrics/gitops.git"}}
    return msgspec.convert(
        {"metadata": {"name": "phoenix", "owner": "team-metrics"}, "spec": merged(base, spec)}, Platform
    )


def environment(
    name: str = "prod",
    *,
    clusters: Iterable[Cluster] = (),
    inputs: Mapping[str, Any] | None = None,
    security: Mapping[str, Any] | None = None,
    platform_spec: Mapping[str, Any] | None = None,
    **spec: Any,
) -> EnvironmentScope:
    listed = [msgspec.to_builtins(c) for c in (tuple(clusters) or (cluster(),))]
    metadata = {"name": name, "owner": "team-metrics"}
    edge = {"stage": "edge", "inputs": {"otlp": {}} if inputs is None else inputs}
    return EnvironmentScope(
        platform=platform(**(platform_spec or {})),
        environment=msgspec.convert(
            {"metadata": metadata, "spec": {"class": "prod", "clusters": listed, **spec}}, Environment
        ),
        edge=msgspec.convert({"metadata": {"name": "edge", "owner": "platform"}, "spec": edge}, Pipeline),
        pipelines=(),
        control=None,
        security=msgspec.convert(
            {"metadata": {"name": "standard", "owner": "platform"}, "spec": security or {}}, SecurityPolicy
        ),
        slos=(),
        rule_sets=(),
        catalogs=(),
        tenants=(),
    )


def cluster_scope(env: EnvironmentScope | None = None, index: int = 0, **facts: Any) -> ClusterScope:
    """The scope of one cluster; `facts` make it the environment's only one."""
    scope = env or environment(clusters=[cluster(**facts)])
    return ClusterScope(env=scope, cluster=scope.environment.spec.clusters[index])


def tenant_class(isolation: str, spec: Mapping[str, Any] | None = None) -> TenantClass:
    """A class that is named as its isolation."""
    data = {
        "metadata": {"name": isolation, "owner": "platform"},
        "spec": merged({"isolation": isolation}, spec or {}),
    }
    return msgspec.convert(data, TenantClass)


def tenant(
    name: str = "checkout",
    *,
    isolation: str = "namespace",
    class_spec: Mapping[str, Any] | None = None,
    peers: Iterable[tuple[str, tuple[str, ...]]] = (),
    targets: Iterable[tuple[str, tuple[str, ...]]] = (),
    former: str = "",
    former_spec: Mapping[str, Any] | None = None,
    **spec: Any,
) -> TenantScope:
    """A tenant; `former` is the isolation of the class that it is moving from."""
    class_ = tenant_class(isolation, class_spec)
    old = tenant_class(former, former_spec) if former else None
    base = {"class": isolation, "identity": {"namespaces": [name]}}
    policy = msgspec.convert({"metadata": {"name": name, "owner": f"team-{name}"}, "spec": merged(base, spec)}, Tenant)
    return TenantScope(
        tenant=policy,
        class_=class_,
        former=old,
        quotas=Standing(class_, old).quotas(policy),
        account=account_id((policy.spec.formerly or [name])[0]),
        formerly=tuple(policy.spec.formerly),
        slos=(),
        rule_sets=(),
        catalogs=(),
        peers=tuple(peers),
        targets=tuple(targets),
    )


@functools.cache
def _renderer() -> Renderer:
    return Renderer(TemplateFiles(user=None, builtin=templates_dir()))


def render(template: str, /, **values: object) -> dict[str, Any]:
    """The object that a built-in template gives, by the real engine."""
    return _renderer().render(template, **values)


def artifacts(emitted: Iterable[Emitted]) -> list[Artifact]:
    """All artifacts; a diagnostic among them fails the test."""
    found = list(emitted)
    assert not [e for e in found if isinstance(e, Diagnostic)]
    return [e for e in found if isinstance(e, Artifact)]


def objects(emitted: Iterable[Emitted]) -> list[dict[str, Any]]:
    return [a.body for a in artifacts(emitted)]


def only(found: Iterable[Object], kind: str, name: str = "", namespace: str = "") -> Any:
    """The one object of a kind, name and namespace."""
    matching = [
        o
        for o in found
        if o["kind"] == kind
        and name in ("", o["metadata"]["name"])
        and namespace in ("", o["metadata"].get("namespace"))
    ]
    assert len(matching) == 1, [o["metadata"] for o in matching]
    return matching[0]


def validate_builtin(found: Iterable[Object]) -> None:
    """Strictly against the Kubernetes schemas; raises on the first fault."""
    import kubernetes_validate

    for body in found:
        kubernetes_validate.validate(body, "1.34", strict=True)


@functools.cache
def _argo_validators() -> dict[str, Any]:
    import jsonschema_rs
    import yaml

    from phoenix_gitops.verify.crd_schema import convert_crd

    text = (crds_folder() / "argoproj.io.yaml").read_text(encoding="utf-8")
    crds = [d for d in yaml.load_all(text, yaml.CSafeLoader) if d]
    schemas = [
        s for crd in crds if crd["spec"]["names"]["kind"] in ("Application", "AppProject") for s in convert_crd(crd)
    ]
    return {s.kind: jsonschema_rs.validator_for(s.schema) for s in schemas}


def validate_argo(found: Iterable[Object]) -> int:
    """Against the CRDs of Argo CD; the number of objects judged."""
    judged = 0
    for body in found:
        faults = [f"{list(e.instance_path)}: {e.message}" for e in _argo_validators()[body["kind"]].iter_errors(body)]
        assert not faults, (body["metadata"]["name"], faults)
        judged += 1
    return judged
