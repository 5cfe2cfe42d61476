"""What a collector version knows: its components, their keys, and the names that they had before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    later: str = ""
    """The type's name in newer versions, which this one does not know."""


@dataclass(frozen=True, slots=True)
class Table:
    """The components of one collector version that we emit; others are refused."""

    version: str
    components: Mapping[tuple[Kind, str], Component]
    service: Keys
    metrics: Mapping[str, str] = field(default_factory=dict)
    """The collector's own metrics whose names differ from the newest version's: today's name to this version's."""

    def changed(
        self,
        version: str,
        *components: Component,
        removed: tuple[tuple[Kind, str], ...] = (),
        unrenamed: tuple[tuple[Kind, str], ...] = (),
        metrics: Mapping[str, str] | None = None,
    ) -> Table:
        """The table of another version: with `components` added or replaced, and without those removed.

        What is `unrenamed` has its former name still, and does not know this version's; `metrics` bear the names
        that are given.
        """
        former = [self.components[key] for key in unrenamed]
        added = [*components, *(replace(c, type=c.formerly, formerly="", later=c.type) for c in former)]
        kept = {key: value for key, value in self.components.items() if key not in (*removed, *unrenamed)}
        return replace(
            self,
            version=version,
            components=kept | {(c.kind, c.type): c for c in added},
            metrics={**self.metrics, **(metrics or {})},
        )

    def metric(self, name: str) -> str:
        """The name here of a metric of the collector itself that the newest version calls `name`."""
        return self.metrics.get(name, name)

    def named(self, kind: Kind, type_: str) -> str | None:
        """The name here of a type that the newest version calls `type_`; None if there is none."""
        if (kind, type_) in self.components:
            return type_
        return next((c.type for c in self.components.values() if c.kind is kind and c.later == type_), None)

    def renames(self, former: Table) -> dict[str, str]:
        """Words of an older version's configs and metrics that are others here: the old one to the new one."""
        components = {}
        for kind, type_ in self.components:
            other = former.named(kind, type_) or former.renamed(kind, type_)
            if other and other != type_:
                components[other] = type_
        names = former.metrics.keys() | self.metrics.keys()
        metrics = {former.metric(name): self.metric(name) for name in names}
        return dict(sorted({**components, **{old: new for old, new in metrics.items() if old != new}}.items()))

    def renamed(self, kind: Kind, type_: str) -> str | None:
        """The name here of a type that is known by the name of another version."""
        found = (c.type for c in self.components.values() if c.kind is kind and type_ in (c.formerly, c.later))
        return next(found, None)


def keys(*leaves: str, **nested: Keys) -> Keys:
    """Keys with free values, and keys with known ones."""
    known: dict[str, Keys] = dict.fromkeys(leaves, FREE)
    return known | nested
