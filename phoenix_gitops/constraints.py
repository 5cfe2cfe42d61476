"""Guardrails: an organisation's own rules in CUE, run over what each environment's policies say.

A guardrail file reads `input` and fills `violations: NAME: {path: [kind, name, ...], message: string}`. All files
are run over all inputs in one process of `cue`; each is a package of its own, so that a fault in one hides nothing
of the others. Text and data are a stranger's: see `cue_process` for the limits, `guardrail_text` for what is refused.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix_gitops.cue_judge import Judge, Judged
from phoenix_gitops.cue_process import Limits
from phoenix_gitops.cue_text import CueText
from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Span, ordered
from phoenix_gitops.guardrail_text import read_guardrail

_BATCH_BYTES = 1024 * 1024
"""Of input for one process: bounds its memory whatever the number of environments."""

_MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailFile:
    """A guardrail as written: its path from the repository's root and its text."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintInput:
    """What guardrails see as `input`: JSON-like data, named by the environment that it describes."""

    id: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A guardrail objects to an input. `span` is the violation's name in the guardrail.

    `path` begins with the kind and name of the policy at fault and goes on inside that document.
    """

    input: str
    span: Span
    name: str
    path: tuple[str | int, ...]
    message: str

    def diagnostic(self, label: Label | None) -> Diagnostic:
        """PHX401 at the policy line `label`; without one, PHX409: the guardrail blames what does not exist."""
        rule = Label(self.span, f"guardrail `{self.name}`")
        if label is None:
            blamed = "/".join(str(step) for step in self.path[:2])
            message = f"guardrail `{self.name}` blames `{blamed}`, which is no policy of this repository"
            hint = f"mend the violation's `path`; it says: {self.message}"
            return Diagnostic(code="PHX409", message=message, primary=rule, help=hint)
        hint = "change the policy; another rule takes a pull request to the guardrail's own file"
        return Diagnostic(code="PHX401", message=self.message, primary=label, secondary=(rule,), help=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the guardrails object to, and the inputs that not all of them could judge."""

    violations: tuple[Violation, ...] = ()
    unjudged: frozenset[str] = frozenset()


def run(
    guardrails: Sequence[GuardrailFile],
    inputs: Sequence[ConstraintInput],
    *,
    cue: Path,
    limits: Limits | None = None,
) -> Outcome[Verdict]:
    """Every violation of every guardrail over every input, in the order of the inputs, then of the guardrails.

    Diagnostics are faults of the guardrails themselves, PHX402 to PHX408, at the line of the guardrail.
    """
    texts: list[CueText] = []
    found: list[Diagnostic] = []
    violations: list[Violation] = []
    for guardrail in sorted(guardrails, key=lambda each: each.file):
        text, faults = read_guardrail(guardrail.file, guardrail.text)
        found += faults
        texts += [text] if text else []
    unjudged = {each.id for each in inputs} if found else set()
    for batch in _batches(inputs) if texts else ():
        with tempfile.TemporaryDirectory(prefix="phoenix-guardrails-") as folder:
            judge = Judge(Path(folder), texts, [text for _, text in batch], cue, limits or Limits())
            judged = judge.judge()
        found += judged.diagnostics
        unjudged |= {batch[i][0].id for i in judged.unjudged}
        for (i, g), name in judged.objections():
            outcome = _violation(batch[i][0].id, texts[g], name, judged, (i, g))
            if isinstance(outcome, Violation):
                violations.append(outcome)
            else:
                found.append(outcome)
                unjudged.add(batch[i][0].id)
    return Outcome(Verdict(violations=tuple(violations), unjudged=frozenset(unjudged)), ordered(found))


def _batches(inputs: Sequence[ConstraintInput]) -> Iterator[list[tuple[ConstraintInput, str]]]:
    """Inputs with their JSON, as many together as one process may take."""
    batch: list[tuple[ConstraintInput, str]] = []
    size = 0
    for each in inputs:
        text = json.dumps(each.data, ensure_ascii=False, sort_keys=True, allow_nan=False)
        if batch and size + len(text) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append((each, text))
        size += len(text)
    if batch:
        yield batch


def _violation(
    input_id: str, text: CueText, name: str, judged: Judged, pair: tuple[int, int]
) -> Violation | Diagnostic:
    """A violation of the right form, or PHX406."""
    value = judged.values[pair][name]
    span = judged.spans.get((pair[1], name)) or _by_label(text, name)
    fault = _form_fault(value)
    if fault:
        message = f"violation `{name}` {fault}"
        hint = "its form is {path: [kind, name, ...], message: string}, the message one line"
        return Diagnostic(code="PHX406", message=message, primary=Label(span), help=hint)
    return Violation(input=input_id, span=span, name=name, path=tuple(value["path"]), message=value["message"].strip())


def _form_fault(value: object) -> str:
    """What is wrong with a violation's form, empty if nothing is."""
    if not isinstance(value, dict):
        return "is no struct"
    extra = sorted(set(value) - {"path", "message"})
    if extra:
        return f"has a field `{extra[0]}`"
    path, message = value.get("path"), value.get("message")
    if not isinstance(message, str) or not message.strip():
        return "has no `message`"
    if len(message) > _MAX_MESSAGE or not message.strip().isprintable():
        return f"has a `message` that is not one line of at most {_MAX_MESSAGE} characters"
    if not isinstance(path, list) or any(type(step) not in (str, int) for step in path):
        return "has no `path` of names and list indices"
    if len(path) < 2 or not all(isinstance(step, str) for step in path[:2]):
        return "has a `path` that does not begin with a kind and a name"
    return ""


def _by_label(text: CueText, name: str) -> Span:
    """Where a name stands as a label: for the rare violation whose place `cue` did not tell."""
    for token in text.tokens:
        if token.text in (name, json.dumps(name, ensure_ascii=False)):
            return text.span(token)
    return Span(text.file, 1, 1, 1, 2)
