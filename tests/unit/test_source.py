"""The parse stage: what a document holds, where it stands, and every fault with its code, place and help."""

from __future__ import annotations

import pickle
import time

import pytest

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.document import Document
from phoenix_gitops.source import parse
from phoenix_gitops.source.compose import MAX_DEPTH, MAX_NODES
from phoenix_gitops.source.text import MAX_BYTES, MAX_FAULTS

FILE = "policies/x.yaml"


def read(text: str) -> Document:
    outcome = parse(FILE, text.encode())
    assert outcome.diagnostics == ()
    assert outcome.value is not None
    return outcome.value


def faults(text: str | bytes) -> tuple[Diagnostic, ...]:
    outcome = parse(FILE, text.encode() if isinstance(text, str) else text)
    assert outcome.value is None
    assert outcome.diagnostics
    return outcome.diagnostics


def at(diagnostic: Diagnostic) -> tuple[str, int, int, int, int]:
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    assert span.file == FILE
    return diagnostic.code, span.line, span.col, span.end_line, span.end_col


def places(document: Document) -> dict[tuple[str | int, ...], tuple[str, str]]:
    """Path to key and value, each as `line:col-line:col`."""
    return {
        path: tuple(f"{s.line}:{s.col}-{s.end_line}:{s.end_col}" if s else "" for s in (place.key, place.value))
        for path, place in document.places.items()
    }


def test_data_places_and_digest() -> None:
    document = read("kind: Tenant\nspec:\n  quotas: {a: 1, b: [x, 'y']}\n")
    assert document.data == {"kind": "Tenant", "spec": {"quotas": {"a": 1, "b": ["x", "y"]}}}
    assert places(document) == {
        (): ("", "1:1-3:30"),
        ("kind",): ("1:1-1:5", "1:7-1:13"),
        ("spec",): ("2:1-2:5", "3:3-3:30"),
        ("spec", "quotas"): ("3:3-3:9", "3:11-3:30"),
        ("spec", "quotas", "a"): ("3:12-3:13", "3:15-3:16"),
        ("spec", "quotas", "b"): ("3:18-3:19", "3:21-3:29"),
        ("spec", "quotas", "b", 0): ("", "3:22-3:23"),
        ("spec", "quotas", "b", 1): ("", "3:25-3:28"),
    }
    assert len(document.places) == 8
    assert document.digest == "841babd62ee27716a9368954d13a11428d74bb9f42fc2e7009524c209cc84873"


def test_block_collections_end_behind_their_last_content() -> None:
    document = read("a:\n  b: 1\n\n  # comment\n\nc:\n- x\n- z # why\n\n\n")
    assert places(document)["a",] == ("1:1-1:2", "2:3-2:7")
    assert places(document)["c",] == ("6:1-6:2", "7:1-8:4")


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a:\nb: 1\n", ("a",), "1:3-1:3"),
        ("a:   # none\nb: 1\n", ("a",), "1:3-1:3"),
        ("a:\n-\n-\n", ("a", 1), "3:2-3:2"),
        ("a:\n-\n-\n", ("a",), "2:1-3:2"),
        ("? a\nb: 1\n", ("a",), "1:4-1:4"),
        ("a: {b: , c}\n", ("a", "c"), "1:11-1:11"),
    ],
)
def test_empty_values_stand_where_they_would_be_written(text: str, path: tuple[str | int, ...], value: str) -> None:
    document = read(text)
    assert document.value_span(path) is document.places[path].value
    assert places(document)[path][1] == value


def test_block_scalars_end_at_their_last_word() -> None:
    document = read("a: |\n  one\n  two  \n\n\nb: >-\n  x\n # comment\n")
    assert document.data == {"a": "one\ntwo  \n", "b": "x"}
    assert places(document)["a",][1] == "1:4-3:6"
    assert places(document)["b",][1] == "6:4-7:4"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_and_columns_are_those_of_an_editor(end: str) -> None:
    document = read(end.join(["a: 😀 x", 'é: {"日本": "\\u2028"}', "z: 1", ""]))
    assert document.data == {"a": "😀 x", "é": {"日本": "\u2028"}, "z": 1}
    assert places(document)["a",] == ("1:1-1:2", "1:4-1:7")
    assert places(document)["é", "日本"] == ("2:5-2:9", "2:11-2:19")
    assert places(document)["z",] == ("3:1-3:2", "3:4-3:5")


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85"])
def test_a_line_separator_is_refused_and_begins_no_line(char: str) -> None:
    first, second = faults(f"# 😀{char}\na: {char}yes\nb: no\n")[:2]
    assert at(first) == ("PHX103", 1, 4, 1, 5)
    assert at(second) == ("PHX103", 2, 4, 2, 5)
    assert at(faults(f"# {char}\nb: no\n")[1]) == ("PHX117", 2, 4, 2, 6)


