"""The normal form of policies: what moves, what never changes, and that once is enough."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from phoenix_gitops import formatting
from phoenix_gitops.formatting import MeaningChangedError, normal_form
from phoenix_gitops.source import parse

ROOT = Path(__file__).parents[2]


def formed(text: str) -> str:
    outcome = normal_form("x.yaml", text.encode())
    assert outcome.value is not None, outcome.diagnostics
    assert normal_form("x.yaml", outcome.value.encode()).value == outcome.value, "once is not enough"
    return outcome.value


MESSY = """\
---
# yaml-language-server: $schema=x

kind:   Tenant
# whose it is
metadata: { name : x,owner: team-x }   # granted
apiVersion: 'v1'
spec:
    class:   shared     # small
    list:
    - a:  1
      # inside
      b: 2

    # of spec


    text: |   # kept
        one

         two


      # behind the text
    flow: { a : 1,
       b: [ 1,2 , # of two
           # alone
       3 ]
    }
    deep:
      "q" :
        plain and
         more
      single: 'it''s'
      double: "a
        b

        c"
      empty: [1, {a: , b: [ ]}, {}]
      lists:
        - - 1
          -   2
        -
          k: 3
        -   l: 4
            m: >2-
               folded
    last: 'say "x"'
# the end


"""

NORMAL = """\
# yaml-language-server: $schema=x

apiVersion: "v1"
kind: Tenant
# whose it is
metadata: {name: x, owner: team-x}   # granted
spec:
  class: shared     # small
  list:
    - a: 1
      # inside
      b: 2

  # of spec

  text: | # kept
    one

     two

  # behind the text
  flow: {a: 1,
     b: [1, 2, # of two
         # alone
     3]
  }
  deep:
    "q":
      plain and
       more
    single: 'it''s'
    double: "a
      b

      c"
    empty: [1, {a: , b: []}, {}]
    lists:
      - - 1
        - 2
      -
        k: 3
      - l: 4
        m: >2-
           folded
  last: 'say "x"'
