"""A real API server enforces what the policies say: quotas, defaults, rights and Pod Security.

One cluster of each environment of the reference platform is a control plane with all of its compiled objects. What is
expected comes from the policies (`enforced.py`). NetworkPolicies need a network, and are evaluated elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product

import pytest
import yaml

from phoenix_gitops.cli.session import stages
from phoenix_gitops.front import run_front
from phoenix_gitops.model.units import amount
from phoenix_gitops.scope import ClusterScope, TenantScope
from tests.proof.cluster import Answer, Client, Ref, Seed, running
from tests.proof.cluster.client import Object
from tests.proof.cluster.sync import sync
from tests.proof.cluster.tree import sites
from tests.proof.enforced import (
    ACCOUNTS,
    EVERYBODYS,
    STRANGER,
    Enforced,
    as_pod,
    asked,
    collector_rights,
    held,
    may,
    pod,
)
from tests.proof.judge import GENERATED, PROOF, ROOT, Judge

pytestmark = pytest.mark.proof

SERVER = "kube-apiserver"
HOMES = {"dev": "dev", "reference": "reference", "prod-eu": "eu-central-1", "prod-us": "us-east-1"}
"""One cluster of each environment; the others have the same policies."""
HOST: Object = {"hostPID": True}
ROOT_USER: Object = {"securityContext": {}}
SITES = {site.name: site for site in sites(GENERATED, ROOT / "environments")}


@cache
def policies() -> dict[str, tuple[ClusterScope, tuple[TenantScope, ...]]]:
    """What holds in each environment, for the cluster that stands for it."""
    ready, faults = stages(run_front(ROOT), [])
    assert faults == ()
    assert {stage.environment for stage in ready} == set(HOMES)
    return {
        s.environment: (
            ClusterScope(env=s.scope, cluster=s.clusters[HOMES[s.environment]]),
            tuple(s.world.tenant(s.scope.environment, name) for name in sorted(s.tenants)),
        )
        for s in ready
    }


@pytest.fixture(scope="module", params=sorted(HOMES))
def world(request: pytest.FixtureRequest, seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    site = SITES[HOMES[request.param]]
    scope, tenants = policies()[request.param]
    with running(tmp_path_factory.mktemp(site.name), seed=seed, version=site.minor) as cluster:
        for name in site.home:
            assert cluster.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).ok
        synced = sync(cluster.client, site.applications)
        assert len(synced.applied) == sum(1 for _ in site.objects()), synced.retried()
        world = Enforced(site=site, scope=scope, tenants=tenants, client=cluster.client)
        cluster.client.wait("quotas counted", lambda: all(world.counted(name) for _, name in world.walled))
        yield world


# --- quotas ------------------------------------------------------------------------------------------------------


def test_quotas_and_defaults_are_those_of_the_policies(world: Enforced, judge: Judge) -> None:
    for tenant, namespace in world.walled:
        hard = {name: amount(value) for name, value in world.quota(namespace)["spec"]["hard"].items()}
        quotas = tenant.quotas
        assert quotas.cpu is not None, tenant.name
        assert quotas.memory is not None, tenant.name
        assert hard == {
            **dict.fromkeys(("requests.cpu", "limits.cpu"), amount(quotas.cpu)),
            **dict.fromkeys(("requests.memory", "limits.memory"), amount(quotas.memory)),
            "pods": quotas.pods,
        }
        bare = world.client.create(pod(namespace), dry_run=True)
        assert bare.ok, bare.message
        given = bare.body["spec"]["containers"][0]["resources"]
        defaults = tenant.class_.spec.container_defaults
        assert {side: {k: amount(v) for k, v in given[side].items()} for side in given} == {
            "requests": {"cpu": amount(defaults.cpu_request), "memory": amount(defaults.memory_request)},
            "limits": {"cpu": amount(defaults.cpu_limit), "memory": amount(defaults.memory_limit)},
        }
    judge.took(SERVER, len(world.walled), "pods without requests, which got the policies' defaults")


def test_the_last_bit_of_a_quota_can_be_had_and_no_bit_more(world: Enforced, judge: Judge) -> None:
    refused = 0
    for tenant, namespace in world.walled:
        used = world.quota(namespace)["status"]["used"]
        for resource, unit in (("cpu", "m"), ("memory", "Ki")):
            quota = amount(getattr(tenant.quotas, resource))
            free = quota - max(amount(used[f"{side}.{resource}"]) for side in ("requests", "limits"))
            left = int(free * 1000) if unit == "m" else int(free / 1024)
            fits, exceeds = (
                world.client.create(pod(namespace, {resource: f"{left + more}{unit}"}), dry_run=True) for more in (0, 1)
            )
            assert fits.ok, fits.message
            assert exceeds.status == 403
            assert "exceeded quota: tenant" in exceeds.message
            assert f"limits.{resource}={left + 1}{unit}" in exceeds.message
            refused += 1
    judge.refused(SERVER, refused, "pods over a quota")


def test_a_container_may_not_overcommit_more_than_its_class_allows(world: Enforced, judge: Judge) -> None:
    refused = 0
    for tenant, namespace in world.walled:
        ratio = tenant.class_.spec.container_defaults.max_ratio
        assert ratio, tenant.name
        fits, exceeds = (
            world.client.create(pod(namespace, {"cpu": f"{10 * ratio + more}m"}, {"cpu": "10m"}), dry_run=True)
            for more in (0, 1)
        )
        assert fits.ok, fits.message
        assert f"cpu max limit to request ratio per Container is {ratio}" in exceeds.message
        refused += 1
    judge.refused(SERVER, refused, "pods over the ratio of a class")


def test_the_pod_after_the_last_is_refused(world: Enforced, judge: Judge) -> None:
    tenant, namespace = min(world.walled, key=lambda pair: pair[0].quotas.pods or 0)
    assert tenant.quotas.pods
    free = tenant.quotas.pods - int(world.quota(namespace)["status"]["used"]["pods"])
    small = {"cpu": "1m", "memory": "1Ki"}
    pods = f"/api/v1/namespaces/{namespace}/pods"
    made: list[Answer] = []
    try:
        made += [world.client.create(pod(namespace, small)) for _ in range(free)]
        assert [answer.message for answer in made if not answer.ok] == []
        over = world.client.create(pod(namespace, small))
        assert f"exceeded quota: tenant, requested: pods=1, used: pods={tenant.quotas.pods}" in over.message
        _deployment_over_quota(world.client, namespace)
    finally:
        for answer in made:
            world.client.request("DELETE", f"{pods}/{answer.body['metadata']['name']}", {"gracePeriodSeconds": 0})
    judge.took(SERVER, free, "pods up to a quota")
    judge.refused(SERVER, 2, "pods over a quota")


def _deployment_over_quota(client: Client, namespace: str) -> None:
    """Its pods are refused, and it says so."""
    template = {"metadata": {"labels": {"app": "over"}}, "spec": pod(namespace, {"cpu": "1m", "memory": "1Ki"})["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "over"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "over", "namespace": namespace}}
    answer = client.create({**body, "spec": spec})
    assert answer.ok, answer.message
    ref = Ref.of(answer.body)
    try:
        client.wait("refused: the Deployment's pod", lambda: "exceeded quota: tenant" in _failure(client.get(ref).body))
    finally:
        client.delete(ref)


def _failure(deployment: Object) -> str:
    conditions = deployment.get("status", {}).get("conditions", ())
    return "".join(c["message"] for c in conditions if c["type"] == "ReplicaFailure")


# --- rights ------------------------------------------------------------------------------------------------------


def test_everybody_has_just_the_rights_that_policies_give(world: Enforced, judge: Judge) -> None:
    """The authoriser's own list of all that somebody may in a namespace: nothing is missing, nothing is more."""
    compared = 0
    for group, namespace in product(world.groups, world.namespaces):
        found = held(world.client.impersonating("somebody", group), namespace)
        assert found == world.rights(group, namespace), (group, namespace)
        compared += 1
    judge.took(SERVER, compared, "lists of all rights of a group in a namespace")


