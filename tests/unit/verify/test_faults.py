"""Planted faults: the good cluster passes, and each fault is refused with its code at its place."""

# ruff: noqa: E501 - a row of a table reads better on one line.
from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.verify import ObjectRef, verify
from tests.unit.verify.samples import (
    NAME,
    NS,
    RBAC,
    Body,
    broken,
    cluster,
    container,
    good_facts,
    located,
    obj,
    path_of,
    pod,
    schemas,
    workload,
)

Change = Callable[[dict[str, Body]], object]
SPEC = ("spec", "template", "spec")
BOX = (*SPEC, "containers", 0)


def put(name: str, *path: Any) -> Change:
    """Set the last but one step of a path in an object to the last."""

    def change(bodies: dict[str, Body]) -> None:
        node: Any = bodies[name]
        for step in path[:-2]:
            node = node[step]
        node[path[-2]] = path[-1]

    return change


def drop(name: str, *path: Any) -> Change:
    def change(bodies: dict[str, Body]) -> None:
        node: Any = bodies[name]
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]

    return change


def add(name: str, body: Body) -> Change:
    return lambda bodies: bodies.__setitem__(name, body)


def box(*path: Any) -> Change:
    return put("gateway", *BOX, *path)


def rename(name: str, new: str) -> Change:
    return put(name, "metadata", "name", new)


def again(bodies: dict[str, Body], *path: Any) -> None:
    node: Any = bodies["gateway"]
    for step in path:
        node = node[step]
    node.append(copy.deepcopy(node[0]))


def rule(**fields: Any) -> Change:
    return lambda bodies: bodies["role"]["rules"][0].update(fields)


def context(**fields: Any) -> Change:
    return lambda bodies: container(bodies)["securityContext"].update(fields)


