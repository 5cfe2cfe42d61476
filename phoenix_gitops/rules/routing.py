"""Who is told of which alert: routes by tenant, owner and severity, as plain values.

Alertmanager takes the first route of each config that matches, and asks every config. So each alert is matched by one
config alone: a tenant's own, that of the platform's alerts, or that of tenants who do not say who is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.model.routing import SEVERITIES, Contact, Contacts, Routing
from phoenix_gitops.rules.soundings import BURN, Sounding, platform_alerts
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.scope import ClusterScope, EnvironmentScope, TenantScope, TenantSummary

NOBODY: Final = "nobody"
"""A receiver that tells nobody."""

SAME: Final = (
    "alertname",
    "bound",
    "namespace",
    "phoenix_pipeline",
    "pipeline",
    "pod",
    "quota",
    "service",
    "slo",
    LABEL,
)
"""Labels in which a critical and a lesser alert of one name agree that are about the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One AlertmanagerConfig: whom it is about, its top matchers, its routes, and how receivers are reached."""

    name: str
    policy: PolicyRef
    matchers: tuple[dict[str, str], ...]
    routes: tuple[dict[str, Any], ...]
    receivers: tuple[dict[str, Any], ...]
    inhibits: tuple[dict[str, Any], ...] = ()


def configs(scope: ClusterScope) -> Iterator[Config]:
    """The configs of a cluster that are no tenant's own."""
    routing = scope.env.environment.spec.routing
    if routing is None:
        return
    prefix = scope.env.platform.spec.conventions.namespace_prefix
    policy = PolicyRef("Environment", scope.env.name)
    alerts = platform_alerts(scope)
    names = _either(one.alert for one in alerts)
    receivers = _Receivers(routing.secret)
    routes = tuple(_platform_routes(routing, alerts, scope.env.tenants, receivers))
    yield Config(
        name=f"{prefix}-platform",
        policy=policy,
        matchers=(_matcher("alertname", "=~", names),),
        routes=routes,
        receivers=receivers.all(),
        inhibits=tuple(_inhibits(alerts)),
    )
    rest = [tenant for tenant in scope.env.tenants if len(tenant.told) < len(SEVERITIES)]
    if rest:
        receivers = _Receivers(routing.secret)
        routes = tuple(_left_routes(routing.contacts, rest, receivers))
        yield Config(
            name=f"{prefix}-tenants",
            policy=policy,
            matchers=(_matcher("alertname", "!~", names), _matcher(LABEL, "=~", _either(t.name for t in rest))),
            routes=routes,
            receivers=receivers.all(),
        )


def tenant_config(env: EnvironmentScope, tenant: TenantScope) -> Config | None:
    """The config of a tenant that says who is told; None where it does not, or where nothing is routed."""
    routing, contacts = env.environment.spec.routing, tenant.tenant.spec.contacts
    if routing is None or not contacts.severities:
        return None
    receivers = _Receivers(f"{routing.secret}-{tenant.name}")
    routes = tuple(_by_severity(contacts, receivers, ""))
    return Config(
        name=f"{env.platform.spec.conventions.namespace_prefix}-tenant-{tenant.name}",
        policy=PolicyRef("Tenant", tenant.name),
        matchers=(_matcher(LABEL, "=", tenant.name), _matcher("severity", "=~", _either(contacts.severities))),
        routes=routes,
        receivers=receivers.all(),
    )


def _platform_routes(
    routing: Routing, alerts: Iterable[Sounding], tenants: Iterable[TenantSummary], receivers: _Receivers
) -> Iterator[dict[str, Any]]:
    """Owners first; what is about a tenant that says who is told is left to that tenant's config."""
    told = {severity: [t.name for t in tenants if severity in t.told] for severity in SEVERITIES}
    for owner, contacts in sorted(routing.owners.items()):
        held = [one for one in alerts if one.owner == owner and one.path]
        for severity in contacts.severities:
            named = {
                ("alertname", _either(one.alert for one in held if one.severity == severity and not one.slo)),
                ("slo", _either(one.slo for one in held if one.severity == severity and one.slo)),
            }
            for label, values in sorted(named):
                if values:
                    matchers = [
                        _matcher("severity", "=", severity),
                        _matcher(label, "=~", values),
                        *_others(told[severity]),
                    ]
                    yield _route(matchers, receivers.of(contacts, severity, owner))
    for severity in routing.contacts.severities:
        matchers = [_matcher("severity", "=", severity), *_others(told[severity])]
        yield _route(matchers, receivers.of(routing.contacts, severity, ""))


