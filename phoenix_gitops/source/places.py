"""Where every key and value of a document stands: made from offsets when first asked for.

A compile that finds no fault asks for few places, so parsing keeps four offsets a value and no spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_gitops.document import Path, Place
from phoenix_gitops.source.text import SourceText

NO_KEY = -1
"""Offset in place of a key's for list items and the top."""


class Places(Mapping[Path, Place]):
    """The places of a document, in the order in which it was written.

    `offsets` holds four numbers a value in that order: start and end of its key, start and end of the value.
    """

    __slots__ = ("_data", "_offsets", "_source", "_table")

    def __init__(self, source: SourceText, data: dict[str, Any], offsets: list[int]) -> None:
        self._source = source
        self._data = data
        self._offsets = offsets
        self._table: dict[Path, Place] = {}

    def __getitem__(self, path: Path) -> Place:
        return self._places()[path]

    def __contains__(self, path: object) -> bool:
        return path in self._places()

    def __iter__(self) -> Iterator[Path]:
        return iter(self._places())

    def __len__(self) -> int:
        return len(self._offsets) // 4

    def _places(self) -> dict[Path, Place]:
        if not self._table:
            self._table = self._build()
        return self._table

    def _build(self) -> dict[Path, Place]:
        span = self._source.span
        numbers = iter(self._offsets)
        rows = zip(numbers, numbers, numbers, numbers, strict=True)
        return {
            path: Place(span(start, end), None if key_start == NO_KEY else span(key_start, key_end))
            for path, (key_start, key_end, start, end) in zip(_paths(self._data), rows, strict=True)
        }


def _paths(data: dict[str, Any]) -> Iterator[Path]:
    """The path of every value, parents first, as written."""
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        yield path
        if isinstance(value, dict):
            waiting.extend([((*path, key), item) for key, item in value.items()][::-1])
        elif isinstance(value, list):
            waiting.extend([((*path, index), item) for index, item in enumerate(value)][::-1])