FAULTS: list[tuple[str, Change, str, str, tuple[Any, ...], str]] = [
    # what, change, object, code, path, message
    # schemas
    ("a wrong type", put("gateway", "spec", "replicas", "two"), "gateway", "PHX705", ("spec", "replicas"),
     "`replicas` is a string (`two`), not a whole number"),
    ("an unknown field", box("imagee", "x:1"), "gateway", "PHX703", (*BOX, "imagee"), "unknown field `imagee` in `containers[0]`"),
    ("a missing field", drop("gateway", "spec", "selector"), "gateway", "PHX704", ("spec", "selector"), "`spec` lacks the field `selector`"),
    ("a mapping for int-or-string", put("service", "spec", "ports", 0, "targetPort", {}), "service", "PHX705",
     ("spec", "ports", 0, "targetPort"), "`targetPort` is a mapping, not a string or a whole number"),
    ("a removed version", put("pdb", "apiVersion", "policy/v1beta1"), "pdb", "PHX702", ("apiVersion",),
     "PodDisruptionBudget is not served as `policy/v1beta1` in Kubernetes 1.34"),
    ("a group that was emptied", put("ingress", "apiVersion", "extensions/v1beta1"), "ingress", "PHX702", ("apiVersion",),
     "Ingress is not served as `extensions/v1beta1` in Kubernetes 1.34"),
    ("a group without domain", put("role", "apiVersion", "rbac/v1"), "role", "PHX702", ("apiVersion",),
     "ClusterRole is not served as `rbac/v1` in Kubernetes 1.34"),
    ("a custom kind in the core group", add("x", obj("v1", "ServiceMonitor", "x")), "x", "PHX701", ("kind",),
     "unknown kind `ServiceMonitor` of `v1`"),
    ("a misspelt kind", put("gateway", "kind", "Deploymnet"), "gateway", "PHX701", ("kind",), "unknown kind `Deploymnet` of `apps/v1`"),
    ("no kind", drop("config", "kind"), "config", "PHX704", ("kind",), "the object lacks the field `kind`"),
    ("a namespace on a cluster's object", put("role", "metadata", "namespace", NS), "role", "PHX730", ("metadata", "namespace"),
     "ClusterRole is cluster-scoped and has namespace `phoenix`"),
    ("no namespace", drop("account", "metadata", "namespace"), "account", "PHX730", ("metadata", "namespace"), "ServiceAccount has no namespace"),
    # names, labels, annotations
    ("a bad name", rename("config", "BAD_Name"), "config", "PHX710", ("metadata", "name"),
     "ConfigMap name `BAD_Name` is not a DNS name (lower-case letters, digits, `-` and `.`)"),
    ("a dot in a Namespace", add("n", obj("v1", "Namespace", "a.b", "")), "n", "PHX710", ("metadata", "name"),
     "Namespace name `a.b` is not a DNS label (lower-case letters, digits and `-`)"),
    ("a Service that begins with a digit", rename("service", "9gw"), "service", "PHX710", ("metadata", "name"),
     "Service name `9gw` is not a Service name (lower-case letters, digits and `-`, a letter first)"),
    ("a slash in a role", rename("role", "a/b"), "role", "PHX710", ("metadata", "name"),
     "ClusterRole name `a/b` is not a path segment (no `/`, no `%`, not `.` or `..`)"),
    ("a CronJob whose Jobs have no room", rename("cron", "c" * 53), "cron", "PHX710", ("metadata", "name"),
     f"CronJob name `{'c' * 53}` has 53 characters; the controller of a CronJob leaves room for 52"),
    ("a label value", put("gateway", "metadata", "labels", "team", "b c d!!"), "gateway", "PHX711", ("metadata", "labels", "team"),
     "label value `b c d!!` is not a label value (letters, digits, `-`, `_` and `.`, a letter or digit at both ends)"),
    ("a label key", put("gateway", "spec", "template", "metadata", "labels", "-x", "1"), "gateway", "PHX711",
     ("spec", "template", "metadata", "labels", "-x"), "label key `-x` is not a qualified name"),
    ("a label prefix", put("config", "metadata", "labels", {"A_B/x": "1"}), "config", "PHX711", ("metadata", "labels", "A_B/x"),
     "label key `A_B/x` has a prefix that is not a DNS name (lower-case letters, digits, `-` and `.`)"),
    ("an annotation key", put("config", "metadata", "annotations", {"a b": "1"}), "config", "PHX712", ("metadata", "annotations", "a b"),
     "annotation key `a b` is not a qualified name"),
    ("large annotations", put("config", "metadata", "annotations", {"a": "x" * 262144}), "config", "PHX712", ("metadata", "annotations"),
     "annotations hold 262145 bytes, of at most 262144"),
    ("a container's name", box("name", "Collector"), "gateway", "PHX710", (*BOX, "name"),
     "container name `Collector` is not a DNS label (lower-case letters, digits and `-`)"),
    ("a variable's name", box("env", 0, "name", "A B"), "gateway", "PHX710", (*BOX, "env", 0, "name"), "`A B` is not the name of a variable"),
    ("a ConfigMap's key", put("config", "data", "a/b", "x"), "config", "PHX710", ("data", "a/b"),
     "key `a/b` is not a valid key (letters, digits, `-`, `_` and `.`, at most 253)"),
    # quantities
    ("a quantity", box("resources", "limits", "memory", "100qq"), "gateway", "PHX713", (*BOX, "resources", "limits", "memory"),
     "`100qq` is not a quantity"),
    ("memory in thousandths", box("resources", "requests", "memory", "512m"), "gateway", "PHX713", (*BOX, "resources", "requests", "memory"),
     "`512m` of memory is a fraction of a byte"),
    ("a negative quota", put("quota", "spec", "hard", "pods", "-1"), "quota", "PHX713", ("spec", "hard", "pods"), "quantity `-1` is negative"),
    ("a limit range", put("limits", "spec", "limits", 0, "default", "memory", "1 Gi"), "limits", "PHX713",
     ("spec", "limits", 0, "default", "memory"), "`1 Gi` is not a quantity"),
    ("request over limit", box("resources", "requests", "memory", "1025Mi"), "gateway", "PHX714", (*BOX, "resources", "requests", "memory"),
     "memory request `1025Mi` is above its limit `1Gi`"),
    ("cpu over limit", box("resources", "requests", "cpu", 2), "gateway", "PHX714", (*BOX, "resources", "requests", "cpu"),
     "cpu request `2` is above its limit `1`"),
    # ports
    ("a port too high", put("service", "spec", "ports", 1, "port", 99999), "service", "PHX715", ("spec", "ports", 1, "port"),
     "port `99999` is not between 1 and 65535"),
    ("a port of zero", box("ports", 0, "containerPort", 0), "gateway", "PHX715", (*BOX, "ports", 0, "containerPort"),
     "port `0` is not between 1 and 65535"),
    ("a long port name", box("ports", 1, "name", "a-very-long-name"), "gateway", "PHX715", (*BOX, "ports", 1, "name"),
     "port name `a-very-long-name` has 16 characters, of at most 15"),
    ("a port name without letter", box("ports", 1, "name", "4318"), "gateway", "PHX715", (*BOX, "ports", 1, "name"),
     "port name `4318` is not a port name (lower-case letters, digits and single `-` within, at least one letter)"),
    ("unnamed ports", drop("service", "spec", "ports", 1, "name"), "service", "PHX704", ("spec", "ports", 1, "name"),
     "a Service with several ports must name each of them"),
    ("no ports", put("service", "spec", "ports", []), "service", "PHX704", ("spec", "ports"), "Service has no ports"),
    # closed values
    ("a Service type", put("service", "spec", "type", "Foo"), "service", "PHX706", ("spec", "type"), "`Foo` is not a value of `type`"),
    ("a protocol", box("ports", 0, "protocol", "tcp"), "gateway", "PHX706", (*BOX, "ports", 0, "protocol"), "`tcp` is not a value of `protocol`"),
    ("a pull policy", box("imagePullPolicy", "Sometimes"), "gateway", "PHX706", (*BOX, "imagePullPolicy"),
     "`Sometimes` is not a value of `imagePullPolicy`"),
    ("a restart policy", put("gateway", *SPEC, "restartPolicy", "Never"), "gateway", "PHX706", (*SPEC, "restartPolicy"),
     "`Never` is not a value of `restartPolicy` in a Deployment"),
    ("a Job that restarts for ever", drop("cron", "spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"), "cron", "PHX706",
     ("spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"), "`Always` is not a value of `restartPolicy` in a CronJob"),
    ("a Pod Security level", put("namespace", "metadata", "labels", "pod-security.kubernetes.io/warn", "strict"), "namespace", "PHX706",
     ("metadata", "labels", "pod-security.kubernetes.io/warn"), "`strict` is not a value of `pod-security.kubernetes.io/warn`"),
    ("a policy type", put("policy", "spec", "policyTypes", 1, "egress"), "policy", "PHX706", ("spec", "policyTypes", 1),
     "`egress` is not a value of `policyTypes`"),
    ("a CIDR with host bits", put("policy", "spec", "egress", 0, "to", 0, "ipBlock", "cidr", "10.0.0.1/8"), "policy", "PHX706",
     ("spec", "egress", 0, "to", 0, "ipBlock", "cidr"), "`10.0.0.1/8` is not a CIDR"),
    ("an address without mask", put("policy", "spec", "egress", 0, "to", 0, "ipBlock", "cidr", "10.0.0.1"), "policy", "PHX706",
     ("spec", "egress", 0, "to", 0, "ipBlock", "cidr"), "`10.0.0.1` is not a CIDR"),
    ("more than most", put("hpa", "spec", "minReplicas", 7), "hpa", "PHX706", ("spec", "minReplicas"), "`minReplicas` 7 is above `maxReplicas` 6"),
    ("a duration of days", put("application", "spec", "syncPolicy", "retry", "backoff", "maxDuration", "1d"), "application", "PHX716",
     ("spec", "syncPolicy", "retry", "backoff", "maxDuration"), "`1d` is not a duration for `maxDuration`"),
    # duplicates
    ("a variable twice", lambda b: again(b, *BOX, "env"), "gateway", "PHX718", (*BOX, "env", 3, "name"), "variable `GOMEMLIMIT` is given twice"),
    ("a volume twice", lambda b: again(b, *SPEC, "volumes"), "gateway", "PHX718", (*SPEC, "volumes", 1, "name"), "volume `config` is given twice"),
    ("a mount path twice", lambda b: again(b, *BOX, "volumeMounts"), "gateway", "PHX718", (*BOX, "volumeMounts", 1, "mountPath"),
     "mount path `/conf` is given twice"),
    ("a container port twice", box("ports", 1, "containerPort", 4317), "gateway", "PHX718", (*BOX, "ports", 1, "containerPort"),
     "container port `4317/TCP` is given twice"),
    ("both budgets", put("pdb", "spec", "minAvailable", 1), "pdb", "PHX718", ("spec",),
     "PodDisruptionBudget sets both of `minAvailable` and `maxUnavailable`"),
    # the pod in itself
    ("an unknown volume", box("volumeMounts", 0, "name", "conf"), "gateway", "PHX719", (*BOX, "volumeMounts", 0, "name"),
     "mount of volume `conf` that the pod does not have"),
    ("a large ConfigMap", put("config", "data", "config.yaml", "x" * 943718), "config", "PHX720", ("data",),
     "ConfigMap holds 943738 bytes of data, of at most 943718"),
    ("a Secret with data", add("s", obj("v1", "Secret", "s", data={"a": "YQ=="})), "s", "PHX721", ("data",),
     "Secret with `data` would be committed to Git"),
    ("a Secret in plain", add("s", obj("v1", "Secret", "s", stringData={"a": "b"})), "s", "PHX721", ("stringData",),
     "Secret with `stringData` would be committed to Git"),
    ("no tag", box("image", "registry.example.com:5000/otel/collector"), "gateway", "PHX722", (*BOX, "image"),
     "image `registry.example.com:5000/otel/collector` has no tag"),
    ("a floating tag", box("image", "otel:latest"), "gateway", "PHX722", (*BOX, "image"), "image `otel:latest` floats: tag `latest` moves"),
    ("a probe's port by name", box("readinessProbe", "httpGet", "port", "healthz"), "gateway", "PHX723",
     (*BOX, "readinessProbe", "httpGet", "port"), "probe of port `healthz` that the container does not have"),
    ("a probe's port by number", box("livenessProbe", "httpGet", "port", 13134), "gateway", "PHX723",
     (*BOX, "livenessProbe", "httpGet", "port"), "probe of port `13134` that the container does not have"),
    ("a selector off its template", put("gateway", "spec", "selector", "matchLabels", "tier", "a"), "gateway", "PHX724", ("spec", "selector"),
     "the selector does not match the labels of `spec.template`"),
    ("no probe", lambda b: [container(b).pop(k) for k in ("readinessProbe", "livenessProbe")], "gateway", "PHX731", BOX,
     "container `collector` has no probe"),
    ("no memory limit", drop("gateway", *BOX, "resources", "limits", "memory"), "gateway", "PHX728", (*BOX, "resources"),
     "container `collector` lacks `limits.memory`"),
    ("no requests", lambda b: container(b)["resources"].pop("limits") and container(b)["resources"].pop("requests"), "gateway", "PHX728",
     (*BOX, "resources"), "container `collector` lacks `requests.cpu`, `requests.memory`, `limits.memory`"),
    # rights
    ("all verbs", rule(verbs=["*"]), "role", "PHX729", ("rules", 0, "verbs"), "ClusterRole grants wildcard `*` in `verbs`"),
    ("all resources", rule(resources=["*"]), "role", "PHX729", ("rules", 0, "resources"), "ClusterRole grants wildcard `*` in `resources`"),
    ("all subresources", rule(resources=["pods/*"]), "role", "PHX729", ("rules", 0, "resources"), "ClusterRole grants wildcard `pods/*` in `resources`"),
    ("secrets everywhere", rule(resources=["secrets"]), "role", "PHX729", ("rules", 0, "resources"),
     "ClusterRole grants access to the secrets of every namespace"),
    ("rights that grow", rule(verbs=["escalate"]), "role", "PHX729", ("rules", 0, "verbs"), "ClusterRole grants `escalate`, by which rights grow"),
    ("any role bound", rule(verbs=["bind"], resources=["roles"]), "role", "PHX729", ("rules", 0, "verbs"), "ClusterRole grants `bind`, by which rights grow"),
    ("a named cluster role bound", rule(verbs=["bind"], resources=["clusterroles"], resourceNames=["a"]), "role", "PHX729", ("rules", 0, "verbs"),
     "ClusterRole grants `bind`, by which rights grow"),
    ("rights for everyone", put("binding", "subjects", [{"kind": "Group", "apiGroup": RBAC, "name": "system:authenticated"}]), "binding", "PHX729",
     ("subjects", 0, "name"), "binding grants rights to everyone (`system:authenticated`)"),
    # Pod Security
    ("an escalation", context(allowPrivilegeEscalation=True), "gateway", "PHX727", (*BOX, "securityContext", "allowPrivilegeEscalation"),
     "container `collector` does not set `allowPrivilegeEscalation: false`, which Pod Security `restricted` refuses"),
    ("a host path", lambda b: pod(b)["volumes"].append({"name": "h", "hostPath": {"path": "/"}}), "gateway", "PHX727",
     (*SPEC, "volumes", 1, "hostPath"), "volume of type `hostPath`, which Pod Security `restricted` refuses"),
    # other objects
    ("a missing ConfigMap", lambda b: b.pop("config"), "gateway", "PHX740", (*SPEC, "volumes", 0, "configMap", "name"),
     "ConfigMap `gateway-config` in namespace `phoenix` does not exist"),
    ("a missing key", box("env", 1, "valueFrom", "configMapKeyRef", "key", "levle"), "gateway", "PHX740",
     (*BOX, "env", 1, "valueFrom", "configMapKeyRef", "key"), "ConfigMap `gateway-config` in namespace `phoenix` has no key `levle`"),
    ("an undeclared Secret", box("env", 2, "valueFrom", "secretKeyRef", "name", "other"), "gateway", "PHX740",
     (*BOX, "env", 2, "valueFrom", "secretKeyRef", "name"), "Secret `other` in namespace `phoenix` does not exist"),
    ("a missing claim", lambda b: pod(b)["volumes"].append({"name": "q", "persistentVolumeClaim": {"claimName": "q"}}), "gateway", "PHX740",
     (*SPEC, "volumes", 1, "persistentVolumeClaim", "claimName"), "PersistentVolumeClaim `q` in namespace `phoenix` does not exist"),
    ("a missing account", rename("account", "gatewy"), "gateway", "PHX740", (*SPEC, "serviceAccountName"),
     "ServiceAccount `gateway` in namespace `phoenix` does not exist"),
    ("a missing subject", put("binding", "subjects", 0, "namespace", "elsewhere"), "binding", "PHX740", ("subjects", 0, "name"),
     "ServiceAccount `gateway` in namespace `elsewhere` does not exist"),
    ("a missing scale target", put("hpa", "spec", "scaleTargetRef", "name", "gatway"), "hpa", "PHX740", ("spec", "scaleTargetRef", "name"),
     "Deployment `gatway` in namespace `phoenix` does not exist"),
    ("a missing backend", put("ingress", "spec", "rules", 0, "http", "paths", 0, "backend", "service", "name", "x"), "ingress", "PHX740",
     ("spec", "rules", 0, "http", "paths", 0, "backend", "service", "name"), "Service `x` in namespace `phoenix` does not exist"),
    ("a missing namespace", put("quota", "metadata", "namespace", "phonix"), "quota", "PHX741", ("metadata", "namespace"),
     "namespace `phonix` does not exist"),
    ("a Service that selects nothing", put("service", "spec", "selector", NAME, "gate"), "service", "PHX742", ("spec", "selector"),
     "Service `gateway` selects no pod in namespace `phoenix` by `app.kubernetes.io/name=gate`"),
    ("a policy that selects nothing", put("policy", "spec", "podSelector", {"matchLabels": {"x": "y"}}), "policy", "PHX742", ("spec", "podSelector"),
     "NetworkPolicy `gateway` selects no pod in namespace `phoenix` by `x=y`"),
    ("a budget that selects nothing", put("pdb", "spec", "selector", {"matchLabels": {"x": "y"}}), "pdb", "PHX742", ("spec", "selector"),
     "PodDisruptionBudget `gateway` selects no pod in namespace `phoenix` by `x=y`"),
    ("a target port by name", put("service", "spec", "ports", 0, "targetPort", "otlp"), "service", "PHX743", ("spec", "ports", 0, "targetPort"),
     "target port `otlp/TCP` of Service `gateway` is none of Deployment `gateway`"),
    ("a target port's protocol", put("service", "spec", "ports", 0, "protocol", "UDP"), "service", "PHX743", ("spec", "ports", 0, "targetPort"),
     "target port `otlp-grpc/UDP` of Service `gateway` is none of Deployment `gateway`"),
    ("an object twice", add("second", obj("v1", "ServiceAccount", "gateway")), "second", "PHX744", ("metadata", "name"),
     "ServiceAccount `gateway` in namespace `phoenix` is made twice: `prod/main/ingest/account.yaml` and `prod/main/ingest/second.yaml`"),
    ("names that differ in case", add("second", obj(f"{RBAC}/v1", "ClusterRole", "Phoenix:gateway", "", rules=[])), "second", "PHX745",
     ("metadata", "name"), "ClusterRole `Phoenix:gateway` and `phoenix:gateway` differ only in case: "
     "`prod/main/ingest/role.yaml` and `prod/main/ingest/second.yaml`"),
    ("other content", add("c", obj("v1", "ConfigMap", "gateway-0123456789", immutable=True, data={"a": "x"})), "c", "PHX735", ("data", "a"),
     "`gateway-0123456789` is named after other content: no pod would see this one"),
    ("a missing role", rename("role", "phoenix:gate"), "binding", "PHX746", ("roleRef", "name"), "ClusterRole `phoenix:gateway` does not exist"),
    ("a blocked drain", put("hpa", "spec", "minReplicas", 1), "pdb", "PHX725", ("spec", "maxUnavailable"),
     "PodDisruptionBudget lets Deployment `gateway` with its only replica never be drained"),
    ("a budget of all", lambda b: b["pdb"].update(spec={"selector": {"matchLabels": {NAME: "gateway"}}, "minAvailable": "100%"}), "pdb", "PHX725",
     ("spec", "minAvailable"), "PodDisruptionBudget lets Deployment `gateway` with its 2 replicas never be drained"),
    ("replicas of two owners", put("gateway", "spec", "replicas", 3), "gateway", "PHX726", ("spec", "replicas"),
     "`replicas` 3 is set although an autoscaler owns it"),
    ("no policy", lambda b: b.pop("policy"), "gateway", "PHX732", ("spec", "template"), "no NetworkPolicy selects the pods of Deployment `gateway`"),
    ("no budget", lambda b: b.pop("pdb"), "gateway", "PHX733", ("spec",), "Deployment `gateway` runs 2 replicas without a PodDisruptionBudget"),
    ("no spread", drop("gateway", *SPEC, "topologySpreadConstraints"), "gateway", "PHX734", (*SPEC, "topologySpreadConstraints"),
     "Deployment `gateway` may put all of its 2 replicas on one node"),
    # Argo CD
    ("a missing project", rename("project", "prod-ingst"), "application", "PHX747", ("spec", "project"),
     "AppProject `prod-ingest` in namespace `phoenix` does not exist"),
    ("a destination", put("application", "spec", "destination", "namespace", "kube-system"), "application", "PHX748", ("spec", "destination"),
     "AppProject `prod-ingest` does not allow namespace `kube-system` of `https://kubernetes.default.svc`"),
    ("a denied destination", lambda b: b["project"]["spec"]["destinations"].append({"server": "*", "namespace": "!phoenix"}), "application",
     "PHX748", ("spec", "destination"), "AppProject `prod-ingest` does not allow namespace `phoenix` of `https://kubernetes.default.svc`"),
    ("a repository", put("application", "spec", "source", "repoURL", "https://evil.example.com/x"), "application", "PHX748",
     ("spec", "source", "repoURL"), "AppProject `prod-ingest` does not allow repository `https://evil.example.com/x`"),
    ("a kind of the cluster", put("project", "spec", "clusterResourceWhitelist", [{"group": "", "kind": "Namespace"}]), "application", "PHX749",
     ("spec", "project"), "AppProject `prod-ingest` does not allow ClusterRoleBinding of group `rbac.authorization.k8s.io`"),
    ("a denied kind", put("project", "spec", "namespaceResourceBlacklist", [{"group": "", "kind": "LimitRange"}]), "application", "PHX749",
     ("spec", "project"), "AppProject `prod-ingest` does not allow LimitRange of the core group"),
    ("an object's namespace", add("n", obj("v1", "ConfigMap", "n", "default", data={})), "application", "PHX748", ("spec", "project"),
     "AppProject `prod-ingest` does not allow namespace `default`"),
]  # fmt: skip


