"""A policy's text with the place of everything in it as offsets, for those who change parts of it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import Any, Final

import yaml

from phoenix_gitops.diagnostics import Span
from phoenix_gitops.document import Path
from phoenix_gitops.source import parse

_COLON: Final = re.compile(r"[ \t]*:")
_BLANK_LINES: Final = re.compile(r"(?:[ \t]*\r?\n)*")
_KEEPS: Final = re.compile(r"[|>][0-9]?\+")
_DEEPER: Final = re.compile(r"(?:[ \t]*\r?\n)*( *)#.*")


class Page:
    """A text that is one policy. Offsets count code points, columns begin at 0.

    Raises ValueError for a text that is none.
    """

    def __init__(self, text: str) -> None:
        document = parse("text", text.encode()).value
        if document is None:
            raise ValueError("the text is no policy: check it before you edit it")
        self.text = text
        self.data: dict[str, Any] = document.data
        self._places = document.places
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def __contains__(self, path: Path) -> bool:
        return path in self._places

    def get(self, path: Path) -> Any:  # noqa: ANN401 (whatever a policy holds)
        """The data at a path that exists."""
        found: Any = self.data
        for step in path:
            found = found[step]
        return found

    def steps(self, path: Path) -> list[str | int]:
        """The keys or indices of the collection at `path`, as written."""
        value = self.get(path)
        return list(value) if isinstance(value, dict) else list(range(len(value)))

    def value(self, path: Path) -> tuple[int, int]:
        """Start and end of a value. Both are right behind the colon or dash where there is nothing."""
        start, end = self._offsets(self._places[path].value)
        if start != end or self.get(path) is not None:
            return start, end
        return self.mark(path), self.mark(path)

    def key(self, path: Path) -> tuple[int, int]:
        """Start and end of the key of an entry."""
        key = self._places[path].key
        assert key is not None
        return self._offsets(key)

    def entry(self, path: Path) -> int:
        """Where an entry of a mapping or list begins: at its key, its dash, or in brackets at its value."""
        if isinstance(path[-1], str):
            return self._question(self.key(path)[0])
        if self.is_flow(path[:-1]):
            return self.value(path)[0]
        return self.dashes(path[:-1])[path[-1]]

    def is_flow(self, path: Path) -> bool:
        """Whether what is in the collection at `path` stands within brackets."""
        above = (path[:depth] for depth in range(len(path) + 1))
        return any(self.text[self.value(p)[0]] in "[{" for p in above if isinstance(self.get(p), (dict, list)))

    def has_brackets(self, path: Path) -> bool:
        """Whether the collection at `path` is itself one in brackets."""
        return self.text[self.value(path)[0]] in "[{"

    def dashes(self, path: Path) -> list[int]:
        """The dashes of a list that is not in brackets."""
        start = self._offsets(self._places[path].value)[0]
        column = self.column(start)
        mine = [at for at in self._dashes if at >= start and self.column(at) == column]
        return mine[: len(self.get(path))]

    def end(self, path: Path) -> int:
        """Where the last content of a value stands, colons and dashes without content among it."""
        start, end = self.value(path)
        column = self.column(start)
        if self.is_flow(path) or not isinstance(self.get(path), (dict, list)):
            return end
        for token in self._tokens[bisect_left(self._starts, end) :]:
            dash = isinstance(token, yaml.BlockEntryToken) and token.start_mark.column >= column
            if not dash and not isinstance(token, yaml.ValueToken):
                break
            end = token.end_mark.index
        return end

    def behind(self, path: Path) -> int:
        """Where the line begins that comes after a value, and after empty lines that count as part of its text."""
        at = self.next_line(self.end(path))
        return self.behind_blanks(at) if self.keeps(path) else at

    def behind_blanks(self, at: int) -> int:
        """Where the first line begins that is not empty, from the line that begins at `at`."""
        match = _BLANK_LINES.match(self.text, at)
        return match.end() if match else at

    def keeps(self, path: Path) -> bool:
        """Whether a value ends in a text to which the empty lines behind it belong."""
        return bool(_KEEPS.match(self.text, self.value(self.last(path))[0]))

    def last(self, path: Path) -> Path:
        """The last value that is, or is in, the one at `path`."""
        while isinstance(self.get(path), (dict, list)) and self.get(path):
            path = (*path, self.steps(path)[-1])
        return path

    def mark(self, path: Path) -> int:
        """Right behind the colon of an entry, or its dash."""
        if isinstance(path[-1], int):
            return self.dashes(path[:-1])[path[-1]] + 1
        key_end = self.key(path)[1]
        colon = _COLON.match(self.text, key_end)
        return colon.end() if colon else key_end

    def below(self, path: Path, column: int) -> int:
        """As `behind`, and after comments that stand deeper than `column`: they belong to what is above them."""
        at = self.behind(path)
        while (match := _DEEPER.match(self.text, at)) and len(match[1]) > column:
            at = self.next_line(match.end())
        return at

    def comma(self, start: int, end: int) -> int | None:
        """The comma between two entries in brackets, or None."""
        return next((at for at in self._commas if start <= at < end), None)

    def column(self, offset: int) -> int:
        """How many characters stand before this one on its line."""
        return offset - self.line(offset)

    def line(self, offset: int) -> int:
        """Where the line of `offset` begins."""
        return self._lines[bisect_right(self._lines, offset) - 1]

    def next_line(self, offset: int) -> int:
        """Where the line after that of `offset` begins."""
        at = self.text.find("\n", offset)
        return len(self.text) if at < 0 else at + 1

    def line_end(self, offset: int) -> int:
        """The end of the line of `offset`, before its line break."""
        return offset + len(self.text[offset : self.next_line(offset)].rstrip("\r\n"))

    def stands_alone(self, offset: int) -> bool:
        """Whether nothing stands before `offset` on its line."""
        return not self.text[self.line(offset) : offset].strip(" \t")

    def spliced(self, *changes: tuple[int, int, str]) -> str:
        """The text with what is from start to end replaced, for changes that do not meet."""
        text = self.text
        for start, end, new in sorted(changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _question(self, start: int) -> int:
        """Where the `?` of an explicit key stands, or the key itself."""
        before = self.text[self.line(start) : start].rstrip(" \t")
        return self.line(start) + len(before) - 1 if before.endswith("?") else start

    def _offsets(self, span: Span) -> tuple[int, int]:
        return self._lines[span.line - 1] + span.col - 1, self._lines[span.end_line - 1] + span.end_col - 1

    @cached_property
    def _tokens(self) -> list[Any]:
        """All tokens that are not empty."""
        scanned = yaml.scan(self.text, Loader=yaml.CSafeLoader)
        return [token for token in scanned if token.end_mark.index > token.start_mark.index]

    @cached_property
    def _starts(self) -> list[int]:
        return [token.start_mark.index for token in self._tokens]

    @cached_property
    def _dashes(self) -> list[int]:
        return [token.start_mark.index for token in self._tokens if isinstance(token, yaml.BlockEntryToken)]

    @cached_property
    def _commas(self) -> list[int]:
        return [token.start_mark.index for token in self._tokens if isinstance(token, yaml.FlowEntryToken)]
