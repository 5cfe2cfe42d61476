"""Workloads: where the pod template of each kind stands, and what must hold in it."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, text
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.containers import check_containers, check_security
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.label_selectors import check_selector
from phoenix_gitops.verify.names import (
    check_labels,
    check_metadata,
    dns_label_fault,
    dns_subdomain_fault,
)
from phoenix_gitops.verify.pods import check_spreads, check_tolerations, check_volumes
from phoenix_gitops.verify.quantities import check_count, check_quantities, check_share, is_none_of
from phoenix_gitops.verify.selectors import Selector

TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("argoproj.io", "Rollout"): ("spec", "template"),
}
"""Where the pod template (metadata and spec) of a kind stands."""

_NAMED = {
    "hostname": dns_label_fault,
    "subdomain": dns_label_fault,
    "nodeName": dns_subdomain_fault,
    "runtimeClassName": dns_subdomain_fault,
}
"""Fields of a pod that hold names, and what is wrong with one."""

_DEADLINE = 600
"""`progressDeadlineSeconds` of a Deployment that names none."""

SERVING = frozenset(
    (("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("argoproj.io", "Rollout"))
)
"""Kinds whose pods run for ever: they need probes, a network policy and, run twice, a budget."""


def pod_template(group: str, kind: str, body: Mapping) -> tuple[ObjectPath, Mapping] | None:
    """The pod template and its path; None for kinds without pods or a Rollout that refers to one."""
    where = TEMPLATES.get((group, kind))
    if where is None:
        return None
    template = child(body, *where)
    return (where, template) if mapping(template.get("spec")) else None


def check_workload(group: str, kind: str, body: Mapping) -> Iterator[Fault]:
    """A workload's own fields and its pods."""
    found = pod_template(group, kind, body)
    if found is None:
        return
    at, template = found
    spec = mapping(body.get("spec"))
    if at:
        yield from check_metadata(template.get("metadata"), (*at, "metadata"))
        yield from _check_selector(spec, template, at)
        yield from check_choices(spec, ("spec",), kind)
        yield from check_count(spec.get("replicas"), ("spec", "replicas"))
        yield from _check_times(kind, spec)
        yield from _check_strategy(spec, "strategy", f"{kind} strategy")
        yield from _check_strategy(spec, "updateStrategy", "update strategy")
        yield from _check_restart(kind, template, at)
    claims = frozenset(
        text(child(claim, "metadata").get("name")) for _, claim in entries(spec.get("volumeClaimTemplates"))
    )
    for index, claim in entries(spec.get("volumeClaimTemplates")):
        where = ("spec", "volumeClaimTemplates", index)
        yield from check_metadata(claim.get("metadata"), (*where, "metadata"))
        yield from check_claim(claim, where)
    pod_at = (*at, "spec")
    pod = mapping(template.get("spec"))
    yield from check_containers(pod, pod_at, claims, serves=(group, kind) in SERVING)
    yield from _check_pod(pod, pod_at)


def check_claim(claim: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """A volume claim's size."""
    requests = child(claim, "spec", "resources", "requests")
    yield from check_quantities(requests, (*at, "spec", "resources", "requests"))


def _check_times(kind: str, spec: Mapping) -> Iterator[Fault]:
    for field in ("minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit"):
        yield from check_count(spec.get(field), ("spec", field))
    ready, deadline = integer(spec.get("minReadySeconds")) or 0, integer(spec.get("progressDeadlineSeconds"))
    deadline = _DEADLINE if deadline is None else deadline
    if kind == "Deployment" and deadline <= ready:
        message = f"`minReadySeconds` {ready} is not below `progressDeadlineSeconds` {deadline}"
        yield Fault(at=("spec", "minReadySeconds"), code="PHX706", message=message, help="raise the deadline")


def _check_strategy(spec: Mapping, field: str, thing: str) -> Iterator[Fault]:
    at: ObjectPath = ("spec", field)
    strategy = child(spec, field)
    yield from check_choices(strategy, at, thing)
    rolling = child(strategy, "rollingUpdate")
    for figure in ("maxSurge", "maxUnavailable"):
        yield from check_share(rolling.get(figure), (*at, "rollingUpdate", figure))
    # A Deployment that names neither surges by a quarter; a DaemonSet never surges of itself.
    surges = not is_none_of(rolling.get("maxSurge", 0 if field == "updateStrategy" else 1))
    if is_none_of(rolling.get("maxUnavailable")) and not surges:
        yield Fault(
            at=(*at, "rollingUpdate"),
            code="PHX706",
            message="a roll that neither surges nor lets a pod go cannot begin",
            help="one of `maxSurge` and `maxUnavailable` must be above 0",
        )


def _check_selector(spec: Mapping, template: Mapping, at: ObjectPath) -> Iterator[Fault]:
    if not isinstance(selector := spec.get("selector"), dict):
        return
    yield from check_selector(selector, ("spec", "selector"))
    labels = child(template, "metadata", "labels")
    if not (selector.get("matchLabels") or selector.get("matchExpressions")):
        help_ = "give it labels of the template"
        yield Fault(at=("spec", "selector"), code="PHX724", message="the selector is empty", help=help_)
    elif not Selector.of(selector).matches(labels):
        yield Fault(
            at=("spec", "selector"),
            code="PHX724",
            message=f"the selector does not match the labels of `{'.'.join(map(str, at))}`",
            help="give the template every label of the selector",
        )


def _check_restart(kind: str, template: Mapping, at: ObjectPath) -> Iterator[Fault]:
    policy = child(template, "spec").get("restartPolicy")
    once = kind in {"Job", "CronJob"}
    if (once and policy in (None, "Always")) or (not once and policy not in (None, "Always")):
        yield Fault(
            at=(*at, "spec", "restartPolicy"),
            code="PHX706",
            message=f"`{policy or 'Always'}` is not a value of `restartPolicy` in a {kind}",
            help="`Never` or `OnFailure`" if once else "`Always`, or leave it out",
        )


def _check_pod(pod: Mapping, at: ObjectPath) -> Iterator[Fault]:
    yield from check_choices(pod, at, "pod")
    yield from check_labels(pod.get("nodeSelector"), (*at, "nodeSelector"))
    account = text(pod.get("serviceAccountName"))
    if account and (fault := dns_subdomain_fault(account)):
        yield Fault(at=(*at, "serviceAccountName"), code="PHX710", message=f"ServiceAccount name `{account}` {fault}")
    yield from check_spreads(pod, at)
    yield from check_tolerations(pod, at)
    context = child(pod, "securityContext")
    yield from check_security(context, (*at, "securityContext"))
    yield from check_choices(context, (*at, "securityContext"), "pod's security")
    yield from check_choices(child(pod, "os"), (*at, "os"), "os")
    for field, fault_of in _NAMED.items():
        if isinstance(name := pod.get(field), str) and (fault := fault_of(name)):
            yield Fault(at=(*at, field), code="PHX710", message=f"`{field}` `{name}` {fault}")
    yield from check_count(pod.get("terminationGracePeriodSeconds"), (*at, "terminationGracePeriodSeconds"))
    yield from check_volumes(pod, at)
