"""How a tenant stands between two classes: which of what each of them gives holds while it moves.

Where it has namespaces of its own on one side only, what its namespaces allow is what the side with walls says, and
data may take either way. Between two classes with namespaces of its own the wider of their bounds holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.tenant import Quotas, Tenant, TenantClass
from phoenix_gitops.model.units import amount

_SHARED = "shared"

Q = TypeVar("Q", int, str)


@dataclass(frozen=True, slots=True)
class Standing:
    """A tenant's class and, while it moves, the class that it comes from."""

    now: TenantClass
    former: TenantClass | None = None

    @property
    def leaving(self) -> bool:
        """Whether it gives up namespaces of its own: they stay walled, and are handed over as they stand."""
        return self.former is not None and not _is_shared(self.former) and _is_shared(self.now)

    @property
    def arriving(self) -> bool:
        """Whether it gets namespaces of its own: the gateway is there, walls and rights are not yet."""
        return self.former is not None and _is_shared(self.former) and not _is_shared(self.now)

    @property
    def walled(self) -> bool:
        """Whether its namespaces are bounded by us: quotas, rights, network."""
        return self.leaving or not (_is_shared(self.now) or self.arriving)

    @property
    def rules_at_home(self) -> bool:
        """Whether its rules lie in its own namespace; they move once, when the move is over."""
        return not _is_shared(self.former or self.now)

    @property
    def gateway(self) -> Gateway | None:
        """Its own gateway, where it has one: that which runs already stays as it is until the move is over."""
        given = next((c for c in (self.former, self.now) if c is not None and not _is_shared(c)), None)
        return None if given is None else given.spec.gateway

    @property
    def bound_to_nodes(self) -> bool:
        """Whether its gateway runs on its own nodes alone."""
        own = [c for c in (self.former, self.now) if c is not None and not _is_shared(c)]
        return bool(own) and all(c.spec.isolation == "dedicated" for c in own)

    @property
    def lets_onto_nodes(self) -> bool:
        """Whether its gateway may run on its own nodes."""
        return any(c is not None and c.spec.isolation == "dedicated" for c in (self.former, self.now))

    @property
    def bounds(self) -> TenantClass:
        """The class whose Pod Security level and container defaults hold in its namespaces."""
        if self.former is None or self.arriving:
            return self.now
        if self.leaving:
            return self.former
        old, new = self.former.spec, self.now.spec
        ratios = (old.container_defaults.max_ratio, new.container_defaults.max_ratio)
        widest = None if None in ratios else max(ratio for ratio in ratios if ratio is not None)
        spec = msgspec.structs.replace(
            new,
            pod_security="baseline" if "baseline" in (old.pod_security, new.pod_security) else "restricted",
            container_defaults=msgspec.structs.replace(new.container_defaults, max_ratio=widest),
        )
        return msgspec.structs.replace(self.now, spec=spec)

    def quotas(self, tenant: Tenant) -> Quotas:
        """What it may use: of two classes the more, and in its namespaces what the side with walls says."""
        new = effective_quotas(self.now, tenant)
        if self.former is None:
            return new
        old = effective_quotas(self.former, tenant)
        telemetry = {name: _more(getattr(old, name), getattr(new, name)) for name in ("active_series", "ingest_rate")}
        if self.leaving or self.arriving:
            walls = old if self.leaving else new
            return msgspec.structs.replace(walls, **telemetry)
        rest = {name: _more(getattr(old, name), getattr(new, name)) for name in ("cpu", "memory", "pods")}
        return Quotas(**telemetry, **rest)


def effective_quotas(class_: TenantClass, tenant: Tenant) -> Quotas:
    """The class's quotas with the tenant's own over them."""
    own = tenant.spec.quotas
    given = {name: getattr(own, name) for name in Quotas.__struct_fields__ if getattr(own, name) is not None}
    return msgspec.structs.replace(class_.spec.quotas, **given)


def _is_shared(class_: TenantClass) -> bool:
    return class_.spec.isolation == _SHARED


def _more(one: Q | None, other: Q | None) -> Q | None:
    """The larger of two quotas; none is more than any."""
    if one is None or other is None:
        return None
    return max(one, other, key=lambda quota: amount(str(quota)))
