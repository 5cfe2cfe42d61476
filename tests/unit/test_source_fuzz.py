"""Whatever the bytes: parse gives a value, and a document means what other readers of YAML 1.2 see."""

from __future__ import annotations

import io
import math
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML, YAMLError
from yaml import safe_dump

from phoenix_gitops.diagnostics import Severity, Span
from phoenix_gitops.document import Document
from phoenix_gitops.source import parse
from phoenix_gitops.source.scalars import Refusal, resolve

FILE = "policies/fuzz.yaml"

PIECES = st.sampled_from(
    [
        "a",
        "key: x",
        ": ",
        "- ",
        "? ",
        ",",
        "[",
        "]",
        "{",
        "}",
        '"',
        "'",
        "|",
        "|-\n",
        ">+\n",
        "#",
        " # c",
        "&a ",
        "*a",
        "!t ",
        "%",
        "@",
        "`",
        "~",
        "no",
        "012",
        "1:20",
        "1_0",
        ".inf",
        "<<: ",
        "=",
        "---\n",
        "...",
        "{{ x }}",
        "\\x00",
        "é",
        "😀",
        "\n",
        "\n  ",
        "\t",
        "\r\n",
        "\r",
        "\u2028",
        "\x85",
        "\ufeff",
        "\x1b",
        "\u202e",
    ]
)
WORDS = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "key",
        "x y",
        "x-y",
        "a: b",
        "#c",
        "c #d",
        "é",
        "日本 😀",
        "null",
        "~",
        "true",
        "12",
        "-0x1",
        "0x1F",
        "0o17",
        "1.5",
        "2024-01-01",
        "1:99",
        "http://a/b?c#d",
        "a,b",
        "[",
        "}",
        "- a",
        "it's",
        'say "x"',
        "\\n",
        "%x",
        "-",
        "?",
        ":",
        "a:",
        "",
    ]
)


def quoted(word: str, style: str) -> str:
    if style == "'":
        return "'" + word.replace("'", "''") + "'"
    if style == '"':
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word


SCALARS = st.builds(quoted, WORDS, st.sampled_from(["", "", "'", '"']))
FLOWS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(SCALARS, inner), max_size=3).map(
            lambda items: "{" + ", ".join(f"{k}: {v}" for k, v in items) + "}"
        )
        | st.lists(inner, max_size=2).map(lambda items: "[\n   " + ",\n\n    ".join(items) + " # c\n  ]")
    ),
    max_leaves=5,
)
GAPS = st.sampled_from(["", "", "", " # why", "\n", "\n# why", "\n\n   # why", "   "])
BLOCKS = st.builds(
    lambda head, lines, indent: head + "".join(f"\n{' ' * indent if line else ''}{line}" for line in lines),
    st.sampled_from(["|", "|-", ">", ">+", "|+", "|2", "> # c"]),
    st.lists(WORDS, max_size=4),
    st.just(20),
)


def indented(text: str) -> str:
    return "".join(f"\n  {line}" if line else "\n" for line in text.split("\n"))


def mapping(entries: list[tuple[str, str, str]]) -> str:
    return "\n".join(
        f"{key}:{value if value[:1] in {chr(10), ''} else ' ' + value}{gap}" for key, value, gap in entries
    )


def listing(items: list[tuple[str, str]]) -> str:
    return "\n".join(f"- {indented(item).lstrip(chr(10)).lstrip()}{gap}" for item, gap in items)


MAPPINGS = st.deferred(
    lambda: st.lists(st.tuples(SCALARS, NODES, GAPS), min_size=1, max_size=3, unique_by=lambda e: e[0]).map(mapping)
)
LISTS = st.deferred(lambda: st.lists(st.tuples(MAPPINGS | FLOWS, GAPS), min_size=1, max_size=3).map(listing))
NODES = st.deferred(lambda: SCALARS | FLOWS | BLOCKS | MAPPINGS.map(indented) | LISTS.map(indented))


def disturbed(text: str, piece: str, where: int, end: str) -> str:
    where %= len(text) + 1
    return (text[:where] + piece + text[where:]).replace("\n", end)


