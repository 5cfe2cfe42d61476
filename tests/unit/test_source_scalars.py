"""Plain scalars: the values that all readers agree on, and what to write instead of the others."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yaml.resolver import Resolver

from phoenix_gitops.source.scalars import Refusal, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775807", 2**63 - 1),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("-1.", -1.0),
        (".5", 0.5),
        ("1.0e+3", 1000.0),
        ("012.5", 12.5),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("08:30", "08:30"),
        ("1:99", "1:99"),
        ("10.0.0.1", "10.0.0.1"),
        ("1.2.3", "1.2.3"),
        ("15s", "15s"),
        ("-", "-"),
        ("+e5", "+e5"),
        (".e5", ".e5"),
        ("tRuE", "tRuE"),
        ("yEs", "yEs"),
        ("nan", "nan"),
        (".infinity", ".infinity"),
        ("0xG", "0xG"),
        ("0o8", "0o8"),
    ],
)
def test_values(text: str, value: object) -> None:
    assert (resolve(text), type(resolve(text))) == (value, type(value))


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
def test_old_truths(text: str) -> None:
    label, help_ = "text here, a boolean in YAML 1.1", f'write `true`, or quote it: `"{text}"`'
    assert resolve(text) == Refusal("PHX117", f"plain `{text}` is read in two ways", label, help_)


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "off", "Off", "OFF"])
def test_old_falsehoods(text: str) -> None:
    refusal = resolve(text)
    assert isinstance(refusal, Refusal)
    assert refusal.help == f'write `false`, or quote it: `"{text}"`'


@pytest.mark.parametrize(
    ("text", "label", "instead"),
    [
        ("012", "decimal here, octal in YAML 1.1", "write `12`, or write `0o12`, or "),
        ("-012", "decimal here, octal in YAML 1.1", "write `-12`, or "),
        ("00", "decimal here, octal in YAML 1.1", "write `0`, or write `0o0`, or "),
        ("089", "a number here, text in YAML 1.1", "write `89`, or "),
        ("1:20", "text here, a number in base 60 in YAML 1.1", ""),
        ("-10:30:45", "text here, a number in base 60 in YAML 1.1", ""),
        ("01:30.5", "text here, a number in base 60 in YAML 1.1", ""),
        ("1_000", "text here, a number in YAML 1.1", "write `1000`, or "),
        ("1_0.5", "text here, a number in YAML 1.1", "write `10.5`, or "),
        (".5_0", "text here, a number in YAML 1.1", "write `.50`, or "),
        ("0b101", "text here, a number in YAML 1.1", ""),
        ("-0x1F", "text here, a number in YAML 1.1", ""),
        ("1e3", "a number here, text in YAML 1.1", "write `1.0e+3`, or "),
        ("-.5e3", "a number here, text in YAML 1.1", "write `-0.5e+3`, or "),
        ("12.25E4", "a number here, text in YAML 1.1", "write `12.25e+4`, or "),
        ("1e-3", "a number here, text in YAML 1.1", "write `1.0e-3`, or "),
        ("-.5", "a number here, text to some readers", "write `-0.5`, or "),
        ("=", "text here, an operator in YAML 1.1", ""),
        ("<<", "text here, an operator in YAML 1.1", ""),
    ],
)
def test_ambiguous(text: str, label: str, instead: str) -> None:
    help_ = f'{instead}quote it: `"{text}"`'
    assert resolve(text) == Refusal("PHX117", f"plain `{text}` is read in two ways", label, help_)


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1.0e+999", "-1.0e+400"])
def test_non_finite(text: str) -> None:
    assert resolve(text) == Refusal("PHX118", f"number `{text}` is not finite", help="write a finite number")


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "0x8000000000000000"])
def test_integers_beyond_64_bit(text: str) -> None:
    refusal = resolve(text)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.message) == ("PHX119", f"integer `{text}` does not fit into 64 bit")


def test_an_endless_integer_is_shortened_and_not_converted() -> None:
    refusal = resolve("9" * 100_000)
    assert isinstance(refusal, Refusal)
    assert refusal.message == f"integer `{'9' * 37}...` does not fit into 64 bit"


NUMBERISH = st.text("0123456789+-._eExob:aAfFyYnN~=<oOsStTrRuUlLiI", max_size=12)


@given(NUMBERISH | st.sampled_from(sorted(resolve.__wrapped__.__globals__["_OLD_TRUE"])))
def test_a_reader_of_yaml_1_1_sees_the_same_value(text: str) -> None:
    """Dates (text here) and `0o` (unknown to 1.1, and in no doubt) apart."""
    value = resolve(text)
    if isinstance(value, Refusal) or text.startswith("0o"):
        return
    tag = Resolver().resolve(yaml.ScalarNode, text, (True, False))
    if tag == "tag:yaml.org,2002:timestamp":
        assert value == text
        return
    old = yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text))
    assert (old, type(old)) == (value, type(value))


@given(NUMBERISH)
def test_what_is_advised_is_accepted(text: str) -> None:
    refusal = resolve(text)
    if isinstance(refusal, Refusal) and refusal.code == "PHX117":
        for word in refusal.help.split("`")[1:-2:2]:
            assert not isinstance(resolve(word), Refusal | str) or _is_too_large(resolve(word))


def _is_too_large(value: object) -> bool:
    return isinstance(value, Refusal) and value.code in {"PHX118", "PHX119"}
