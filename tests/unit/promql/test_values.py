"""Matchers that ask for a value which a label never has, directly and behind recording rules."""

from __future__ import annotations

import pytest

from phoenix_gitops.catalogue import Catalogue, Metric, declared, of
from phoenix_gitops.promql.check import check_expression
from phoenix_gitops.rules.group import Group, Record
from phoenix_gitops.rules.inventory import with_records
from tests.unit.rules import support

CATALOG = support.catalog(
    metrics=[
        {"name": "a_total", "type": "counter", "labels": {"outcome": {"values": ["done", "failed"]}, "route": {}}},
        {"name": "b_total", "type": "counter", "labels": {"outcome": {"values": ["lost"]}}},
        {"name": "c_total", "type": "counter", "labels": {"outcome": {"max": 5}}},
    ]
)


def known(*records: Record) -> Catalogue:
    return with_records(of(declared([CATALOG])), [Group(name="g", interval="30s", rules=tuple(records))])


def found(expr: str, *records: Record) -> list[tuple[str, str, str]]:
    return [(f.code, f.message, f.help) for f in check_expression(expr, known(*records))]


@pytest.mark.parametrize(
    ("expr", "value", "advice"),
    [
        ('a_total{outcome="fail"}', "fail", "did you mean `failed`?"),
        ('a_total{outcome="x"}', "x", "its values are `done`, `failed`"),
        ('a_total{outcome=~"fail"}', "fail", "did you mean `failed`?"),
        ('a_total{outcome=~"x.+|y"}', "x.+|y", "its values are `done`, `failed`"),
    ],
)
def test_a_value_that_never_comes_is_told(expr, value, advice):
    assert found(expr) == [("PHX677", f"label `outcome` of `a_total` is never `{value}`", advice)]


@pytest.mark.parametrize(
    "expr",
    [
        'a_total{outcome="failed"}',
        'a_total{outcome=~"fail.*"}',
        'a_total{outcome=~"failed|other"}',
        'a_total{outcome!="fail"}',
        'a_total{outcome!~"fail"}',
        # Series without the label are matched by nothing, and by what may be nothing.
        'a_total{outcome=""}',
        'a_total{outcome=~"x|"}',
        # What is not closed can be anything.
        'a_total{route="/x"}',
        'c_total{outcome="fail"}',
    ],
)
def test_what_may_come_is_not(expr):
    assert found(expr) == []


def test_of_several_metrics_one_may_have_it():
    assert found('{__name__=~"a_total|b_total",outcome="lost"}') == []
    assert found('{__name__=~"a_total|c_total",outcome="x"}') == []
    ((code, message, _),) = found('{__name__=~"a_total|b_total",outcome="x"}')
    assert (code, message) == ("PHX677", "label `outcome` of `a_total|b_total` is never `x`")


def test_values_follow_records():
    sums = Record(record="t:r", expr="sum by (outcome) (rate(a_total[5m]))")
    assert found('t:r{outcome="done"}', sums) == []
    assert [code for code, _, _ in found('t:r{outcome="lost"}', sums)] == ["PHX677"]
    both = Record(record="t:r", expr="rate(a_total[5m]) + rate(b_total[5m])")
    assert found('t:r{outcome="lost"}', both) == []
    open_too = Record(record="t:r", expr="rate(a_total[5m]) + rate(c_total[5m])")
    assert found('t:r{outcome="lost"}', open_too) == []


def test_a_label_that_a_rule_sets_has_its_value():
    one = Record(record="t:r", expr="sum(rate(a_total[5m]))", labels={"side": "left"})
    other = Record(record="t:r", expr="sum(rate(b_total[5m]))", labels={"side": "right"})
    assert found('t:r{side="left"}', one, other) == []
    assert found('t:r{side="right"}', one, other) == []
    assert [code for code, _, _ in found('t:r{side="middle"}', one, other)] == ["PHX677"]
    assert [code for code, _, _ in found('t:r{side="right"}', one)] == ["PHX677"]


@pytest.mark.parametrize(
    "expr",
    [
        'label_replace(rate(a_total[5m]), "outcome", "$1", "route", "(.*)")',
        'label_join(rate(a_total[5m]), "outcome", "-", "route")',
        'count_values("outcome", a_total)',
    ],
)
def test_what_makes_labels_may_make_any_value(expr):
    assert found('t:r{outcome="lost"}', Record(record="t:r", expr=expr)) == []


def test_the_label_of_a_pipeline_has_the_names_of_those_that_are_scraped():
    from phoenix_gitops.rules.inventory import emitted

    catalogue = emitted(support.environment(names=("full", "optimized")))
    for name in ("full", "optimized"):
        assert check_expression(f'up{{phoenix_pipeline="{name}"}}', catalogue) == []
    (finding,) = check_expression('up{phoenix_pipeline="optimised"}', catalogue)
    assert (finding.code, finding.word, finding.help) == ("PHX677", "optimised", "did you mean `optimized`?")
    own = "phoenix_full_final_output_process_threads"
    assert check_expression(f'{own}{{phoenix_pipeline="full"}}', catalogue) == []
    (finding,) = check_expression(f'{own}{{phoenix_pipeline="optimized"}}', catalogue)
    assert finding.help == "its values are `full`"


def test_a_metric_says_nothing_of_values_unless_told():
    assert Metric(name="m", type="gauge", interval_ms=1, source="x").values == {}
