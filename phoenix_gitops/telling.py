"""Telling: whether every alert of an environment that has routes reaches somebody, and every dashboard a Grafana."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.document import Path
from phoenix_gitops.model.environment import Cluster
from phoenix_gitops.model.routing import Contacts, Routing
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.rules.soundings import Sounding, contact, platform_alerts, tenant_alerts
from phoenix_gitops.scope import ClusterScope, EnvironmentScope
from phoenix_gitops.suggest import closest
from phoenix_gitops.world import World, matches

Policies = Mapping[Key, Resolved]

_SINCE: Final = (0, 84)
"""The operator that first knew a strategy that leaves the configs beside Alertmanager alone."""
_BESIDE: Final = "OnNamespaceExceptForAlertmanagerNamespace"


def check_dashboards(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """`PHX699` for dashboards that reach no Grafana: the cluster has none, or no environment wants them."""
    for name, environment in sorted(world.environments.items()):
        for i, cluster in enumerate(environment.spec.clusters if environment.spec.dashboards is not None else ()):
            if cluster.grafana is None:
                policy = policies["Environment", name]
                yield Diagnostic(
                    code="PHX699",
                    message=f"cluster `{cluster.name}` has no `grafana`, so nobody sees its dashboards",
                    primary=policy.origin(("spec", "clusters", i, "name")).value,
                    secondary=(policy.origin(("spec", "dashboards")).key,),
                    help="say where it is, as in `grafana: {namespace: monitoring, discovery: sidecar}`",
                )
    wanting = [e for e in world.environments.values() if e.spec.dashboards is not None]
    for name, rule_set in world.of_kind(RuleSet):
        selector = rule_set.spec.environment_selector
        if rule_set.spec.dashboards and not any(matches(selector, environment) for environment in wanting):
            yield Diagnostic(
                code="PHX699",
                message=f"no environment that RuleSet `{name}` holds in wants dashboards, so its own become nothing",
                primary=policies["RuleSet", name].origin(("spec", "dashboards")).key,
                help="say `dashboards: {}` in an environment whose Grafana shows them",
                severity=Severity.WARNING,
            )


def check_routing(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """`PHX697` for an Alertmanager that routes cannot be given to, `PHX698` for alerts that would reach nobody."""
    for name, tenant in world.of_kind(Tenant):
        yield from _ways(policies["Tenant", name], ("spec", "contacts"), tenant.spec.contacts)
    for name, environment in sorted(world.environments.items()):
        routing = environment.spec.routing
        if routing is None or environment.manages("rules") == "none":
            continue
        policy = policies["Environment", name]
        yield from _contacts(policy, routing)
        for i, cluster in enumerate(environment.spec.clusters):
            yield from _alertmanager(policy, i, cluster)
        yield from _reached(policies, world, world.environment(name), routing)


def _alertmanager(policy: Resolved, i: int, cluster: Cluster) -> Iterator[Diagnostic]:
    at: Path = ("spec", "clusters", i)
    there = cluster.alertmanager
    if there is None:
        yield Diagnostic(
            code="PHX697",
            message=f"cluster `{cluster.name}` has no `alertmanager`, so nothing reads the routes of its environment",
            primary=policy.origin((*at, "name")).value,
            secondary=(policy.origin(("spec", "routing")).key,),
            help=f"say where it is, as in `alertmanager: {{namespace: monitoring, matcherStrategy: {_BESIDE}}}`",
        )
        return
    place = policy.origin((*at, "alertmanager", "matcherStrategy")).value
    if there.matcher_strategy == "OnNamespace":
        yield Diagnostic(
            code="PHX697",
            message=f"the Alertmanager of cluster `{cluster.name}` shows routes only alerts whose label `namespace` is "
            f"`{there.namespace}`, and most alerts have no such label",
            primary=place,
            help=f"set `spec.alertmanagerConfigMatcherStrategy.type` of the Alertmanager to `{_BESIDE}`, "
            "and say so in `matcherStrategy`",
        )
    version = cluster.provides.prometheus_operator
    if there.matcher_strategy == _BESIDE and version is not None and _minor(version) < _SINCE:
        yield Diagnostic(
            code="PHX697",
            message=f"the Prometheus operator {version} of cluster `{cluster.name}` does not know the matcher strategy "
            f"`{_BESIDE}`",
            primary=place,
            help="use an operator of version 0.84 or newer, or the strategy `None`",
        )


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _contacts(policy: Resolved, routing: Routing) -> Iterator[Diagnostic]:
    yield from _ways(policy, ("spec", "routing", "contacts"), routing.contacts)
    for owner, contacts in sorted(routing.owners.items()):
        yield from _ways(policy, ("spec", "routing", "owners", owner), contacts)


def _ways(policy: Resolved, at: Path, contacts: Contacts) -> Iterator[Diagnostic]:
    """Contacts that tell nobody without saying so, or that say both."""
    for severity in contacts.severities:
        told = contacts.of(severity)
        if told is not None and bool(told.ways) == told.silent:
            yield Diagnostic(
                code="PHX698",
                message=f"the contact of `{severity}` names ways to tell somebody and is `silent`"
                if told.silent
                else f"the contact of `{severity}` names no way to tell anybody",
                primary=policy.origin((*at, severity)).value,
                help="name `pagerDuty`, `slack` or `webhook`, or say `silent: true` and nothing else",
            )


def _reached(policies: Policies, world: World, env: EnvironmentScope, routing: Routing) -> Iterator[Diagnostic]:
    """Alerts that reach nobody, and owners whose contacts nothing is told to."""
    place = policies["Environment", env.name].origin(("spec", "routing", "contacts")).key
    own = {one for c in env.environment.spec.clusters for one in platform_alerts(ClusterScope(env=env, cluster=c))}
    alerts = sorted(own, key=_order)
    reported: set[str] = set()
    for one in alerts:
        told = contact(routing, one)
        if told is None and one.severity not in reported:
            reported.add(one.severity)
            yield _unheard(policies, env.name, one, place)
    yield from _owners(policies, env.name, routing, alerts)
    for name, tenant in sorted(world.present(env.environment).items()):
        for one in sorted(tenant_alerts(world.tenant(env.environment, name)), key=_order):
            if contact(routing, one, tenant.spec.contacts) is None and one.severity not in reported:
                yield _unheard(policies, env.name, one, place)


def _order(one: Sounding) -> tuple[str, str, str, str]:
    return one.severity, str(one.policy), one.alert, str(one.path)


def _unheard(policies: Policies, environment: str, one: Sounding, place: Label) -> Diagnostic:
    policy = policies[one.policy.kind, one.policy.name]
    found = policy.origin(one.path) if one.path else None
    said = None if found is None else (found.value if policy.sets(one.path) else found.key)
    return Diagnostic(
        code="PHX698",
        message=f"alert `{one.alert}` of severity `{one.severity}` reaches nobody in environment `{environment}`",
        primary=said or place,
        secondary=() if said is None else (place,),
        help=f"say who is told in `routing.contacts.{one.severity}` of the environment; `silent: true` is nobody",
    )


def _owners(policies: Policies, name: str, routing: Routing, alerts: list[Sounding]) -> Iterator[Diagnostic]:
    """Owners who own nothing here, and alerts of one name that two owners are to be told of."""
    policy = policies["Environment", name]
    owners = {one.owner for one in alerts if one.path}
    for owner in sorted(routing.owners.keys() - owners):
        near = closest(owner, owners)
        listed = ", ".join(f"`{known}`" for known in sorted(owners)) or "none"
        yield Diagnostic(
            code="PHX698",
            message=f"no SLO or RuleSet of the platform in environment `{name}` is owned by `{owner}`",
            primary=policy.origin(("spec", "routing", "owners", owner)).key,
            help=f"did you mean `{near}`?" if near else f"those that own some are: {listed}",
        )
    first: dict[tuple[str, str, str], str] = {}
    for one in (one for one in alerts if one.path and routing.owners.keys() & {one.owner}):
        other = first.setdefault((one.alert, one.severity, one.slo), one.owner)
        if other != one.owner:
            yield Diagnostic(
                code="PHX698",
                message=f"alert `{one.alert}` is `{other}`'s and `{one.owner}`'s, so no route can tell whom to tell",
                primary=policies[one.policy.kind, one.policy.name].origin(one.path).value,
                help="give the two alerts names of their own",
            )
