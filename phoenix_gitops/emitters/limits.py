"""Limits that contradict each other: the API server would refuse them, or nothing could run under them."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.units import amount
from phoenix_gitops.scope import TenantScope


def check_limits(tenant: TenantScope) -> Iterator[Diagnostic]:
    """Faults in a tenant's quotas and its class's container defaults; none for ones that a gateway can run under."""
    gateway = tenant.standing.gateway
    if gateway is not None:
        yield from _defaults(tenant, gateway)
        yield from _gateway(tenant, gateway)


def _defaults(tenant: TenantScope, gateway: Gateway) -> Iterator[Diagnostic]:
    """A limit below its request is refused, and so is one above the ratio, be it a default or the gateway's."""
    class_ = tenant.standing.bounds
    ratio = class_.spec.container_defaults.max_ratio
    sets = (("containerDefaults", class_.spec.container_defaults), ("gateway.resources", gateway.resources))
    for field, given in sets:
        pairs = (
            ("cpu", given.cpu_request, given.cpu_limit),
            ("memory", given.memory_request, given.memory_limit),
        )
        for resource, request, limit in pairs:
            low, high = amount(request), amount(limit)
            if high < low:
                yield _incoherent(tenant, field, f"{resource} limit `{limit}` is below its request `{request}`")
            elif ratio is not None and high > ratio * low:
                fault = f"{resource} limit `{limit}` is more than `{ratio}` times its request `{request}`"
                yield _incoherent(tenant, field, fault)


def _incoherent(tenant: TenantScope, field: str, fault: str) -> Diagnostic:
    return Diagnostic(
        code="PHX672",
        message=f"in `{field}` of class `{tenant.class_.metadata.name}` the {fault}",
        help="raise the request, lower the limit, or change `containerDefaults.maxRatio`",
    )


def _gateway(tenant: TenantScope, gateway: Gateway) -> Iterator[Diagnostic]:
    """The tenant's own gateway counts against its quotas, with one replica more while it rolls."""
    replicas = max(gateway.replicas.min, gateway.replicas.max or 0) + 1
    resources = gateway.resources
    needs = (
        ("cpu", tenant.quotas.cpu, resources.cpu_limit),
        ("memory", tenant.quotas.memory, resources.memory_limit),
    )
    for name, quota, each in needs:
        if quota is not None and replicas * amount(each) > amount(quota):
            need = f"`{replicas}` gateway replicas of `{each}`"
            yield _too_small(tenant, f"{name} quota `{quota}`", need)
    if tenant.quotas.pods is not None and replicas > tenant.quotas.pods:
        yield _too_small(tenant, f"quota of `{tenant.quotas.pods}` pods", f"`{replicas}` gateway replicas")


def _too_small(tenant: TenantScope, quota: str, need: str) -> Diagnostic:
    return Diagnostic(
        code="PHX673",
        message=f"the {quota} of tenant `{tenant.name}` holds less than the {need} that it must",
        help="its gateway runs in its first namespace, with one more replica while it rolls: raise the quota, or "
        f"give class `{tenant.class_.metadata.name}` a smaller gateway",
    )
