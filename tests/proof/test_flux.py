"""Flux itself brings a compiled tree into a cluster, as the accounts that we made: all of it, and nothing beyond."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from phoenix_gitops.__main__ import run
from tests.proof.cluster import Ref, Seed, running
from tests.proof.cluster.client import STRATEGIC, Object
from tests.proof.cluster.readback import differences
from tests.proof.cluster.world import NODE
from tests.proof.flux import HOME, MANAGER, Flux, reconciling
from tests.proof.judge import ROOT, Judge

pytestmark = pytest.mark.proof

CASE = ROOT / "tests" / "cases" / "good" / "flux"
COMPONENTS = frozenset(f"prod-eu-{component}" for component in ("ingest", "rules", "tenancy"))
ALL = COMPONENTS | {"prod-root", "prod-eu-gitops"}
PRUNE, SSA = "kustomize.toolkit.fluxcd.io/prune", "kustomize.toolkit.fluxcd.io/ssa"
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
PLANTED: dict[str, tuple[str, Object, str]] = {
    "another namespace": (
        "rules",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "planted", "namespace": "kube-system"}},
        'cannot patch resource "configmaps" in API group "" in the namespace "kube-system"',
    ),
    "another kind": (
        "rules",
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "planted", "namespace": "phoenix-rules"}},
        'cannot patch resource "services" in API group "" in the namespace "phoenix-rules"',
    ),
    "the whole cluster": (
        "tenancy",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "planted"},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}],
        },
        'cannot patch resource "clusterroles"',
    ),
    "rights that grow": (
        "tenancy",
        {
            **ROLE,
            "metadata": {"name": "planted", "namespace": "shop"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
        },
        "is attempting to grant RBAC permissions not currently held",
    ),
}
"""What may not be: by what it is, the component, the object and what is said of it."""


def compiled(folder: Path, **changes: str | None) -> Path:
    """The case's tree without its hold, with other texts for some of its files; None leaves a file out."""
    shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("expected"))
    environment = folder / "environments" / "prod.yaml"
    text = re.sub(r"  holds:\n.*\n", "", environment.read_text())
    environment.write_text(text.replace("keep: [ingest]", "keep: []").replace("backoff: 30s", "backoff: 1s"))
    for name, text in changes.items():
        path = folder / "policies" / "tenants" / f"{name}.yaml"
        path.unlink() if text is None else path.write_text(text)
    assert run(["compile", "-q", "-C", str(folder)]) == 0
    return folder / "generated"


def objects(tree: Path) -> list[Object]:
    """What is to be in the cluster, without namespaces that only have to be there."""
    files = [path for path in sorted(tree.rglob("*.yaml")) if "_proof" not in path.parts]
    found = [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in files]
    return [body for body in found if body["metadata"].get("annotations", {}).get(SSA) != "IfNotPresent"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("flux") / "repository")


@pytest.fixture(scope="module")
def flux(seed: Seed, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flux]:
    folder = tmp_path_factory.mktemp("hub")
    with running(folder / "cluster", seed=seed) as cluster:
        assert cluster.client.create(NODE).ok
        with reconciling(cluster, folder / "flux", "prod-root", {"eu-kubeconfig": "value"}) as flux:
            flux.bootstrap(tree, "prod/hub/gitops")
            flux.ready(ALL, flux.publish(tree))
            yield flux


@pytest.fixture(autouse=True)
def clean(flux: Flux, tree: Path) -> None:
    """Each test begins with the tree as it was compiled."""
    if flux.tree != tree:
        flux.ready(ALL, flux.publish(tree))


def test_all_of_the_tree_comes_into_the_cluster_from_its_root(flux: Flux, tree: Path, judge: Judge) -> None:
    wanted = objects(tree)
    for body in wanted:
        found = flux.client.get(Ref.of(body))
        assert found.ok, (Ref.of(body), found.message)
        assert list(differences(body, found.body)) == [], Ref.of(body)
        managers = {entry["manager"] for entry in found.body["metadata"]["managedFields"]}
        assert MANAGER in managers, Ref.of(body)
        assert SSA not in found.body["metadata"]["annotations"] or body["metadata"]["annotations"][SSA] == "Merge"
    judge.took("kustomize-controller", len(wanted), "objects")


