"""Containers: names, images, ports, environment, mounts, probes and resources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, text
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.names import dns_label_fault, port_name_fault
from phoenix_gitops.verify.quantities import check_limits, check_port

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*", re.ASCII)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("httpGet", "tcpSocket", "grpc")

Numbered = tuple[ObjectPath, Mapping]
"""A container and its path in the object."""


def containers(spec: Mapping, at: ObjectPath) -> list[Numbered]:
    """Init containers, then containers, of a pod's spec."""
    return [
        ((*at, key, index), container)
        for key in ("initContainers", "containers")
        for index, container in entries(spec.get(key))
    ]


def check_containers(spec: Mapping, at: ObjectPath, claims: frozenset[str], *, serves: bool) -> Iterator[Fault]:
    """All containers of a pod.

    `claims` are volumes from claim templates; `serves` says that the pod runs for ever and needs probes.
    """
    found = containers(spec, at)
    volumes = frozenset(text(volume.get("name")) for _, volume in entries(spec.get("volumes"))) | claims
    yield from check_unique([(path, c.get("name")) for path, c in found], "container", "name")
    yield from _check_ports(found)
    for path, container in found:
        # An init container that restarts is a sidecar; others end before the pod serves.
        runs = path[-2] == "containers"
        yield from _check_container(container, path, volumes)
        if serves and runs and not any(container.get(probe) for probe in _PROBES):
            yield Fault(
                at=path,
                code="PHX731",
                message=f"container `{text(container.get('name'))}` has no probe",
                help="add a `readinessProbe` or a `livenessProbe` with `httpGet`",
            )


def _check_container(container: Mapping, at: ObjectPath, volumes: frozenset[str]) -> Iterator[Fault]:
    name = text(container.get("name"))
    if name and (fault := dns_label_fault(name)):
        yield Fault(at=(*at, "name"), code="PHX710", message=f"container name `{name}` {fault}")
    yield from check_choices(container, at, "container")
    yield from _check_image(container, at)
    yield from _check_env(container, at)
    yield from _check_mounts(container, at, volumes)
    yield from _check_probes(container, at)
    yield from _check_resources(container, at)


def check_unique(values: list[tuple[ObjectPath, object]], what: str, key: str) -> Iterator[Fault]:
    """No two entries of a list with one key, which server-side apply refuses."""
    if len(values) < 2:
        return
    seen: set[object] = set()
    for at, value in values:
        if value is None or isinstance(value, dict | list):
            continue
        if value in seen:
            yield Fault(
                at=(*at, key), code="PHX718", message=f"{what} `{value}` is given twice", help="keep one of them"
            )
        seen.add(value)


def _check_image(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    image = text(container.get("image"))
    reference, digest_mark, _ = image.partition("@")
    tag = reference.rpartition("/")[2].partition(":")[2]
    if digest_mark or (tag and tag != "latest"):
        return
    what = "floats: tag `latest` moves" if tag else "has no tag"
    yield Fault(
        at=(*at, "image"),
        code="PHX722",
        message=f"image `{image}` {what}",
        help="name an exact tag or a digest in the platform's catalog",
    )


def _check_env(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    variables = [((*at, "env", index), entry) for index, entry in entries(container.get("env"))]
    yield from check_unique([(path, e.get("name")) for path, e in variables], "variable", "name")
    for path, entry in variables:
        name = text(entry.get("name"))
        if not _ENV_NAME.fullmatch(name):
            yield Fault(at=(*path, "name"), code="PHX710", message=f"`{name}` is not the name of a variable")
        if entry.get("value") and entry.get("valueFrom"):
            yield Fault(at=path, code="PHX718", message=f"variable `{name}` has both `value` and `valueFrom`")


def _check_mounts(container: Mapping, at: ObjectPath, volumes: frozenset[str]) -> Iterator[Fault]:
    mounts = [((*at, "volumeMounts", index), mount) for index, mount in entries(container.get("volumeMounts"))]
    yield from check_unique([(path, m.get("mountPath")) for path, m in mounts], "mount path", "mountPath")
    for path, mount in mounts:
        name = text(mount.get("name"))
        if name not in volumes:
            known = ", ".join(f"`{volume}`" for volume in sorted(volumes)) or "none"
            yield Fault(
                at=(*path, "name"),
                code="PHX719",
                message=f"mount of volume `{name}` that the pod does not have",
                help=f"the pod's volumes: {known}",
            )


def _check_ports(found: list[Numbered]) -> Iterator[Fault]:
    """Ports of a pod: its containers share one network, so numbers and names are unique in it."""
    ports = [
        ((*path, "ports", index), port) for path, container in found for index, port in entries(container.get("ports"))
    ]
    yield from check_unique([(path, port.get("name")) for path, port in ports], "port name", "name")
    numbers: list[tuple[ObjectPath, object]] = []
    for path, port in ports:
        yield from check_choices(port, path, "port")
        yield from check_port(port.get("containerPort"), (*path, "containerPort"))
        yield from check_port(port.get("hostPort"), (*path, "hostPort"), what="host port", least=0)
        name = text(port.get("name"))
        if name and (fault := port_name_fault(name)):
            yield Fault(at=(*path, "name"), code="PHX715", message=f"port name `{name}` {fault}")
        if (number := integer(port.get("containerPort"))) is not None:
            numbers.append((path, f"{number}/{port.get('protocol') or 'TCP'}"))
    yield from check_unique(numbers, "container port", "containerPort")


def _check_probes(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    for name in _PROBES:
        if probe := mapping(container.get(name)):
            yield from _check_handler(container, probe, (*at, name))
    for name, hook in mapping(container.get("lifecycle")).items():
        yield from _check_handler(container, mapping(hook), (*at, "lifecycle", name))


def _check_handler(container: Mapping, probe: Mapping, at: ObjectPath) -> Iterator[Fault]:
    for handler in _HANDLERS:
        action = mapping(probe.get(handler))
        if "port" in action:
            yield from _check_probe_port(container, action["port"], (*at, handler, "port"))
            yield from check_choices(action, (*at, handler), handler)


def _check_probe_port(container: Mapping, port: object, at: ObjectPath) -> Iterator[Fault]:
    yield from check_port(port, at)
    ports = [port for _, port in entries(container.get("ports"))]
    if any(port in (known.get("name"), known.get("containerPort")) for known in ports):
        return
    known = ", ".join(f"`{p.get('name') or p.get('containerPort')}`" for p in ports) or "none"
    yield Fault(
        at=at,
        code="PHX723",
        message=f"probe of port `{port}` that the container does not have",
        help=f"the container's ports: {known}",
    )


def _check_resources(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    resources = mapping(container.get("resources"))
    yield from check_limits(resources, (*at, "resources"))
    missing = [
        f"{side}.{name}"
        for side, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
        if name not in child(resources, side)
        # The API server copies a limit to a request that is absent.
        and not (side == "requests" and name in child(resources, "limits"))
    ]
    if missing:
        yield Fault(
            at=(*at, "resources"),
            code="PHX728",
            message=f"container `{text(container.get('name'))}` lacks " + ", ".join(f"`{name}`" for name in missing),
            help="a pod without requests and a memory limit starves its neighbours",
        )
