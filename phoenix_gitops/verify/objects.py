"""What the schemas miss in one object: a pure function of the object, so its outcome can be cached by content."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, pairs, text
from phoenix_gitops.verify.choices import check_choices, choice_fault
from phoenix_gitops.verify.cron import check_schedule
from phoenix_gitops.verify.durations import check_durations
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.names import (
    check_labels,
    check_metadata,
    check_name,
    config_key_fault,
    dns_label_fault,
    port_name_fault,
)
from phoenix_gitops.verify.netpol import check_network_policy
from phoenix_gitops.verify.quantities import check_port
from phoenix_gitops.verify.quotas import check_limit_range, check_quota
from phoenix_gitops.verify.rbac import check_binding, check_role
from phoenix_gitops.verify.restricted import LEVELS
from phoenix_gitops.verify.scaling import check_autoscaler, check_budget
from phoenix_gitops.verify.unique import check_unique
from phoenix_gitops.verify.workloads import check_claim, check_workload

SIZE_LIMIT = 1024 * 1024 * 9 // 10
"""Bytes of data from which a ConfigMap or Secret is refused: 90 % of what etcd takes."""

_CONTENT_NAME = re.compile(r"-([0-9a-f]{10})\Z")
"""The first digits of the content's SHA-256, as immutable configs bear them."""

_PSA = "pod-security.kubernetes.io/"
_PSA_VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)", re.ASCII)


def check_object(group: str, kind: str, body: Mapping) -> Iterator[Fault]:
    """All faults of one object that need no schema and no other object."""
    metadata = mapping(body.get("metadata"))
    yield from check_name(group, kind, metadata)
    yield from check_metadata(metadata, ("metadata",))
    yield from check_workload(group, kind, body)
    if (check := _CHECKS.get((group, kind))) is not None:
        yield from check(body)
    yield from check_durations(group, kind, body)


def _service(body: Mapping) -> Iterator[Fault]:
    spec = mapping(body.get("spec"))
    yield from check_choices(spec, ("spec",), "service")
    yield from check_labels(spec.get("selector"), ("spec", "selector"))
    address = text(spec.get("clusterIP"))
    if address not in {"", "None"} and not _is_address(address):
        message = f"`{address}` is not an IP address"
        yield Fault(at=("spec", "clusterIP"), code="PHX706", message=message, help="leave it out, or write `None`")
    ports = [(("spec", "ports", index), port) for index, port in entries(spec.get("ports"))]
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Fault(at=("spec", "ports"), code="PHX704", message="Service has no ports")
    numbers: list[tuple[ObjectPath, object]] = []
    for at, port in ports:
        yield from _service_port(port, at, several=len(ports) > 1)
        numbers.append((at, f"{port.get('port')}/{port.get('protocol') or 'TCP'}"))
    yield from check_unique([(at, port.get("name")) for at, port in ports], "port name", "name")
    yield from check_unique(numbers, "service port", "port")


