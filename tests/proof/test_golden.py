"""Golden data through real collectors: what comes out of every pipeline is what its policy says."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.front import run_front
from phoenix_gitops.golden import fixture
from phoenix_gitops.golden.metrics import HOST, Kind, Metric
from phoenix_gitops.golden.predicates import missed
from phoenix_gitops.golden.run import AGENT, GATEWAY, TENANT, Collectors, collectors
from phoenix_gitops.golden.subjects import Subject
from phoenix_gitops.scope import EnvironmentScope
from tests.proof.judge import ROOT, Judge
from tests.proof.judge import collectors as binaries
from tests.unit.collector.scopes import environment

pytestmark = pytest.mark.proof

Config = dict[str, Any]
REPOSITORIES = {
    "reference platform": (ROOT, ROOT / "generated"),
    **{case.name: (case, case / "expected") for case in sorted((ROOT / "tests/cases/good").iterdir())},
}
SENDERS = (AGENT, GATEWAY, TENANT)


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


def run(env: EnvironmentScope, configs: dict[str, Config], folder: Path) -> AbstractContextManager[Collectors]:
    version = env.platform.spec.catalog.collector.tag
    binary = binaries()[version]
    return collectors(binary, env, folder, **{name: configs.get(name) for name in SENDERS})


def ours(**parts: Any) -> tuple[EnvironmentScope, dict[str, Config]]:
    """An environment of the presets, with the configs that its policies become."""
    env = environment(spec={"exports": ["newrelic"]}, **parts)
    return env, {GATEWAY: gateway(env)[0], AGENT: agent(env)[0]}


def sent_twice(running: Collectors, salt: str, to: str = AGENT) -> list[Subject]:
    subjects = [*fixture.processes(running.env, salt=salt), *fixture.others(salt=salt)]
    for reading in range(2):
        running.send(subjects, reading, to)
        assert running.arrived(reading, salt), f"reading {reading} did not arrive"
    return subjects


@pytest.mark.parametrize(("repository", "name"), environments())
def test_every_pipeline_does_what_its_policy_says(repository: str, name: str, tmp_path: Path, judge: Judge) -> None:
    env = scope(repository, name)
    assert missed(env, fixture.facts(env, fixture.processes(env))) == []
    for number, configs in enumerate(emitted(repository, name)):
        with run(env, configs, tmp_path / str(number)) as running:
            for sender in SENDERS:
                salt = f"-{sender}"
                subjects = sent_twice(running, salt, sender)
                assert running.findings(subjects, 2, salt, sender) == []
                critical = {f.executable for f in fixture.facts(env, subjects) if f.class_ == "critical"}
                assert len(critical) >= 3
                for pipeline in env.pipelines:
                    for export in pipeline.spec.export:
                        if export.prometheus is not None:
                            shown = running.scraped(export.prometheus, salt)
                            names = {dict(series.labels).get("process_executable_name") for series in shown}
                            assert critical <= names, (pipeline.metadata.name, critical - names)
        judge.took("otelcol", len(env.pipelines) * len(SENDERS), "ways through pipelines, golden data")


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
        yield name, {**sound, whose: text(sound[whose], old, new, times)}, told
    for name, (kinds, told) in BROKEN_CHAINS.items():
        yield name, {**sound, GATEWAY: without(sound[GATEWAY], "optimized", *kinds)}, told
    dropless = without(sound[GATEWAY], "observatory", "filter")
    yield "nothing is dropped", {**sound, GATEWAY: dropless}, "not expected: phoenix_cardinality_observatory_"
    costly = without(text(sound[GATEWAY], ROLLED, f"{ROLLED}false and ", 2), "optimized", "filter")
    yield "nothing is saved", {**sound, GATEWAY: costly}, "and the contract says at least 0.15"


@pytest.mark.parametrize(("configs", "told"), [pytest.param(c, t, id=n) for n, c, t in broken()])
def test_a_broken_pipeline_is_told(configs: dict[str, Config], told: str, tmp_path: Path, judge: Judge) -> None:
    env, _ = ours()
    with run(env, configs, tmp_path) as running:
        subjects = [*fixture.processes(env), *fixture.others()]
        for reading in range(3):
            running.send(subjects, min(reading, 1))
            assert running.arrived(min(reading, 1), "")
        lines = running.findings(subjects, 2, "", settles=0)
    assert [line for line in lines if told in line], lines[:20]
    judge.refused("otelcol", 1, "broken pipelines")