def test_a_parsed_document_can_be_sent_to_another_process() -> None:
    document = read("a: [1, {b: c}]\n")
    copy = pickle.loads(pickle.dumps(document))
    assert copy == document
    assert places(copy) == places(document)


def test_places_are_found_or_missing_as_in_a_dict() -> None:
    document = read("a: {b: 1}\n")
    assert ("a", "b") in document.places
    assert ("a", "c") not in document.places
    assert document.place(("a", "c", "d")) == document.places["a",]
    with pytest.raises(KeyError):
        document.places["z",]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a: \xff\n", ("PHX101", 1, 4, 1, 5)),
        ("# é\na: é".encode("latin-1"), ("PHX101", 1, 3, 1, 4)),
        ("é: 1\nb: ".encode() + b"\xc3", ("PHX101", 2, 4, 2, 5)),
        ("a: 1\n".encode("utf-16"), ("PHX101", 1, 1, 1, 1)),
        ("a: 1\n".encode("utf-32-be").join([b"\x00\x00\xfe\xff", b""]), ("PHX101", 1, 1, 1, 1)),
        (b"\xef\xbb\xbfa: 1\n", ("PHX102", 1, 1, 1, 1)),
        ("a: \x00\n", ("PHX103", 1, 4, 1, 5)),
        ("a: x\x1b[31m\n", ("PHX103", 1, 5, 1, 6)),
        ("a: x\rb: z\n", ("PHX103", 1, 5, 1, 6)),
        ("a: x\u202ey\n", ("PHX103", 1, 5, 1, 6)),
        ("a: x\ufeff\n", ("PHX103", 1, 5, 1, 6)),
        ('a: "\\x1b"\n', ("PHX103", 1, 4, 1, 10)),
        ("", ("PHX104", 1, 1, 1, 1)),
        ("# nothing\n\n", ("PHX104", 1, 1, 1, 1)),
        ("---\n", ("PHX104", 1, 1, 1, 1)),
        ("- a\n", ("PHX105", 1, 1, 1, 1)),
        ("null\n", ("PHX105", 1, 1, 1, 1)),
        ("text\n", ("PHX105", 1, 1, 1, 1)),
        ("a: 1\nb: {c: 2, a: 3, 'c': 4}\n", ("PHX107", 2, 17, 2, 20)),
        ("a: &x 1\n", ("PHX108", 1, 4, 1, 6)),
        ("a: *x\n", ("PHX108", 1, 4, 1, 6)),
        ("<<: {a: 1}\n", ("PHX109", 1, 1, 1, 3)),
        ("a: ! x\n", ("PHX110", 1, 4, 1, 5)),
        ("a: !!python/object:os.x {}\n", ("PHX110", 1, 4, 1, 24)),
        ("a: !!str y\n", ("PHX110", 1, 4, 1, 9)),
        ("a: !x!y z\n", ("PHX110", 1, 4, 1, 5)),
        ("%YAML 1.2\n---\na: 1\n", ("PHX111", 1, 1, 1, 10)),
        ("# c\n%TAG ! x:\n---\na: 1\n", ("PHX111", 2, 1, 2, 10)),
        ("%NEW\n---\na: 1\n", ("PHX111", 1, 1, 1, 5)),
        ("%YAML 2.0\n---\na: 1\n", ("PHX111", 1, 1, 1, 10)),
        ("a: 1\n---\nb: 2\n", ("PHX112", 2, 1, 2, 4)),
        ("---\na: 1\n---\n", ("PHX112", 3, 1, 3, 4)),
        ("1: x\n", ("PHX113", 1, 1, 1, 2)),
        ("true: x\n", ("PHX113", 1, 1, 1, 5)),
        ("~: x\n", ("PHX113", 1, 1, 1, 2)),
        ("a: {? : x}\n", ("PHX113", 1, 7, 1, 7)),
        ("{a: b}: x\n", ("PHX113", 1, 1, 1, 2)),
        ("[a]: x\n", ("PHX113", 1, 1, 1, 2)),
        ("yes: x\n", ("PHX117", 1, 1, 1, 4)),
        ("a: .nan\n", ("PHX118", 1, 4, 1, 8)),
        ("a: 9223372036854775808\n", ("PHX119", 1, 4, 1, 23)),
    ],
)
def test_one_fault_with_its_place(text: str | bytes, expected: tuple[str, int, int, int, int]) -> None:
    assert [at(fault) for fault in faults(text)] == [expected]


