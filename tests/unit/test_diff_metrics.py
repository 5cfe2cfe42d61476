"""Metrics and labels that vanish, from the policies of both sides, and who is said to have read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phoenix_gitops.meaning.metrics import metrics
from phoenix_gitops.meaning.policies import Held
from phoenix_gitops.meaning.readers import Reader, uses
from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.rules.exported import SUMS, is_dropped, labels, named
from phoenix_gitops.scope import EnvironmentScope
from tests.unit.rules.support import decoded, environment, pipeline

NAMES = {"metadata": {"name": "shop", "owner": "team"}}


def catalog(name: str = "orders_total", kind: str = "counter", **rest: Any) -> MetricCatalog:
    metric = {"name": name, "type": kind, "labels": {"route": {"max": 9}, "code": {"values": ["200", "500"]}}, **rest}
    return decoded(MetricCatalog, {**NAMES, "spec": {"metrics": [metric]}})


def rule_set(expr: str, **rest: Any) -> RuleSet:
    alert = {"alert": "Slow", "expr": expr, "severity": "warning", "summary": "slow", **rest}
    return decoded(RuleSet, {**NAMES, "spec": {"alerts": [alert]}})


def said(old: EnvironmentScope, new: EnvironmentScope) -> list[str]:
    found = list(metrics({"prod": Held(old)}, {"prod": Held(new)}))
    assert all(one.vanishes and str(one.where) == "prod" for one in found)
    return [f"{one.sign} {one.text}" for one in found]


def with_shop(catalog: MetricCatalog, *rules: RuleSet) -> EnvironmentScope:
    return replace(environment(), catalogs=(catalog,), rule_sets=rules)


def test_nothing_vanishes_where_nothing_changes_or_one_side_is_missing() -> None:
    env = environment()
    assert said(env, env) == []
    assert list(metrics({"prod": Held(env)}, {})) == []
    assert list(metrics({}, {"prod": Held(env)})) == []


def test_a_label_that_a_catalog_loses_names_the_rule_that_goes_along() -> None:
    without = catalog(labels={"code": {"values": ["200", "500"]}})
    old = with_shop(catalog(), rule_set("sum by (route) (rate(orders_total[5m])) > 1"))
    text = "label `route` goes from metric `orders_total` (MetricCatalog/shop); "
    along = "1 rule that read it change or go: alert `Slow` of RuleSet `shop`"
    assert said(old, with_shop(without)) == [f"- {text}{along}"]
    assert said(with_shop(catalog()), with_shop(without)) == [f"- {text}no rule of this repository read it"]
    still = with_shop(without, rule_set("sum by (route) (rate(orders_total[5m])) > 1"))
    assert said(old, still) == [f"! {text}still read by alert `Slow` of RuleSet `shop`"]


def test_what_an_alert_shows_is_read_too() -> None:
    without = catalog(labels={"code": {"values": ["200", "500"]}})
    rule = rule_set("rate(orders_total[5m]) > 1", summary="slow at {{ $labels.route }}")
    assert said(with_shop(catalog(), rule), with_shop(without, rule))[0].startswith("! label `route` goes")


def test_metrics_that_go_change_their_type_their_unit_or_a_value() -> None:
    old = with_shop(catalog(unit="seconds"))
    none = "; no rule of this repository read it"
    of = "(MetricCatalog/shop)"
    assert said(old, with_shop(catalog("other_total"))) == [f"- metric `orders_total` goes {of}{none}"]
    assert said(old, with_shop(catalog(kind="gauge", unit="seconds"))) == [
        f"- metric `orders_total`: type counter -> gauge {of}{none}"
    ]
    assert said(old, with_shop(catalog(unit="bytes"))) == [f"- metric `orders_total`: unit seconds -> bytes {of}{none}"]
    fewer = catalog(unit="seconds", labels={"route": {"max": 9}, "code": {"values": ["200"]}})
    assert said(old, with_shop(fewer)) == [f"- label `code` is no longer `500` in metric `orders_total` {of}{none}"]


def test_a_value_is_read_by_who_asks_for_it() -> None:
    fewer = catalog(labels={"route": {"max": 9}, "code": {"values": ["200"]}})
    for matcher, sign in (('code="500"', "!"), ('code=~"5.."', "!"), ('code="200"', "-"), ('code!="500"', "-")):
        rule = rule_set(f"rate(orders_total{{{matcher}}}[5m]) > 1")
        assert said(with_shop(catalog(), rule), with_shop(fewer, rule))[0][0] == sign


def exported(**attributes: Any) -> EnvironmentScope:
    env = environment()
    changed = pipeline("full", attributes=attributes)
    return replace(env, pipelines=(changed, *env.pipelines[1:]))


def test_an_attribute_that_a_pipeline_drops_is_a_label_that_goes() -> None:
    drop = [{"name": "process.pid"}, {"name": "process.command_line"}]
    assert said(exported(), exported(drop=drop)) == [
        "- label `process_command_line` goes from 6 metrics `phoenix_full_final_output_*` (pipeline full); "
        "no rule of this repository read it"
    ]


def test_a_metric_that_a_pipeline_drops_goes() -> None:
    env = environment()
    less = replace(env, pipelines=(pipeline("full", drop=[{"metrics": "process[.]threads"}]), *env.pipelines[1:]))
    assert said(env, less) == [
        "- metric `phoenix_full_final_output_process_threads` goes (pipeline full); no rule of this repository read it"
    ]


def test_an_attribute_that_only_some_classes_lose_says_which() -> None:
    drop = [{"name": "process.pid"}, {"name": "process.owner", "unless": ["critical", "high"]}]
    assert said(exported(), exported(drop=drop)) == [
        "- label `process_owner` goes from series of class `low`, class `medium` of pipeline `full`; "
        "no rule of this repository read it"
    ]


def test_a_pipeline_that_keeps_less_loses_series() -> None:
    env = environment()
    kept = replace(env, pipelines=(pipeline("full", keep=[{"classes": ["critical", "high"]}]), *env.pipelines[1:]))
    assert said(env, kept) == [
        "- series of class `low`, class `medium` go from pipeline `full`; no rule of this repository read it"
    ]


def test_a_pipeline_that_goes_takes_its_metrics_and_what_catalogs_declare_behind_it() -> None:
    behind = catalog("phoenix_exp_final_output_orders_total")
    rule = rule_set("rate(phoenix_exp_final_output_orders_total[5m]) > 1")
    old = replace(environment(), catalogs=(behind,), rule_sets=(rule,))
    found = said(old, replace(old, pipelines=old.pipelines[:2]))
    declared = "metric `phoenix_exp_final_output_orders_total` goes (MetricCatalog/shop)"
    assert f"! {declared}; still read by alert `Slow` of RuleSet `shop`" in found
    assert any("metrics `phoenix_exp_final_output_" in one and "go (pipeline experimental)" in one for one in found)


def test_what_is_redacted_goes() -> None:
    env = with_shop(catalog())
    secret = replace(env, security=decoded(SecurityPolicy, {**NAMES, "spec": {"redact": ["route"]}}))
    assert said(env, secret)[0].startswith("- label `route` goes from metric `orders_total` (MetricCatalog/shop)")


def test_labels_behind_an_export_follow_from_edge_and_pipeline() -> None:
    env = environment()
    full = labels(env, pipeline("full"), named(env))
    assert set(full) == {"critical", "high", "medium", "low"}
    assert "process_command_line" in full["low"]
    assert "process_pid" not in full["low"]
    experimental = labels(env, pipeline("experimental"), named(env))
    assert "process_command_line" not in experimental["critical"]
    assert {"host_name", "process_executable_name", "benchmark_id"} <= experimental["critical"]
    assert "process_owner" not in experimental[SUMS]


@pytest.mark.parametrize(
    ("drop", "gone"),
    [
        ([{"metrics": "process[.]threads"}], True),
        ([{"metrics": "process[.]thread"}], False),
        ([{"metrics": "process[.]threads", "classes": ["low"]}], False),
        ([{"metrics": "process[.]threads", "executables": "a"}], False),
    ],
)
def test_a_metric_that_a_pipeline_drops_by_name_alone(drop: list[Any], gone: bool) -> None:
    assert is_dropped(pipeline("full", drop=drop), "process.threads") is gone


@pytest.mark.parametrize(
    ("expr", "label", "reads"),
    [
        ('m{a="1"}', "a", True),
        ("sum by (a) (m)", "a", True),
        ("sum without (a) (m)", "a", False),
        ("m * on (a) n", "a", True),
        ("m * ignoring (a) n", "a", False),
        ("m * on (b) group_left (a) n", "a", True),
        ('sum by (a) (label_replace(m, "a", "$1", "b", "(.*)"))', "a", False),
        ('sum by (a) (label_replace(m, "a", "$1", "b", "(.*)"))', "b", True),
        ('label_join(m, "a", "-", "b", "c")', "c", True),
        ("m and n", "a", False),
        ("m >", "a", False),
    ],
)
def test_labels_that_an_expression_names(expr: str, label: str, reads: bool) -> None:
    assert Reader("r", expr).reads("m", label) is reads


def test_who_reads_by_pattern_misses_nothing_while_anything_is_left() -> None:
    every = Reader("r", 'count({__name__=~"ns_.+"})')
    assert every.reads("ns_a")
    assert every.reads("ns_a", left=frozenset({"other"}))
    assert not every.reads("ns_a", left=frozenset({"ns_b"}))
    assert not every.reads("other")
    assert [use.pattern for use in uses(every.expr)] == ["ns_.+"]