def _is_address(value: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _service_port(port: Mapping, at: ObjectPath, *, several: bool) -> Iterator[Fault]:
    yield from check_choices(port, at, "port")
    for field in ("port", "targetPort", "nodePort"):
        yield from check_port(port.get(field), (*at, field), least=0 if field == "nodePort" else 1)
    target = text(port.get("targetPort"))
    if target and (fault := port_name_fault(target)):
        yield Fault(at=(*at, "targetPort"), code="PHX715", message=f"target port `{target}` {fault}")
    name = text(port.get("name"))
    if name and (fault := dns_label_fault(name)):
        yield Fault(at=(*at, "name"), code="PHX715", message=f"port name `{name}` {fault}")
    if several and not name:
        yield Fault(at=(*at, "name"), code="PHX704", message="a Service with several ports must name each of them")


def _content_name(name: str, data: Mapping) -> Iterator[Fault]:
    """An immutable config is named after its content: with another one under this name no pod would be replaced."""
    named = _CONTENT_NAME.search(name)
    if named is None or len(data) != 1:
        return
    for key, value in pairs(data):
        if hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[: len(named[1])] != named[1]:
            yield Fault(
                at=("data", key),
                code="PHX735",
                message=f"`{name}` is named after other content: no pod would see this one",
                help="change the policy that the config is made of; an override cannot change it",
            )


def _config_map(body: Mapping) -> Iterator[Fault]:
    plain, binary = mapping(body.get("data")), mapping(body.get("binaryData"))
    for field, data in (("data", plain), ("binaryData", binary)):
        for key in data:
            if isinstance(key, str) and (fault := config_key_fault(key)):
                yield Fault(at=(field, key), code="PHX710", message=f"key `{key}` {fault}")
    for key in sorted(plain.keys() & binary.keys()):
        yield Fault(at=("binaryData", key), code="PHX718", message=f"key `{key}` is in `data` and `binaryData`")
    for key, value in pairs(binary):
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            yield Fault(at=("binaryData", key), code="PHX706", message=f"`{key}` is not base64")
    if body.get("immutable") is True:
        yield from _content_name(text(mapping(body.get("metadata")).get("name")), plain)
    size = sum(len(k.encode()) + len(v.encode("utf-8", "surrogatepass")) for k, v in pairs(plain))
    size += sum(len(key.encode()) + len(value) * 3 // 4 for key, value in pairs(binary))
    if size >= SIZE_LIMIT:
        yield Fault(
            at=("data",),
            code="PHX720",
            message=f"ConfigMap holds {size} bytes of data, of at most {SIZE_LIMIT}",
            help="split it: the API server refuses 1 MiB, operators add to it before that",
        )


def _secret(body: Mapping) -> Iterator[Fault]:
    for field in ("data", "stringData"):
        if body.get(field):
            yield Fault(
                at=(field,),
                code="PHX721",
                message=f"Secret with `{field}` would be committed to Git",
                help="refer to an existing Secret, or emit an ExternalSecret",
            )


def _namespace(body: Mapping) -> Iterator[Fault]:
    for key, value in pairs(child(body, "metadata", "labels")):
        mode = key.removeprefix(_PSA)
        at: ObjectPath = ("metadata", "labels", key)
        if mode == key:
            continue
        if not mode.endswith("-version"):
            if value not in LEVELS:
                yield choice_fault(at, value, LEVELS)
        elif not _PSA_VERSION.fullmatch(value):
            message = f"`{value}` is not a version of Pod Security"
            yield Fault(at=at, code="PHX706", message=message, help="`latest`, or a minor as `v1.34`")


def _cron_job(body: Mapping) -> Iterator[Fault]:
    yield from check_schedule(child(body, "spec").get("schedule"), ("spec", "schedule"))


def _ingress(body: Mapping) -> Iterator[Fault]:
    for index, rule in entries(child(body, "spec").get("rules")):
        for number, path in entries(child(rule, "http").get("paths")):
            yield from check_choices(path, ("spec", "rules", index, "http", "paths", number), "ingress path")


def _claim(body: Mapping) -> Iterator[Fault]:
    yield from check_claim(body, ())


def _role(body: Mapping) -> Iterator[Fault]:
    yield from check_role("Role", body)


def _cluster_role(body: Mapping) -> Iterator[Fault]:
    yield from check_role("ClusterRole", body)


_RBAC = "rbac.authorization.k8s.io"
_CHECKS: dict[tuple[str, str], Callable[[Mapping], Iterator[Fault]]] = {
    ("", "ConfigMap"): _config_map,
    ("", "LimitRange"): check_limit_range,
    ("", "Namespace"): _namespace,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "ResourceQuota"): check_quota,
    ("", "Secret"): _secret,
    ("", "Service"): _service,
    ("autoscaling", "HorizontalPodAutoscaler"): check_autoscaler,
    ("batch", "CronJob"): _cron_job,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("networking.k8s.io", "NetworkPolicy"): check_network_policy,
    ("policy", "PodDisruptionBudget"): check_budget,
    (_RBAC, "ClusterRole"): _cluster_role,
    (_RBAC, "ClusterRoleBinding"): check_binding,
    (_RBAC, "Role"): _role,
    (_RBAC, "RoleBinding"): check_binding,
}
