"""One batch of inputs before all guardrails: the CUE module that is written for it, run, and asked where things stand.

Guardrail n becomes package `gn` of a throw-away module, input n the field `inputs.in`, and a main file unifies each
pair of them. `cue` gives no places with values; so what was violated is unified once more with a string, and the
conflicts that this provokes carry the places.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix_gitops.cue_faults import Fault, read_faults
from phoenix_gitops.cue_process import Done, Limits, run_cue
from phoenix_gitops.cue_text import CueText, Token
from phoenix_gitops.diagnostics import Diagnostic, Label, Span

Pair = tuple[int, int]
"""Indices of an input and of a guardrail."""

_ROUNDS = 8
"""`cue` may report faults in portions; after so many, what is left is given up with its last fault."""

_MODULE = 'module: "phoenix.local"\nlanguage: version: "v0.17.0"\n'

_STOPPED = {
    "time": ("did not finish within {seconds:g} s", "make it smaller: loops inside loops grow fast"),
    "memory": ("needs more than {memory} MiB of memory", "make it smaller: it builds lists or texts too large"),
    "output": ("has more than {output} MiB to say", "report fewer violations, or shorter ones"),
}


_HINTS = (
    ("undefined", "fields are named as in the policies; one that may be absent is tested first, `if input.a.b != _|_`"),
    ("not found", "it is no field of this file, no import, and not `input`, which a file declares with `input: _`"),
    ("", "`cue vet` on the file shows the same fault"),
)


@dataclass(slots=True)
class Judged:
    """What came out: `violations` as plain data by pair, where each name stands, and faults of guardrails."""

    values: dict[Pair, dict[str, Any]] = field(default_factory=dict)
    spans: dict[tuple[int, str], Span] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unjudged: set[int] = field(default_factory=set)

    def objections(self) -> Iterator[tuple[Pair, str]]:
        """Each violation's pair and name, by input, guardrail and name."""
        return ((pair, name) for pair in sorted(self.values) for name in sorted(self.values[pair]))


