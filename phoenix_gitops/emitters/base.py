"""The contract between the pipeline and an emitter: pure functions from scopes to artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from phoenix_gitops.artifact import Artifact, Derived, ProofFile
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.scope import ClusterScope, TenantScope

Emitted = Artifact | ProofFile | Derived | Diagnostic
"""What an emitter yields: objects, files for judges and what follows from them, or a fault that only building shows."""


class Render(Protocol):
    """Fills a template with values; the result is one Kubernetes object and belongs to the caller."""

    def __call__(self, template: str, /, **values: object) -> dict[str, Any]:
        """The object that `template` (relative to `templates/`) gives with these values."""
        ...


class Emitter(Protocol):
    """A component's emitter. Modules satisfy it; they read no disk, clock or environment and dump no YAML.

    `emit` gives a cluster's own objects of the component, `emit_tenant` those of one
    tenant, shared or not: what a shared tenant gets is for each component to say.
    Each is called alone for one unit of work, in any order and in any process.
    """

    @property
    def COMPONENT(self) -> str:  # noqa: N802 - a constant of the module
        """The component that all of its objects belong to."""
        ...

    def emit(self, scope: ClusterScope, render: Render) -> Iterable[Emitted]:
        """The objects of the component that are not one tenant's."""
        ...

    def emit_tenant(self, scope: ClusterScope, tenant: TenantScope, render: Render) -> Iterable[Emitted]:
        """The objects of the component for one tenant that is present in the cluster."""
        ...
