"""Workloads among the objects of a cluster: who scales, guards and admits them."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import child, integer, mapping, text
from phoenix_gitops.verify.finding import Fault, Finding
from phoenix_gitops.verify.index import Index, Item
from phoenix_gitops.verify.restricted import BASELINE, RESTRICTED
from phoenix_gitops.verify.summary import Pods

_Target = tuple[str, str, str]
"""Namespace, kind and name of a workload."""


def check_availability(index: Index) -> Iterator[Finding]:
    """Replicas owned once, budgets that let nodes drain, policies, spread and Pod Security."""
    least = _autoscaled(index)
    levels = _levels(index)
    guarded = _selecting(index, "policy", "PodDisruptionBudget")
    admitted = _selecting(index, "networking.k8s.io", "NetworkPolicy")
    for workloads in index.pods.values():
        for item, pods in workloads:
            target = (item.summary.namespace, item.summary.kind, item.summary.name)
            replicas = least.get(target, 1 if pods.replicas is None else pods.replicas)
            if target in least and pods.replicas is not None:
                yield _owned_twice(item, pods.replicas)
            yield from _insecure(item, pods, levels.get(item.summary.namespace, RESTRICTED))
            if pods.serving:
                yield from _exposed(item, pods, admitted)
            if pods.serving and pods.scales and replicas >= 2:
                yield from _fragile(item, pods, replicas, guarded)
    for item in index.of_kind("policy", "PodDisruptionBudget"):
        yield from _blocking(index, item, least)


def _autoscaled(index: Index) -> dict[_Target, int]:
    """The fewest replicas that an autoscaler leaves of each workload that it owns."""
    least: dict[_Target, int] = {}
    for item in index.of_kind("autoscaling", "HorizontalPodAutoscaler"):
        spec = item.summary.spec
        target = child(spec, "scaleTargetRef")
        key = (item.summary.namespace, text(target.get("kind")), text(target.get("name")))
        least[key] = integer(mapping(spec).get("minReplicas")) or 1
    return least


def _levels(index: Index) -> dict[str, str]:
    levels = dict(index.facts.namespace_levels)
    for item in index.of_kind("", "Namespace"):
        if item.summary.level:
            levels[item.summary.name] = item.summary.level
    return levels


def _selecting(index: Index, group: str, kind: str) -> set[int]:
    """Workloads (by identity of their item) that an object of this kind selects."""
    return {
        id(workload)
        for item in index.of_kind(group, kind)
        if item.summary.selects is not None
        for workload, _ in index.selected(item.summary.namespace, item.summary.selects)
    }


def _owned_twice(item: Item, replicas: int) -> Finding:
    return item.finding(
        Fault(
            at=("spec", "replicas"),
            code="PHX726",
            message=f"`replicas` {replicas} is set although an autoscaler owns it",
            help="leave `replicas` out: each sync would undo the autoscaler",
        )
    )


def _insecure(item: Item, pods: Pods, level: str) -> Iterator[Finding]:
    for violation in pods.violations:
        refused = level == RESTRICTED or (level == BASELINE and violation.level == BASELINE)
        if refused:
            yield item.finding(
                Fault(
                    at=violation.at,
                    code="PHX727",
                    message=f"{violation.reason}, which Pod Security `{level}` refuses",
                    help="mend it, or run the workload in a namespace of its own that declares a looser level",
                )
            )


def _exposed(item: Item, pods: Pods, admitted: set[int]) -> Iterator[Finding]:
    if id(item) not in admitted:
        yield item.finding(
            Fault(
                at=pods.spec_at[:-1],
                code="PHX732",
                message=f"no NetworkPolicy selects the pods of {item.summary.kind} `{item.summary.name}`",
                help="emit a policy that allows just the declared edges",
            )
        )


def _fragile(item: Item, pods: Pods, replicas: int, guarded: set[int]) -> Iterator[Finding]:
    kind, name = item.summary.kind, item.summary.name
    if id(item) not in guarded:
        yield item.finding(
            Fault(
                at=("spec",),
                code="PHX733",
                message=f"{kind} `{name}` runs {replicas} replicas without a PodDisruptionBudget",
                help="emit one with `maxUnavailable: 1`",
            )
        )
    if not pods.spread:
        yield item.finding(
            Fault(
                at=(*pods.spec_at, "topologySpreadConstraints"),
                code="PHX734",
                message=f"{kind} `{name}` may put all of its {replicas} replicas on one node",
                help="add `topologySpreadConstraints`",
            )
        )


def _blocking(index: Index, item: Item, least: dict[_Target, int]) -> Iterator[Finding]:
    """A budget that never lets a pod go blocks every drain of a node."""
    if item.summary.selects is None:
        return
    for workload, pods in index.selected(item.summary.namespace, item.summary.selects):
        if not pods.scales:
            continue
        target = (workload.summary.namespace, workload.summary.kind, workload.summary.name)
        replicas = least.get(target, 1 if pods.replicas is None else pods.replicas)
        spec = item.summary.spec or {}
        keeps = _percentage(spec.get("minAvailable"), replicas)
        lets = _percentage(spec.get("maxUnavailable"), replicas)
        if replicas < 2 or (keeps is not None and keeps >= replicas) or lets == 0:
            field = "minAvailable" if keeps is not None else "maxUnavailable"
            count = f"its {replicas} replicas" if replicas != 1 else "its only replica"
            yield item.finding(
                Fault(
                    at=("spec", field),
                    code="PHX725",
                    message=f"PodDisruptionBudget lets {workload.summary.kind} `{workload.summary.name}`"
                    f" with {count} never be drained",
                    help="emit it from two replicas on, with `maxUnavailable: 1`",
                ),
                (workload.path,),
            )


def _percentage(value: object, of: int) -> int | None:
    """A number or percentage of replicas, rounded up as the disruption controller does; None where it is neither."""
    number = integer(value)
    if number is not None:
        return number
    share = text(value).removesuffix("%")
    if not share.isdecimal():
        return None
    return -(-of * int(share) // 100)
