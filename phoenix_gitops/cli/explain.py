"""`phoenix explain`: a code, a policy field, or a generated value back to its policy lines."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common, current

if TYPE_CHECKING:
    from phoenix_gitops.document import Path


@click.command(short_help="Explain a code, a policy field or a generated value.")
@click.argument("target")
@common
def command(target: str) -> int:
    """Explain TARGET: a diagnostic's code, a policy field, a generated FILE[:PATH], an alert by its name, or `-` for an
    object as YAML. Of an alert it says when it fires, and which generated test shows that.

    \b
    Examples:
      phoenix explain PHX202
      phoenix explain Tenant.spec.quotas
      phoenix explain 'SLOBudgetBurn{slo="checkout-availability"}'
      phoenix explain generated/dev/dev/ingest/phoenix-gateway/deployment-gateway.yaml:spec.replicas
      kubectl get deploy gateway -o yaml | phoenix explain -
    """
    options = current()
    if re.fullmatch(r"PHX[0-9]{3}", target, re.IGNORECASE):
        return _code(target.upper())
    if target == "-":
        return _object(options)
    head = re.split(r"[.\[]", target, maxsplit=1)[0]
    if "/" not in head and head[:1].isupper():
        return _alert_or_field(options, target)
    return _value(options, target)


def _code(code: str) -> int:
    from phoenix_gitops.codes import CODES
    from phoenix_gitops.resources import codes_dir
    from phoenix_gitops.suggest import closest

    if code not in CODES:
        near = closest(code, list(CODES))
        raise click.BadParameter(f"there is no code {code}" + (f"; did you mean {near}?" if near else ""))
    click.echo((codes_dir() / f"{code}.md").read_text(encoding="utf-8").rstrip())
    return 0


def _alert_or_field(options: Common, target: str) -> int:
    from phoenix_gitops.model import KINDS

    if target.partition(".")[0] not in KINDS and _in_repository(options):
        from phoenix_gitops.cli.alerts import explain_alert

        told = explain_alert(options, target)
        if told is not None:
            return told
    return _field(target)


def _field(target: str) -> int:
    from phoenix_gitops.explaining import explain_field
    from phoenix_gitops.model import KINDS
    from phoenix_gitops.paths import parse_path
    from phoenix_gitops.suggest import closest

    kind, _, rest = target.partition(".")
    if kind not in KINDS:
        near = closest(kind, list(KINDS))
        raise click.BadParameter(f"there is no kind {kind}" + (f"; did you mean {near}?" if near else ""))
    lines = explain_field(kind, parse_path(rest))
    if lines is None:
        raise click.BadParameter(f"{kind} has no field {rest}; `phoenix schema show {kind}` lists them")
    click.echo("\n".join(lines))
    return 0


def _value(options: Common, target: str) -> int:
    from phoenix_gitops.paths import parse_path

    file, _, path = target.partition(":")
    generated = file.removeprefix("./").partition("generated/")[2] or file
    return explain_value(options, generated, parse_path(path))


def _object(options: Common) -> int:
    """An object as a cluster gives it: its annotation names the policy, without a checkout."""
    import yaml

    from phoenix_gitops import conventions

    try:
        body = yaml.load(sys.stdin.read(), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise click.ClickException(f"standard input is no YAML: {error}") from error
    metadata = body.get("metadata") if isinstance(body, dict) else None
    annotations = (metadata.get("annotations") if isinstance(metadata, dict) else None) or {}
    policy = annotations.get(conventions.POLICY) if isinstance(annotations, dict) else None
    if not policy or not isinstance(metadata, dict):
        raise click.ClickException(f"the object has no annotation {conventions.POLICY}: Phoenix did not compile it")
    click.echo(f"{body.get('kind')} {metadata.get('namespace', '')}/{metadata.get('name')}")
    click.echo(f"  compiled from {policy}, owned by {annotations.get(conventions.OWNER)}")
    if options.root is not None or _in_repository(options):
        _where_in_repository(options, str(policy), body)
    return 0


def _in_repository(options: Common) -> bool:
    try:
        return options.directory.is_dir()
    except click.ClickException:
        return False


def _where_in_repository(options: Common, policy: str, body: dict[str, object]) -> None:
    """The policy's file and the generated file, where the repository is at hand."""
    from phoenix_gitops.cli.session import front

    result = front(options)
    kind, _, name = policy.partition("/")
    if result.policies and (kind, name) in result.policies:
        click.echo(f"  policy: {result.policies[kind, name].document.file}")


def explain_value(options: Common, file: str, path: Path) -> int:
    """Prints which policy lines are behind a generated value."""
    from phoenix_gitops.cli.session import finish, front, stages
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.emit import summarise
    from phoenix_gitops.explaining import causes, located, show_value, value_at
    from phoenix_gitops.paths import show_path
    from phoenix_gitops.provenance import trace
    from phoenix_gitops.serialise import object_path

    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    assert result.world is not None
    assert result.policies is not None
    environment = file.partition("/")[0]
    if environment not in result.world.environments:
        raise click.BadParameter(f"{file} is not a file under generated/ of an environment of this repository")
    (stage,), _ = stages(result, [environment])
    outputs = [stage.emit_unit(unit) for unit in stage.units()]
    summary = summarise(outputs)
    outputs += [stage.emit_unit(unit, summary) for unit in stage.gitops_units]
    for output in outputs:
        for artifact in output.objects:
            if object_path(output.unit, artifact) != file:
                continue
            found_path = located(artifact.body, path)
            if found_path is None:
                raise click.BadParameter(f"there is no {show_path(path)} in {file}")
            path, value = found_path, value_at(artifact.body, found_path)
            click.echo(f"generated/{file}" + (f":{show_path(path)}" if path else ""))
            if not isinstance(value, dict | list):
                click.echo(f"  value: {show_value(value)}")
            found = causes(trace(stage, result.policies, output, summary, (file, path), thorough=True), result.policies)
            for cause in found:
                shown = f" = {cause.text}" if cause.text else ""
                click.echo(f"  {cause.where}: {cause.policy} {cause.field}{shown}")
            if not found:
                origin = f"templates/{artifact.template}" if artifact.template else "the compiler"
                click.echo(f"  no policy moves it: {origin} says so, for {artifact.policy}")
            return 0
    raise click.BadParameter(f"{file} is not compiled from these policies")
