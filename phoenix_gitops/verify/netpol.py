"""NetworkPolicies: peers, ports, address blocks and selectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phoenix_gitops.verify.access import Mapping, child, entries, integer, mapping, texts
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.label_selectors import check_selector
from phoenix_gitops.verify.names import port_name_fault
from phoenix_gitops.verify.quantities import check_port

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_TYPES = ("Ingress", "Egress")
_PEERS = ("podSelector", "namespaceSelector", "ipBlock")


def check_network_policy(body: Mapping) -> Iterator[Fault]:
    """A NetworkPolicy."""
    spec = mapping(body.get("spec"))
    yield from check_selector(spec.get("podSelector"), ("spec", "podSelector"))
    yield from _check_types(spec.get("policyTypes"), ("spec", "policyTypes"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in entries(spec.get(direction)):
            yield from _check_ports(rule, ("spec", direction, index))
            for number, peer in entries(rule.get(peers)):
                yield from _check_peer(peer, ("spec", direction, index, peers, number))


def _check_types(types: object, at: ObjectPath) -> Iterator[Fault]:
    named = [((*at, index), value) for index, value in enumerate(types if isinstance(types, list) else [])]
    for where, value in named:
        if isinstance(value, str) and value not in _TYPES:
            message = f"`{value}` is not a value of `policyTypes`"
            yield Fault(at=where, code="PHX706", message=message, help="one of `Ingress`, `Egress`")
        elif isinstance(value, str) and value in texts(types)[: int(where[-1])]:
            yield Fault(at=where, code="PHX718", message=f"`{value}` is given twice", help="keep one of them")


def _check_ports(rule: Mapping, at: ObjectPath) -> Iterator[Fault]:
    for index, port in entries(rule.get("ports")):
        where = (*at, "ports", index)
        yield from check_choices(port, where, "port")
        value, end = port.get("port"), integer(port.get("endPort"))
        yield from check_port(value, (*where, "port"))
        yield from check_port(end, (*where, "endPort"))
        if isinstance(value, str) and (fault := port_name_fault(value)):
            yield Fault(at=(*where, "port"), code="PHX715", message=f"port name `{value}` {fault}")
        first = integer(value)
        if end is not None and (first is None or first > end):
            message = f"`endPort` {end} ends no range that begins with port `{value}`"
            yield Fault(at=(*where, "endPort"), code="PHX715", message=message, help="`port` is its lowest number")


def _check_peer(peer: Mapping, at: ObjectPath) -> Iterator[Fault]:
    given = [field for field in _PEERS if peer.get(field) is not None]
    if not given:
        help_ = "one of `podSelector`, `namespaceSelector` and `ipBlock`; `{}` in these selects everything"
        yield Fault(at=at, code="PHX704", message="the peer says nothing of whom it means", help=help_)
    if "ipBlock" in given:
        if len(given) > 1:
            yield Fault(at=at, code="PHX718", message="a peer with `ipBlock` takes no selector beside it")
        yield from _check_block(child(peer, "ipBlock"), (*at, "ipBlock"))
    for field in ("podSelector", "namespaceSelector"):
        yield from check_selector(peer.get(field), (*at, field))


def _check_block(block: Mapping, at: ObjectPath) -> Iterator[Fault]:
    cidr = block.get("cidr")
    outer = _network(cidr) if isinstance(cidr, str) else None
    if isinstance(cidr, str) and outer is None:
        yield Fault(at=(*at, "cidr"), code="PHX706", message=f"`{cidr}` is not a CIDR")
    given = texts(block.get("except"))
    for index, text in enumerate(given):
        where = (*at, "except", index)
        inner = _network(text)
        if inner is None:
            yield Fault(at=where, code="PHX706", message=f"`{text}` is not a CIDR")
        elif outer is not None and not _within(inner, outer):
            yield Fault(at=where, code="PHX706", message=f"`{text}` is not within `{cidr}`")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    import ipaddress

    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=True)
    except ValueError:
        return None


def _within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    """Whether `inner` is a proper part of `outer`."""
    return inner.version == outer.version and inner.prefixlen > outer.prefixlen and outer.overlaps(inner)
