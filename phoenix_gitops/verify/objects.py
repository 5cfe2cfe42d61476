"""What the schemas miss in one object: a pure function of the object, so its outcome can be cached by content."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, pairs, text
from phoenix_gitops.verify.choices import check_choices, choice_fault
from phoenix_gitops.verify.containers import check_unique
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
from phoenix_gitops.verify.quantities import check_port, check_quantities, check_quantity
from phoenix_gitops.verify.rbac import check_binding, check_role
from phoenix_gitops.verify.restricted import LEVELS
from phoenix_gitops.verify.workloads import check_claim, check_workload

SIZE_LIMIT = 1024 * 1024 * 9 // 10
"""Bytes of data from which a ConfigMap or Secret is refused: 90 % of what etcd takes."""

_PSA = "pod-security.kubernetes.io/"


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
    ports = [(("spec", "ports", index), port) for index, port in entries(spec.get("ports"))]
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Fault(at=("spec", "ports"), code="PHX704", message="Service has no ports")
    numbers: list[tuple[ObjectPath, object]] = []
    for at, port in ports:
        yield from _service_port(port, at, several=len(ports) > 1)
        numbers.append((at, f"{port.get('port')}/{port.get('protocol') or 'TCP'}"))
    yield from check_unique([(at, port.get("name")) for at, port in ports], "port name", "name")
    yield from check_unique(numbers, "service port", "port")


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
        if mode != key and not mode.endswith("-version") and value not in LEVELS:
            yield choice_fault(("metadata", "labels", key), value, LEVELS)


def _autoscaler(body: Mapping) -> Iterator[Fault]:
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
    for index, metric in entries(spec.get("metrics")):
        at: ObjectPath = ("spec", "metrics", index)
        yield from check_choices(metric, at, "metric")
        for source, data in metric.items():
            target = child(data, "target")
            yield from check_choices(target, (*at, source, "target"), "metric target")
            for field in ("averageValue", "value"):
                yield from check_quantity(target.get(field), (*at, source, "target", field))


def _disruption_budget(body: Mapping) -> Iterator[Fault]:
    spec = mapping(body.get("spec"))
    yield from check_choices(spec, ("spec",), "PodDisruptionBudget")
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
        value = spec[field]
        if isinstance(value, str) and not (value.endswith("%") and value[:-1].isdecimal()):
            yield Fault(at=("spec", field), code="PHX706", message=f"`{value}` is neither a number nor a percentage")


def _quota(body: Mapping) -> Iterator[Fault]:
    yield from check_quantities(child(body, "spec", "hard"), ("spec", "hard"))


def _limit_range(body: Mapping) -> Iterator[Fault]:
    for index, limit in entries(child(body, "spec").get("limits")):
        at = ("spec", "limits", index)
        yield from check_choices(limit, at, "limit")
        for field in ("default", "defaultRequest", "max", "min"):
            yield from check_quantities(limit.get(field), (*at, field))


def _network_policy(body: Mapping) -> Iterator[Fault]:
    spec = mapping(body.get("spec"))
    yield from check_labels(child(spec, "podSelector", "matchLabels"), ("spec", "podSelector", "matchLabels"))
    types = spec.get("policyTypes")
    for index, value in enumerate(types if isinstance(types, list) else []):
        if isinstance(value, str) and value not in ("Ingress", "Egress"):
            yield Fault(
                at=("spec", "policyTypes", index),
                code="PHX706",
                message=f"`{value}` is not a value of `policyTypes`",
                help="one of `Ingress`, `Egress`",
            )
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in entries(spec.get(direction)):
            yield from _policy_rule(rule, ("spec", direction, index), peers)


def _policy_rule(rule: Mapping, at: ObjectPath, peers: str) -> Iterator[Fault]:
    for index, port in entries(rule.get("ports")):
        where = (*at, "ports", index)
        yield from check_choices(port, where, "port")
        yield from check_port(port.get("port"), (*where, "port"))
        yield from check_port(port.get("endPort"), (*where, "endPort"))
        name = text(port.get("port"))
        if name and (fault := port_name_fault(name)):
            yield Fault(at=(*where, "port"), code="PHX715", message=f"port name `{name}` {fault}")
    for index, peer in entries(rule.get(peers)):
        where = (*at, peers, index)
        cidr = text(child(peer, "ipBlock").get("cidr"))
        if cidr and not _is_cidr(cidr):
            yield Fault(at=(*where, "ipBlock", "cidr"), code="PHX706", message=f"`{cidr}` is not a CIDR")
        if "ipBlock" in peer and len(peer) > 1:
            yield Fault(at=where, code="PHX718", message="a peer with `ipBlock` takes no selector beside it")
        for field in ("podSelector", "namespaceSelector"):
            labels = child(peer, field, "matchLabels")
            yield from check_labels(labels, (*where, field, "matchLabels"))


def _is_cidr(value: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_network(value, strict=True)
    except ValueError:
        return False
    return "/" in value


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
    ("", "LimitRange"): _limit_range,
    ("", "Namespace"): _namespace,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "ResourceQuota"): _quota,
    ("", "Secret"): _secret,
    ("", "Service"): _service,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
    (_RBAC, "ClusterRole"): _cluster_role,
    (_RBAC, "ClusterRoleBinding"): check_binding,
    (_RBAC, "Role"): _role,
    (_RBAC, "RoleBinding"): check_binding,
}
