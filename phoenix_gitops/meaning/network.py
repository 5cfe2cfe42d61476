"""Network edges opened and closed: what NetworkPolicies let through on both sides, not how they are written.

Policies add up, so an edge counts only if nothing of the other side covers it. Pods that no policy selects are open:
where a first policy comes to pods, that closes them, and where the last one goes, that opens them.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect, Side
from phoenix_gitops.meaning.reading import Data, below, labels_text, mapping, maps, text, texts

_SIDES = (("Ingress", "ingress", "from"), ("Egress", "egress", "to"))
_ANY = ""
_NAMESPACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """Who stands at the other end; all parts empty means everybody."""

    namespaces: str = _ANY
    """A namespace's name, or labels of namespaces."""
    pods: str = _ANY
    addresses: str = _ANY
    """A CIDR."""
    but: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.addresses:
            return f"{self.addresses}" + (f" but {', '.join(self.but)}" if self.but else "")
        if not self.namespaces and not self.pods:
            return "anywhere"
        return (f"pods `{self.pods}` of " if self.pods else "") + (self.namespaces or "every namespace")


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """What one rule lets through for the pods of one policy."""

    namespace: str
    pods: str
    """The labels that select the policy's own pods; empty means all."""
    direction: str
    peer: Peer
    port: str
    """As `TCP 4317`, or empty for all."""


Closed = tuple[str, str, str]
"""Pods (namespace, labels) that policies limit in one direction."""


def network(cluster: Cluster) -> Iterator[Effect]:
    """What may flow that could not, and no longer may."""
    touched = [one for pair in cluster.pairs("NetworkPolicy") for one in pair if one is not None]
    if not touched:
        return
    namespaces = {one.namespace for one in touched}
    tenants = {one.namespace: one.tenant for one in touched}
    old, new = _policies(cluster.old, namespaces), _policies(cluster.new, namespaces)
    (edges_before, closed_before), (edges_after, closed_after) = _evaluated(old), _evaluated(new)
    born = {o.name for o in cluster.new.of("Namespace")} - {o.name for o in cluster.old.of("Namespace")}
    gone = {o.name for o in cluster.old.of("Namespace")} - {o.name for o in cluster.new.of("Namespace")}
    for namespace in sorted(gone & namespaces):
        count = sum(edge.namespace == namespace for edge in edges_before)
        yield _effect(cluster, "-", f"the namespace goes, with what {count} rules let through", namespace, tenants)
    opened, limited = _released(closed_before, closed_after, gone), _released(closed_after, closed_before, born)
    for (namespace, pods), directions in _by_pods(opened):
        what = f"{_own(pods)}: no policy limits {directions} any more"
        yield _effect(cluster, "!", what, namespace, tenants, gained=True)
    for (namespace, pods), directions in _by_pods(limited):
        what = f"{_own(pods)}: {directions} is limited to what policies allow"
        yield _effect(cluster, "-", what, namespace, tenants)
    come = {e for e in _beyond(edges_after, edges_before) if not _within(e, limited)}
    went = {e for e in _beyond(edges_before, edges_after) if not _within(e, opened) and e.namespace not in gone}
    for edges, sign in ((come, "+"), (went, "-")):
        for namespace, what, wide in _sentences(edges):
            risky = sign == "+" and wide
            yield _effect(cluster, "!" if risky else sign, what, namespace, tenants, gained=sign == "+")


