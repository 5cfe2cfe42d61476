"""NetworkPolicies as the declared edges of a tenant, as far as they are of that form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phoenix_gitops.importing.drafts import left
from phoenix_gitops.importing.namespaces import Facts
from phoenix_gitops.importing.reading import Node

NAMESPACE_NAME = "kubernetes.io/metadata.name"
_CIDR = re.compile("[0-9a-fA-F.:]+/[0-9]{1,3}")
_DNS = 53


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of a policy: which way, and at which ports (None: all)."""

    what: str
    ports: tuple[tuple[str, str], ...] | None
    """(port, protocol)."""


def take(node: Node, facts: Facts, system: frozenset[str]) -> None:
    """Take in a NetworkPolicy; edges with `system` namespaces are there anyway."""
    what = f"NetworkPolicy `{node.text('metadata', 'name')}` of `{facts.name}`"
    spec = node.get("spec")
    facts.held = True
    if spec is None or spec.entries("podSelector"):
        facts.notes.append(left(node.span, what, "it is for some pods only", "a Tenant's edges hold for all its pods"))
        return
    types = {item.value for item in spec.items("policyTypes") if isinstance(item.value, str)}
    facts.isolated |= types or {"Ingress", *(("Egress",) if spec.items("egress") else ())}
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec.items(direction):
            _rule(rule, peers, what, facts, system)


def _rule(rule: Node, key: str, what: str, facts: Facts, system: frozenset[str]) -> None:
    listed = rule.items(key)
    if not listed:
        facts.notes.append(left(rule.span, f"a rule of {what}", f"without `{key}` it is for the whole world"))
    ports = None
    if rule.items("ports"):
        ports = tuple((p.text("port"), p.text("protocol") or "TCP") for p in rule.items("ports"))
    found = _Rule(f"a peer of {what}", ports)
    for peer in listed:
        if peer.get("ipBlock") is not None:
            _block(peer, key, found, facts)
        else:
            _namespaces(peer, key, found, facts, system)


def _block(peer: Node, key: str, rule: _Rule, facts: Facts) -> None:
    cidr = peer.text("ipBlock", "cidr")
    wanted = [(port, protocol) for port, protocol in rule.ports or () if protocol == "TCP" and port.isdecimal()]
    why = ""
    if key == "from":
        why = "a Tenant names tenants that may come in, no addresses"
    elif peer.get("ipBlock", "except") is not None:
        why = "an egress of a Tenant has no exceptions"
    elif not wanted or len(wanted) < len(rule.ports or ()):
        why = "an egress of a Tenant has a number of a TCP port"
    elif _CIDR.fullmatch(cidr) is None:
        why = f"`{cidr}` is no range of addresses"
    if why:
        facts.notes.append(left(peer.span, rule.what, why))
        return
    facts.egress |= {(cidr, int(port)) for port, _ in wanted}


def _namespaces(peer: Node, key: str, rule: _Rule, facts: Facts, system: frozenset[str]) -> None:
    named = _named(peer, facts)
    if named is None:
        why = f"it names no namespaces by the label `{NAMESPACE_NAME}`"
        facts.notes.append(left(peer.span, rule.what, why))
        return
    dns = rule.ports is not None and {port for port, _ in rule.ports} == {str(_DNS)}
    for name in named:
        if name in system or (key == "to" and name == "kube-system" and dns):
            continue
        if rule.ports is not None or (peer.entries("podSelector") and name != facts.name):
            why = "tenants that are allowed reach all pods at all ports"
            facts.notes.append(left(peer.span, f"{rule.what}, `{name}`,", why))
            continue
        (facts.allowed if key == "from" else facts.reached)[name] = peer.span


def _named(peer: Node, facts: Facts) -> list[str] | None:
    """The namespaces that a peer names, or None where it selects otherwise."""
    selector = peer.get("namespaceSelector")
    if selector is None:
        return [facts.name] if not peer.entries("podSelector") and peer.get("podSelector") else None
    labels, expressions = selector.entries("matchLabels"), selector.items("matchExpressions")
    if set(labels) == {NAMESPACE_NAME} and not expressions:
        return [selector.text("matchLabels", NAMESPACE_NAME)]
    if labels or len(expressions) != 1:
        return None
    only = expressions[0]
    if only.text("key") != NAMESPACE_NAME or only.text("operator") != "In":
        return None
    return [item.value for item in only.items("values") if isinstance(item.value, str)]
