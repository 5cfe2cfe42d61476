"""Dashboards: what the platform's ask is sound, what tenants' ask is narrowed, and the JSON is what Grafana reads."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced

from phoenix_gitops.front import Front, run_front
from phoenix_gitops.model.dashboard import Dashboard, Panel
from phoenix_gitops.promql.check import check_expression
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.rules import dashboards, grafana, inventory
from phoenix_gitops.rules.lint import own_groups, readable
from phoenix_gitops.scope import ClusterScope
from phoenix_gitops.world import World

ROOT = Path(__file__).parents[3]


@cache
def front() -> Front:
    return run_front(ROOT)


def world() -> World:
    found = front().world
    assert found is not None
    return found


def scope(name: str) -> ClusterScope:
    env = world().environment(name)
    return ClusterScope(env=env, cluster=env.environment.spec.clusters[0])


@pytest.mark.parametrize("name", ["prod-eu", "prod-us", "reference"])
def test_every_query_and_legend_of_the_platform_passes_the_checks_of_rules(name):
    env = scope(name).env
    groups = [*own_groups(env), *readable(env.slos, env.rule_sets, "30s")]
    known = inventory.with_records(inventory.emitted(env), groups)
    found = [panel for dashboard in dashboards.platform(scope(name)) for panel in dashboard.panels]
    assert len(found) > 30
    for panel in found:
        assert check_expression(dashboards.readable(panel.expr), known) == [], panel.title
        assert list(dashboards.absent_legends(panel, reader(known))) == [], panel.title


def test_a_platform_that_records_all_has_all_panels_and_one_without_a_law_has_no_dashboard_of_it():
    found = {d.name: [panel.title for panel in d.panels] for d in dashboards.platform(scope("prod-eu"))}
    assert {name: len(titles) for name, titles in found.items()} == {
        "overview": 12,
        "pipelines": 7,
        "control": 8,
        "cost": 5,
        "slo": 4,
        "tenants": 4,
    }
    lawless = replace(scope("prod-eu"), env=replace(scope("prod-eu").env, control=None))
    left = {d.name: [panel.title for panel in d.panels] for d in dashboards.platform(lawless)}
    assert "control" not in left
    assert set(found["overview"]) - set(left["overview"]) == {"Profile"}


def test_where_an_environment_wants_none_there_is_none():
    assert list(dashboards.platform(scope("dev"))) == []


def test_a_tenants_queries_see_only_its_series_and_keep_the_range_of_grafana():
    (rule_set,) = (p for (kind, n), p in world().policies.items() if (kind, n) == ("RuleSet", "checkout-http"))
    (shown,) = dashboards.own(rule_set)
    assert shown.panels[0].expr == 'checkout:http_requests:rate5m{tenant_id="checkout"}'
    assert shown.panels[1].expr.endswith('status=~"5..",tenant_id="checkout"}[$__rate_interval]))')
    free = replaced(rule_set, spec=replaced(rule_set.spec, tenant=None))
    assert next(dashboards.own(free)).panels[0].expr == "checkout:http_requests:rate5m"


def test_addresses_are_stable_short_and_of_their_own():
    assert grafana.address("prod-eu", "a", "b") == "phoenix-" + grafana.address("prod-eu", "a", "b")[8:]
    assert len(grafana.address("prod-eu" * 40)) == 32
    assert grafana.address("a", "b") != grafana.address("a", "c")


def test_the_json_has_what_grafana_needs_and_nothing_that_changes_by_itself():
    for dashboard in dashboards.platform(scope("prod-eu")):
        data = json.loads(grafana.text(dashboard, "u", ["phoenix"]))
        assert {"id", "version", "iteration"} & data.keys() == set()
        assert data["uid"] == "u"
        ids = [panel["id"] for panel in data["panels"]]
        assert ids == list(range(1, len(ids) + 1))
        taken: set[tuple[int, int]] = set()
        for panel in data["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert max(x for x, _ in cells) < 24
            assert not cells & taken, panel["title"]
            taken |= cells
            (target,) = panel["targets"]
            assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert target["instant"] is not target["range"]
        names = {variable["name"] for variable in data["templating"]["list"]}
        used = set(re.findall(r"\$\{([a-z]+)\}", json.dumps(data)))
        assert used == names


def test_a_legend_without_its_label_is_found_and_one_of_unknown_series_is_not():
    env = scope("prod-eu").env
    known = reader(inventory.with_records(inventory.emitted(env), own_groups(env)))
    wrong = Panel(title="a", expr="sum by (phoenix_pipeline) (phoenix:pipeline_active_series)", legend="{{pod}}")
    (found,) = dashboards.absent_legends(wrong, known)
    assert (found.code, found.message) == (
        "PHX699",
        "the legend shows label `pod`, which results of the query do not have",
    )
    assert found.help == "their labels are `phoenix_pipeline`"
    assert list(dashboards.absent_legends(Panel(title="a", expr="sum(", legend="{{pod}}"), known)) == []


def test_a_row_begins_where_a_panel_no_longer_fits():
    wide, small = Panel(title="w", expr="a"), Panel(title="s", expr="a", type="stat")
    data = grafana.plain(Dashboard(name="d", title="D", panels=[small, wide, wide, small]), "u", [])
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in data["panels"]]
    assert places == [(0, 0), (6, 0), (0, 8), (12, 8)]