def _others(tenants: list[str]) -> Iterator[dict[str, str]]:
    if tenants:
        yield _matcher(LABEL, "!~", _either(tenants))


def _left_routes(contacts: Contacts, tenants: list[TenantSummary], receivers: _Receivers) -> Iterator[dict[str, Any]]:
    for severity in contacts.severities:
        told = [tenant.name for tenant in tenants if severity in tenant.told]
        if len(told) < len(tenants):
            matchers = [_matcher("severity", "=", severity), *_others(told)]
            yield _route(matchers, receivers.of(contacts, severity, ""))


def _by_severity(contacts: Contacts, receivers: _Receivers, owner: str) -> Iterator[dict[str, Any]]:
    for severity in contacts.severities:
        yield _route([_matcher("severity", "=", severity)], receivers.of(contacts, severity, owner))


def _inhibits(alerts: Iterable[Sounding]) -> Iterator[dict[str, Any]]:
    """While the critical alert of a name fires, its lesser ones about the same are not told.

    Only of names that the compiler gives: what is the same of a RuleSet's alerts, its author alone knows.
    """
    severities: dict[str, set[str]] = {BURN: set(SEVERITIES)}
    for one in alerts:
        if one.policy.kind != "RuleSet":
            severities.setdefault(one.alert, set()).add(one.severity)
    names = _either(name for name, found in severities.items() if len(found) > 1)
    yield {
        "sourceMatch": [_matcher("alertname", "=~", names), _matcher("severity", "=", "critical")],
        "targetMatch": [_matcher("alertname", "=~", names), _matcher("severity", "=~", "warning|info")],
        "equal": list(SAME),
    }


class _Receivers:
    """The receivers that routes name, in the order in which they do; the silent one stands first."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._found: dict[str, dict[str, Any]] = {NOBODY: {"name": NOBODY}}

    def of(self, contacts: Contacts, severity: str, owner: str) -> str:
        """The name of the receiver of one severity."""
        told = contacts.of(severity)
        assert told is not None, "only severities that say who is told are asked for"
        if told.silent:
            return NOBODY
        name = f"{owner}-{severity}" if owner else severity
        self._found[name] = {"name": name, **_ways(told, self._secret)}
        return name

    def all(self) -> tuple[dict[str, Any], ...]:
        """All that were asked for."""
        return tuple(self._found.values())


def _ways(told: Contact, secret: str) -> dict[str, Any]:
    """The ways of a contact as AlertmanagerConfig has them; each says as well when it is over."""

    def reference(key: str) -> dict[str, str]:
        return {"name": secret, "key": key}

    ways: dict[str, Any] = {}
    if told.pager_duty is not None:
        ways["pagerdutyConfigs"] = [{"routingKey": reference(told.pager_duty.key), "sendResolved": True}]
    if told.slack is not None:
        slack = {"apiURL": reference(told.slack.key), "channel": told.slack.channel, "sendResolved": True}
        ways["slackConfigs"] = [slack]
    if told.webhook is not None:
        ways["webhookConfigs"] = [{"urlSecret": reference(told.webhook.key), "sendResolved": True}]
    return ways


def _either(values: Iterable[str]) -> str:
    """A pattern that matches exactly these names, which hold nothing that a pattern reads otherwise; it is anchored."""
    return "|".join(sorted(set(values)))


def _route(matchers: list[dict[str, str]], receiver: str) -> dict[str, Any]:
    return {"matchers": matchers, "receiver": receiver}


def _matcher(name: str, kind: str, value: str) -> dict[str, str]:
    return {"name": name, "matchType": kind, "value": value}


def spec(config: Config, routing: Routing) -> Mapping[str, Any]:
    """The `spec` of an AlertmanagerConfig."""
    grouping = routing.grouping
    body: dict[str, Any] = {
        "receivers": list(config.receivers),
        "route": {
            "receiver": NOBODY,
            "groupBy": list(grouping.by),
            "groupWait": grouping.wait,
            "groupInterval": grouping.interval,
            "repeatInterval": grouping.repeat,
            "matchers": list(config.matchers),
            "routes": list(config.routes),
        },
    }
    return {**body, "inhibitRules": list(config.inhibits)} if config.inhibits else body
