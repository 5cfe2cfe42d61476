import pytest

from phoenix_gitops.catalogue import Metric, of
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.promql.check import Expectation, check_expression, offset

LABELS = frozenset({"code", "route"})
KNOWN = of(
    [
        Metric(name="requests_total", type="counter", labels=LABELS, interval_ms=15_000, source="test"),
        Metric(name="errors_total", type="counter", labels=frozenset({"route"}), interval_ms=15_000, source="test"),
        Metric(name="length", type="gauge", labels=LABELS, interval_ms=15_000, source="test"),
        Metric(name="seconds", type="histogram", labels=LABELS, interval_ms=15_000, source="test"),
        Metric(name="quantiles", type="summary", labels=LABELS, interval_ms=15_000, source="test"),
        Metric(name="open_total", type="counter", interval_ms=15_000, source="test"),
        Metric(name="odd", type="unknown", labels=LABELS, interval_ms=15_000, source="test"),
    ]
)


def codes(text, **expected):
    return [finding.code for finding in check_expression(text, KNOWN, Expectation(**expected))]


@pytest.mark.parametrize(
    "text",
    [
        'sum by (route) (rate(requests_total{code=~"5.."}[5m]))',
        "deriv(length[5m])",
        "histogram_quantile(0.9, sum by (le, route) (rate(seconds_bucket[5m])))",
        "rate(seconds_sum[5m]) / rate(seconds_count[5m])",
        'quantiles{quantile="0.5"}',
        'rate(open_total{whatever="x"}[5m])',
        "rate(odd[5m]) + deriv(odd[5m])",
        'count({__name__=~"requests_.*"})',
        'ALERTS{alertname="X"}',
        "vector(1)",
        "changes(requests_total[1m])",
        'sum by (new) (label_replace(length, "new", "$1", "code", "(.)"))',
        "sum(length) / sum(length)",
        "sum by (code) (length) / on (code) group_left () sum by (code, route) (length) > 1",
        "last_over_time(length[10s])",
        'count_values by (code) ("v", length)',
        'sum by (v) (count_values("v", length))',
        "topk(3, length)",
    ],
)
def test_what_is_sound_has_no_finding(text):
    assert check_expression(text, KNOWN) == []


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("sum(rate(requests_total[5m])", "PHX652", "not PromQL: unclosed left parenthesis"),
        ("rate(requests_total)", "PHX652", "not PromQL: expected type matrix in call to function 'rate', got vector"),
        ("requests", "PHX653", "nothing here emits or records `requests`"),
        ('{__name__="requests"}', "PHX653", "nothing here emits or records `requests`"),
        ('{__name__=~"nothing.*"}', "PHX653", "no known metric matches `nothing.*`"),
        ("seconds", "PHX653", "nothing here emits or records `seconds`"),
        ("rate(length[5m])", "PHX654", "`rate()` is for counters, `length` is a gauge"),
        ("increase(length[5m])", "PHX654", "`increase()` is for counters, `length` is a gauge"),
        (
            "predict_linear(requests_total[5m], 60)",
            "PHX654",
            "`predict_linear()` is for gauges, `requests_total` is a counter",
        ),
        ("delta(seconds_count[5m])", "PHX654", "`delta()` is for gauges, `seconds_count` is a counter"),
        (
            "rate(requests_total[29s])",
            "PHX655",
            "a range of `29s` holds fewer than two values of `requests_total`, which has one every 15s",
        ),
        ('requests_total{status="500"}', "PHX658", "`requests_total` has no label `status`"),
        (
            "sum by (status) (requests_total)",
            "PHX658",
            "`by (...)` stands on series of which none has the label `status`",
        ),
        (
            "requests_total / on (code) errors_total",
            "PHX658",
            "`on (...)` stands on series of which none has the label `code`",
        ),
        (
            "sum by (le) (histogram_quantile(0.9, seconds_bucket))",
            "PHX658",
            "`by (...)` stands on series of which none has the label `le`",
        ),
        (
            "sum by (code) (sum without (code) (length))",
            "PHX658",
            "`by (...)` stands on series of which none has the label `code`",
        ),
        ("limitk(3, length)", "PHX665", "`limitk` is not in every engine that evaluates these rules"),
        ('length{code="a" or route="b"}', "PHX665", "matchers that are joined by `or` are MetricsQL, not PromQL"),
        (
            "sum by (code) (length) / sum by (route) (length)",
            "PHX668",
            "the sides of `/` never match: only one of them has `code`, `route`",
        ),
        ("length[5m]", "PHX669", "the expression gives a matrix, not an instant vector"),
        ("1 + 1", "PHX669", "the expression gives a scalar, not an instant vector"),
        ('"text"', "PHX669", "the expression gives a string, not an instant vector"),
    ],
)
def test_each_fault_has_its_code_and_message(text, code, message):
    (finding,) = check_expression(text, KNOWN)
    assert (finding.code, finding.message, finding.severity) == (code, message, Severity.ERROR)
    assert finding.help


@pytest.mark.parametrize(("length", "severity"), [("30s", Severity.WARNING), ("59s", Severity.WARNING), ("1m", None)])
def test_a_range_below_four_values_is_a_warning(length, severity):
    found = [finding.severity for finding in check_expression(f"rate(requests_total[{length}])", KNOWN)]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("text", "fits", "exceeds"),
    [
        ("max_over_time(length[1h])", 60, 59),
        ("length offset 1h", 60, 59),
        ("max_over_time(length[30m] offset 30m)", 60, 59),
        ("max_over_time(rate(requests_total[15m])[30m:1m] offset 15m)", 60, 59),
    ],
)
def test_all_that_an_expression_looks_back_counts(text, fits, exceeds):
    assert codes(text, retention_ms=fits * 60_000) == []
    assert codes(text, retention_ms=exceeds * 60_000) == ["PHX656"]


def test_a_wider_form_counts_too():
    (finding,) = check_expression("length", KNOWN, Expectation(retention_ms=86_400_000, reach_ms=3 * 86_400_000))
    assert finding.message == "the range reaches back `3d`, but series are kept for `1d`"


def test_near_names_and_labels_are_suggested():
    (metric,) = check_expression("rate(request_total[5m])", KNOWN)
    assert metric.help == "did you mean `requests_total`?"
    (label,) = check_expression('length{rout="x"}', KNOWN)
    assert label.help == "did you mean `route`?"


def test_the_word_that_is_meant_is_found_whole():
    assert offset("sum(xx) + x", "x") == 10
    assert offset("sum(xx)", "x") is None
    (finding,) = check_expression("sum(length) + rate(length[5m])", KNOWN)
    assert offset("sum(length) + rate(length[5m])", finding.word) == 14