def test_the_matrix_of_rights(world: Enforced, judge: Judge) -> None:
    """Each cell asked of the authoriser: may this group do this, with this resource, in this namespace?"""
    cells = [
        (group, namespace, right)
        for group, namespace in product(world.groups, world.guarded)
        for right in asked(world.rights(group, namespace) > EVERYBODYS)
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda cell: may(world.client.impersonating("somebody", cell[0]), *cell[1:]), cells))
    wrong = [
        (*cell, answer)
        for cell, answer in zip(cells, answers, strict=True)
        if answer is not (cell[2] in world.rights(cell[0], cell[1]))
    ]
    assert wrong == []
    count = Counter((group, answer) for (group, _, _), answer in zip(cells, answers, strict=True))
    entitled = {
        group for group, name in product(world.groups, world.namespaces) if world.rights(group, name) > EVERYBODYS
    }
    assert {group for group in world.groups if count[group, True]} == entitled
    assert all(count[group, False] for group in world.groups)
    assert STRANGER not in entitled
    allowed = sum(number for (_, answer), number in count.items() if answer)
    judge.took(SERVER, allowed, "rights that policies give")
    judge.refused(SERVER, len(cells) - allowed, "rights that policies do not give")


def test_a_right_too_many_would_be_seen(world: Enforced, judge: Judge) -> None:
    _, namespace = world.walled[0]
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "too-many", "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "tenant-viewer"},
        "subjects": [{"kind": "Group", "apiGroup": group, "name": STRANGER}],
    }
    stranger = world.client.impersonating("somebody", STRANGER)
    assert world.client.create(binding).ok
    try:
        world.client.wait("seen: the binding", lambda: held(stranger, namespace) != world.rights(STRANGER, namespace))
        assert may(stranger, namespace, ("list", "pods"))
    finally:
        world.client.delete(Ref.of(binding))
    world.client.wait("gone: the binding", lambda: held(stranger, namespace) == world.rights(STRANGER, namespace))
    judge.refused(SERVER, 1, "rights that policies do not give")


