"""Holds: parts of an environment that are left as they are for a while, as in an incident.

A held part is no longer applied by itself, and files of it that were edited by hand are kept. Everything else
goes on, and so does what lies in Git: a hold that is over is said, but it never stands in the way of another change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix_gitops.artifact import COMPONENTS
from phoenix_gitops.diagnostics import Diagnostic, Severity
from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.model.environment import UNHELD
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.suggest import closest
from phoenix_gitops.world import World


def held_folders(world: World) -> frozenset[str]:
    """The folders of the tree that a hold reaches, as `prod-eu/main/ingest/`."""
    return frozenset(
        f"{name}/{cluster.name}/{component}/"
        for name, environment in world.environments.items()
        for cluster in environment.spec.clusters
        for component in COMPONENTS
        if environment.hold(cluster.name, component)
    )


def check_holds(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """PHX515 for each hold whose target is no cluster or component of its environment."""
    for name, environment in world.environments.items():
        policy = policies["Environment", name]
        clusters = [cluster.name for cluster in environment.spec.clusters]
        for i, hold in enumerate(environment.spec.holds):
            where, _, what = hold.target.partition("/")
            components = [component for component in COMPONENTS if component != UNHELD]
            for word, known, noun in ((where, clusters, "cluster"), (what, components, "component to hold")):
                if word in ("*", *known):
                    continue
                near = closest(word, known) if word != UNHELD else None
                listed = ", ".join(f"`{one}`" for one in known)
                yield Diagnostic(
                    code="PHX515",
                    message=f"environment `{name}` has no {noun} `{word}`",
                    primary=policy.origin(("spec", "holds", i, "target")).value,
                    help=f"did you mean `{near}`?" if near else f"one of {listed}, or `*` for all",
                )


def check_ends(policies: Mapping[Key, Resolved], world: World, today: str) -> Iterator[Diagnostic]:
    """A warning for each hold (PHX516) and each override (PHX693) whose last day is before `today` (YYYY-MM-DD)."""
    for name, environment in sorted(world.environments.items()):
        for i, hold in enumerate(environment.spec.holds):
            if hold.until < today:
                yield Diagnostic(
                    code="PHX516",
                    message=f"the hold of `{hold.target}` in environment `{name}` was to end on {hold.until}",
                    primary=policies["Environment", name].origin(("spec", "holds", i, "until")).value,
                    help="remove it, and what lies in Git is applied; or give it a later day",
                    severity=Severity.WARNING,
                )
    for name, policy in sorted(world.of_kind(ControlPolicy), key=lambda item: item[0]):
        override = policy.spec.override
        if override is not None and override.until[:10] < today:
            yield Diagnostic(
                code="PHX693",
                message=f"profile `{override.profile}` of control policy `{policy.metadata.name}` was set by hand "
                f"until {override.until}",
                primary=policies["ControlPolicy", name].origin(("spec", "override", "until")).value,
                help="remove `override`: the rules go on by themselves already",
                severity=Severity.WARNING,
            )
