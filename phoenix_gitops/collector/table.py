"""What a collector version knows: its components, their keys, and the names that they had before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

Keys = Mapping[str, "Keys"] | None
"""The keys that a mapping may have, nested; None says nothing about what stands there. A list is described
by its items, and `*` stands for keys that the user chooses."""

FREE: Keys = None
"""Any value."""


class Kind(StrEnum):
    """The sections of a config that hold components."""

    RECEIVER = "receivers"
    PROCESSOR = "processors"
    EXPORTER = "exporters"
    CONNECTOR = "connectors"
    EXTENSION = "extensions"


@dataclass(frozen=True, slots=True)
class Component:
    """A type of component: what may be said to it, and its name of old."""

    kind: Kind
    type: str
    keys: Keys
    formerly: str = ""
    """The type's name in older versions, which this one warns of."""


@dataclass(frozen=True, slots=True)
class Table:
    """The components of one collector version that we emit; others are refused."""

    version: str
    components: Mapping[tuple[Kind, str], Component]
    service: Keys

    def changed(self, version: str, *components: Component, removed: tuple[tuple[Kind, str], ...] = ()) -> Table:
        """The table of another version: with `components` added or replaced, and without those removed."""
        kept = {key: value for key, value in self.components.items() if key not in removed}
        return replace(self, version=version, components=kept | {(c.kind, c.type): c for c in components})

    def renamed(self, kind: Kind, type_: str) -> str | None:
        """Today's name of a type that is known by a former one."""
        return next((c.type for c in self.components.values() if c.kind is kind and c.formerly == type_), None)


def keys(*leaves: str, **nested: Keys) -> Keys:
    """Keys with free values, and keys with known ones."""
    known: dict[str, Keys] = dict.fromkeys(leaves, FREE)
    return known | nested
