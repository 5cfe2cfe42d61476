"""`phoenix diff`: what the work tree's policies change in the output, against a commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common_and, current, day

if TYPE_CHECKING:
    from phoenix_gitops.approvals import Approver
    from phoenix_gitops.diagnostics import Diagnostic, Outcome
    from phoenix_gitops.diff_report import Review
    from phoenix_gitops.front import Front
    from phoenix_gitops.meaning.policies import Policies
    from phoenix_gitops.model.platform import Prices


@click.command(short_help="Show what a change of policies changes in the output.")
@click.argument("ref", default="HEAD")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--markdown", is_flag=True, help="Short for --format markdown: as a comment on a pull request.")
@click.option("--remove", "removable", multiple=True, metavar="NAME", help="A tenant or environment that may go.")
@click.option(
    "--fail-on",
    "fatal",
    multiple=True,
    type=click.Choice(["destructive", "restart", "access", "labels"]),
    help="Exit 1 if something like that happens; repeatable.",
)
@click.option("--approvers", "asked", is_flag=True, help="List the owners whose approval the change needs, and why.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@day
@common_and("markdown")
def command(
    *,
    ref: str,
    environments: tuple[str, ...],
    removable: tuple[str, ...],
    fatal: tuple[str, ...],
    markdown: bool,
    asked: bool,
    output: Path | None,
) -> int:
    """Show which objects and fields change from REF (a branch, tag or commit; HEAD unless named) to the work tree.

    With output mode `tree` the output that is committed at REF is compared, otherwise what REF's policies compile to.
    Nothing is checked out. It exits 0 with and without changes; 1 if the policies of either side have findings, if a
    tenant goes that was not retired, or too early, changes its account or jumps to a class of other isolation, if an
    environment goes, and for what `--fail-on` names: `destructive` is a deletion of
    data or whole workloads or an object that must be replaced, `restart` a workload that replaces its pods, `access` a
    right or a network edge that somebody gains, `labels` a metric or label that goes or means something else.

    \b
    Examples:
      phoenix diff
      phoenix diff origin/main --format markdown --approvers --output comment.md
      phoenix diff origin/main --fail-on destructive --fail-on access
    """
    options = current()
    if options.format == "markdown":
        # Findings have no such form: they are for people, on standard error.
        options, markdown = replace(options, format="text"), True
    wanted = Wanted(
        ref=ref,
        environments=environments,
        removable=removable,
        fatal=fatal,
        markdown=markdown,
        approvers=asked,
        output=output,
    )
    return run(options, wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be compared and how it is shown."""

    ref: str
    environments: Sequence[str]
    removable: Sequence[str]
    fatal: Sequence[str]
    """What makes it exit 1: `destructive`, `restart`, `access`, `labels`."""
    markdown: bool
    approvers: bool
    output: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of the comparison: an output tree, or why there is none."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Contents by path below the output folder."""
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


def run(options: Common, wanted: Wanted) -> int:
    """Compile both sides, compare and show; gives the exit code."""
    from phoenix_gitops.cli.former import policies_at
    from phoenix_gitops.cli.session import exit_code, finish, front, report
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.guardrails import constrain

    root, ref = options.directory, wanted.ref
    result = front(options)
    after = compiled_side(options, result, wanted.environments)
    if has_errors(after.diagnostics):
        return finish(options, after.diagnostics, after.sources)
    assert result.world is not None
    before = Side()
    if result.world.platform.spec.output.mode == "tree":
        before = _committed(root, ref, wanted.environments)
    committed = bool(before.files) or has_errors(before.diagnostics)
    with policies_at(root, ref, None if committed else constrain) as past:
        if not committed:
            before = _compiled_at(options, past, wanted.environments)
        if has_errors(before.diagnostics):
            click.echo(f"there is nothing to compare with at {ref}:", err=True)
            return finish(options, before.diagnostics, before.sources)
        former = _former(root, wanted, result, past.value)
        prices = result.world.platform.spec.prices
        review = review_of(before, after, (past.value, result), prices, former.approvers)
    show(options, review, wanted)
    # Warnings and notes are for `validate`: here they would stand in the comment on a pull request.
    if former.gone:
        report(options, former.gone, {})
    reached = reached_fatal(review, wanted.fatal)
    if reached:
        click.echo(f"the change is {' and '.join(reached)} (--fail-on)", err=True)
    return exit_code(former.gone) or int(bool(reached))


def review_of(
    before: Side,
    after: Side,
    fronts: tuple[Front | None, Front | None],
    prices: Prices,
    approvers: tuple[Approver, ...] | None = None,
) -> Review:
    """Both trees compared, with what the policies behind them know, where they are given."""
    from phoenix_gitops.diff import compare
    from phoenix_gitops.diff_report import Review
    from phoenix_gitops.meaning import effects

    diff = compare(before.files, after.files)
    old, new = (_policies(front, side.files) for front, side in zip(fronts, (before, after), strict=True))
    return Review(diff, effects(diff, before.files, after.files, prices, (old, new)), approvers)


