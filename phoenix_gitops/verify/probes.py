"""Probes and lifecycle hooks of a container: one handler each, at a port that the container has."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, entries, mapping
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.quantities import check_count, check_port

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "grpc", "httpGet", "sleep", "tcpSocket")
_HANDLERS_HELP = "give it one of `httpGet`, `tcpSocket`, `grpc` and `exec`"
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def check_probes(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """Every probe and hook of a container."""
    for name in PROBES:
        if isinstance(probe := container.get(name), dict):
            yield from _check_handler(container, probe, (*at, name))
            yield from _check_counts(name, probe, (*at, name))
    for name, hook in mapping(container.get("lifecycle")).items():
        if isinstance(hook, dict) and name in {"postStart", "preStop"}:
            yield from _check_handler(container, hook, (*at, "lifecycle", name))


def _check_counts(name: str, probe: Mapping, at: ObjectPath) -> Iterator[Fault]:
    for field in _COUNTS:
        yield from check_count(probe.get(field), (*at, field))
    yield from check_count(probe.get("terminationGracePeriodSeconds"), (*at, "terminationGracePeriodSeconds"), least=1)
    # Only a readiness probe may ask for more than one success.
    if name != "readinessProbe":
        yield from check_count(probe.get("successThreshold"), (*at, "successThreshold"), most=1)


def _check_handler(container: Mapping, probe: Mapping, at: ObjectPath) -> Iterator[Fault]:
    given = [handler for handler in _HANDLERS if probe.get(handler) is not None]
    if not given:
        yield Fault(at=at, code="PHX704", message=f"`{at[-1]}` has no handler", help=_HANDLERS_HELP)
    elif len(given) > 1:
        listed = " and ".join(f"`{handler}`" for handler in given)
        yield Fault(at=at, code="PHX718", message=f"`{at[-1]}` has several handlers: {listed}", help="keep one of them")
    for handler in given:
        action = mapping(probe[handler])
        if "port" in action:
            yield from _check_port(container, action["port"], (*at, handler, "port"))
            yield from check_choices(action, (*at, handler), handler)


def _check_port(container: Mapping, port: object, at: ObjectPath) -> Iterator[Fault]:
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