def test_a_request_meets_what_the_authoriser_said(world: Enforced, judge: Judge) -> None:
    tenant, namespace = world.walled[0]
    access = tenant.tenant.spec.access
    editor, viewer = (world.client.impersonating("ann", groups[0]) for groups in (access.editors, access.viewers))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": namespace}}
    assert editor.create(config).status == 201
    assert viewer.get(Ref.of(config)).ok
    assert editor.delete(Ref.of(config)).ok
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    refused = [
        viewer.create(config),
        editor.create({**config, "metadata": {"name": "probe", "namespace": world.collectors[1]}}),
        *(person.request("GET", secrets) for person in (editor, viewer)),
        world.client.impersonating("ann", STRANGER).request("GET", f"/api/v1/namespaces/{namespace}/pods"),
    ]
    assert [answer.status for answer in refused] == [403] * len(refused)
    assert all("cannot" in answer.message for answer in refused)
    judge.refused(SERVER, len(refused), "requests without the right")


def test_collectors_may_do_what_their_configs_say_and_nothing_else(world: Enforced, judge: Judge) -> None:
    accounts = [Ref.of(body) for body in world.site.objects() if body["kind"] == "ServiceAccount"]
    folder = PROOF / world.scope.env.name / world.site.name / "collectors"
    agents, gateway = world.collectors
    configs = {(agents, "agent"): "agent", (gateway, "gateway"): "gateway"}
    compared = 0
    for account in accounts:
        config = configs.pop((account.namespace, account.name), "")
        wanted = collector_rights(yaml.safe_load((folder / f"{config}.yaml").read_text())) if config else ACCOUNTS
        user = f"system:serviceaccount:{account.namespace}:{account.name}"
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account.namespace}")
        for namespace in world.namespaces:
            assert held(world.client.impersonating(user, *groups), namespace) == wanted, (user, namespace)
            compared += 1
    assert configs == {}
    judge.took(SERVER, compared, "lists of all rights of an account in a namespace")


# --- Pod Security ------------------------------------------------------------------------------------------------


def test_pod_security_holds_in_each_namespace(world: Enforced, judge: Judge) -> None:
    """Tenants' namespaces have their class's level; of ours the agents' alone, which see the host, are open."""
    agents, gateway = world.collectors
    levels = {name: tenant.class_.spec.pod_security for tenant, name in world.walled}
    levels |= {gateway: "restricted", gateway.replace("gateway", "rules"): "restricted", agents: "privileged"}
    refused = 0
    for namespace, level in levels.items():
        host, root = (world.client.create(pod(namespace, **change), dry_run=True) for change in (HOST, ROOT_USER))
        assert host.ok is (level == "privileged"), (namespace, host.message)
        assert root.ok is (level != "restricted"), (namespace, root.message)
        for answer in (host, root):
            refused += not answer.ok
            assert answer.ok or f'violates PodSecurity "{level}:' in answer.message
        assert world.client.create(pod(namespace), dry_run=True).ok
    assert refused >= 2 * len(world.walled)
    judge.refused(SERVER, refused, "pods by their security")


def test_every_workload_is_admitted_where_it_runs(world: Enforced, judge: Judge) -> None:
    agents, gateway = world.collectors
    workloads = [body for body in world.site.objects() if "template" in body.get("spec", {})]
    assert {"DaemonSet", "Deployment"} == {body["kind"] for body in workloads}
    for body in workloads:
        own = as_pod(body, body["metadata"]["namespace"])
        answer = world.client.create(own, dry_run=True)
        assert answer.ok, answer.message
        assert answer.warnings == ()
    judge.took(SERVER, len(workloads), "pods of our workloads")
    (agent,) = [body for body in workloads if body["metadata"]["namespace"] == agents]
    elsewhere = as_pod(agent, gateway)
    del elsewhere["spec"]["serviceAccountName"]
    refusal = world.client.create(elsewhere, dry_run=True).message
    assert 'violates PodSecurity "restricted:' in refusal
    assert all(reason in refusal for reason in ("hostPID=true", "hostPath", "capabilities"))
    judge.refused(SERVER, 1, "pods by their security")


def test_there_is_no_admission_policy_yet_to_judge() -> None:
    """Whoever emits the first one shows here what it lets through and what it refuses."""
    kinds = {body["kind"] for site in SITES.values() for body in site.objects()}
    assert "Deployment" in kinds
    assert not {kind for kind in kinds if "AdmissionPolicy" in kind or kind.startswith("ValidatingPolicy")}
