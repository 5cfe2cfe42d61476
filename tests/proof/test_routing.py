"""Alert routing before amtool: each alert that we emit reaches whom the policies name, and nobody else.

What is expected is read from the policies alone. What is asked is the configuration that the Prometheus operator makes
of the AlertmanagerConfigs that we emit.
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.proof.alertmanager import OUTSIDE, Data, Way, configuration, ways
from tests.proof.judge import GENERATED, PROOF, tool
from tests.reference.platform import front

pytestmark = pytest.mark.proof

BESIDE = "OnNamespaceExceptForAlertmanagerNamespace"
CLUSTERS = [("prod-eu", "eu-west-1"), ("prod-eu", "eu-central-1"), ("prod-us", "us-east-1"), ("prod-us", "us-west-2")]
Labels = dict[str, str]


def emitted(environment: str, cluster: str) -> list[Data]:
    files = sorted((GENERATED / environment / cluster / "rules").rglob("alertmanagerconfig-*.yaml"))
    assert files
    return [yaml.safe_load(file.read_text()) for file in files]


def amtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [tool("amtool"), *arguments], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def told(config: Path, labels: Labels) -> set[str]:
    """The receivers that hear of an alert."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    code, said = amtool("config", "routes", "test", f"--config.file={config}", *pairs)
    assert code == 0, said
    return set(said.strip().split(","))


def alerts(environment: str, cluster: str) -> Iterator[Labels]:
    """The labels of each alert that a cluster can fire, once for each tenant where it is about tenants."""
    present = sorted(front().world.present(front().world.environments[environment]))
    seen = []
    for file in sorted((PROOF / environment / cluster / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in (rule for rule in group["rules"] if "alert" in rule):
                labels = {"alertname": rule["alert"], **rule["labels"]}
                about = (
                    [labels]
                    if "tenant_id" in labels or "tenant_id" not in rule["expr"]
                    else [{**labels, "tenant_id": name} for name in (*present, "ghost")]
                )
                seen += [one for one in about if one not in seen]
    return iter(seen)


def expected(environment: str, labels: Labels) -> frozenset[Way]:
    """Who is to be told, by the policies alone."""
    world = front().world
    routing = world.environments[environment].spec.routing
    severity = labels["severity"]
    contact, secret = getattr(routing.contacts, severity), "phoenix-contacts"
    tenant = world.present(world.environments[environment]).get(labels.get("tenant_id", ""))
    if tenant is not None and getattr(tenant.spec.contacts, severity) is not None:
        contact, secret = getattr(tenant.spec.contacts, severity), f"phoenix-contacts-{tenant.metadata.name}"
    given = {"pagerDuty": contact.pager_duty, "slack": contact.slack, "webhook": contact.webhook}
    return frozenset((way, secret, to.key) for way, to in given.items() if to is not None)


def faults(
    objects: list[Data], environment: str, labels: list[Labels], folder: Path, strategy: str = BESIDE
) -> list[str]:
    config = folder / "alertmanager.json"
    config.write_text(json.dumps(configuration(objects, strategy, "monitoring")))
    known = ways(objects)
    found = []
    for one in labels:
        receivers = told(config, one)
        heard = [way for name in receivers for way in known.get(name, ())]
        if OUTSIDE in receivers or frozenset(heard) != expected(environment, one) or len(heard) != len(set(heard)):
            found.append(f"{one}: {sorted(receivers)}")
    return found


def test_every_alert_of_every_cluster_reaches_whom_the_policies_name(judge, tmp_path):
    asked: dict[str, int] = {}
    for environment, cluster in CLUSTERS:
        objects, labels = emitted(environment, cluster), list(alerts(environment, cluster))
        config = tmp_path / f"{cluster}.json"
        config.write_text(json.dumps(configuration(objects, BESIDE, "monitoring")))
        code, said = amtool("check-config", config)
        assert code == 0, said
        if environment not in asked:
            # The clusters of an environment have the same routes.
            assert faults(objects, environment, labels, tmp_path) == []
            asked[environment] = len(labels)
            first = ways(objects)
        assert ways(objects) == first
    assert all(number > 60 for number in asked.values()), asked
    judge.took("amtool", len(CLUSTERS), "configurations of Alertmanager")
    judge.took("amtool", sum(asked.values()), "alerts routed to whom the policies name")


def test_the_alerts_of_others_still_reach_the_own_configuration_of_alertmanager(tmp_path, judge):
    config = tmp_path / "alertmanager.json"
    config.write_text(json.dumps(configuration(emitted("prod-eu", "eu-west-1"), BESIDE, "monitoring")))
    for labels in (
        {"alertname": "Watchdog", "severity": "none"},
        {"alertname": "KubePodCrashLooping", "severity": "critical", "namespace": "monitoring"},
        {"alertname": "Theirs", "severity": "critical", "tenant_id": "ghost"},
    ):
        assert told(config, labels) == {OUTSIDE}
    judge.took("amtool", 3, "alerts of others")


def config_of(name: str) -> Callable[[list[Data]], Data]:
    return lambda objects: next(one for one in objects if one["metadata"]["name"] == name)


def test_routes_that_are_broken_are_seen(tmp_path, judge):
    objects = emitted("prod-eu", "eu-west-1")
    labels = [one for one in alerts("prod-eu", "eu-west-1") if one["severity"] == "critical"]
    assert faults(objects, "prod-eu", labels, tmp_path) == []
    # A config that sees only its namespace tells nobody of anything: what PHX697 refuses.
    assert len(faults(objects, "prod-eu", labels, tmp_path, "OnNamespace")) == len(labels)
    greedy = copy.deepcopy(objects)
    config_of("phoenix-tenant-payments")(greedy)["spec"]["route"]["matchers"].pop(0)
    assert len(faults(greedy, "prod-eu", labels, tmp_path)) > len(labels) / 2, "a tenant that catches others' alerts"
    twice = copy.deepcopy(objects)
    config_of("phoenix-platform")(twice)["spec"]["route"]["routes"][0]["matchers"].pop()
    lost = faults(twice, "prod-eu", labels, tmp_path)
    assert lost, "the platform hears of what a tenant is told"
    assert all("checkout" in fault or "payments" in fault or "catalog" in fault for fault in lost)
    silent = [one for one in copy.deepcopy(objects) if one["metadata"]["name"] != "phoenix-tenants"]
    assert any(
        "NoTraffic" in fault or "tenant_id" in fault
        for fault in faults(silent, "prod-eu", list(alerts("prod-eu", "eu-west-1")), tmp_path)
    )
    broken = configuration(objects, BESIDE, "monitoring")
    broken["route"]["routes"][0]["receiver"] = "absent"
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    code, said = amtool("check-config", tmp_path / "broken.json")
    assert code == 1
    assert 'undefined receiver "absent"' in said
    config = tmp_path / "alertmanager.json"
    config.write_text(json.dumps(configuration(objects, BESIDE, "monitoring")))
    wrong = ("--verify.receivers=monitoring/phoenix-platform/critical", "alertname=SLOBudgetBurn", "severity=warning")
    code, said = amtool("config", "routes", "test", f"--config.file={config}", *wrong)
    assert code == 1
    assert "Expected receivers did not match resolved receivers." in said
    judge.refused("amtool", 2, "planted faults")
