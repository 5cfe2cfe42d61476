"""NetworkPolicy rules: what they let through, judged by an evaluator of both directions."""

from __future__ import annotations

import pytest

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import network
from tests.unit.emitters.netpol import Pod, outside
from tests.unit.emitters.netpol import network as net
from tests.unit.emitters.support import cluster, platform, render, validate_builtin

DNS = Pod("kube-system", {"k8s-app": "kube-dns"}, "10.244.0.53")


def policy(ingress=None, egress=None, selector=None, name="test"):
    return network.policy(render, name, "here", {}, selector or {}, ingress_rules=ingress, egress_rules=egress)


def dns(**facts):
    rule = network.dns_egress(cluster(**facts))
    assert not isinstance(rule, Diagnostic)
    return rule


def test_default_deny_isolates_every_pod_in_both_directions():
    world = net([network.deny_all(render, "here", {"a": "b"})])
    here, other = Pod("here"), Pod("other")
    assert not world.passes(here, other, 80)
    assert not world.passes(other, here, 80)
    assert not world.passes(here, Pod("here", {"x": "y"}), 80)
    assert not world.passes(here, outside("1.1.1.1"), 53, "UDP")
    assert world.passes(other, Pod("third"), 80)


def test_default_deny_has_the_shape_that_the_api_server_takes():
    body = network.deny_all(render, "here", {"a": "b"}, {"c": "d"})
    assert body["metadata"] == {
        "name": "default-deny",
        "namespace": "here",
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
    }
    assert body["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    validate_builtin([body])


def test_dns_is_reached_over_tcp_and_udp_at_its_own_port_only():
    world = net([policy(egress=[dns()])])
    here = Pod("here")
    assert world.passes(here, DNS, 53, "UDP")
    assert world.passes(here, DNS, 53, "TCP")
    assert not world.passes(here, DNS, 54, "UDP")
    assert not world.passes(here, Pod("kube-system", {"k8s-app": "metrics-server"}), 53, "UDP")
    assert not world.passes(here, Pod("other", {"k8s-app": "kube-dns"}), 53, "UDP")
    assert not world.passes(here, outside("169.254.20.10"), 53, "UDP")


def test_a_node_local_cache_is_reached_beside_the_dns_pods():
    world = net([policy(egress=[dns(dns={"ipBlocks": ["169.254.20.10/32"]})])])
    assert world.passes(Pod("here"), outside("169.254.20.10"), 53, "UDP")
    assert world.passes(Pod("here"), DNS, 53, "UDP")
    assert not world.passes(Pod("here"), outside("169.254.20.11"), 53, "UDP")


def test_dns_pods_are_those_that_the_cluster_names():
    facts = {"namespace": "openshift-dns", "podLabels": {"dns": "default"}, "port": 5353}
    world = net([policy(egress=[dns(dns=facts)])])
    pods = Pod("openshift-dns", {"dns": "default"})
    assert world.passes(Pod("here"), pods, 5353, "UDP")
    assert not world.passes(Pod("here"), pods, 53, "UDP")
    assert not world.passes(Pod("here"), DNS, 5353, "UDP")


def test_the_api_server_is_reached_by_its_addresses():
    rule = network.api_egress(cluster())
    world = net([policy(egress=[rule])])
    assert world.passes(Pod("here"), outside("10.4.0.1"), 6443)
    assert not world.passes(Pod("here"), outside("10.4.0.1"), 443)
    assert not world.passes(Pod("here"), outside("10.4.0.2"), 6443)
    assert not world.passes(Pod("here"), outside("10.4.0.1"), 6443, "UDP")


@pytest.mark.parametrize(
    ("fact", "field", "rule"),
    [("dns", "dns", network.dns_egress), ("apiServer", "apiServer", network.api_egress)],
)
def test_a_missing_fact_is_an_error_and_not_a_guess(fact, field, rule):
    fault = rule(cluster("eu-1", **{fact: None}))
    assert isinstance(fault, Diagnostic)
    assert fault.code == "PHX670"
    assert fault.message == f"cluster `eu-1` has no `{field}`, which its network policies need"
    assert "spec.clusters" in fault.help


def test_a_direction_without_rules_is_not_governed():
    world = net([policy(ingress=[network.ingress([network.pods({})])])])
    assert world.passes(Pod("here"), Pod("other"), 80)
    assert world.passes(Pod("here"), Pod("here"), 80)
    assert not world.passes(Pod("other"), Pod("here"), 80)


def test_an_edge_needs_both_sides():
    send = network.policy(
        render, "a", "a", {}, {}, egress_rules=[network.egress([network.pods_in(["b"])], network.tcp(80))]
    )
    receive = network.policy(
        render, "b", "b", {}, {}, ingress_rules=[network.ingress([network.pods_in(["a"])], network.tcp(80))]
    )
    denied = [network.deny_all(render, ns, {}) for ns in ("a", "b")]
    a, b = Pod("a"), Pod("b")
    assert not net([*denied, send]).passes(a, b, 80)
    assert not net([*denied, receive]).passes(a, b, 80)
    both = net([*denied, send, receive])
    assert both.passes(a, b, 80)
    assert not both.passes(a, b, 81)
    assert not both.passes(b, a, 80)


def test_a_selector_governs_only_the_pods_that_bear_it():
    world = net([policy(ingress=[], selector={"app": "db", "tier": "1"})])
    assert not world.passes(Pod("x"), Pod("here", {"app": "db", "tier": "1", "z": "z"}), 80)
    assert world.passes(Pod("x"), Pod("here", {"app": "db"}), 80)


def test_peers_by_namespace_and_labels_must_match_both():
    world = net([policy(ingress=[network.ingress([network.pods_in(["b", "a", "a"], {"app": "x"})])])])
    assert world.passes(Pod("a", {"app": "x"}), Pod("here"), 1)
    assert world.passes(Pod("b", {"app": "x"}), Pod("here"), 1)
    assert not world.passes(Pod("a"), Pod("here"), 1)
    assert not world.passes(Pod("here", {"app": "x"}), Pod("here"), 1)


def test_peers_do_not_depend_on_the_order_given():
    assert network.pods_in(["b", "a"], {"y": "1", "x": "2"}) == network.pods_in(["a", "b"], {"x": "2", "y": "1"})
    assert network.blocks(["10.0.0.0/8", "1.0.0.0/8"]) == [
        {"ipBlock": {"cidr": "1.0.0.0/8"}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
    ]


def test_what_would_silently_allow_everything_is_refused():
    with pytest.raises(ValueError, match="at least one namespace"):
        network.pods_in([])
    with pytest.raises(ValueError, match="needs a peer"):
        network.ingress([])
    with pytest.raises(ValueError, match="needs a peer"):
        network.egress([])
    with pytest.raises(ValueError, match="needs a port"):
        network.tcp()


def test_the_collectors_namespaces_begin_with_the_platforms_prefix():
    named = platform(conventions={"namespacePrefix": "metrics"})
    names = named.spec.conventions.names_of("prod")
    assert names.namespaces == ("metrics-agents", "metrics-gateway", "metrics-rules")


def test_policies_are_valid_objects():
    rules = [dns(), network.api_egress(cluster()), network.egress([network.pods_in(["a", "b"])])]
    inward = [network.ingress([network.pods({"a": "b"}), *network.blocks(["10.0.0.0/8"])], network.tcp(1, 2))]
    validate_builtin([policy(ingress=inward, egress=rules, selector={"app": "x"})])
