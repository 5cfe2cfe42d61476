"""`phoenix status`: what is merged, what is published of it, and what has reached the clusters."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common, current

if TYPE_CHECKING:
    from phoenix_gitops.deployed import ObjectKey, Reached
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.front import Front
    from phoenix_gitops.status import Live, Status

_PUBLISHED = ("environment", "branch", "changed", "published", "day", "state")
_CLUSTERS = ("environment", "cluster", "applications", "synced", "healthy", "held", "behind", "state")
_FIELDS = (
    *("environment", "cluster", "component", "application", "sync", "health", "revision", "behind", "hold", "message"),
    "state",
)


@click.command(short_help="Show what is published of what is merged.")
@click.argument("tenant", required=False)
@click.option(
    "--argocd",
    "argocd_",
    metavar="FILE|URL",
    help="What Argo CD says: a file, or its address; the token is taken from ARGOCD_AUTH_TOKEN.",
)
@common
def command(tenant: str | None, argocd_: str | None) -> int:
    """Show for each environment which commit of the policies is published, and how many wait behind it.

    With TENANT only that tenant's files count, and only the environments that it is in. It reads git alone: the last
    commit of this checkout, and the branches that clusters read.

    With --argocd also what has reached the clusters: which Applications are synced, at which commit, healthy, held,
    and which are in Argo CD or in the tree alone; with -v each of them. FILE is what `kubectl get
    applications.argoproj.io -A -o json` or `argocd app list -o json` wrote. It exits 1 if one is missing, left over,
    out of sync without a hold, or not healthy.

    \b
    Examples:
      phoenix status
      phoenix status checkout
      phoenix status --argocd https://argocd.example.com
    """
    from phoenix_gitops.cli.publish import destination
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.front import run_front
    from phoenix_gitops.status import status

    options = current()
    result = run_front(options.directory)
    if result.world is None:
        return finish(options, result.diagnostics, result.sources)
    environments, files = _asked(result, tenant)
    where = destination(result.world.platform.spec)
    if where.mode == "tree" and argocd_ is None:
        raise click.ClickException(
            "with output mode `tree` the output lies beside the policies: `phoenix compile --check` compares the two, "
            "and `--argocd` says what has reached the clusters"
        )
    if argocd_ is not None and result.world.platform.spec.reconciler != "argocd":
        raise click.ClickException("the platform's reconciler is Flux: Argo CD knows nothing of what it applies")
    live, found = _live(result, argocd_, environments, tenant)
    if found:
        return finish(options, found, result.sources)
    outcome = status(options.directory, environments, where, files, live)
    rows = [one for status in outcome.value for one in status.reached]
    if live is not None and tenant is None:
        from phoenix_gitops.deployed import strangers

        rows += strangers(result.world.environments, live.applications)
    return _show(options, outcome.value, rows, outcome.diagnostics, asked=live is not None, front=result)


def _show(
    options: Common,
    states: Sequence[Status],
    rows: Sequence[Reached],
    found: Sequence[Diagnostic],
    *,
    asked: bool,
    front: Front,
) -> int:
    """Both tables, or one document; gives the exit code."""
    from phoenix_gitops.cli.session import exit_code, finish
    from phoenix_gitops.cli.tables import table
    from phoenix_gitops.deployed import ordered
    from phoenix_gitops.diagnostics import folded
    from phoenix_gitops.report.json import as_data

    rows = ordered(rows)
    failed = int(any(row.trouble.wrong for row in rows))
    published = [_published(one) for one in states]
    if options.format == "json":
        document: dict[str, object] = {"status": [dict(zip(_PUBLISHED, row, strict=True)) for row in published]}
        if asked:
            document["argocd"] = [{name: getattr(row, name) for name in _FIELDS} for row in rows]
        click.echo(json.dumps({**document, **as_data(folded(found))}, indent=2, ensure_ascii=False))
        return exit_code(found) or failed
    if options.format != "sarif":
        click.echo(table(_PUBLISHED, published))
        if asked:
            click.echo("\n" + _in_clusters(rows, verbose=options.verbosity > 0))
    return finish(options, found, front.sources) or failed


def _published(one: Status) -> tuple[str, ...]:
    return (
        one.environment,
        one.branch,
        one.changed[:12] or "-",
        one.published.source[:12] if one.published else "-",
        one.published.day if one.published else "-",
        one.state,
    )


def _in_clusters(rows: Sequence[Reached], *, verbose: bool) -> str:
    """A line for each cluster, then the Applications that are not as published, or all of them."""
    from phoenix_gitops.cli.tables import table
    from phoenix_gitops.deployed import Trouble
    from phoenix_gitops.diff_lines import cut

    places: dict[tuple[str, str], list[Reached]] = {}
    for row in sorted(rows, key=lambda row: (row.environment, row.cluster)):
        places.setdefault((row.environment, row.cluster), []).append(row)
    lines = [
        (
            environment,
            cluster or "-",
            len(here),
            sum(row.sync == "Synced" for row in here),
            sum(row.health == "Healthy" for row in here),
            sum(bool(row.hold) for row in here),
            max((row.behind for row in here if row.behind is not None), default="-"),
            min(here, key=lambda row: row.trouble).state,
        )
        for (environment, cluster), here in places.items()
    ]
    said = [table(_CLUSTERS, lines)] if lines else ["Argo CD has none of these Applications, and none is published"]
    shown = [row for row in rows if verbose or row.trouble is not Trouble.NONE]
    if shown:
        said.append("")
    for row in shown:
        sign = "!" if row.trouble.wrong else "~" if row.trouble is not Trouble.NONE else " "
        at = f" at {cut(row.revision[:12])}" if row.revision else ""
        said.append(f"{sign} {cut(row.application)}{at}: {row.state}")
        said += [f"    {what}{cut(text, 400)}" for what, text in (("hold ", row.hold), ("", row.message)) if text]
    return "\n".join(said)


def _live(
    result: Front, source: str | None, environments: Sequence[str], tenant: str | None
) -> tuple[Live | None, tuple[Diagnostic, ...]]:
    """What Argo CD says, None where nobody asks; and why that cannot be had."""
    from phoenix_gitops.argocd import VARIABLE, applications
    from phoenix_gitops.status import Live

    if source is None:
        return None, ()
    said = applications(source, os.environ.get(VARIABLE, ""))
    if said.value is None:
        return None, said.diagnostics
    objects = None if tenant is None else {name: _objects(result, name, tenant) for name in environments}
    return Live(applications=said.value, objects=objects), ()


def _objects(result: Front, environment: str, tenant: str) -> dict[tuple[str, str], set[ObjectKey]]:
    """The tenant's own objects in an environment, by cluster and component."""
    from phoenix_gitops.cli.session import stages

    (stage,), _ = stages(result, [environment])
    return {
        (unit.cluster, unit.component): {
            (one.group, one.kind, one.namespace, one.name) for one in stage.emit_unit(unit).objects
        }
        for unit in stage.units()
        if unit.tenant == tenant
    }


def _asked(result: Front, tenant: str | None) -> tuple[list[str], set[str]]:
    """The environments and files in question."""
    from phoenix_gitops.model.tenant import Tenant
    from phoenix_gitops.suggest import closest
    from phoenix_gitops.world import matches

    world, policies = result.world, result.policies
    assert world is not None
    assert policies is not None
    if tenant is None:
        return sorted(world.environments), set()
    tenants = dict(world.of_kind(Tenant))
    if tenant not in tenants:
        near = closest(tenant, tenants)
        raise click.BadParameter(f"there is no tenant '{tenant}'" + (f"; did you mean '{near}'?" if near else ""))
    selector = tenants[tenant].spec.environment_selector
    here = [name for name, environment in world.environments.items() if matches(selector, environment)]
    own = {
        policy.document.file
        for (kind, name), policy in policies.items()
        if (kind, name) == ("Tenant", tenant) or policy.data.get("spec", {}).get("tenant") == tenant
    }
    return here, own
