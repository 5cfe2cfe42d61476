"""A template's rendered text as a shape: a tree with slots, parsed once and filled for every object.

The text holds a marker for each value instead of the value, so objects of one control flow share one text
and one tree, and no value is ever parsed as YAML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

MAX_DEPTH = 50
_CACHED_TEXT = 32_768

_SLOT = re.compile("\ue000([0-9]+)\ue000")

_CORE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?")
# What readers of YAML 1.2 or Go take for something else than text, beyond what PyYAML's own table of 1.1 says.
_AMBIGUOUS = re.compile(
    r"[yYnN]|[-+]?[0-9]+|0o[0-7]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?0[xob][0-9a-fA-F_]+"
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value with this number goes."""

    index: int


Node = Any
"""A plain tree in which slots stand for values and keys."""


class ShapeError(Exception):
    """The text is no clean YAML mapping; `line` is that of the text, from 0."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class FillError(Exception):
    """A value does not fit where its slot stands; `index` is the slot's number."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.message = message


def marker(index: int) -> str:
    """What stands in the text for the value with this number: a quoted scalar."""
    return f'"\ue000{index}\ue000"'


def shape(text: str) -> dict[Any, Node]:
    """The tree of a rendered text; raises ShapeError unless it is one plain mapping with each slot used once."""
    return _cached(text) if len(text) <= _CACHED_TEXT else _parse(text)


def fill(tree: dict[Any, Node], values: Sequence[Any]) -> dict[str, Any]:
    """A fresh tree with values in its slots; a value None leaves out its key or list item.

    Takes `values` over without a copy; raises FillError for a key that is no text or stands twice.
    """
    filled: dict[str, Any] = {}
    for key, node in tree.items():
        kind = type(node)
        if kind is Slot:
            value = values[node.index]
            if value is None:
                continue
        elif kind is dict:
            value = fill(node, values)
        else:
            value = _fill_list(node, values) if kind is list else node
        if type(key) is Slot:
            key = _key(key, values, filled)  # noqa: PLW2901 -- from here on the text that stands for it
        elif key in filled:
            raise _twice(tree, key, values)
        filled[key] = value
    return filled


def _fill_list(items: list[Node], values: Sequence[Any]) -> list[Any]:
    filled: list[Any] = []
    for node in items:
        kind = type(node)
        if kind is Slot:
            value = values[node.index]
            if value is not None:
                filled.append(value)
        elif kind is dict:
            filled.append(fill(node, values))
        else:
            filled.append(_fill_list(node, values) if kind is list else node)
    return filled


def _key(slot: Slot, values: Sequence[Any], filled: dict[str, Any]) -> str:
    key = values[slot.index]
    if type(key) is not str:
        raise FillError(slot.index, f"a key that is no text: `{str(key)[:40]}`")
    if key in filled:
        raise FillError(slot.index, f"the key `{key}` twice")
    return key


def _twice(tree: dict[Any, Node], key: str, values: Sequence[Any]) -> FillError:
    """The fault of a slot before a literal key that gave the same key."""
    slot = next(other for other in tree if type(other) is Slot and values[other.index] == key)
    return FillError(slot.index, f"the key `{key}` twice")


@lru_cache(maxsize=1024)
def _cached(text: str) -> dict[Any, Node]:
    return _parse(text)


def _parse(text: str) -> dict[Any, Node]:
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ShapeError(mark.line if mark else 0, f"not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ShapeError(0, f"not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(builder.top, dict):
        raise ShapeError(0, "not a mapping")
    lost = {int(index) for index in _SLOT.findall(text)} - builder.slots
    if lost:
        position = text.index(f"\ue000{min(lost)}\ue000")
        raise ShapeError(text.count("\n", 0, position), "an expression in a comment")
    return builder.top


_NOTHING = object()


@dataclass(slots=True)
class _Level:
    """A collection under construction, and the key that waits for its value."""

    node: dict[Any, Node] | list[Node]
    key: Any = _NOTHING


@dataclass(slots=True)
class _Builder:
    """Builds the tree from parser events, without recursion: deep nesting crashes libyaml's composer."""

    top: Node = None
    slots: set[int] = field(default_factory=set)
    _stack: list[_Level] = field(default_factory=list)
    _documents: int = 0

    def feed(self, event: yaml.Event) -> None:
        line = event.start_mark.line if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise ShapeError(line, "more than one document")
            if event.version or event.tags:
                raise ShapeError(line, "a YAML directive")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()

    def _node(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise ShapeError(line, "a YAML anchor or alias")
        if isinstance(event, yaml.ScalarEvent):
            self._place(self._scalar(event, line), line)
            return
        # The stubs give tags to scalars only; collections have them too.
        if event.tag:  # type: ignore[attr-defined]
            raise ShapeError(line, "a YAML tag")
        node: dict[Any, Node] | list[Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._place(node, line)
        if len(self._stack) >= MAX_DEPTH:
            raise ShapeError(line, f"more than {MAX_DEPTH} levels")
        self._stack.append(_Level(node))

    def _place(self, node: Node, line: int) -> None:
        """Puts a node where the parser stands: at the top, into a list, or as key or value into a mapping."""
        if not self._stack:
            self.top = node
            return
        level = self._stack[-1]
        if isinstance(level.node, list):
            level.node.append(node)
        elif level.key is _NOTHING:
            if type(node) is not str and type(node) is not Slot:
                raise ShapeError(line, f"a key that is no text: `{node}`")
            if node in level.node:
                raise ShapeError(line, f"the key `{node}` twice")
            level.key = node
        else:
            level.node[level.key] = node
            level.key = _NOTHING

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Node:
        if event.tag:
            raise ShapeError(line, "a YAML tag")
        text = event.value
        if "\ue000" in text:
            found = _SLOT.fullmatch(text)
            if not found or event.style != '"':
                raise ShapeError(line, "an expression glued to other text")
            self.slots.add(int(found[1]))
            return Slot(int(found[1]))
        return text if event.style else _plain(text, line)


def _plain(text: str, line: int) -> Node:
    """A plain scalar as every reader takes it; refused where readers differ."""
    if text in _WORDS:
        return _WORDS[text]
    number = _CORE_NUMBER.fullmatch(text)
    if number:
        value = float(text) if number[1] else int(text)
        if not -(2**63) <= value < 2**64:
            raise ShapeError(line, f"a number of {len(text)} digits, which no reader can hold")
        return value
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
    if _AMBIGUOUS.fullmatch(text) or any(pattern.match(text) for _, pattern in table.get(text[0], ())):
        raise ShapeError(line, f"`{text}` without quotes means different things to different readers")
    return text