# the end
"""


def test_a_messy_file_is_put_in_order_line_by_line():
    assert formed(MESSY) == NORMAL


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("a: 1", "a: 1\n"),
        ("\n\na: 1\n\n\n", "a: 1\n"),
        ("a: 1\r\nb: |\r\n  x\r\n", "a: 1\nb: |\n  x\n"),
        ("--- # why\na: 1\n...\n", "# why\na: 1\n"),
        ("--- {a: 1}\n", "{a: 1}\n"),
        ("a: |\n    x", "a: |-\n  x\n"),
        ("a: |+\n    x", "a: |-\n  x\n"),
        ("a: |2+ # c\n    x", "a: |2- # c\n    x\n"),
        ("a: |+\n    x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("a: |+\n    x\n\n\n", "a: |+\n  x\n\n\n"),
        ("a: |\n\n\n    x\n      \n    z\n\n\n\nb: 1\n", "a: |\n\n\n  x\n    \n  z\n\nb: 1\n"),
        ("a: >-\n\n\nb: 1\n", "a: >-\n\nb: 1\n"),
        ("a:\n    'b': \"c\\n\"\n    d: 'it\\d'\n", 'a:\n  "b": "c\\n"\n  d: \'it\\d\'\n'),
        ("a:\t1\t# tab\n", "a: 1 # tab\n"),
        ("a: 1\n   # deeper than all\nb: 2\n", "a: 1\n# deeper than all\nb: 2\n"),
        ("a:\n# of a\n  # of b\n    b: 1\n", "a:\n# of a\n# of b\n  b: 1\n"),
        ("a:\n- b\n# behind the list\nc: 1\n", "a:\n  - b\n# behind the list\nc: 1\n"),
        ("a:\n- b\n# in the list\n- c\n", "a:\n  - b\n  # in the list\n  - c\n"),
        ("a:\n- x:\n- w:\n  - z:\n", "a:\n  - x:\n  - w:\n      - z:\n"),
        ("? a\n:   - 1\n    - 2\n", "? a\n: - 1\n  - 2\n"),
        ("spec: 1\n# of spec\n\n# of kind\nkind: A\n# end\n", "# of kind\nkind: A\nspec: 1\n# of spec\n\n# end\n"),
        ("kind: A\nextra: 1\napiVersion: b\n", "apiVersion: b\nkind: A\nextra: 1\n"),
        ("spec: |+\n  x\n\nkind: A\n", "spec: |+\n  x\n\nkind: A\n"),
    ],
)
def test_small_cases(text, normal):
    assert formed(text) == normal


def test_what_is_in_its_normal_form_stays_byte_for_byte():
    for folder in ("policies", "environments"):
        files = sorted((ROOT / folder).rglob("*.yaml"))
        assert files
        for file in files:
            assert formed(file.read_text()) == file.read_text(), file


def test_files_of_many_authors_are_formed():
    """Whatever a file of the cases says: if it can be read, its normal form says the same."""
    files = [*(ROOT / "tests/cases").rglob("*.yaml"), *(ROOT / "generated").glob("*/*/*/*/*.yaml")]
    assert len(files) > 400
    read = [normal_form(file.name, file.read_bytes()) for file in files]
    assert sum(outcome.value is not None for outcome in read) > 400


def test_a_file_that_does_not_parse_is_refused_where_it_is_broken():
    outcome = normal_form("x.yaml", b"a: 1\nb: *c\n")
    assert outcome.value is None
    assert [(d.code, str(d.primary.span)) for d in outcome.diagnostics] == [("PHX108", "x.yaml:2:4")]


def test_a_writer_that_would_lose_something_is_stopped(monkeypatch):
    monkeypatch.setattr(formatting, "_trailing", lambda gap: "")
    with pytest.raises(MeaningChangedError, match="would mean something else"):
        normal_form("x.yaml", b"a: 1 # lost\n")
    monkeypatch.undo()
    monkeypatch.setattr(formatting, "_continued", lambda line, *_: f"more{line}")
    with pytest.raises(MeaningChangedError):
        normal_form("x.yaml", b"a: one\n  two\n")


# Policies as nobody would write them: nested at random, indented at random, with comments wherever one may stand.

WORDS = st.sampled_from(["a", "b1", "full", "x-y", 'sum(rate(m{a="b"}[5m]))', "10.0.0.1/32", "https://h/p"])
SCALARS = st.one_of(
    st.sampled_from(
        ["1", "1.5", "true", "null", "~", "''", "'it''s'", "'q \"x\"'", '"a\\tb"', '"it\'s"', "'#no'", "a#b"]
    ),
    st.sampled_from(["'plain'", "'a: b'", "'1'", '"1.34"', "'{{ $x }}'", "'é ü'"]),
    WORDS,
)


class Author:
    """Writes a random document; each comment bears its own number."""

    def __init__(self, draw):
        self.draw = draw
        self.comments = 0

    def some(self, *choices):
        return self.draw(st.sampled_from(choices))

    def comment(self):
        self.comments += 1
        return f"#{self.some('', ' ')}c{self.comments}:{self.some('', ' x ', ' a: b', ' - {')}".rstrip()

    def behind(self):
        return self.some("", "", "", " ", "  ") + (
            f"{self.some(' ', '   ')}{self.comment()}" if self.some(0, 0, 0, 1) else ""
        )

    def between(self, column):
        kinds = self.some((), (), (), ("",), ("", ""), ("#",), ("#", "#"), ("", "#"), ("#", ""))
        return [" " * self.some(column, column, 0, column + 2) + self.comment() if kind else kind for kind in kinds]

    def flow(self, depth):
        if depth == 0 or self.some(0, 1, 1):
            text = self.draw(SCALARS)
            return text if re.fullmatch(r"[\w./'\"#:-]+", text) and not text.startswith("https") else '"f"'
        inner = [self.flow(depth - 1) for _ in range(self.some(0, 1, 2, 3))]
        if self.some(0, 1):
            inner = [f"k{i}{self.some('', ' ')}: {one}" for i, one in enumerate(inner)]
            left, right = "{", "}"
        else:
            left, right = "[", "]"
        comma = self.some(",", ", ", " , ")
        return f"{left}{self.some('', ' ')}{comma.join(inner)}{self.some('', ' ')}{right}"

    def broken_flow(self, column):
        inner = [self.flow(1) for _ in range(self.some(1, 2, 3))]
        lines = ["[" + self.behind()]
        lines += [" " * (column + self.some(1, 2, 5)) + f"{one},{self.behind()}" for one in inner]
        return [*lines, " " * (column + self.some(1, 2)) + "]"]

    def text(self, column, room):
        """A block scalar that is an entry's value; `column` is the entry's."""
        indent = self.some(1, 2, 4)
        signs = self.some("", "-", "+", f"{indent}", f"{indent}-", f"+{indent}")
        explicit = any(c.isdigit() for c in signs)
        lines = [self.some("|", ">") + signs + (f" {self.comment()}" if self.some(0, 0, 1) else "")]
        words = self.some(["one"], ["one", "", "two"], ["one", "  two", "# no comment"], ["one", "", "", " two: 3"])
        if explicit and self.some(0, 1):
            words = [f" {words[0]}", *words[1:]]
        lines += [" " * (column + indent) + word if word else "" for word in words]
        return [*lines, *[""] * (self.some(0, 0, 1, 2) if room else 0)]

    def quoted(self, column):
        pad = " " * (column + self.some(1, 2, 6))
        return self.some(
            ['"one', f'{pad}two"'], ["'one", "", f"{pad}two'"], ["one", f"{pad}two"], ['"one\\', f'{pad}two"']
        )

    def value(self, column, depth, *, in_list):
        """The lines of a value: the first continues the entry's line, empty if it starts on the next."""
        kind = self.some(
            "nothing", "scalar", "scalar", "flow", "broken", "text", "quoted", *(["map", "list"] * 2 if depth else [])
        )
        if kind == "nothing":
            return [self.behind()]
        if kind == "scalar":
            return [f"{self.draw(SCALARS)}{self.behind()}"]
        if kind == "flow":
            return [f"{self.flow(2)}{self.behind()}"]
        if kind == "broken":
            return self.broken_flow(column)
        if kind == "text":
            return self.text(column, room=True)
        if kind == "quoted":
            return self.quoted(column)
        inner = column + self.some(1, 2, 2, 4)
        if kind == "list" and not in_list and self.some(0, 1):
            inner = column
        return [self.behind(), *(self.mapping if kind == "map" else self.list)(inner, depth - 1)]

    def mapping(self, column, depth):
        lines = []
        for i in range(self.some(1, 2, 3)):
            key = f"k{i}" if self.some(0, 1, 1) else self.some(f"'k{i}'", f'"k{i}"')
            first, *others = self.value(column, depth, in_list=False)
            space = self.some(" ", " ", "   ") if first.strip() else ""
            lines += [*self.between(column), f"{' ' * column}{key}:{space}{first}", *others]
        return lines

    def list(self, column, depth):
        lines = []
        for _ in range(self.some(1, 2, 3)):
            lines += self.between(column)
            if depth and self.some(0, 1):
                gap = self.some(1, 1, 3)
                # A mapping or list beside its dash stands in the column after it.
                inner = self.some(self.mapping, self.list)(column + 1 + gap, depth - 1)
                head = next(i for i, line in enumerate(inner) if line.strip() and not line.lstrip().startswith("#"))
                lines += inner[:head]
                lines.append(f"{' ' * column}-{' ' * gap}{inner[head].lstrip()}")
                lines += inner[head + 1 :]
            else:
                first, *others = self.value(column, depth, in_list=True)
                lines += [f"{' ' * column}-{' ' if first.strip() else ''}{first}", *others]
        return lines


