"""Broken pipelines, which real collectors run, and golden data tells."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.golden.run import AGENT, GATEWAY, Collectors
from phoenix_gitops.golden.subjects import Subject
from tests.proof.golden import (
    OVER_TIME,
    PARTS,
    READINGS,
    Config,
    counters,
    ours,
    over_time,
    partial_sums,
    read,
    run,
    salt,
    text,
    without,
)
from tests.proof.judge import Judge
from tests.unit.collector.scopes import preset

pytestmark = pytest.mark.proof

ROLLED = 'set(resource.attributes["phoenix.rollup"], "true") where '
BROKEN_TEXTS = {
    "keep drops what it should keep": (
        *(GATEWAY, '["phoenix.rollup"] == nil and not (', '["phoenix.rollup"] == nil and (', 2),
        "process xcriticalx of node-",
    ),
    "no process is critical": (
        *(AGENT, '"critical") where ', '"critical") where false and ', 1),
        "process xcriticalx of node-",
    ),
    "a roll-up lost an attribute": (
        *(GATEWAY, '"phoenix.priority", "phoenix.rollup", "process.executable.name"', '"phoenix.rollup"', 2),
        "missing: phoenix_opt_final_output_golden_load",
    ),
    "a roll-up mixes nodes": (
        *(GATEWAY, '["deployment.environment", "host.name", ', '["deployment.environment", ', 2),
        "missing: phoenix_exp_final_output_rollup_process_count",
    ),
    "a dropped attribute stays": (
        *(GATEWAY, 'delete_key(resource.attributes, "container.id")', 'delete_key(resource.attributes, "none")', 1),
        "not expected: phoenix_opt_final_output_process_threads{container_id=container-",
    ),
    "an attribute that should stay is dropped": (
        *(GATEWAY, '"process.command_line") where not', '"process.command_line") where true or not', 1),
        "process_command_line=/opt/critical --worker=",
    ),
    "sums are maxima": (
        *(GATEWAY, 'aggregate_on_attributes("sum") where', 'aggregate_on_attributes("max") where', 4),
        ": phoenix_opt_final_output_process_memory_usage_bytes{",
    ),
    "processes are counted twice": (
        *(GATEWAY, "set(datapoint.value_int, 1)", "set(datapoint.value_int, 2)", 2),
        ": phoenix_opt_final_output_rollup_process_count{",
    ),
    "a sender says whose it is": (
        *(AGENT, "tenant[^A-Za-z0-9]+id|", "", 4),
        "tenant_id=somebody-else",
    ),
    "nothing is rolled up": (
        *(GATEWAY, ROLLED, f"{ROLLED}false and ", 2),
        "missing: phoenix_exp_final_output_process_threads{",
    ),
}
"""What is broken: whose config, which text becomes which, how often; and a line that must tell."""
BROKEN_CHAINS = {
    "equal resources are not joined": (("groupbyattrs",), "rollup_process_count"),
    "sums of counters as they are": (("cumulative_to_delta", "delta_to_cumulative"), "process_cpu_time_seconds_total"),
    "counters stay differences": (("delta_to_cumulative",), "process_cpu_time_seconds_total"),
}


def broken() -> Iterator[tuple[str, dict[str, Config], str]]:
    _, sound = ours()
    for name, (whose, old, new, times, told) in BROKEN_TEXTS.items():
        hops = sound if whose == AGENT else {GATEWAY: sound[GATEWAY]}
        yield name, {**hops, whose: text(sound[whose], old, new, times)}, told
    for name, (kinds, told) in BROKEN_CHAINS.items():
        yield name, {GATEWAY: without(sound[GATEWAY], "optimized", *kinds)}, told
    dropless = without(sound[GATEWAY], "observatory", "filter")
    yield "nothing is dropped", {GATEWAY: dropless}, "not expected: phoenix_cardinality_observatory_"
    costly = without(text(sound[GATEWAY], ROLLED, f"{ROLLED}false and ", 2), "optimized", "filter")
    yield "nothing is saved", {GATEWAY: costly}, "and the contract says at least 0.15"


@pytest.mark.parametrize(("configs", "told"), [pytest.param(c, t, id=n) for n, c, t in broken()])
def test_a_broken_pipeline_is_told(configs: dict[str, Config], told: str, tmp_path: Path, judge: Judge) -> None:
    env, _ = ours()
    with run(env, configs, tmp_path) as running:
        sender = AGENT if AGENT in configs else GATEWAY
        subjects = read(running, 3, sender)[sender]
        lines = running.findings(subjects, 3, salt(sender), sender, settles=0)
    assert [line for line in lines if told in line], lines[:20]
    judge.refused("otelcol", 1, "broken pipelines")


def falls(running: Collectors, subjects: list[Subject]) -> list[str]:
    """The counters that fell from one reading to the next."""
    before: dict[Any, float] = {}
    found = []
    for reading in range(READINGS):
        running.send(subjects, reading)
        assert running.arrived(reading, OVER_TIME)
        now = counters(running)
        found += [str(series) for series, value in now.items() if value < before.get(series, 0)]
        before |= now
    return found


def test_sums_of_counters_as_they_are_fall(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours()
    old = without(configs[GATEWAY], "optimized", "cumulative_to_delta", "delta_to_cumulative")
    with run(env, {**configs, GATEWAY: old}, tmp_path) as running:
        fallen = falls(running, over_time(env))
    assert {name.partition("{")[0] for name in fallen} == {
        "phoenix_opt_final_output_process_cpu_time_seconds_total",
        "phoenix_opt_final_output_process_disk_io_bytes_total",
    }
    judge.refused("otelcol", 1, "broken pipelines")


def test_a_reading_that_is_split_is_summed_in_part(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours(pipelines=(preset("optimized"),))
    split = copy.deepcopy(configs[AGENT])
    split["processors"]["batch/edge"]["send_batch_max_size"] = env.edge.spec.batch.max
    with run(env, {**configs, AGENT: split}, tmp_path) as running:
        assert len(partial_sums(running)) > PARTS
    judge.refused("otelcol", 1, "broken pipelines")
