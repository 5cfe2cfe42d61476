"""What `phoenix new` does with a policy that is begun: completes it, puts it before every check, writes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from phoenix_gitops.cli.options import current

if TYPE_CHECKING:
    from phoenix_gitops.beginnings import Beginning
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.front import Front

_FACTS = ("provides", "discoveryLabels", "dns", "scraper")
_USUAL_FACTS: Mapping[str, Any] = {
    "provides": {"prometheusOperator": "0.93"},
    "discoveryLabels": {"release": "kube-prometheus"},
    "dns": {"namespace": "kube-system", "podLabels": {"k8s-app": "kube-dns"}},
    "scraper": {},
}
"""What most clusters have that run kube-prometheus; the file says that they are to be checked."""


def without_gaps(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value}


def with_settings(spec: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The spec with what `--set` gives; a value is YAML."""
    from phoenix_gitops.beginnings import merged
    from phoenix_gitops.source import parse

    for setting in settings:
        field, equals, value = setting.partition("=")
        path = field.removeprefix("spec.").split(".")
        if not equals or not all(path):
            raise click.BadParameter(f"'{setting}' is not of the form FIELD=VALUE", param_hint="'--set'")
        outcome = parse("--set", f"value: {value}\n".encode())
        if outcome.value is None:
            raise click.BadParameter(f"'{value}': {outcome.diagnostics[0].message}", param_hint="'--set'")
        spec = merged(spec, path, outcome.value.data["value"])
    return spec


def complete(begun: Beginning, needed: Mapping[str, Sequence[str]]) -> Beginning:
    """With what the kind requires: asked for on a terminal, else an error that names all that is missing."""
    missing = [] if begun.owner else ["--owner"]
    missing += [option for option, path in needed.items() if not _holds(begun.spec, path)]
    if missing and not (sys.stdin.isatty() and sys.stdout.isatty()):
        listed = ", ".join(missing[:-1]) + (" and " if len(missing) > 1 else "") + missing[-1]
        raise click.UsageError(f"a new {begun.kind} needs {listed}")
    for option in missing:
        answer = click.prompt(option.removeprefix("--").replace("-", " "))
        if option == "--owner":
            begun = replace(begun, owner=answer)
            continue
        path = ".".join(needed[option])
        value = f"[{answer}]" if option == "--api-server" else answer
        quoted = f'"{value}"' if option == "--kubernetes" else value
        begun = replace(begun, spec=with_settings(dict(begun.spec), (f"{path}={quoted}",)))
    return begun


def _holds(spec: Any, path: Sequence[str]) -> bool:  # noqa: ANN401
    if isinstance(spec, list):
        spec = spec[0] if spec else {}
    return not path or (isinstance(spec, dict) and path[0] in spec and _holds(spec[path[0]], path[1:]))


def facts_of(class_: str) -> tuple[dict[str, Any], str]:
    """Facts of a cluster that exists, of the same class if there is one, and where they come from."""
    from phoenix_gitops.front import run_front

    result = run_front(current().directory)
    found = [policy for (kind, _), policy in sorted((result.policies or {}).items()) if kind == "Environment"]
    found.sort(key=lambda policy: policy.data["spec"].get("class") != class_)
    for policy in found:
        for cluster in policy.data["spec"].get("clusters", ()):
            facts = {name: cluster[name] for name in _FACTS if cluster.get(name) is not None}
            return facts, f"those of the cluster `{cluster['name']}` in `{policy.document.name}`"
    return dict(_USUAL_FACTS), "what most clusters have"


def owner_of(name: str) -> str:
    """The owner of a tenant, by its file; empty where there is no such tenant."""
    from phoenix_gitops.source import read_policies
    from phoenix_gitops.suggest import closest

    if not name:
        return ""
    tenants = {d.name: d for d in read_policies(current().directory).value.documents if d.kind == "Tenant"}
    if name not in tenants:
        near = closest(name, tenants)
        hint = f"; did you mean '{near}'?" if near else ""
        raise click.BadParameter(f"there is no tenant '{name}'{hint}", param_hint="'--tenant'")
    owner = tenants[name].data["metadata"].get("owner")
    return owner if isinstance(owner, str) else ""


def place(begun: Beginning, *, alike: bool, show: bool) -> int:
    """Shows the file, or writes it if every check passes with it; gives the exit code."""
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.diagnostics import has_errors

    options = current()
    text = begun.text()
    if show:
        click.echo(text, nl=False)
        return 0
    target = options.directory / begun.file
    found, result = _judged(begun, text, alike=alike)
    if not has_errors(found):
        if target.exists() or target.is_symlink():
            raise click.ClickException(f"{begun.file} exists already")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise click.ClickException(f"cannot write {begun.file}: {error.strerror}") from error

    def conclude() -> None:
        if has_errors(found):
            click.echo(f"{begun.file} is not written; as it would be: --print", err=True)
        else:
            click.echo(f"  {begun.file}\nnext: look it over, `phoenix compile`, commit")

    return finish(options, found, {**result.sources, begun.file: text}, conclude)


def _judged(begun: Beginning, text: str, *, alike: bool) -> tuple[list[Diagnostic], Front]:
    """What every check says of the repository with the new policy in it, in the place of one of the same name."""
    from phoenix_gitops.beginnings import taken
    from phoenix_gitops.cli.session import compile_all
    from phoenix_gitops.diagnostics import Severity, has_errors
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain
    from phoenix_gitops.source import parse

    parsed = parse(begun.file, text.encode())
    before: list[Diagnostic] = []
    document = parsed.value
    assert document is not None, parsed.diagnostics

    def arrange(documents: tuple[Any, ...]) -> tuple[Any, ...]:
        before.extend(taken(begun, documents, alike=not alike))
        key = (begun.kind, begun.name)
        return (*(each for each in documents if (each.kind, each.name) != key), document)

    result = run_front(current().directory, constrain, arrange)
    found = [*before, *result.diagnostics]
    if not has_errors(found):
        compiled, faults = compile_all(current(), result, ())
        found += [*faults, *(d for one in compiled for d in one.diagnostics)]
    # What is no fault of the new policy's (a schema that was not fetched) is for `validate` to say.
    return [d for d in found if d.severity is not Severity.NOTE], result
