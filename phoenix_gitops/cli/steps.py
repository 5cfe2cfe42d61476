"""What `phoenix retire`, `rename` and `move` do with their plans: compile each step, show it, write it, branch it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from phoenix_gitops.cli.options import Common, common, current, day

if TYPE_CHECKING:
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.diff_report import Review
    from phoenix_gitops.front import Front
    from phoenix_gitops.life import Plan, Step

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is done with a plan."""

    step: int | None = None
    """Only this one."""
    write: bool = False
    branches: bool = False


def planned(function: Callable[P, R]) -> Callable[P, R]:
    """The options that all plans take; the function gets them as `wanted`."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        taken = {name: kwargs.pop(name) for name in ("step", "write", "branches")}
        if taken["write"] and taken["branches"]:
            raise click.UsageError("'--write' changes the work tree, '--branches' leaves it alone: give one of them")
        kwargs["wanted"] = Wanted(**taken)  # type: ignore[arg-type]  # click gives what the options say
        return function(*args, **kwargs)

    result: Callable[..., R] = day(common(wrapper))
    for decorate in (
        click.option("--branches", is_flag=True, help="Make a git branch of each step; nothing is pushed."),
        click.option("--write", is_flag=True, help="Make the step that is due in the work tree; comments stay."),
        click.option("--step", type=click.IntRange(min=1), metavar="N", help="Only this step."),
    ):
        result = decorate(result)
    return result


@dataclass(frozen=True, slots=True)
class Stage:
    """A step, and what it comes to."""

    step: Step
    review: Review | None = None
    """None where nothing changes, or where it is done."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What speaks against it."""
    sources: Mapping[str, str] = field(default_factory=dict)
    output: Mapping[str, bytes | None] = field(default_factory=dict)
    """Compiled files that differ, by path below the output folder."""


def run(plan_of: Callable[[Front, str], Plan], wanted: Wanted) -> int:
    """Plans, compiles every step that is not done, and does what is wanted; gives the exit code."""
    from phoenix_gitops.cli.session import exit_code, finish, front, report
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.life import NoPlanError

    options = current()
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    try:
        plan = plan_of(result, options.now)
        chosen = plan.step(wanted.step) if wanted.step else None
        due = _due(plan, chosen, options.now) if wanted.write else None
        if wanted.branches:
            _needs_day(plan)
    except NoPlanError as error:
        raise click.UsageError(str(error)) from error
    stages = compiled(options, result, plan, until=due)
    found = [d for stage in stages for d in stage.diagnostics]
    if (wanted.write or wanted.branches) and has_errors(found):
        report(options, found, {name: text for stage in stages for name, text in stage.sources.items()})
        return exit_code(found)
    if due is not None:
        return _write(options, plan, due)
    if wanted.branches:
        return _branch(options, plan, [s for s in stages if chosen in (None, s.step)], result)
    _show(options, plan, [s for s in stages if chosen in (None, s.step)], found)
    if options.format != "json":
        report(options, found, {name: text for stage in stages for name, text in stage.sources.items()})
    return exit_code(found)


def _due(plan: Plan, chosen: Step | None, today: str) -> Step | None:
    """The step that may be made today; NoPlanError where there is none, or where another one was asked for."""
    from phoenix_gitops.life import NoPlanError

    due = plan.next
    if due is None:
        return None
    if chosen is not None and chosen.done:
        raise NoPlanError(f"step {chosen.number} is done; step {due.number}, {due.title}, is next")
    if chosen is not None and chosen.number > due.number and due.changes:
        raise NoPlanError(f"step {chosen.number} is not due: step {due.number}, {due.title}, comes first")
    if due.waits(today) or (not due.changes and not due.needs_day):
        when = f"not before {due.not_before}" if due.not_before else due.after
        said = f"today is {today}" if today else "`--now` says which day it is"
        raise NoPlanError(f"step {due.number}, {due.title}, is due {when}; {said}")
    if due.needs_day and not today:
        raise NoPlanError(f"step {due.number} writes down today's date: say it with `--now YYYY-MM-DD`")
    return due


def _needs_day(plan: Plan) -> None:
    from phoenix_gitops.life import NoPlanError

    for step in plan.steps:
        if step.needs_day and not step.done and not current().now:
            raise NoPlanError(
                f"step {step.number} writes down a date, on which it is merged: say it with `--now YYYY-MM-DD`"
            )


def compiled(options: Common, result: Front, plan: Plan, *, until: Step | None = None) -> list[Stage]:
    """Every step with what it comes to, each on the ones before it; after one that does not compile none is."""
    from phoenix_gitops.diagnostics import has_errors

    stages: list[Stage] = []
    changes: dict[str, str | None] = {}
    before: tuple[Front, Mapping[str, bytes]] | None = None
    broken = False
    for step in plan.steps:
        if broken or step.done or not step.changes or (until is not None and step.number > until.number):
            stages.append(Stage(step))
            continue
        if before is None:
            before = (result, _tree(options, result)[0])
        changes |= step.changes
        after = _with(result, changes)
        files, found = _tree(options, after)
        broken = has_errors(found)
        review = None if broken else _review(before, (after, files))
        output = {
            path: files.get(path)
            for path in sorted(before[1].keys() | files.keys())
            if files.get(path) != before[1].get(path)
        }
        stages.append(Stage(step, review, tuple(found), after.sources, output))
        before = (after, files)
    return stages


