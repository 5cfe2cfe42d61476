"""Autoscalers and disruption budgets: figures that contradict each other, and metrics without a target."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, text
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.label_selectors import check_selector
from phoenix_gitops.verify.quantities import check_count, check_filled, check_quantity, check_share

_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_TARGETS = {
    "resource": ("averageUtilization", "averageValue"),
    "containerResource": ("averageUtilization", "averageValue"),
    "pods": ("averageValue",),
    "object": ("value", "averageValue"),
    "external": ("value", "averageValue"),
}
"""Which figures a target of each source can have; one of them must be given."""


def check_autoscaler(body: Mapping) -> Iterator[Fault]:
    """A HorizontalPodAutoscaler: bounds, metrics and their targets."""
    spec = mapping(body.get("spec"))
    least, most = integer(spec.get("minReplicas")), integer(spec.get("maxReplicas"))
    if (least or 1) > (most if most is not None else (least or 1)):
        yield Fault(
            at=("spec", "minReplicas"),
            code="PHX706",
            message=f"`minReplicas` {least or 1} is above `maxReplicas` {most}",
        )
    if least == 0:
        yield Fault(
            at=("spec", "minReplicas"), code="PHX706", message="`minReplicas` 0 needs a feature gate that is off"
        )
    yield from check_count(least, ("spec", "minReplicas"))
    yield from _check_target_ref(mapping(spec.get("scaleTargetRef")))
    if not spec.get("metrics"):
        help_ = "without any, Kubernetes takes 80 % of the cpu that pods request"
        yield Fault(at=("spec", "metrics"), code="PHX704", message="the autoscaler follows no metric", help=help_)
    for index, metric in entries(spec.get("metrics")):
        yield from _check_metric(metric, ("spec", "metrics", index))


def _check_target_ref(target: Mapping) -> Iterator[Fault]:
    version = text(target.get("apiVersion"))
    if target and not version.rpartition("/")[0]:
        at = ("spec", "scaleTargetRef", "apiVersion")
        message = f"`{version}` names no API group" if version else "`scaleTargetRef` names no `apiVersion`"
        yield Fault(at=at, code="PHX706", message=message, help="`apps/v1` is that of Deployments and StatefulSets")


def _check_metric(metric: Mapping, at: ObjectPath) -> Iterator[Fault]:
    yield from check_choices(metric, at, "metric")
    source = _SOURCES.get(text(metric.get("type")), "")
    given = [field for field in _TARGETS if metric.get(field) is not None]
    if source and source not in given:
        message = f"a metric of type `{metric['type']}` needs `{source}`"
        yield Fault(at=(*at, source), code="PHX704", message=message)
    for other in given:
        if source and other != source:
            message = f"a metric of type `{metric['type']}` takes no `{other}`"
            yield Fault(at=(*at, other), code="PHX718", message=message, help="one entry of `metrics` for each")
        data = mapping(metric[other])
        yield from check_filled(data, ("name",), (*at, other))
        yield from _check_target(child(data, "target"), (*at, other, "target"), _TARGETS[other])


def _check_target(target: Mapping, at: ObjectPath, figures: tuple[str, ...]) -> Iterator[Fault]:
    yield from check_choices(target, at, "metric target")
    yield from check_count(target.get("averageUtilization"), (*at, "averageUtilization"), least=1)
    for field in ("averageValue", "value"):
        yield from check_quantity(target.get(field), (*at, field))
    given = [field for field in figures if target.get(field) is not None]
    if len(given) != 1 and target:
        code, verb = ("PHX718", "has both") if given else ("PHX704", "needs")
        listed = (" and " if given else " or ").join(f"`{field}`" for field in (given or figures))
        yield Fault(at=at, code=code, message=f"the target {verb} {listed}")


def check_budget(body: Mapping) -> Iterator[Fault]:
    """A PodDisruptionBudget: one of its two figures."""
    spec = mapping(body.get("spec"))
    yield from check_choices(spec, ("spec",), "PodDisruptionBudget")
    yield from check_selector(spec.get("selector"), ("spec", "selector"))
    given = [field for field in ("minAvailable", "maxUnavailable") if spec.get(field) is not None]
    if len(given) != 1:
        count = "both" if given else "neither"
        yield Fault(
            at=("spec",),
            code="PHX718" if given else "PHX704",
            message=f"PodDisruptionBudget sets {count} of `minAvailable` and `maxUnavailable`",
            help="set `maxUnavailable: 1`",
        )
    for field in given:
        yield from check_share(spec[field], ("spec", field))
