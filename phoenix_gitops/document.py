"""One policy document: plain data beside a table of where each key and value stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.diagnostics import Span

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and list indices from the top."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in its file, and where its key does (None for list items and the top)."""

    value: Span
    key: Span | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A policy as written. `data` is plain (str, int, float, bool, None, list, dict with str keys)."""

    file: str
    data: dict[str, Any]
    places: Mapping[Path, Place]
    """The place of every value, parents first, as written; spans may be made on first use."""
    digest: str
    """SHA-256 of the file's bytes, in hexadecimal."""

    @property
    def kind(self) -> str:
        """The `kind`, or an empty string where it is missing or no string."""
        kind = self.data.get("kind")
        return kind if isinstance(kind, str) else ""

    @property
    def name(self) -> str:
        """The `metadata.name`, or an empty string where it is missing or no string."""
        metadata = self.data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else ""

    def place(self, path: Path) -> Place:
        """The place of `path`, or of its nearest ancestor that exists."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def key_span(self, path: Path) -> Span:
        """Where the key of `path` stands; for an item or the top, where its value begins."""
        place = self.place(path)
        return place.key or place.value

    def value_span(self, path: Path) -> Span:
        """Where the value of `path` stands."""
        return self.place(path).value
