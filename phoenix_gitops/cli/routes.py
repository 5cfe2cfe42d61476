"""What `phoenix show routes` prints: each alert of an environment, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from phoenix_gitops.cli.options import Common
from phoenix_gitops.model.routing import Contact, Contacts, Routing
from phoenix_gitops.rules.soundings import Sounding, contact, platform_alerts, tenant_alerts
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.scope import ClusterScope
from phoenix_gitops.world import World

COLUMNS = ("severity", "alert", "policy", "tenant", "told", "by")
Row = tuple[str, ...]
_OF_NO_TENANT = ("-", "any")


def show(options: Common, name: str) -> int:
    """Prints the routes of an environment; gives the exit code."""
    from phoenix_gitops.cli.session import finish, front, listed

    result = front(options)
    if result.world is None:
        return finish(options, result.diagnostics, result.sources)
    known = sorted(result.world.environments)
    if name not in known:
        listed_names = ", ".join(known)
        raise click.BadParameter(
            f"there is no environment '{name}'; there are: {listed_names}", param_hint="'-e' / '--environment'"
        )
    routing = result.world.environments[name].spec.routing
    if routing is None:
        text = f"environment '{name}' has no 'routing': Alertmanager's own configuration says who is told"
        raise click.BadParameter(text, param_hint="'-e' / '--environment'")
    rows = sorted(set(_rows(result.world, name, routing)), key=lambda row: (*row[1:4], row[0]))
    return listed(options, "routes", COLUMNS, rows, diagnostics=result.diagnostics, sources=result.sources)


def _rows(world: World, name: str, routing: Routing) -> Iterator[Row]:
    env = world.environment(name)
    present = world.present(env.environment)
    telling = {tenant: policy for tenant, policy in present.items() if policy.spec.contacts.severities}
    for cluster in env.environment.spec.clusters:
        for one in platform_alerts(ClusterScope(env=env, cluster=cluster)):
            yield _row(routing, one, "any" if one.by_tenant else "-", None)
            if one.by_tenant:
                for tenant, policy in telling.items():
                    if policy.spec.contacts.of(one.severity) is not None:
                        yield _row(routing, one, tenant, policy.spec.contacts)
    for tenant, policy in present.items():
        for one in tenant_alerts(world.tenant(env.environment, tenant)):
            yield _row(routing, one, tenant, policy.spec.contacts)


def told_of(world: World, alert: str, labels: Mapping[str, str]) -> Iterator[str]:
    """Who is told of an alert that bears these labels, by environments that say the same."""
    places: dict[str, list[str]] = {}
    for name, environment in sorted(world.environments.items()):
        routing = environment.spec.routing
        rows = [] if routing is None else [row for row in _rows(world, name, routing) if _is_meant(row, alert, labels)]
        # A tenant's own row stands before that of all others.
        for row in sorted(rows, key=lambda row: row[3] in _OF_NO_TENANT)[:1]:
            unless = ", unless the tenant has contacts of its own" if row[3] == "any" else ""
            places.setdefault(f"{row[4]}, by {row[5]}{unless}", []).append(name)
    for told, names in places.items():
        yield f"told in {', '.join(names)}: {told}"


def _is_meant(row: Row, alert: str, labels: Mapping[str, str]) -> bool:
    severity, name, policy, tenant = row[:4]
    kind, _, slo = policy.partition("/")
    return (
        (name, severity) == (alert, labels.get("severity"))
        and (kind != "SLO" or slo == labels.get("slo"))
        and tenant in (*_OF_NO_TENANT, labels.get(LABEL))
    )


def _row(routing: Routing, one: Sounding, tenant: str, contacts: Contacts | None) -> Row:
    found = contact(routing, one, contacts)
    if found is None:
        return one.severity, one.alert, str(one.policy), tenant, "nobody hears of it", "-"
    who, told = found
    secret = f"{routing.secret}-{tenant}" if who == "tenant" else routing.secret
    by = {"tenant": f"Tenant/{tenant}", "platform": "platform"}.get(who, f"owner {who}")
    return one.severity, one.alert, str(one.policy), tenant, ways(told, secret), by


def ways(told: Contact, secret: str) -> str:
    """The ways of a contact in words: where, and which key of which Secret says the rest."""
    if told.silent:
        return "nobody (silent)"
    channel = {"slack": f" {told.slack.channel}" if told.slack is not None else ""}
    return ", ".join(f"{way}{channel.get(way, '')} ({secret}: {key})" for way, key in told.ways.items())