def test_the_good_cluster_has_no_finding_but_that_argo_is_unchecked() -> None:
    found = verify(located(cluster()), good_facts(), schemas())
    assert [(f.code, f.severity, f.fault.notes) for f in found] == [
        ("PHX700", Severity.NOTE, ("AppProject of `argoproj.io`",)),
        ("PHX700", Severity.NOTE, ("Application of `argoproj.io`",)),
    ]
    assert {f.message for f in found} == {"some kinds of resources are not checked: no schema"}


@pytest.mark.parametrize(
    ("change", "name", "code", "at", "message"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS]
)
def test_a_planted_fault_is_refused(change: Change, name: str, code: str, at: tuple[Any, ...], message: str) -> None:
    found = broken(change)
    matching = [f for f in found if (f.path, f.code, f.at) == (path_of(name), code, at)]
    assert matching, [(f.path, f.code, f.at, f.message) for f in found]
    assert message in [f.message for f in matching]
    assert all(f.severity is Severity.ERROR for f in matching)


ACCEPTED: list[tuple[str, Change]] = [
    ("a digest needs no tag", box("image", "otel/collector@sha256:" + "a" * 64)),
    ("an exact tag behind a port", box("image", "localhost:5000/a:1")),
    ("a variable with a dot", box("env", 0, "name", "otel.level")),
    ("a label without value", put("gateway", "metadata", "labels", "team", "")),
    ("a label of 63", put("gateway", "metadata", "labels", "team", "x" * 63)),
    ("annotations at the limit", put("config", "metadata", "annotations", {"a": "x" * 262143})),
    ("a mixed-case annotation prefix", put("config", "metadata", "annotations", {"Example.com/x": "1"})),
    ("a ConfigMap under the limit", put("config", "data", "config.yaml", "x" * (943717 - 20))),
    ("an empty Secret", add("s", obj("v1", "Secret", "s", type="kubernetes.io/service-account-token"))),
    ("a request at its limit", box("resources", "requests", "memory", "1024Mi")),
    ("limits stand in for requests", drop("gateway", *BOX, "resources", "requests")),
    ("a role with a colon", rename("role", "phoenix:gateway")),
    ("UDP beside TCP on one port", lambda b: container(b)["ports"].append({"containerPort": 4317, "protocol": "UDP"})),
    ("an optional ConfigMap", lambda b: pod(b)["volumes"].append({"name": "o", "configMap": {"name": "none", "optional": True}})),
    ("a ConfigMap that every namespace has", lambda b: pod(b)["volumes"].append({"name": "o", "configMap": {"name": "kube-root-ca.crt"}})),
    ("a cluster's own role", put("binding", "roleRef", "name", "system:auth-delegator")),
    ("a policy for the whole namespace", put("policy", "spec", "podSelector", {})),
    ("secrets by name in a Role", add("r", obj(f"{RBAC}/v1", "Role", "r", rules=[
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["get"]}]))),
    ("roles bound by name", rule(verbs=["bind"], resources=["roles"], resourceNames=["a"])),
    ("a headless Service", put("service", "spec", "clusterIP", "None")),
    ("a Service without selector", add("s", obj("v1", "Service", "s", spec={"type": "ExternalName", "externalName": "a.example.com"}))),
    ("a budget in percent", lambda b: b["pdb"].update(spec={"selector": {"matchLabels": {NAME: "gateway"}}, "minAvailable": "50%"})),
    ("a Secret that an operator writes", lambda b: (
        b.__setitem__("es", obj("external-secrets.io/v1", "ExternalSecret", "es", spec={"target": {"name": "made"}})),
        container(b)["env"][2]["valueFrom"]["secretKeyRef"].__setitem__("name", "made"))),
    ("an expression", put("policy", "spec", "podSelector", {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["gateway"]}]})),
]  # fmt: skip


