"""Maturity: what an environment must have before it may call itself `production` or `enterprise`.

A level is a promise to those who rely on the environment, so it fails to compile while something that it requires is
missing. What an organisation asks beyond that stands in its guardrails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.document import Path
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.rings import collector_place
from phoenix_gitops.world import World

Gap = tuple[Path, str, str]
"""Where in the environment something is missing, what, and what to do."""


def check_maturity(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """PHX514 for each thing that an environment's level requires and that is missing."""
    for name, environment in world.environments.items():
        for path, missing, advice in _gaps(world, environment):
            policy = policies["Environment", name]
            yield Diagnostic(
                code="PHX514",
                message=f"environment `{name}` is not `{environment.spec.maturity}`: {missing}",
                primary=policy.origin(path).value if policy.sets(path) else policy.origin(("spec", "maturity")).value,
                help=advice,
            )


def _gaps(world: World, environment: Environment) -> Iterator[Gap]:
    spec = environment.spec
    if spec.maturity == "foundation":
        return
    yield from _production(world, environment)
    if spec.maturity == "enterprise":
        yield from _enterprise(world, environment)


def _production(world: World, environment: Environment) -> Iterator[Gap]:
    """One node, zone or registry may fail without anybody losing data or being surprised by another image."""
    spec = environment.spec
    if world.platform_of(environment).spec.catalog.collector.digest is None:
        place = ".".join(map(str, collector_place(world.platform, spec.ring)[1:]))
        advice = f"give `{place}` of the Platform its `digest`"
        yield ("spec", "maturity"), "its collector image is not pinned by a digest", advice
    if spec.gateway.replicas.min < 2:
        yield ("spec", "gateway", "replicas", "min"), "its gateway runs once", "set `gateway.replicas.min` to 2 or more"
    for i, cluster in enumerate(spec.clusters):
        if len(cluster.zones) < 2:
            missing = f"cluster `{cluster.name}` lies in fewer than two zones"
            yield ("spec", "clusters", i, "zones"), missing, "name the zones of its nodes, at least two"
    if spec.budget.active_series is None:
        yield ("spec", "maturity"), "it has no budget of active series", "set `budget.activeSeries`"


def _enterprise(world: World, environment: Environment) -> Iterator[Gap]:
    """A cluster may fail, and somebody is told before a budget does."""
    spec = environment.spec
    if len(spec.clusters) < 2:
        yield ("spec", "maturity"), "it has one cluster", "add a second cluster"
    if not spec.residency:
        yield ("spec", "maturity"), "it does not say where its data lies", "set `residency`"
    if spec.control is None:
        yield ("spec", "maturity"), "it has no control policy", "set `control`"
    advice = "stay at `production`: this version of the compiler does not compile them yet"
    yield ("spec", "maturity"), "it has no backups and no encryption between collectors", advice
