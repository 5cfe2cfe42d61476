"""Errors at their cause: a finding on a generated object becomes a diagnostic at the policy line behind the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_gitops.artifact import Artifact, Unit
from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.emit import Stage, Summary, UnitOutput
from phoenix_gitops.explaining import show_path
from phoenix_gitops.provenance import Field, trace
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.serialise import object_path
from phoenix_gitops.verify import Finding

_TRACED = 20
"""Tracing takes about half a second: so many findings are traced, the others name the policy that owns the object."""


class Blame:
    """Finds causes; units are emitted again and perturbed only if something in them is at fault."""

    def __init__(
        self, stage: Stage, policies: Mapping[Key, Resolved], summary: Summary, units: Mapping[str, Unit]
    ) -> None:
        """`units` gives the unit of each object's path."""
        self._stage = stage
        self._policies = policies
        self._summary = summary
        self._units = units
        self._outputs: dict[Unit, UnitOutput] = {}
        self._traced = 0

    def diagnostic(self, finding: Finding) -> Diagnostic:
        """The finding at the policy line behind it, with the object in a note."""
        unit = self._units.get(finding.path)
        if unit is None:
            return Diagnostic(code=finding.code, message=finding.message, help=finding.help, severity=finding.severity)
        artifact = self._artifact(unit, finding.path)
        labels = self._labels(unit, artifact, finding)
        path = show_path(finding.at)
        notes = [f"in generated/{finding.path}" + (f" at `{path}`" if path else "")]
        notes += [f"see also generated/{other}" for other in finding.related]
        if artifact.template:
            notes.append(f"shaped by templates/{artifact.template}")
        return Diagnostic(
            code=finding.code,
            message=finding.message,
            primary=labels[0],
            secondary=tuple(labels[1:4]),
            help=finding.help,
            notes=tuple(notes),
            severity=finding.severity,
        )

    def _artifact(self, unit: Unit, path: str) -> Artifact:
        output = self._output(unit)
        return next(a for a in output.objects if object_path(unit, a) == path)

    def _output(self, unit: Unit) -> UnitOutput:
        if unit not in self._outputs:
            self._outputs[unit] = self._stage.emit_unit(unit, self._summary)
        return self._outputs[unit]

    def _labels(self, unit: Unit, artifact: Artifact, finding: Finding) -> list[Label]:
        """Where the value comes from: lines that documents set, else the policy that owns the object."""
        given = [field for field in self._behind(unit, finding) if field.given]
        if given:
            return [self._policies[field.key].origin(field.path).value for field in given]
        resolved = self._policies[artifact.policy.kind, artifact.policy.name]
        return [Label(resolved.document.value_span(("metadata", "name")), "the policy that owns the object")]

    def _behind(self, unit: Unit, finding: Finding) -> Sequence[Field]:
        if finding.severity is not Severity.ERROR or self._traced >= _TRACED:
            return ()
        self._traced += 1
        location = (finding.path, finding.at)
        while True:
            fields = trace(self._stage, self._policies, self._output(unit), self._summary, location)
            if fields or not location[1]:
                return fields
            location = (location[0], location[1][:-1])