YAMLISH = st.builds(
    disturbed, MAPPINGS, st.just("") | PIECES, st.integers(0, 500), st.sampled_from(["\n", "\n", "\r\n"])
)
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=12,
)


def lines_of(text: str) -> list[str]:
    return text.split("\n")


def cut(text: str, span: Span) -> str:
    assert span.line == span.end_line
    return lines_of(text)[span.line - 1][span.col - 1 : span.end_col - 1]


def check_places(document: Document, text: str) -> None:
    paths: list[tuple[str | int, ...]] = []

    def walk(path: tuple[str | int, ...], value: Any) -> None:
        paths.append(path)
        if isinstance(value, dict):
            for key, item in value.items():
                walk((*path, key), item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk((*path, index), item)

    walk((), document.data)
    assert list(document.places) == paths
    top = document.places[()].value
    for path, place in document.places.items():
        check_span(text, place.value)
        assert (top.line, top.col) <= (place.value.line, place.value.col)
        assert (place.value.end_line, place.value.end_col) <= (top.end_line, top.end_col)
        if place.key is None:
            assert not path or isinstance(path[-1], int)
            continue
        check_span(text, place.key)
        if place.key.line == place.key.end_line and cut(text, place.key)[:1] not in {'"', "'"}:
            assert cut(text, place.key) == path[-1]


def check_span(text: str, span: Span) -> None:
    lines = lines_of(text)
    assert (1, 1) <= (span.line, span.col) <= (span.end_line, span.end_col)
    assert span.end_line <= len(lines)
    assert span.end_col <= len(lines[span.end_line - 1]) + 1


def check(content: bytes) -> Document | None:
    outcome = parse(FILE, content)
    assert (outcome.value is None) == bool(outcome.diagnostics)
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    for diagnostic in outcome.diagnostics:
        assert diagnostic.severity is Severity.ERROR
        assert diagnostic.message == diagnostic.message.strip()
        assert "not valid YAML" not in diagnostic.message or diagnostic.code == "PHX106"
        assert diagnostic.primary is not None
        if not (b"\xff\xfe" in content[:4] or b"\xfe\xff" in content[:4]):
            for label in (diagnostic.primary, *diagnostic.secondary):
                check_span(text, label.span)
    if outcome.value is not None:
        check_places(outcome.value, text)
    return outcome.value


def read_by_ruamel(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    yaml.constructor.yaml_constructors = dict(yaml.constructor.yaml_constructors)
    # Times stay text here.
    yaml.constructor.yaml_constructors["tag:yaml.org,2002:timestamp"] = lambda c, node: c.construct_scalar(node)
    return yaml.load(io.StringIO(text))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return isinstance(other, float) and math.isclose(one, other)
    return type(one) is type(other) and one == other


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"a: \xed\xa0\x80")
@example(b"\xff\xfea\x00")
def test_bytes(content: bytes) -> None:
    check(content)


@given(st.text(max_size=120))
def test_text(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=600, deadline=None)
@given(YAMLISH)
@example("a: 😀\r\nb: c\r\n")
@example("a: 1\n...\n")
def test_text_that_looks_like_yaml(text: str) -> None:
    document = check(text.encode())
    if document is None:
        return
    try:
        expected = read_by_ruamel(text)
    except YAMLError:
        # ruamel is stricter: no tabs between tokens, no indented blank lines in block text, no `|#`.
        return
    assert same(document.data, expected)


@settings(deadline=None)
@given(st.dictionaries(PLAIN, VALUES, max_size=4), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_generated_documents(data: dict[str, Any], flow: bool, end: str) -> None:
    assume(not any(isinstance(resolve(word), Refusal) for word in words(data)))
    text = safe_dump(data, allow_unicode=True, default_flow_style=flow, sort_keys=False, width=40, line_break=end)
    document = check(text.encode())
    if document is None:
        codes = {diagnostic.code for diagnostic in parse(FILE, text.encode()).diagnostics}
        assert codes <= {"PHX103"}, text
        return
    assert same(document.data, data)


def words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for key, item in value.items() for word in (key, *words(item))]
    if isinstance(value, list):
        return [word for item in value for word in words(item)]
    return [value] if isinstance(value, str) else []
