"""The formulas of capacity: published vectors, and properties that hold for every load."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_gitops.capacity import availability, flow, storage
from phoenix_gitops.capacity.constants import CONSTANTS
from phoenix_gitops.capacity.figures import Range, ceiling, exactly

GIB, TIB, DAY = 2**30, 2**40, 86_400
RATES = st.integers(0, 10**9)


def disk(rate: int, seconds: int) -> Fraction:
    return storage.disk_bytes(
        bytes_per_sample=1, samples_per_second=rate, replication=2, seconds=seconds, headroom=Fraction("1.25")
    )


def nodes(rate: int) -> int:
    return storage.storage_nodes(
        series=storage.active_series(rate, 15),
        samples_per_second=rate,
        replication=2,
        series_per_node=25_000_000,
        samples_per_node=600_000,
    )


def test_disk_of_a_small_cluster() -> None:
    assert round(float(disk(5000, 34_128_000) / GIB), 1) == 397.3


def test_ten_million_samples_a_second() -> None:
    seconds = storage.kept_seconds(30 * DAY)
    data = disk(10_000_000, seconds)
    assert seconds == 31 * DAY
    assert storage.active_series(10_000_000, 15) == 150_000_000
    assert round(float(data / TIB), 1) == 60.9
    assert round(float(storage.with_index_bytes(data, Fraction("0.2")) / TIB)) == 73
    assert nodes(10_000_000) == 34


def test_a_long_retention_is_deleted_by_the_month() -> None:
    assert storage.kept_seconds(31 * DAY) == 62 * DAY


def test_replication_asks_for_nodes_that_may_be_lost() -> None:
    assert nodes(1) == 3


def test_availability_of_chains_and_quorums() -> None:
    assert availability.serial([Fraction("0.995")] * 3) == Fraction("0.985074875")
    assert availability.at_least(2, 3, Fraction("0.995")) == Fraction("0.99992525")
    assert availability.at_least(2, 3, Fraction("0.99")) == Fraction("0.999702")
    assert availability.at_least(1, 2, Fraction("0.9")) == Fraction("0.99")
    assert availability.serial([]) == 1


def gateways(points: int, spare: int) -> int:
    return flow.gateway_replicas(
        points_per_second=points, points_per_core=20_000, cores_per_replica=1, spare_replicas=spare
    )


def test_gateways_carry_the_load_and_a_spare_one_is_said() -> None:
    assert [gateways(points, 1) for points in (0, 1, 20_000, 20_001, 120_000)] == [1, 2, 2, 3, 7]
    assert gateways(140_000, 0) == 7
    assert gateways(10_000_000, 0) == 500


def test_memory_of_a_collector() -> None:
    bounds = flow.memory_bounds(1000)
    assert (bounds.hard_bytes, bounds.soft_bytes, bounds.gomemlimit_bytes) == (1000, 800, 800)


def test_queues_and_brokers() -> None:
    assert flow.queue_requests(outage_seconds=600, requests_per_second=Fraction(5, 7)) == 429
    assert (
        flow.broker_disk_bytes(bytes_per_second=700, retention_seconds=10, replication=3, disk_use=Fraction("0.7"))
        == 30_000
    )
    common = {"bytes_per_second": 25_000_000, "partition_bytes_per_second": 10_000_000}
    assert flow.partitions(**common, consumers=1) == 3
    assert flow.partitions(**common, consumers=1, headroom=2) == 5
    assert flow.partitions(**common, consumers=12) == 12
    assert flow.partitions(bytes_per_second=0, partition_bytes_per_second=1, consumers=0) == 1


@given(RATES, RATES)
def test_more_load_never_needs_less(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert disk(less, DAY) <= disk(more, DAY)
    assert nodes(less) <= nodes(more)
    assert gateways(less, 1) <= gateways(more, 1)


@given(st.lists(RATES, max_size=8))
def test_a_total_is_the_sum_of_its_parts(rates: list[int]) -> None:
    total = sum((exactly(disk(rate, DAY)) for rate in rates), start=exactly(0))
    assert total == exactly(disk(sum(rates), DAY))


@given(RATES)
def test_what_a_rule_of_thumb_gives_runs_from_low_to_high(rate: int) -> None:
    counts = CONSTANTS["partitionBytesPerSecond"].used().each(lambda each: ceiling(rate / each))
    assert counts.low <= counts.high
    assert counts.times(2).high == 2 * counts.high


def test_a_range_upside_down_is_our_bug() -> None:
    with pytest.raises(ValueError, match="from low to high, not from 2 to 1"):
        Range(Fraction(2), Fraction(1))


def test_defaults_lie_in_their_range_and_a_policy_narrows_it() -> None:
    assert all(c.spread.low <= c.default <= c.spread.high and c.unit and c.source for c in CONSTANTS.values())
    constant = CONSTANTS["gatewayPointsPerCore"]
    assert (constant.mark, CONSTANTS["storageDiskHeadroom"].mark) == ("rule of thumb", "exact")
    assert constant.used(Fraction(40_000)) == exactly(40_000)
