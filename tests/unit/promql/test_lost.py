"""What was there before a stage took it, buckets, dialects and the texts of alerts."""

from __future__ import annotations

import pytest

from phoenix_gitops.catalogue import Loss, Metric, of
from phoenix_gitops.promql.check import Expectation, check_expression
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.promql.texts import absent_labels, labels_shown

TAKEN = Loss(stage="gateway", what="`drop` takes it away")
FIRST = Loss(stage="edge", what="`redact` takes it away")


def metric(name, type_="gauge", **parts):
    base = {"labels": frozenset({"a", "b"}), "lost": {"gone": TAKEN}}
    return Metric(name=name, type=type_, interval_ms=15_000, source="test", **{**base, **parts})


KNOWN = of(
    [
        metric("closed"),
        metric("open", labels=None, named=frozenset({"a"})),
        metric("has", labels=frozenset({"a", "b", "gone"}), lost={}),
        metric("unsure", labels=None, lost={}),
        metric("other", lost={"gone": FIRST}),
        metric("wait", "histogram", buckets=(0.1, 0.25, 1.0)),
        metric("rough", "histogram"),
        metric("native", "nativeHistogram"),
        metric("ranged_bucket", "counter", labels=frozenset({"vmrange"})),
    ]
).plus((), {"nowhere": TAKEN})


def found(text, **expected):
    return [(f.code, f.message) for f in check_expression(text, KNOWN, Expectation(**expected))]


SAID = "is lost before it gets here: `drop` takes it away"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('closed{gone="x"}', f"label `gone` of `closed` {SAID}"),
        ('open{gone="x"}', f"label `gone` of `open` {SAID}"),
        ('open{gone=""}', f"label `gone` of `open` {SAID}"),
        ("sum by (gone) (closed)", f"label `gone`, which `by (...)` names, {SAID}"),
        ("sum by (gone) (open)", f"label `gone`, which `by (...)` names, {SAID}"),
        ("sum by (gone) (open + closed)", f"label `gone`, which `by (...)` names, {SAID}"),
        ("open * on (gone) has", f"label `gone`, which `on (...)` names, {SAID}"),
        ("has * on (a) group_left (gone) closed", f"label `gone`, which `group_left (...)` names, {SAID}"),
        ("closed * on (a) group_right (gone) has", f"label `gone`, which `group_right (...)` names, {SAID}"),
        ("nowhere", f"`nowhere` {SAID}"),
        ('{__name__=~"closed|open",gone="x"}', f"label `gone` of `closed|open` {SAID}"),
        (
            'other{gone="x"}',
            "label `gone` of `other` is lost before it gets here: `redact` takes it away",
        ),
    ],
)
def test_what_was_lost_is_said_with_who_took_it(text, message):
    assert found(text) == [("PHX679", message)]


def test_the_finding_carries_who_took_it():
    (finding,) = check_expression('other{gone="x"}', KNOWN)
    assert (finding.loss, finding.word) == (FIRST, "gone")


@pytest.mark.parametrize(
    "text",
    [
        'has{gone="x"}',
        'unsure{gone="x"}',
        'open{new="x"}',
        "sum by (gone) (unsure)",
        "sum by (gone) (open or has)",
        'sum by (gone) (label_replace(open, "gone", "$1", "a", "(.*)"))',
        'sum by (gone) (count_values by (a) ("gone", open))',
        '{__name__=~"closed|has",gone="x"}',
        "has * on (a) group_left (gone) has",
        "closed * on (a) group_left () has",
    ],
)
def test_what_may_be_there_is_not_lost(text):
    assert found(text) == []


def test_what_never_was_there_is_unknown_and_not_lost():
    assert [code for code, _ in found('closed{never="x"}')] == ["PHX658"]
    assert [code for code, _ in found("has * on (a) group_left (never) has")] == ["PHX658"]


@pytest.mark.parametrize("le", ["0.1", "1", "1.0", "+Inf"])
def test_a_bucket_that_is_there(le):
    assert found(f'sum(rate(wait_bucket{{le="{le}"}}[5m]))') == []


@pytest.mark.parametrize("le", ["0.4", "0.10", "10"])
def test_a_bucket_that_is_not(le):
    (finding,) = check_expression(f'sum(rate(wait_bucket{{le="{le}"}}[5m]))', KNOWN)
    assert (finding.code, finding.message) == ("PHX681", f"`wait_bucket` has no bucket `{le}`")
    assert finding.help == "its buckets are `0.1`, `0.25`, `1` and `+Inf`"


