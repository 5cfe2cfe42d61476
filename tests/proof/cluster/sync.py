"""Applications brought into a cluster as Argo CD does: its order of objects, waves, and retries.

What is modelled, from the sources of its sync engine: tasks are sorted by phase, wave, kind and name; a Namespace moves
before the first object in it and takes over that one's wave; all objects of a wave are applied, whatever fails, and
after a wave in which something failed the sync ends, to be tried again as a whole; what is in sync is not applied again
(`ApplyOutOfSyncOnly`). There are no hooks in our output, so there is one phase. Waiting for health is left out: no
kubelet runs here. Application by Application, in the given order, is the hardest case of what Argo CD does at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.proof.cluster.client import Client, Object, Ref
from tests.proof.cluster.tree import Application, tracked

ROUNDS = 5

_WAVE = "argocd.argoproj.io/sync-wave"
_HOOK = "argocd.argoproj.io/hook"
_KINDS = (
    *("Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget"),
    *("ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume"),
    *("PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding"),
    *("ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod"),
    *("ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job"),
    *("CronJob", "IngressClass", "Ingress", "APIService"),
)
_RANK = {kind: rank - len(_KINDS) for rank, kind in enumerate(_KINDS)}
"""All others come after these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An object that the server did not take."""

    round: int
    application: str
    ref: Ref
    message: str

    def __str__(self) -> str:
        return f"round {self.round}, {self.application}: {self.ref}: {self.message}"


@dataclass(slots=True)
class Synced:
    """What came of it."""

    rounds: int = 0
    applied: set[Ref] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def retried(self) -> str:
        """One line: what had to be tried again, and why."""
        if not self.failures:
            return "nothing had to be tried again"
        reasons = sorted({failure.message for failure in self.failures})
        objects = {failure.ref for failure in self.failures}
        return f"{len(objects)} objects had to be tried again ({self.rounds} rounds): {'; '.join(reasons)}"


def sync(client: Client, applications: Sequence[Application]) -> Synced:
    """Apply all objects, round by round, until every one is in, nothing changes any more, or the rounds are over."""
    done = Synced()
    wanted = sum(len(application.objects) for application in applications)
    while len(done.applied) < wanted and done.rounds < ROUNDS:
        before = len(done.applied)
        done.rounds += 1
        for application in applications:
            _try(client, application, done)
        if len(done.applied) == before:
            break
    return done


def waves(objects: Iterable[Object]) -> list[list[Object]]:
    """The objects of one Application in Argo CD's order, wave by wave."""
    ordered = sorted(objects, key=_key)
    assert not any(_HOOK in _annotations(body) for body in ordered), "hooks are not modelled"
    wave_of = {id(body): _wave(body) for body in ordered}
    for namespace in [body for body in ordered if body["kind"] == "Namespace"]:
        place = ordered.index(namespace)
        for i, body in enumerate(ordered[:place]):
            if body["metadata"].get("namespace") == namespace["metadata"]["name"]:
                ordered.insert(i, ordered.pop(place))
                wave_of[id(namespace)] = wave_of[id(body)]
                break
    return [[b for b in ordered if wave_of[id(b)] == wave] for wave in sorted(set(wave_of.values()))]


def _try(client: Client, application: Application, done: Synced) -> None:
    """One sync of one Application."""
    client = client.impersonating(application.user) if application.user else client
    for body in application.seeds:
        if not client.get(Ref.of(body)).ok:
            assert client.apply(body).ok, Ref.of(body)
    for wave in waves(application.objects):
        failed = False
        for body in wave:
            ref = Ref.of(body)
            if ref in done.applied:
                continue
            answer = client.apply(tracked(application, body))
            done.warnings += [f"{ref}: {warning}" for warning in answer.warnings]
            if answer.ok:
                done.applied.add(ref)
            else:
                failed = True
                failure = Failure(round=done.rounds, application=application.name, ref=ref, message=answer.message)
                done.failures.append(failure)
        if failed:
            return


def _key(body: Object) -> tuple[int, int, str]:
    return _wave(body), _RANK.get(body["kind"], 0), body["metadata"]["name"]


def _wave(body: Object) -> int:
    return int(_annotations(body).get(_WAVE, "0"))


def _annotations(body: Object) -> dict[str, str]:
    annotations: dict[str, str] = body["metadata"].get("annotations", {})
    return annotations