class Judge:
    """Runs guardrails over one batch of inputs, in a folder that holds nothing else."""

    def __init__(
        self, folder: Path, texts: Sequence[CueText], inputs: Sequence[str], cue: Path, limits: Limits
    ) -> None:
        self._folder, self._texts, self._inputs = folder, texts, inputs
        self._cue, self._limits = cue, limits
        self._judged = Judged()
        self._deadline = 0.0

    def judge(self) -> Judged:
        """Evaluates every pair of an input and a guardrail."""
        self._write()
        pairs = [(i, g) for i in range(len(self._inputs)) for g in range(len(self._texts))]
        # Guardrails that exceed a limit together are run one by one, for as long again.
        self._deadline = time.monotonic() + 3 * self._limits.seconds
        self._evaluate(pairs)
        violated = [pair for pair in pairs if self._judged.values.get(pair)]
        if violated:
            self._locate(violated)
        self._judged.unjudged = {i for i, g in pairs if (i, g) not in self._judged.values}
        return self._judged

    def _write(self) -> None:
        module = self._folder / "cue.mod"
        module.mkdir()
        (module / "module.cue").write_text(_MODULE, encoding="utf-8")
        for g, text in enumerate(self._texts):
            package = self._folder / f"g{g}"
            package.mkdir()
            (package / "rule.cue").write_text(text.text, encoding="utf-8", newline="")
        fields = ",".join(f'"i{i}":{text}' for i, text in enumerate(self._inputs))
        (self._folder / "inputs.json").write_text(f'{{"inputs":{{{fields}}}}}', encoding="utf-8")

    def _run(self, expression: str, pairs: Sequence[Pair], violations: str) -> Done:
        """Exports `expression`: for each pair the guardrail's `violations`, unified with a constraint."""
        rows = [
            f'{expression}: "i{i}": "g{g}": (g{g} & {{input: inputs.i{i}, violations: {violations}}}).violations'
            for i, g in pairs
        ]
        imports = [f'import g{g} "phoenix.local/g{g}:{self._package(g)}"' for g in sorted({g for _, g in pairs})]
        main = "\n".join(["package main", *imports, "inputs: _", *rows, ""])
        (self._folder / "main.cue").write_text(main, encoding="utf-8")
        arguments = ["export", "--all-errors", "--out", "json", "--expression", expression]
        return run_cue(self._cue, [*arguments, "main.cue", "inputs.json"], folder=self._folder, limits=self._limits)

    def _package(self, g: int) -> str:
        package = self._texts[g].package()
        assert package is not None, "guardrail_text refuses a file without one"
        return package.text

    def _evaluate(self, pairs: Sequence[Pair]) -> None:
        """Values of all pairs that have one; the others leave a diagnostic. Faulty pairs are left out and the rest
        is run again.
        """
        left = list(pairs)
        for _ in range(_ROUNDS):
            if not left:
                return
            done = self._run("results", left, "{...}")
            if done.ok and self._keep(done.output):
                return
            if done.ok or done.stopped:
                self._isolate(left, done)
                return
            left = self._without_faults(left, read_faults(done.errors))
        self._judged.diagnostics += [self._given_up(g) for g in sorted({g for _, g in left})]

    def _keep(self, output: bytes) -> bool:
        """Takes the values over; False if they are more than JSON can hold."""
        try:
            results = json.loads(output, parse_int=_whole)
        except RecursionError:
            return False
        for i, row in results.items():
            for g, value in row.items():
                self._judged.values[int(i[1:]), int(g[1:])] = value
        return True

    def _isolate(self, pairs: Sequence[Pair], done: Done) -> None:
        """Runs each guardrail alone to find the one that exceeds a limit."""
        alone = sorted({g for _, g in pairs})
        if len(alone) == 1:
            self._judged.diagnostics.append(self._stopped(alone[0], done))
            return
        for g in alone:
            if time.monotonic() >= self._deadline:
                self._judged.diagnostics.append(self._given_up(g))
            else:
                self._evaluate([pair for pair in pairs if pair[1] == g])

    def _without_faults(self, pairs: list[Pair], faults: Sequence[Fault]) -> list[Pair]:
        """Reports the faults and returns the pairs that have none."""
        faulty: set[Pair] = set()
        for fault in faults:
            about = [pair for pair in pairs if fault.guardrail in (None, pair[1]) and fault.input in (None, pair[0])]
            faulty |= set(about)
            self._judged.diagnostics += [self._fault(g, fault) for g in sorted({g for _, g in about})]
        if not faulty:
            said = faults[0] if faults else Fault(message="`cue` failed and did not say why")
            self._judged.diagnostics += [self._fault(g, said) for g in sorted({g for _, g in pairs})]
            return []
        return [pair for pair in pairs if pair not in faulty]

    def _fault(self, g: int, fault: Fault) -> Diagnostic:
        """PHX405 for a value, PHX402 for text that `cue` cannot even load."""
        spans = [self._span(g, line, column) for at, line, column in fault.places if at == g]
        first, *others = spans or [Span(self._texts[g].file, 1, 1, 1, 2)]
        subject = f"`violations.{fault.rest}`: " if fault.rest else ""
        return Diagnostic(
            code="PHX402" if fault.input is None else "PHX405",
            message=f"guardrail cannot be evaluated: {subject}{fault.message}",
            primary=Label(first),
            secondary=tuple(Label(span) for span in others),
            help=next(hint for word, hint in _HINTS if word in fault.message),
        )

    def _span(self, g: int, line: int, column: int) -> Span:
        text = self._texts[g]
        offset = text.offset(line, column)
        token = text.token_at(offset)
        return text.span(token) if token else text.span_at(offset, offset + 1)

    def _stopped(self, g: int, done: Done) -> Diagnostic:
        what, hint = _STOPPED[done.stopped or "output"]
        limits = self._limits
        said = what.format(seconds=limits.seconds, memory=limits.memory, output=limits.output)
        return self._limit(g, f"guardrail {said}", hint)

    def _given_up(self, g: int) -> Diagnostic:
        return self._limit(g, "guardrail was not run to its end: others used up the time", "mend the others first")

    def _limit(self, g: int, message: str, hint: str) -> Diagnostic:
        label = Label(Span(self._texts[g].file, 1, 1, 1, 2))
        return Diagnostic(code="PHX408", message=message, primary=label, help=hint)

    def _locate(self, pairs: Sequence[Pair]) -> None:
        """Where the name of each violation stands. A run that fails to tell costs nothing but precision."""
        done = self._run("located", pairs, '{[string]: "located"}')
        for fault in read_faults(done.errors):
            if fault.guardrail not in {g for _, g in pairs}:
                continue
            text = self._texts[fault.guardrail]
            offsets = [text.offset(line, column) for g, line, column in fault.places if g == fault.guardrail]
            label = _label(text, fault.name, offsets)
            if label is not None:
                self._judged.spans[fault.guardrail, fault.name] = text.span(label)


def _whole(digits: str) -> int | str:
    """An integer; one that no path step can be stays text (Python refuses to read thousands of digits)."""
    return int(digits) if len(digits) < 20 else digits


def _label(text: CueText, name: str, offsets: Sequence[int]) -> Token | None:
    """The label among places of a violation: the one that reads as the name, else the last (a computed name)."""
    labels = [label for offset in offsets if (label := text.label_of(offset))]
    exact = [label for label in labels if label.text in (name, json.dumps(name, ensure_ascii=False))]
    return next(iter(exact or labels[::-1]), None)
