"""NetworkPolicies: rules as plain data, and the one template that all of them share.

A rule is an item of `spec.ingress` or `spec.egress`, a peer an item of its `from` or `to`. Policies only
add up: `deny_all` isolates every pod of a namespace in both directions, and each further policy allows one
set of edges. An edge between two isolated pods needs the sender's egress and the receiver's ingress.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from phoenix_gitops.conventions import TENANT
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.base import Render
from phoenix_gitops.model.environment import Cluster
from phoenix_gitops.scope import EnvironmentScope

Rule = dict[str, Any]
Peer = dict[str, Any]
Port = dict[str, Any]

TEMPLATE = "network/networkpolicy.yaml.j2"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server itself puts on each namespace: nobody can claim another's name with it."""


def tcp(*ports: int) -> list[Port]:
    """TCP ports of a rule; without any the rule would mean all ports, so at least one is asked for."""
    if not ports:
        raise ValueError("a rule for TCP ports needs a port")
    return [{"port": port, "protocol": "TCP"} for port in ports]


def pods(labels: Mapping[str, str]) -> Peer:
    """Pods of the policy's own namespace that bear `labels`; all of them if there are none."""
    return {"podSelector": _selector(labels)}


def pods_in(namespaces: Iterable[str], labels: Mapping[str, str] | None = None) -> Peer:
    """Pods of the named namespaces, only those that bear `labels` if there are any."""
    names = sorted(set(namespaces))
    if not names:
        # An empty `In` is refused by the API server, and an empty selector would mean every namespace.
        raise ValueError("a peer needs at least one namespace")
    selector: dict[str, Any]
    if len(names) == 1:
        selector = {"matchLabels": {NAMESPACE_NAME: names[0]}}
    else:
        selector = {"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": names}]}
    peer: Peer = {"namespaceSelector": selector}
    if labels:
        peer["podSelector"] = _selector(labels)
    return peer


def tenants(labels: Mapping[str, str] | None = None) -> Peer:
    """Pods of every tenant's namespaces, only those that bear `labels` if there are any."""
    peer: Peer = {"namespaceSelector": {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]}}
    if labels:
        peer["podSelector"] = _selector(labels)
    return peer


def agents(env: EnvironmentScope) -> Peer:
    """The node agents."""
    return pods_in([env.names.agent_namespace], env.pod_labels.one(env.names.agent))


def gateway(env: EnvironmentScope) -> Peer:
    """The platform's gateway."""
    return pods_in([env.names.gateway_namespace], env.pod_labels.one(env.names.gateway))


def any_pod() -> Peer:
    """Every pod of the cluster, and nothing outside of it."""
    return {"namespaceSelector": {}}


def blocks(cidrs: Iterable[str]) -> list[Peer]:
    """Addresses outside the pod network (nodes, the API server, other networks)."""
    return [{"ipBlock": {"cidr": cidr}} for cidr in sorted(set(cidrs))]


def ingress(peers: Sequence[Peer], ports: Sequence[Port] = ()) -> Rule:
    """What may come in: from one of `peers`, to one of `ports` (all ports if there are none)."""
    return _rule("from", peers, ports)


def egress(peers: Sequence[Peer], ports: Sequence[Port] = ()) -> Rule:
    """What may go out: to one of `peers`, at one of `ports` (all ports if there are none)."""
    return _rule("to", peers, ports)


def dns_egress(cluster: Cluster) -> Rule | Diagnostic:
    """Egress to the cluster's DNS, or `PHX670` if the cluster does not say how pods reach it.

    A node-local cache is no pod, so no selector finds it: its addresses are allowed beside the DNS pods,
    which answer while the cache is restarted.
    """
    dns = cluster.dns
    if dns is None:
        return _missing(cluster, "dns", "say how pods reach DNS: `dns: {}` for the usual pods in `kube-system`")
    peers = [*blocks(dns.ip_blocks), pods_in([dns.namespace], dns.pod_labels)]
    return egress(peers, [{"port": dns.port, "protocol": protocol} for protocol in ("TCP", "UDP")])


def api_egress(cluster: Cluster) -> Rule | Diagnostic:
    """Egress to the cluster's API server, or `PHX670` if the cluster does not give its addresses."""
    server = cluster.api_server
    if server is None:
        advice = "give the addresses that `kubectl get endpointslices -n default` shows for `kubernetes`"
        return _missing(cluster, "apiServer", advice)
    return egress(blocks(server.ip_blocks), tcp(server.port))


def deny_all(
    render: Render, namespace: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The NetworkPolicy `default-deny`: what no other policy of the namespace allows is refused."""
    return policy(
        render,
        "default-deny",
        namespace,
        labels,
        {},
        ingress_rules=(),
        egress_rules=(),
        annotations=annotations,
    )


def policy(
    render: Render,
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    *,
    ingress_rules: Sequence[Rule] | None = None,
    egress_rules: Sequence[Rule] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A NetworkPolicy for the pods that bear `selector` (all pods if it is empty).

    A direction whose rules are None is not governed by this policy; an empty sequence isolates the pods.
    """
    types = [
        direction for direction, rules in (("Ingress", ingress_rules), ("Egress", egress_rules)) if rules is not None
    ]
    return render(
        TEMPLATE,
        name=name,
        namespace=namespace,
        labels=dict(labels),
        annotations=dict(annotations or {}),
        selector=_selector(selector),
        types=types,
        ingress=list(ingress_rules or ()),
        egress=list(egress_rules or ()),
    )


def _rule(direction: str, peers: Sequence[Peer], ports: Sequence[Port]) -> Rule:
    if not peers:
        # Without peers a rule would allow the whole world.
        raise ValueError("a rule needs a peer")
    rule: Rule = {direction: list(peers)}
    if ports:
        rule["ports"] = list(ports)
    return rule


def _selector(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"matchLabels": dict(sorted(labels.items()))} if labels else {}


def _missing(cluster: Cluster, fact: str, advice: str) -> Diagnostic:
    return Diagnostic(
        code="PHX670",
        message=f"cluster `{cluster.name}` has no `{fact}`, which its network policies need",
        help=f"{advice}, under `spec.clusters` of the environment",
    )
