"""What proof tests of golden data share: environments, collectors that run, readings that are sent."""

from __future__ import annotations

import copy
import itertools
import json
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.front import run_front
from phoenix_gitops.golden import fixture
from phoenix_gitops.golden.metrics import HOST, Kind, Metric
from phoenix_gitops.golden.run import AGENT, GATEWAY, TENANT, Collectors, collectors
from phoenix_gitops.golden.subjects import Subject
from phoenix_gitops.scope import EnvironmentScope
from tests.proof.judge import ROOT
from tests.proof.judge import collectors as binaries
from tests.unit.collector.scopes import environment

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
        files = {GATEWAY: folder / "gateway.yaml", AGENT: folder / "agent.yaml"}
        tenants = sorted(folder.glob("tenant-gateway-*.yaml"))
        if tenants:
            files[TENANT] = tenants[0]
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
    return running.findings(subjects, 1, "-large", contracts=False)
