"""Whatever the bytes: documents with places, or one fault with its place."""

from __future__ import annotations

import pytest

from phoenix_gitops.importing import reading
from phoenix_gitops.importing.reading import read


def fault_of(content):
    found = read("x.yaml", content)
    assert found.value == ()
    (only,) = found.diagnostics
    span = only.primary.span
    return f"{span.line}:{span.col}", only.message, only.help


def test_several_documents_with_the_places_of_their_values():
    first, second = read("x.yaml", "a: {b: é, c: [1, ~]}\n---\n---\n# nothing\n---\nk: |\n  text\n".encode()).value
    assert first.plain() == {"a": {"b": "é", "c": ["1", None]}}
    assert str(first.get("a", "c").value[0].span) == "x.yaml:1:15"
    assert (second.plain(), str(second.get("k").span)) == ({"k": "text\n"}, "x.yaml:6:4")


def test_scalars_are_the_text_that_they_are():
    (node,) = read("x.yaml", b"a: 012\nb: yes\nc: 1.50\nd: 'null'\ne: null\nf:\n").value
    assert node.plain() == {"a": "012", "b": "yes", "c": "1.50", "d": "null", "e": None, "f": None}


def test_what_is_asked_for_in_vain_is_empty():
    (node,) = read("x.yaml", b"a: [1]\nb: {c: {d: 1}}\n").value
    assert (node.get("a", "b"), node.text("a"), node.items("b"), node.entries("a")) == (None, "", [], {})
    assert (node.texts("b"), node.texts("b", "c"), node.texts("z")) == (None, {"d": "1"}, {})


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"a: \xff", "1:1", "file is not UTF-8: byte `0xff` does not belong here"),
        (b"a: b\n\x00", "2:1", "not YAML: unacceptable character"),
        (b"? [a]\n: 1\n", "1:3", "key is not text but a mapping or list"),
        (b"<<: {a: 1}\n", "1:1", "merge keys are not read"),
        (b"- \t- a: @b\n", "1:3", "not YAML: "),
        (b"x: " + b"[" * 100_000, "1:63", "nested more than 60 levels deep"),
    ],
)
def test_faults(content, place, message):
    at, said, _ = fault_of(content)
    assert at == place
    assert said.startswith(message)


@pytest.mark.parametrize("text", ["a: {{ .Values.a }}\n", "{{- if .Values.on }}\na: 1\n{{- end }}\n"])
def test_a_template_is_told_to_be_rendered_first(text):
    assert "helm template" in fault_of(text.encode())[2]


def test_what_is_too_large_is_said(monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    assert fault_of(b"a: 12345678")[:2] == ("1:1", "file has 11 bytes, 10 are allowed")
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    monkeypatch.setattr(reading, "MAX_NODES", 3)
    assert fault_of(b"[1, 2, 3]")[:2] == ("1:8", "file holds more than 3 values")
