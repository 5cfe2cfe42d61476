"""Tenancy: whose each namespace is, and the quotas, rights and network edges of tenants that are not shared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.collector.ports import OTLP_GRPC, OTLP_HTTP
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import manners, network, rights
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.limits import check_limits
from phoenix_gitops.model.units import canonical
from phoenix_gitops.scope import ClusterScope, TenantScope

COMPONENT: Final = "tenancy"

_ENFORCEMENT: Final = {
    "cpu": "exact",
    "memory": "exact",
    "pods": "exact",
    "active_series": "alert-only",
    "ingest_rate": "alert-only",
}
"""How exactly each quota is held. The open-source collector has no cap per tenant, so rules watch what it counts."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One namespace of a tenant, and what all objects in it have in common."""

    scope: ClusterScope
    tenant: TenantScope
    namespace: str
    render: Render

    @property
    def labels(self) -> dict[str, str]:
        return {conventions.ENVIRONMENT: self.scope.env.name, conventions.TENANT: self.tenant.name}

    def manner(self, manner: manners.Manner) -> dict[str, str]:
        """How the reconciler is to treat an object here; while the tenant moves to a class without walls, it stays."""
        kept = manners.staying(manner) if self.tenant.standing.leaving else manner
        return manners.written(self.scope.env.platform, kept)

    @property
    def annotations(self) -> dict[str, str]:
        """Of what stands in the namespace; rights excepted, it outlasts a move to a class without walls."""
        return self.manner(manners.WALL)

    def artifact(self, kind: str, **values: object) -> Artifact:
        """An object in the namespace, from the template of its kind."""
        template = f"tenancy/{kind}.yaml.j2"
        common: dict[str, object] = {
            "namespace": self.namespace,
            "labels": self.labels,
            "annotations": self.annotations,
        }
        return self.wrap(self.render(template, **{**common, **values}), template)

    def wrap(self, body: dict[str, Any], template: str) -> Artifact:
        """An object of the tenant."""
        policy = PolicyRef("Tenant", self.tenant.name)
        return Artifact(component=COMPONENT, policy=policy, body=body, template=template)


def emit(scope: ClusterScope, render: Render) -> Iterator[Emitted]:
    """The platform team's rights in the namespaces of the platform's own collectors, unless these are others'."""
    if scope.env.environment.manages("ingest") != "full":
        return
    access = scope.env.security.spec.access
    policy = PolicyRef("SecurityPolicy", scope.env.security.metadata.name)
    grants = rights.platform_grants(access.viewers, access.operators)
    for namespace in (scope.env.names.agent_namespace, scope.env.names.gateway_namespace):
        for grant in grants:
            for kind in ("role", "rolebinding"):
                template = f"tenancy/{kind}.yaml.j2"
                body = render(
                    template,
                    name=grant.name,
                    namespace=namespace,
                    labels={conventions.ENVIRONMENT: scope.env.name},
                    annotations=manners.written(scope.env.platform, manners.WALL),
                    rules=grant.rules,
                    groups=grant.groups,
                )
                yield Artifact(component=COMPONENT, policy=policy, body=body, template=template)


def emit_tenant(scope: ClusterScope, tenant: TenantScope, render: Render) -> Iterator[Emitted]:
    """A tenant's namespaces with all that bounds them; of a retired tenant the namespaces and their walls.

    A shared tenant's namespaces are somebody else's: they are marked, and nothing more. Without the mark collectors
    would not know whose they are.
    """
    faults = [*_reserved(scope, tenant), *([] if tenant.retired else check_limits(tenant))]
    if faults:
        yield from faults
        return
    for namespace in sorted(tenant.tenant.spec.identity.namespaces):
        place = _Place(scope, tenant, namespace, render)
        if not tenant.standing.walled:
            yield _marked(place)
        else:
            yield _namespace(place)
            yield from _bounds(place)
            yield from _network(place)
            yield from _accounts(place)
            if not tenant.retired:
                yield from _rights(place)


