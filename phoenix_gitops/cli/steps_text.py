"""A plan of steps in words: for a terminal, for machines, and for the pull request of one step."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

from phoenix_gitops import diff_json, diff_report
from phoenix_gitops.diagnostics import Diagnostic, folded
from phoenix_gitops.diff_report import Review
from phoenix_gitops.life import Plan, Step
from phoenix_gitops.report.json import as_data

_WIDTH = 104
_INDENT = 13

Compiled = Sequence[tuple[Step, Review | None]]
"""Steps, with what they mean where that is known."""


def text(plan: Plan, steps: Compiled, today: str, *, color: bool) -> str:
    """The plan for a person."""
    due = plan.next
    lines = [f"{plan.verb} {plan.tenant}: {_standing(plan, today)}"]
    for step, review in steps:
        lines += ["", f"{step.number}. {step.title}: {_state(step, due, today)}"]
        if step.done:
            continue
        lines += _row("does", step.does)
        lines += [line for word, path in files(step) for line in _row(word, path)]
        if step.needs_day and not today:
            lines += _row("writes", f"policies/ids/{plan.tenant}.yaml, with the day that `--now` gives")
        if review is not None:
            lines += _meaning(review, color=color, whole=step is due or len(steps) == 1)
        lines += _row("when", _when(step) + (f"; today is {today}" if step.not_before and today else ""))
        if step.changes or step.needs_day:
            lines += _row("run", _command(plan, step))
        lines += _row("way back", step.back)
    lines += [line for note in plan.notes for line in ["", *_row("look at", note)]]
    return "\n".join(lines) + "\n"


def as_json(plan: Plan, steps: Compiled, today: str, found: Sequence[Diagnostic]) -> str:
    """The plan for machines, with what speaks against it."""
    data = {
        "plan": plan.verb,
        "tenant": plan.tenant,
        "steps": [
            {
                "number": step.number,
                "name": step.name,
                "title": step.title,
                "state": _state(step, plan.next, today),
                "does": step.does,
                "after": step.after,
                "notBefore": step.not_before,
                "back": step.back,
                "files": [{"path": path, "action": word} for word, path in files(step)],
                "meaning": json.loads(diff_json.as_json(review)) if review is not None else None,
            }
            for step, review in steps
        ],
        "notes": list(plan.notes),
        **as_data(folded(found)),
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def message(plan: Plan, step: Step, review: Review | None) -> str:
    """The commit of a step: what its pull request says."""
    parts = [f"{plan.verb} {plan.tenant}, step {step.number} of {len(plan.steps)}: {step.title}"]
    parts.append(textwrap.fill(f"{_sentence(step.does)}", 100))
    if step.not_before or step.after:
        parts.append(textwrap.fill(f"To be merged: {_when(step)}.", 100))
    parts.append(textwrap.fill(f"The way back: {step.back}.", 100))
    if review is not None:
        parts.append("What it means:\n" + diff_report.text(review, objects=False).rstrip())
    return "\n\n".join(parts) + "\n"


def files(step: Step) -> list[tuple[str, str]]:
    """What is done to which file: `writes` or `removes`."""
    return [("removes" if content is None else "writes", path) for path, content in step.changes.items()]


def _standing(plan: Plan, today: str) -> str:
    due, count = plan.next, len(plan.steps)
    if due is None:
        return "every step is done"
    if due.waits(today) or not (due.changes or due.needs_day):
        return f"step {due.number} of {count} waits: {_when(due)}"
    return f"step {due.number} of {count} is due"


def _state(step: Step, due: Step | None, today: str) -> str:
    if step.done:
        return "done"
    if step is not due:
        return "later"
    return "waits" if step.waits(today) or not (step.changes or step.needs_day) else "due"


def _meaning(review: Review, *, color: bool, whole: bool) -> Iterator[str]:
    """What it means in the clusters: of a step that is not due yet the counts and what it deletes."""
    first, *rest = diff_report.text(review, color=color, objects=False).rstrip().splitlines()
    yield from _row("means", first)
    if not whole:
        rest = [f"! deletes {change.kind} `{change.place.name}` in {change.place}" for change in review.diff.deletes]
    yield from (f"{'':{_INDENT}}{line}" for line in rest if line)


def _when(step: Step) -> str:
    return f"on {step.not_before} or later" if step.not_before else step.after or "at once"


def _command(plan: Plan, step: Step) -> str:
    day = " --now YYYY-MM-DD" if step.needs_day or step.not_before else ""
    return f"`{plan.command} --step {step.number} --write{day}`, or all steps as branches: `--branches`"


def _row(word: str, value: str) -> Iterator[str]:
    lines = textwrap.wrap(value, _WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False) or [""]
    yield f"   {word:{_INDENT - 3}}{lines[0]}"
    yield from (f"{'':{_INDENT}}{line}" for line in lines[1:])


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
