"""`phoenix diff`: what the work tree's policies change in the output, against a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common_and, current

if TYPE_CHECKING:
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.diff import TreeDiff
    from phoenix_gitops.front import Front
    from phoenix_gitops.world import World


@click.command(short_help="Show what a change of policies changes in the output.")
@click.argument("ref", default="HEAD")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--markdown", is_flag=True, help="Short for --format markdown: as a comment on a pull request.")
@click.option("--remove", "removable", multiple=True, metavar="NAME", help="A tenant or environment that may go.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@common_and("markdown")
def command(
    ref: str, environments: tuple[str, ...], removable: tuple[str, ...], markdown: bool, output: Path | None
) -> int:
    """Show which objects and fields change from REF (a branch, tag or commit; HEAD unless named) to the work tree.

    With output mode `tree` the output that is committed at REF is compared, otherwise what REF's policies compile to.
    Nothing is checked out. It exits 0 with and without changes; 1 if the policies of either side have findings, or if a
    tenant goes that was not retired, or an environment.

    \b
    Examples:
      phoenix diff
      phoenix diff origin/main --format markdown --output comment.md
    """
    options = current()
    if options.format == "markdown":
        # Findings have no such form: they are for people, on standard error.
        options, markdown = replace(options, format="text"), True
    return run(options, ref, environments, removable, markdown=markdown, output=output)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of the comparison: an output tree, or why there is none."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Contents by path below the output folder."""
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


def run(
    options: Common,
    ref: str,
    environments: Sequence[str],
    removable: Sequence[str],
    *,
    markdown: bool,
    output: Path | None,
) -> int:
    """Compile both sides, compare and show; gives the exit code."""
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.diff import compare

    root = options.directory
    result = front(options)
    after = _compiled(options, result, environments, cache=True)
    if has_errors(after.diagnostics):
        return finish(options, after.diagnostics, after.sources)
    assert result.world is not None
    before = Side()
    if result.world.platform.spec.output.mode == "tree":
        before = _committed(root, ref, environments)
    if not before.files and not has_errors(before.diagnostics):
        before = _compiled_at(options, root, ref, environments)
    if has_errors(before.diagnostics):
        click.echo(f"there is nothing to compare with at {ref}:", err=True)
        return finish(options, before.diagnostics, before.sources)
    _show(options, compare(before.files, after.files), markdown=markdown, output=output)
    # Warnings and notes are for `validate`: here they would stand in the comment on a pull request.
    gone = _removed(root, ref, result.world, environments, removable)
    return finish(options, gone, {}) if gone else 0


def _removed(
    root: Path, ref: str, now: World, environments: Sequence[str], allowed: Sequence[str]
) -> list[Diagnostic]:
    """What the work tree takes away from `ref` that may not just go."""
    from phoenix_gitops.cli.former import policies_at
    from phoenix_gitops.removals import removed_environments, removed_tenants

    with policies_at(root, ref) as former:
        before = former.value.world if former.value else None
    if before is None:
        return []
    return [
        *removed_tenants(before, now, ref, allowed=allowed),
        # Who asks about some environments is not told of others.
        *(removed_environments(before, now, ref, allowed=allowed) if not environments else ()),
    ]


def _compiled(options: Common, result: Front, environments: Sequence[str], *, cache: bool) -> Side:
    """The output of the policies that were read."""
    from phoenix_gitops.cli.session import compile_all
    from phoenix_gitops.diagnostics import has_errors

    if has_errors(result.diagnostics):
        return Side(diagnostics=result.diagnostics, sources=result.sources)
    compiled, faults = compile_all(options, result, environments, cache=cache)
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


def _compiled_at(options: Common, root: Path, ref: str, environments: Sequence[str]) -> Side:
    """The output of the policies at `ref`; none if `ref` holds no platform, so that everything is new."""
    from phoenix_gitops.cli.former import policies_at
    from phoenix_gitops.guardrails import constrain

    with policies_at(root, ref, constrain) as former:
        result = former.value
        if result is None:
            return Side(diagnostics=former.diagnostics)
        there = result.world.environments if result.world else {}
        chosen = [environment for environment in environments if environment in there]
        if environments and not chosen:
            return Side(diagnostics=result.diagnostics, sources=result.sources)
        # A folder that is gone in a moment needs no memory.
        return _compiled(options, result, chosen, cache=False)


def _show(options: Common, diff: TreeDiff, *, markdown: bool, output: Path | None) -> None:
    """The comparison, on standard output or in a file."""
    from phoenix_gitops import diff_report

    if options.format == "json":
        text = diff_report.as_json(diff)
    elif markdown:
        text = diff_report.markdown(diff)
    else:
        text = diff_report.text(diff, color=output is None and options.colored())
    if output is None:
        click.echo(text, nl=False, color=True)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