def _marked(place: _Place) -> Artifact:
    """Server-side apply adds these labels to the namespace that is there, or makes it.

    Of a retired tenant the mark alone is taken off: what vanished from Git would stay in the cluster as it is.
    """
    labels = {**place.labels, conventions.STATE: place.tenant.tenant.spec.state}
    if place.tenant.retired:
        del labels[conventions.TENANT]
    elif place.tenant.standing.arriving:
        # Who would be refused once the walls stand is told before.
        labels |= {name: level for name, level in _pod_security(place).items() if "/enforce" not in name}
    annotations = place.manner(manners.FOREIGN_NAMESPACE)
    return place.artifact("namespace", name=place.namespace, labels=labels, annotations=annotations)


def _bounds(place: _Place) -> Iterator[Artifact]:
    yield from _quota(place)
    yield _limits(place)


def _accounts(place: _Place) -> Iterator[Artifact]:
    # Pods name the account: one that went with a former name would keep them from starting again.
    for name in sorted({*place.tenant.formerly, place.tenant.name}):
        yield place.artifact("serviceaccount", name=name)


def _rights(place: _Place) -> Iterator[Artifact]:
    access = place.tenant.tenant.spec.access
    # A read-only tenant's editors still see what they had.
    writers = access.editors if place.tenant.tenant.spec.state == "active" else []
    # Rights go with the tenant, even where its walls stay.
    said = manners.written(place.scope.env.platform, manners.WALL)
    for grant in rights.tenant_grants([*access.viewers, *access.editors], writers):
        for kind, values in (("role", {"rules": grant.rules}), ("rolebinding", {"groups": grant.groups})):
            yield place.artifact(kind, name=grant.name, annotations=said, **values)


def _namespace(place: _Place) -> Artifact:
    spec = place.tenant.tenant.spec
    labels = {
        **place.labels,
        conventions.TENANT_CLASS: place.tenant.class_.metadata.name,
        conventions.ISOLATION: place.tenant.standing.bounds.spec.isolation,
        conventions.STATE: spec.state,
        **_pod_security(place),
    }
    if place.tenant.retired:
        # Whose data it is follows from this label, and who may send.
        del labels[conventions.TENANT]
    if spec.cost_center:
        labels[conventions.COST_CENTER] = spec.cost_center
    if spec.residency:
        labels[conventions.RESIDENCY] = spec.residency
    annotations = {
        **place.manner(manners.NAMESPACE),
        conventions.ACCOUNT: str(place.tenant.account),
        **_enforcement(place),
    }
    return place.artifact("namespace", name=place.namespace, labels=labels, annotations=annotations)


def _pod_security(place: _Place) -> dict[str, str]:
    """Pod Security: the class's level is enforced, and whatever falls short of `restricted` is told."""
    followed = place.scope.env.security.spec.pod_security_version
    version = "latest" if followed == "latest" else f"v{place.scope.cluster.kubernetes}"
    levels = {"enforce": place.tenant.standing.bounds.spec.pod_security, "audit": "restricted", "warn": "restricted"}
    labels: dict[str, str] = {}
    for mode, level in levels.items():
        labels[f"pod-security.kubernetes.io/{mode}"] = level
        labels[f"pod-security.kubernetes.io/{mode}-version"] = version
    return labels


def _enforcement(place: _Place) -> dict[str, str]:
    quotas = place.tenant.quotas
    held = [f"{_camel(field)}={how}" for field, how in _ENFORCEMENT.items() if getattr(quotas, field) is not None]
    return {conventions.QUOTA_ENFORCEMENT: ",".join(held)} if held else {}