def test_what_somebody_changes_is_undone(flux: Flux) -> None:
    walls = Ref("networking.k8s.io/v1", "NetworkPolicy", "shop", "default-deny")
    limits = Ref("v1", "LimitRange", "shop", "tenant")
    before = flux.client.get(limits).body["spec"]
    assert flux.client.delete(walls).ok
    change = {"spec": {"limits": [{"type": "Container", "default": {"cpu": "7"}}]}}
    assert flux.client.patch(limits, change, manager="kubectl-edit").ok
    assert flux.client.get(limits).body["spec"] != before
    flux.again("prod-eu-tenancy")
    flux.client.wait("healed", lambda: flux.client.get(walls).ok and flux.client.get(limits).body["spec"] == before)


def test_what_others_wrote_into_their_namespace_stays(flux: Flux) -> None:
    """Of a shared tenant's namespace only the mark is ours; what somebody added with kubectl is not taken away."""
    shared, own = Ref("v1", "Namespace", "", "blog"), Ref("v1", "Namespace", "", "shop")
    for ref in (shared, own):
        added = {"metadata": {"labels": {"team": "blog"}}}
        assert flux.client.patch(ref, added, manager="kubectl", content_type=STRATEGIC).ok
    flux.again("prod-eu-tenancy")
    labels = lambda ref: flux.client.get(ref).body["metadata"]["labels"]  # noqa: E731 - read again each time
    flux.client.wait("healed", lambda: "team" not in labels(own))
    assert labels(shared)["team"] == "blog"


def test_a_hold_leaves_its_part_as_it_is_and_no_other(flux: Flux, tmp_path: Path) -> None:
    hold = '  holds:\n    - {target: eu/tenancy, reason: INC-7, until: "2026-12-01"}\n'
    folder = tmp_path / "held"
    shop = (CASE / "policies" / "tenants" / "shop.yaml").read_text()
    compiled(folder, shop=shop + "  quotas: {pods: 7}\n")
    environment = folder / "environments" / "prod.yaml"
    environment.write_text(environment.read_text() + hold)
    assert run(["compile", "-q", "-C", str(folder)]) == 0
    flux.ready(ALL - {"prod-eu-tenancy"}, flux.publish(folder / "generated"))
    quota = Ref("v1", "ResourceQuota", "shop", "tenant")
    assert flux.client.get(quota).body["spec"]["hard"]["pods"] != "7"
    held = flux.kustomization("prod-eu-tenancy")
    assert held["spec"]["suspend"] is True
    assert held["metadata"]["annotations"]["policy.phoenix.io/hold"] == "until 2026-12-01: INC-7"


def test_what_left_git_goes_but_for_what_must_not(flux: Flux, tmp_path: Path) -> None:
    """A tenant that is gone takes its walls along; its namespaces, and what runs there, stay."""
    gone = compiled(tmp_path / "gone", shop=None)
    before = {Ref.of(body): body for body in objects(flux.tree)}
    left = set(before) - {Ref.of(body) for body in objects(gone)}
    kept = {ref for ref in left if before[ref]["metadata"].get("annotations", {}).get(PRUNE) == "disabled"}
    assert {ref.kind for ref in kept} == {"Namespace", "RoleBinding", "ConfigMap", "Service"}
    assert {"LimitRange", "NetworkPolicy", "Role", "RoleBinding", "Deployment"} <= {ref.kind for ref in left - kept}
    flux.ready(ALL, flux.publish(gone))
    deleted = lambda ref: not flux.client.get(ref).ok or "deletionTimestamp" in flux.client.get(ref).body["metadata"]  # noqa: E731
    flux.client.wait("pruned", lambda: all(deleted(ref) for ref in left - kept))
    assert [ref for ref in kept if not flux.client.get(ref).ok] == []


@pytest.mark.parametrize("name", PLANTED)
def test_no_account_reaches_over_its_fence(name: str, flux: Flux, tree: Path, tmp_path: Path, judge: Judge) -> None:
    component, body, said = PLANTED[name]
    planted = tmp_path / "planted"
    shutil.copytree(tree, planted)
    (planted / "prod" / "eu" / component / "planted.yaml").write_text(yaml.safe_dump(body))
    answer = flux.refuses(f"prod-eu-{component}", flux.publish(planted))
    assert said in answer
    assert f'User "system:serviceaccount:{HOME}:phoenix-prod-{component}"' in answer or "user" in answer
    assert not flux.client.get(Ref.of(body)).ok
    judge.refused("kustomize-controller", 1, "objects beyond the fence")
