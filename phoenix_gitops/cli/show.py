"""`phoenix show`: what any stage knows."""

from __future__ import annotations

import json
from typing import Any

import click

from phoenix_gitops.cli.options import common, current


@click.group(short_help="Print what any stage knows.")
def command() -> None:
    """Print what any stage of the compiler knows: documents, resolved policies, presets, the input
    of guardrails, artifacts, which versions run where, what would be written.

    \b
    Example:
      phoenix show resolved Tenant/example
    """


@command.command(short_help="The policies that were read.")
@common
def documents() -> int:
    """List the policies that were read, with their files.

    \b
    Example:
      phoenix show documents
    """
    from phoenix_gitops.cli.session import front, listed

    options = current()
    result = front(options)
    rows = [(d.kind, d.name, d.file) for d in sorted(result.documents, key=lambda d: (d.kind, d.name))]
    return listed(
        options, "documents", ("kind", "name", "file"), rows, diagnostics=result.diagnostics, sources=result.sources
    )


@command.command(short_help="A built-in preset, or their list.")
@click.argument("name", required=False)
@common
def preset(name: str | None) -> int:
    """Print the preset NAME (`optimized` or `Pipeline/optimized`), or list all of them.

    \b
    Examples:
      phoenix show preset
      phoenix show preset optimized
    """
    from phoenix_gitops.cli.session import listed
    from phoenix_gitops.front import read_presets
    from phoenix_gitops.suggest import closest

    loaded = read_presets()
    presets = loaded.documents
    if name is None:
        return listed(current(), "presets", ("kind", "name"), sorted((p.kind, p.name) for p in presets))
    kind, _, plain = name.rpartition("/")
    found = [p for p in presets if p.name == plain and kind in ("", p.kind)]
    if not found:
        near = closest(plain, [p.name for p in presets])
        raise click.BadParameter(f"there is no preset '{name}'" + (f"; did you mean '{near}'?" if near else ""))
    for document in found:
        click.echo(loaded.sources[document.file].rstrip())
    return 0


@command.command(short_help="A policy after inheritance, with the origin of each value.")
@click.argument("policy")
@common
def resolved(policy: str) -> int:
    """Print POLICY (`KIND/NAME`) after inheritance, each value with the line that set it.

    \b
    Example:
      phoenix show resolved Environment/prod-eu
    """
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.explaining import where_set
    from phoenix_gitops.paths import show_path
    from phoenix_gitops.suggest import closest
    from phoenix_gitops.variants import scalars

    options = current()
    result = front(options)
    if result.world is None or result.policies is None:
        return finish(options, result.diagnostics, result.sources)
    kind, _, name = policy.partition("/")
    if (kind, name) not in result.policies:
        near = closest(policy, [f"{k}/{n}" for k, n in result.policies])
        raise click.BadParameter(f"there is no policy '{policy}'" + (f"; did you mean '{near}'?" if near else ""))
    import msgspec

    raw = result.policies[kind, name]
    data: dict[str, Any] = msgspec.to_builtins(result.world.policies[kind, name])
    for path, value in scalars(data):
        if value is None:
            continue
        click.echo(f"{show_path(path)}: {json.dumps(value, ensure_ascii=False)}  # {where_set(raw, path)}")
    return 0


