"""What the Prometheus operator makes of AlertmanagerConfigs: one configuration of an Alertmanager.

The order is that of their namespaces and names; each first route has `continue: true`, receivers are named after their
config, and a matcher for the namespace is added unless the strategy leaves it out (`pkg/alertmanager/amcfg.go`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Data = dict[str, Any]

OUTSIDE = "outside"
"""The receiver of the Alertmanager's own configuration, which hears of what no AlertmanagerConfig matches."""

Way = tuple[str, str, str]
"""How somebody is told: the way as policies call it, the Secret, its key."""

_WAYS = {
    "pagerdutyConfigs": ("pagerDuty", "routingKey", "pagerduty_configs", "routing_key_file"),
    "slackConfigs": ("slack", "apiURL", "slack_configs", "api_url_file"),
    "webhookConfigs": ("webhook", "urlSecret", "webhook_configs", "url_file"),
}


def configuration(objects: Iterable[Data], strategy: str, home: str) -> Data:
    """The configuration of an Alertmanager in namespace `home` that selects these AlertmanagerConfigs."""
    ordered = sorted(objects, key=lambda o: (o["metadata"]["namespace"], o["metadata"]["name"]))
    receivers: list[Data] = [{"name": OUTSIDE}]
    routes: list[Data] = []
    inhibits: list[Data] = []
    for body in ordered:
        namespace = body["metadata"]["namespace"]
        prefix = f"{namespace}/{body['metadata']['name']}"
        free = strategy == "None" or (strategy == "OnNamespaceExceptForAlertmanagerNamespace" and namespace == home)
        own = [] if free else [f'namespace="{namespace}"']
        top = _route(body["spec"]["route"], prefix)
        routes.append({**top, "matchers": [*top["matchers"], *own], "continue": True})
        receivers += [_receiver(receiver, prefix) for receiver in body["spec"]["receivers"]]
        inhibits += [
            {
                "source_matchers": [*map(_matcher, rule["sourceMatch"]), *own],
                "target_matchers": [*map(_matcher, rule["targetMatch"]), *own],
                "equal": rule["equal"],
            }
            for rule in body["spec"].get("inhibitRules", [])
        ]
    return {"route": {"receiver": OUTSIDE, "routes": routes}, "receivers": receivers, "inhibit_rules": inhibits}


def _route(route: Mapping[str, Any], prefix: str) -> Data:
    found: Data = {
        "receiver": f"{prefix}/{route['receiver']}",
        "matchers": [_matcher(matcher) for matcher in route["matchers"]],
        "routes": [_route(child, prefix) for child in route.get("routes", [])],
    }
    native = {"groupBy": "group_by", "groupWait": "group_wait", "groupInterval": "group_interval"}
    native["repeatInterval"] = "repeat_interval"
    return {**found, **{theirs: route[ours] for ours, theirs in native.items() if ours in route}}


def _matcher(matcher: Mapping[str, str]) -> str:
    return f'{matcher["name"]}{matcher["matchType"]}"{matcher["value"]}"'


def _receiver(receiver: Mapping[str, Any], prefix: str) -> Data:
    found: Data = {"name": f"{prefix}/{receiver['name']}"}
    for ours, (_, secret, theirs, file) in _WAYS.items():
        for way in receiver.get(ours, []):
            rest = {"channel": way["channel"]} if "channel" in way else {}
            path = f"/secrets/{way[secret]['name']}/{way[secret]['key']}"
            found.setdefault(theirs, []).append({file: path, "send_resolved": way["sendResolved"], **rest})
    return found


def ways(objects: Iterable[Data]) -> dict[str, frozenset[Way]]:
    """How each receiver tells somebody, by its name in the configuration."""
    return {
        f"{body['metadata']['namespace']}/{body['metadata']['name']}/{receiver['name']}": frozenset(
            (way, one[secret]["name"], one[secret]["key"])
            for ours, (way, secret, *_) in _WAYS.items()
            for one in receiver.get(ours, [])
        )
        for body in objects
        for receiver in body["spec"]["receivers"]
    }
