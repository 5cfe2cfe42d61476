"""Errors at their cause: a finding on a generated object becomes a diagnostic at the line behind the value.

The cause is what changes the value when it is taken away: an override, the user's own template, or a field of a
policy. Units are emitted again without each suspect only if something in them is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec

from phoenix_gitops.artifact import Artifact, Unit
from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span
from phoenix_gitops.document import Path
from phoenix_gitops.emit import Stage, Summary, UnitOutput
from phoenix_gitops.explaining import value_at
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.paths import show_path
from phoenix_gitops.placing import patch_path, template_line
from phoenix_gitops.provenance import confirmed, trace
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import REF, schema_at
from phoenix_gitops.serialise import object_path, proof_path
from phoenix_gitops.template_files import Source, TemplateFiles
from phoenix_gitops.template_lint import line_span
from phoenix_gitops.templating import Renderer
from phoenix_gitops.trials import Field
from phoenix_gitops.verify import Finding

_TRACED = 20
"""Tracing takes about half a second: so many findings are traced, the others name the policy that owns the object."""

_TELLING = 4
"""A value that more fields move is a whole of which they are parts: none of them is the cause."""

_AS_IS, _BUILT_IN = -1, -2
"""Variants of the stage beside those without one of its overrides."""

_KEYS = ("PHX703", "PHX712")
"""Codes of faults that lie in a key, not in its value."""

_OF_EVERYTHING = ("Platform", "Environment")
"""Kinds whose fields reach into everything."""

_OF_TENANTS = ("Tenant", "TenantClass", "SLO", "RuleSet")
"""Kinds that may say something else to each tenant."""

_Likeness = tuple[str, str, str, str, Path, tuple[int, ...]]
"""What findings of one cause have in common: component, kind, template, code, path and overrides of the object."""


def override_place(stage: Stage, policies: Mapping[Key, Resolved], index: int) -> tuple[Resolved, Path]:
    """The policy and the path in it of one of `stage.overrides`."""
    platform = stage.world.platform
    inherited = len(platform.spec.overrides)
    if index < inherited:
        return policies["Platform", platform.metadata.name], ("spec", "overrides", index)
    return policies["Environment", stage.environment], ("spec", "overrides", index - inherited)


class Blame:
    """Finds causes for the findings of one environment."""

    def __init__(
        self,
        stage: Stage,
        policies: Mapping[Key, Resolved],
        summary: Summary,
        units: Mapping[str, Unit],
        templates: TemplateFiles | None = None,
    ) -> None:
        """`units` gives the unit of each object's path, `templates` where the stage reads its templates."""
        self._stage = stage
        self._policies = policies
        self._summary = summary
        self._units = units
        self._templates = templates
        self._variants: dict[int, Stage] = {_AS_IS: stage}
        self._outputs: dict[tuple[int, Unit], UnitOutput] = {}
        self._known: dict[_Likeness, list[Label]] = {}
        self._suspects: dict[_Likeness, tuple[Field, ...]] = {}
        self._traced = 0

    def diagnostic(self, finding: Finding) -> Diagnostic:
        """The finding at the line behind it, with the object in a note."""
        unit = self._units.get(finding.path)
        if unit is None:
            fault = finding.fault
            return Diagnostic(
                code=fault.code,
                message=fault.message,
                primary=Label(Span(fault.file, 1, 1, 1, 1)) if fault.file else None,
                help=fault.help,
                notes=fault.notes,
                severity=fault.severity,
            )
        artifact = self._artifact(_AS_IS, unit, finding.path)
        assert artifact is not None, "findings are about what the stage emits"
        labels = self._labels(unit, artifact, finding) or [self._owner(artifact)]
        path = show_path(finding.at)
        notes = [f"in generated/{finding.path}" + (f" at `{path}`" if path else "")]
        notes += [f"see also generated/{other}" for other in finding.related]
        return Diagnostic(
            code=finding.code,
            message=finding.message,
            primary=labels[0],
            secondary=tuple(labels[1:4]),
            help=finding.help,
            notes=tuple(notes),
            severity=finding.severity,
        )

    def of_proof(self, unit: Unit, finding: Finding) -> list[Label]:
        """The lines behind a value of a proof file; for a whole that many fields move the one policy that has them."""
        if (_AS_IS, unit) not in self._outputs:
            self._outputs[_AS_IS, unit] = self._stage.emit_unit(unit, self._summary)
        output = self._outputs[_AS_IS, unit]
        body = next((proof.body for proof in output.proofs if proof_path(unit, proof) == finding.path), None)
        if self._traced >= _TRACED:
            return []
        self._traced += 1
        for at in (finding.at, *_above(finding.at)):
            found = trace(self._stage, self._policies, output, self._summary, (finding.path, at))
            reach = {field: _reach(field) for field in found if field.given}
            given = [field for field, far in reach.items() if far == min(reach.values())]
            if given and len(given) <= _TELLING:
                return self._set_by(given, value_at(body, finding.at))
            owners = {field.key for field in given}
            if len(owners) == 1:
                policy = self._policies[owners.pop()]
                return [Label(policy.document.value_span(("metadata", "name")), "the policy behind it")]
        return []

    def _labels(self, unit: Unit, artifact: Artifact, finding: Finding) -> list[Label]:
        """Where the value comes from; empty if no override, template of the user's or document's field sets it."""
        overrides = tuple(i for i, override in enumerate(self._stage.overrides) if override.matches(artifact))
        like = (artifact.component, artifact.kind, artifact.template, finding.code, finding.at, overrides)
        if like in self._known:
            return self._known[like]
        # What is wrong need not be the value itself, such as a selector whose labels were changed: so the objects
        # that take part are suspects before the fields behind the value, and the whole object after them.
        change = self._change(finding, finding.path, finding.at) or self._changes(finding, finding.related)
        suspects = () if change else self._confirmed(unit, finding, self._suspects.get(like, ()))
        fields = suspects or (() if change else self._behind(unit, finding, (finding.at,)))
        if not change and not fields:
            change = self._changes(finding, (finding.path,))
            fields = () if change else self._behind(unit, finding, _above(finding.at))
        labels = change or self._set_by(fields, value_at(artifact.body, finding.at))
        if labels and not any(field.key[0] in _OF_TENANTS for field in fields):
            self._known[like] = labels
        self._suspects[like] = fields
        return labels

    def _changes(self, finding: Finding, files: Iterable[str]) -> list[Label]:
        """The first change of any of these whole files."""
        return next((labels for file in files if (labels := self._change(finding, file, ()))), [])

    def _set_by(self, fields: Iterable[Field], value: object) -> list[Label]:
        """The lines of fields, the likeliest first: those that say the value, of which the repository's own."""

        def unlikely(field: Field) -> tuple[bool, bool, bool]:
            said = value_at(self._policies[field.key].data, field.path)
            points = REF in (schema_at(field.key[0], field.path) or {})
            return str(said) != str(value), points, self._line(field).span.file.startswith("preset:")

        return [self._line(field) for field in sorted(fields, key=unlikely)]

    def _line(self, field: Field) -> Label:
        return self._policies[field.key].origin(field.path).value

    def _owner(self, artifact: Artifact) -> Label:
        resolved = self._policies[artifact.policy.kind, artifact.policy.name]
        return Label(resolved.document.value_span(("metadata", "name")), "the policy that owns the object")

    def _change(self, finding: Finding, file: str, at: Path) -> list[Label]:
        """The override or the user's template without which the value at `at` in a file would be another one."""
        unit = self._units.get(file)
        artifact = self._artifact(_AS_IS, unit, file) if unit else None
        if unit is None or artifact is None:
            return []
        for index in reversed(range(len(self._stage.overrides))):
            if self._stage.overrides[index].matches(artifact) and self._differs(index, unit, artifact, file, at):
                return [self._override_label(index, artifact, finding)]
        source = self._user_template(artifact.template)
        if source and self._differs(_BUILT_IN, unit, artifact, file, at):
            line = template_line(source.text, finding.at if file == finding.path else ())
            return [Label(line_span(source.file, source.text, line), "your template writes it")]
        return []

    def _differs(self, variant: int, unit: Unit, artifact: Artifact, file: str, at: Path) -> bool:
        other = self._artifact(variant, unit, file)
        return other is None or value_at(other.body, at) != value_at(artifact.body, at)

    def _override_label(self, index: int, artifact: Artifact, finding: Finding) -> Label:
        policy, path = override_place(self._stage, self._policies, index)
        patch = self._stage.overrides[index].patch
        inner = patch_path(patch, artifact.body, finding.at)
        origin = policy.origin((*path, "patch", *inner))
        named = finding.code in _KEYS or isinstance(value_at(patch, inner), dict | list)
        return replace(origin.key if named else origin.value, text="this override sets it")

    def _user_template(self, name: str) -> Source | None:
        """The text of a template that the user wrote; None for a built-in one."""
        if not name or self._templates is None:
            return None
        source = self._templates.read(name)
        return source if isinstance(source, Source) and self._templates.is_users(source) else None

    def _artifact(self, variant: int, unit: Unit, path: str) -> Artifact | None:
        """The object of a file in the stage as it is, without an override, or with built-in templates."""
        if (variant, unit) not in self._outputs:
            if variant not in self._variants:
                self._variants[variant] = self._variant(variant)
            self._outputs[variant, unit] = self._variants[variant].emit_unit(unit, self._summary)
        return next((a for a in self._outputs[variant, unit].objects if object_path(unit, a) == path), None)

    def _variant(self, variant: int) -> Stage:
        if variant == _BUILT_IN:
            assert self._templates is not None
            return replace(self._stage, render=Renderer(replace(self._templates, user=None)).render)
        policy, path = override_place(self._stage, self._policies, variant)
        model = self._stage.world.policies[policy.key]
        assert isinstance(model, Environment | Platform)
        kept = [patch for i, patch in enumerate(model.spec.overrides) if i != path[-1]]
        spec = msgspec.structs.replace(model.spec, overrides=kept)
        changed = msgspec.structs.replace(model, spec=spec)
        return replace(self._stage, world=self._stage.world.with_policy(policy.key, changed))

    def _confirmed(self, unit: Unit, finding: Finding, suspects: tuple[Field, ...]) -> tuple[Field, ...]:
        """The causes of a like finding, those of its tenant put as this one's, if they are causes here, too."""
        here = tuple(
            replace(field, key=("Tenant", unit.tenant)) if unit.tenant and field.key[0] == "Tenant" else field
            for field in suspects
        )
        location = (finding.path, finding.at)
        output = self._outputs[_AS_IS, unit]
        if here and confirmed(self._stage, self._policies, output, self._summary, location, suspects=here):
            return here
        return ()

    def _behind(self, unit: Unit, finding: Finding, places: Iterable[Path]) -> tuple[Field, ...]:
        """Fields that documents give and that move the first of these places that any field moves."""
        if finding.severity is not Severity.ERROR or self._traced >= _TRACED:
            return ()
        self._traced += 1
        output = self._outputs[_AS_IS, unit]
        for at in places:
            fields = trace(self._stage, self._policies, output, self._summary, (finding.path, at), enough=_TELLING)
            if fields:
                given = tuple(field for field in fields if field.given)
                return given if len(given) <= _TELLING else ()
        return ()


def _reach(field: Field) -> tuple[bool, bool]:
    """How far a field reaches: one of everything farther than one of a policy, a name farther than what it names."""
    return (field.key[0] in _OF_EVERYTHING, field.path == ("metadata", "name"))


def _above(at: Path) -> Iterator[Path]:
    """The path's parents, the nearest first, up to the object's existence."""
    return (at[:length] for length in range(len(at) - 1, -1, -1))
