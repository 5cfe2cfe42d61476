"""Golden data through the collectors that were compiled: what comes out of each pipeline is what its policy says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.emit import Stage
from phoenix_gitops.golden import fixture
from phoenix_gitops.golden.run import AGENT, GATEWAY, TENANT, Collectors, collectors
from phoenix_gitops.judges.otelcol import CollectorError
from phoenix_gitops.judges.verdicts import BROKEN_POLICY, Refusal, Verdict, failed
from phoenix_gitops.judging.hearing import WAYS, Question, Room
from phoenix_gitops.scope import EnvironmentScope
from phoenix_gitops.tools import Tool

_READINGS = 2
_SHOWN = 8
"""Differences of one pipeline that are shown."""

_LINE = re.compile(r"pipeline (?P<pipeline>[^,]+), export (?P<export>[^:]+): (?P<message>.*)", re.DOTALL)
_NAMES = (("gateway.yaml", GATEWAY), ("agent.yaml", AGENT), ("tenant-gateway-*.yaml", TENANT))


@dataclass(frozen=True, slots=True)
class Ways:
    """The collectors of a cluster: their configs by who sends to them."""

    env: EnvironmentScope
    senders: tuple[tuple[str, str], ...]
    """(sender, file) of each."""

    @property
    def files(self) -> frozenset[str]:
        """Their configs."""
        return frozenset(file for _, file in self.senders)

    @property
    def number(self) -> int:
        """How many ways lead through pipelines: from each sender through each."""
        return len(self.senders) * len(self.env.pipelines)


def ways(stages: Iterable[Stage], files: Sequence[str], room: Room) -> tuple[Ways, ...]:
    """The collectors of each cluster; clusters whose collectors are the same are tried once."""
    scopes = {stage.environment: stage.scope for stage in stages}
    found: dict[str, Ways] = {}
    folders = sorted({file.rpartition("/")[0] for file in files})
    for folder in folders:
        inside = [Path(file) for file in files if file.startswith(f"{folder}/")]
        chosen = [(sender, next((f for f in inside if f.match(pattern)), None)) for pattern, sender in _NAMES]
        senders = tuple((sender, str(file)) for sender, file in chosen if file is not None)
        if senders and senders[0][0] == GATEWAY:
            environment = folder.split("/")[2]
            key = json.dumps([environment, *(room.load(file) for _, file in senders)], sort_keys=True)
            found.setdefault(key, Ways(scopes[environment], senders))
    return tuple(found.values())


def questions(judge: str, tool: Tool, found: Iterable[Ways]) -> list[Question]:
    """Golden data through the collectors of each."""
    return [Question(judge, WAYS, each.number, _Golden(tool.path, each), each.files) for each in found]


@dataclass(frozen=True, slots=True)
class _Golden:
    program: Path
    ways: Ways

    def __call__(self, room: Room, folder: Path) -> Verdict:
        configs = {sender: room.load(file) for sender, file in self.ways.senders}
        try:
            with collectors(
                self.program,
                self.ways.env,
                folder / "collectors",
                gateway=configs[GATEWAY],
                agent=configs.get(AGENT),
                tenant=configs.get(TENANT),
                start=room.children.start,
            ) as running:
                found = [refusal for sender in configs for refusal in self._refusals(running, sender)]
        except (CollectorError, OSError) as error:
            return failed("did not take golden data to the end", str(error))
        return Verdict(took=self.ways.number - len(found), refused=len(found), refusals=tuple(found))

    def _refusals(self, running: Collectors, sender: str) -> Iterator[Refusal]:
        """One for each pipeline that does not do what its policy says to what this sender sends."""
        lines: dict[str, list[str]] = {}
        for line in _differences(running, sender):
            told = _LINE.fullmatch(line)
            name = told["pipeline"] if told else self.ways.env.pipelines[0].metadata.name
            lines.setdefault(name, []).append(f"export {told['export']}: {told['message']}" if told else line)
        for name, (first, *rest) in lines.items():
            more = [f"and {len(rest) - _SHOWN} differences more"] if len(rest) > _SHOWN else []
            yield Refusal(
                code=BROKEN_POLICY,
                file=dict(self.ways.senders)[GATEWAY],
                message=f"breaks its policy with what came from the {sender}; {first}",
                about=f"the pipeline `{name}`",
                policy=("Pipeline", name),
                said=(*rest[:_SHOWN], *more),
            )


def _differences(running: Collectors, sender: str) -> list[str]:
    salt = f"-{sender}"
    subjects = [*fixture.processes(running.env, salt=salt), *fixture.others(salt=salt)]
    for reading in range(_READINGS):
        running.send(subjects, reading, sender)
        if not running.arrived(reading, salt):
            return [f"reading {reading + 1} did not arrive"]
    return running.findings(subjects, _READINGS, salt, sender)
