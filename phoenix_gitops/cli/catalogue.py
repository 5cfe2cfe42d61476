"""What `phoenix show catalogue` prints: metrics behind a stage, what was lost on the way, and how much there can be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from phoenix_gitops.catalogue import TARGET_LABELS, Catalogue, Loss, Metric
from phoenix_gitops.cli.options import Common
from phoenix_gitops.scope import EnvironmentScope, TenantScope

_COLUMNS = ("metric", "type", "unit", "seconds", "series", "source", "labels")
_FEW = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, as the options of the command are called."""

    environment: str
    stage: str
    pipeline: str | None
    tenant: str | None
    pattern: str | None
    lost: bool
    totals: bool


def show(options: Common, request: Request) -> int:
    """Prints what is asked for; gives the exit code."""
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.rules.atlas import at_stage

    result = front(options)
    if result.world is None:
        return finish(options, result.diagnostics, result.sources)
    world = result.world
    environment = world.environments[_known(request.environment, world.environments, "environment", "'-e'")]
    env = world.environment(request.environment)
    present = world.present(environment)
    if request.totals:
        return _totals(options, env, [world.tenant(environment, name) for name in present])
    tenant = None
    if request.tenant is not None:
        tenant = world.tenant(environment, _known(request.tenant, present, "tenant", "'--tenant'"))
    catalogue = _chosen(request, env, at_stage(env, tenant, request.stage))
    return _losses(options, catalogue, request) if request.lost else _metrics(options, catalogue, request)


def _known(name: str, names: Iterable[str], what: str, hint: str) -> str:
    """The name, if it is one of these; else a usage error that lists them."""
    listed = sorted(names)
    if name not in listed:
        raise click.BadParameter(f"there is no {what} '{name}'; there are: {', '.join(listed)}", param_hint=hint)
    return name


def _chosen(request: Request, env: EnvironmentScope, found: Mapping[str, Catalogue]) -> Catalogue:
    """The catalogue that is asked for, of one pipeline or of all."""
    from phoenix_gitops.rules.known import PIPELINE, prometheus_exports

    if "" not in found:
        if request.pipeline is not None:
            return found[_known(request.pipeline, found, "pipeline", "'--pipeline'")]
        whole = Catalogue({})
        for name, catalogue in found.items():
            whole = _marked(whole, name, catalogue)
        return whole
    whole = found[""]
    if request.pipeline is None:
        return whole
    spaces = {pipeline.metadata.name: f"{export.namespace}_" for pipeline, _, export in prometheus_exports(env)}
    space = spaces[_known(request.pipeline, spaces, "pipeline", "'--pipeline'")]
    kept = {
        metric.name: metric
        for metric in whole.all()
        if list(metric.values.get(PIPELINE, ())) == [request.pipeline] or metric.name.startswith(space)
    }
    return Catalogue(kept, {name: loss for name, loss in whole.losses().items() if name.startswith(space)})


def _marked(whole: Catalogue, pipeline: str, catalogue: Catalogue) -> Catalogue:
    """Behind the gateway each pipeline has metrics of the same names: they are told apart by the pipeline."""
    metrics = {f"{pipeline}: {metric.name}": metric for metric in catalogue.all()}
    lost = {f"{pipeline}: {name}": loss for name, loss in catalogue.losses().items()}
    return Catalogue({**whole.metrics, **metrics}, {**whole.lost, **lost})


def _matching(names: Mapping[str, Any], request: Request) -> list[str]:
    try:
        pattern = re.compile(request.pattern or ".*")
    except re.error as error:
        raise click.BadParameter(f"not a pattern: {error}", param_hint="'--metric'") from None
    return [name for name in sorted(names) if pattern.fullmatch(name.rpartition(": ")[2])]


def _metrics(options: Common, catalogue: Catalogue, request: Request) -> int:
    from phoenix_gitops.catalogue.bounds import series_bound
    from phoenix_gitops.cli.session import listed

    named = {name: metric for name in catalogue.names if (metric := catalogue.get(name)) is not None}
    rows: list[tuple[object, ...]] = []
    for name in _matching(named, request):
        metric = named[name]
        bound = series_bound(metric)
        seconds = metric.interval_ms / 1000 or None
        most = None if bound is None else bound.most
        head = (name, metric.type, metric.unit)
        if options.format == "json":
            rows.append((*head, seconds, most, metric.source, _as_data(metric)))
        else:
            shown = ("-" if seconds is None else f"{seconds:g}", "-" if most is None else most)
            rows.append((*head[:2], metric.unit or "-", *shown, metric.source, _as_text(metric)))
    return listed(options, "metrics", _COLUMNS, rows)


def _as_text(metric: Metric) -> str:
    """Labels besides those of the target, with what is known of their values; `...` where there may be more."""
    from phoenix_gitops.rules.recorded import RECORDED

    target = frozenset() if metric.source == RECORDED else TARGET_LABELS
    shown = [_label(metric, label) for label in sorted(metric.known_labels - target)]
    return " ".join([*shown, *(["..."] if metric.labels is None else [])])


def _label(metric: Metric, label: str) -> str:
    values = sorted(metric.values.get(label, ()))
    if values and len(values) <= _FEW:
        return f"{label}={'|'.join(values)}"
    if values:
        return f"{label}({len(values)})"
    if label == "le" and metric.buckets:
        return f"le({len(metric.buckets) + 1})"
    return f"{label}({metric.most[label]})" if label in metric.most else label


def _as_data(metric: Metric) -> dict[str, Any]:
    labels: dict[str, Any] = {}
    for label in sorted(metric.known_labels):
        values = sorted(metric.values.get(label, ()))
        most = metric.most.get(label)
        labels[label] = {**({"values": values} if values else {}), **({"max": most} if most is not None else {})}
    lost = {label: _loss(loss) for label, loss in sorted(metric.lost.items())}
    return {"known": labels, "open": metric.labels is None, "buckets": list(metric.buckets), "lost": lost}


def _loss(loss: Loss) -> dict[str, Any]:
    from phoenix_gitops.paths import show_path

    where = {"policy": str(loss.policy), "path": show_path(loss.path)} if loss.policy is not None else {}
    return {"stage": loss.stage, "what": loss.what, **where}


def _losses(options: Common, catalogue: Catalogue, request: Request) -> int:
    from phoenix_gitops.cli.session import listed

    named = {name: metric for name in catalogue.names if (metric := catalogue.get(name)) is not None}
    gone = catalogue.losses()
    rows = []
    for name in _matching({**named, **gone}, request):
        if name in gone:
            rows.append((name, "-", gone[name].stage, gone[name].what))
        else:
            rows += [(name, label, loss.stage, loss.what) for label, loss in sorted(named[name].lost.items())]
    return listed(options, "lost", ("metric", "label", "stage", "what happened"), rows)


def _totals(options: Common, env: EnvironmentScope, tenants: Iterable[TenantScope]) -> int:
    from phoenix_gitops.cli.session import listed
    from phoenix_gitops.rules.atlas import totals

    rows = [(total.owner, total.metrics, total.bounded, total.series) for total in totals(env, tenants)]
    return listed(options, "totals", ("of", "metrics", "with a bound", "series at most"), rows)
