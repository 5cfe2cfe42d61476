"""Disk and nodes of VictoriaMetrics."""

from __future__ import annotations

from fractions import Fraction

from phoenix_gitops.capacity.figures import Exact, ceiling

DAY_SECONDS = 86_400
MONTH_SECONDS = 31 * DAY_SECONDS
LONG_RETENTION_SECONDS = 30 * DAY_SECONDS


def kept_seconds(retention_seconds: int) -> int:
    """Seconds of data on disk: retention and one cycle of deletion, a month above 30 days of retention, else a day.

    Source: VictoriaMetrics documentation, capacity planning.
    """
    cycle = MONTH_SECONDS if retention_seconds > LONG_RETENTION_SECONDS else DAY_SECONDS
    return retention_seconds + cycle


def disk_bytes(
    *, bytes_per_sample: Exact, samples_per_second: Exact, replication: int, seconds: int, headroom: Exact
) -> Fraction:
    """Bytes of disk without index: bytes/sample x samples/s x replication x seconds kept x headroom.

    Source: VictoriaMetrics documentation, capacity planning; `seconds` is what `kept_seconds` gives.
    """
    return Fraction(bytes_per_sample) * samples_per_second * replication * seconds * headroom


def with_index_bytes(data_bytes: Exact, index_share: Exact) -> Fraction:
    """Bytes of disk with index: data x (1 + share); a share of 0.2 is usual, above 0.5 at high cardinality."""
    return data_bytes * (1 + Fraction(index_share))


def active_series(samples_per_second: Exact, interval_seconds: Exact) -> Fraction:
    """Series that are alive: each gives one sample an interval."""
    return Fraction(samples_per_second) * interval_seconds


def storage_nodes(
    *, series: Exact, samples_per_second: Exact, replication: int, series_per_node: Exact, samples_per_node: Exact
) -> int:
    """Nodes of vmstorage: the larger need of stored series and of stored samples/s, and at least 2 x replication - 1.

    Source: VictoriaMetrics case studies (25M series, 600k samples/s a node) and documentation of replication.
    """
    by_series = ceiling(Fraction(series) * replication / series_per_node)
    by_samples = ceiling(Fraction(samples_per_second) * replication / samples_per_node)
    return max(by_series, by_samples, 2 * replication - 1)
