"""Golden data through real collectors: what comes out of every pipeline is what its policy says."""

from __future__ import annotations

import copy
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.ports import AGENTS, OTLP_HTTP
from phoenix_gitops.front import run_front
from phoenix_gitops.golden import fixture
from phoenix_gitops.golden.expect import expected
from phoenix_gitops.golden.metrics import HOST, Kind, Metric
from phoenix_gitops.golden.predicates import missed
from phoenix_gitops.golden.run import AGENT, GATEWAY, TENANT, Collectors, collectors
from phoenix_gitops.golden.subjects import Subject
from phoenix_gitops.judges.otelcol import local, running
from phoenix_gitops.scope import EnvironmentScope
from tests.proof.judge import ROOT, Judge
from tests.proof.judge import collectors as binaries
from tests.unit.collector.scopes import environment, preset

pytestmark = pytest.mark.proof

Config = dict[str, Any]
SENDERS = (AGENT, GATEWAY, TENANT)
REPOSITORIES = {
    "reference platform": (ROOT, ROOT / "generated"),
    **{case.name: (case, case / "expected") for case in sorted((ROOT / "tests/cases/good").iterdir())},
}


def environments() -> list[tuple[str, str]]:
    return [
        (repository, folder.name)
        for repository, (_, output) in REPOSITORIES.items()
        for folder in sorted((output / "_proof").iterdir())
    ]


@cache
def scope(repository: str, name: str) -> EnvironmentScope:
    front = run_front(REPOSITORIES[repository][0])
    assert front.world is not None, front.diagnostics
    return front.world.environment(name)


def emitted(repository: str, name: str) -> list[dict[str, Config]]:
    """The collector configs of an environment as they are on disk, by sender; once each for clusters that agree."""
    found = {}
    for folder in sorted((REPOSITORIES[repository][1] / "_proof" / name).glob("*/collectors")):
        tenant = next(iter(sorted(folder.glob("tenant-gateway-*.yaml"))))
        files = {GATEWAY: folder / "gateway.yaml", AGENT: folder / "agent.yaml", TENANT: tenant}
        configs = {sender: yaml.safe_load(file.read_text(encoding="utf-8")) for sender, file in files.items()}
        found[json.dumps(configs, sort_keys=True)] = configs
    return list(found.values())


def binary(env: EnvironmentScope) -> Path:
    return binaries()[env.platform.spec.catalog.collector.tag]


def run(env: EnvironmentScope, configs: dict[str, Config], folder: Path) -> AbstractContextManager[Collectors]:
    return collectors(
        binary(env), env, folder, gateway=configs[GATEWAY], agent=configs.get(AGENT), tenant=configs.get(TENANT)
    )


def salt(sender: str) -> str:
    """How the names of the nodes end whose data is sent to `sender`."""
    return f"-{sender}"


def read(running: Collectors, readings: int, *senders: str) -> dict[str, list[Subject]]:
    """Sends so many readings of golden data to each of `senders`; gives what was sent."""
    sent = {
        sender: [
            *fixture.processes(running.env, readings=readings, salt=salt(sender)),
            *fixture.others(readings=readings, salt=salt(sender)),
        ]
        for sender in senders
    }
    for reading in range(readings):
        for sender in senders:
            running.send(sent[sender], reading, sender)
        for sender in senders:
            assert running.arrived(reading, salt(sender)), f"reading {reading} of {sender} did not arrive"
    return sent


def ours(**parts: Any) -> tuple[EnvironmentScope, dict[str, Config]]:
    """An environment of the presets, with the configs that its policies become."""
    env = environment(spec={"exports": ["newrelic"]}, **parts)
    return env, {GATEWAY: gateway(env)[0], AGENT: agent(env)[0]}


@pytest.mark.parametrize(("repository", "name"), environments())
def test_every_pipeline_does_what_its_policy_says(repository: str, name: str, tmp_path: Path, judge: Judge) -> None:
    env = scope(repository, name)
    processes = fixture.processes(env)
    assert missed(env, fixture.facts(env, processes)) == []
    assert len(processes) >= 48
    for number, configs in enumerate(emitted(repository, name)):
        with run(env, configs, tmp_path / str(number)) as running:
            for sender, subjects in read(running, 2, *SENDERS).items():
                assert running.findings(subjects, 2, salt(sender), sender) == []
        judge.took("otelcol", len(env.pipelines) * len(SENDERS), "ways through pipelines, golden data")


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


