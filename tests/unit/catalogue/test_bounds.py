"""Upper bounds of series: of metrics, of what expressions read, of what they give."""

import pytest

from phoenix_gitops.catalogue import TARGET_LABELS, Metric, of
from phoenix_gitops.catalogue.bounds import Bound, series_bound, values_bound
from phoenix_gitops.promql.cardinality import costly, result_bound, several
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.promql.syntax import parse

VALUES = {"code": frozenset({"200", "404", "500"})}


def metric(name="calls", type_="gauge", labels=("code", "route"), **parts):
    base = {"values": VALUES, "most": {"route": 60}, "targets": 12}
    return Metric(
        name=name,
        type=type_,
        labels=None if labels is None else frozenset(labels) | TARGET_LABELS,
        interval_ms=15_000,
        source="test",
        **{**base, **parts},
    )


KNOWN = reader(
    of(
        [
            metric(),
            metric("open", labels=None),
            metric("free", most={}),
            metric("wide", targets=None),
            metric("wait", "histogram", buckets=(0.1, 0.5)),
            metric("rough", "histogram"),
            metric("recorded", targets=None, series=7),
        ]
    )
)


def test_the_bound_of_a_metric_is_targets_times_values():
    assert series_bound(metric()) == Bound(12 * 3 * 60, "has 12 targets x 3 `code` x 60 `route`")


@pytest.mark.parametrize("missing", [{"labels": None}, {"most": {}}, {"targets": None}])
def test_without_one_of_the_factors_there_is_none(missing):
    assert series_bound(metric(**missing)) is None


def test_labels_of_the_target_do_not_multiply():
    assert series_bound(metric(labels=("code",))).most == 36


def test_what_is_asked_for_makes_it_less_but_never_more():
    assert series_bound(metric(), {"code": 1}) == Bound(720, "has 12 targets x 60 `route`")
    assert series_bound(metric(), {"route": 1000}).most == 12 * 3 * 60
    assert series_bound(metric(most={}), {"route": 2}).most == 12 * 3 * 2


def test_buckets_are_those_declared_and_infinity():
    (bucket,) = [m for m in of([metric("wait", "histogram", buckets=(0.1, 0.5))]).all() if m.name == "wait_bucket"]
    assert values_bound(bucket, "le") == 3
    assert series_bound(bucket).most == 12 * 3 * 60 * 3
    (count,) = [m for m in of([metric("wait", "histogram", buckets=(0.1, 0.5))]).all() if m.name == "wait_count"]
    assert series_bound(count).most == 12 * 3 * 60


def test_a_native_histogram_is_one_series():
    (one,) = of([metric("native", "nativeHistogram")]).all()
    assert (one.name, series_bound(one).most) == ("native", 12 * 3 * 60)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("calls", 2160),
        ('calls{code="500"}', 720),
        ('calls{code=~"4..|5.."}', 1440),
        ('calls{code!="500"}', 1440),
        ('calls{code!~"4..|5.."}', 720),
        ('calls{code=""}', 2160),
        ("rate(calls[5m])", 2160),
        ("sum(calls)", 1),
        ("sum(free)", 1),
        ("sum by (code) (calls)", 3),
        ('sum by (code) (calls{code="500"})', 1),
        ("sum by (code, route) (free)", None),
        ("sum by (code) (free)", 3),
        ("sum without (code) (calls)", 2160),
        ("topk(3, calls)", 2160),
        ("calls / free", 2160),
        ("calls / on (code) group_left () sum by (code) (free)", 2160),
        ("sum by (code) (free) / on (code) group_right () calls", 2160),
        ("calls or recorded", 2167),
        ("calls and free", 2160),
        ("free unless calls", None),
        ("calls > 5", 2160),
        ("5 < calls", 2160),
        ("recorded", 7),
        ("absent(free)", 1),
        ("open", None),
        ("wide", None),
        ("wait_bucket", 6480),
        ("rough_bucket", None),
        ('{__name__=~"calls|recorded"}', 2167),
        ("nothing", None),
    ],
)
def test_the_bound_of_a_result(text, bound):
    assert result_bound(parse(text), KNOWN) == bound


@pytest.mark.parametrize(
    "text",
    [
        "sum(calls)",
        'sum by (code) (calls{code="500"})',
        "vector(1)",
        "absent(open)",
        "absent(open) * 2",
        "(absent(open))",
        "topk(1, calls)",
        "sum(calls) / sum(free)",
        "scalar(calls) * vector(1)",
        "histogram_quantile(0.9, sum by (le) (wait_bucket))",
        "sum by (tenant_id) (calls)",
        "sum by (nothing) (calls)",
    ],
)
def test_what_surely_has_one_result(text):
    assert list(several(parse(text), KNOWN, frozenset({"tenant_id"}))) == []


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("sum by (code) (calls)", ": one for each `code`"),
        ("sum by (code, route) (calls)", ": one for each `code`, `route`"),
        ("open", ""),
        ("topk(2, calls)", ""),
        ("topk by (code) (1, calls)", ": one for each `cluster`, `code`, `container`, `endpoint`"),
        ("sum by (tenant_id) (open)", ": one for each `tenant_id`"),
    ],
)
def test_what_may_have_several(text, labels):
    (finding,) = several(parse(text), KNOWN)
    assert (finding.code, finding.message) == ("PHX683", f"the expression may have more than one result{labels}")


def test_a_costly_expression_is_told_with_its_dearest_part():
    (finding,) = costly(parse("sum(wait_bucket) + sum(calls)"), KNOWN, 8639)
    assert finding.message == "the expression reads up to 8640 series, and a rule may read 8639"
    assert finding.help.startswith("of these, `wait_bucket` has 12 targets x 3 `code` x 3 `le` x 60 `route`:")
    assert list(costly(parse("sum(wait_bucket) + sum(calls)"), KNOWN, 8640)) == []


def test_what_has_no_bound_costs_nothing_that_is_known():
    assert list(costly(parse("sum(open) + sum(wide) + sum(free)"), KNOWN, 1)) == []
