"""`phoenix publish`: each environment's tree to the branch or repository that its cluster reads."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common, current, day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phoenix_gitops.artifact import RenderedFile
    from phoenix_gitops.branch import Destination, Published
    from phoenix_gitops.diagnostics import Diagnostic, Outcome
    from phoenix_gitops.model.platform import PlatformSpec
    from phoenix_gitops.world import World


@click.command(short_help="Commit each environment's tree to where its cluster reads it.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace files edited by hand there, and go back to an older commit; never force-push.",
)
@click.option("--remove", "removable", multiple=True, metavar="NAME", help="A tenant that may go unretired.")
@click.option("--lift", is_flag=True, help="Publish environments too that a rollback holds.")
@day
@common
def command(environments: tuple[str, ...], force: bool, removable: tuple[str, ...], lift: bool) -> int:
    """Compile the committed policies, commit each environment's tree to where its cluster reads it, and push.

    `output` in phoenix.yaml says where: this branch, a branch per environment, or another repository; with `promoter`,
    branches beside those, from which GitOps Promoter merges. An environment with a finding stays as it is; where
    nothing changed nothing is committed. Nothing is ever pushed by force.

    \b
    Examples:
      phoenix publish
      phoenix publish -e prod-eu
      phoenix publish -e prod-eu --lift    # after a rollback, when main is sound again
    """
    return run(current(), environments, removable, force=force, lift=lift)


def run(options: Common, environments: Sequence[str], removable: Sequence[str], *, force: bool, lift: bool) -> int:
    """Compile and publish; gives the exit code."""
    from phoenix_gitops.cli.compile import Request, locked, plan_and_write
    from phoenix_gitops.cli.session import compile_all, finish, front
    from phoenix_gitops.diagnostics import has_errors

    done: tuple[Published, ...] = ()
    with ExitStack() as stack:
        found: list[Diagnostic] = [*locked(stack, options)]
        if has_errors(found):
            return finish(options, found, {})
        result = front(options)
        found += result.diagnostics
        if has_errors(found):
            return finish(options, found, result.sources)
        assert result.world is not None
        # What runs must not depend on what an earlier run left behind.
        compiled, faults = compile_all(options, result, environments, cache=False)
        found += [*faults, *(d for one in compiled for d in one.diagnostics)]
        output = result.world.platform.spec.output
        written: tuple[Diagnostic, ...] = ()
        if output.mode == "tree":
            # The commit goes onto the branch that is checked out: a work tree that lags behind would undo it.
            _, written = plan_and_write(result, compiled, Request(environments=environments, force=force, cache=False))
            found += written
        if not has_errors(written):
            trees = {one.environment: one.files for one in compiled if one.ok}
            published = _publish(options, trees, result.world, removable, force=force, lift=lift)
            found += published.diagnostics
            done = published.value
    if options.format == "json":
        return _finish_json(found, done)
    return finish(options, found, result.sources, lambda: _show(done))


def _publish(
    options: Common,
    trees: Mapping[str, Sequence[RenderedFile]],
    world: World,
    removable: Sequence[str],
    *,
    force: bool,
    lift: bool,
) -> Outcome[tuple[Published, ...]]:
    import functools

    from phoenix_gitops import __version__, removals
    from phoenix_gitops.cli.former import policies_at
    from phoenix_gitops.diagnostics import Outcome
    from phoenix_gitops.holds import held_folders
    from phoenix_gitops.promoter import clashes
    from phoenix_gitops.publish import publish
    from phoenix_gitops.serialise import classify

    where = destination(world.platform.spec)
    clash = clashes(where.branch, world.environments) if where.promoter else ()
    if not trees or clash:
        return Outcome((), clash)

    @functools.cache
    def former(source: str) -> World | None:
        with policies_at(options.directory, source) as there:
            return there.value.world if there.value else None

    def objections(environment: str, source: str) -> tuple[Diagnostic, ...]:
        before = former(source)
        if before is None:
            return ()
        known = source[:12]
        found = removals.objections(before, world, known, environment=environment, allowed=removable, today=options.now)
        return tuple(found)

    return publish(
        options.directory,
        trees,
        where,
        classify,
        version=__version__,
        force=force,
        lift=lift,
        objections=objections,
        held=held_folders(world),
    )


def destination(platform: PlatformSpec) -> Destination:
    """Where the Platform says that trees go."""
    from phoenix_gitops.branch import Destination

    output = platform.output
    return Destination(
        mode=output.mode,
        branch=output.branch,
        url=output.url or "",
        promoter=output.promoter,
        policies_url=platform.repository.url,
    )


def _show(done: Sequence[Published]) -> None:
    for one in done:
        what = f"{one.files} files in {one.commit[:12]}" if one.pushed else f"nothing to commit, at {one.commit[:12]}"
        click.echo(f"{', '.join(one.environments)}: {one.branch} of {one.repository}: {what}")


def _finish_json(found: Sequence[Diagnostic], done: Sequence[Published]) -> int:
    import json
    from dataclasses import asdict

    from phoenix_gitops.cli.session import exit_code
    from phoenix_gitops.diagnostics import folded
    from phoenix_gitops.report.json import as_data

    document = {"published": [asdict(one) for one in done], **as_data(folded(found))}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return exit_code(found)
