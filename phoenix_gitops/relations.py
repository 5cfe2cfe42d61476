"""Relations that make a policy do less than it says: figures that exclude each other, a selector of nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix_gitops.diagnostics import Diagnostic, Severity
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.tenant import Tenant, TenantClass
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.world import World, is_present


def replicas(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """Gateways with fewer replicas at most than at least."""
    gateways = [
        (("Environment", name), environment.spec.gateway) for name, environment in world.of_kind(Environment)
    ] + [(("TenantClass", name), class_.spec.gateway) for name, class_ in world.of_kind(TenantClass)]
    for key, gateway in gateways:
        least, most = gateway.replicas.min, gateway.replicas.max
        if most is not None and most < least:
            yield Diagnostic(
                code="PHX206",
                message=f"`spec.gateway.replicas.max` must be at least `min`, which is `{least}`, not `{most}`",
                primary=policies[key].origin(("spec", "gateway", "replicas", "max")).value,
                help="raise `max`, lower `min`, or leave `max` out for a fixed number",
            )


def homeless(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """Tenants that are in no environment, though not retired: nothing is compiled for them."""
    for name, tenant in world.of_kind(Tenant):
        if tenant.spec.state == "retired" or any(is_present(tenant, e) for e in world.environments.values()):
            continue
        yield Diagnostic(
            code="PHX513",
            message=f"tenant `{name}` is in no environment: its selector matches none",
            primary=policies["Tenant", name].origin(("spec", "environmentSelector")).value,
            help=f"select by what an environment has, such as {_offers(world)}",
            severity=Severity.WARNING,
        )


def _offers(world: World) -> str:
    """`class: prod` and the like: what a selector could match."""
    classes = sorted({environment.spec.class_ for environment in world.environments.values()})
    return " or ".join(f"`class: {name}`" for name in classes)
