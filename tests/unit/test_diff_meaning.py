"""What a change means: each effect from two trees, in words, signs, places and plans."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from phoenix_gitops.diff import compare
from phoenix_gitops.meaning import effects
from phoenix_gitops.meaning.base import Aspect, EffectGroup
from phoenix_gitops.meaning.policies import Held
from phoenix_gitops.meaning.thresholds import Tendency, tendency
from phoenix_gitops.model.platform import Prices
from tests.unit.emitters import support as scopes

RBAC = "rbac.authorization.k8s.io"
Tree = dict[str, bytes]


def obj(kind: str, name: str, namespace: str = "", version: str = "v1", tenant: str = "", **rest: Any) -> bytes:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    body = yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": metadata, **rest}, sort_keys=False)
    return f"# Compiled by Phoenix GitOps from Tenant/{tenant or 'x'}. phoenix:00\n{body}".encode()


def tree(*objects: bytes, environment: str = "prod", cluster: str = "eu") -> Tree:
    return {f"{environment}/{cluster}/c/{_name(one)}.yaml": one for one in objects}


def _name(one: bytes) -> str:
    data = yaml.safe_load(one)
    return f"{data['kind']}-{data['metadata'].get('namespace', '')}-{data['metadata']['name']}"


def meaning(old: Tree, new: Tree) -> tuple[EffectGroup, ...]:
    return effects(compare(old, new), old, new)


def said(old: Tree, new: Tree) -> list[str]:
    return [f"{g.first.sign} {g.first.text}" for g in meaning(old, new)]


# Pods and replicas


def workload(kind: str = "Deployment", image: str = "a:1", **spec: Any) -> bytes:
    template = {"spec": {"containers": [{"name": "a", "image": image}]}}
    return obj(kind, "gateway", "ingest", "apps/v1", spec={"template": template, **spec})


def scaler(low: int | None = 2, high: int = 6, target: str = "gateway") -> bytes:
    spec: dict[str, Any] = {"scaleTargetRef": {"kind": "Deployment", "name": target}, "maxReplicas": high}
    return obj(
        "HorizontalPodAutoscaler", "h", "ingest", "autoscaling/v2", spec=spec | ({"minReplicas": low} if low else {})
    )


@pytest.mark.parametrize(
    ("kind", "beside", "spec", "note"),
    [
        ("Deployment", [], {}, "1 pod"),
        ("Deployment", [], {"replicas": 3}, "3 pods"),
        ("Deployment", [], {"replicas": 0}, "0 pods"),
        ("Deployment", [scaler()], {}, "2 to 6 pods"),
        ("Deployment", [scaler(None)], {}, "1 to 6 pods"),
        ("Deployment", [scaler(target="other")], {"replicas": 3}, "3 pods"),
        ("StatefulSet", [scaler()], {"replicas": 4}, "4 pods"),
        ("DaemonSet", [], {}, "one pod a node"),
    ],
)
def test_restarts_name_the_workload_and_its_pods(
    kind: str, beside: list[bytes], spec: dict[str, Any], note: str
) -> None:
    (group,) = meaning(tree(workload(kind, **spec), *beside), tree(workload(kind, "a:2", **spec), *beside))
    effect = group.first
    assert (effect.aspect, effect.sign, effect.text) == (Aspect.PODS, "~", f"{kind} `gateway` restarts")
    assert (str(effect.where), effect.note) == ("prod/eu/ingest", note)


def test_pods_that_nobody_replaces_are_said_so() -> None:
    strategy = {"updateStrategy": {"type": "OnDelete"}}
    assert said(tree(workload("DaemonSet", **strategy)), tree(workload("DaemonSet", "a:2", **strategy))) == [
        "~ DaemonSet `gateway` restarts each pod when somebody deletes it (`OnDelete`)"
    ]


def test_a_workload_that_goes_takes_its_pods() -> None:
    (group,) = meaning(tree(workload(replicas=3)), {})
    assert (group.first.sign, group.first.text, group.first.note) == ("-", "Deployment `gateway` goes", "3 pods")


def test_the_same_restart_in_forty_clusters_is_one_group() -> None:
    old, new = {}, {}
    for n in range(40):
        old |= tree(workload(replicas=2), cluster=f"c{n:02}")
        new |= tree(workload(image="a:2", replicas=2), cluster=f"c{n:02}")
    (group,) = meaning(old, new)
    assert len(group.effects) == 40
    assert group.alike == 0


def test_the_same_for_each_tenant_is_one_group_with_its_count() -> None:
    def of(pods: int) -> Tree:
        names = ("cart", "pay", "search")
        return tree(*(obj("ResourceQuota", "q", n, tenant=n, spec={"hard": {"pods": pods}}) for n in names))

    (group,) = meaning(of(10), of(20))
    assert (group.first.text, group.alike) == ("tenant `cart`: pods 10 -> 20 (+100 %)", 2)


def test_replicas_handed_to_an_autoscaler_fall_to_one() -> None:
    (group,) = meaning(tree(workload(replicas=3)), tree(workload(), scaler()))
    assert group.first.aspect is Aspect.SCALING
    assert group.first.text == (
        "Deployment `gateway` hands its 3 replicas to an autoscaler (2 to 6) and may run with 1 until then"
    )
    assert group.first.plan.startswith("in two steps: let the autoscaler run first, beside `replicas`")


def test_replicas_that_both_own_and_that_come_back() -> None:
    assert said(tree(workload(replicas=3)), tree(workload(replicas=3), scaler())) == [
        "! Deployment `gateway` has an autoscaler (2 to 6) and `replicas: 3`"
    ]
    assert said(tree(workload(), scaler()), tree(workload(replicas=2))) == [
        "! Deployment `gateway` loses its autoscaler (2 to 6) and gets 2"
    ]
    assert said(tree(workload(), scaler()), tree(workload(), scaler(3))) == []
    assert said(tree(workload(replicas=1)), tree(workload(), scaler())) == []


# What never changes in place


def _spec(kind: str, version: str = "v1", **fields: Any) -> bytes:
    return obj(kind, "x", "n", version, **fields)


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (
            _spec("Deployment", "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}}),
            _spec("Deployment", "apps/v1", spec={"selector": {"matchLabels": {"a": "c"}}}),
            "`spec.selector`",
        ),
        (
            _spec("StatefulSet", "apps/v1", spec={"serviceName": "a", "replicas": 1}),
            _spec(
                "StatefulSet", "apps/v1", spec={"serviceName": "b", "replicas": 2, "podManagementPolicy": "Parallel"}
            ),
            "`spec.serviceName`, `spec.podManagementPolicy`",
        ),
        (_spec("Service", spec={"clusterIP": "None"}), _spec("Service", spec={"ports": []}), "`spec.clusterIP`"),
        (
            _spec("RoleBinding", roleRef={"kind": "Role", "name": "a"}),
            _spec("RoleBinding", roleRef={"kind": "Role", "name": "b"}),
            "`roleRef`",
        ),
        (
            _spec("ConfigMap", immutable=True, data={"a": "1"}),
            _spec("ConfigMap", immutable=True, data={"a": "2"}),
            "`data`",
        ),
        (_spec("ConfigMap", immutable=True), _spec("ConfigMap", immutable=False), "`immutable`"),
        (
            _spec("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "10Gi"}}}),
            _spec(
                "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "5Gi"}}, "storageClassName": "b"}
            ),
            "`spec.storageClassName`, `spec.resources.requests.storage`",
        ),
        (
            _spec("Job", "batch/v1", spec={"template": {"spec": {"a": 1}}}),
            _spec("Job", "batch/v1", spec={"template": {"spec": {"a": 2}}}),
            "`spec.template`",
        ),
        (_spec("StorageClass", parameters={"a": "1"}), _spec("StorageClass", parameters={"a": "2"}), "`parameters`"),
        (_spec("ResourceQuota", spec={}), _spec("ResourceQuota", spec={"scopes": ["BestEffort"]}), "`spec.scopes`"),
        (
            _spec("Job", "batch/v1", spec={"completions": 2}),
            _spec("Job", "batch/v1", spec={"completions": 3, "successPolicy": {"rules": []}}),
            "`spec.completions`, `spec.successPolicy`",
        ),
        (
            _spec("Job", "batch/v1", spec={"completionMode": "Indexed", "completions": 2, "parallelism": 2}),
            _spec("Job", "batch/v1", spec={"completionMode": "Indexed", "completions": 3, "parallelism": 2}),
            "`spec.completions`",
        ),
        (_spec("Secret", type="Opaque"), _spec("Secret", type="kubernetes.io/tls"), "`type`"),
        (
            _spec("IngressClass", spec={"controller": "a"}),
            _spec("IngressClass", spec={"controller": "b"}),
            "`spec.controller`",
        ),
        (
            _spec("PersistentVolume", spec={"nfs": {"path": "/a"}, "nodeAffinity": {"required": {"a": 1}}}),
            _spec("PersistentVolume", spec={"nfs": {"path": "/b"}, "nodeAffinity": {"required": {"a": 2}}}),
            "`spec.nfs`, `spec.nodeAffinity`",
        ),
        (
            _spec("CustomResourceDefinition", spec={"scope": "Cluster", "names": {"kind": "A"}}),
            _spec("CustomResourceDefinition", spec={"scope": "Namespaced", "names": {"kind": "B"}}),
            "`spec.scope`, `spec.names.kind`",
        ),
    ],
)
def test_immutable_fields_are_named_with_a_plan(old: bytes, new: bytes, paths: str) -> None:
    found = [g for g in meaning(tree(old), tree(new)) if g.first.aspect is Aspect.REPLACED]
    kind = yaml.safe_load(new)["kind"]
    assert [(g.first.sign, g.first.text) for g in found] == [("!", f"{kind} `x`: {paths} cannot change in place")]
    assert found[0].first.plan


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (_spec("StatefulSet", "apps/v1", spec={"replicas": 1}), _spec("StatefulSet", "apps/v1", spec={"replicas": 2})),
        (
            _spec("StatefulSet", "apps/v1", spec={}),
            _spec("StatefulSet", "apps/v1", spec={"podManagementPolicy": "OrderedReady"}),
        ),
        (_spec("Service", spec={"clusterIP": "10.0.0.1"}), _spec("Service", spec={"ports": []})),
        (
            _spec("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "5Gi"}}}),
            _spec("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "10Gi"}}}),
        ),
        (_spec("ConfigMap", data={"a": "1"}), _spec("ConfigMap", data={"a": "2"})),
        (_spec("ConfigMap", data={"a": "1"}), _spec("ConfigMap", data={"a": "2"}, immutable=True)),
        (_spec("Secret"), _spec("Secret", type="Opaque")),
        (_spec("PriorityClass", value=1), _spec("PriorityClass", value=1, preemptionPolicy="PreemptLowerPriority")),
        (
            _spec("Job", "batch/v1", spec={"completionMode": "Indexed", "completions": 2, "parallelism": 2}),
            _spec("Job", "batch/v1", spec={"completionMode": "Indexed", "completions": 3, "parallelism": 3}),
        ),
        (_spec("Job", "batch/v1", spec={}), _spec("Job", "batch/v1", spec={"completions": 1, "suspend": True})),
        (
            _spec("PersistentVolume", spec={"capacity": {"storage": "1Gi"}}),
            _spec("PersistentVolume", spec={"capacity": {"storage": "2Gi"}, "nodeAffinity": {"required": {"a": 1}}}),
        ),
    ],
)
def test_what_may_change_in_place_is_not_named(old: bytes, new: bytes) -> None:
    assert [g for g in meaning(tree(old), tree(new)) if g.first.aspect is Aspect.REPLACED] == []


# Access


def role(rules: list[tuple[str, str, str]], kind: str = "Role", name: str = "r") -> bytes:
    space = "n" if kind == "Role" else ""
    data = [{"apiGroups": [g], "resources": r.split(), "verbs": v.split()} for g, r, v in rules]
    return obj(kind, name, space, f"{RBAC}/v1", rules=data)


def bound(*subjects: str, kind: str = "Role", name: str = "r", cluster: bool = False, binding: str = "b") -> bytes:
    which = [{"kind": "Group", "name": one} for one in subjects]
    where = "" if cluster else "n"
    what = "ClusterRoleBinding" if cluster else "RoleBinding"
    return obj(what, binding, where, f"{RBAC}/v1", roleRef={"kind": kind, "name": name}, subjects=which)


READ = ("", "pods services", "get list")


def test_a_subject_that_joins_a_binding_gains_what_its_role_says() -> None:
    (group,) = meaning(tree(role([READ]), bound("a")), tree(role([READ]), bound("a", "b")))
    assert (group.first.sign, group.first.text) == ("+", "group `b` may get, list pods, services")
    assert group.first.gained
    (back,) = meaning(tree(role([READ]), bound("a", "b")), tree(role([READ]), bound("a")))
    assert (back.first.sign, back.first.text) == ("-", "group `b` may no longer get, list pods, services")
    assert not back.first.gained


def test_how_rules_are_cut_up_is_no_change_of_access() -> None:
    cut = role([("", "pods", "get list"), ("", "services", "list"), ("", "services", "get")])
    assert said(tree(role([READ]), bound("a")), tree(cut, bound("a"))) == []
    assert said(tree(role([READ]), bound("a")), tree(role([READ], name="s"), bound("a", name="s"))) == [
        "! RoleBinding `b`: `roleRef` cannot change in place"
    ]


def test_a_role_that_nobody_is_bound_to_gives_nothing() -> None:
    assert said({}, tree(role([READ]))) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (("", "secrets", "get"), "! group `a` may get secrets"),
        (("", "pods/exec", "create"), "! group `a` may create pods/exec"),
        (("apps", "*", "*"), "! group `a` may * *.apps"),
        ((RBAC, "roles", "escalate"), f"! group `a` may escalate roles.{RBAC}"),
        ((RBAC, "roles", "bind"), f"! group `a` may bind roles.{RBAC}"),
        (("batch", "jobs", "create"), "+ group `a` may create jobs.batch"),
    ],
)
def test_rights_that_open_more_than_they_say_are_marked(rule: tuple[str, str, str], text: str) -> None:
    assert said(tree(role([READ]), bound("a")), tree(role([READ, rule]), bound("a"))) == [text]


def test_to_bind_a_role_by_its_name_opens_no_more_than_it_says() -> None:
    rule = {"apiGroups": [RBAC], "resources": ["roles"], "resourceNames": ["x"], "verbs": ["bind"]}
    new = obj("Role", "r", "n", f"{RBAC}/v1", rules=[rule])
    assert said({}, tree(new, bound("a"))) == [f"+ group `a` may bind roles.{RBAC} `x`"]


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (("*", "*", "*"), ("apps", "deployments", "get")),
        (("apps", "*", "get"), ("apps", "deployments", "get")),
        (("", "*", "get"), ("", "pods", "get")),
        (("apps", "deployments", "*"), ("apps", "deployments", "get")),
    ],
)
def test_who_may_all_gains_nothing_by_a_part(wide: tuple[str, str, str], narrow: tuple[str, str, str]) -> None:
    assert said(tree(role([wide]), bound("a")), tree(role([wide, narrow]), bound("a"))) == []


def test_a_wildcard_of_the_core_group_covers_no_other() -> None:
    old, new = role([("", "*", "get")]), role([("", "*", "get"), ("apps", "deployments", "get")])
    assert said(tree(old, bound("a")), tree(new, bound("a"))) == ["+ group `a` may get deployments.apps"]


def test_rights_in_every_namespace_cover_those_in_one() -> None:
    wide = [role([READ], "ClusterRole", "all"), bound("a", kind="ClusterRole", name="all", cluster=True, binding="w")]
    assert said(tree(*wide), tree(*wide, role([READ]), bound("a"))) == []
    assert said({}, tree(*wide)) == ["+ group `a` may get, list pods, services in every namespace"]


def test_a_right_to_one_object_covers_no_other() -> None:
    def named(*names: str) -> bytes:
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
        return obj("Role", "r", "n", f"{RBAC}/v1", rules=[rule | {"resourceNames": list(names)}])

    assert said(tree(named("x"), bound("a")), tree(named("x", "y"), bound("a"))) == [
        "+ group `a` may get configmaps `y`"
    ]
    assert said(tree(role([("", "configmaps", "get")]), bound("a")), tree(named("x"), bound("a"))) == [
        "- group `a` may no longer get configmaps"
    ]


def test_roles_of_the_cluster_itself_go_by_their_name() -> None:
    assert said({}, tree(bound("a", kind="ClusterRole", name="admin"))) == ["+ group `a` may have ClusterRole `admin`"]


def project(*destinations: tuple[str, str]) -> bytes:
    listed = [{"namespace": namespace, "server": server} for namespace, server in destinations]
    return obj("AppProject", "p", "argocd", "argoproj.io/v1alpha1", spec={"destinations": listed})


def test_projects_say_which_namespaces_they_let_in() -> None:
    old, new = project(("a", "s1"), ("b", "s1")), project(("a", "s1"), ("a", "s2"), ("c", "s1"), ("c", "s2"))
    assert said(tree(old), tree(new)) == [
        "+ Argo CD project `p` lets in namespace `a`",
        "+ Argo CD project `p` lets in namespace `c` on 2 clusters",
        "- Argo CD project `p` no longer lets in namespace `b`",
    ]
    assert said(tree(old), tree(project(("a", "s1"), ("*", "s1"))))[0] == "! Argo CD project `p` lets in namespace `*`"

    assert said({}, tree(old)) == ["+ Argo CD project `p` lets in `a`, `b`"]
    assert said(tree(project(("a", "s1"))), {})[0] == "- Argo CD project `p` goes, which let in `a`"
    other = project(("a", "s1"), ("b", "s1")).replace(b"name: p", b"name: q")
    both = project(("a", "s1")).replace(b"name: p", b"name: q")
    assert said(tree(project(("a", "s1")), both), tree(old, other)) == [
        "+ Argo CD projects `p`, `q` let in namespace `b`"
    ]


# Network


def policy(name: str = "allow", pods: dict[str, str] | None = None, types: str = "Ingress", **spec: Any) -> bytes:
    selector = {"matchLabels": pods} if pods else {}
    spec = {"podSelector": selector, "policyTypes": types.split(), **spec}
    return obj("NetworkPolicy", name, "n", "networking.k8s.io/v1", spec=spec)


def from_namespace(name: str, *ports: int) -> dict[str, Any]:
    selector = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    rule: dict[str, Any] = {"from": [{"namespaceSelector": selector}]}
    return rule | ({"ports": [{"port": port} for port in ports]} if ports else {})


def to_block(cidr: str, **port: Any) -> dict[str, Any]:
    return {"to": [{"ipBlock": {"cidr": cidr}}]} | ({"ports": [port]} if port else {})


def test_edges_that_open_and_close_are_sentences() -> None:
    old = policy(ingress=[from_namespace("a", 80)])
    new = policy(ingress=[from_namespace("a", 80), from_namespace("b", 80, 443)])
    assert said(tree(old), tree(new)) == ["+ from namespace `b` to all pods on TCP 443, TCP 80"]
    assert said(tree(new), tree(old)) == ["- from namespace `b` to all pods on TCP 443, TCP 80"]


def test_the_same_edges_in_other_policies_are_no_change() -> None:
    one = policy(ingress=[from_namespace("a", 80), from_namespace("b", 80)])
    two = [policy("x", ingress=[from_namespace("b", 80)]), policy("y", ingress=[from_namespace("a", 80)])]
    assert said(tree(one), tree(*two)) == []


def test_an_edge_that_another_covers_opens_nothing() -> None:
    def egress(*rules: dict[str, Any]) -> Tree:
        return tree(policy(types="Egress", egress=list(rules)))

    wide = to_block("10.0.0.0/8")
    assert said(egress(wide), egress(wide, to_block("10.1.0.0/16", port=443))) == []
    assert said(egress(wide), egress(wide, to_block("11.0.0.0/8", port=443))) == [
        "+ from all pods to 11.0.0.0/8 on TCP 443"
    ]
    span = to_block("10.0.0.0/8", port=80, endPort=90)
    assert said(egress(span), egress(span, to_block("10.0.0.0/8", port=85))) == []
    assert said(egress(span), egress(span, to_block("10.0.0.0/8", port=91))) == [
        "+ from all pods to 10.0.0.0/8 on TCP 91"
    ]
    assert said(egress(span), egress(span, to_block("10.0.0.0/8", port=85, protocol="UDP"))) == [
        "+ from all pods to 10.0.0.0/8 on UDP 85"
    ]


def test_an_edge_of_some_pods_covers_no_others() -> None:
    some = policy("some", {"app": "x"}, ingress=[from_namespace("a", 80)])
    assert said(tree(some, policy("deny")), tree(some, policy("deny", ingress=[from_namespace("a", 80)]))) == [
        "+ from namespace `a` to all pods on TCP 80"
    ]
    every = policy("every", ingress=[from_namespace("a", 80)])
    assert said(tree(every), tree(every, some)) == []


def test_everybody_is_marked() -> None:
    assert said(tree(policy(ingress=[])), tree(policy(ingress=[{"ports": [{"port": 80}]}]))) == [
        "! from anywhere to all pods on TCP 80"
    ]
    old, new = policy(types="Egress", egress=[]), policy(types="Egress", egress=[to_block("0.0.0.0/0")])
    assert said(tree(old), tree(new)) == ["! from all pods to 0.0.0.0/0 on every port"]


def test_the_last_policy_that_goes_opens_its_pods() -> None:
    deny = policy("deny", types="Ingress Egress")
    allow = policy(pods={"app": "x"}, ingress=[from_namespace("a")])
    assert said(tree(deny, allow), {}) == ["! all pods: no policy limits ingress and egress any more"]
    assert said(tree(deny, allow), tree(deny)) == ["- from namespace `a` to pods `app=x` on every port"]
    assert said(tree(allow), {}) == ["! pods `app=x`: no policy limits ingress any more"]
    assert said({}, tree(deny)) == ["- all pods: ingress and egress is limited to what policies allow"]


def test_a_new_namespace_shows_its_edges_and_one_that_goes_their_number() -> None:
    born = [obj("Namespace", "n"), policy("deny"), policy(ingress=[from_namespace("a", 80)])]
    assert said({}, tree(*born)) == ["+ from namespace `a` to all pods on TCP 80"]
    assert said(tree(*born), {}) == ["- the namespace goes, with what 1 rules let through"]


def listed(*names: str, pods: str = "") -> dict[str, Any]:
    chosen = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(names)}
    peer = {"namespaceSelector": {"matchExpressions": [chosen]}}
    return {"from": [peer | ({"podSelector": {"matchLabels": {"app": pods}}} if pods else {})]}


def test_a_namespace_that_joins_a_list_is_one_edge() -> None:
    two, three = policy(ingress=[listed("a", "b")]), policy(ingress=[listed("a", "b", "c")])
    assert said(tree(two), tree(three)) == ["+ from namespace `c` to all pods on every port"]
    assert said(tree(three), tree(two)) == ["- from namespace `c` to all pods on every port"]
    five = policy(ingress=[listed("a", "b", "c", "d"), listed("e", pods="x")])
    assert said(tree(two), tree(five)) == [
        "+ from namespaces `c`, `d` to all pods on every port",
        "+ from pods `app=x` of namespace `e` to all pods on every port",
    ]


# Alerts and recording rules


def rules(*which: dict[str, Any], name: str = "r", group: str = "g") -> bytes:
    spec = {"groups": [{"name": group, "rules": list(which)}]}
    return obj("PrometheusRule", name, "n", "monitoring.coreos.com/v1", spec=spec)


def alert(expr: str = "a > 1", hold: str = "5m", severity: str = "warning", **rest: Any) -> dict[str, Any]:
    return {"alert": "Down", "expr": expr, "for": hold, "labels": {"severity": severity, **rest}}


@pytest.mark.parametrize(
    ("new", "text"),
    [
        (alert("a > 2"), "! alert `Down` (warning) loosened: threshold 1 -> 2"),
        (alert("a > 0.5"), "+ alert `Down` (warning) tightened: threshold 1 -> 0.5"),
        (alert("a > 2 * 0.5"), None),
        (alert("b > 1"), "~ alert `Down` (warning) changed: its condition"),
        (alert("a >= 1"), "~ alert `Down` (warning) changed: its condition"),
        (alert(hold="10m"), "! alert `Down` (warning) loosened: `for` 5m -> 10m"),
        (alert(hold="60s"), "+ alert `Down` (warning) tightened: `for` 5m -> 60s"),
        (alert(hold="300s"), None),
        (alert(severity="info"), "! alert `Down` (info) loosened: severity warning -> info"),
        (alert(severity="critical"), "+ alert `Down` (critical) tightened: severity warning -> critical"),
        (alert("a > 2", hold="1m"), "~ alert `Down` (warning) changed: threshold 1 -> 2, `for` 5m -> 1m"),
        (alert("a > 2", hold="9m"), "! alert `Down` (warning) loosened: threshold 1 -> 2, `for` 5m -> 9m"),
    ],
)
def test_alerts_are_loosened_or_tightened(new: dict[str, Any], text: str | None) -> None:
    assert said(tree(rules(alert())), tree(rules(new))) == ([text] if text else [])


def test_an_alert_that_goes_on_firing_for_a_shorter_time_is_looser() -> None:
    old, new = (rules(alert() | {"keep_firing_for": time}) for time in ("10m", "5m"))
    text = "! alert `Down` (warning) loosened: `keep_firing_for` 10m -> 5m"
    assert said(tree(old), tree(new)) == [text]
    assert said(tree(new), tree(old)) == ["+ alert `Down` (warning) tightened: `keep_firing_for` 5m -> 10m"]


def test_alerts_that_come_and_go_are_listed_by_object() -> None:
    other = {"alert": "Slow", "expr": "b > 1", "labels": {"severity": "critical"}}
    record = {"record": "a:b", "expr": "sum(a)"}
    assert said(tree(rules(alert())), tree(rules(alert(), other, record))) == [
        "+ 1 alert added: `Slow` (critical)",
        "+ 1 recording rule added: `a:b`",
    ]
    assert said(tree(rules(alert(), other, record)), tree(rules(alert()))) == [
        "! 1 alert removed: `Slow` (critical)",
        "- 1 recording rule removed: `a:b`",
    ]
    assert said(tree(rules(record)), tree(rules(record | {"expr": "sum(b)"}))) == [
        "~ recording rule `a:b` records something else"
    ]


def test_a_rule_that_only_moves_is_the_same() -> None:
    assert said(tree(rules(alert())), tree(rules(alert(), name="other", group="h"))) == []


def test_rules_of_one_name_are_told_apart_by_their_labels() -> None:
    old = rules(alert("a > 1", slo="x"), alert("a > 1", slo="y"))
    new = rules(alert("a > 1", slo="y"), alert("a > 3", slo="x"))
    assert said(tree(old), tree(new)) == ["! alert `Down` (warning, x) loosened: threshold 1 -> 3"]


@pytest.mark.parametrize(
    ("old", "new", "expected", "figures"),
    [
        ("a > 1", "a > 2", Tendency.LOOSER, (("1", "2"),)),
        ("a < 1", "a < 2", Tendency.TIGHTER, (("1", "2"),)),
        ("1 < a", "2 < a", Tendency.LOOSER, (("1", "2"),)),
        ("a > 14.4 * 0.001", "a > 14.4 * 0.01", Tendency.LOOSER, (("0.0144", "0.144"),)),
        ("a > 1 and b > 1", "a > 2 and b > 3", Tendency.LOOSER, (("1", "2"), ("1", "3"))),
        ("a > 1 and b > 1", "a > 2 and b > 2", Tendency.LOOSER, (("1", "2"),)),
        ("a > 1 and b > 1", "a > 2 and b > 0", Tendency.UNKNOWN, (("1", "2"), ("1", "0"))),
        ("a > 1 or b > 1", "a > 1 or b > 2", Tendency.LOOSER, (("1", "2"),)),
        ("a > 1 unless b > 1", "a > 1 unless b > 2", Tendency.TIGHTER, (("1", "2"),)),
        ("(a > 1)", "a > 2", Tendency.LOOSER, (("1", "2"),)),
        ("a > -1", "a > -2", Tendency.TIGHTER, (("-1", "-2"),)),
        ("a == 1", "a == 2", Tendency.UNKNOWN, ()),
        ("a * 2 > 1", "a * 3 > 1", Tendency.UNKNOWN, ()),
        ("a > bool 1", "a > 2", Tendency.UNKNOWN, ()),
        ("a > on (x) b", "a > on (y) b", Tendency.UNKNOWN, ()),
        ("a > b", "a > c", Tendency.UNKNOWN, ()),
        ("a  >  1", "a > 1.0", Tendency.SAME, ()),
        ("a >", "a > 1", Tendency.UNKNOWN, ()),
        ("a > 1 / 0", "a > 2", Tendency.UNKNOWN, ()),
    ],
)
def test_conditions_of_one_shape_are_compared(
    old: str, new: str, expected: Tendency, figures: tuple[tuple[str, str], ...]
) -> None:
    assert tendency(old, new) == (expected, figures)


# Quotas


def quota(namespace: str = "n", **hard: str) -> bytes:
    named = {name.replace("_", "."): value for name, value in hard.items()}
    return obj("ResourceQuota", "q", namespace, tenant="shop", spec={"hard": named})


def test_quotas_are_shown_with_the_sum_of_the_cluster() -> None:
    beside = quota("other", limits_cpu="10", limits_memory="1Gi")
    old, new = quota(limits_cpu="2", requests_cpu="2"), quota(limits_cpu="3", requests_cpu="2500m")
    found = meaning(tree(old, beside), tree(new, beside))
    assert [(g.first.sign, g.first.text, g.first.note) for g in found] == [
        ("~", "tenant `shop`: limits.cpu 2 -> 3 (+50 %)", "sum of the cluster 12 -> 13"),
        ("~", "tenant `shop`: requests.cpu 2 -> 2.5 (+25 %)", "sum of the cluster 2 -> 2.5"),
    ]


def test_requests_and_limits_that_move_together_are_one_line() -> None:
    old, new = (quota(limits_memory=size, requests_memory=size) for size in ("1536Mi", "2Gi"))
    assert said(tree(old), tree(new)) == ["~ tenant `shop`: limits.memory, requests.memory 1.5Gi -> 2Gi (+33 %)"]


def test_quotas_that_end() -> None:
    assert said(tree(quota(pods="2", services="1")), tree(quota(pods="2"))) == ["! tenant `shop`: services 1 -> none"]
    assert said(tree(quota(pods="2")), {}) == ["- tenant `shop`: pods 2 -> none"]
    assert said({}, tree(quota(pods="2"))) == ["+ tenant `shop`: pods none -> 2"]
    assert said(tree(quota(cpu="1")), tree(quota(cpu="1000m"))) == []


def recorded(**rates: int) -> bytes:
    return rules(
        *(
            {"record": "phoenix:tenant_quota_ingest_rate", "expr": f"vector({rate})", "labels": {"tenant_id": tenant}}
            for tenant, rate in rates.items()
        )
    )


def test_quotas_of_datapoints_say_the_sum_and_what_full_use_costs() -> None:
    old, new = tree(recorded(cart=10_000, shop=20_000)), tree(recorded(cart=10_000, shop=30_000))
    (group,) = effects(compare(old, new), old, new, Prices(per_million_points="0.10", per_gigabyte_stored="10"))
    # 20,000 points a second are 51,840 million a month, and 51.84 GB.
    assert group.first.text == (
        "tenant `shop`: datapoints a second 20,000 -> 30,000 (+50 %), used in full 5,702 -> 8,554 USD a month"
    )
    assert group.first.note == "sum of the cluster 30,000 -> 40,000, used in full 8,554 -> 11,405 USD a month"
    assert said(old, new) == ["~ tenant `shop`: datapoints a second 20,000 -> 30,000 (+50 %)"]
    assert said(old, tree(recorded(cart=10_000))) == ["- tenant `shop`: datapoints a second 20,000 -> none"]


# Whatever a tree holds


@pytest.mark.parametrize(
    "kind",
    [
        *("Role", "RoleBinding", "ClusterRole", "NetworkPolicy", "PrometheusRule", "ResourceQuota", "AppProject"),
        *("Deployment", "StatefulSet", "HorizontalPodAutoscaler", "PersistentVolumeClaim", "Service", "Secret"),
    ],
)
@pytest.mark.parametrize("spec", [None, [], "text", 7, {"groups": [None, {"rules": [3, {"alert": []}]}]}])
def test_objects_of_any_form_break_nothing(kind: str, spec: object) -> None:
    one = obj(kind, "x", "n", spec=spec, rules=spec, subjects=spec, roleRef=spec)
    other = obj(
        kind, "x", "n", spec={"hard": [], "egress": {}, "ingress": [{"from": 1}]}, rules=[spec], subjects=[spec]
    )
    meaning(tree(one), tree(other))
    meaning(tree(other), {})


# What is promised, and what it takes


def objective(promise: str = "0.999", window: str = "30", bad: str = "(m) >= bool 100", burns: str = "0.0144") -> bytes:
    labels = {"slo": "up", "service": "shop"}
    records = {
        "slo:objective:ratio": f"vector({promise})",
        "slo:error_budget:ratio": f"vector(1 - {promise})",
        "slo:time_period:days": f"vector({window})",
        "slo:sli_bad:bool": bad,
    }
    burning = {
        "alert": "SLOBudgetBurn",
        "expr": f"a > {burns} and b > {burns}",
        "labels": {**labels, "severity": "critical"},
    }
    return rules(*({"record": name, "expr": expr, "labels": dict(labels)} for name, expr in records.items()), burning)


@pytest.mark.parametrize(
    ("new", "text"),
    [
        (objective("0.99"), "! SLO `up` (shop) loosened: objective 0.999 -> 0.99"),
        (objective("0.9999"), "+ SLO `up` (shop) tightened: objective 0.999 -> 0.9999"),
        (objective(window="7"), "~ SLO `up` (shop) changed: window 30 -> 7 days"),
        (objective("0.99", "7"), "~ SLO `up` (shop) changed: objective 0.999 -> 0.99, window 30 -> 7 days"),
        (objective(bad="(m) >= bool 200"), "! SLO `up` (shop) loosened: threshold 100 -> 200"),
        (objective(bad="(n) >= bool 100"), "~ SLO `up` (shop) changed: its indicator"),
        (objective(burns="0.144"), "! alert `SLOBudgetBurn` (critical, up) loosened: threshold 0.0144 -> 0.144"),
    ],
)
def test_an_slo_is_told_by_what_it_promises_and_what_follows_is_not(new: bytes, text: str) -> None:
    assert said(tree(objective()), tree(new)) == [text]


def test_an_slo_that_comes_or_goes_is_a_line_beside_its_alert() -> None:
    assert said(tree(objective()), {}) == [
        "! 1 alert removed: `SLOBudgetBurn` (critical)",
        "! SLO `up` (shop) removed, objective 0.999, with 4 recording rules",
    ]
    assert said({}, tree(objective()))[1].startswith("+ SLO `up` (shop) added, objective 0.999, with 4")


def needy(kind: str = "Deployment", cpu: str = "1", memory: str = "2Gi", tenant: str = "", **spec: Any) -> bytes:
    pod = {
        "initContainers": [
            {"name": "side", "restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}},
            {"name": "first", "resources": {"requests": {"cpu": "600m", "memory": "1Gi"}}},
        ],
        "containers": [
            {"name": "a", "resources": {"limits": {"cpu": "9", "memory": memory}, "requests": {"cpu": cpu}}}
        ],
    }
    made = obj(kind, "gateway", "ingest", "apps/v1", spec={"template": {"spec": pod}, **spec})
    return made.replace(b"Tenant/x", f"Tenant/{tenant}".encode() if tenant else b"Platform/x")


def costs(old: Tree, new: Tree, prices: Prices | None = None) -> list[str]:
    found = effects(compare(old, new), old, new, prices)
    return [f"{g.first.sign} {g.first.text}" for g in found if g.first.aspect is Aspect.COST]


def test_requests_are_summed_over_replicas_and_priced_by_a_printed_formula() -> None:
    prices = Prices(per_core_month="50", per_gibibyte_month="10")
    assert costs(tree(needy(), scaler(2, 6)), tree(needy(cpu="2"), scaler(2, 6)), prices) == [
        "~ the platform requests 3 to 9 -> 5 to 15 cores: 190 to 570 -> 290 to 870 USD a month (cores x 50 + GiB x 10)"
    ]
    assert costs(tree(needy(replicas=2)), tree(needy(replicas=3), scaler(2, 4))) == [
        "~ the platform requests 3 -> 3 to 6 cores, 4 -> 4 to 8 GiB"
    ]
    assert costs(tree(needy("DaemonSet")), tree(needy("DaemonSet", memory="1Gi")), prices) == [
        "~ the platform requests on each node 2 -> 1 GiB: 95.00 -> 85.00 USD a month (cores x 50 + GiB x 10)"
    ]


def test_requests_of_what_comes_goes_or_is_a_tenants() -> None:
    assert costs({}, tree(needy(tenant="shop"))) == ["~ tenant `shop` requests 0 -> 1.5 cores, 0 -> 2 GiB"]
    assert costs(tree(needy()), {}) == ["~ the platform requests 1.5 -> 0 cores, 2 -> 0 GiB"]
    # What comes first may need more than what stays.
    assert costs({}, tree(needy(cpu="50m", memory="1Mi"))) == ["~ the platform requests 0 -> 1.1 cores, 0 -> 1 GiB"]
    assert costs(tree(needy()), tree(needy(minReadySeconds=5))) == []


def test_a_longer_retention_is_told_with_what_it_costs() -> None:
    def kept(days: int) -> Tree:
        record = {"record": "phoenix:tenant_retention_seconds", "expr": f"vector({days * 86400})"}
        rate = {"record": "phoenix:tenant_quota_ingest_rate", "expr": "vector(10000)"}
        return tree(rules(*({**one, "labels": {"tenant_id": "shop"}} for one in (record, rate))))

    old, new = kept(30), kept(90)
    (group,) = effects(compare(old, new), old, new, Prices(per_million_points="0.10", per_gigabyte_stored="10"))
    # 25,920 million points a month are 2,592 USD; 25.92 GB at a time become 77.76 GB.
    text = "tenant `shop`: days of data kept 30 -> 90 (+200 %), used in full 2,851 -> 3,370 USD a month"
    assert (group.first.text, group.first.note) == (text, "")


def test_sums_of_series_stand_beside_budget_and_capacity() -> None:
    def series(shop: int) -> Tree:
        figures = {"cart": 700_000, "shop": shop}
        record = "phoenix:tenant_quota_active_series"
        return tree(
            rules(*({"record": record, "expr": f"vector({n})", "labels": {"tenant_id": t}} for t, n in figures.items()))
        )

    facts = scopes.cluster("eu", capacity={"activeSeries": 2_000_000})
    held = Held(scopes.environment(clusters=[facts], budget={"activeSeries": 1_600_000, "monthlyCost": "9000"}))
    old, new = series(100_000), series(900_000)
    (group,) = effects(compare(old, new), old, new, None, ({}, {"prod": held}))
    assert group.first.text == "tenant `shop`: active series 100,000 -> 900,000 (+800 %)"
    assert group.first.note == (
        "sum of the cluster 800,000 -> 1,600,000: 100 % of the environment's budget of 1,600,000, "
        "80 % of the cluster's capacity of 2,000,000"
    )
    old, new = tree(recorded(shop=20_000)), tree(recorded(shop=30_000))
    (group,) = effects(compare(old, new), old, new, None, ({}, {"prod": held}))
    assert group.first.note == "sum of the cluster 20,000 -> 30,000; the environment's budget is 9,000"
