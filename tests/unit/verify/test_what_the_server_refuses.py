"""What an API server refuses without its schemas saying so: each refused here too, with its code at its place.

`tests/proof/test_planted_faults.py` asks a real server; these need none.
"""

# ruff: noqa: E501 - a row of a table reads better on one line.
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.crds import Stream, fetch
from phoenix_gitops.verify import Schemas
from tests.unit.verify.samples import MINOR, NAME, RBAC, Body, broken, obj, path_of, pod
from tests.unit.verify.test_faults import BOX, SPEC, add, box, drop, put

Change = Callable[[dict[str, Body]], object]
RULE = ("spec", "egress", 0)
PEER = (*RULE, "to", 0)
METRIC = ("spec", "metrics", 0)
TARGET = (*METRIC, "resource", "target")
LIMIT = ("spec", "limits", 0)
SPREAD = (*SPEC, "topologySpreadConstraints", 0)
NOT_A_FIELD = "`spec.node` is no field of a pod that a variable can hold"


def gateway(*path: Any) -> Change:
    return put("gateway", *path)


def expression(**fields: Any) -> Change:
    return put(
        "policy",
        "spec",
        "podSelector",
        {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["gateway"], **fields}]},
    )


EXPRESSION = ("spec", "podSelector", "matchExpressions", 0)
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}

