"""A cluster into which its Applications were synced, and what is in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.proof.cluster.client import Client, Object, Ref
from tests.proof.cluster.control_plane import Cluster
from tests.proof.cluster.sync import Synced
from tests.proof.cluster.tree import Application, Site, tracked

NODE: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}
"""Where the pods of DaemonSets are meant to run."""

_SECONDS = 60
_LOOKS = 5
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One cluster after the sync of its Applications in some order."""

    site: Site
    cluster: Cluster
    order: tuple[Application, ...]
    synced: Synced

    @property
    def client(self) -> Client:
        return self.cluster.client

    def summary(self) -> str:
        """One line: which Kubernetes, how many objects, in which order, and what had to be tried again."""
        minor, number = self.cluster.version, sum(1 for _ in self.site.objects())
        kubernetes = minor if minor == self.site.minor else f"{minor} (for {self.site.minor}, which is too old)"
        order = ", ".join(application.name for application in self.order)
        return f"{self.site.name}: Kubernetes {kubernetes}, {number} objects of {order}; {self.synced.retried()}"

    def sent(self) -> Iterator[Object]:
        """Every object as Argo CD sends it."""
        for application in self.order:
            for body in application.objects:
                yield tracked(application, body)

    def found(self, ref: Ref) -> Object:
        """The object as it is in the cluster."""
        answer = self.client.get(ref)
        assert answer.ok, f"{ref}: {answer.message}"
        return answer.body

    def replicas(self, ref: Ref) -> int:
        replicas: int = self.found(ref)["spec"]["replicas"]
        return replicas

    def settle(self) -> None:
        """Wait until controllers have done what our objects ask of them, and change these no more."""
        refs = [Ref.of(body) for body in self.site.objects()]
        seen: list[list[str]] = [[]]

        def calm() -> bool:
            seen.append([_version(self.found(ref)) for ref in refs])
            return seen[-1] == seen[-2] and not self.unfinished()

        self.client.wait("calm", calm, _SECONDS)

    def changes(self, body: Object) -> bool:
        """Whether applying the object again changes anything. A controller that writes its status meanwhile does not
        count: then we look again.
        """
        for _ in range(_LOOKS):
            before, answer = self.found(Ref.of(body)), self.client.apply(body)
            if not answer.ok or _desired(before) != _desired(answer.body):
                return True
            if _version(before) == _version(answer.body):
                return False
        return True

    def unfinished(self, patience: float = 0) -> list[str]:
        """Workloads whose controller has not made all their pods after so many seconds, and what it says of them."""
        deadline = time.monotonic() + patience
        while True:
            found = {ref: self.found(ref) for ref in self.site.workloads}
            late = [f"{ref}: {_complaint(body)}" for ref, body in found.items() if not _complete(body)]
            if not late or time.monotonic() >= deadline:
                return late
            time.sleep(_POLL_SECONDS)


def _version(found: Object) -> str:
    version: str = found["metadata"]["resourceVersion"]
    return version


def _desired(found: Object) -> Object:
    """An object without what controllers write of its state."""
    metadata = {key: value for key, value in found["metadata"].items() if key != "resourceVersion"}
    fields = [entry for entry in metadata["managedFields"] if entry.get("subresource") != "status"]
    return {**found, "metadata": {**metadata, "managedFields": fields}, "status": {}}


def _complaint(workload: Object) -> str:
    conditions = workload.get("status", {}).get("conditions", ())
    failures = [c["message"] for c in conditions if c["type"] == "ReplicaFailure" and c["status"] == "True"]
    return "; ".join(failures) or "its controller gives no reason"


def _complete(workload: Object) -> bool:
    status = workload.get("status", {})
    if status.get("observedGeneration") != workload["metadata"]["generation"]:
        return False
    if workload["kind"] == "DaemonSet":
        return bool(status["currentNumberScheduled"] == status["desiredNumberScheduled"] == 1)
    return bool(status.get("replicas") == workload["spec"]["replicas"])
