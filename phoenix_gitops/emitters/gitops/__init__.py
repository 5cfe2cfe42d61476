"""GitOps: the objects by which the compiled tree of an environment reaches its clusters, for the chosen reconciler."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.gitops import argocd, flux
from phoenix_gitops.emitters.gitops.plan import COMPONENT, ComponentSummary, Summary, faults, make_plan
from phoenix_gitops.repository import location
from phoenix_gitops.scope import EnvironmentScope

__all__ = ["COMPONENT", "ComponentSummary", "Summary", "clusters", "emit"]


def clusters(scope: EnvironmentScope) -> tuple[str, ...]:
    """The clusters that get objects of this component, the one that the reconciler runs in first."""
    home = scope.platform.spec.home.cluster
    return (home, *sorted(_own(scope).keys() - {home}))


def emit(scope: EnvironmentScope, cluster: str, summary: Summary, render: Render) -> Iterator[Emitted]:
    """The objects that one of `clusters` gets. Faults of the whole are told once, with the first of them."""
    platform = scope.platform
    where, first = location(platform, scope.name), cluster == platform.spec.home.cluster
    if isinstance(where, Diagnostic):
        yield from [where] if first else []
        return
    yield from faults(summary) if first else ()
    plan = make_plan(scope, where, _own(scope), summary)
    if platform.spec.reconciler == "flux":
        yield from flux.render_plan(plan, scope, cluster, render)
    else:
        yield from argocd.render_plan(plan, scope, render)


def _own(scope: EnvironmentScope) -> dict[str, ComponentSummary]:
    return flux.own(scope) if scope.platform.spec.reconciler == "flux" else argocd.own(scope)
