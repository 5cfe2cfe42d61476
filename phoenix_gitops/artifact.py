"""What emitters produce and what is written: objects, proof files, rendered files and their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic

COMPONENTS = (
    "gitops",
    "tenancy",
    "ingest",
    "stream",
    "storage",
    "rules",
    "control",
    "security",
    "resilience",
    "observability",
    "delivery",
    "finops",
    "local",
)
"""Components (= domains) of the output, DESIGN section 5."""


@dataclass(frozen=True, slots=True, order=True)
class PolicyRef:
    """A policy by kind and name; written `Tenant/checkout`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One Kubernetes object as emitted. `body` is plain data and belongs to the artifact."""

    component: str
    policy: PolicyRef
    body: dict[str, Any]
    template: str = ""
    """The template it came from, relative to `templates/`; empty for objects computed in Python."""
    file_name: str = ""
    """The name in its file's path where the object's own changes with its content; empty for the object's name."""

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.body["kind"])

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        group, slash, _ = str(self.body["apiVersion"]).partition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace, empty for cluster-scoped ones."""
        return str(self.body["metadata"].get("namespace", ""))


@dataclass(frozen=True, slots=True)
class Carrier:
    """The object that takes a proof file's data into the cluster, and the path at which it has them."""

    kind: str
    namespace: str
    name: str
    at: tuple[str, ...]

    @staticmethod
    def of(artifact: Artifact, *at: str) -> Carrier:
        """An object that has the data at a path."""
        return Carrier(artifact.kind, artifact.namespace, artifact.name, at)

    def is_(self, artifact: Artifact) -> bool:
        """Whether it is this object."""
        return (self.kind, self.namespace, self.name) == (artifact.kind, artifact.namespace, artifact.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFile:
    """A file for a judge (a plain rule file, an exact collector config): data under `_proof/`."""

    folder: str
    """`rules`, `tests`, `collectors`, ..."""
    name: str
    """File name without folder or ending."""
    policy: PolicyRef
    body: dict[str, Any]
    carrier: Carrier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Proof files that follow from another one alone: made only when they are written, never to trace a value.

    `make` is given the body that `source` was made with, and the one that it has after overrides.
    """

    source: ProofFile
    make: Callable[[dict[str, Any], dict[str, Any]], Iterable[ProofFile | Diagnostic]]


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of work: one component of a cluster, one tenant of a cluster, or an environment's GitOps objects.

    `cluster` names the cluster in which the objects are applied. `tenant` is empty for the component's own objects.
    """

    environment: str
    cluster: str
    component: str
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file as it will stand on disk: path relative to `generated/` with `/`, bytes with header."""

    path: str
    content: bytes
    unit: Unit
    policy: PolicyRef