FAULTS: list[tuple[str, Change, str, str, tuple[Any, ...], str]] = [
    # what, change, object, code, path, message
    ("a finalizer", put("config", "metadata", "finalizers", ["a b"]), "config", "PHX710", ("metadata", "finalizers", 0), "finalizer `a b` is not a qualified name"),
    ("a finalizer twice", put("config", "metadata", "finalizers", ["a.b/c", "a.b/c"]), "config", "PHX718", ("metadata", "finalizers", 1), "finalizer `a.b/c` is given twice"),
    # selectors
    ("an operator", expression(operator="Is"), "policy", "PHX706", (*EXPRESSION, "operator"), "`Is` is not a value of `operator`"),
    ("an operator without values", expression(values=[]), "policy", "PHX704", (*EXPRESSION, "values"), "operator `In` needs `values`"),
    ("an operator with values", expression(operator="Exists"), "policy", "PHX718", (*EXPRESSION, "values"), "operator `Exists` takes no `values`"),
    ("a key of an expression", expression(key="a b"), "policy", "PHX711", (*EXPRESSION, "key"), "label key `a b` is not a qualified name"),
    ("a value of an expression", expression(values=["gateway", "-x"]), "policy", "PHX711", (*EXPRESSION, "values"),
     "label value `-x` is not a label value (letters, digits, `-`, `_` and `.`, a letter or digit at both ends)"),
    ("an empty selector", gateway("spec", "selector", {}), "gateway", "PHX724", ("spec", "selector"), "the selector is empty"),
    ("a spread's selector", gateway(*SPREAD, "labelSelector", {"matchLabels": {"a": "b c"}}), "gateway", "PHX711", (*SPREAD, "labelSelector", "matchLabels", "a"),
     "label value `b c` is not a label value (letters, digits, `-`, `_` and `.`, a letter or digit at both ends)"),
    ("a budget's selector", put("pdb", "spec", "selector", "matchExpressions", [{"key": NAME, "operator": "Has"}]), "pdb", "PHX706",
     ("spec", "selector", "matchExpressions", 0, "operator"), "`Has` is not a value of `operator`"),
    # pods
    ("a spread's key", gateway(*SPREAD, "topologyKey", ""), "gateway", "PHX704", (*SPREAD, "topologyKey"), "`topologyKey` is empty"),
    ("a spread's skew", gateway(*SPREAD, "maxSkew", 0), "gateway", "PHX706", (*SPREAD, "maxSkew"), "`maxSkew` 0 is below 1"),
    ("a spread twice", lambda b: pod(b)["topologySpreadConstraints"].append(pod(b)["topologySpreadConstraints"][0]), "gateway", "PHX718",
     (*SPEC, "topologySpreadConstraints", 1, "topologyKey"), "spread `topology.kubernetes.io/zone, ScheduleAnyway` is given twice"),
    ("a toleration of nothing", gateway(*SPEC, "tolerations", [{"value": "x"}]), "gateway", "PHX706", (*SPEC, "tolerations", 0, "operator"),
     "a toleration without `key` needs the operator `Exists`"),
    ("a toleration with a value", gateway(*SPEC, "tolerations", [{"key": "a", "operator": "Exists", "value": "x"}]), "gateway", "PHX718",
     (*SPEC, "tolerations", 0, "value"), "operator `Exists` takes no `value`"),
    ("a toleration's value", gateway(*SPEC, "tolerations", [{"key": "a", "value": "x y"}]), "gateway", "PHX711", (*SPEC, "tolerations", 0, "value"),
     "label value `x y` is not a label value (letters, digits, `-`, `_` and `.`, a letter or digit at both ends)"),
    ("a toleration's key", gateway(*SPEC, "tolerations", [{"key": "a b"}]), "gateway", "PHX711", (*SPEC, "tolerations", 0, "key"), "label key `a b` is not a qualified name"),
    ("a toleration's time", gateway(*SPEC, "tolerations", [{"key": "a", "tolerationSeconds": 5}]), "gateway", "PHX706", (*SPEC, "tolerations", 0, "effect"),
     "`tolerationSeconds` needs the effect `NoExecute`"),
    ("a user id", gateway(*SPEC, "securityContext", "runAsUser", 2**31), "gateway", "PHX706", (*SPEC, "securityContext", "runAsUser"), "`runAsUser` 2147483648 is above 2147483647"),
    ("a group id", box("securityContext", "runAsGroup", -1), "gateway", "PHX706", (*BOX, "securityContext", "runAsGroup"), "`runAsGroup` -1 is below 0"),
    ("a grace period", gateway(*SPEC, "terminationGracePeriodSeconds", -1), "gateway", "PHX706", (*SPEC, "terminationGracePeriodSeconds"),
     "`terminationGracePeriodSeconds` -1 is below 0"),
    ("a volume without its ConfigMap", gateway(*SPEC, "volumes", 0, {"name": "config", "configMap": {}}), "gateway", "PHX704",
     (*SPEC, "volumes", 0, "configMap", "name"), "`configMap` of volume `config` does not name its `name`"),
    ("a volume of two sources", gateway(*SPEC, "volumes", 0, "emptyDir", {}), "gateway", "PHX718", (*SPEC, "volumes", 0),
     "volume `config` has several sources: `configMap` and `emptyDir`"),
    # containers
    ("a container without name", box("name", ""), "gateway", "PHX710", (*BOX, "name"), "container name `` is not a DNS label (lower-case letters, digits and `-`)"),
    ("a mount without path", box("volumeMounts", 0, "mountPath", ""), "gateway", "PHX704", (*BOX, "volumeMounts", 0, "mountPath"), "`mountPath` is empty"),
    ("a mount's propagation", box("volumeMounts", 0, "mountPropagation", "Both"), "gateway", "PHX706", (*BOX, "volumeMounts", 0, "mountPropagation"),
     "`Both` is not a value of `mountPropagation`"),
    ("a resource", box("resources", "limits", "cpus", "1"), "gateway", "PHX713", (*BOX, "resources", "limits", "cpus"), "`cpus` is not the name of a resource here"),
    ("a variable of nothing", box("env", 1, "valueFrom", {}), "gateway", "PHX704", (*BOX, "env", 1, "valueFrom"), "`valueFrom` of variable `LEVEL` names no source"),
    ("a variable of two sources", box("env", 1, "valueFrom", "fieldRef", {"fieldPath": "metadata.name"}), "gateway", "PHX718", (*BOX, "env", 1, "valueFrom"),
     "`valueFrom` of variable `LEVEL` names several sources: `configMapKeyRef` and `fieldRef`"),
    ("a variable of no field", box("env", 1, "valueFrom", {"fieldRef": {"fieldPath": "spec.node"}}), "gateway", "PHX706", (*BOX, "env", 1, "valueFrom", "fieldRef", "fieldPath"), NOT_A_FIELD),
    ("a probe without handler", box("livenessProbe", {}), "gateway", "PHX704", (*BOX, "livenessProbe"), "`livenessProbe` has no handler"),
    ("a probe of two handlers", box("livenessProbe", "exec", {"command": ["true"]}), "gateway", "PHX718", (*BOX, "livenessProbe"),
     "`livenessProbe` has several handlers: `exec` and `httpGet`"),
    ("a hook of two handlers", box("lifecycle", {"preStop": {"exec": {"command": ["x"]}, "sleep": {"seconds": 1}}}), "gateway", "PHX718",
     (*BOX, "lifecycle", "preStop"), "`preStop` has several handlers: `exec` and `sleep`"),
    ("a probe's period", box("livenessProbe", "periodSeconds", -1), "gateway", "PHX706", (*BOX, "livenessProbe", "periodSeconds"), "`periodSeconds` -1 is below 0"),
    ("two successes to live", box("livenessProbe", "successThreshold", 2), "gateway", "PHX706", (*BOX, "livenessProbe", "successThreshold"), "`successThreshold` 2 is above 1"),
    ("no time to end", box("livenessProbe", "terminationGracePeriodSeconds", 0), "gateway", "PHX706", (*BOX, "livenessProbe", "terminationGracePeriodSeconds"),
     "`terminationGracePeriodSeconds` 0 is below 1"),
    # workloads
    ("negative replicas", gateway("spec", "replicas", -1), "gateway", "PHX706", ("spec", "replicas"), "`replicas` -1 is below 0"),
    ("a roll that cannot begin", gateway("spec", "strategy", ROLLING), "gateway", "PHX706", ("spec", "strategy", "rollingUpdate"),
     "a roll that neither surges nor lets a pod go cannot begin"),
    ("a share", gateway("spec", "strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "2.5%"}}), "gateway", "PHX706",
     ("spec", "strategy", "rollingUpdate", "maxSurge"), "`2.5%` is not a value of `maxSurge`"),
    ("a deadline before pods are ready", gateway("spec", "minReadySeconds", 600), "gateway", "PHX706", ("spec", "minReadySeconds"),
     "`minReadySeconds` 600 is not below `progressDeadlineSeconds` 600"),
    ("a negative history", gateway("spec", "revisionHistoryLimit", -1), "gateway", "PHX706", ("spec", "revisionHistoryLimit"), "`revisionHistoryLimit` -1 is below 0"),
    ("a host's name", gateway(*SPEC, "hostname", "Host"), "gateway", "PHX710", (*SPEC, "hostname"), "`hostname` `Host` is not a DNS label (lower-case letters, digits and `-`)"),
    ("a runtime's name", gateway(*SPEC, "runtimeClassName", "g_visor"), "gateway", "PHX710", (*SPEC, "runtimeClassName"),
     "`runtimeClassName` `g_visor` is not a DNS name (lower-case letters, digits, `-` and `.`)"),
    ("an operating system", gateway(*SPEC, "os", {"name": "plan9"}), "gateway", "PHX706", (*SPEC, "os", "name"), "`plan9` is not a value of `name`"),
    ("a pod's own files", gateway(*SPEC, "securityContext", "fsGroupChangePolicy", "Never"), "gateway", "PHX706", (*SPEC, "securityContext", "fsGroupChangePolicy"),
     "`Never` is not a value of `fsGroupChangePolicy`"),
    ("a profile of nobody", box("securityContext", "appArmorProfile", {"type": "Local"}), "gateway", "PHX706", (*BOX, "securityContext", "appArmorProfile", "type"),
     "`Local` is not a value of `type`"),
    ("a profile without path", box("securityContext", "seccompProfile", {"type": "Localhost"}), "gateway", "PHX704",
     (*BOX, "securityContext", "seccompProfile", "localhostProfile"), "the type `Localhost` needs a `localhostProfile`"),
    ("a path without its profile", gateway(*SPEC, "securityContext", "seccompProfile", "localhostProfile", "x"), "gateway", "PHX718",
     (*SPEC, "securityContext", "seccompProfile", "localhostProfile"), "`localhostProfile` needs the type `Localhost`"),
    ("a mode of files", gateway(*SPEC, "volumes", 0, "configMap", "defaultMode", 0o1000), "gateway", "PHX706", (*SPEC, "volumes", 0, "configMap", "defaultMode"),
     "`defaultMode` 512 is above 511"),
    ("a policy for resizing", box("resizePolicy", [{"resourceName": "disk", "restartPolicy": "NotRequired"}]), "gateway", "PHX706", (*BOX, "resizePolicy", 0, "resourceName"),
     "`disk` is not a value of `resourceName`"),
    ("variables of nothing", box("envFrom", [{"prefix": "A_"}]), "gateway", "PHX704", (*BOX, "envFrom", 0), "`envFrom` names neither `configMapRef` nor `secretRef`"),
    ("variables of two", box("envFrom", [{"configMapRef": {"name": "gateway-config"}, "secretRef": {"name": "store-token"}}]), "gateway", "PHX718", (*BOX, "envFrom", 0),
     "`envFrom` names both `configMapRef` and `secretRef`"),
    ("variables of nobody", box("envFrom", [{"configMapRef": {}}]), "gateway", "PHX704", (*BOX, "envFrom", 0, "configMapRef", "name"), "`configMapRef` does not name its object"),
    ("where traffic goes", put("service", "spec", "trafficDistribution", "Near"), "service", "PHX706", ("spec", "trafficDistribution"), "`Near` is not a value of `trafficDistribution`"),
    # autoscalers and budgets
    ("no metric", drop("hpa", "spec", "metrics"), "hpa", "PHX704", ("spec", "metrics"), "the autoscaler follows no metric"),
    ("a metric without source", drop("hpa", *METRIC, "resource"), "hpa", "PHX704", (*METRIC, "resource"), "a metric of type `Resource` needs `resource`"),
    ("a metric of another source", put("hpa", *METRIC, "pods", {"metric": {"name": "x"}, "target": {"type": "AverageValue", "averageValue": "1"}}), "hpa", "PHX718",
     (*METRIC, "pods"), "a metric of type `Resource` takes no `pods`"),
    ("a metric without name", put("hpa", *METRIC, "resource", "name", ""), "hpa", "PHX704", (*METRIC, "resource", "name"), "`name` is empty"),
    ("a target without figure", drop("hpa", *TARGET, "averageUtilization"), "hpa", "PHX704", TARGET, "the target needs `averageUtilization` or `averageValue`"),
    ("a target of two figures", put("hpa", *TARGET, "averageValue", "1"), "hpa", "PHX718", TARGET, "the target has both `averageUtilization` and `averageValue`"),
    ("a target of nothing", put("hpa", *TARGET, "averageUtilization", 0), "hpa", "PHX706", (*TARGET, "averageUtilization"), "`averageUtilization` 0 is below 1"),
    ("what is scaled, without group", put("hpa", "spec", "scaleTargetRef", "apiVersion", "v1"), "hpa", "PHX706", ("spec", "scaleTargetRef", "apiVersion"),
     "`v1` names no API group"),
    ("what is scaled, without version", drop("hpa", "spec", "scaleTargetRef", "apiVersion"), "hpa", "PHX706", ("spec", "scaleTargetRef", "apiVersion"),
     "`scaleTargetRef` names no `apiVersion`"),
    ("a negative budget", put("pdb", "spec", "maxUnavailable", -1), "pdb", "PHX706", ("spec", "maxUnavailable"), "`maxUnavailable` -1 is below 0"),
    # quotas
    ("what a quota counts", put("quota", "spec", "hard", "pod", "2"), "quota", "PHX713", ("spec", "hard", "pod"), "`pod` is not the name of a resource here"),
    ("half a pod", put("quota", "spec", "hard", "pods", "1.5"), "quota", "PHX713", ("spec", "hard", "pods"), "`1.5` of pods is not a whole number"),
    ("a limit twice", put("limits", "spec", "limits", [{"type": "Container"}, {"type": "Container"}]), "limits", "PHX718", ("spec", "limits", 1, "type"),
     "limit `Container` is given twice"),
    ("a default above its limit", put("limits", *LIMIT, "defaultRequest", {"memory": "1Gi"}), "limits", "PHX714", (*LIMIT, "defaultRequest", "memory"),
     "memory: default request `1Gi` is above default limit `256Mi`"),
    ("a minimum above all", put("limits", *LIMIT, "min", {"memory": "1Gi"}), "limits", "PHX714", (*LIMIT, "min", "memory"), "memory: minimum `1Gi` is above default limit `256Mi`"),
    ("a ratio below 1", put("limits", *LIMIT, "maxLimitRequestRatio", {"cpu": "0.5"}), "limits", "PHX713", (*LIMIT, "maxLimitRequestRatio", "cpu"), "ratio `0.5` of cpu is below 1"),
    ("no ratio", put("limits", *LIMIT, "maxLimitRequestRatio", {"cpu": "x"}), "limits", "PHX713", (*LIMIT, "maxLimitRequestRatio", "cpu"), "`x` is not a quantity"),
    # network policies
    ("a peer of nobody", put("policy", *PEER, {}), "policy", "PHX704", PEER, "the peer says nothing of whom it means"),
    ("no CIDR", put("policy", *PEER, "ipBlock", "cidr", ""), "policy", "PHX706", (*PEER, "ipBlock", "cidr"), "`` is not a CIDR"),
    ("an exception from elsewhere", put("policy", *PEER, "ipBlock", {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}), "policy", "PHX706",
     (*PEER, "ipBlock", "except", 0), "`11.0.0.0/16` is not within `10.0.0.0/8`"),
    ("an exception of all", put("policy", *PEER, "ipBlock", {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}), "policy", "PHX706",
     (*PEER, "ipBlock", "except", 0), "`10.0.0.0/8` is not within `10.0.0.0/8`"),
    ("an exception that is none", put("policy", *PEER, "ipBlock", {"cidr": "10.0.0.0/8", "except": ["x"]}), "policy", "PHX706", (*PEER, "ipBlock", "except", 0), "`x` is not a CIDR"),
    ("a type twice", put("policy", "spec", "policyTypes", ["Egress", "Egress"]), "policy", "PHX718", ("spec", "policyTypes", 1), "`Egress` is given twice"),
    ("a port without name", put("policy", *RULE, "ports", 0, "port", ""), "policy", "PHX715", (*RULE, "ports", 0, "port"),
     "port name `` is not a port name (lower-case letters, digits and single `-` within, at least one letter)"),
    ("a range backwards", put("policy", *RULE, "ports", 0, "endPort", 52), "policy", "PHX715", (*RULE, "ports", 0, "endPort"),
     "`endPort` 52 ends no range that begins with port `53`"),
    # services and namespaces
    ("an address", put("service", "spec", "clusterIP", "10.0.0.256"), "service", "PHX706", ("spec", "clusterIP"), "`10.0.0.256` is not an IP address"),
    ("a version of Pod Security", put("namespace", "metadata", "labels", "pod-security.kubernetes.io/warn-version", "1.34"), "namespace", "PHX706",
     ("metadata", "labels", "pod-security.kubernetes.io/warn-version"), "`1.34` is not a version of Pod Security"),
    # rights
    ("a rule without verbs", put("role", "rules", 0, "verbs", []), "role", "PHX704", ("rules", 0, "verbs"), "rule of ClusterRole names no `verbs`"),
    ("a rule without groups", drop("role", "rules", 0, "apiGroups"), "role", "PHX704", ("rules", 0, "apiGroups"), "rule of ClusterRole names no `apiGroups`"),
    ("a rule without resources", put("role", "rules", 0, "resources", []), "role", "PHX704", ("rules", 0, "resources"), "rule of ClusterRole names no `resources`"),
    ("URLs beside resources", put("role", "rules", 0, "nonResourceURLs", ["/metrics"]), "role", "PHX718", ("rules", 0, "nonResourceURLs"),
     "`nonResourceURLs` do not fit here: a rule takes either these or resources"),
    ("URLs in a Role", add("r", obj(f"{RBAC}/v1", "Role", "r", rules=[{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}])), "r", "PHX718",
     ("rules", 0, "nonResourceURLs"), "`nonResourceURLs` do not fit here: a Role cannot grant them"),
    ("a role of another group", put("binding", "roleRef", "apiGroup", "rbac"), "binding", "PHX706", ("roleRef", "apiGroup"), "`rbac` is not a value of `apiGroup`"),
    ("a role without name", put("binding", "roleRef", "name", ""), "binding", "PHX704", ("roleRef", "name"), "`name` is empty"),
    ("a Role for the cluster", put("binding", "roleRef", "kind", "Role"), "binding", "PHX706", ("roleRef", "kind"), "a ClusterRoleBinding cannot grant a Role"),
    ("a subject without name", put("binding", "subjects", 0, "name", ""), "binding", "PHX704", ("subjects", 0, "name"), "`name` is empty"),
    ("a subject of another group", put("binding", "subjects", 0, "apiGroup", RBAC), "binding", "PHX706", ("subjects", 0, "apiGroup"),
     f"`{RBAC}` is not the group of the subject's kind"),
    # kinds
    ("a kind that nobody could have", put("application", "kind", "An Application"), "application", "PHX701", ("kind",), "unknown kind `An Application` of `argoproj.io/v1alpha1`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "name", "code", "at", "message"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS]
)
def test_it_is_refused(change: Change, name: str, code: str, at: tuple[Any, ...], message: str) -> None:
    found = [(f.code, f.at, f.message) for f in broken(change) if f.path == path_of(name)]
    assert (code, at, message) in found, found


ACCEPTED: list[tuple[str, Change]] = [
    ("a finalizer of Argo CD", put("application", "metadata", "finalizers", ["resources-finalizer.argocd.argoproj.io"])),
    ("an expression without values", expression(operator="Exists", values=[])),
    ("a toleration of everything", gateway(*SPEC, "tolerations", [{"operator": "Exists"}])),
    ("a toleration for a while", gateway(*SPEC, "tolerations", [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 5}])),
    ("the highest user", gateway(*SPEC, "securityContext", "runAsUser", 2**31 - 1)),
    ("an extended resource", box("resources", "limits", "example.com/gpu", "1")),
    ("huge pages", box("resources", "limits", "hugepages-2Mi", "4Mi")),
    ("a label as variable", box("env", 1, "valueFrom", {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}})),
    ("two successes to be ready", box("readinessProbe", "successThreshold", 2)),
    ("a probe by command", box("livenessProbe", {"exec": {"command": ["true"]}})),
    ("a roll that surges of itself", gateway("spec", "strategy", {"rollingUpdate": {"maxUnavailable": 0}})),
    ("a roll that lets go of itself", gateway("spec", "strategy", {"rollingUpdate": {"maxSurge": 0}})),
    ("a profile of the node", gateway(*SPEC, "securityContext", "seccompProfile", {"type": "Localhost", "localhostProfile": "x.json"})),
    ("a deadline after pods are ready", gateway("spec", "minReadySeconds", 599)),
    ("variables of a ConfigMap", box("envFrom", [{"configMapRef": {"name": "gateway-config"}}])),
    ("a metric from outside", put("hpa", *METRIC, {"type": "External", "external": {"metric": {"name": "x"}, "target": {"type": "Value", "value": "5"}}})),
    ("objects counted by a quota", put("quota", "spec", "hard", "count/deployments.apps", "4")),
    ("a ratio of a half more", put("limits", *LIMIT, "maxLimitRequestRatio", {"memory": "1.5"})),
    ("a part of a block", put("policy", *PEER, "ipBlock", {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]})),
    ("a range of ports", put("policy", *RULE, "ports", 0, "endPort", 53)),
    ("an address of IPv6", put("service", "spec", "clusterIP", "2001:db8::1")),
    ("the latest Pod Security", put("namespace", "metadata", "labels", "pod-security.kubernetes.io/warn-version", "latest")),
    ("URLs in a ClusterRole", lambda b: b["role"]["rules"].append({"nonResourceURLs": ["/metrics"], "verbs": ["get"]})),
    ("a group as subject", add("b", obj(f"{RBAC}/v1", "RoleBinding", "b", roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
                                       subjects=[{"kind": "Group", "apiGroup": RBAC, "name": "devs"}]))),
]  # fmt: skip


@pytest.mark.parametrize("change", [pytest.param(row[1], id=row[0]) for row in ACCEPTED])
def test_it_passes(change: Change) -> None:
    assert [(f.code, f.at, f.message) for f in broken(change)] == []


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def test_a_kind_that_its_operator_does_not_have(tmp_path: Path) -> None:
    fetch([Stream(CRD.encode())], tmp_path)
    schemas = Schemas(MINOR, tmp_path)
    assert schemas.check(obj("example.com/v1", "Widget", "a")).faults == ()
    (fault,) = schemas.check(obj("example.com/v1", "Flange", "a")).faults
    assert (fault.code, fault.at, fault.message) == ("PHX701", ("kind",), "unknown kind `Flange` of `example.com/v1`")
    assert fault.help == (
        "if a newer operator has it, `phoenix schema fetch` takes its schema from a cluster, a directory or a URL"
    )
    assert schemas.check(obj("other.example.com/v1", "Flange", "a")).unchecked
