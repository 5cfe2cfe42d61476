"""Edits that keep comments: what changes, what never does, and that data are what was asked for."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from phoenix_gitops import splices
from phoenix_gitops.edits import EditFailedError, Remove, Set, edited, with_edit
from phoenix_gitops.formatting import normal_form
from phoenix_gitops.source import parse
from tests.unit.test_formatting import data, numbers, policies

ROOT = Path(__file__).parents[2]


def parsed(text):
    outcome = parse("x.yaml", text.encode())
    assert outcome.value is not None, (outcome.diagnostics[0], text)
    return outcome.value


def normal(text):
    return normal_form("x.yaml", text.encode()).value


TENANT = """\
# Granted in March.
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {name: checkout, owner: "team-checkout"}   # pays

spec:
  class: shared # small
  identity:
    namespaces: [checkout, # the shop
      cart] # the cart
  # Raised after the sale.
  quotas:
    activeSeries: 200000 # was 100000
    # of two zones
    ingestRate: 20000

  access: {viewers: [devs], editors: [leads]}
  notes: |
    one
      two # no comment

# the end
"""


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (Set(("spec", "class"), "namespace"), "  class: shared # small\n", "  class: namespace # small\n"),
        (Set(("spec", "class"), "yes"), "  class: shared # small\n", '  class: "yes" # small\n'),
        (Set(("metadata", "owner"), "team-b"), '"team-checkout"}', '"team-b"}'),
        (Set(("metadata", "labels"), {"a": "x,y"}), '"team-checkout"}', '"team-checkout", labels: {a: "x,y"}}'),
        (Set(("spec", "quotas", "activeSeries"), 5), "200000 # was", "5 # was"),
        (Set(("spec", "quotas", "buckets"), 1.5), "ingestRate: 20000\n", "ingestRate: 20000\n    buckets: 1.5\n"),
        (Set(("spec", "identity", "namespaces", 2), "pay"), "cart] #", "cart, pay] #"),
        (Set(("spec", "state"), "readOnly"), "two # no comment\n", "two # no comment\n  state: readOnly\n"),
        (
            Set(("spec", "identity", "tokens", 0, "name"), "a"),
            "      cart] # the cart\n",
            "      cart] # the cart\n    tokens:\n      - name: a\n",
        ),
        (Set(("spec", "class"), {"a": "b c"}), "  class: shared # small\n", "  class: # small\n    a: b c\n"),
        (Set(("spec", "class"), "a\nb"), "  class: shared # small\n", "  class: |- # small\n    a\n    b\n"),
        (
            Set(("spec", "quotas"), None),
            "  quotas:\n    activeSeries: 200000 # was 100000\n    # of two zones\n    ingestRate: 20000\n",
            "  quotas: null\n",
        ),
        (
            Set(("spec", "notes"), ["a"]),
            "  notes: |\n    one\n      two # no comment\n",
            "  notes: [a]\n",
        ),
        (Remove(("spec", "class")), "  class: shared # small\n", ""),
        (Remove(("spec", "quotas", "activeSeries")), "    activeSeries: 200000 # was 100000\n", ""),
        (Remove(("spec", "access", "viewers")), "{viewers: [devs], editors", "{editors"),
        (Remove(("spec", "access", "editors")), ", editors: [leads]}", "}"),
        (Remove(("spec", "access", "editors", 0)), "editors: [leads]", "editors: []"),
        (Remove(("spec", "identity", "namespaces", 0)), "[checkout, # the shop", "[ # the shop"),
        (
            Remove(("spec", "identity", "namespaces", 1)),
            "[checkout, # the shop\n      cart]",
            "[checkout # the shop\n      ]",
        ),
    ],
)
def test_only_what_is_edited_changes(edit, before, after):
    assert TENANT.count(before) == 1
    assert edited(TENANT, [edit]) == TENANT.replace(before, after)


@pytest.mark.parametrize(
    ("text", "edit", "result"),
    [
        ("a: 1", Set(("b",), 2), "a: 1\nb: 2\n"),
        ("a: |\n  x", Set(("b",), 2), "a: |-\n  x\nb: 2\n"),
        ("a: >+\n  x", Set(("b",), 2), "a: >-\n  x\nb: 2\n"),
        ("a: |+\n  x\n\n\n", Set(("b",), 2), "a: |+\n  x\n\n\nb: 2\n"),
        ("a: |+\n  x\n\n\nb: 2\n", Remove(("a",)), "b: 2\n"),
        ("a: 1\r\nb: 2\r\n", Set(("c", "d"), "x y"), "a: 1\r\nb: 2\r\nc:\r\n  d: x y\r\n"),
        ("a:\n", Set(("a",), "x"), "a: x\n"),
        ("a: # why\nb: 1\n", Set(("a",), {"x": "y z"}), "a: # why\n  x: y z\nb: 1\n"),
        ("a: # why\nb: 1\n", Set(("a", 0), "x"), "a: [x] # why\nb: 1\n"),
        ("a: {}\n", Set(("a", "b"), 1), "a: {b: 1}\n"),
        ("a: [] # none\n", Set(("a", 0), {"b": "c d"}), "a: # none\n  - b: c d\n"),
        ("a: 1\n", Remove(("a",)), "{}\n"),
        ("# c\na:\n  # of b\n  b: 1\n  # end\n", Remove(("a", "b")), "# c\na: {}\n# of b\n# end\n"),
        ("a:\n  - b: 1 # one\n    c: 2\n", Remove(("a", 0, "b")), "a:\n  - c: 2\n"),
        ("a:\n  - b: 1\n    # of c\n    c: 2\n", Remove(("a", 0, "b")), "a:\n  -\n    # of c\n    c: 2\n"),
        ("a:\n  - - 1\n    - 2\n", Remove(("a", 0, 0)), "a:\n  - - 2\n"),
        ("a:\n- 1\n- 2\nb: 1\n", Set(("a", 2), {"c": "d e", "f": 1}), "a:\n- 1\n- 2\n- c: d e\n  f: 1\nb: 1\n"),
        ("a:\n- 1\n-\n- 3\n", Set(("a", 1), {"c": "d e", "f": 1}), "a:\n- 1\n- c: d e\n  f: 1\n- 3\n"),
        ("a:\n- 1\n-\n", Set(("a", 2), 2), "a:\n- 1\n-\n- 2\n"),
        ("a:\n- 1\n-\n", Remove(("a", 1)), "a:\n- 1\n"),
        ("a:\n  - x # c\n", Set(("a", 0), {"c": "d e"}), "a:\n  - # c\n    c: d e\n"),
        ("a: [b: 1]\n", Set(("a", 0, "c"), 2), "a: [{b: 1, c: 2}]\n"),
        ("a: {b, c: }\n", Set(("a", "b"), 1), "a: {b: 1, c: }\n"),
        ("a: {b, c: }\n", Set(("a", "c"), 1), "a: {b, c: 1}\n"),
        ("? a\nb: 1\n", Set(("a",), {"x": "y z"}), "? a\n:\n  x: y z\nb: 1\n"),
        ("a: [\n  1, # one\n  2 # two\n]\n", Set(("a", 2), 3), "a: [\n  1, # one\n  2, # two\n  3\n]\n"),
        ("a: [\n  1, # one\n  2, # two\n]\n", Set(("a", 2), 3), "a: [\n  1, # one\n  2, # two\n  3,\n]\n"),
        ("a:\n  b:\n    c: 1\n    # b\n# d\nd: 1\n", Set(("a", "e"), 1), "a:\n  b:\n    c: 1\n    # b\n  e: 1\n# d\nd: 1\n"),  # noqa: E501
        ("spec: {a: 1}\nkind: x\n", Set(("spec", "a"), 2), "spec: {a: 2}\nkind: x\n"),
        ("kind: x\nspec: 1\n", Set(("metadata",), {"name": "x"}), "kind: x\nmetadata: {name: x}\nspec: 1\n"),
        ("a: |\n  x\nb: 1\n    # of b\n# c\n", Remove(("b",)), "a: |\n  x\n# c\n"),
        ("a: |+\n  x\nb: 1\n\n# c\n", Remove(("b",)), "a: |+\n  x\n# c\n"),
        ("a: 1\n    # c\n", Set(("a",), "x\ny"), 'a: "x\\ny"\n    # c\n'),
        ("a:\n  # c\n  b: 1\n", Set(("a",), "x\ny"), 'a: "x\\ny"\n# c\n'),
        ("a: [\n  1, # one\n]\n", Remove(("a", 0)), "a: [\n   # one\n]\n"),
        ('a: ["f"]\n', Set(("a", 0), 'q"'), 'a: [q"]\n'),
        ("a: 1\n\nb: 2\n\nc: 3\n", Remove(("b",)), "a: 1\n\nc: 3\n"),
        ("a: \u00e9\n", Set(("b",), "\u202e\u00e9"), 'a: \u00e9\nb: "\\u202E\\xE9"\n'),
    ],
)  # fmt: skip
def test_small_cases(text, edit, result):
    assert edited(text, [edit]) == result


def test_edits_follow_each_other():
    edits = [Remove(("a", 0)), Set(("a", 0), 5), Set(("c", "d"), [1]), Remove(("b",)), Remove(("x", "y"))]
    assert edited("a: [1, 2, 3]\nb: 1\n", edits) == "a: [5, 3]\nc: {d: [1]}\n"


@pytest.mark.parametrize(
    "edit", [Set(("a", "b"), {"d": [1, None], "c": 1}), Remove(("x", "y")), Remove(("a", "z")), Remove(("e", "z"))]
)
def test_an_edit_that_changes_nothing_leaves_every_byte(edit):
    text = "e:\na:   {b : {c: 1,d: [1, ~]}}"
    assert edited(text, [edit]) == text


def test_numbers_of_other_types_are_other_values():
    assert edited("a: 1\n", [Set(("a",), 1.0)]) == "a: 1.0\n"
    assert edited("a: 1\n", [Set(("a",), True)]) == "a: true\n"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Set(("a", "b"), 1), "no way to a.b"),
        (Set(("l", 2), 1), "no way to l.2"),
        (Set(("l", -1), 1), "no way to l.-1"),
        (Set(("l", "x"), 1), "no way to l.x"),
        (Remove(("a", "b")), "no way to a.b"),
        (Set((), {}), "as a whole"),
        (Remove(()), "as a whole"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(edit, message):
    with pytest.raises(ValueError, match=message):
        edited("a: 1\nl: [1]\n", [edit])


def test_what_is_no_policy_is_not_edited():
    with pytest.raises(ValueError, match="no policy"):
        edited("a: &x 1\n", [Set(("a",), 2)])


def test_an_edit_that_says_something_else_is_stopped(monkeypatch):
    monkeypatch.setattr(splices, "flow_text", lambda value: "wrong")
    with pytest.raises(EditFailedError, match="something else"):
        edited("a: {b: 1}\n", [Set(("a", "b"), 2)])


# Whatever a file looks like, and whatever is edited.

WORDS = st.sampled_from(
    [
        "a",
        "x y",
        "yes",
        "012",
        "1:20",
        "{{ x }}",
        "a: b",
        "a #b",
        "",
        "é",
        "it's",
        'q"',
        "- x",
        "[",
        "\\",
        "l1\nl2\n",
        "l\n\n",
        " l\n",
        "\u2028",
        "k,",
    ]
)
LEAVES = WORDS | st.sampled_from([None, True, 0, -3, 1.5, 1e16, 10**18])
KEYS = st.sampled_from(["k0", "k1", "new", "a b", "no", "1", "[x", "x: y"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def paths(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield from paths(item, (*path, step))


def steps(value):
    return value if isinstance(value, dict) else range(len(value))


def at(value, path):
    for step in path:
        value = value[step]
    return value


@st.composite
def cases(draw):
    """A text, an edit of it, and the data that it then holds."""
    text = draw(policies())
    known = parsed(text).data
    every = list(paths(known))
    if draw(st.integers(0, 2)) == 0:
        edit = Remove(draw(st.sampled_from(every[1:])))
    elif draw(st.booleans()):
        edit = Set(draw(st.sampled_from(every[1:])), draw(VALUES))
    else:
        base = draw(st.sampled_from([p for p in every if isinstance(at(known, p), (dict, list))]))
        inner = at(known, base)
        step = f"new{draw(st.integers(0, 1))}" if isinstance(inner, dict) else len(inner)
        edit = Set((*base, step), draw(VALUES))
    wanted = copy.deepcopy(known)
    inner = at(wanted, edit.path[:-1])
    if isinstance(edit, Remove):
        del inner[edit.path[-1]]
    elif isinstance(inner, list) and edit.path[-1] == len(inner):
        inner.append(edit.value)
    else:
        inner[edit.path[-1]] = edit.value
    return text, edit, wanted


def begins(document, text, path):
    """The first character of a value."""
    span = document.value_span(path)
    return (text.split("\n")[span.line - 1][span.col - 1 :] or " ")[0]


def brackets(document, text, path):
    """The outermost collection in brackets around a path, or None."""
    above = (path[:depth] for depth in range(len(path)))
    return next((p for p in above if begins(document, text, p) in "[{"), None)


def gone(document, path):
    """What goes with a path: the entry, or those around it that hold nothing else."""
    while len(path) > 1 and len(at(document.data, path[:-1])) == 1:
        path = path[:-1]
    return path


def touched(document, text, edit):
    """(first, last) of the lines in which alone something may change; (0, 0) if lines may only be added."""
    path, inserts = edit.path, edit.path not in document.places
    outer = brackets(document, text, path[:-1] if inserts else path)
    if outer is None and inserts and begins(document, text, path[:-1]) in "[{":
        outer = path[:-1]
    if outer is not None:
        path = outer
    elif inserts:
        return 0, 0
    elif isinstance(edit, Remove):
        path = gone(document, path)
    span, key = document.value_span(path), document.key_span(path)
    lines = text.split("\n")
    first, last = min(key.line, span.line), span.end_line
    deeper = re.compile(rf"\s*$|{' ' * (key.col if isinstance(edit, Remove) else 99)}\s*#")
    while last < len(lines) and deeper.match(lines[last]):
        last += 1
    if isinstance(edit, Remove) and path[-1] == next(iter(steps(at(document.data, path[:-1])))):
        # It may stand beside a dash: then what follows takes its place.
        last = next((n for n in range(last, len(lines)) if not lines[n].lstrip().startswith("#")), last) + 1
    if path and isinstance(path[-1], int):
        # Its dash may stand on a line of its own.
        above = (*path[:-1], path[-1] - 1) if path[-1] else path[:-1]
        first = document.value_span(above).end_line if path[-1] else document.key_span(above).line
    return first, last


def may_go(document, text, edit):
    """The text whose comments may go."""
    path, lines = edit.path, text.split("\n")
    if path not in document.places:
        return ""
    flow = brackets(document, text, path) is not None
    if isinstance(edit, Remove) and not flow:
        first, last = touched(document, text, edit)
        return "\n".join(lines[first - 1 : last])
    span = document.value_span(path)
    block = isinstance(at(document.data, path), (dict, list)) and begins(document, text, path) not in "[{"
    if block:
        return "\n".join(lines[span.line - 1 : span.end_line])
    inner = lines[span.line - 1 : span.end_line]
    inner[-1] = inner[-1][: span.end_col - 1]
    inner[0] = inner[0][span.col - 1 :]
    return "\n".join(inner)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(cases())
def test_data_are_what_was_asked_for_and_once_is_enough(case):
    text, edit, wanted = case
    result = edited(text, [edit])
    assert json.dumps(parsed(result).data, sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert with_edit(parsed(text).data, edit) == wanted
    assert data(result) == json.dumps(wanted, sort_keys=True), "another reader takes it for something else"
    if isinstance(edit, Set) or isinstance(edit.path[-1], str):
        assert edited(result, [edit]) == result


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(cases())
def test_other_lines_and_their_comments_stay_byte_for_byte(case):
    text, edit, _ = case
    text = text if text.endswith("\n") else f"{text}\n"
    document = parsed(text)
    # Of an item that is nothing the parser knows no place; the other properties hold for it too.
    assume(
        all(at(document.data, path) is not None for path in paths(document.data) if path and isinstance(path[-1], int))
    )
    before, after = text.split("\n"), edited(text, [edit]).split("\n")
    first, last = touched(document, text, edit)
    if first:
        rest = len(before) - last
        assert (after[: first - 1], after[len(after) - rest :]) == (before[: first - 1], before[last:])
    else:
        assert any(
            after[:n] == before[:n] and after[len(after) - len(before) + n :] == before[n:] for n in range(len(before))
        )
    lost = numbers(text) - numbers("\n".join(after))
    assert lost <= numbers(may_go(document, text, edit)), "a comment is lost"
    assert numbers("\n".join(after)) <= numbers(text), "a comment is there twice"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(cases())
def test_the_normal_form_stays_the_normal_form(case):
    text, edit, wanted = case
    result = edited(normal(text), [edit])
    assert normal(result) == result
    assert parsed(result).data == wanted


def test_every_field_of_every_policy_of_ours_can_be_taken_out_and_put_back():
    files = [*(ROOT / "policies").rglob("*.yaml"), *(ROOT / "environments").rglob("*.yaml")]
    done = 0
    for file in files:
        text = file.read_text()
        known = parsed(text).data
        for path in list(paths(known))[1::40]:
            result = edited(text, [Remove(path)])
            assert normal(result) == result, (file, path)
            back = Set(path[:-1], at(known, path[:-1])) if isinstance(path[-1], int) else Set(path, at(known, path))
            assert parsed(edited(result, [back])).data == known, (file, path)
            done += 1
    assert done > 40
