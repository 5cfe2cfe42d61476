"""What commands share: running the stages, showing findings, progress, exit codes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common
from phoenix_gitops.diagnostics import Diagnostic, Severity, folded, has_errors, ordered

if TYPE_CHECKING:
    from phoenix_gitops.back import Compiled, Tools
    from phoenix_gitops.emit import Stage
    from phoenix_gitops.front import Front


def front(options: Common) -> Front:
    """Everything up to the guardrails, for the repository at hand."""
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain

    result = run_front(options.directory, constrain)
    if not options.now or result.policies is None or result.world is None:
        return result
    from phoenix_gitops.holds import check_ends

    over = tuple(check_ends(result.policies, result.world, options.now))
    return replace(result, diagnostics=ordered((*result.diagnostics, *over)))


def tools(root: Path, *, cache: bool = True, jobs: int | None = None, results_of: Path | None = None) -> Tools:
    """The back half's tools for a repository; without `cache` nothing of former runs is used.

    With `results_of` the results that are kept of another repository serve, and none are added to them.
    """
    import functools

    from phoenix_gitops.back import Tools
    from phoenix_gitops.parallel import available
    from phoenix_gitops.resources import templates_dir
    from phoenix_gitops.template_files import TemplateFiles
    from phoenix_gitops.tools import cache_dir

    crds = root / "schemas" / "crds"
    schemas = crds if crds.is_dir() else None
    templates = TemplateFiles.of_repository(root)
    processes = jobs or available()
    if not cache:
        return Tools(schemas=schemas, cache=None, templates=templates, jobs=processes)
    from phoenix_gitops.cache import UnitCache, context_digest

    context = context_digest(root, (Path(__file__).parent.parent, templates_dir()))
    units = functools.partial(UnitCache, cache_folder(results_of or root), context=context, keep=results_of is None)
    return Tools(
        schemas=schemas,
        cache=cache_dir() / "schemas",
        units=units,
        templates=templates,
        jobs=processes,
    )


def cache_folder(root: Path) -> Path:
    """Where results of this repository are kept: in the user's cache directory, out of reach of a pull request."""
    import hashlib

    from phoenix_gitops.tools import cache_dir

    return cache_dir() / "results" / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]


def stages(result: Front, names: Sequence[str]) -> tuple[list[Stage], tuple[Diagnostic, ...]]:
    """The environments to compile, all of them where none is named; a name that does not exist is a usage error."""
    from phoenix_gitops import emitters
    from phoenix_gitops.emit import Stage
    from phoenix_gitops.templating import Renderer

    world = result.world
    assert world is not None
    unknown = [name for name in names if name not in world.environments]
    if unknown:
        known = ", ".join(sorted(world.environments))
        raise click.BadParameter(f"there is no environment '{unknown[0]}'; there are: {known}", param_hint="'-e'")
    loaded = emitters.load(world.platform.spec.emitters)
    renderer = Renderer.of_repository(result.root)
    chosen = sorted(set(names) or world.environments)
    assert result.policies is not None
    platform = result.policies["Platform", world.platform.metadata.name].origin(("spec", "emitters")).key
    faults = (*(replace(fault, primary=platform) for fault in loaded.diagnostics), *renderer.check())
    return [Stage(world, name, loaded.value, renderer.render) for name in chosen], faults


def compile_all(
    options: Common,
    result: Front,
    names: Sequence[str],
    *,
    cache: bool = True,
    jobs: int | None = None,
    results_of: Path | None = None,
) -> tuple[list[Compiled], list[Diagnostic]]:
    """Compiles the environments, one after the other; with a fault in what they share, none."""
    from phoenix_gitops.back import compile_environment

    ready, faults = stages(result, names)
    if has_errors(faults):
        return [], list(faults)
    assert result.policies is not None
    compiled = []
    given = tools(result.root, cache=cache, jobs=jobs, results_of=results_of)
    for stage in ready:
        with Progress(options) as progress:
            started = time.perf_counter()
            one = compile_environment(stage, result.policies, given, progress)
            compiled.append(replace(one, seconds=time.perf_counter() - started))
    return compiled, list(faults)


class Progress:
    """One line on a terminal that says how far the work is; silent in a pipe."""

    def __init__(self, options: Common, doing: str = "compiling") -> None:
        self._shown = sys.stderr.isatty() and options.verbosity >= 0
        self._doing = doing
        self._last = -1

    def __call__(self, what: str, done: int, total: int) -> None:
        """Shows that `done` of `total` units of `what` are done."""
        percent = done * 100 // max(total, 1)
        if self._shown and percent != self._last:
            self._last = percent
            sys.stderr.write(f"\r\x1b[K{self._doing} {what}: {percent} %")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._last >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def report(options: Common, diagnostics: Iterable[Diagnostic], sources: Mapping[str, str]) -> None:
    """Shows findings: machines read standard output, people standard error."""
    from phoenix_gitops.report import REPORTERS

    shown = folded(diagnostics)
    if options.verbosity < 0:
        shown = tuple(d for d in shown if d.severity is Severity.ERROR)
    machine = options.format in ("json", "github", "sarif")
    if not shown and not machine:
        return
    drawn = {**sources, **_template_sources(options.directory, shown)}
    text = REPORTERS[options.format](shown, drawn, color=options.colored(err=not machine))
    if text:
        click.echo(text.rstrip("\n"), err=not machine, color=True)


def _template_sources(root: Path, shown: Iterable[Diagnostic]) -> dict[str, str]:
    """The texts of the templates that findings point at; one that cannot be read is shown by its name alone."""
    from phoenix_gitops.template_files import Source, TemplateFiles

    labels = [label for d in shown for label in (d.primary, *d.secondary) if label]
    files = sorted({label.span.file for label in labels if label.span.file.startswith("templates/")})
    texts = {}
    for file in files:
        source = TemplateFiles.of_repository(root).user_template(file)
        if isinstance(source, Source):
            texts[file] = source.text
    return texts


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """2 where a tool is missing or git cannot serve (PHX9xx), 1 where there are errors, else 0."""
    codes = [d.code for d in diagnostics if d.severity is Severity.ERROR]
    if any(code.startswith("PHX9") for code in codes):
        return 2
    return 1 if codes else 0


def listed(
    options: Common,
    what: str,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    diagnostics: Iterable[Diagnostic] = (),
    sources: Mapping[str, str] | None = None,
) -> int:
    """Shows rows under their names, as JSON in one document with the findings; gives the exit code."""
    from phoenix_gitops.cli.tables import table
    from phoenix_gitops.report.json import as_data

    found = list(diagnostics)
    if options.format == "json":
        keyed = [dict(zip(names, row, strict=True)) for row in rows]
        click.echo(json.dumps({what: keyed, **as_data(folded(found))}, indent=2, ensure_ascii=False))
        return exit_code(found)
    if options.format != "sarif":
        click.echo(table(names, rows))
    return finish(options, found, sources or {})


def finish(
    options: Common,
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, str],
    conclusion: Callable[[], None] | None = None,
) -> int:
    """Shows findings, then (to people, who did not ask for quiet) the conclusion; gives the exit code."""
    found = list(diagnostics)
    report(options, found, sources)
    if conclusion is not None and options.verbosity >= 0 and options.format not in ("json", "sarif"):
        conclusion()
    return exit_code(found)