def _by_pods(closed: set[Closed]) -> list[tuple[tuple[str, str], str]]:
    """Pods with their directions; pods that a line for all pods of the namespace includes are left out."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for namespace, pods, direction in sorted(closed):
        if not pods or (namespace, _ANY, direction) not in closed:
            found[namespace, pods].append(direction.lower())
    return [(which, " and ".join(sorted(directions, reverse=True))) for which, directions in sorted(found.items())]


def _within(edge: Edge, closed: set[Closed]) -> bool:
    return not {(edge.namespace, edge.pods, edge.direction), (edge.namespace, _ANY, edge.direction)}.isdisjoint(closed)


def _effect(
    cluster: Cluster, sign: str, what: str, namespace: str, tenants: dict[str, str], *, gained: bool = False
) -> Effect:
    return Effect(
        aspect=Aspect.NETWORK,
        sign=sign,
        text=what,
        where=cluster.where(namespace),
        tenant=tenants.get(namespace, ""),
        gained=gained,
    )


def _own(pods: str) -> str:
    return f"pods `{pods}`" if pods else "all pods"


def _sentences(edges: Iterable[Edge]) -> Iterator[tuple[str, str, bool]]:
    """Namespace and sentence of edges, ports of one peer in one; and whether the peer is everybody."""
    ports: dict[tuple[str, str, str, Peer], list[str]] = defaultdict(list)
    for edge in sorted(edges):
        ports[edge.namespace, edge.pods, edge.direction, edge.peer].append(edge.port)
    alike: dict[tuple[str, str, str, Peer, tuple[str, ...]], list[Peer]] = defaultdict(list)
    for (namespace, pods, direction, peer), its in sorted(ports.items()):
        by_name = peer.namespaces.startswith("namespace `")
        alike[namespace, pods, direction, Peer(pods=peer.pods) if by_name else peer, tuple(its)].append(peer)
    for (namespace, pods, direction, _, its_), peers in alike.items():
        first = peers[0]
        names = ", ".join(peer.namespaces.removeprefix("namespace ") for peer in peers)
        shown = first if len(peers) == 1 else Peer(f"namespaces {names}", first.pods)
        on = " on every port" if _ANY in its_ else f" on {', '.join(its_)}"
        arrow = f"{shown} to {_own(pods)}" if direction == "Ingress" else f"{_own(pods)} to {shown}"
        yield namespace, f"from {arrow}{on}", first == Peer() or first.addresses in ("0.0.0.0/0", "::/0")


def _policies(side: Side, namespaces: set[str]) -> list[Object]:
    return [one for one in side.of("NetworkPolicy") if one.namespace in namespaces]


def _evaluated(policies: Iterable[Object]) -> tuple[set[Edge], set[Closed]]:
    edges: set[Edge] = set()
    closed: set[Closed] = set()
    for policy in policies:
        spec = mapping(policy.data, "spec")
        pods = labels_text(below(spec, "podSelector"))
        types = texts(spec, "policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
        for direction, key, end in _SIDES:
            if direction not in types:
                continue
            closed.add((policy.namespace, pods, direction))
            for rule in maps(spec, key):
                for peer in [peer for one in maps(rule, end) for peer in _peers(one, policy.namespace)] or [Peer()]:
                    for port in [_port(one) for one in maps(rule, "ports")] or [_ANY]:
                        edges.add(Edge(policy.namespace, pods, direction, peer, port))
    return edges, closed


def _peers(data: Data, home: str) -> Iterator[Peer]:
    """The peers of one entry: namespaces that are listed by name are one each, so that one more is one more."""
    selector = below(data, "namespaceSelector")
    wanted = maps(selector, "matchExpressions")
    listed = len(wanted) == 1 and not mapping(selector, "matchLabels") and text(wanted[0], "operator") == "In"
    if listed and text(wanted[0], "key") == _NAMESPACE:
        pods = labels_text(below(data, "podSelector"))
        yield from (Peer(f"namespace `{name}`", pods) for name in texts(wanted[0], "values"))
    else:
        yield _peer(data, home)


def _peer(data: Data, home: str) -> Peer:
    if "ipBlock" in data:
        return Peer(addresses=text(data, "ipBlock", "cidr"), but=tuple(sorted(texts(data, "ipBlock", "except"))))
    selector = below(data, "namespaceSelector")
    if selector is None:
        return Peer(f"namespace `{home}`", labels_text(below(data, "podSelector")))
    name = mapping(selector, "matchLabels").get(_NAMESPACE)
    only = len(mapping(selector, "matchLabels")) == 1 and not maps(selector, "matchExpressions")
    labels = labels_text(selector)
    called = f"namespace `{name}`" if name and only else (f"namespaces `{labels}`" if labels else "every namespace")
    return Peer(called, labels_text(below(data, "podSelector")))


def _port(data: Data) -> str:
    protocol, port, end = text(data, "protocol") or "TCP", text(data, "port"), text(data, "endPort")
    return f"{protocol} {port}{f' to {end}' if end else ''}".strip()


def _released(before: set[Closed], after: set[Closed], but: set[str]) -> set[Closed]:
    """Pods that were limited and are not any more; a policy for all pods limits each of them."""
    return {
        (namespace, pods, direction)
        for namespace, pods, direction in before
        if namespace not in but and not {(namespace, pods, direction), (namespace, _ANY, direction)} & after
    }


def _beyond(more: set[Edge], less: set[Edge]) -> set[Edge]:
    """The edges that nothing of the other side covers."""
    by_place: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in less:
        by_place[edge.namespace, edge.direction].append(edge)
    return {
        edge
        for edge in more - less
        if not any(_covers(wide, edge) for wide in by_place[edge.namespace, edge.direction])
    }


def _covers(wide: Edge, edge: Edge) -> bool:
    return wide.pods in (_ANY, edge.pods) and _peer_covers(wide.peer, edge.peer) and _port_covers(wide.port, edge.port)


def _peer_covers(wide: Peer, peer: Peer) -> bool:
    if wide in (Peer(), peer):
        return True
    if wide.addresses or peer.addresses:
        return bool(wide.addresses and peer.addresses and not wide.but and _contains(wide.addresses, peer.addresses))
    return wide.namespaces in ("every namespace", peer.namespaces) and wide.pods in (_ANY, peer.pods)


def _contains(wide: str, narrow: str) -> bool:
    try:
        outer, inner = ipaddress.ip_network(wide, strict=False), ipaddress.ip_network(narrow, strict=False)
    except ValueError:
        return False
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _port_covers(wide: str, port: str) -> bool:
    if wide in (_ANY, port):
        return True
    (protocol, _, numbers), (its, _, inner) = wide.partition(" "), port.partition(" ")
    if protocol != its or not inner:
        return False
    if not numbers:
        return True
    bounds, inside = numbers.split(" to "), inner.split(" to ")
    if not all(part.isdigit() for part in (*bounds, *inside)):
        return False
    return int(bounds[0]) <= int(inside[0]) and int(inside[-1]) <= int(bounds[-1])
