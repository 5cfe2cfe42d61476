"""`phoenix new`: one more tenant, environment or SLO, begun as a person would."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import click

from phoenix_gitops.cli.beginning import complete, facts_of, owner_of, place, with_settings, without_gaps
from phoenix_gitops.cli.options import common

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile("[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@click.group(short_help="Begin a tenant, an environment or an SLO.")
def command() -> None:
    """Begin a tenant, an environment or an SLO: one small file in its place, written only if all checks pass with it.

    \b
    Example:
      phoenix new tenant checkout --owner team-checkout --class shared
    """


def _begun(function: Callable[P, R]) -> Callable[P, R]:
    """The options that all of them take."""
    decorators = [
        click.argument("name", callback=_take_name),
        click.option("--owner", default="", help="The team that answers for it."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="FIELD=VALUE",
            help="Any other field below `spec`, such as quotas.pods=40; repeatable.",
        ),
        click.option("--alike", is_flag=True, help="Take a name that is hardly another than an existing one."),
        click.option("--print", "show", is_flag=True, help="Print the file; check and write nothing."),
    ]
    result: Callable[..., R] = common(function)
    for decorate in reversed(decorators):
        result = decorate(result)
    return result


def _take_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise click.BadParameter(f"'{value}' is no name: lower-case letters, digits and '-', at most 40")
    return value


@command.command(short_help="Begin a tenant.")
@click.option("--class", "class_", default="", help="Its class: `phoenix show preset` lists the built-in ones.")
@click.option("--namespace", "namespaces", multiple=True, help="A namespace of it; repeatable.  [default: NAME]")
@_begun
def tenant(
    *,
    name: str,
    owner: str,
    class_: str,
    namespaces: tuple[str, ...],
    settings: tuple[str, ...],
    alike: bool,
    show: bool,
) -> int:
    """Begin the tenant NAME in `policies/tenants/NAME/tenant.yaml`.

    \b
    Examples:
      phoenix new tenant checkout --owner team-checkout --class shared
      phoenix new tenant checkout --owner team-checkout --class namespace --namespace shop --set costCenter=CC-1042
    """
    from phoenix_gitops.beginnings import Beginning

    spec = without_gaps({"class": class_, "identity": {"namespaces": list(namespaces) or [name]}})
    begun = Beginning(
        kind="Tenant",
        name=name,
        owner=owner,
        spec=with_settings(spec, settings),
        hints=(
            "environmentSelector: {matchLabels: {class: prod}} # without it: in every environment",
            "quotas: {activeSeries: 50000, ingestRate: 3500} # without them: those of its class",
            f"access: {{viewers: [{name}-devs], editors: [{name}-leads]}} # groups, and what they may do",
        ),
    )
    return place(complete(begun, {"--class": ("class",)}), alike=alike, show=show)


@command.command(short_help="Begin an environment.")
@click.option("--class", "class_", default="", help="What it is for: dev, staging, prod or reference.")
@click.option("--cluster", default="", help="Its first cluster's name.  [default: NAME]")
@click.option("--server", default="", help="The cluster's API server, as the reconciler addresses it.")
@click.option("--kubernetes", default="", help="The cluster's Kubernetes minor version, such as 1.34.")
@click.option(
    "--api-server", "addresses", multiple=True, metavar="CIDR", help="Where pods reach the API server; repeatable."
)
@_begun
def environment(
    *,
    name: str,
    owner: str,
    class_: str,
    cluster: str,
    server: str,
    kubernetes: str,
    addresses: tuple[str, ...],
    settings: tuple[str, ...],
    alike: bool,
    show: bool,
) -> int:
    """Begin the environment NAME in `environments/NAME.yaml`, with one cluster.

    Facts that are not given are those of another environment's cluster, of the same class if there is one; the file
    says so, for they must hold here as well.

    It needs --api-server, too, or a base (`--set extends=NAME`) that gives what is missing.

    \b
    Example:
      phoenix new environment dev --owner platform --class dev --server https://k8s.example.com --kubernetes 1.34
    """
    from phoenix_gitops.beginnings import Beginning

    facts, origin = facts_of(class_)
    own = {"name": cluster or name, "server": server, "kubernetes": kubernetes}
    reach = {"apiServer": {"ipBlocks": list(addresses)}} if addresses else {}
    spec = {"class": class_, "clusters": [{**without_gaps(own), **reach, **facts}]}
    begun = Beginning(
        kind="Environment",
        name=name,
        owner=owner,
        spec=with_settings(without_gaps(spec), settings),
        head="A cluster is a fact sheet: what stands here must be so in the cluster.",
        notes={"provides": f"Check these four: they are {origin}."},
        hints=("control: standard # picks the pipelines by their cardinality",),
    )
    needed: dict[str, Sequence[str]] = {
        "--class": ("class",),
        "--server": ("clusters", "server"),
        "--kubernetes": ("clusters", "kubernetes"),
        "--api-server": ("clusters", "apiServer", "ipBlocks"),
    }
    if "extends" in begun.spec:
        del needed["--class"]
    return place(complete(begun, needed), alike=alike, show=show)


@command.command(short_help="Begin an SLO.")
@click.option("--tenant", "tenant_", default="", callback=_take_name, help="Whose service it is.  [default: ours]")
@click.option("--service", default="", help="The service that is measured.")
@click.option("--objective", default="", help="The share that must be good, such as 0.999.")
@click.option("--errors", default="", metavar="PROMQL", help="Rate of bad events, over [$window].")
@click.option("--total", default="", metavar="PROMQL", help="Rate of all events, over [$window].")
@_begun
def slo(
    *,
    name: str,
    owner: str,
    tenant_: str,
    service: str,
    objective: str,
    errors: str,
    total: str,
    settings: tuple[str, ...],
    alike: bool,
    show: bool,
) -> int:
    """Begin the SLO NAME: in the folder of its tenant, whose owner it gets, else in `policies/slos/NAME.yaml`.

    \b
    Example:
      phoenix new slo logins --tenant id --service login --objective 0.999 --errors 'E[$window]' --total 'T[$window]'
    """
    from phoenix_gitops.beginnings import Beginning

    ratio = without_gaps({"errors": errors, "total": total})
    spec: dict[str, Any] = without_gaps({"tenant": tenant_, "service": service, "objective": objective})
    if objective:
        spec = with_settings(spec, (f"objective={objective}",))
    if ratio:
        spec["indicator"] = {"ratio": ratio}
    begun = Beginning(
        kind="SLO",
        name=name,
        owner=owner or owner_of(tenant_),
        spec=with_settings(spec, settings),
        tenant=tenant_,
        hints=(
            "window: 30d # the period that the error budget is for",
            "alerting: {runbook: https://runbooks.example.com/NAME} # what to do when it burns".replace("NAME", name),
        ),
    )
    needed: dict[str, Sequence[str]] = {"--service": ("service",), "--objective": ("objective",)}
    indicator = begun.spec.get("indicator", {})
    if not isinstance(indicator, dict) or "threshold" not in indicator:
        needed |= {"--errors": ("indicator", "ratio", "errors"), "--total": ("indicator", "ratio", "total")}
    return place(complete(begun, needed), alike=alike, show=show)