def _with(result: Front, changes: Mapping[str, str | None]) -> Front:
    """The front half with some files changed."""
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain
    from phoenix_gitops.source import parse

    parsed = [parse(file, text.encode()).value for file, text in changes.items() if text is not None]

    def arrange(documents: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(sorted((*(d for d in documents if d.file not in changes), *parsed), key=lambda d: d.file))

    there = run_front(result.root, constrain, arrange)
    return replace(
        there, sources={**there.sources, **{file: text for file, text in changes.items() if text is not None}}
    )


def _tree(options: Common, result: Front) -> tuple[Mapping[str, bytes], list[Diagnostic]]:
    """What policies compile to, by path, and their errors."""
    from phoenix_gitops.cli.session import compile_all
    from phoenix_gitops.diagnostics import Severity, has_errors

    found = list(result.diagnostics)
    files: dict[str, bytes] = {}
    if not has_errors(found):
        done, faults = compile_all(options, result, ())
        found += [*faults, *(d for one in done for d in one.diagnostics)]
        files = {file.path: file.content for one in done for file in one.files}
    return files, [d for d in found if d.severity is Severity.ERROR]


def _review(before: tuple[Front, Mapping[str, bytes]], after: tuple[Front, Mapping[str, bytes]]) -> Review:
    from phoenix_gitops.cli.diff import Side, review_of

    assert after[0].world is not None
    prices = after[0].world.platform.spec.prices
    return review_of(Side(files=before[1]), Side(files=after[1]), (before[0], after[0]), prices)


def _write(options: Common, plan: Plan, step: Step) -> int:
    """Makes a step in the work tree."""
    from phoenix_gitops.branches import uncommitted
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.cli.steps_text import files
    from phoenix_gitops.publish import INPUTS

    clean = uncommitted(options.directory, INPUTS)
    if not clean.ok:
        return finish(options, clean.diagnostics, {})
    for path, text in step.changes.items():
        target = options.directory / path
        try:
            if text is None:
                target.unlink()
                _tidy(target.parent, options)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise click.ClickException(f"cannot change {path}: {error.strerror}") from error
    click.echo("\n".join(f"  {word} {path}" for word, path in files(step)))
    click.echo(f"step {step.number} of {len(plan.steps)} is made: look it over, `phoenix compile`, commit")
    return 0


def _tidy(folder: Path, options: Common) -> None:
    """Removes folders that hold nothing any more."""
    while folder != options.directory and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _branch(options: Common, plan: Plan, stages: Sequence[Stage], result: Front) -> int:
    """A branch for each step that is not done."""
    from phoenix_gitops.branches import Proposal, propose, uncommitted
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.cli.steps_text import message
    from phoenix_gitops.disk import OUTPUT
    from phoenix_gitops.publish import INPUTS

    clean = uncommitted(options.directory, INPUTS)
    if not clean.ok:
        return finish(options, clean.diagnostics, {})
    assert result.world is not None
    in_tree = result.world.platform.spec.output.mode == "tree"
    proposals = []
    for stage in stages:
        if stage.step.done or not stage.step.changes:
            continue
        files = {path: None if text is None else text.encode() for path, text in stage.step.changes.items()}
        if in_tree:
            files |= {f"{OUTPUT}/{path}": content for path, content in stage.output.items()}
        name = f"{plan.verb}/{plan.tenant}/{stage.step.name}"
        proposals.append(Proposal(name, message(plan, stage.step, stage.review), files))
    made = propose(options.directory, proposals)
    if not made.ok:
        return finish(options, made.diagnostics, {})
    for proposal in proposals:
        click.echo(f"  {proposal.branch}" + ("" if proposal.branch in made.value else " (as it was)"))
    click.echo(
        "nothing is pushed; each branch holds the ones before it: merge them in this order"
        if proposals
        else _over(plan)
    )
    return 0


def _over(plan: Plan) -> str:
    return f"{plan.verb} {plan.tenant}: every step is done"


def _show(options: Common, plan: Plan, stages: Sequence[Stage], found: Sequence[Diagnostic]) -> None:
    from phoenix_gitops.cli import steps_text

    if options.format == "json":
        click.echo(steps_text.as_json(plan, [(s.step, s.review) for s in stages], options.now, found), nl=False)
        return
    if options.format == "sarif":
        return
    click.echo(
        steps_text.text(plan, [(s.step, s.review) for s in stages], options.now, color=options.colored()), nl=False
    )