def text(config: Config, old: str, new: str, times: int) -> Config:
    """The config with a piece of its text changed in so many places."""
    whole = json.dumps(config, ensure_ascii=False)
    quoted_old, quoted_new = json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    assert whole.count(quoted_old) == times, (old, whole.count(quoted_old))
    changed: Config = json.loads(whole.replace(quoted_old, quoted_new))
    return changed


def without(config: Config, pipeline: str, *kinds: str) -> Config:
    """The config with processors taken out of a pipeline's chain."""
    changed = copy.deepcopy(config)
    body = changed["service"]["pipelines"][f"metrics/{pipeline}"]
    kept = [name for name in body["processors"] if name.partition("/")[0] not in kinds]
    assert len(kept) == len(body["processors"]) - len(kinds)
    body["processors"] = kept
    return changed


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


LIVES = [(0, None), (0, 3), (1, None), (1, 4), (2, 3), (3, None), (0, 2), (2, None)]
"""Which readings see a process: from the first to before the second."""
READINGS = 5
OVER_TIME = "-time"


def over_time(env: EnvironmentScope) -> list[Subject]:
    """Processes that start, grow and end, of names that are summed and of such that are not."""
    known, named = fixture.metrics(env), ("worker", "my-critical", "data_pipeline", "nginx")
    lives = enumerate(itertools.product(named, LIVES), start=1)
    subjects = []
    for pid, (name, (born, ends)) in lives:
        one = fixture.process(pid, name, f"node-a{OVER_TIME}", known, READINGS)
        subjects.append(Subject(attributes=one.attributes, values=one.values, born=born, ends=ends))
    return [*subjects, *fixture.others(readings=READINGS, salt=OVER_TIME)]


def counters(running: Collectors) -> dict[Any, float]:
    """Every counter of a process that any export shows."""
    exports = (e.prometheus for p in running.env.pipelines for e in p.spec.export if e.prometheus is not None)
    return {
        series: value
        for export in exports
        for series, value in running.scraped(export, OVER_TIME).items()
        if series.name.endswith("_total") and any(name == "process_executable_name" for name, _ in series.labels)
    }


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


def test_counters_grow_by_what_processes_grew_and_never_fall(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours()
    subjects = over_time(env)
    with run(env, configs, tmp_path) as running:
        before: dict[Any, float] = {}
        for reading in range(READINGS):
            running.send(subjects, reading)
            assert running.arrived(reading, OVER_TIME)
            told = running.findings(subjects, reading + 1, OVER_TIME)
            assert [line for line in told if "the contract says" not in line] == []
            now = counters(running)
            assert not [str(series) for series, value in now.items() if value < before.get(series, 0)]
            before = now
    assert before
    judge.took("otelcol", READINGS, "readings of processes that start and end")


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


PARTS = 60
PROBE = Metric("golden.parts", Kind.LEVEL, "{part}", tuple(frozenset({("part", str(n))}) for n in range(PARTS)))


def large() -> list[Subject]:
    """A reading of 18,000 points: more than a batch of the policy may hold."""
    known = [HOST["process.memory.usage"], PROBE]
    found = [fixture.process(pid, "worker", "node-a-large", known, 1) for pid in range(1, 301)]
    return [*found, *fixture.others(readings=1, salt="-large")]


def partial_sums(running: Collectors) -> list[str]:
    subjects = large()
    running.send(subjects, 0)
    assert running.arrived(0, "-large")
    lines = running.findings(subjects, 1, "-large")
    return [line for line in lines if "the contract says" not in line]


def test_a_reading_larger_than_a_batch_is_summed_whole(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours(pipelines=(preset("optimized"),))
    assert env.edge.spec.batch.max < 300 * (PARTS + 1)
    with run(env, configs, tmp_path) as running:
        assert partial_sums(running) == []
    judge.took("otelcol", 1, "readings larger than a batch")


def test_a_reading_that_is_split_is_summed_in_part(tmp_path: Path, judge: Judge) -> None:
    env, configs = ours(pipelines=(preset("optimized"),))
    split = copy.deepcopy(configs[AGENT])
    split["processors"]["batch/edge"]["send_batch_max_size"] = env.edge.spec.batch.max
    with run(env, {**configs, AGENT: split}, tmp_path) as running:
        assert len(partial_sums(running)) > PARTS
    judge.refused("otelcol", 1, "broken pipelines")


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
    max_examples=8,
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
    told = running.findings(subjects, readings, run_id)
    # A contract speaks of an even mix of classes.
    assert [line for line in told if "the contract says" not in line] == []
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
