"""Reads of plain data that never fail: what is missing, null or of another type counts as empty.

Objects are checked even where their schema refused them, so that all faults show at once; a wrong type
is the schema's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Mapping = dict[str, Any]

_EMPTY: Mapping = {}
"""Shared and never written to."""


def mapping(value: object) -> Mapping:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def child(value: object, *keys: str) -> Mapping:
    """The mapping at a path of keys."""
    for key in keys:
        if not isinstance(value, dict):
            return _EMPTY
        value = value.get(key)
    return value if isinstance(value, dict) else _EMPTY


def entries(value: object) -> Sequence[tuple[int, Mapping]]:
    """The mappings in a list, each with its index."""
    if not isinstance(value, list):
        return ()
    return [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]


def texts(value: object) -> list[str]:
    """The strings in a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def text(value: object) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def integer(value: object) -> int | None:
    """The value if it is a whole number (a boolean is none)."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def pairs(value: object) -> Sequence[tuple[str, str]]:
    """The entries of a mapping whose keys and values are strings."""
    if not isinstance(value, dict):
        return ()
    return [(key, item) for key, item in value.items() if isinstance(key, str) and isinstance(item, str)]
