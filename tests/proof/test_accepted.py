"""A real API server takes every object that we compile, keeps every field, and has nothing to do when asked again.

Each cluster of the reference platform, and each good case, is a control plane of its own that emulates the minor of
the cluster's facts, or the oldest that it can. It starts with the CRDs, one node, and, where Argo CD runs, Argo CD's
namespace; nothing else. A person applies an environment's root Application and its project once; here they come in with
the root's own folder.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.proof.cluster import Cluster, Ref, Seed, running
from tests.proof.cluster.client import ARGO_CD
from tests.proof.cluster.control_plane import emulated
from tests.proof.cluster.readback import differences, ownership
from tests.proof.cluster.sync import ROUNDS, sync
from tests.proof.cluster.tree import Application, Site, one_site, orders, sites
from tests.proof.cluster.world import NODE, World
from tests.proof.judge import GENERATED, ROOT, Judge
from tests.unit.test_units import CANONICAL

pytestmark = pytest.mark.proof

GOOD = sorted((ROOT / "tests" / "cases" / "good").iterdir())
CLUSTERS = sorted({folder.name for folder in GENERATED.glob("[!_]*/*")}, key=lambda name: (name == "management", name))
NAMES = [*CLUSTERS, *(case.name for case in GOOD)]
SEED = 20261123


@functools.cache
def known() -> dict[str, Site]:
    """All clusters by name; read when they are needed, since there are many files."""
    found = sites(GENERATED, ROOT / "environments")
    found += [one_site(case.name, case / "expected", case / "environments") for case in GOOD]
    assert sorted(site.name for site in found) == sorted(NAMES)
    return {site.name: site for site in found}


def chosen(name: str) -> tuple[Application, ...]:
    """The order in which the Applications of a cluster come: another one for each cluster."""
    every = orders(known()[name].applications, SEED)
    return every[NAMES.index(name) % len(every)]


@pytest.fixture(scope="module", params=NAMES)
def world(request: pytest.FixtureRequest, seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site, order = known()[request.param], chosen(request.param)
    folder, minor = tmp_path_factory.mktemp(site.name), emulated(site.minor)
    with running(folder, seed=seed, version=minor, controllers=bool(site.workloads)) as cluster:
        given = [NODE, *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in site.home)]
        assert all(cluster.client.create(body).ok for body in given)
        yield World(site=site, cluster=cluster, order=order, synced=sync(cluster.client, order))


def test_every_object_is_taken_from_empty_whatever_comes_first(world: World, judge: Judge) -> None:
    wanted = {Ref.of(body) for body in world.site.objects()}
    missing = [failure for failure in world.synced.failures if failure.ref in wanted - world.synced.applied]
    assert world.synced.applied == wanted, "\n".join(map(str, missing))
    assert world.synced.rounds <= ROUNDS
    print(f"\n{world.summary()}")
    judge.took("kube-apiserver", len(wanted), "objects")


def test_the_server_warns_of_nothing(world: World) -> None:
    assert world.synced.warnings == []


def test_every_field_is_kept_as_it_was_sent(world: World) -> None:
    lost = [f"{Ref.of(b)}: {d}" for b in world.sent() for d in differences(b, world.found(Ref.of(b)))]
    assert lost == [], "\n".join(lost)


def test_argo_cd_owns_what_it_sent_and_nothing_else(world: World) -> None:
    wrong = [f"{Ref.of(b)}: {d}" for b in world.sent() for d in ownership(b, world.found(Ref.of(b)), ARGO_CD)]
    assert wrong == [], "\n".join(wrong)


def test_an_unknown_field_is_refused_in_every_kind(world: World, judge: Judge) -> None:
    one_of_each = {(body["apiVersion"], body["kind"]): body for body in world.sent()}
    for body in one_of_each.values():
        answer = world.client.apply({**body, "phoenix": {}}, dry_run=True)
        assert not answer.ok, Ref.of(body)
        assert ".phoenix: field not declared in schema" in answer.message, (Ref.of(body), answer.message)
    judge.refused("kube-apiserver", len(one_of_each), "unknown fields")


def test_all_pods_of_all_workloads_are_admitted(world: World) -> None:
    """No quota, limit range, security level, service account or priority keeps a controller from making its pods."""
    assert world.unfinished(patience=30) == []


def test_an_autoscaler_owns_the_replicas_of_what_it_scales(world: World) -> None:
    """Nobody sends them; the autoscaler raises them to its minimum, somebody to its maximum, and they stay."""
    by_ref = {Ref.of(body): body for body in world.sent()}
    for autoscaler in [body for body in by_ref.values() if body["kind"] == "HorizontalPodAutoscaler"]:
        target = autoscaler["spec"]["scaleTargetRef"]
        ref = Ref(target["apiVersion"], target["kind"], autoscaler["metadata"]["namespace"], target["name"])
        assert "replicas" not in by_ref[ref]["spec"]
        least, most = autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]
        assert 1 < least < most
        world.client.wait(f"scaled to {least}: {ref}", lambda ref=ref, least=least: world.replicas(ref) == least)
        scaled = world.client.patch(ref, {"spec": {"replicas": most}}, subresource="scale", manager="load")
        assert scaled.ok, scaled
        again = world.client.apply(by_ref[ref])
        assert again.body["spec"]["replicas"] == world.replicas(ref) == most


def test_applying_again_changes_nothing(world: World) -> None:
    world.settle()
    changed = [str(Ref.of(body)) for body in world.sent() if world.changes(body)]
    assert changed == []


def test_quantities_are_written_as_the_server_writes_them(cluster: Cluster) -> None:
    """By the emitters, that is: what the server makes of all forms is what the table says that ours are made to."""
    names = {f"c{i}": quantity for i, quantity in enumerate(CANONICAL)}
    containers = [{"name": n, "image": "i", "resources": {"limits": {"memory": q, "cpu": q}}} for n, q in names.items()]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "quantities", "namespace": "default"},
        "spec": {"containers": containers},
    }
    cluster.client.wait("an account for pods", lambda: cluster.client.apply(pod, dry_run=True).ok)
    kept = cluster.client.apply(pod, dry_run=True).body["spec"]["containers"]
    assert {names[c["name"]]: c["resources"]["limits"]["cpu"] for c in kept} == CANONICAL
    assert {names[c["name"]]: c["resources"]["limits"]["memory"] for c in kept} == CANONICAL


def test_a_field_that_the_server_prunes_or_changes_is_found(cluster: Cluster, judge: Judge) -> None:
    """What the comparison says of objects that lose fields, of values in another form, and of defaults in keys."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "pruned", "namespace": "default"},
        "spec": {"groups": [{"name": "g", "rules": [{"record": "a:b", "expr": "x", "lables": {}}]}]},
    }
    rules = "/apis/monitoring.coreos.com/v1/namespaces/default/prometheusrules"
    answer = cluster.client.request("POST", rules, rule, query={"fieldValidation": "Ignore"})
    assert list(differences(rule, answer.body)) == ["spec.groups[0].rules[0].lables: gone; sent {}"]
    assert list(ownership(rule, answer.body, ARGO_CD)) == [f"{ARGO_CD} applied with 0 sets of fields"]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "changed", "namespace": "default"},
        "spec": {"ports": [{"port": 80, "targetPort": "http"}]},
    }
    answer = cluster.client.apply(service)
    assert list(differences(service, answer.body)) == []
    assert list(ownership(service, answer.body, ARGO_CD)) == [
        'spec.ports: owns k:{"port":80,"protocol":"TCP"}, which we did not send',
        "spec.ports[0]: sent, not owned",
    ]
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "changed", "namespace": "default"},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "1000m", "memory": 10}}]},
    }
    answer = cluster.client.apply(limits)
    assert list(differences(limits, answer.body)) == [
        'spec.limits[0].max.cpu: "1"; sent "1000m"',
        'spec.limits[0].max.memory: "10"; sent 10',
    ]
    judge.refused("kube-apiserver", 1, "fields to keep")


def test_an_application_whose_namespace_never_comes_is_given_up(cluster: Cluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lost", "namespace": "nowhere"}}
    application = Application(name="lost", server="here", path="generated/lost", objects=(body,))
    done = sync(cluster.client, [application])
    assert (done.rounds, done.applied) == (1, set())
    assert [str(f) for f in done.failures] == ['round 1, lost: ConfigMap nowhere/lost: namespaces "nowhere" not found']


def test_every_order_of_applications_is_tried_and_every_cluster_is_judged_as_its_own_minor() -> None:
    tried = {tuple(application.path.rpartition("/")[2] for application in chosen(name)) for name in CLUSTERS}
    assert {order for order in tried if len(order) == 3} == set(permutations(("ingest", "rules", "tenancy")))
    assert [name for name in CLUSTERS if emulated(known()[name].minor) != known()[name].minor] == []