def _policies(result: Front | None, files: Iterable[str]) -> Policies:
    """What holds in each environment of a tree; nothing where the policies behind it have faults."""
    from phoenix_gitops.meaning.policies import Held
    from phoenix_gitops.tree import environment_of

    world = result.world if result else None
    if world is None:
        return {}
    compiled = {environment_of(path) for path in files}
    return {
        name: Held(
            world.environment(name), tuple(world.tenant(environment, one) for one in sorted(world.present(environment)))
        )
        for name, environment in world.environments.items()
        if name in compiled
    }


def reached_fatal(review: Review, fatal: Sequence[str]) -> list[str]:
    """What was not to happen and does: each word of `fatal` with how often."""
    from phoenix_gitops.meaning.base import Aspect

    counts = {
        "destructive": len(review.diff.deletes)
        + sum(len(group.effects) for group in review.effects if group.first.aspect is Aspect.REPLACED),
        "restart": review.diff.restarts,
        "access": sum(len(group.effects) for group in review.effects if group.first.gained),
        "labels": sum(len(group.effects) for group in review.effects if group.first.vanishes),
    }
    words = {"labels": "a loss of metrics or labels"}
    return [f"{words.get(what, what)} ({counts[what]})" for what in dict.fromkeys(fatal) if counts[what]]


@dataclass(frozen=True, slots=True)
class Former:
    """What the former policies tell: what may not just go, and who is asked (None where nobody wants to know)."""

    gone: tuple[Diagnostic, ...] = ()
    approvers: tuple[Approver, ...] | None = None


def _former(root: Path, wanted: Wanted, now: Front, past: Front | None) -> Former:
    """What the work tree takes away from the ref that may not just go, and whose approval that needs."""
    from phoenix_gitops.approvals import approvers
    from phoenix_gitops.cli.former import changed_inputs
    from phoenix_gitops.removals import objections, removed_environments

    assert now.world is not None
    gone: list[Diagnostic] = []
    before = past.world if past else None
    if before is not None:
        gone += objections(before, now.world, wanted.ref, allowed=wanted.removable, today=current().now)
        # Who asks about some environments is not told of others.
        if not wanted.environments:
            gone += removed_environments(before, now.world, wanted.ref, allowed=wanted.removable)
    if not wanted.approvers:
        return Former(tuple(gone))
    rules = (before or now.world).platform.spec.review
    files = changed_inputs(past.root if past else None, root)
    return Former(tuple(gone), approvers(past.documents if past else (), now.documents, files, rules))


def compiled_side(
    options: Common, result: Front, environments: Sequence[str], *, results_of: Path | None = None
) -> Side:
    """The output of the policies that were read; results that are kept of another folder may serve."""
    from phoenix_gitops.cli.session import compile_all
    from phoenix_gitops.diagnostics import has_errors

    if has_errors(result.diagnostics):
        return Side(diagnostics=result.diagnostics, sources=result.sources)
    compiled, faults = compile_all(options, result, environments, results_of=results_of)
    return Side(
        files={file.path: file.content for one in compiled for file in one.files},
        diagnostics=(*result.diagnostics, *faults, *(d for one in compiled for d in one.diagnostics)),
        sources=result.sources,
    )


def _committed(root: Path, ref: str, environments: Sequence[str]) -> Side:
    """The output that is committed at `ref`."""
    from phoenix_gitops.disk import OUTPUT
    from phoenix_gitops.tree import environment_of
    from phoenix_gitops.vcs import tree_at

    tree = tree_at(root, ref, OUTPUT)
    wanted = {p: c for p, c in tree.value.items() if not environments or environment_of(p) in environments}
    return Side(files=wanted, diagnostics=tree.diagnostics)


def _compiled_at(options: Common, past: Outcome[Front | None], environments: Sequence[str]) -> Side:
    """The output of former policies; none if there is no platform among them, so that everything is new."""
    result = past.value
    if result is None:
        return Side(diagnostics=past.diagnostics)
    there = result.world.environments if result.world else {}
    chosen = [environment for environment in environments if environment in there]
    if environments and not chosen:
        return Side(diagnostics=result.diagnostics, sources=result.sources)
    # What both sides have in common was compiled a moment ago.
    return compiled_side(options, result, chosen, results_of=options.directory)


def show(options: Common, review: Review, wanted: Wanted) -> None:
    """The comparison, on standard output or in a file."""
    from phoenix_gitops import diff_json, diff_report

    output = wanted.output
    if options.format == "json":
        text = diff_json.as_json(review)
    elif wanted.markdown:
        text = diff_report.markdown(review)
    else:
        text = diff_report.text(review, color=output is None and options.colored())
    if output is None:
        click.echo(text, nl=False, color=True)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
