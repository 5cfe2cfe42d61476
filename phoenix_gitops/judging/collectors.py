"""Collector configs before a real collector: which binary it is, and whether it boots from each config."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops import tools
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.judges import collector_faults
from phoenix_gitops.judges.otelcol import CollectorError, Local, local, running
from phoenix_gitops.judges.verdicts import Verdict, failed
from phoenix_gitops.judging.hearing import CONFIGS, PLANTED, Question, Room, command, must_refuse
from phoenix_gitops.processes import Done
from phoenix_gitops.tools import Tool

NAME = "otelcol"
_AT = "@"
"""Stands between the judge and its version where there are several."""

_BOOT_SECONDS = 30.0

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def judge_of(tag: str, tags: Iterable[str]) -> str:
    """The judge of the configs that are made for a tag: one a tag, named with it where there are several."""
    return NAME if {tag} >= set(tags) else f"{NAME}{_AT}{tag}"


def name_of(judge: str) -> str:
    """The program that a judge is."""
    return judge.partition(_AT)[0]


def environment(tag: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Our environment, in which the collector is the one of a version: the user's of this version, the user's of any,
    else the one that set-up keeps.
    """
    wanted = _VERSION.search(tag)
    variable = tools.PROGRAMS[NAME].variable
    if wanted is None:
        return environ
    if own := environ.get(_variable(wanted[0])):
        return {**environ, variable: own}
    kept = tools.cache_dir(environ) / "tools" / NAME / wanted[0] / NAME
    return {**environ, variable: str(kept)} if kept.is_file() and not environ.get(variable) else environ


def _variable(version: str) -> str:
    """The environment variable that names the collector of one version."""
    return f"{tools.PROGRAMS[NAME].variable}_{version.replace('.', '_')}"


def other_version(tool: Tool, version: tuple[int, ...] | None, tag: str) -> list[Diagnostic]:
    """That the collector at hand is not the one that runs: what it takes proves nothing of the other."""
    wanted = _VERSION.search(tag)
    said = ".".join(str(part) for part in version or ())
    if wanted is None or said in ("", wanted[0]):
        return []
    message = f"`{tool.path}` is collector {said}, and the platform runs {wanted[0]}"
    variable = _variable(wanted[0])
    hint = f"let {variable} name a collector {wanted[0]}, or leave the judgement out with `--skip otelcol`"
    return [Diagnostic(code="PHX935", message=message, help=hint)]


def distinct(files: Sequence[str], room: Room) -> dict[str, tuple[str, ...]]:
    """The first file of each config, and the files that hold the same one."""
    found: dict[str, list[str]] = {}
    for file in files:
        found.setdefault(json.dumps(room.load(file), sort_keys=True), []).append(file)
    return {same[0]: tuple(same[1:]) for same in found.values()}


@dataclass(frozen=True, slots=True)
class Components:
    """The components that a binary has, or why that is not known."""

    known: Mapping[str, frozenset[str]]
    failure: Verdict | None = None


def components(tool: Tool, room: Room) -> Components:
    """Asks a collector for its components."""
    folder = Path(tempfile.mkdtemp(dir=room.scratch))
    done = command(room, folder, [tool.path, "components"])
    if isinstance(done, Verdict):
        return Components({}, done)
    said = done.output.decode(errors="replace")
    known = collector_faults.components(said) if done.code == 0 else None
    return Components({}, failed("does not list its components", said)) if known is None else Components(known)


def lacking(tool: Tool, known: Components, configs: Sequence[str], room: Room) -> tuple[list[str], list[Diagnostic]]:
    """The configs that the binary has all components for, and what it lacks for the others."""
    lacks: dict[str, list[str]] = {}
    for file in configs:
        for component in collector_faults.lacking(room.load(file), known.known):
            lacks.setdefault(component, []).append(file)
    without = {file for files in lacks.values() for file in files}
    found = [
        Diagnostic(
            code="PHX936",
            message=f"`{tool.path}` has no {component.replace(' ', ' `', 1)}`, and "
            + (f"{len(files)} configs need it" if len(files) > 1 else "1 config needs it"),
            help="let PHOENIX_OTELCOL name the distribution that the platform's image holds",
            notes=(f"needed by {files[0]}",),
        )
        for component, files in sorted(lacks.items())
    ]
    return [file for file in configs if file not in without], found


def unusable(judge: str, failure: Verdict) -> Question:
    """A question that has its answer already: the collector cannot be asked."""
    return Question(judge, PLANTED, 1, lambda _room, _folder: failure)


def config_questions(judge: str, tool: Tool, configs: Sequence[str]) -> list[Question]:
    """The planted config, which is only shown, and each config, to be booted from."""
    planted = Question(judge, PLANTED, 1, _Planted(tool.path))
    return [planted, *(Question(judge, CONFIGS, 1, _Boot(tool.path, file)) for file in configs)]


@dataclass(frozen=True, slots=True)
class _Planted:
    program: Path

    def __call__(self, room: Room, folder: Path) -> Verdict:
        done = _validate(self.program, local(collector_faults.PLANTED, folder), room)
        return done if isinstance(done, Verdict) else must_refuse(Verdict(refused=int(done.code != 0)))


@dataclass(frozen=True, slots=True)
class _Boot:
    """Whether a collector comes up. It checks a config when it boots as `validate` does, whose words are clearer."""

    program: Path
    file: str

    def __call__(self, room: Room, folder: Path) -> Verdict:
        here = local(room.load(self.file), folder)
        seconds = min(_BOOT_SECONDS, room.limits.seconds)
        try:
            with running(self.program, here, seconds=seconds, start=room.children.start):
                return Verdict(took=1)
        except CollectorError as error:
            booted = str(error)
        except OSError as error:
            return Verdict(failure=f"cannot be run: {error.strerror}")
        done = _validate(self.program, here, room)
        if isinstance(done, Verdict):
            return done
        said = done.output.decode(errors="replace") if done.code else booted
        return Verdict(refused=1, refusals=collector_faults.refusals(self.file, said.replace(f"{folder}/", "")))


def _validate(program: Path, here: Local, room: Room) -> Done | Verdict:
    arguments: list[str | Path] = [program, "validate", f"--config={here.write()}"]
    return command(room, here.folder, arguments, here.environ)
