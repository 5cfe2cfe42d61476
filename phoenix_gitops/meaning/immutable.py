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
    "preemptionPolicy": "PreemptLowerPriority",
    "reclaimPolicy": "Delete",
    "spec.attachRequired": True,
    "spec.completionMode": "NonIndexed",
    "spec.completions": 1,
    "spec.podManagementPolicy": "OrderedReady",
    "spec.volumeLifecycleModes": ["Persistent"],
    "spec.volumeMode": "Filesystem",
    "type": "Opaque",
    "volumeBindingMode": "Immediate",
}
"""What an absent field is taken for."""

_VOLUME_MUTABLE = frozenset(
    {
        *("accessModes", "capacity", "claimRef", "mountOptions"),
        *("persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName"),
    }
)


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
    "Job": (
        _Rule(
            (
                *("spec.template", "spec.selector", "spec.completionMode", "spec.completions"),
                *("spec.podFailurePolicy", "spec.successPolicy", "spec.backoffLimitPerIndex", "spec.managedBy"),
            ),
            "give it another name, or delete it just before the sync: what it did is done",
        ),
    ),
    "Service": (
        _Rule(("spec.clusterIP",), "make a second Service beside it and move its clients: the address cannot change"),
    ),
    "RoleBinding": (_Rule(("roleRef",), _NEW_NAME),),
    "ClusterRoleBinding": (_Rule(("roleRef",), _NEW_NAME),),
    "Secret": (_Rule(("type",), _NEW_NAME),),
    "StorageClass": (_Rule(("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"), _NEW_NAME),),
    "PriorityClass": (_Rule(("value", "preemptionPolicy"), _NEW_NAME),),
    "RuntimeClass": (_Rule(("handler",), _NEW_NAME),),
    "IngressClass": (_Rule(("spec.controller",), _NEW_NAME),),
    "VolumeAttributesClass": (_Rule(("driverName", "parameters"), _NEW_NAME),),
    "CSIDriver": (_Rule(("spec.attachRequired", "spec.volumeLifecycleModes"), _AGAIN),),
    "EndpointSlice": (_Rule(("addressType",), _NEW_NAME),),
    "ControllerRevision": (_Rule(("data",), _NEW_NAME),),
    "ResourceQuota": (
        _Rule(("spec.scopes",), "give it another name and let both hold for a while: without one nothing is limited"),
    ),
    "ResourceClaim": (_Rule(("spec",), _NEW_NAME),),
    "ResourceClaimTemplate": (_Rule(("spec",), _NEW_NAME),),
    "CustomResourceDefinition": (
        _Rule(
            ("spec.scope", "spec.group", "spec.names.kind", "spec.names.plural"),
            "make another one beside it and move the objects: with it all objects of its kind are deleted",
        ),
    ),
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
        if after.kind == "Job" and text(after.data, "spec", "completionMode") == "Indexed":
            # Together with its parallelism an indexed job may grow and shrink.
            paths = [path for path in paths if path != "spec.completions" or not _scales(before, after)]
        if paths:
            yield paths, rule.plan
    if after.kind == "PersistentVolumeClaim":
        paths = _claim(before, after)
        if paths:
            yield paths, _CLAIM
    elif after.kind == "PersistentVolume":
        paths = _volume(before, after)
        if paths:
            yield paths, _NEW_NAME
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


def _volume(before: Object, after: Object) -> list[str]:
    """What of a volume says where the data lie."""
    keys = sorted(mapping(before.data, "spec").keys() | mapping(after.data, "spec").keys())
    paths = [f"spec.{key}" for key in keys if key not in _VOLUME_MUTABLE and _differs(before, after, f"spec.{key}")]
    placed = bool(mapping(before.data, "spec", "nodeAffinity"))
    return [path for path in paths if path != "spec.nodeAffinity" or placed]


def _scales(before: Object, after: Object) -> bool:
    """Whether a job's completions and parallelism are one figure, as it shall be."""
    completions, parallel = (text(after.data, "spec", key) for key in ("completions", "parallelism"))
    return completions == parallel and not _differs(before, after, "spec.completionMode")


def _fixed_address(before: Object, after: Object) -> bool:
    """Whether both sides say an address: what is absent is whatever the cluster gave."""
    kinds = {text(one.data, "spec", "type") for one in (before, after)}
    written = [text(one.data, "spec", "clusterIP") for one in (before, after)]
    return "ExternalName" not in kinds and ("None" in written or all(written))


def _differs(before: Object, after: Object, path: str) -> bool:
    old, new = (below(one.data, *path.split(".")) for one in (before, after))
    default = _DEFAULTS.get(path)
    return canonical(default if old is None else old) != canonical(default if new is None else new)
