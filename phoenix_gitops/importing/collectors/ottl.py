"""Statements and conditions of the collector's transformation language (OTTL), read as far as a Pipeline can say them.

A `Term` is one of `Call`, `Place`, `Constant`, `Many`, `Both`, `Not` and `Compare`. What is not of this grammar is
None: then nobody understands it here, and it is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)"""
    r"""|(?P<sign>==|!=|<=|>=|<|>|[()\[\],=+*/-]))"""
)
_CONSTANTS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "nil": None}
_MAX = 20_000
"""Characters of a statement: longer ones are not read."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; None is `nil`."""

    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Place:
    """What is read or set, with its context, as in `resource.attributes["a"]`; a lone word is an enum or a path."""

    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments, by position and by name."""

    name: str
    items: tuple[Term, ...] = ()
    named: Mapping[str, Term] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: Term


@dataclass(frozen=True, slots=True)
class Both:
    """`and` or `or` over two or more terms."""

    word: str
    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values and the sign between them."""

    sign: str
    one: Term
    other: Term


Term = Constant | Place | Many | Call | Not | Both | Compare
ALWAYS: Final = Constant(value=True)


@dataclass(frozen=True, slots=True)
class Statement:
    """A function that is called where a condition holds."""

    call: Call
    where: Term = ALWAYS


class _Unreadable(Exception):  # noqa: N818 (control flow, not an error)
    """Not of this grammar."""


def statement(text: str, context: str = "") -> Statement | None:
    """A statement; `context` is that of paths which do not say theirs, as older collectors had them."""
    try:
        reader = _Reader(text, context)
        call = reader.value()
        where = reader.condition() if reader.took("where") else ALWAYS
        reader.ended()
    except (_Unreadable, RecursionError):
        return None
    return Statement(call, where) if isinstance(call, Call) else None


def condition(text: str, context: str = "") -> Term | None:
    """A condition, as filters have them."""
    try:
        reader = _Reader(text, context)
        found = reader.condition()
        reader.ended()
    except (_Unreadable, RecursionError):
        return None
    return found


class _Reader:
    def __init__(self, text: str, context: str) -> None:
        self._tokens = _tokens(text)
        self._context = context
        self._at = 0

    def condition(self) -> Term:
        return self._joined("or", self._all)

    def value(self) -> Term:
        kind, sign = self._next()
        if kind == "text":
            return Constant(_unquoted(sign))
        if kind == "number":
            return Constant(float(sign))
        if sign == "[":
            return Many(tuple(self._list("]")))
        if kind != "word":
            raise _Unreadable
        if sign in _CONSTANTS:
            return Constant(_CONSTANTS[sign])
        if self.took("("):
            return self._call(sign)
        return self._place(sign)

    def took(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def ended(self) -> None:
        if self._at != len(self._tokens):
            raise _Unreadable

    def _all(self) -> Term:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: object) -> Term:
        assert callable(part)
        items = [part()]
        while self.took(word):
            items.append(part())
        return items[0] if len(items) == 1 else Both(word, tuple(items))

    def _one(self) -> Term:
        if self.took("not"):
            return Not(self._one())
        if self.took("("):
            inner = self.condition()
            self._must(")")
            return inner
        one = self.value()
        sign = self._peek()
        if sign in {"==", "!=", "<", ">", "<=", ">="}:
            self._at += 1
            return Compare(sign, one, self.value())
        return one

    def _call(self, name: str) -> Call:
        items: list[Term] = []
        named: dict[str, Term] = {}
        while not self.took(")"):
            if self._peek(1) == "=" and self._peek() != "[":
                key = self._next()[1]
                self._must("=")
                named[key] = self.value()
            else:
                items.append(self.value())
            if self._peek() != ")":
                self._must(",")
        return Call(name, tuple(items), named)

    def _list(self, end: str) -> Sequence[Term]:
        items: list[Term] = []
        while not self.took(end):
            items.append(self.value())
            if self._peek() != end:
                self._must(",")
        return items

    def _place(self, word: str) -> Place:
        keys: list[str] = []
        while self.took("["):
            kind, token = self._next()
            if kind != "text":
                raise _Unreadable
            keys.append(_unquoted(token))
            self._must("]")
        if word.isupper():
            return Place(word)
        known = word.split(".", maxsplit=1)[0] in {"resource", "metric", "datapoint", "scope"}
        return Place(word if known or not self._context else f"{self._context}.{word}", tuple(keys))

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _Unreadable
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        # A text is never a sign or a word of the language, whatever it says: its quotes are part of the token.
        return self._tokens[at][1] if at < len(self._tokens) else ""

    def _must(self, token: str) -> None:
        if not self.took(token):
            raise _Unreadable


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, text.strip()
    if len(text) > _MAX:
        raise _Unreadable
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _Unreadable
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _unquoted(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError as error:
        raise _Unreadable from error
