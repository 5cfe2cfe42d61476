"""What each judge judged in a run: one line, and an error for each that gave no verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.judges.verdicts import Verdict
from phoenix_gitops.judging.collectors import name_of
from phoenix_gitops.judging.hearing import CONFIGS, PLANTED, RULES, TEST_FILES, WAYS, Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one judge judged in a run."""

    judge: str
    version: str
    path: str
    took: Mapping[str, int]
    refused: Mapping[str, int]
    failures: tuple[Verdict, ...]
    seconds: float
    files: tuple[tuple[str, float], ...] = ()
    """Files that were judged one by one and the seconds of each, the slowest first."""

    @property
    def line(self) -> str:
        """The report in one line."""
        words = [
            f"{verb} {', '.join(amount(number, what) for what, number in counts.items())}"
            for verb, counts in (("took", self.took), ("refused", self.refused))
            if counts
        ]
        words += ["gave no verdict"] if self.failures else []
        return f"{self.judge} {self.version}: {'; '.join(words) or 'had nothing to judge'}; {self.seconds:.2f} s"


def amount(number: int, what: str) -> str:
    """So many things, in words."""
    if number == 1:
        what = {RULES: "rule file", TEST_FILES: "file of tests", CONFIGS: "config", WAYS: "way through a pipeline"}.get(
            what, what
        )
    return f"{number} {what}"


def reports(answers: Iterable[Answer], tools: Mapping[str, tuple[str, str]]) -> list[Report]:
    """The answers by judge; `tools` gives version and path of each judge that was found."""
    held = list(answers)
    return [_report(name, [a for a in held if a.question.judge == name], *tools[name]) for name in tools]


def _report(name: str, answers: Sequence[Answer], version: str, path: str) -> Report:
    took: dict[str, int] = {}
    refused: dict[str, int] = {}
    for answer in answers:
        what = answer.question.what
        if what != PLANTED and answer.verdict.given:
            took[what] = took.get(what, 0) + answer.verdict.took
            refused[what] = refused.get(what, 0) + answer.verdict.refused
    if name == "promtool" and took:
        # That there is no test is said, not passed over.
        took.setdefault(TEST_FILES, 0)
    return Report(
        judge=name_of(name),
        version=version,
        path=path,
        took=took,
        refused={what: number for what, number in refused.items() if number},
        failures=tuple(dict.fromkeys(a.verdict for a in answers if not a.verdict.given)),
        seconds=sum(answer.seconds for answer in answers),
        files=tuple(sorted(((a.question.file, a.seconds) for a in answers if a.question.file), key=lambda f: -f[1])),
    )


def failures(found: Iterable[Report]) -> list[Diagnostic]:
    """That a judge gave no verdict: nothing was proved, so the run cannot pass."""
    return [
        Diagnostic(
            code="PHX934",
            message=f"`{report.judge}` {failure.failure}",
            help=f"run it by hand; it is `{report.path}`",
            notes=tuple(f"it said: {line}" for line in failure.said),
        )
        for report in found
        for failure in report.failures
    ]
