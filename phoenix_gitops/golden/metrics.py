"""The metrics of a process: how each behaves, its unit, and the points that one reading has of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Points = frozenset[tuple[str, str]]
"""The attributes of a point."""


class Kind(StrEnum):
    """What values of a metric do."""

    COUNTER = "counter"
    """They only grow; what is known of one is how much it grew."""
    LEVEL = "level"
    """They rise and fall, and add up."""
    GAUGE = "gauge"
    """They rise and fall, and a sum of them means nothing unless a policy says so."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as its source names it."""

    name: str
    kind: Kind
    unit: str
    points: tuple[Points, ...] = (frozenset(),)
    """The attributes of each point of a reading."""


def _each(name: str, *values: str) -> tuple[Points, ...]:
    return tuple(frozenset({(name, value)}) for value in values)


_STATES = _each("state", "user", "system", "wait")
_WAYS = _each("direction", "read", "write")

HOST = {
    metric.name: metric
    for metric in (
        Metric("process.cpu.time", Kind.COUNTER, "s", _STATES),
        Metric("process.memory.usage", Kind.LEVEL, "By"),
        Metric("process.disk.io", Kind.COUNTER, "By", _WAYS),
        Metric("process.threads", Kind.LEVEL, "{threads}"),
        Metric("process.open_file_descriptors", Kind.LEVEL, "{count}"),
    )
}
"""What the host's scraper reads of a process, by name."""

LOAD = Metric("golden.load", Kind.GAUGE, "{load}")
"""A gauge, as a workload may send one of its processes."""
REQUESTS = Metric("golden.requests", Kind.COUNTER, "{request}", _each("code", "200", "500"))
READING = Metric("golden.reading", Kind.GAUGE, "{reading}")
"""The number of the reading, from something that is no process."""
COUNT_UNIT = "{process}"
