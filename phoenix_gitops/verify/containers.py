"""Containers: names, images, ports, environment, mounts, probes and resources."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, text
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.env import check_env
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.names import dns_label_fault, port_name_fault
from phoenix_gitops.verify.probes import PROBES, check_probes
from phoenix_gitops.verify.quantities import check_count, check_filled, check_limits, check_port
from phoenix_gitops.verify.resource_names import check_container_resources
from phoenix_gitops.verify.unique import check_unique

IDS = 2**31 - 1
"""The highest user or group id."""

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
        if serves and runs and not any(container.get(probe) for probe in PROBES):
            yield Fault(
                at=path,
                code="PHX731",
                message=f"container `{text(container.get('name'))}` has no probe",
                help="add a `readinessProbe` or a `livenessProbe` with `httpGet`",
            )


def _check_container(container: Mapping, at: ObjectPath, volumes: frozenset[str]) -> Iterator[Fault]:
    name = container.get("name")
    if isinstance(name, str) and (fault := dns_label_fault(name)):
        yield Fault(at=(*at, "name"), code="PHX710", message=f"container name `{name}` {fault}")
    yield from check_choices(container, at, "container")
    yield from _check_image(container, at)
    yield from check_env(container, at)
    yield from _check_mounts(container, at, volumes)
    yield from check_probes(container, at)
    yield from check_security(container.get("securityContext"), (*at, "securityContext"))
    yield from _check_resources(container, at)
    for index, policy in entries(container.get("resizePolicy")):
        yield from check_choices(policy, (*at, "resizePolicy", index), "resize policy")


def check_security(security: object, at: ObjectPath) -> Iterator[Fault]:
    """The security context of a pod or a container: ids of users and groups, and profiles."""
    context = mapping(security)
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        yield from check_count(context.get(field), (*at, field), most=IDS)
    for profile in ("seccompProfile", "appArmorProfile"):
        if found := mapping(context.get(profile)):
            yield from check_choices(found, (*at, profile), profile)
            yield from _check_profile(found, (*at, profile))


def _check_profile(profile: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """`localhostProfile` belongs to the type `Localhost`."""
    local, path = profile.get("type") == "Localhost", profile.get("localhostProfile")
    where = (*at, "localhostProfile")
    if local and not path:
        yield Fault(at=where, code="PHX704", message="the type `Localhost` needs a `localhostProfile`")
    elif not local and path is not None:
        yield Fault(at=where, code="PHX718", message="`localhostProfile` needs the type `Localhost`")


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


def _check_mounts(container: Mapping, at: ObjectPath, volumes: frozenset[str]) -> Iterator[Fault]:
    mounts = [((*at, "volumeMounts", index), mount) for index, mount in entries(container.get("volumeMounts"))]
    yield from check_unique([(path, m.get("mountPath")) for path, m in mounts], "mount path", "mountPath")
    for path, mount in mounts:
        yield from check_filled(mount, ("mountPath",), path)
        yield from check_choices(mount, path, "volume mount")
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


def _check_resources(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    resources = mapping(container.get("resources"))
    yield from check_limits(resources, (*at, "resources"))
    for side in ("requests", "limits"):
        yield from check_container_resources(resources.get(side), (*at, "resources", side))
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
