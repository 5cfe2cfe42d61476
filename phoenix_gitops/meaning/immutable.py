"""Fields that the API server never changes in place: a sync of them fails until the object is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect
from phoenix_gitops.meaning.reading import below, canonical, mapping, text
from phoenix_gitops.model.units import amount

_NEW_NAME = "give it another name: both run for a while, then the old one goes"
_ORPHAN = "`kubectl delete --cascade=orphan` it just before the sync: its pods stay and are taken over"
_AGAIN = "delete it just before the sync; who depends on it waits that long"
_CLAIM = "make another claim and copy the data: a claim only ever grows, and only in its request"
_DEFAULTS = {
    "spec.podManagementPolicy": "OrderedReady",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}
"""What an absent field is taken for."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """Paths that never change in objects of a kind, and what to do instead."""

    paths: tuple[str, ...]
    plan: str


_RULES: dict[str, tuple[_Rule, ...]] = {
    "Deployment": (_Rule(("spec.selector",), _NEW_NAME),),
    "StatefulSet": (
        _Rule(
            ("spec.selector", "spec.volumeClaimTemplates", "spec.serviceName", "spec.podManagementPolicy"),
            _ORPHAN,
        ),
    ),
    "DaemonSet": (_Rule(("spec.selector",), _NEW_NAME),),
    "ReplicaSet": (_Rule(("spec.selector",), _NEW_NAME),),
    "Job": (_Rule(("spec.template", "spec.selector", "spec.completionMode", "spec.podFailurePolicy"), _NEW_NAME),),
    "Service": (
        _Rule(("spec.clusterIP",), "make a second Service beside it and move its clients: the address cannot change"),
    ),
    "RoleBinding": (_Rule(("roleRef",), _NEW_NAME),),
    "ClusterRoleBinding": (_Rule(("roleRef",), _NEW_NAME),),
    "Secret": (_Rule(("type",), _NEW_NAME),),
    "StorageClass": (_Rule(("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"), _NEW_NAME),),
    "PriorityClass": (_Rule(("value", "preemptionPolicy"), _NEW_NAME),),
    "RuntimeClass": (_Rule(("handler",), _NEW_NAME),),
    "CustomResourceDefinition": (_Rule(("spec.scope", "spec.group"), _AGAIN),),
}


def replaced(cluster: Cluster) -> Iterator[Effect]:
    """Each object that cannot become what it shall be, with the fields in the way and the plan."""
    for before, after in cluster.changed:
        if before is None or after is None:
            continue
        for paths, plan in _stuck(before, after):
            fields = ", ".join(f"`{path}`" for path in paths)
            yield Effect(
                aspect=Aspect.REPLACED,
                sign="!",
                text=f"{after.kind} `{after.name}`: {fields} cannot change in place",
                where=cluster.where(after.namespace),
                tenant=after.tenant,
                plan=plan,
            )


def _stuck(before: Object, after: Object) -> Iterator[tuple[list[str], str]]:
    for rule in _RULES.get(after.kind, ()):
        paths = [path for path in rule.paths if _differs(before, after, path)]
        if after.kind == "Service":
            paths = [path for path in paths if _fixed_address(before, after)]
        if paths:
            yield paths, rule.plan
    if after.kind == "PersistentVolumeClaim":
        paths = _claim(before, after)
        if paths:
            yield paths, _CLAIM
    elif after.kind in ("ConfigMap", "Secret") and before.immutable:
        paths = [path for path in ("data", "binaryData", "stringData", "immutable") if _differs(before, after, path)]
        if paths:
            yield paths, "give it another name (a hash of its content) and let its readers name that"


def _claim(before: Object, after: Object) -> list[str]:
    keys = sorted(mapping(before.data, "spec").keys() | mapping(after.data, "spec").keys())
    mutable = ("resources", "volumeAttributesClassName")
    paths = [f"spec.{key}" for key in keys if key not in mutable and _differs(before, after, f"spec.{key}")]
    sizes = [text(one.data, "spec", "resources", "requests", "storage") for one in (before, after)]
    try:
        shrinks = amount(sizes[1]) < amount(sizes[0])
    except ValueError:
        shrinks = False
    return [*paths, "spec.resources.requests.storage"] if shrinks else paths


def _fixed_address(before: Object, after: Object) -> bool:
    """Whether both sides say an address: what is absent is whatever the cluster gave."""
    kinds = {text(one.data, "spec", "type") for one in (before, after)}
    written = [text(one.data, "spec", "clusterIP") for one in (before, after)]
    return "ExternalName" not in kinds and ("None" in written or all(written))


def _differs(before: Object, after: Object, path: str) -> bool:
    old, new = (below(one.data, *path.split(".")) for one in (before, after))
    default = _DEFAULTS.get(path)
    return canonical(default if old is None else old) != canonical(default if new is None else new)
