"""Units: what words mean, and what arithmetic makes of them."""

import pytest

from phoenix_gitops.catalogue import Metric, of
from phoenix_gitops.catalogue.units import parse, product, show
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.promql.syntax import parse as expression
from phoenix_gitops.promql.unit_check import mixed_units, unit_of


def metric(name, unit="", type_="gauge"):
    return Metric(name=name, type=type_, unit=unit, labels=frozenset({"a"}), interval_ms=15_000, source="test")


KNOWN = reader(
    of(
        [
            metric("bytes_held", "bytes"),
            metric("took_seconds", "s"),
            metric("limit_ms", "milliseconds"),
            metric("sent_bytes_total", "By", "counter"),
            metric("calls_total", "requests", "counter"),
            metric("share", "ratio"),
            metric("plain"),
            metric("wait", "seconds", "histogram"),
            metric("size", "bytes", "histogram"),
        ]
    )
)


@pytest.mark.parametrize(
    ("one", "other"),
    [("s", "seconds"), ("sec", "second"), ("By", "bytes"), ("{requests}", "request"), ("1", "ratio"), ("%", "percent")],
)
def test_words_that_mean_one_unit(one, other):
    assert parse(one) == parse(other) is not None


@pytest.mark.parametrize(
    ("one", "other"), [("seconds", "milliseconds"), ("bytes", "kibibytes"), ("ratio", "percent"), ("min", "ms")]
)
def test_words_that_do_not(one, other):
    assert parse(one) != parse(other)


def test_no_unit_is_not_a_plain_number():
    assert parse("") is None
    assert parse(" ") is None
    assert parse("ratio") == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("By/s", "bytes/second"),
        ("bytes per second", "bytes/second"),
        ("celsius", "celsius"),
        ("1", "1"),
        ("1/s", "1/second"),
        ("s*s", "seconds*seconds"),
        ("percent", "percent"),
        ("orders", "orders"),
    ],
)
def test_a_unit_is_shown_as_people_write_it(text, shown):
    assert show(parse(text)) == shown
    assert parse(show(parse(text))) == parse(text)


def test_products_and_quotients():
    seconds, bytes_ = parse("s"), parse("By")
    assert product(bytes_, seconds, -1) == parse("By/s")
    assert product(product(bytes_, seconds, -1), seconds) == bytes_
    assert product(bytes_, bytes_, -1) == ()


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("bytes_held", "bytes"),
        ("sum by (a) (bytes_held)", "bytes"),
        ("rate(sent_bytes_total[5m])", "bytes/second"),
        ("increase(sent_bytes_total[5m])", "bytes"),
        ("rate(sent_bytes_total[5m]) / rate(calls_total[5m])", "bytes/request"),
        ("bytes_held * 8", ""),
        ("count(bytes_held)", ""),
        ("bytes_held / bytes_held", "1"),
        ("bytes_held > 5", "bytes"),
        ("bytes_held > bool 5", ""),
        ("bytes_held > bool bytes_held", ""),
        ("bytes_held or took_seconds", ""),
        ("bytes_held and took_seconds", "bytes"),
        ("histogram_quantile(0.9, sum by (le) (rate(wait_bucket[5m])))", "seconds"),
        ("rate(wait_sum[5m])", "1"),
        ("wait_count", ""),
        ("time()", "seconds"),
        ("avg_over_time(took_seconds[1h])", "seconds"),
        ("avg_over_time((took_seconds)[1h:5m])", "seconds"),
        ("stdvar(took_seconds)", ""),
        ("-took_seconds", "seconds"),
        ("plain", ""),
        ("unknown_metric", ""),
        ("absent(bytes_held)", ""),
        ("vector(1)", ""),
    ],
)
def test_the_unit_of_an_expression(text, unit):
    assert show(unit_of(expression(text), KNOWN)) == unit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bytes_held + took_seconds", "`+` joins values in `bytes` with values in `seconds`"),
        ("took_seconds > limit_ms", "`>` compares values in `seconds` with values in `milliseconds`"),
        (
            "sum(bytes_held) - sum(rate(sent_bytes_total[5m]))",
            "`-` joins values in `bytes` with values in `bytes/second`",
        ),
        (
            "histogram_quantile(0.9, sum by (le) (rate(size_bucket[5m]))) == took_seconds",
            "`==` compares values in `bytes` with values in `seconds`",
        ),
        ("sum(share + took_seconds)", "`+` joins values in `1` with values in `seconds`"),
    ],
)
def test_mixed_units_are_found(text, said):
    (finding,) = mixed_units(expression(text), KNOWN)
    assert (finding.code, finding.message) == ("PHX680", said)


@pytest.mark.parametrize(
    "text",
    [
        "took_seconds > limit_ms / 1000",
        "took_seconds * 1000 > limit_ms",
        "bytes_held + plain",
        "bytes_held > 1024",
        "bytes_held * took_seconds",
        "bytes_held and took_seconds > 1",
        "time() - took_seconds > 60",
        "bytes_held + sent_bytes_total",
        "share + bytes_held / bytes_held",
    ],
)
def test_what_is_converted_or_unknown_is_not(text):
    assert list(mixed_units(expression(text), KNOWN)) == []
