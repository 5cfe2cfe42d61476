"""GitOps: the objects by which the compiled tree of an environment reaches its clusters, for the chosen reconciler."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.gitops import argocd
from phoenix_gitops.emitters.gitops.plan import COMPONENT, ComponentSummary, Summary, faults, make_plan
from phoenix_gitops.repository import location
from phoenix_gitops.scope import EnvironmentScope

__all__ = ["COMPONENT", "ComponentSummary", "Summary", "clusters", "emit"]


def clusters(scope: EnvironmentScope) -> tuple[str, ...]:
    """The clusters that get objects of this component; the first is the one that the reconciler runs in."""
    return (scope.platform.spec.home.cluster,)


def emit(scope: EnvironmentScope, cluster: str, summary: Summary, render: Render) -> Iterator[Emitted]:
    """The objects that one of `clusters` gets. Faults of the whole are told once, with the first."""
    where = location(scope.platform, scope.name)
    if isinstance(where, Diagnostic):
        yield where
        return
    yield from faults(summary)
    plan = make_plan(scope, where, argocd.own(scope), summary)
    yield from argocd.render_plan(plan, scope, render)
