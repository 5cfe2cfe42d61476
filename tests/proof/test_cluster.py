"""The control plane that other tests judge by: it starts, has all CRDs, and says what RBAC says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.proof.cluster import Cluster, Ref, Seed, running
from tests.proof.cluster.sync import waves
from tests.proof.cluster.tree import sites
from tests.proof.judge import ROOT, Judge

pytestmark = pytest.mark.proof


def config_map(name: str, **data: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }


def test_an_object_is_applied_and_read_back(cluster: Cluster) -> None:
    answer = cluster.client.apply(config_map("applied", a="1"))
    assert answer.status == 201, answer
    found = cluster.client.get(Ref("v1", "ConfigMap", "default", "applied"))
    assert found.body["data"] == {"a": "1"}
    assert [(f["manager"], f["operation"]) for f in found.body["metadata"]["managedFields"]] == [
        ("argocd-controller", "Apply")
    ]


def test_what_is_wrong_is_refused_and_the_field_is_named(cluster: Cluster, judge: Judge) -> None:
    unknown = cluster.client.apply(config_map("wrong") | {"dataa": {}})
    assert not unknown.ok
    assert ".dataa: field not declared in schema" in unknown.message
    wrong = cluster.client.apply(config_map("Wrong"))
    assert (wrong.status, wrong.reason) == (422, "Invalid")
    assert [field for field, _ in wrong.causes] == ["metadata.name"]
    custom = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "spec": {"groupss": []}}
    refused = cluster.client.apply(custom | {"metadata": {"name": "wrong", "namespace": "default"}})
    assert not refused.ok
    assert ".spec.groupss: field not declared in schema" in refused.message
    absent = cluster.client.apply(config_map("wrong") | {"apiVersion": "v7"})
    assert (absent.status, absent.message) == (404, 'no matches for kind "ConfigMap" in version "v7"')
    judge.refused("kube-apiserver", 4, "planted faults")


def test_somebody_else_may_what_roles_say(cluster: Cluster) -> None:
    ann = cluster.client.impersonating("ann", "readers")
    ref = Ref("v1", "ConfigMap", "default", "kube-root-ca.crt")
    refused = ann.get(ref)
    assert (refused.status, refused.reason) == (403, "Forbidden")
    assert 'User "ann" cannot get resource "configmaps"' in refused.message
    assert not ann.may("get", "configmaps", namespace="default")
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "readers", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "readers"}],
    }
    assert cluster.client.apply(binding).ok
    cluster.client.wait("granted", lambda: ann.may("get", "configmaps", namespace="default"))
    cluster.client.wait("published: the cluster's certificate", lambda: ann.get(ref).ok)
    assert not ann.may("get", "secrets", namespace="default")
    assert not cluster.client.impersonating("eve", "writers").may("get", "configmaps", namespace="default")


def test_a_minor_is_emulated_from_an_empty_store_with_all_crds(seed: Seed, tmp_path: Path) -> None:
    with running(tmp_path, seed=seed, version="1.34", controllers=False) as cluster:
        said = cluster.client.request("GET", "/version").body
        assert (said["emulationMajor"], said["emulationMinor"]) == ("1", "34")
        assert len(seed.kinds) > 150
        assert all(cluster.client.resource(*kind) for kind in seed.kinds)
        assert cluster.client.list("v1", "ConfigMap", "default").body["items"] == []
        assert cluster.client.list("argoproj.io/v1alpha1", "Application").body["items"] == []


def some(kind: str, name: str, namespace: str = "", wave: str = "") -> dict:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= {"annotations": {"argocd.argoproj.io/sync-wave": wave}} if wave else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def in_order(*bodies: dict) -> list[list[str]]:
    return [[f"{body['kind']} {body['metadata']['name']}" for body in wave] for wave in waves(bodies)]


def test_objects_come_in_the_order_of_argo_cd() -> None:
    assert in_order(
        some("Deployment", "a"), some("ConfigMap", "b"), some("ConfigMap", "a"), some("Role", "late", wave="5")
    ) == [["ConfigMap a", "ConfigMap b", "Deployment a"], ["Role late"]]
    assert in_order(some("PodMonitor", "custom"), some("APIService", "last of the known")) == [
        ["APIService last of the known", "PodMonitor custom"]
    ]
    assert in_order(some("Service", "zero"), some("Service", "early", wave="-5"), some("Service", "0", wave="0")) == [
        ["Service early"],
        ["Service 0", "Service zero"],
    ]


def test_a_namespace_moves_before_what_is_in_it() -> None:
    assert in_order(
        some("Namespace", "n", wave="3"), some("ConfigMap", "c", "n"), some("ConfigMap", "early", "n", "-1")
    ) == [
        ["Namespace n", "ConfigMap early"],
        ["ConfigMap c"],
    ]
    assert in_order(some("Namespace", "m", wave="3"), some("ConfigMap", "c", "n")) == [["ConfigMap c"], ["Namespace m"]]


def test_a_tree_whose_objects_have_no_application_or_two_is_refused(tmp_path: Path) -> None:
    tree = tmp_path / "generated"
    case = ROOT / "tests" / "cases" / "good" / "small"
    shutil.copytree(case / "expected", tree)
    (site,) = sites(tree, case / "environments")
    assert {application.name for application in site.applications} == {
        "main-root",
        *(f"main-main-{component}" for component in ("ingest", "rules", "tenancy")),
    }
    assert (site.name, site.minor, site.home) == ("main", "1.34", ["argocd"])
    stray = tree / "main" / "main" / "stray" / "configmap-stray.yaml"
    stray.parent.mkdir()
    stray.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: stray, namespace: phoenix-rules}}")
    with pytest.raises(AssertionError, match=r"applied by no Application: .*configmap-stray\.yaml"):
        sites(tree, case / "environments")
    stray.unlink()
    twin = tree / "main" / "main" / "rules" / "namespace-twin.yaml"
    twin.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: phoenix-agents}}")
    with pytest.raises(AssertionError, match=r"several Applications: .*Namespace phoenix-agents"):
        sites(tree, case / "environments")
