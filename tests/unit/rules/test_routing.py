"""Who is told of which alert: the good case `routing`, question by question."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced

from phoenix_gitops.front import Front, run_front
from phoenix_gitops.model.routing import Contact, Contacts, PagerDuty, Slack, Webhook
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.check import labels_reader
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.promql.labels import result_labels
from phoenix_gitops.rules import inventory
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.lint import own_groups
from phoenix_gitops.rules.routing import SAME, configs, tenant_config
from phoenix_gitops.rules.soundings import contact, platform_alerts, tenant_alerts
from phoenix_gitops.scope import ClusterScope
from phoenix_gitops.telling import check_routing
from phoenix_gitops.world import World

ROOT = Path(__file__).parents[3]
CASE = ROOT / "tests" / "cases" / "good" / "routing"


@cache
def front(root: Path = CASE) -> Front:
    return run_front(root)


def world(root: Path = CASE) -> World:
    found = front(root).world
    assert found is not None
    return found


def scope() -> ClusterScope:
    env = world().environment("main")
    return ClusterScope(env=env, cluster=env.environment.spec.clusters[0])


def told(alert: str, severity: str, tenant: Contacts | None = None) -> tuple[str, Contact] | None:
    routing = scope().env.environment.spec.routing
    assert routing is not None
    alerts = platform_alerts(scope())
    found = [one for one in alerts if (one.alert, one.severity) == (alert, severity)]
    return contact(routing, found[0], tenant)


def test_an_owner_is_told_of_its_own_and_the_platform_of_the_rest():
    pager, hook = Contact(pager_duty=PagerDuty(key="pager")), Contact(webhook=Webhook(key="storage"))
    assert told("PhoenixPipelineSilent", "critical") == ("platform", pager)
    assert told("PipelineSmall", "warning") == ("storage", hook)
    assert told("SLOBudgetBurn", "critical") == ("storage", hook)


def test_a_tenant_stands_before_the_platform_where_it_says_who_is_told():
    own = Contact(slack=Slack(key="chat", channel="#shop"))
    assert told("PhoenixTenantQuotaNear", "warning", Contacts(warning=own)) == ("tenant", own)
    assert told("PhoenixTenantQuotaExceeded", "critical", Contacts(warning=own)) == (
        "platform",
        Contact(pager_duty=PagerDuty(key="pager")),
    )


def test_whose_results_are_about_tenants_is_known():
    by_tenant = {one.alert for one in platform_alerts(scope()) if one.by_tenant}
    assert by_tenant == {"PhoenixTenantQuotaNear", "PhoenixTenantQuotaExceeded"}


def test_configs_are_one_for_the_platform_one_for_the_rest_and_one_a_tenant_that_says_something():
    env = world().environment("main").environment
    shop, billing = (world().tenant(env, name) for name in ("shop", "billing"))
    assert [config.name for config in configs(scope())] == ["phoenix-platform", "phoenix-tenants"]
    config = tenant_config(scope().env, shop)
    assert config is not None
    assert config.name == "phoenix-tenant-shop"
    assert config.matchers == (
        {"name": "tenant_id", "matchType": "=", "value": "shop"},
        {"name": "severity", "matchType": "=~", "value": "critical"},
    )
    assert config.receivers[1]["pagerdutyConfigs"][0]["routingKey"] == {"name": "told-shop", "key": "pager"}
    assert tenant_config(scope().env, billing) is None
    assert tenant_alerts(shop) == ()


def test_without_routing_there_is_no_config():
    env = scope().env
    silent = replaced(env.environment, spec=replaced(env.environment.spec, routing=None))
    quiet = replace(scope(), env=replace(env, environment=silent))
    assert list(configs(quiet)) == []
    assert tenant_config(quiet.env, world().tenant(silent, "shop")) is None


def test_where_every_tenant_says_all_there_is_no_config_of_the_rest():
    env = scope().env
    every = tuple(replace(tenant, told=("critical", "warning", "info")) for tenant in env.tenants)
    assert [c.name for c in configs(replace(scope(), env=replace(env, tenants=every)))] == ["phoenix-platform"]


@pytest.mark.parametrize("name", ["prod-eu", "reference"])
def test_alerts_of_one_name_and_two_severities_are_told_apart_by_the_labels_that_inhibition_compares(name):
    env = world(ROOT).environment(name)
    groups = list(own_groups(env))
    labels_of = labels_reader(reader(inventory.with_records(inventory.emitted(env), groups)))
    severities: dict[str, set[str]] = {}
    for alert in (rule for group in groups for rule in group.rules if isinstance(rule, Alert)):
        severities.setdefault(alert.alert, set()).add(alert.severity)
    for alert in (rule for group in groups for rule in group.rules if isinstance(rule, Alert)):
        if len(severities[alert.alert]) > 1:
            known = result_labels(syntax.parse(alert.expr), labels_of)
            assert known is not None
            assert known | alert.labels.keys() <= {*SAME, "component", "currency"}, alert.alert


def test_alerts_of_one_name_that_belong_to_two_owners_are_an_error():
    policies = front().policies
    assert policies is not None
    other = world().policies["RuleSet", "pipelines"]
    twin = replaced(other, metadata=replaced(other.metadata, name="twin", owner="others"))
    both = replace(world(), policies={**world().policies, ("RuleSet", "twin"): twin})
    known = {**policies, ("RuleSet", "twin"): policies["RuleSet", "pipelines"]}
    routing = scope().env.environment.spec.routing
    assert routing is not None
    env = both.policies["Environment", "main"]
    more = replaced(routing, owners={**routing.owners, "others": routing.owners["storage"]})
    both = both.with_policy(("Environment", "main"), replaced(env, spec=replaced(env.spec, routing=more)))
    (found,) = (d for d in check_routing(known, both) if "so no route" in d.message)
    assert found.code == "PHX698"
    assert found.message == "alert `PipelineSmall` is `storage`'s and `others`'s, so no route can tell whom to tell"
    assert list(check_routing(policies, world())) == []
