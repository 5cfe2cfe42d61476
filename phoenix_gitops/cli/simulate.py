"""`phoenix simulate`: what a control policy will do, before it is merged."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common_and, current

if TYPE_CHECKING:
    from phoenix_gitops.simulation.run import Run, Setting
    from phoenix_gitops.world import World

_WIDTH = 100
"""Columns where there is no terminal."""


@click.command("simulate", short_help="Show what a control policy does along a trace of series.")
@click.argument("control")
@click.option("--trace", required=True, metavar="FILE|SHAPE", help="The series over time: a shape, or a file.")
@click.option("-e", "--env", "environment", metavar="ENV", help="The environment.  [default: the first that uses it]")
@click.option("--against", metavar="REF", help="Show the policy as it is at a commit beside it.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@common_and("svg")
def command(control: str, trace: str, environment: str | None, against: str | None, output: Path | None) -> None:
    """Show what a control policy does along a trace of series.

    Profile, controller, forecast, band and alerts are those of the recording rules, step by step. A SHAPE is
    constant, step, ramp, spike, wave, sine or gap, or one of the load shapes baseline_steady_state,
    cardinality_spike, gradual_growth and wave_pattern; `+` puts one after the other. A FILE is a table of
    `time,value`, or what Prometheus answers to a range query.

    \b
    Examples:
      phoenix simulate production --trace ramp:10000..30000/1h
      phoenix simulate production --trace constant:12000/10m+spike:12000..40000/1h/5m
      phoenix simulate dev -e dev --trace gradual_growth --format svg -o law.svg
      phoenix simulate production --trace series.csv --against origin/main
    """
    asked = _Asked(control=control, trace=trace, environment=environment, against=against, output=output)
    sys.exit(_simulate(current(), asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked for, as the arguments of the command are called."""

    control: str
    trace: str
    environment: str | None
    against: str | None
    output: Path | None


def _simulate(options: Common, asked: _Asked) -> int:
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.simulation.run import simulate

    if options.format in ("sarif", "github"):
        raise click.UsageError(f"A simulation has no form '{options.format}'; there are: text, json, svg.")
    result = front(options)
    if result.world is None or has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    setting = _setting(result.world, asked.control, asked.environment)
    inputs = _inputs(options, asked.trace, setting)
    if isinstance(inputs, int):
        return inputs
    run, former = simulate(setting, *inputs), None
    if asked.against is not None:
        was = _former(options, result.root, asked.against, setting)
        if isinstance(was, int):
            return was
        former = simulate(was, *inputs)
    shown = _shown(options, run, former, asked)
    if asked.output is not None:
        asked.output.write_text(shown, encoding="utf-8")
    else:
        click.echo(shown, nl=False)
    return 0


def _setting(world: World, control: str, environment: str | None) -> Setting:
    """The policy where it is used; what does not exist is a usage error."""
    from phoenix_gitops.model.control import ControlPolicy
    from phoenix_gitops.model.pipeline import Pipeline
    from phoenix_gitops.simulation.run import Setting

    policies = dict(world.of_kind(ControlPolicy))
    _known(control, policies, "control policy", "'CONTROL'")
    using = [name for name, env in sorted(world.environments.items()) if env.spec.control == control]
    if environment is not None:
        _known(environment, world.environments, "environment", "'-e'")
    where = environment or next(iter(using), None)
    scope = None if where is None else world.environment(where)
    pipelines = {pipeline.metadata.name: pipeline for _, pipeline in world.of_kind(Pipeline)}
    return Setting(
        name=control,
        spec=policies[control].spec,
        pipelines=pipelines,
        prices=world.platform.spec.prices,
        environment=scope,
    )


def _known(name: str, names: Mapping[str, object], what: str, hint: str) -> None:
    from phoenix_gitops.suggest import closest

    if name not in names:
        near = closest(name, list(names))
        listed = f"did you mean '{near}'?" if near else f"there are: {', '.join(sorted(names))}"
        raise click.BadParameter(f"there is no {what} '{name}'; {listed}", param_hint=hint)


def _inputs(options: Common, trace: str, setting: Setting) -> tuple[tuple[float | None, ...], int] | int:
    """The inputs, one a step, and when they begin; an exit code where the file cannot be read."""
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.model.units import milliseconds
    from phoenix_gitops.simulation import samples, shapes

    interval = milliseconds(setting.spec.interval)
    file = Path(trace)
    if not file.is_file():
        try:
            return shapes.trace(trace, interval, setting.spec.set_point), 0
        except shapes.ShapeError as error:
            no_file = "" if shapes.is_shape(trace) else "; nor is there such a file"
            raise click.BadParameter(f"{str(error).replace('`', chr(39))}{no_file}", param_hint="'--trace'") from None
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"cannot read '{trace}': {error}", param_hint="'--trace'") from None
    read = samples.read(trace, text, interval)
    if read.value is None:
        return finish(options, read.diagnostics, {trace: text})
    return read.value.inputs(interval), read.value.start


def _former(options: Common, root: Path, ref: str, setting: Setting) -> Setting | int:
    """The policy of the same name at a commit, in the same environment if it was there."""
    from phoenix_gitops.cli.former import policies_at
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.model.control import ControlPolicy

    with policies_at(root, ref) as former:
        past = former.value
        if past is None or past.world is None:
            found = [*former.diagnostics, *(past.diagnostics if past is not None else ())]
            if found:
                return finish(options, found, past.sources if past is not None else {})
            raise click.BadParameter(f"there is no platform at '{ref}'", param_hint="'--against'")
        if setting.name not in dict(past.world.of_kind(ControlPolicy)):
            raise click.BadParameter(
                f"there is no control policy '{setting.name}' at '{ref}'", param_hint="'--against'"
            )
        here = setting.environment.name if setting.environment else None
        return _setting(past.world, setting.name, here if here in past.world.environments else None)


def _shown(options: Common, run: Run, former: Run | None, asked: _Asked) -> str:
    from phoenix_gitops.simulation.data import data
    from phoenix_gitops.simulation.svg import svg
    from phoenix_gitops.simulation.text import PLAIN, UNICODE, text

    trace, other = asked.trace, asked.against or ""
    if options.format == "json":
        return json.dumps(data(run, former, trace=trace), indent=2, ensure_ascii=False) + "\n"
    if options.format == "svg":
        return svg(run, former, trace=trace, other=other)
    wide = (sys.stdout.encoding or "").lower().startswith("utf") or asked.output is not None
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    return text(run, former, trace=trace, width=width, marks=UNICODE if wide else PLAIN, other=other)
