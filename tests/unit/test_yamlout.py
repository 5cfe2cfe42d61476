"""The writer: hostile data comes back equal from every reader at hand, in one spelling."""

import io
import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from phoenix_gitops.yamlout import dump, quoted

HOSTILE = [
    *("yes", "no", "on", "off", "y", "n", "Y", "N", "true", "True", "false", "null", "Null", "NULL", "~"),
    *("1:20", "12:30:45", "12:30:45.5", "190:20:30", "012", "08", "0o7", "0x1F", "0b1", "1_000", "-1_0.5"),
    *("1", "-1", "+1", "0", "-0", "1.0", "1.", ".5", "1e3", "1E3", "1e+16", "0.", "0e0", "1E", "5E1"),
    *(".inf", "-.INF", "+.inf", ".nan", ".NaN", "inf", "nan", "2001-01-01", "2001-12-14t21:59:43.10-05:00"),
    *("=", "<<", "", " ", "  x", "x ", "\t", "a\tb", "\ta", "a: b", "a :b", "a:", ":a", "::", "a #b", "a#b"),
    *("#", "-", "- a", "--- a", "---", "...", "?", "? a", "%d", "@a", "`a", "&a", "*a", "!t", "!!str a"),
    *("|", ">", "|+\n\n", "{", "}", "[a]", "a, b", "{{ $labels.x }}", "{% raw %}", '"', "'", "it's", 'a"b'),
    *("\\", "a\\b", "a\\nb", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\xa0", "\xad", "\u2028", "\u2029"),
    *("\ufeff", "\ue000", "\ufffe", "\uffff", "\u202e", "\u200b", "\u3000", "😀", "é", "日本", "\U0010ffff"),
    *("a\nb", "a\n", "a\n\n", "\n", "\n\n", "\na", " a\nb", "a\n b", "a \nb", "a\nb ", "a\n \nb", "a\n\tb"),
    *("a\nb\tc", "a\r\nb", "a\r", "a\n---\nb\n", "a\n...\nb", "#a\n#b", "%YAML 1.1\nx", "a:\n  - b\n"),
    *("a\n\nb\n\n\n", "a\x85\nb", "a\u2028\nb", "😀\nx", "a" * 1500, "x y" * 700, "é" * 1100, "😀" * 400),
    *("1d", "100m", "512Mi", "25%", "0.5s", "10.0.0.0/8", "1.2.3", "_1", "__name__", "/a", "(a)", "a:b"),
]

plain_values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(HOSTILE)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.text(" \n\t:#-?a1.eE+_\"'\\{}[],&*!|>%@`~=<ynx0", max_size=12)
)
keys = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
trees = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def ruamel_load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


READERS = {
    "pyyaml-c": lambda text: yaml.load(text, yaml.CSafeLoader),
    "pyyaml": lambda text: yaml.load(text, yaml.SafeLoader),
    "ruamel-1.2": ruamel_load,
}


def same(left: Any, right: Any) -> bool:
    """Equal with types: `1` is neither `True` nor `1.0`, `-0.0` is not `0.0`."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return bool(left == right)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text)[:30] for text in HOSTILE])
def test_hostile_strings_come_back(text: str, reader: Any) -> None:
    data = {"value": text, "list": [text, [text, text], {text: text}], text: {text: text, "z": 1}}
    assert same(reader(dump(data)), data)
    assert same(reader(dump(text)), text)
    assert same(reader(dump([text])), [text])


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
@settings(max_examples=300, deadline=None)
@given(data=trees)
def test_any_tree_comes_back(reader: Any, data: Any) -> None:
    assert same(reader(dump(data)), data)


@settings(max_examples=100, deadline=None)
@given(data=st.dictionaries(keys, plain_values, max_size=60), random=st.randoms(use_true_random=False))
def test_equal_data_give_equal_bytes(data: dict[str, Any], random: Any) -> None:
    items = list(data.items())
    random.shuffle(items)
    assert dump(dict(items)) == dump(data)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_quoted_is_one_line_that_comes_back(text: str) -> None:
    assert "\n" not in quoted(text)
    assert yaml.load(quoted(text), yaml.CSafeLoader) == text


def test_a_key_stays_a_string_in_a_reader_of_1_1() -> None:
    assert dump({"on": 1, "no": 2, "1": 3}) == '"1": 3\n"no": 2\n"on": 1\n'


def test_layout_that_people_expect() -> None:
    body = {
        "spec": {
            "template": {
                "containers": [
                    {"ports": [{"protocol": "TCP", "containerPort": 4317}], "image": "a:1", "name": "x"},
                    {"env": [], "resources": {}, "name": "y", "args": ["--a=b", "no"]},
                ]
            },
            "replicas": 2,
            "on": None,
        },
        "metadata": {
            "labels": {"b": "true", "a": "1"},
            "annotations": {"z": "é"},
            "namespace": "ns",
            "name": "gw",
        },
        "kind": "Deployment",
        "data": {"x.yaml": "a:\n  b\n", "y": "a\nb", "z": "a\n\n"},
        "apiVersion": "apps/v1",
    }
    assert (
        dump(body)
        == """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: gw
  namespace: ns
  labels:
    a: "1"
    b: "true"
  annotations:
    z: "é"
spec:
  "on": null
  replicas: 2
  template:
    containers:
    - name: x
      image: a:1
      ports:
      - containerPort: 4317
        protocol: TCP
    - name: "y"
      args:
      - "--a=b"
      - "no"
      env: []
      resources: {}
data:
  x.yaml: |
    a:
      b
  "y": |-
    a
    b
  z: |+
    a

"""
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (1e16, "1.0e+16"),
        (1e-7, "1.0e-07"),
        (1.5e300, "1.5e+300"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (2**64 - 1, "18446744073709551615"),
        (True, "true"),
        ({}, "{}"),
        ([], "[]"),
        ('{a="b"}', "'{a=\"b\"}'"),
        ("sum(rate(a{b='c'}[5m])) > 1", "sum(rate(a{b='c'}[5m])) > 1"),
        ("250m", "250m"),
        ("30d", "30d"),
        ("1E", '"1E"'),
        ("a\u202eb", '"a\\u202Eb"'),
        ("\U000f0000", '"\\U000F0000"'),
        ("a\n ", '"a\\n "'),
    ],
)
def test_spelling(value: object, text: str) -> None:
    assert dump(value) == text + "\n"


def test_long_strings_are_not_folded() -> None:
    assert dump({"a": "x y " * 500 + "z"}).count("\n") == 1


def test_long_keys_are_explicit() -> None:
    assert dump([{"k" * 1001: [1]}]) == f"- ? {'k' * 1001}\n  :\n  - 1\n"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**64, -(2**63) - 1, "\ud800", "a\n\udfff"])
def test_refuses_what_readers_cannot_agree_on(value: object) -> None:
    with pytest.raises(ValueError, match=r"no YAML for|beyond 64 bits|lone surrogate"):
        dump({"a": value})


@pytest.mark.parametrize("value", [(1,), {1}, b"x", object()])
def test_refuses_other_types(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be written as YAML"):
        dump({"a": [value]})


def test_refuses_other_keys() -> None:
    with pytest.raises(TypeError, match="keys must be str: 1"):
        dump({"a": {1: "b"}})
