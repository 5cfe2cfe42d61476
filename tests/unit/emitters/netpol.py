"""A small NetworkPolicy evaluator: whether traffic passes, as the API's documentation defines it.

Both sides are judged: the sender's egress and the receiver's ingress. A pod that no policy of a direction selects is
open in that direction. Named ports and port ranges are refused, since nothing that we emit has them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod, or with an empty namespace an address outside the pod network."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ip: str = "10.244.0.1"


def outside(ip: str) -> Pod:
    """An address that is no pod's."""
    return Pod("", {}, ip)


@dataclass(frozen=True)
class Network:
    """Policies of a cluster, and labels of its namespaces besides their names."""

    policies: tuple[Policy, ...]
    namespace_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def passes(self, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
        """Whether the sender may send and the receiver may receive."""
        return self.may_send(source, target, port, protocol) and self.may_receive(source, target, port, protocol)

    def may_send(self, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
        return self._allowed("Egress", "egress", "to", source, target, port, protocol)

    def may_receive(self, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
        return self._allowed("Ingress", "ingress", "from", target, source, port, protocol)

    def _allowed(self, kind: str, rules: str, peers: str, subject: Pod, other: Pod, port: int, protocol: str) -> bool:
        if not subject.namespace:
            return True
        governing = [p for p in self.policies if self._governs(p, kind, subject)]
        return not governing or any(
            self._peer_matches(policy, rule.get(peers), other) and _port_matches(rule.get("ports"), port, protocol)
            for policy in governing
            for rule in policy["spec"].get(rules, [])
        )

    def _governs(self, policy: Policy, kind: str, pod: Pod) -> bool:
        spec = policy["spec"]
        types = spec.get("policyTypes", ["Ingress", *(["Egress"] if "egress" in spec else [])])
        same = policy["metadata"]["namespace"] == pod.namespace
        return kind in types and same and selects(spec["podSelector"], pod.labels)

    def _peer_matches(self, policy: Policy, peers: list[Mapping[str, Any]] | None, other: Pod) -> bool:
        return not peers or any(self._one_peer(policy, peer, other) for peer in peers)

    def _one_peer(self, policy: Policy, peer: Mapping[str, Any], other: Pod) -> bool:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            address = ipaddress.ip_address(other.ip)
            excluded = any(address in ipaddress.ip_network(cidr) for cidr in block.get("except", []))
            return address in ipaddress.ip_network(block["cidr"]) and not excluded
        if not other.namespace:
            return False
        if "namespaceSelector" in peer:
            labels = {
                **self.namespace_labels.get(other.namespace, {}),
                "kubernetes.io/metadata.name": other.namespace,
            }
            in_namespace = selects(peer["namespaceSelector"], labels)
        else:
            in_namespace = other.namespace == policy["metadata"]["namespace"]
        return in_namespace and selects(peer.get("podSelector", {}), other.labels)


def network(objects: Iterable[Mapping[str, Any]]) -> Network:
    """The network that the objects of a cluster make."""
    found = list(objects)
    return Network(
        tuple(o for o in found if o["kind"] == "NetworkPolicy"),
        {o["metadata"]["name"]: o["metadata"].get("labels", {}) for o in found if o["kind"] == "Namespace"},
    )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; the empty one matches everything."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_expression(e, labels) for e in selector.get("matchExpressions", []))


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    present = expression["key"] in labels
    listed = present and labels[expression["key"]] in expression.get("values", [])
    return {"In": listed, "NotIn": not listed, "Exists": present, "DoesNotExist": not present}[expression["operator"]]


def _port_matches(ports: list[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for allowed in ports:
        if "endPort" in allowed or isinstance(allowed.get("port"), str):
            raise NotImplementedError(f"port {allowed!r}")
        if allowed.get("protocol", "TCP") == protocol and allowed.get("port", port) == port:
            return True
    return False