def _camel(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _quota(place: _Place) -> Iterator[Artifact]:
    quotas = place.tenant.quotas
    hard: dict[str, str] = {}
    if quotas.cpu is not None:
        hard |= dict.fromkeys(("requests.cpu", "limits.cpu"), canonical(quotas.cpu))
    if quotas.memory is not None:
        hard |= dict.fromkeys(("requests.memory", "limits.memory"), canonical(quotas.memory))
    if quotas.pods is not None:
        hard["pods"] = canonical(str(quotas.pods))
    if hard:
        annotations = {**place.annotations, **_enforcement(place)}
        yield place.artifact("resourcequota", name="tenant", annotations=annotations, hard=hard)


def _limits(place: _Place) -> Artifact:
    defaults = place.tenant.standing.bounds.spec.container_defaults
    return place.artifact(
        "limitrange",
        name="tenant",
        cpu_request=canonical(defaults.cpu_request),
        memory_request=canonical(defaults.memory_request),
        cpu_limit=canonical(defaults.cpu_limit),
        memory_limit=canonical(defaults.memory_limit),
        # A ratio is a quantity to Kubernetes: text, once it is in the cluster.
        max_ratio=canonical(str(defaults.max_ratio)) if defaults.max_ratio is not None else None,
    )


def _network(place: _Place) -> Iterator[Emitted]:
    """Nothing in or out, but for the declared edges; of a retired tenant not even those."""
    common: Mapping[str, Any] = {"labels": place.labels, "annotations": place.annotations}
    walls = place.wrap(network.deny_all(place.render, place.namespace, **common), network.TEMPLATE)
    if place.tenant.retired:
        yield walls
        return
    dns = network.dns_egress(place.scope.cluster)
    if isinstance(dns, Diagnostic):
        yield dns
        return
    yield walls
    body = network.policy(
        place.render,
        "allow-declared",
        place.namespace,
        selector={},
        ingress_rules=_ingress(place),
        egress_rules=[dns, *_egress(place)],
        **common,
    )
    yield place.wrap(body, network.TEMPLATE)


def _ingress(place: _Place) -> list[network.Rule]:
    rules = [network.ingress([network.pods_in(place.tenant.tenant.spec.identity.namespaces)])]
    rules += [network.ingress([network.pods_in(namespaces)]) for _, namespaces in sorted(place.tenant.peers)]
    scraping = place.scope.env.edge.spec.inputs.prometheus
    if scraping is not None and scraping.pods and _collected(place):
        # The port is what each pod's annotation says, so none can be named here.
        rules.append(network.ingress([network.agents(place.scope.env)]))
    return rules


def _egress(place: _Place) -> list[network.Rule]:
    spec = place.tenant.tenant.spec
    rules = [network.egress([network.pods_in(spec.identity.namespaces)])]
    rules += [network.egress([network.pods_in(namespaces)]) for _, namespaces in sorted(place.tenant.targets)]
    otlp = place.scope.env.edge.spec.inputs.otlp
    if otlp is not None and _collected(place):
        rules.append(network.egress([network.agents(place.scope.env)], network.tcp(otlp.grpc_port, otlp.http_port)))
    if place.tenant.standing.leaving and _collected(place):
        # Where it sends when its own gateway is gone.
        rules.append(network.egress([network.gateway(place.scope.env)], network.tcp(OTLP_GRPC, OTLP_HTTP)))
    declared = sorted({(edge.cidr, edge.port) for edge in spec.network.egress})
    rules += [network.egress(network.blocks([cidr]), network.tcp(port)) for cidr, port in declared]
    return rules


def _collected(place: _Place) -> bool:
    """Whether there are node agents, ours or others'."""
    return place.scope.env.environment.manages("ingest") != "none"


def _reserved(scope: ClusterScope, tenant: TenantScope) -> Iterator[Diagnostic]:
    """Namespaces of the cluster, of the reconciler and of the platform: rights there are rights over everybody."""
    platform = scope.env.platform.spec
    prefix = platform.conventions.namespace_prefix
    for namespace in sorted(tenant.tenant.spec.identity.namespaces):
        if (
            namespace in {"default", platform.home.namespace, prefix}
            or namespace in scope.env.names.namespaces
            or namespace.startswith(("kube-", f"{prefix}-"))
        ):
            yield Diagnostic(
                code="PHX671",
                message=f"tenant `{tenant.name}` cannot own namespace `{namespace}`, which is not a tenant's",
                help="give the tenant a namespace of its own in `spec.identity.namespaces`",
            )
