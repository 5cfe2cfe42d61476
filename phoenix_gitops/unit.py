"""One unit of work from emitter to finished files and verdicts: what a cache keeps and a worker returns."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_gitops.artifact import RenderedFile, Unit
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emit import Stage, Summary
from phoenix_gitops.emitters.gitops.fences import Rule
from phoenix_gitops.serialise import render_object, render_proof
from phoenix_gitops.verify import Checked, Schemas, check


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """A unit's files, and of each object what it says alone and what others must know of it."""

    unit: Unit
    files: tuple[RenderedFile, ...]
    checked: tuple[tuple[str, Checked], ...]
    """Objects by path."""
    kinds: frozenset[tuple[str, str, bool]]
    """(API group, kind, whether it is namespaced)."""
    namespaces: frozenset[str]
    grants: frozenset[Rule]
    """Rights that whoever applies the roles among the objects must hold."""
    diagnostics: tuple[Diagnostic, ...]
    matched: frozenset[int]
    """Overrides that found an object here."""
    checks: int


def run_unit(stage: Stage, unit: Unit, schemas: Schemas | None, summary: Summary | None = None) -> UnitResult:
    """Emit, serialise and check one unit; without schemas (an unknown Kubernetes version) objects are not checked."""
    output = stage.emit_unit(unit, summary)
    rendered = [render_object(unit, artifact) for artifact in output.objects]
    checked: tuple[tuple[str, Checked], ...] = ()
    if schemas is not None:
        checked = tuple(
            (file.path, check(artifact.body, schemas)) for file, artifact in zip(rendered, output.objects, strict=True)
        )
    proofs = [render_proof(unit, proof) for proof in output.proofs]
    diagnostics = list(output.diagnostics)
    for further in output.further_proofs():
        if isinstance(further, Diagnostic):
            diagnostics.append(further)
        else:
            proofs.append(render_proof(unit, further))
    return UnitResult(
        unit=unit,
        files=(*rendered, *proofs),
        checked=checked,
        kinds=output.kinds,
        namespaces=output.namespaces,
        grants=output.grants,
        diagnostics=tuple(diagnostics),
        matched=output.matched,
        checks=len(rendered) + len(proofs),
    )
