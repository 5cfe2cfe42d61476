"""Golden data through real collectors: what comes out of every pipeline is what its policy says."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from phoenix_gitops.collector.ports import AGENTS, OTLP_HTTP
from phoenix_gitops.golden import fixture
from phoenix_gitops.golden.expect import expected
from phoenix_gitops.golden.predicates import missed
from phoenix_gitops.golden.run import AGENT, GATEWAY, Collectors
from phoenix_gitops.golden.subjects import Subject
from phoenix_gitops.judges.otelcol import local, running
from tests.proof.golden import (
    OVER_TIME,
    PARTS,
    READINGS,
    SENDERS,
    binary,
    counters,
    emitted,
    environments,
    ours,
    over_time,
    partial_sums,
    read,
    run,
    salt,
    scope,
)
from tests.proof.judge import Judge
from tests.unit.collector.scopes import preset

pytestmark = pytest.mark.proof


@pytest.mark.parametrize(("repository", "name"), environments())
def test_every_pipeline_does_what_its_policy_says(repository: str, name: str, tmp_path: Path, judge: Judge) -> None:
    env = scope(repository, name)
    processes = fixture.processes(env)
    assert missed(env, fixture.facts(env, processes)) == []
    assert len(processes) >= 48
    for number, configs in enumerate(emitted(repository, name)):
        with run(env, configs, tmp_path / str(number)) as running:
            senders = [sender for sender in SENDERS if sender in configs]
            assert senders[:2] == list(SENDERS[:2]), "only a tenant's own gateway may be missing, where none has one"
            for sender, subjects in read(running, 2, *senders).items():
                assert running.findings(subjects, 2, salt(sender), sender) == []
        judge.took("otelcol", len(env.pipelines) * len(senders), "ways through pipelines, golden data")


def test_critical_processes_survive_every_pipeline(tmp_path: Path) -> None:
    env, configs = ours()
    with run(env, configs, tmp_path) as running:
        sent = read(running, 1, AGENT)[AGENT]
        critical = {fact.executable for fact in fixture.facts(env, sent) if fact.class_ == "critical"}
        assert critical == {"xcriticalx", "critical", "xcriticalx-critical", "xcriticalx-xjava_appx"}
        for pipeline in env.pipelines:
            (export,) = (e.prometheus for e in pipeline.spec.export if e.prometheus is not None)
            shown = running.scraped(export, salt(AGENT))
            assert critical <= {dict(series.labels).get("process_executable_name") for series in shown}


def test_counters_grow_by_what_processes_grew_and_never_fall(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours()
    subjects = over_time(env)
    with run(env, configs, tmp_path) as running:
        before: dict[Any, float] = {}
        for reading in range(READINGS):
            running.send(subjects, reading)
            assert running.arrived(reading, OVER_TIME)
            assert running.findings(subjects, reading + 1, OVER_TIME, contracts=False) == []
            now = counters(running)
            assert not [str(series) for series, value in now.items() if value < before.get(series, 0)]
            before = now
    assert before
    judge.took("otelcol", READINGS, "readings of processes that start and end")


def test_a_reading_larger_than_a_batch_is_summed_whole(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours(pipelines=(preset("optimized"),))
    assert env.edge.spec.batch.max < 300 * (PARTS + 1)
    with run(env, configs, tmp_path) as running:
        assert partial_sums(running) == []
    judge.took("otelcol", 1, "readings larger than a batch")


NAMES = st.one_of(
    st.sampled_from(["my-critical", "java_app", "nginx", "postgres_primary", "data_pipeline_a", "critical-java"]),
    st.from_regex(r"[a-z][a-z0-9_.:-]{0,12}", fullmatch=True),
)
LIFE = st.sampled_from([(0, None), (0, 1), (0, 2), (1, None), (1, 2), (2, None)])
PROCESSES = st.lists(st.tuples(NAMES, LIFE, st.integers(0, 2), st.booleans()), min_size=1, max_size=30)


STANDING: list[Collectors] = []
"""Not an argument of the test: hypothesis would write all of it into its report."""


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    env, configs = ours()
    with run(env, configs, tmp_path_factory.mktemp("standing")) as running:
        STANDING[:] = [running]
        yield


RUNS = itertools.count()
PHASES = (Phase.explicit, Phase.generate)
"""Without shrinking: each step would take seconds, and golden data tells what is wrong by its lines."""


@pytest.mark.usefixtures("standing")
@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(found=PROCESSES)
def test_any_processes_come_out_as_the_policies_say(
    found: list[tuple[str, tuple[int, int | None], int, bool]], judge: Judge
) -> None:
    (running,) = STANDING
    run_id, readings = f"-run{next(RUNS)}", 3
    known = fixture.metrics(running.env)
    subjects = []
    for pid, (name, (born, ends), node, alike) in enumerate(found, start=1):
        one = fixture.process(pid, name, f"{fixture.NODES[node]}{run_id}", known, readings)
        same = {"process.command_line": name, "process.owner": "root"} if alike else {}
        described = {**one.attributes, **same}
        subjects.append(Subject(attributes=described, values=one.values, born=born, ends=ends))
    subjects += fixture.others(readings=readings, salt=run_id)
    for reading in range(readings):
        running.send(subjects, reading)
        assert running.arrived(reading, run_id)
    assert running.findings(subjects, readings, run_id, contracts=False) == []
    judge.took("otelcol", 1, "sets of random processes")


def test_no_sum_is_split_over_two_gateways(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours(pipelines=(preset("optimized"),))
    (export,) = (e.prometheus for e in env.pipelines[0].spec.export if e.prometheus is not None)
    known = fixture.metrics(env)
    subjects = [fixture.process(pid, "worker", f"node-{pid % 12}-two", known, 2) for pid in range(1, 61)]
    pods = [run(env, {GATEWAY: configs[GATEWAY]}, tmp_path / name) for name in ("one", "two")]
    with pods[0] as one, pods[1] as two:
        folder = tmp_path / "sender"
        folder.mkdir()
        here = local(configs[AGENT], folder, batch_timeout="50ms")
        pair = [f"127.0.0.1:{pod.gateway.ports[AGENTS]}" for pod in (one, two)]
        here.document["exporters"]["load_balancing/gateway"]["resolver"] = {"static": {"hostnames": pair}}
        with running(binary(env), here) as sender:
            one.urls = {AGENT: sender.url(OTLP_HTTP)}
            for reading in range(2):
                one.send(subjects, reading)
                wanted = expected(env, env.pipelines[0], subjects, node="127.0.0.1", readings=reading + 1).values
                halves = awaited(lambda: [pod.scraped(export, "-two") for pod in (one, two)], len(wanted))
    assert all(halves)
    assert not set(halves[0]) & set(halves[1])
    sums = {**halves[0], **halves[1]}
    assert sorted(sums.values()) == sorted(wanted.values())
    judge.took("otelcol", 2, "gateways that share the nodes")


def awaited(halves: Callable[[], list[dict[Any, float]]], series: int) -> list[dict[Any, float]]:
    """What two gateways show as soon as they show so many series together, or after 10 s."""
    deadline = time.monotonic() + 10
    while True:
        found = halves()
        if sum(map(len, found)) >= series or time.monotonic() > deadline:
            return found
        time.sleep(0.05)
