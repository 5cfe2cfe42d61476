"""Objects that the reconciler leaves in the cluster: they are gone from the tree, and nothing else."""

from __future__ import annotations

import json

import pytest

from phoenix_gitops.diff import compare
from phoenix_gitops.diff_json import as_json
from phoenix_gitops.diff_report import Review, text
from phoenix_gitops.meaning import effects

ARGOCD = "argocd.argoproj.io/sync-options: Prune=false,Delete=false"
FLUX = "kustomize.toolkit.fluxcd.io/prune: disabled"
WALLS = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
  annotations:
    ANNOTATION
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
"""
SPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  annotations:\n    ANNOTATION\n"


def tree(annotation):
    return {
        f"main/main/tenancy/{name}": body.replace("ANNOTATION", annotation).encode()
        for name, body in (("namespace-shop.yaml", SPACE), ("shop/networkpolicy-default-deny.yaml", WALLS))
    }


@pytest.mark.parametrize("annotation", [ARGOCD, FLUX])
def test_what_stays_in_the_cluster_is_no_deletion_and_opens_nothing(annotation):
    old = tree(annotation)
    diff = compare(old, {})
    assert [change.outlasts for change in diff.changes] == [True, True]
    assert diff.deletes == ()
    assert effects(diff, old, {}) == ()
    shown = text(Review(diff))
    assert "- NetworkPolicy `default-deny` left in the cluster (tenancy)" in shown
    assert "deletion" not in shown
    assert [group["outlasts"] for group in json.loads(as_json(Review(diff)))["groups"]] == [True, True]


@pytest.mark.parametrize(
    "annotation",
    [
        "argocd.argoproj.io/sync-options: Prune=confirm,Delete=confirm",
        "argocd.argoproj.io/sync-options: NoPrune=false",
        "note: Prune=false",
        "kustomize.toolkit.fluxcd.io/prune: enabled",
    ],
)
def test_what_is_pruned_goes(annotation):
    old = tree(annotation)
    diff = compare(old, {})
    assert [change.kind for change in diff.deletes] == ["Namespace"]
    assert [change.outlasts for change in diff.changes] == [False, False]
    assert "the namespace goes" in " ".join(group.first.text for group in effects(diff, old, {}))


def test_what_is_still_in_the_tree_is_judged_by_what_it_says():
    old = tree(ARGOCD)
    new = {path: body.replace(b"[Ingress, Egress]", b"[Ingress]") for path, body in old.items()}
    (group,) = effects(compare(old, new), old, new)
    assert (group.first.sign, group.first.text) == ("!", "all pods: no policy limits egress any more")