@command.command(short_help="The objects that an environment compiles to.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@common
def artifacts(environments: tuple[str, ...]) -> int:
    """List the objects that environments compile to, with the policy that owns each.

    \b
    Example:
      phoenix show artifacts -e dev
    """
    from phoenix_gitops.cli.session import compile_all, finish, front, listed
    from phoenix_gitops.diagnostics import has_errors

    options = current()
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    compiled, faults = compile_all(options, result, environments)
    rows = [(str(f.policy), f"generated/{f.path}") for one in compiled for f in one.files]
    found = [*result.diagnostics, *faults, *(d for one in compiled for d in one.diagnostics)]
    return listed(options, "artifacts", ("policy", "file"), rows, diagnostics=found, sources=result.sources)


@command.command(short_help="Which versions run where.")
@common
def versions() -> int:
    """List which version of each component every environment runs, in the order in which changes reach them.

    \b
    Examples:
      phoenix show versions
      phoenix show versions --format json
    """
    from phoenix_gitops.cli.session import finish, front, listed
    from phoenix_gitops.rings import rings

    options = current()
    result = front(options)
    if result.world is None:
        return finish(options, result.diagnostics, result.sources)
    names = ("environment", "ring", "component", "version", "image")
    rows = [
        (environment, ring.name or "-", "collector", ring.collector.tag, ring.collector.reference)
        for ring in rings(result.world)
        for environment in ring.environments
    ]
    return listed(options, "versions", names, rows, diagnostics=result.diagnostics, sources=result.sources)


@command.command("contract", short_help="What others owe to what is not compiled in full.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@common
def contract_(environments: tuple[str, ...]) -> int:
    """List what must be there where an environment compiles less than all of a component (`components.*.manage`):
    workloads that read our configs, labels of namespaces, folders that Applications apply.

    \b
    Example:
      phoenix show contract -e dev
    """
    from phoenix_gitops.cli.session import finish, front, listed, stages
    from phoenix_gitops.contract import contract
    from phoenix_gitops.diagnostics import has_errors

    options = current()
    result = front(options)
    if result.world is None or has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    ready, faults = stages(result, environments)
    names = ("environment", "cluster", "of", "what", "value")
    rows = [(s.environment, t.cluster, t.subject, t.what, t.value) for s in ready for t in contract(s)]
    found = (*result.diagnostics, *faults)
    return listed(options, "terms", names, rows, diagnostics=found, sources=result.sources)


@command.command("input", short_help="What guardrails of an environment see.")
@click.option("-e", "--environment", "name", required=True, metavar="NAME", help="The environment.")
@common
def guardrail_input(name: str) -> int:
    """Print, as JSON, what guardrails of an environment see as `input`.

    \b
    Example:
      phoenix show input -e dev
    """
    from phoenix_gitops.cli.session import finish, front, stages
    from phoenix_gitops.guardrails import guardrail_input as seen

    options = current()
    result = front(options)
    if result.world is None:
        return finish(options, result.diagnostics, result.sources)
    stages(result, [name])
    click.echo(json.dumps(seen(result.world, result.world.environments[name]), indent=2, sort_keys=True))
    return finish(options, result.diagnostics, result.sources)


@command.command(short_help="What a compile would write.")
@click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@common
def writes(environments: tuple[str, ...]) -> int:
    """List the files that a compile would create, update and delete.

    \b
    Example:
      phoenix show writes
    """
    from phoenix_gitops.cli.compile import Request, plan_and_write
    from phoenix_gitops.cli.session import compile_all, finish, front, listed
    from phoenix_gitops.diagnostics import has_errors

    options = current()
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    compiled, faults = compile_all(options, result, environments)
    planned, more = plan_and_write(result, compiled, Request(environments=environments, check=True))
    rows = [("create", f"generated/{file.path}") for file in planned.create]
    rows += [("update", f"generated/{file.path}") for file in planned.update]
    rows += [("delete", f"generated/{path}") for path in planned.delete]
    # That the tree is out of date is what was asked for, and no finding.
    others = [fault for fault in more if fault.code != "PHX810"]
    found = [*result.diagnostics, *faults, *(d for one in compiled for d in one.diagnostics), *others]
    return listed(options, "writes", ("action", "file"), rows, diagnostics=found, sources=result.sources)


@command.command(short_help="The metrics that are known at a stage of their way.")
@click.option("-e", "--environment", required=True, metavar="NAME", help="The environment.")
@click.option(
    "--stage",
    type=click.Choice(("collected", "edge", "gateway", "export", "stored", "rules")),
    default="stored",
    show_default=True,
    help="Behind which stage.",
)
@click.option("--pipeline", metavar="NAME", help="Only what is behind this pipeline.")
@click.option("--tenant", metavar="NAME", help="What rules of this tenant can read.")
@click.option("--metric", "pattern", metavar="REGEX", help="Only metrics whose whole names match.")
@click.option("--lost", is_flag=True, help="What is not there any more, and who took it.")
@click.option("--totals", is_flag=True, help="How many series there can be, by tenant, pipeline and source.")
@common
def catalogue(**asked: Any) -> int:  # noqa: ANN401 - the options above, which are the fields of a request
    """Print the metrics that the compiler knows behind a stage of their way: type, unit, labels
    with their values or how many there are at most, seconds between values, upper bound of
    series, and where they come from.

    \b
    Examples:
      phoenix show catalogue -e dev --metric '.*_process_threads'
      phoenix show catalogue -e dev --stage gateway --pipeline optimized --lost
      phoenix show catalogue -e prod-us --stage rules --tenant checkout
      phoenix show catalogue -e dev --totals
    """
    from phoenix_gitops.cli.catalogue import Request, show

    return show(current(), Request(**asked))


@command.command(short_help="Who is told of which alert.")
@click.option("-e", "--environment", required=True, metavar="NAME", help="The environment.")
@common
def routes(environment: str) -> int:
    """List the alerts of an environment and who is told of each, by the routes that it compiles: how, by which
    key of which Secret, and whose contact that is.

    \b
    Example:
      phoenix show routes -e prod-eu
    """
    from phoenix_gitops.cli.routes import show

    return show(current(), environment)