def test_patterns_of_buckets():
    assert found('sum(rate(wait_bucket{le=~"0.4|1.0"}[5m]))') == []
    assert found('sum(rate(wait_bucket{le=~"1(\\\\.0)?"}[5m]))') == []
    assert found('sum(rate(wait_bucket{le=~"0.4|0.6"}[5m]))') == [
        ("PHX681", "`wait_bucket` has no bucket `0.4|0.6`"),
    ]
    assert found('sum(rate(wait_bucket{le!="0.4"}[5m]))') == []


def test_buckets_that_are_not_declared_may_be_any():
    assert found('sum(rate(rough_bucket{le="0.4"}[5m]))') == []


LACKING = ("PHX681", "`histogram_quantile()` needs the label `le`, which is not on what it is given")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("histogram_quantile(0.9, sum by (le) (rate(wait_bucket[5m])))", []),
        ("histogram_quantile(0.9, rate(wait_bucket[5m]))", []),
        ("histogram_quantile(0.9, sum by (a) (rate(native[5m])))", []),
        ("histogram_quantile(0.9, sum by (vmrange) (rate(ranged_bucket[5m])))", []),
        ("histogram_quantile(0.9, open)", []),
        ("histogram_quantile(0.9, sum by (a) (rate(wait_bucket[5m])))", [LACKING]),
        ("histogram_quantile(0.9, sum(rate(wait_bucket[5m])))", [LACKING]),
        ("histogram_quantile(0.9, rate(wait_sum[5m]))", [LACKING]),
    ],
)
def test_quantiles_need_bounds(text, said):
    assert found(text) == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lag(closed[5m])", "`lag` is MetricsQL: VictoriaMetrics has it, Prometheus does not"),
        ("sum(rollup_rate(closed[5m]))", "`rollup_rate` is MetricsQL: VictoriaMetrics has it, Prometheus does not"),
        (
            "holt_winters(closed[5m], 0.1, 0.1)",
            "`holt_winters` is gone since Prometheus 3, where it is `double_exponential_smoothing` behind a feature flag",  # noqa: E501
        ),
        ("histogram_sum(native)", "`histogram_sum` is not in every engine that evaluates these rules"),
        ("first_over_time(closed[5m])", "`first_over_time` is not in every engine that evaluates these rules"),
    ],
)
def test_functions_of_one_dialect(text, message):
    assert found(text) == [("PHX665", message)]


def test_a_function_that_nobody_has_is_no_promql():
    assert found("frobnicate(closed)") == [("PHX652", "not PromQL: unknown function with name 'frobnicate'")]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("{{ $labels.a }} and {{ $labels.b | title }}", ("a", "b")),
        ("{{ .Labels.a }}", ("a",)),
        ('{{ index $labels "a" }}{{ index .Labels `b` }}', ("a", "b")),
        ('{{ if eq $labels.a "x" }}{{ $labels.a }}{{ end }}', ("a",)),
        ('{{ range query "up" }}{{ .Labels.job }}{{ $labels.a }}{{ end }}', ("a",)),
        ("{{ with 1 }}{{ .Labels.a }}{{ end }}", ()),
        ("$labels.a", ()),
        ("{{ $value }} {{ $externalLabels.a }}", ()),
    ],
)
def test_labels_that_a_text_shows(text, labels):
    assert labels_shown(text) == labels


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("sum by (a) (closed) > 1", ["b", "team"]),
        ("closed > 1", ["team"]),
        ("sum(closed) > 1", ["a", "b", "team"]),
        ("open > 1", []),
        ("absent(closed)", []),
        ("sum(", []),
        ('label_replace(sum(closed), "a", "x", "", "")', ["b", "team"]),
    ],
)
def test_labels_that_no_result_has(expr, labels):
    text = "{{ $labels.a }} {{ $labels.b }} {{ $labels.team }}"
    assert [f.word for f in absent_labels(text, expr, reader(KNOWN))] == labels


def test_a_label_that_is_not_shown_says_what_there_is():
    (finding,) = absent_labels("{{ $labels.aa }}", "sum by (a) (closed)", reader(KNOWN))
    message = "the text shows the label `aa`, which no result of the alert's expression has"
    assert (finding.code, finding.message) == ("PHX682", message)
    (finding,) = absent_labels("{{ $labels.x }}", "sum by (a, b) (closed)", reader(KNOWN))
    assert finding.help == "its labels are `a`, `b`; aggregate by `x` to keep it"
