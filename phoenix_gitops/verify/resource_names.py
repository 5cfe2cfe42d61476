"""Names of resources: what a container may ask for, and what a quota may count."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import mapping
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.names import label_key_fault

_OF_CONTAINERS = frozenset(("cpu", "memory", "ephemeral-storage"))
_OF_LIMITS = _OF_CONTAINERS | {"storage"}
COUNTED = frozenset(
    (
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
        "services.loadbalancers",
        "services.nodeports",
    )
)
"""What a quota counts by whole objects."""
_OF_QUOTAS = (
    _OF_CONTAINERS
    | COUNTED
    | {f"{side}.{name}" for side in ("requests", "limits") for name in _OF_CONTAINERS}
    | {"requests.storage"}
)


def check_container_resources(values: object, at: ObjectPath) -> Iterator[Fault]:
    """Names under `requests` and `limits` of a container."""
    yield from _check(values, at, _OF_CONTAINERS, ("hugepages-",))


def check_limit_resources(values: object, at: ObjectPath) -> Iterator[Fault]:
    """Names in a LimitRange."""
    yield from _check(values, at, _OF_LIMITS, ("hugepages-",))


def check_quota_resources(values: object, at: ObjectPath) -> Iterator[Fault]:
    """Names in a ResourceQuota."""
    yield from _check(values, at, _OF_QUOTAS, ("hugepages-", "requests.hugepages-"))


def _check(values: object, at: ObjectPath, known: frozenset[str], prefixes: tuple[str, ...]) -> Iterator[Fault]:
    for name in mapping(values):
        if name in known or not isinstance(name, str) or name.startswith(prefixes):
            continue
        if "/" not in name or label_key_fault(name):
            listed = ", ".join(f"`{resource}`" for resource in sorted(known))
            yield Fault(
                at=(*at, name),
                code="PHX713",
                message=f"`{name}` is not the name of a resource here",
                help=f"one of {listed}, or an extended resource such as `example.com/device`",
            )
