"""Gateways, queues and brokers: what carries samples from the edge to the store."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from phoenix_gitops.capacity.figures import Exact, ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBounds:
    """Bytes that a collector is told: where it refuses (`hard`), where it starts to (`soft`), Go's own limit."""

    hard_bytes: int
    soft_bytes: int
    gomemlimit_bytes: int


def memory_bounds(limit_bytes: int) -> MemoryBounds:
    """Bounds under a hard limit: the spike is 20 % of it, GOMEMLIMIT 80 % of it.

    Source: OpenTelemetry Collector documentation, memory limiter.
    """
    return MemoryBounds(hard_bytes=limit_bytes, soft_bytes=limit_bytes * 4 // 5, gomemlimit_bytes=limit_bytes * 4 // 5)


def gateway_replicas(
    *, points_per_second: Exact, points_per_core: Exact, cores_per_replica: Exact, spare_replicas: int
) -> int:
    """Replicas: datapoints/s over what one replica carries, rounded up, and those that may be lost (N+1: 1)."""
    return ceiling(Fraction(points_per_second) / (Fraction(points_per_core) * cores_per_replica)) + spare_replicas


def queue_requests(*, outage_seconds: Exact, requests_per_second: Exact) -> int:
    """Requests that a sending queue holds through an outage: seconds x requests/s, rounded up."""
    return ceiling(Fraction(outage_seconds) * requests_per_second)


def partitions(
    *, bytes_per_second: Exact, partition_bytes_per_second: Exact, consumers: int, headroom: Exact = 1
) -> int:
    """Partitions of a topic: throughput over that of one, times headroom, and never fewer than consumers."""
    return max(ceiling(Fraction(bytes_per_second) * headroom / partition_bytes_per_second), consumers, 1)


def broker_disk_bytes(
    *, bytes_per_second: Exact, retention_seconds: int, replication: int, disk_use: Exact
) -> Fraction:
    """Bytes of disk over all brokers: bytes/s x retention x replication, over the share of a disk that is used."""
    return Fraction(bytes_per_second) * retention_seconds * replication / Fraction(disk_use)
