"""Time series of a story: functions of time, sampled as a scraper does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

START = 1_767_571_200
"""When stories begin, in seconds: 2026-01-05T00:00:00Z."""
SCRAPE = 15
"""Seconds between samples."""

Course = Callable[[int], float | None]
"""A value by the seconds since the story began; None where there is no target."""


@dataclass(frozen=True, slots=True)
class Series:
    """One time series; `samples` are (seconds since the story began, value), None is a marker of staleness."""

    labels: Mapping[str, str]
    samples: tuple[tuple[int, float | None], ...]

    @property
    def name(self) -> str:
        """The metric."""
        return self.labels["__name__"]


def gauge(name: str, labels: Mapping[str, str], course: Course, seconds: int, every: int = SCRAPE) -> Series:
    """A gauge that follows a course."""
    return Series({"__name__": name, **labels}, tuple(_marked((at, course(at)) for at in range(0, seconds, every))))


def counter(name: str, labels: Mapping[str, str], rate: Course, seconds: int, every: int = SCRAPE) -> Series:
    """A counter that grows at a rate a second."""
    total = 0.0

    def counted() -> Iterator[tuple[int, float | None]]:
        nonlocal total
        for at in range(0, seconds, every):
            now = rate(at)
            total += (now or 0.0) * every
            yield at, None if now is None else total

    return Series({"__name__": name, **labels}, tuple(_marked(counted())))


def _marked(samples: Iterator[tuple[int, float | None]]) -> Iterator[tuple[int, float | None]]:
    """Of samples that are not there the first leaves a marker, as a scraper does."""
    there = False
    for at, value in samples:
        if value is not None or there:
            yield at, value
        there = value is not None
