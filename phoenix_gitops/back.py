"""The back half of the pipeline: one environment from its world to rendered files.

emit -> override -> verify -> serialise. An environment's files are given whole or not at all: with an error there
are none, and its tree on disk stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.blame import Blame
from phoenix_gitops.diagnostics import Diagnostic, has_errors, ordered
from phoenix_gitops.emit import Stage, UnitOutput, summarise
from phoenix_gitops.facts import cluster_facts
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.serialise import check_paths, object_path, render_object, render_proof
from phoenix_gitops.verify import Located, Verifier

Progress = Callable[[str, int, int], None]
"""Told of work as it goes on: environment, units done, units in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What an environment gave."""

    environment: str
    clusters: int
    objects: int
    checks: int
    files: tuple[RenderedFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    seconds: float = 0.0
    """Wall time; for people, never part of the output."""

    @property
    def ok(self) -> bool:
        """Whether the environment's tree may be written."""
        return not has_errors(self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the back half is given besides the policies."""

    schemas: Path | None
    """Folder of custom resources' schemas, `schemas/crds/` of the repository."""
    cache: Path | None
    """Folder for compiled schemas; None for none."""


def compile_environment(
    stage: Stage, policies: Mapping[Key, Resolved], tools: Tools, progress: Progress | None = None
) -> Compiled:
    """Every file of one environment."""
    units = list(stage.units())
    outputs = []
    for done, unit in enumerate(units):
        if progress:
            progress(stage.environment, done, len(units))
        outputs.append(stage.emit_unit(unit))
    summary = summarise(outputs)
    outputs.append(stage.emit_unit(stage.gitops_unit, summary))
    found = [fault for output in outputs for fault in output.diagnostics]
    found += _unmatched_overrides(stage, policies, outputs)
    blame = Blame(stage, policies, summary, {output.unit: output for output in outputs})
    checks = 0
    if not has_errors(found):
        verified, checks = _verify(stage, outputs, tools, blame)
        found += verified
    files: tuple[RenderedFile, ...] = ()
    if not has_errors(found):
        files = tuple(sorted(_serialise(outputs), key=lambda file: file.path))
        found += check_paths(files)
    if has_errors(found):
        files = ()
    return Compiled(
        environment=stage.environment,
        clusters=len(stage.clusters),
        objects=sum(len(output.objects) for output in outputs),
        checks=checks,
        files=files,
        diagnostics=ordered(found),
    )


def _serialise(outputs: Sequence[UnitOutput]) -> list[RenderedFile]:
    files = []
    for output in outputs:
        files += [render_object(output.unit, artifact) for artifact in output.objects]
        files += [render_proof(output.unit, proof) for proof in output.proofs]
    return files


def _verify(stage: Stage, outputs: Sequence[UnitOutput], tools: Tools, blame: Blame) -> tuple[list[Diagnostic], int]:
    """The findings on each cluster's objects, at the policy lines that caused them, and how many checks ran."""
    diagnostics: list[Diagnostic] = []
    checks = 0
    by_cluster: dict[str, list[Located]] = {}
    for output in outputs:
        located = by_cluster.setdefault(output.unit.cluster, [])
        located += [Located(output.unit, a, object_path(output.unit, a)) for a in output.objects]
    for cluster in sorted(by_cluster):
        verifier = Verifier(cluster_facts(stage, cluster), schemas=tools.schemas, cache=tools.cache)
        result = verifier.run(by_cluster[cluster])
        checks += result.checks
        diagnostics += [blame.diagnostic(finding, by_cluster[cluster]) for finding in result.findings]
    return diagnostics, checks


def _unmatched_overrides(
    stage: Stage, policies: Mapping[Key, Resolved], outputs: Sequence[UnitOutput]
) -> list[Diagnostic]:
    """An environment's override that finds no object is a mistake; a platform's may mean another environment."""
    matched = frozenset().union(*(output.matched for output in outputs))
    platform = len(stage.world.platform.spec.overrides)
    policy = policies["Environment", stage.environment]
    return [
        Diagnostic(
            code="PHX620",
            message=f"the override of {override.kind} `{override.name}` finds no object",
            primary=policy.origin(("spec", "overrides", i - platform, "target")).value,
            help="`phoenix show artifacts -e ENVIRONMENT` lists the objects",
        )
        for i, override in enumerate(stage.overrides)
        if i >= platform and i not in matched
    ]
