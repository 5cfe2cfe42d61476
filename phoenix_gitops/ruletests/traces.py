"""Input series of tests: samples at equal steps, as runs, and the notation that promtool and vmalert-tool read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from phoenix_gitops.model.units import duration

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """So many samples: `first`, and each next one `slope` more; no samples at all where `first` is None."""

    count: int
    first: float | None = None
    slope: float = 0.0

    @property
    def text(self) -> str:
        """The run as test files write it."""
        if self.first is None:
            return "_" if self.count == 1 else f"_x{self.count}"
        if self.count == 1:
            return figure(self.first)
        if not self.slope:
            return f"{figure(self.first)}x{self.count - 1}"
        sign = "+" if self.slope > 0 else "-"
        return f"{figure(self.first)}{sign}{figure(abs(self.slope))}x{self.count - 1}"


@dataclass(frozen=True, slots=True)
class Trace:
    """The samples of a series from time 0 on."""

    runs: tuple[Run, ...]

    @property
    def text(self) -> str:
        """The trace as test files write it; a gap begins with the marker that a scraper leaves."""
        written: list[str] = []
        before: Run | None = None
        for run in self.runs:
            gap = before is not None and before.first is not None and run.first is None
            written += ["stale", *([Run(run.count - 1).text] if run.count > 1 else [])] if gap else [run.text]
            before = run
        return " ".join(written)

    def samples(self) -> Iterator[float | None]:
        """Every sample, None where there is none. As the judges do, a slope is added sample by sample."""
        for run in self.runs:
            value = run.first
            for _ in range(run.count):
                yield value
                if value is not None:
                    value += run.slope


def flat(value: float, count: int) -> Trace:
    """So many equal samples."""
    return Trace((Run(count, value),))


def plateaus(values: Iterable[tuple[float | None, int]]) -> Trace:
    """One level after the other, each with its number of samples."""
    return Trace(tuple(Run(count, value) for value, count in values if count))


def steps(values: Iterable[float | None]) -> Trace:
    """A sample for each value; equal ones in a row become one run."""
    runs: list[Run] = []
    for value in values:
        if runs and runs[-1].first == value:
            runs[-1] = Run(runs[-1].count + 1, value)
        else:
            runs.append(Run(1, value))
    return Trace(tuple(runs))


def counter(slopes: Iterable[tuple[float, int]], *, first: float = 0.0, missing: int = 0) -> Trace:
    """A counter that grows by each slope for so many samples, after `missing` ones that are not there."""
    runs, value = [Run(missing)] if missing else [], first
    for slope, count in slopes:
        runs.append(Run(count, value, slope))
        value += slope * count
    return Trace(tuple(run for run in runs if run.count))


def figure(value: float) -> str:
    """A number as every reader of test files takes it: exact, without an exponent."""
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(seconds: float) -> str:
    """A time or interval of a test: `1h30m`."""
    return duration(round(seconds * 1000)) if seconds else "0s"


def labelled(name: str, labels: Labels) -> str:
    """A series as selectors and test files write it."""
    inside = ",".join(f"{label}={quoted(labels[label])}" for label in sorted(labels))
    return f"{name}{{{inside}}}" if inside or not name else name


def quoted(text: str) -> str:
    """A string as PromQL reads it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'
