"""Rule groups of a cluster: read, ordered by what they build on, replayed over the stores by vmalert.

Prometheus has no replay of alerts, and that of records would put them at other times. So vmalert drives both: it asks
the engine for each rule's expression over the whole story and writes back what comes out, records and `ALERTS`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.syntax import Selector
from tests.proof.judge import PROOF, tool
from tests.proof.replay.engines import Engine
from tests.proof.replay.remote_write import bodies
from tests.proof.replay.series import START, Series

Group = dict[str, Any]


def cluster_groups(environment: str, cluster: str) -> list[Group]:
    """All groups of a cluster, in the order of their files; their names are unique."""
    files = sorted((PROOF / environment / cluster / "rules").rglob("*.yaml"))
    found = [group for path in files for group in yaml.load(path.read_text(), yaml.CSafeLoader)["groups"]]
    names = [group["name"] for group in found]
    assert len(names) == len(set(names)) > 0
    return found


def selectors(group: Group) -> Iterator[Selector]:
    """Every selector of a group's rules."""
    for rule in group["rules"]:
        yield from syntax.selectors(syntax.parse(rule["expr"]))


def records(groups: Iterable[Group]) -> set[str]:
    """The names that groups record."""
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def layers(groups: list[Group]) -> list[list[Group]]:
    """Groups in layers: each reads only what earlier layers record. One that reads itself may."""
    recorded = records(groups)
    waiting = {group["name"]: group for group in groups}
    reads = {name: {s.name for s in selectors(group)} & recorded for name, group in waiting.items()}
    found: list[list[Group]] = []
    while waiting:
        ready = [
            group
            for name, group in waiting.items()
            if not reads[name] & records(other for other in waiting.values() if other is not group)
        ]
        assert ready, f"a circle among {sorted(waiting)}"
        found.append(ready)
        for group in ready:
            del waiting[group["name"]]
    return found


def replay(folder: Path, engines: Sequence[Engine], groups: list[Group], seconds: int) -> None:
    """Evaluate groups over the first seconds of the story in each engine; no rule may read another of these groups."""
    if not groups:
        return
    file = folder / "layer.yaml"
    file.write_text(json.dumps({"groups": groups}))
    running = [(engine, _vmalert(engine, file, seconds)) for engine in engines]
    for engine, child in running:
        said, _ = child.communicate(timeout=120)
        assert child.returncode == 0, f"{engine.name}:\n{said[-3000:]}"
        assert "dropped" not in said, said[-3000:]
        engine.flush()
        engine.write(bodies(_ends(engine, groups, seconds)))


def _ends(engine: Engine, groups: list[Group], seconds: int) -> Iterator[Series]:
    """Markers where a recorded series ends: both evaluators write them as they go, the replay does not."""
    for group in groups:
        step = milliseconds(group["interval"]) // 1000
        for name in sorted(records([group])):
            for labels, values in engine.samples(name, seconds).items():
                after = [(at + step, None) for at in sorted(values) if at + step not in values and at + step <= seconds]
                if after:
                    yield Series(dict(labels), tuple(after))


def _vmalert(engine: Engine, rules: Path, seconds: int) -> subprocess.Popen[str]:
    first, last = (datetime.fromtimestamp(START + at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (0, seconds))
    command: list[str | Path] = [
        tool("vmalert"),
        f"-rule={rules}",
        f"-datasource.url={engine.url}",
        f"-remoteWrite.url={engine.url}",
        "-remoteWrite.flushInterval=100ms",
        f"-replay.timeFrom={first}",
        f"-replay.timeTo={last}",
        "-replay.rulesDelay=0",
        "-replay.disableProgressBar",
        "-disableAlertgroupLabel",
        "-httpListenAddr=127.0.0.1:0",
    ]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
