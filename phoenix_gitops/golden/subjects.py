"""What sends: processes and others, each with attributes and the values of two readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix_gitops.golden.metrics import Metric, Points

Attributes = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A resource that sends: `values` holds for each metric and point one value a reading, from first to last."""

    attributes: Attributes
    values: Mapping[tuple[Metric, Points], tuple[float, ...]]
    born: int = 0
    """The first reading that sees it."""
    ends: int | None = None
    """The first reading that sees it no more."""

    def seen(self, readings: int) -> range:
        """Which of the first `readings` readings see it."""
        return range(self.born, readings if self.ends is None else min(readings, self.ends))

    @property
    def label(self) -> str:
        """What it is called in messages."""
        name = self.attributes.get("process.executable.name", self.attributes.get("service.name", "?"))
        return f"{name} of {self.attributes.get('host.name', 'no host')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series: its metric, the attributes of its resource and of its point."""

    metric: str
    resource: frozenset[tuple[str, str]]
    points: Points = frozenset()


def attributes(values: Mapping[str, str | int]) -> frozenset[tuple[str, str]]:
    """Attributes as they can be compared: numbers as text."""
    return frozenset((name, str(value)) for name, value in values.items())
