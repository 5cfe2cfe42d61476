"""Refusals at their cause: what a judge has against a generated file, at the policy line behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from phoenix_gitops.artifact import ProofFile, Unit
from phoenix_gitops.blame import Blame
from phoenix_gitops.diagnostics import Diagnostic, Label, Span
from phoenix_gitops.document import Document, Path
from phoenix_gitops.emit import Stage, summarise
from phoenix_gitops.judges.verdicts import BROKEN_POLICY, NOT_RUNNING, REFUSED, TEST_FAILED, Refusal
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.serialise import object_path, proof_path
from phoenix_gitops.source import parse
from phoenix_gitops.template_files import TemplateFiles
from phoenix_gitops.verify import Finding
from phoenix_gitops.verify.finding import Fault

GENERATED = "generated/"

_LONGEST = 400
"""Characters of a judge's words that are shown in one line."""
_MOST_NOTES = 12

_SAYS = {REFUSED: "{judge} refuses {about}: {message}", NOT_RUNNING: "{judge} does not run from {about}: {message}"}
_HELPS = {
    REFUSED: "mend it where it is written; what every judge of rules refuses never runs",
    TEST_FAILED: "mend the rule, or what the test expects of it",
    NOT_RUNNING: "mend it where it is written; pods with this config would not start",
    BROKEN_POLICY: "an override or an emitter of your own may be behind it; else please report it, with the policy",
}


@dataclass(frozen=True, slots=True)
class _Made:
    """A proof file as it was made."""

    unit: Unit
    proof: ProofFile
    carrier: str
    """The path of the object that carries it, empty where there is none."""


@dataclass
class _Environment:
    """One environment emitted once more: refusals are rare, so nothing is kept for them."""

    blame: Blame
    made: Mapping[str, _Made]


@dataclass
class Causes:
    """Finds the lines behind refusals. `tests` are the user's own tests, `files` the bytes of generated ones."""

    stages: Mapping[str, Stage]
    policies: Mapping[Key, Resolved]
    templates: TemplateFiles | None
    tests: Mapping[str, Document]
    files: Mapping[str, bytes]
    sources: dict[str, str] = field(default_factory=dict)
    """Texts of the generated files that diagnostics point at, for carets."""
    _environments: dict[str, _Environment] = field(default_factory=dict)
    _documents: dict[str, Document | None] = field(default_factory=dict)

    def diagnostic(self, judge: str, refusal: Refusal, same: Sequence[str] = ()) -> Diagnostic:
        """What a judge has against a file, at its cause; `same` are files with the same content."""
        about = refusal.about or f"`{refusal.file.rpartition('/')[2]}`"
        said = " ".join(refusal.message.split())
        words = _SAYS.get(refusal.code, "{judge}: {about} {message}")
        message = words.format(
            judge=judge, about=about, message=said if len(said) <= _LONGEST else said[:_LONGEST] + "…"
        )
        notes = [line.strip() for line in refusal.said][:_MOST_NOTES]
        notes += [f"the same in {len(same)} more, such as {same[0]}"] if same else []
        found = Diagnostic(code=refusal.code, message=message, help=_HELPS[refusal.code], notes=tuple(notes))
        there = self._there(refusal)
        if refusal.file in self.tests:
            return replace(found, primary=there)
        if refusal.policy is not None:
            span = self.policies[refusal.policy].document.value_span(("metadata", "name"))
            return replace(found, primary=Label(span), notes=(*found.notes, f"sent through {refusal.file}"))
        labels, notes_of_object = self._behind(refusal, found)
        if not labels:
            return replace(found, primary=there)
        shown = replace(there, text=f"{judge} reads this") if there else None
        secondary = (*labels[1:3], *((shown,) if shown else ()))
        return replace(found, primary=labels[0], secondary=secondary, notes=(*found.notes, *notes_of_object))

    def _there(self, refusal: Refusal) -> Label | None:
        """Where in the file that was judged the fault stands."""
        document = self.tests.get(refusal.file) or self._generated(refusal.file)
        if document is None:
            return Label(Span(refusal.file, refusal.line, 1, refusal.line, 2)) if refusal.line else None
        if refusal.at:
            return Label(first_line(document, refusal.at))
        line = refusal.line or 1
        on_line = (place.key or place.value for place in document.places.values())
        spans = [span for span in on_line if span.line == line == span.end_line]
        return Label(min(spans, default=Span(refusal.file, line, 1, line, 2)))

    def _generated(self, file: str) -> Document | None:
        if file not in self._documents and file in self.files:
            self._documents[file] = parse(file, self.files[file]).value
            self.sources[file] = self.files[file].decode(errors="replace")
        return self._documents.get(file)

    def _behind(self, refusal: Refusal, found: Diagnostic) -> tuple[list[Label], tuple[str, ...]]:
        """The policy lines behind a value, and where its object stands."""
        path = refusal.file.removeprefix(GENERATED)
        environment = self._environment(path.split("/")[1])
        made = environment.made.get(path) if environment else None
        if environment is None or made is None:
            return [], ()
        document = self._generated(refusal.file)
        at = refusal.at or (_at_line(document, refusal.line) if document and refusal.line else ())
        fault = Fault(at=at, code=found.code, message=found.message, help=found.help)
        if made.carrier and made.proof.carrier and made.proof.folder == "rules":
            inside = replace(fault, at=(*made.proof.carrier.at, *at))
            told = environment.blame.diagnostic(Finding(path=made.carrier, fault=inside))
            return [label for label in (told.primary, *told.secondary) if label], told.notes
        labels = environment.blame.of_proof(made.unit, Finding(path=path, fault=fault))
        owner = self.policies[made.proof.policy.kind, made.proof.policy.name]
        named = Label(owner.document.value_span(("metadata", "name")), "the policy that owns it")
        return labels or [named], (f"in generated/{made.carrier}",) if made.carrier else ()

    def _environment(self, name: str) -> _Environment | None:
        if name in self.stages and name not in self._environments:
            self._environments[name] = self._emitted(self.stages[name])
        return self._environments.get(name)

    def _emitted(self, stage: Stage) -> _Environment:
        outputs = [stage.emit_unit(unit) for unit in stage.units()]
        summary = summarise(outputs)
        units: dict[str, Unit] = {}
        made: dict[str, _Made] = {}
        for output in outputs:
            paths = {object_path(output.unit, artifact): artifact for artifact in output.objects}
            units |= dict.fromkeys(paths, output.unit)
            for proof in output.proofs:
                carrier = proof.carrier
                carried = next((path for path, a in paths.items() if carrier and carrier.is_(a)), "")
                made[proof_path(output.unit, proof)] = _Made(output.unit, proof, carried)
        return _Environment(Blame(stage, self.policies, summary, units, self.templates), made)


def first_line(document: Document, at: Path) -> Span:
    """Where a value stands, or its key, as far as one line holds it."""
    value, key = document.value_span(at), document.key_span(at)
    span = value if value.line == value.end_line else key
    return span if span.line == span.end_line else Span(span.file, span.line, span.col, span.line, span.col + 1)


def _at_line(document: Document, line: int) -> Path:
    """The deepest path that begins on a line."""
    paths: Iterable[Path] = (path for path, place in document.places.items() if (place.key or place.value).line == line)
    return max(paths, key=len, default=())