@st.composite
def policies(draw):
    author = Author(draw)
    lines = author.between(0)
    for key in draw(st.permutations(["apiVersion", "kind", "metadata", "spec"])):
        first, *others = author.value(0, 3, in_list=False)
        space = author.some(" ", "  ") if first.strip() else ""
        lines += [*author.between(0), f"{key}:{space}{first}", *others]
    lines += author.between(0)
    end = author.some("\n", "\n", "", "\n\n", "\n...\n")
    text = author.some("", "", "---\n", "--- # start\n") + "\n".join(lines) + end
    return text.replace("\n", "\r\n") if author.some(0, 0, 0, 1) else text


def numbers(text):
    return Counter(re.findall(r"#\s?c[0-9]+:.*?(?=\s*$)", text, re.MULTILINE))


def data(text):
    """What another reader takes the text for, as text that tells 1 from true."""
    return json.dumps(YAML(typ="safe", pure=True).load(text), sort_keys=True)


@settings(max_examples=60, deadline=None)
@given(policies())
def test_meaning_and_comments_survive_and_once_is_enough(text):
    outcome = parse("x.yaml", text.encode())
    assert outcome.value is not None, f"the author writes what no policy may be: {outcome.diagnostics[0]}"
    normal = formed(text)
    assert numbers(normal) == numbers(text.replace("\r\n", "\n"))
    assert data(normal) == data(text)
    assert list(parse("x.yaml", normal.encode()).value.data)[:1] == ["apiVersion"] or "|" in text or ">" in text
    assert not [line for line in normal.splitlines() if line.startswith("---") or "\t" in line[:1]]
    assert normal.endswith("\n")
