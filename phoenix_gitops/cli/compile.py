"""`phoenix compile`: policies in, `generated/` out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common, current, day

if TYPE_CHECKING:
    from phoenix_gitops.artifact import RenderedFile
    from phoenix_gitops.back import Compiled
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.front import Front
    from phoenix_gitops.tree import FileState
    from phoenix_gitops.writes import Scope, WritePlan


@click.command(short_help="Compile policies into generated/.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--only", metavar="COMPONENT,...", help="Only these components; the files of others stay.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the tree is not what the policies say.")
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes at once.  [default: the cores]")
@click.option("--no-cache", is_flag=True, help="Use nothing of former runs; the output is the same.")
@day
@common
def command(
    environments: tuple[str, ...], only: str | None, *, check: bool, force: bool, jobs: int | None, no_cache: bool
) -> int:
    """Compile policies into generated/.

    An environment's tree is written whole or not at all, and only if everything in it passed. Only changed files are
    written; only files that carry our header are replaced or removed.

    \b
    Examples:
      phoenix compile
      phoenix compile -e prod-eu
      phoenix compile --check        # in CI: is generated/ up to date?
      phoenix compile --only rules,collectors
    """
    components = _components(only or "")
    request = Request(
        environments=environments, components=components, check=check, force=force, cache=not no_cache, jobs=jobs
    )
    return run(current(), request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a compile is asked for."""

    environments: Sequence[str] = ()
    """Environments by name; none means all."""
    components: frozenset[str] = frozenset()
    """Components by name; none means all."""
    check: bool = False
    force: bool = False
    cache: bool = True
    jobs: int | None = None
    """Processes at once; None means as many as there are cores."""


def run(options: Common, request: Request) -> int:
    """Compile and write, or with `check` compare; gives the exit code."""
    from phoenix_gitops.cli.session import compile_all, finish, front
    from phoenix_gitops.diagnostics import has_errors

    started = time.perf_counter()
    with ExitStack() as stack:
        found: list[Diagnostic] = []
        if not request.check:
            found += locked(stack, options)
            if has_errors(found):
                return finish(options, found, {})
        result = front(options)
        found += result.diagnostics
        if has_errors(found):
            return finish(options, found, result.sources)
        compiled, faults = compile_all(options, result, request.environments, cache=request.cache, jobs=request.jobs)
        found += faults + [d for one in compiled for d in one.diagnostics]
        planned, more = plan_and_write(result, compiled, request)
        found += more
    summary = Summary(
        compiled, planned, time.perf_counter() - started, checked=request.check, passed=not has_errors(found)
    )
    if options.format == "json":
        return _finish_json(options, found, summary)
    return finish(options, found, result.sources, lambda: summary.show(options))


def locked(stack: ExitStack, options: Common) -> tuple[Diagnostic, ...]:
    """Takes the checkout's lock and mends what a crash left; gives why not, or what was mended."""
    from phoenix_gitops import journal, lock

    taken = lock.acquire(options.directory)
    if taken.value is None:
        return taken.diagnostics
    stack.enter_context(taken.value)
    return journal.recover(options.directory).diagnostics


def plan_and_write(
    result: Front, compiled: Sequence[Compiled], request: Request
) -> tuple[WritePlan, tuple[Diagnostic, ...]]:
    """Brings `generated/` up to what was compiled, as far as it was asked for; with `check` only says the drift."""
    from phoenix_gitops.cache import TreeCache
    from phoenix_gitops.cli.session import cache_folder
    from phoenix_gitops.files import apply, read_tree
    from phoenix_gitops.serialise import classify
    from phoenix_gitops.writes import WritePlan, drift, plan

    tree = TreeCache(cache_folder(result.root))
    known, known_at = tree.load() if request.cache else ({}, 0)
    existing = read_tree(result.root, classify, known=known, known_at_ns=known_at)
    if not existing.ok:
        # A plan against half a tree would take the other half for missing.
        return WritePlan(), existing.diagnostics
    files, scope = _wanted(result, compiled, request)
    planned = plan(files, existing.value, scope, force=request.force)
    states: Mapping[str, FileState] = existing.value
    found = (*existing.diagnostics, *planned.diagnostics)
    if request.check:
        found += drift(planned.value)
    elif planned.value.changes:
        applied = apply(result.root, planned.value)
        states = applied.value
        found += applied.diagnostics
    if request.cache and states != known:
        tree.save(states)
    return planned.value, found


