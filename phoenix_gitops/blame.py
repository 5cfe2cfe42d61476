"""Errors at their cause: a finding on a generated object becomes a diagnostic at the policy line that made the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_gitops.artifact import PolicyRef, Unit
from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.emit import Stage, Summary, UnitOutput
from phoenix_gitops.provenance import Field, Influence, influence
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.verify import Finding, Located

_TRACED_UNITS = 8
"""Tracing a unit takes up to seconds; with faults in more units than this the first ones are traced."""


class Blame:
    """Finds causes; each unit is perturbed once, and only if something in it is at fault."""

    def __init__(
        self,
        stage: Stage,
        policies: Mapping[Key, Resolved],
        summary: Summary,
        outputs: Mapping[Unit, UnitOutput],
    ) -> None:
        self._stage = stage
        self._policies = policies
        self._summary = summary
        self._outputs = outputs
        self._traced: dict[Unit, Influence] = {}

    def diagnostic(self, finding: Finding, objects: Sequence[Located]) -> Diagnostic:
        """The finding at the policy line behind it, with the object in a note."""
        located = next((o for o in objects if o.path == finding.path), None)
        if located is None:
            return Diagnostic(code=finding.code, message=finding.message, help=finding.help, severity=finding.severity)
        labels = self._labels(located, finding)
        path = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in finding.at).removeprefix(".")
        notes = [f"in generated/{finding.path}" + (f" at `{path}`" if path else "")]
        notes += [f"see also generated/{other}" for other in finding.related]
        if located.artifact.template:
            notes.append(f"shaped by templates/{located.artifact.template}")
        return Diagnostic(
            code=finding.code,
            message=finding.message,
            primary=labels[0],
            secondary=tuple(labels[1:4]),
            help=finding.help,
            notes=tuple(notes),
            severity=finding.severity,
        )

    def _labels(self, located: Located, finding: Finding) -> list[Label]:
        """Where the value comes from: lines that documents set first, then the owning policy."""
        fields = self._behind(located, finding)
        given = [field for field in fields if field.given]
        if given:
            return [self._policies[field.key].origin(field.path).value for field in given]
        return [self._owner(located.artifact.policy)]

    def _behind(self, located: Located, finding: Finding) -> Sequence[Field]:
        unit = located.unit
        if unit not in self._traced:
            if len(self._traced) >= _TRACED_UNITS:
                return ()
            self._traced[unit] = influence(self._stage, self._policies, self._outputs[unit], self._summary)
        return self._traced[unit].behind(located.path, finding.at)

    def _owner(self, policy: PolicyRef) -> Label:
        resolved = self._policies[policy.kind, policy.name]
        return Label(resolved.document.value_span(("metadata", "name")), "the policy that owns the object")
