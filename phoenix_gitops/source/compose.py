"""Plain data and offsets from the events of libyaml.

One loop with a stack of its own: libyaml's composer and Python's call stack would both give in to deep
nesting. The common scalar takes the short way; whatever is odd about a node is said by a method.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from phoenix_gitops.source.places import NO_KEY
from phoenix_gitops.source.scalars import Refusal, Scalar, resolve
from phoenix_gitops.source.syntax import add_directives, add_syntax_fault
from phoenix_gitops.source.text import Faults, SourceText

MAX_DEPTH = 40
"""Deepest nesting of mappings and lists. libyaml's time grows with the square of a flow's depth."""

MAX_NODES = 50_000
"""Most values in one file."""
_MAX_OFFSETS = 4 * MAX_NODES

# Escapes bring into a value what may not stand in a file; line ends of all kinds and tabs may.
_FORBIDDEN_VALUE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_ALIAS_HELP = "write the value out; share values by `spec.extends`"
_MERGE_HELP = "write the keys out; share values by `spec.extends`"
_TAG_HELP = "delete it; to make a value text, quote it"
_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*")


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


class _Node(Protocol):
    """A node's event as libyaml gives it; the library's own types leave the marks optional."""

    start_mark: _Mark
    end_mark: _Mark
    anchor: str | None
    tag: str | None


class _ScalarNode(_Node, Protocol):
    value: str
    style: str


class _Stop(Exception):  # noqa: N818 (control flow, not an error)
    """Reading on makes no sense."""


class Composer:
    """Reads one text. `top` is a list that takes the document's value, `offsets` a table as in `Places`."""

    def __init__(self, source: SourceText) -> None:
        self.top: list[Any] = []
        self.offsets: list[int] = []
        self.faults = Faults(source)
        self._text = source.text
        self._properties = "&" in source.text or "!" in source.text
        self._documents = 0

    def run(self) -> None:
        """Read the text up to its end, or to the fault behind which nothing can be told."""
        try:
            self._read(CParser(self._text))
        except MarkedYAMLError as error:
            add_syntax_fault(self.faults, self._text, error)
        except _Stop:
            return

    def _read(self, parser: CParser) -> None:  # noqa: PLR0915 (hot: a call for each event costs a third)
        next_event, offsets, careful = parser.get_event, self.offsets, self._properties
        # The container under construction, where its row begins, and those around it.
        box: Any = self.top
        row = 0
        frames: list[tuple[Any, int, bool, int]] = []
        # In a mapping, the key that waits for its value.
        in_mapping, name, key_start, key_end = False, "", NO_KEY, NO_KEY
        last = 0  # The end of the last content: there a block collection ends for a reader.
        while True:
            event: Any = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                value: Any = event.value if event.style else resolve(event.value)
                start, end = event.start_mark.index, event.end_mark.index
                if careful or value is None or event.style or type(value) is Refusal:
                    value, start, end = self._inspect(event, value, last, in_mapping and key_start < 0)
            elif kind is AliasEvent:
                value, start, end = self._alias(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if careful or len(frames) >= MAX_DEPTH or len(offsets) > _MAX_OFFSETS:
                    self._check_collection(event, len(frames))
                start = event.start_mark.index
                inner: Any = {} if kind is MappingStartEvent else []
                as_key = in_mapping and key_start < 0
                if as_key:
                    self._collection_as_key(start)
                elif in_mapping:
                    box[name] = inner
                else:
                    box.append(inner)
                frames.append((box, row, in_mapping, start if as_key else NO_KEY))
                box, row, in_mapping = inner, len(offsets), kind is MappingStartEvent
                offsets += (key_start, key_end, start, start)
                key_start = NO_KEY
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                # A flow collection ends behind its bracket; the event of a block collection stands, empty,
                # at the next token, but a reader sees its end behind its last content.
                end = event.end_mark.index
                if event.start_mark.index < end:
                    last = end
                offsets[row + 3] = last
                box, row, in_mapping, key_start = frames.pop()
                if key_start >= 0:
                    name, key_end = _placeholder(key_start), last
                continue
            elif self._boundary(event):
                return
            else:
                continue
            last = end
            if in_mapping and key_start < 0:
                if type(value) is not str or value in box:
                    value = self._odd_key(value, (start, end), box, row)
                name, key_start, key_end = value, start, end
                continue
            if in_mapping:
                box[name] = value
            else:
                box.append(value)
            offsets += (key_start, key_end, start, end)
            key_start = NO_KEY

    def _inspect(self, event: _ScalarNode, value: Scalar | Refusal, last: int, as_key: bool) -> tuple[Scalar, int, int]:
        """The value, start and end of a scalar that is not just a plain word; adds its faults."""
        start, end = event.start_mark.index, event.end_mark.index
        self._check_properties(event)
        if isinstance(value, Refusal) and event.tag is None:
            if as_key and event.value == "<<":
                value = Refusal("PHX109", "merge keys are not allowed", "", _MERGE_HELP)
            self.faults.add(value.code, value.message, start, end, label=value.label, help=value.help)
        if isinstance(value, Refusal):
            return _placeholder(start), start, end
        if event.style in {"|", ">"}:
            end = start + len(self._text[start:end].rstrip(" \t\r\n"))
        elif start == end and self._text[start - 1 : start] in {"", "\n"}:
            # libyaml finds out that there is no value only on a later line.
            start = end = last
        if event.style and (match := _FORBIDDEN_VALUE.search(event.value)):
            message = f"value holds the character U+{ord(match[0]):04X}, which is not allowed"
            self.faults.add("PHX103", message, start, end, help="delete the escape sequence")
        return value, start, end

    def _check_properties(self, event: _Node) -> None:
        if not self._properties or (event.anchor is None and event.tag is None):
            return
        offset = event.start_mark.index
        while match := _PROPERTY.match(self._text, offset):
            if match[0].startswith("&"):
                self.faults.add("PHX108", f"anchor `{match[0]}` is not allowed", *match.span(), help=_ALIAS_HELP)
            else:
                self.faults.add("PHX110", f"tag `{match[0]}` is not allowed", *match.span(), help=_TAG_HELP)
            offset = _skip_blanks(self._text, match.end())

    def _alias(self, event: _Node) -> tuple[Scalar, int, int]:
        start, end = event.start_mark.index, event.end_mark.index
        self.faults.add("PHX108", f"alias `*{event.anchor}` is not allowed", start, end, help=_ALIAS_HELP)
        return _placeholder(start), start, end

    def _check_collection(self, event: _Node, depth: int) -> None:
        self._check_properties(event)
        start = event.start_mark.index
        if depth >= MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep"
            self.faults.add("PHX114", message, start, start + 1, help="flatten the structure")
            raise _Stop
        self._check_nodes(start)

    def _check_nodes(self, offset: int) -> None:
        if len(self.offsets) > 4 * MAX_NODES:
            message = f"file holds more than {MAX_NODES:,} values"
            self.faults.add("PHX116", message, offset, offset, help="split it into several files")
            raise _Stop

    def _collection_as_key(self, start: int) -> None:
        template = self._text.startswith("{{", start - 1)
        help_ = "quote values that contain `{{ }}`" if template else "write a plain or quoted name before the `:`"
        self.faults.add("PHX113", "key is not text but a mapping or list", start, start + 1, help=help_)

    def _odd_key(self, value: Scalar, at: tuple[int, int], box: dict[str, Any], row: int) -> str:
        """A stand-in for a key that is no text or was there before; adds the fault."""
        if isinstance(value, str):
            if not self.faults.full:
                first = self._nth_key(row, list(box).index(value))
                message = f"duplicate key `{value}`"
                help_ = "delete one of the two, or merge their values"
                self.faults.add("PHX107", message, *at, help=help_, secondary=(*first, "first set here"))
        elif at[0] == at[1]:
            self.faults.add("PHX113", "key is empty", *at, help="write a name before the `:`")
        else:
            written = self._text[slice(*at)]
            kind = "null" if value is None else "a boolean" if isinstance(value, bool) else "a number"
            help_ = f'quote it: `"{written}"`'
            self.faults.add("PHX113", f"key `{written}` is not text but {kind}", *at, help=help_)
        return _placeholder(at[0])

    def _nth_key(self, row: int, n: int) -> tuple[int, int]:
        """Start and end of the n-th key of the mapping whose row is at `row`."""
        inside = 0
        for index in range(row + 4, len(self.offsets), 4):
            key_start, key_end, start, end = self.offsets[index : index + 4]
            if start < inside:
                continue
            inside = end
            if key_start != NO_KEY:
                if n == 0:
                    return key_start, key_end
                n -= 1
        raise AssertionError("every key of a mapping has a row")

    def _boundary(self, event: Any) -> bool:  # noqa: ANN401 (the parser's door)
        """Whether the stream ends here; adds the faults of a document's start."""
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                help_ = "move it to a file of its own"
                end = max(end, start + 1)
                self.faults.add("PHX112", "a second document begins here", start, end, help=help_)
                raise _Stop
            if event.version or event.tags:
                add_directives(self.faults, self._text, 0, end)
        if isinstance(event, StreamEndEvent):
            self._check_nodes(0)
            return True
        return False


def _placeholder(offset: int) -> str:
    """Stands for what cannot be a key or value; unique, and no text of a file can be equal to it."""
    return f"\0{offset}"


def _skip_blanks(text: str, offset: int) -> int:
    while text[offset : offset + 1] in {" ", "\t", "\r", "\n"}:
        offset += 1
    return offset
