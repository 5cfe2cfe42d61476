"""Kustomizations against the tree: folder, order, account and rights, each with its one fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phoenix_gitops.verify.finding import Facts, Finding
from phoenix_gitops.verify.flux import check_flux
from phoenix_gitops.verify.index import Index, Item
from phoenix_gitops.verify.summary import summarise

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
VERBS = ["create", "delete", "get", "patch"]
FACTS = Facts(kubernetes="1.34", resources=(("", "ConfigMap", "configmaps"), ("", "Namespace", "namespaces")))


def obj(api: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Body:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def kustomization(name: str, folder: str, **spec: Any) -> Body:
    spec = {"path": f"./generated/prod/eu/{folder}", "prune": True, **spec}
    return obj("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, "flux-system", spec=spec)


def bound(kind: str, namespace: str, role: str, account: str = "rules") -> Body:
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": "flux-system"}]
    return obj(f"{RBAC}/v1", kind, role, namespace, roleRef={"kind": "ClusterRole", "name": role}, subjects=subjects)


def role(name: str, *resources: str, **rule: Any) -> Body:
    return obj(
        f"{RBAC}/v1",
        "ClusterRole",
        name,
        rules=[{"apiGroups": [""], "resources": [*resources], "verbs": VERBS, **rule}],
    )


def tree() -> dict[str, Body]:
    """By path; everything in it is as it should be."""
    return {
        "prod/hub/gitops/gate.yaml": kustomization("gate", "gitops"),
        "prod/hub/gitops/rules.yaml": kustomization(
            "rules", "rules", serviceAccountName="rules", dependsOn=[{"name": "gate"}]
        ),
        "prod/eu/gitops/account.yaml": obj("v1", "ServiceAccount", "rules", "flux-system"),
        "prod/eu/gitops/narrow.yaml": role("narrow", "configmaps"),
        "prod/eu/gitops/wide.yaml": role("wide", "namespaces"),
        "prod/eu/gitops/a/bound.yaml": bound("RoleBinding", "a", "narrow"),
        "prod/eu/gitops/bound.yaml": bound("ClusterRoleBinding", "", "wide"),
        "prod/eu/rules/namespace.yaml": obj("v1", "Namespace", "a"),
        "prod/eu/rules/a/config.yaml": obj("v1", "ConfigMap", "c", "a"),
    }


def found(bodies: dict[str, Body]) -> list[Finding]:
    items = []
    for path, body in sorted(bodies.items()):
        group = body["apiVersion"].rpartition("/")[0]
        items.append(Item(path, summarise(group, body["kind"], body)))
    return list(check_flux(Index.of(items, FACTS), items))


def put(path: str, body: Body | None) -> Callable[[dict[str, Body]], object]:
    return lambda bodies: bodies.pop(path) if body is None else bodies.update({path: body})


RULES = "prod/hub/gitops/rules.yaml"
MAY_NOT = "is applied by `rules`, which may not create, get, patch, delete a"
FAULTS = [
    (put(RULES, kustomization("rules", "rulez")), ("path",), "finds no object in `./generated/prod/eu/rulez`"),
    (put(RULES, kustomization("rules", "rules", path="")), ("path",), "finds no object in ``"),
    (
        put("prod/eu/gitops/account.yaml", None),
        ("serviceAccountName",),
        "is applied by ServiceAccount `rules`, which its cluster has not",
    ),
    (put("prod/eu/gitops/a/bound.yaml", None), ("serviceAccountName",), f"{MAY_NOT} ConfigMap in namespace `a`"),
    (
        put("prod/eu/gitops/a/bound.yaml", bound("RoleBinding", "a", "narrow", account="ingest")),
        ("serviceAccountName",),
        f"{MAY_NOT} ConfigMap in namespace `a`",
    ),
    (
        put("prod/eu/gitops/a/bound.yaml", bound("RoleBinding", "b", "narrow")),
        ("serviceAccountName",),
        f"{MAY_NOT} ConfigMap in namespace `a`",
    ),
    (put("prod/eu/gitops/bound.yaml", None), ("serviceAccountName",), f"{MAY_NOT} Namespace"),
    (
        put("prod/eu/gitops/narrow.yaml", role("narrow", "secrets")),
        ("serviceAccountName",),
        f"{MAY_NOT} ConfigMap in namespace `a`",
    ),
    (
        put("prod/eu/gitops/narrow.yaml", role("narrow", "configmaps", resourceNames=["c"])),
        ("serviceAccountName",),
        f"{MAY_NOT} ConfigMap in namespace `a`",
    ),
    (
        put("prod/eu/gitops/narrow.yaml", role("narrow", "configmaps", verbs=["create", "get", "patch"])),
        ("serviceAccountName",),
        "is applied by `rules`, which may not delete a ConfigMap in namespace `a`",
    ),
]


def test_a_sound_tree_has_no_fault() -> None:
    assert found(tree()) == []


@pytest.mark.parametrize(("change", "at", "message"), FAULTS)
def test_each_fault_is_found_alone(change: Any, at: tuple[str, ...], message: str) -> None:
    bodies = tree()
    change(bodies)
    (finding,) = found(bodies)
    assert (finding.path, finding.code, finding.at) == (RULES, "PHX539", ("spec", *at))
    assert finding.message == f"Kustomization `rules` {message}"


def test_who_does_not_prune_need_not_delete() -> None:
    bodies = tree()
    bodies["prod/eu/gitops/narrow.yaml"] = role("narrow", "configmaps", verbs=["create", "get", "patch"])
    bodies[RULES]["spec"]["prune"] = False
    assert found(bodies) == []


def test_a_right_of_the_whole_cluster_holds_in_every_namespace() -> None:
    bodies = tree()
    bodies["prod/eu/gitops/wide.yaml"] = role("wide", "namespaces", "configmaps")
    del bodies["prod/eu/gitops/a/bound.yaml"]
    assert found(bodies) == []


def test_rights_in_another_cluster_do_not_count() -> None:
    bodies = tree()
    bodies["prod/us/gitops/account.yaml"] = bodies.pop("prod/eu/gitops/account.yaml")
    assert [finding.message.partition("ServiceAccount")[2] for finding in found(bodies)] == [
        " `rules`, which its cluster has not"
    ]


def test_each_of_a_circle_is_told() -> None:
    bodies = tree()
    bodies["prod/hub/gitops/gate.yaml"]["spec"]["dependsOn"] = [{"name": "rules", "namespace": "flux-system"}]
    assert [(f.message, f.at) for f in found(bodies)] == [
        ("Kustomization `gate` waits for itself", ("spec", "dependsOn")),
        ("Kustomization `rules` waits for itself", ("spec", "dependsOn")),
    ]