@pytest.mark.parametrize(
    ("text", "line", "col", "message", "help_"),
    [
        ("a:\n\tb: 1\n", 2, 1, "tab where only spaces may indent", "indent with spaces"),
        ("a: b: c\n", 1, 5, "a second `: `", "quote the value if it contains `: `"),
        ("a: 1\n b: 2\n", 2, 3, "a second `: `", "align it with its siblings"),
        ("a: 'x\n\n", 1, 4, "quote is not closed", "close it"),
        ('a: 1\nb: "x\n---\n', 2, 4, "quote is not closed", "close it"),
        ("a: @x\n", 1, 4, "reserved character", "quote the value"),
        ("a: %x\n", 1, 4, "reserved character", "quote the value"),
        ("a: [1, 2\nb: 1\n", 1, 4, "list is not closed", "close the list with `]`"),
        ("a: {b: 1\nc: 1\n", 1, 4, "mapping is not closed", "close the mapping with `}`"),
        ("a: [\n", 2, 1, "no value where one is expected", "close lists with `]`"),
        ('a: "\\q"\n', 1, 5, "unknown escape", "single quotes"),
        ("a: 1\nb\n", 2, 1, "text that is no key", "write `key: value`"),
        ("a: *\n", 1, 4, "begin an alias or anchor", "quote the value"),
        ("- a\nb: 1\n", 2, 1, "no list item", "begin it with `- `"),
        ("a: - b\n", 1, 4, "a list item where none can begin", "on its own line"),
        ("a: 'x' y\n", 1, 8, "no key where one is expected", "quote a value as a whole"),
        ("a: 1\n...\nb: 1\n", 3, 1, "text behind the end of the document", "delete `...`"),
    ],
)
def test_broken_yaml_is_told_to_people(text: str, line: int, col: int, message: str, help_: str) -> None:
    (fault,) = faults(text)
    assert at(fault)[:3] == ("PHX106", line, col)
    assert message in fault.message
    assert help_ in fault.help


def test_a_duplicate_shows_the_first_key_however_it_was_quoted() -> None:
    found = faults("s:\n  a: {k: 1}\n  b: [{k: 1}]\n  'a': 2\n  k: 0\n  c: 1\n  \"\\x61\": 3\n")
    assert [(at(f)[1:3], str(f.secondary[0].span), f.secondary[0].text, f.message) for f in found] == [
        ((4, 3), f"{FILE}:2:3", "first set here", "duplicate key `a`"),
        ((7, 3), f"{FILE}:2:3", "first set here", "duplicate key `a`"),
    ]


def test_a_first_key_is_found_behind_a_key_that_is_no_text() -> None:
    found = faults("? [x, {b: 1}]\n: 1\nb: 2\nb: 3\n")
    assert [at(f)[0] for f in found] == ["PHX113", "PHX107"]
    assert str(found[1].secondary[0].span) == f"{FILE}:3:1"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = "\ufeffa: &x 1\na: *x\nb: yes\nc: !t {d: .inf}\n<<: *x\n1: \x07\nd: [1\n"
    assert [at(f)[:3] for f in faults(text)] == [
        ("PHX102", 1, 1),
        ("PHX108", 1, 4),
        ("PHX107", 2, 1),
        ("PHX108", 2, 4),
        ("PHX117", 3, 4),
        ("PHX110", 4, 4),
        ("PHX118", 4, 11),
        ("PHX109", 5, 1),
        ("PHX108", 5, 5),
        ("PHX113", 6, 1),
        ("PHX103", 6, 4),
        ("PHX106", 7, 4),
    ]


