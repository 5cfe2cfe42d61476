"""The named constants of capacity planning: unit, default, range and source of each."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from phoenix_gitops.capacity.figures import Range, exactly

EXACT = "exact"
THUMB = "rule of thumb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number that formulas use: `default` lies in `spread`, which is one number where no source gives a range.

    `mark` is `exact` for a choice or a fact of arithmetic, `rule of thumb` for what others have measured.
    """

    name: str
    unit: str
    default: Fraction
    spread: Range
    mark: str
    source: str

    def used(self, override: Fraction | None = None) -> Range:
        """What formulas compute with: the override of a policy as it is, else the whole spread."""
        return self.spread if override is None else exactly(override)


def _thumb(name: str, unit: str, default: str, spread: tuple[str, str], source: str) -> Constant:
    low, high = (Fraction(end) for end in spread)
    return Constant(name=name, unit=unit, default=Fraction(default), spread=Range(low, high), mark=THUMB, source=source)


def _chosen(name: str, unit: str, value: str, source: str) -> Constant:
    number = Fraction(value)
    return Constant(name=name, unit=unit, default=number, spread=exactly(number), mark=EXACT, source=source)


_SIZING = "Splunk, sizing of OpenTelemetry Collectors"
_PLANNING = "VictoriaMetrics documentation, capacity planning"
_NODE = "VictoriaMetrics case studies, Roblox: 5G series and 120M samples/s on 200 nodes"

_ALL = (
    _thumb("gatewayPointsPerCore", "datapoints/s", "20000", ("20000", "20000"), _SIZING),
    _thumb("gatewayBytesPerCore", "bytes", "2000000000", ("2000000000", "2000000000"), _SIZING),
    _thumb("storageBytesPerSample", "bytes", "1", ("0.4", "1.75"), "VictoriaMetrics case studies"),
    _thumb("storageIndexShare", "ratio", "0.2", ("0.2", "0.5"), _PLANNING),
    _thumb(
        "storageBytesPerSeries",
        "bytes",
        "5000",
        ("1000", "5000"),
        "VictoriaMetrics README of 2019 (low); case studies, Adsterra (high)",
    ),
    _thumb("storageSeriesPerNode", "series", "25000000", ("25000000", "25000000"), _NODE),
    _thumb("storageSamplesPerNode", "samples/s", "600000", ("600000", "600000"), _NODE),
    _thumb(
        "partitionBytesPerSecond",
        "bytes/s",
        "10000000",
        ("10000000", "50000000"),
        "rule of thumb of Kafka operators: 10 to 50 MB/s a partition",
    ),
    _chosen("storageDiskHeadroom", "ratio", "1.25", f"{_PLANNING}: a fifth of a disk stays free"),
    _chosen("streamDiskUse", "ratio", "0.7", "a choice: disks of brokers are planned to be 70 % full"),
)
CONSTANTS = {constant.name: constant for constant in _ALL}