@pytest.mark.parametrize("change", [pytest.param(row[1], id=row[0]) for row in ACCEPTED])
def test_what_is_right_passes(change: Change) -> None:
    assert [(f.code, f.at, f.message) for f in broken(change)] == []


def test_an_empty_selector_matches_all_pods_of_a_service_that_no_policy_could() -> None:
    found = broken(
        put("policy", "spec", "podSelector", {"matchExpressions": [{"key": NAME, "operator": "DoesNotExist"}]})
    )
    assert [f.code for f in found] == ["PHX732", "PHX742"]


def test_external_pods_make_a_selector_right() -> None:
    facts = good_facts()
    external = frozenset({*facts.external, ObjectRef("Pod", NS, "*")})
    change = put("service", "spec", "selector", NAME, "operated")
    assert broken(change, type(facts)(kubernetes="1.34", external=external)) == ()


@pytest.mark.parametrize(
    ("level", "codes"),
    [("restricted", ["PHX727", "PHX727"]), ("baseline", ["PHX727"]), ("privileged", [])],
)
def test_a_namespace_declares_its_pod_security(level: str, codes: list[str]) -> None:
    def change(bodies: dict[str, Body]) -> None:
        bodies["namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = level
        pod(bodies)["hostNetwork"] = True
        container(bodies)["securityContext"]["runAsNonRoot"] = False

    found = [f for f in broken(change) if f.path == path_of("gateway") and f.code == "PHX727"]
    assert [f.code for f in found][: len(codes)] == codes
    assert bool(found) == bool(codes)
    hosts = [f for f in found if f.at == (*SPEC, "hostNetwork")]
    assert [f.message for f in hosts] == (
        [f"`hostNetwork` is set, which Pod Security `{level}` refuses"] if codes else []
    )
    if level == "baseline":
        assert len(found) == 1


def test_an_external_namespace_has_its_declared_level() -> None:
    def change(bodies: dict[str, Body]) -> None:
        del bodies["namespace"]
        pod(bodies)["hostPID"] = True

    external = frozenset({*good_facts().external, ObjectRef("Namespace", "", NS)})
    strict = type(good_facts())(kubernetes="1.34", external=external)
    loose = type(good_facts())(kubernetes="1.34", external=external, namespace_levels=((NS, "privileged"),))
    assert [f.message for f in broken(change, strict)] == ["`hostPID` is set, which Pod Security `restricted` refuses"]
    assert broken(change, loose) == ()


def test_a_daemon_set_needs_neither_budget_nor_spread() -> None:
    def change(bodies: dict[str, Body]) -> None:
        bodies["agent"] = workload("DaemonSet", "agent")
        del bodies["agent"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
        bodies["agent-policy"] = obj(
            "networking.k8s.io/v1", "NetworkPolicy", "agent", spec={"podSelector": {"matchLabels": {NAME: "agent"}}}
        )

    assert broken(change) == ()


def test_two_files_of_one_name_are_refused() -> None:
    bodies = cluster()
    objects = located(bodies)
    clash = [
        type(o)(o.unit, o.artifact, "prod/main/ingest/LIMITS.yaml") if o.path.endswith("quota.yaml") else o
        for o in objects
    ]
    found = [f for f in verify(clash, good_facts(), schemas()) if f.code == "PHX745"]
    assert [(f.path, f.related, f.message) for f in found] == [
        (
            "prod/main/ingest/limits.yaml",
            ("prod/main/ingest/LIMITS.yaml",),
            "file `prod/main/ingest/limits.yaml` is also that of ResourceQuota `quota`",
        )
    ]


def test_suggestions() -> None:
    assert [f.help for f in broken(box("imagee", "x:1"))] == ["did you mean `image`?"]
    assert [f.help for f in broken(put("pdb", "apiVersion", "policy/v1beta1")) if f.code == "PHX702"] == [
        "write `policy/v1`"
    ]
    assert [f.help for f in broken(put("gateway", "kind", "Deploymnet")) if f.code == "PHX701"] == [
        "did you mean `Deployment`?"
    ]
    assert [f.help for f in broken(put("service", "spec", "type", "ClusterIp"))] == ["did you mean `ClusterIP`?"]
    assert "did you mean `phoenix`?" in [f.help for f in broken(put("quota", "metadata", "namespace", "phonix"))]


def test_order_does_not_matter() -> None:
    def change(bodies: dict[str, Body]) -> None:
        for name in ("config", "policy", "namespace"):
            del bodies[name]
        container(bodies)["image"] = "x"

    bodies = cluster()
    change(bodies)
    forwards = verify(located(bodies), good_facts(), schemas())
    backwards = verify(located(dict(reversed(bodies.items()))), good_facts(), schemas())
    assert forwards == backwards
    assert len(forwards) > 5
    assert list(forwards) == sorted(forwards, key=lambda f: f.sort_key)


def test_an_unknown_minor_is_one_finding() -> None:
    found = verify(located(cluster()), type(good_facts())(kubernetes="1.99"), None)
    assert [(f.path, f.code, f.message) for f in found] == [
        ("", "PHX750", "no schemas of Kubernetes `1.99` to check objects against")
    ]
    assert found[0].help == "`1.25` to `1.37` are known"


def test_two_faults_of_one_place_are_both_said() -> None:
    found = broken(put("config", "metadata", "labels", {"-a": "b c"}))
    assert [f.message.partition(" is ")[0] for f in found] == ["label key `-a`", "label value `b c`"]


def test_every_code_of_the_stage_has_a_planted_fault() -> None:
    from phoenix_gitops.codes import CODES

    elsewhere = {"PHX700", "PHX750", "PHX751", "PHX760", "PHX761", "PHX762", "PHX763"}
    planted = {row[3] for row in FAULTS}
    # From PHX780 on, real judges speak.
    assert {code for code in CODES if "PHX700" <= code < "PHX780"} - elsewhere == planted