def test_a_template_that_was_not_quoted_is_recognised() -> None:
    (fault,) = faults("a: {{ name }}\n")
    assert fault.help == "quote values that contain `{{ }}`"


def test_anchor_and_tag_are_both_said_in_either_order() -> None:
    assert [at(f) for f in faults("a: !t\n  &x\n  b: 1\nc: &y !u [d]\n")] == [
        ("PHX110", 1, 4, 1, 6),
        ("PHX108", 2, 3, 2, 5),
        ("PHX108", 4, 4, 4, 6),
        ("PHX110", 4, 7, 4, 9),
    ]


def test_properties_in_text_are_only_text() -> None:
    text = "a: x & y!\nb: '*c'\nc: \"&d !e\"\n"
    assert read(text).data == {"a": "x & y!", "b": "*c", "c": "&d !e"}


@pytest.mark.parametrize("levels", [3_000, 1_000_000])
@pytest.mark.parametrize("opening", ["[", "{", "[\n", "{a: ", "- ", "? ", "? [", "? - "])
def test_deep_nesting_is_a_fault_and_takes_no_time(opening: str, levels: int) -> None:
    began = time.process_time()
    content = (opening * levels).encode()
    expected = "PHX115" if len(content) > MAX_BYTES else "PHX114"
    assert expected in {fault.code for fault in faults(content)}
    assert "PHX114" in {fault.code for fault in faults(content[: MAX_BYTES // len(opening) * len(opening)])}
    assert time.process_time() - began < 2


def test_deep_indentation_is_a_fault() -> None:
    lines = [" " * level + "a:" for level in range(900)]
    (fault,) = faults("\n".join(lines))
    assert at(fault)[:3] == ("PHX114", MAX_DEPTH + 1, MAX_DEPTH + 1)


def test_nesting_up_to_the_limit_is_fine() -> None:
    depth = MAX_DEPTH - 1
    assert len(read("a: " + "[" * depth + "]" * depth).places) == MAX_DEPTH
    assert faults("a: " + "[" * (depth + 1) + "]" * (depth + 1))[0].code == "PHX114"


def test_size_limits() -> None:
    assert read("a: 1" + " " * (MAX_BYTES - 4)).data == {"a": 1}
    (fault,) = faults("a: 1" + " " * (MAX_BYTES - 3))
    assert fault.code == "PHX115"
    assert fault.message == "file has 524,289 bytes, 524,288 are allowed"


def test_number_of_values_is_limited() -> None:
    ok = "a: [" + "x," * (MAX_NODES - 2) + "]\n"
    assert len(read(ok).places) == MAX_NODES
    assert at(faults("a: [" + "x," * (MAX_NODES - 1) + "]\n")[0])[0] == "PHX116"
    assert at(faults("a: [" + "[]," * (MAX_NODES + 1) + "]\n")[0])[0] == "PHX116"


def test_the_number_of_faults_is_limited() -> None:
    found = faults("".join("a: yes\n" for _ in range(1000)))
    assert len(found) == MAX_FAULTS
    assert found[0].notes == ()
    assert [f.notes for f in found if f.notes] == [(f"only the first {MAX_FAULTS} faults of this file are shown",)]


@pytest.mark.parametrize(
    "piece",
    [
        "[],",
        "a,",
        "? ",
        "- ",
        "a: ",
        "'' ",
        '"a" ',
        "\n",
        "#\n",
        "x\n",
        "{a},",
        "[a: b],",
        "- a\n",
        "&a ",
        "!a ",
        "|\n",
        "---\n",
    ],
)
@pytest.mark.parametrize("start", ["", "a: [", "a: {b: [", "a:\n  "])
def test_no_text_within_the_limits_takes_long(start: str, piece: str) -> None:
    began = time.process_time()
    content = (start + piece * MAX_BYTES)[:MAX_BYTES].encode()
    assert parse(FILE, content).diagnostics or parse(FILE, content).value
    assert time.process_time() - began < 8
