"""Names, quantities, durations, selectors and patterns, value by value."""

# ruff: noqa: E501 - a row of a table reads better on one line.
from __future__ import annotations

from decimal import Decimal

import pytest

from phoenix_gitops.verify.names import (
    dns_label_fault,
    dns_subdomain_fault,
    label_key_fault,
    label_value_fault,
    path_segment_fault,
    port_name_fault,
    service_name_fault,
)
from phoenix_gitops.verify.patterns import portable
from phoenix_gitops.verify.quantities import is_go_duration, parse_quantity
from phoenix_gitops.verify.selectors import Selector


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (dns_label_fault, ["a", "9", "a-b", "a" * 63], ["", "A", "a.b", "-a", "a-", "a_b", "a\n", "ä", "a" * 64]),
        (dns_subdomain_fault, ["a", "a.b", "1.2", "a" * 253], ["", "a..b", ".a", "a.", "a.-b", "a" * 254, "a/b"]),
        (service_name_fault, ["a", "a9", "a-b"], ["", "9a", "a.b", "A", "a" * 64]),
        (path_segment_fault, ["A:b", "..a", "a b"], [".", "..", "a/b", "a%b"]),
        (port_name_fault, ["http", "h2", "1a", "a-b", "a" * 15], ["", "1", "a--b", "-a", "a-", "A", "a_b", "a" * 16]),
        (label_key_fault, ["a", "A.b_c-d", "x.io/a", "a" * 63], ["", "/a", "x.io/", "-a", "a" * 64, "X.io/a", "a/b/c"]),
        (label_value_fault, ["", "a", "A.b_c-d", "1" * 63], [" ", "-a", "a-", "a b", "a/b", "1" * 64, "a\n"]),
    ],
)  # fmt: skip
def test_names(check, good: list[str], bad: list[str]) -> None:
    assert [name for name in good if check(name)] == []
    assert [name for name in bad if not check(name)] == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"), ("250m", "0.25"), ("1Ki", "1024"), ("1k", "1000"), (".5Gi", "536870912"), ("1.", "1"), ("1e3", "1000"),
        ("1E3", "1000"), ("1E", "1e18"), ("2n", "2e-9"), ("3u", "3e-6"), ("-1", "-1"), ("+1M", "1e6"), ("1Ei", "1152921504606846976"),
    ],
)  # fmt: skip
def test_quantities(text: str, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "Mi", "1 Mi", "1mi", "1KB", "1K", "0x1", "1e", ".", "1,5", "\u0661", "1Mi\n", "1e1000"]
)
def test_what_is_no_quantity(text: str) -> None:
    assert parse_quantity(text) is None


def test_go_durations() -> None:
    good = ["0", "1s", "1h30m", "1.5h", "100ms", "5µs", "-1s"]
    bad = ["", "1", "1d", "1 s", "s", "1h 30m", "1w", "1s\n"]
    assert [text for text in (*good, *bad) if is_go_duration(text)] == good


@pytest.mark.parametrize(
    ("data", "matched"),
    [
        ({}, ["", "a", "b", "ab"]),
        ({"matchLabels": {"x": "a"}}, ["a"]),
        ({"matchExpressions": [{"key": "x", "operator": "In", "values": ["a", "b"]}]}, ["a", "b"]),
        ({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a", "b"]}]}, ["", "ab"]),
        ({"matchExpressions": [{"key": "x", "operator": "Exists"}]}, ["a", "b", "ab"]),
        ({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}, [""]),
        ({"matchLabels": {"x": "a"}, "matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a"]}]}, []),
    ],
)
def test_selectors(data: dict, matched: list[str]) -> None:
    selector = Selector.of(data)
    assert [value for value in ("", "a", "b", "ab") if selector.matches({"x": value} if value else {})] == matched


@pytest.mark.parametrize(
    ("pattern", "rewritten"),
    [
        ("^(?i)(abort|warn)?$", "^(?i:(abort|warn)?$)"),
        ("^((?i)jan|feb)x$", "^((?i:jan|feb))x$"),
        ("(?i)a|b", "(?i:a|b)"),
        (r"^\d+[\w:]\s\D\z", r"^[0-9]+[0-9A-Za-z_:][\t\n\f\r ][^0-9]$"),
        (r"[(?i)\\]", r"[(?i)\\]"),
        (r"\(?i\)", r"\(?i\)"),
        ("[]a]", r"[\]a]"),
        ("[^]a]b", r"[^\]a]b"),
        ("^[a-z]+$", "^[a-z]+$"),
    ],
)
def test_patterns_are_made_portable(pattern: str, rewritten: str) -> None:
    assert portable(pattern) == rewritten


@pytest.mark.parametrize("pattern", ["(", "a(?i)b|c", "[", "*"])
def test_patterns_that_cannot_be(pattern: str) -> None:
    assert portable(pattern) is None


def test_a_scoped_flag_means_what_go_means() -> None:
    import re

    pattern = re.compile(portable("^(?i)(abort|warn)?$") or "")
    assert [text for text in ("", "ABORT", "Warn", "warning", "abort\n") if pattern.fullmatch(text)] == [
        "",
        "ABORT",
        "Warn",
    ]