def _wanted(result: Front, compiled: Sequence[Compiled], request: Request) -> tuple[list[RenderedFile], Scope]:
    """The files that should be there, and what the run may touch."""
    from phoenix_gitops.holds import held_folders
    from phoenix_gitops.tree import component_of
    from phoenix_gitops.writes import Scope

    assert result.world is not None
    components = request.components
    files = [f for one in compiled for f in one.files if not components or component_of(f.path) in components]
    scope = Scope(
        declared=frozenset(result.world.environments),
        compiled=frozenset(one.environment for one in compiled if one.ok),
        components=components,
        remove=not request.environments and not components,
        held=held_folders(result.world),
    )
    return files, scope


_ALSO: Mapping[str, str] = {"collectors": "ingest", "argocd": "gitops", "flux": "gitops", "tenants": "tenancy"}
"""What people call components, too."""


def _components(only: str) -> frozenset[str]:
    """The components that a list names, by the names of their folders."""
    from phoenix_gitops.artifact import COMPONENTS
    from phoenix_gitops.suggest import closest

    words = [word.strip() for word in only.split(",") if word.strip()]
    components = frozenset(_ALSO.get(word, word) for word in words)
    for word in sorted(components - set(COMPONENTS)):
        near = closest(word, (*COMPONENTS, *_ALSO))
        help_ = f"did you mean '{near}'?" if near else f"there are: {', '.join(COMPONENTS)}"
        raise click.BadParameter(f"there is no component '{word}'; {help_}")
    return components


class Summary:
    """What a compile did: a line an environment, and one for the tree."""

    def __init__(
        self, compiled: Sequence[Compiled], planned: WritePlan, seconds: float, *, checked: bool, passed: bool
    ) -> None:
        self.compiled = compiled
        self.planned = planned
        self.seconds = seconds
        self.checked = checked
        self.passed = passed

    def rows(self) -> list[dict[str, object]]:
        """A row an environment, for tables and machines."""
        return [
            {
                "name": one.environment,
                "clusters": one.clusters,
                "objects": one.objects,
                "files": len(one.files),
                "checks": one.checks,
                "seconds": round(one.seconds, 3),
                "ok": one.ok,
            }
            for one in self.compiled
        ]

    def show(self, options: Common) -> None:
        """The summary for people, on standard output."""
        from phoenix_gitops.cli.tables import table

        if self.compiled:
            names = ("environment", "clusters", "objects", "files", "checks", "seconds")
            rows = [
                (
                    r["name"],
                    r["clusters"],
                    r["objects"],
                    r["files"] if r["ok"] else "-",
                    r["checks"],
                    f"{r['seconds']:.2f}",
                )
                for r in self.rows()
            ]
            click.echo(table(names, rows))
        if options.verbosity > 0:
            self._show_paths()
        click.echo(self._tree())

    def _show_paths(self) -> None:
        plan = self.planned
        changed = [(file.path, "+") for file in plan.create] + [(file.path, "~") for file in plan.update]
        changed += [(path, "-") for path in plan.delete]
        for path, sign in sorted(changed):
            click.echo(f"{sign} generated/{path}")

    def _tree(self) -> str:
        plan = self.planned
        counts = f"{len(plan.create)} new, {len(plan.update)} changed, {len(plan.delete)} removed"
        unchanged = f"{len(plan.unchanged)} unchanged"
        if self.checked:
            held = "is up to date" if self.passed else "is not what the policies say"
            state = f"is out of date: {counts}" if plan.changes else held
            return f"generated/ {state} ({unchanged})"
        return f"generated/: {counts}, {unchanged} in {self.seconds:.2f} s"


def _finish_json(options: Common, found: Sequence[Diagnostic], summary: Summary) -> int:
    import json

    from phoenix_gitops.cli.session import exit_code
    from phoenix_gitops.diagnostics import folded
    from phoenix_gitops.report.json import as_data

    document = {
        "environments": summary.rows(),
        "tree": {
            "created": [file.path for file in summary.planned.create],
            "updated": [file.path for file in summary.planned.update],
            "deleted": list(summary.planned.delete),
            "unchanged": len(summary.planned.unchanged),
        },
        **as_data(folded(found)),
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return exit_code(found)
