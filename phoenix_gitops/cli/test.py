"""`phoenix test`: the real judges over what is compiled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common, current

if TYPE_CHECKING:
    from phoenix_gitops.back import Compiled
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.front import Front
    from phoenix_gitops.judging.stage import Judged

_JUDGES = ("promtool", "vmalert", "vmalert-tool", "otelcol")
_SUBJECTS = ("rules", "collectors", "pipelines")


@click.command(short_help="Put rules and collector configs before the real tools.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--only", metavar="SUBJECT,...", help=f"Only these: {', '.join(_SUBJECTS)}.")
@click.option("--skip", multiple=True, type=click.Choice(_JUDGES), help="Leave a judge out, which is said; repeatable.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Judges at once.  [default: the cores]")
@common
def command(environments: tuple[str, ...], only: str | None, skip: tuple[str, ...], jobs: int | None) -> int:
    """Put rules and collector configs before the programs that will run them.

    Policies are compiled in memory; nothing is written. promtool and vmalert judge every rule file, and promtool runs
    the tests that are compiled with the rules and those in tests/rules/. A real collector boots from every config, and
    known data that go through its pipelines must come out as the policies say. What is refused is shown at the policy
    behind it. -v tells how long each file of tests took.

    \b
    Examples:
      phoenix test
      phoenix test -e prod-eu --only rules
      phoenix test --skip otelcol        # said, and not proved
    """
    from phoenix_gitops.cli.session import compile_all, finish, front
    from phoenix_gitops.diagnostics import Severity, has_errors

    options = current()
    wanted = _Wanted(_subjects(only), frozenset(skip), jobs)
    result = front(options)
    found = list(result.diagnostics)
    if has_errors(found):
        return finish(options, found, result.sources)
    compiled, faults = compile_all(options, result, environments, jobs=jobs)
    found += faults + [d for one in compiled for d in one.diagnostics]
    if has_errors(found):
        return finish(options, found, result.sources)
    # What validation does not know is its own affair.
    found = [d for d in found if d.severity is not Severity.NOTE or d.code == "PHX785"]
    judged = _judge(options, result, compiled, wanted)
    found += judged.diagnostics
    for line in judged.unchecked:
        # Also in a pipe and when asked for quiet: what was not proved is said.
        click.echo(f"not checked: {line}", err=True)
    if options.format == "json":
        return _finish_json(found, judged)
    return finish(options, found, {**result.sources, **judged.sources}, lambda: _show(options, judged, found))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the user asks for."""

    subjects: frozenset[str]
    skip: frozenset[str]
    jobs: int | None


def _subjects(only: str | None) -> frozenset[str]:
    chosen = frozenset(part.strip() for part in (only or ",".join(_SUBJECTS)).split(",") if part.strip())
    unknown = sorted(chosen - set(_SUBJECTS))
    if unknown or not chosen:
        said = f"there is no '{unknown[0]}' to judge" if unknown else "name what is to be judged"
        raise click.BadParameter(f"{said}; there are: {', '.join(_SUBJECTS)}", param_hint="'--only'")
    return chosen


def _judge(options: Common, result: Front, compiled: Sequence[Compiled], wanted: _Wanted) -> Judged:
    from phoenix_gitops.cli.session import Progress, stages
    from phoenix_gitops.judging.stage import Request, judge
    from phoenix_gitops.parallel import available
    from phoenix_gitops.template_files import TemplateFiles

    assert result.world is not None
    assert result.policies is not None
    names = [one.environment for one in compiled]
    ready, _ = stages(result, names)
    request = Request(
        root=result.root,
        stages=ready,
        policies=result.policies,
        files=[file for one in compiled for file in one.files],
        others=frozenset(result.world.environments) - frozenset(names),
        subjects=wanted.subjects,
        skip=wanted.skip,
        tags={stage.environment: stage.scope.platform.spec.catalog.collector.tag for stage in ready},
        templates=TemplateFiles.of_repository(result.root),
        jobs=wanted.jobs or available(),
    )
    with Progress(options, "judging") as progress:
        return judge(request, lambda done, total: progress("rules and collectors", done, total))


def _show(options: Common, judged: Judged, found: Sequence[Diagnostic]) -> None:
    from phoenix_gitops.diagnostics import has_errors

    for report in judged.reports:
        click.echo(report.line)
        if options.verbosity > 0:
            click.echo(f"  {report.path}")
            for file, seconds in report.files:
                click.echo(f"  {seconds:6.2f} s  {file}")
    if not judged.reports:
        click.echo("nothing was judged")
    elif not has_errors(found):
        click.echo("every judge takes what it was shown" + (", not all was shown" if judged.unchecked else ""))


def _finish_json(found: Sequence[Diagnostic], judged: Judged) -> int:
    from phoenix_gitops.cli.session import exit_code
    from phoenix_gitops.diagnostics import folded
    from phoenix_gitops.report.json import as_data

    judges = [
        {
            "name": report.judge,
            "version": report.version,
            "path": report.path,
            "took": dict(report.took),
            "refused": dict(report.refused),
            "verdict": not report.failures,
            "seconds": round(report.seconds, 3),
            "files": {file: round(seconds, 3) for file, seconds in report.files},
        }
        for report in judged.reports
    ]
    document = {"judges": judges, "notChecked": judged.unchecked, **as_data(folded(found))}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return exit_code(found)
