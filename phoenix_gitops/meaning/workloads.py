"""Workloads: whose pods restart and how many they are, and replicas that change hands."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect, Side
from phoenix_gitops.meaning.reading import number, text

_SCALED = ("Deployment", "StatefulSet")
_HAND_OVER = (
    "in two steps: let the autoscaler run first, beside `replicas`; take `replicas` away when it has set them, "
    "because a field without an owner falls back to 1"
)
_TAKE_BACK = "set `replicas` to what runs at peak: the autoscaler's last figure is lost with it"
_TWO_OWNERS = "remove `replicas`: each sync would undo what the autoscaler decided"


def restarts(cluster: Cluster) -> Iterator[Effect]:
    """Each workload that replaces its pods or goes with them, and how many they are."""
    for kind, namespace, name in cluster.restarts:
        workload = cluster.new.find(kind, namespace, name)
        if workload is not None:
            waits = text(workload.data, "spec", "updateStrategy", "type") == "OnDelete"
            what = "restarts each pod when somebody deletes it (`OnDelete`)" if waits else "restarts"
            yield _pods(cluster, workload, "~", what, cluster.new)
    for before, after in cluster.pairs(*_SCALED, "DaemonSet"):
        if before is not None and after is None:
            yield _pods(cluster, before, "-", "goes", cluster.old)


def _pods(cluster: Cluster, workload: Object, sign: str, what: str, side: Side) -> Effect:
    return Effect(
        aspect=Aspect.PODS,
        sign=sign,
        text=f"{workload.kind} `{workload.name}` {what}",
        where=cluster.where(workload.namespace),
        tenant=workload.tenant,
        note=pods(workload, side),
    )


def pods(workload: Object, side: Side) -> str:
    """How many pods a workload has: its autoscaler's bounds, its replicas, or one a node."""
    if workload.kind == "DaemonSet":
        return "one pod a node"
    bounds = _bounds(workload, side)
    if bounds:
        return f"{bounds} pods"
    replicas = number(workload.data, "spec", "replicas")
    count = 1 if replicas is None else replicas
    return f"{count} pod" if count == 1 else f"{count} pods"


def scaling(cluster: Cluster) -> Iterator[Effect]:
    """Replicas that are handed to an autoscaler, taken from one, or owned by both."""
    for before, after in _scaled(cluster):
        had, has = _bounds(before, cluster.old), _bounds(after, cluster.new)
        was, now = number(before.data, "spec", "replicas"), number(after.data, "spec", "replicas")
        if has and now is not None and not (had and was is not None):
            what, plan = f"has an autoscaler ({has}) and `replicas: {now}`", _TWO_OWNERS
        elif has and not had and was is not None and was > 1:
            what, plan = f"hands its {was} replicas to an autoscaler ({has}) and may run with 1 until then", _HAND_OVER
        elif had and not has:
            what, plan = f"loses its autoscaler ({had}) and gets {1 if now is None else now}", _TAKE_BACK
        else:
            continue
        yield Effect(
            aspect=Aspect.SCALING,
            sign="!",
            text=f"{after.kind} `{after.name}` {what}",
            where=cluster.where(after.namespace),
            tenant=after.tenant,
            plan=plan,
        )


def _scaled(cluster: Cluster) -> Iterator[tuple[Object, Object]]:
    """Workloads on both sides, where they or an autoscaler of theirs differ."""
    targets = {
        (one.namespace, *_target(one))
        for pair in cluster.pairs("HorizontalPodAutoscaler", "ScaledObject")
        for one in pair
        if one is not None
    }
    for workload in cluster.new.of(*_SCALED):
        before = cluster.old.find(workload.kind, workload.namespace, workload.name)
        touched = (workload.namespace, workload.kind, workload.name) in targets
        if before is not None and (touched or before.content != workload.content):
            yield before, workload


def _target(autoscaler: Object) -> tuple[str, str]:
    kind = text(autoscaler.data, "spec", "scaleTargetRef", "kind")
    return (kind or "Deployment", text(autoscaler.data, "spec", "scaleTargetRef", "name"))


def _bounds(workload: Object, side: Side) -> str:
    """The bounds of its autoscaler, as `2 to 6`; empty without one."""
    found = bounds(workload, side)
    return f"{found[0]} to {found[1]}" if found else ""


def bounds(workload: Object, side: Side) -> tuple[int, int] | None:
    """The least and most replicas that its autoscaler may set; None without one."""
    for kind, least, most, default in (
        ("HorizontalPodAutoscaler", "minReplicas", "maxReplicas", 1),
        ("ScaledObject", "minReplicaCount", "maxReplicaCount", 0),
    ):
        for one in side.of(kind):
            if one.namespace == workload.namespace and _target(one) == (workload.kind, workload.name):
                low, high = number(one.data, "spec", least), number(one.data, "spec", most)
                return (default if low is None else low, 100 if high is None else high)
    return None
