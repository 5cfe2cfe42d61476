"""Metrics and labels that vanish or change their type, and the rules that read them.

Both sides' policies tell what an environment's series are; who reads them outside of the repository is not known here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from phoenix_gitops.catalogue import Catalogue, Metric, declared
from phoenix_gitops.meaning.base import Aspect, Effect, Where
from phoenix_gitops.meaning.policies import Held, Policies
from phoenix_gitops.meaning.readers import Reader, of_platform, of_tenants
from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.rules import inventory, rulesets, slo
from phoenix_gitops.rules.exported import SUMS, as_label, is_dropped, labels, named
from phoenix_gitops.rules.group import Group
from phoenix_gitops.rules.known import PROCESS_SERIES, prometheus_exports
from phoenix_gitops.rules.lint import own_groups
from phoenix_gitops.scope import EnvironmentScope, TenantScope

_SHOWN: Final = 4


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """What becomes of series, the same for all metrics of one source that it happens to."""

    source: str
    what: str = ""
    """In words: behind the metrics' names, or before them where it is about a label's value; empty for what goes."""
    labels: tuple[str, ...] = ()
    """The labels that it is about; without any it is about whole metrics."""
    value: str = ""


def metrics(old: Policies, new: Policies) -> Iterator[Effect]:
    """What vanishes in environments that both sides have, from tenants that both have."""
    for name in sorted(old.keys() & new.keys()):
        before, after = old[name], new[name]
        if _facts(before.env) != _facts(after.env):
            yield from _platform(name, before, after)
        olds, news = ({tenant.name: tenant for tenant in side.tenants} for side in (before, after))
        for tenant in sorted(olds.keys() & news.keys()):
            if _own(olds[tenant]) != _own(news[tenant]) or _exports(before.env) != _exports(after.env):
                yield from _of_tenant(name, (before, olds[tenant]), (after, news[tenant]))


def _facts(env: EnvironmentScope) -> object:
    """All that an environment's metrics follow from."""
    spec = env.environment.spec
    return (
        *(env.edge, env.pipelines, env.control, env.security.spec.redact, env.slos, env.rule_sets, env.catalogs),
        *(spec.exports, spec.telemetry, spec.budget, env.platform.spec.catalog.collector.tag, env.platform.spec.prices),
    )


def _own(tenant: TenantScope) -> object:
    return (tenant.slos, tenant.rule_sets, tenant.catalogs)


def _platform(name: str, before: Held, after: Held) -> Iterator[Effect]:
    known = named(before.env) | named(after.env)
    spaces = _exports(before.env).keys() | _exports(after.env).keys()
    catalogues = [_catalogue(side.env, known, spaces) for side in (before, after)]
    readers = [[*of_platform(side), *(one for _, one in of_tenants(side))] for side in (before, after)]
    yield from _effects(Where(name), catalogues, readers)
    yield from _pipelines(name, before, after, readers)


def _of_tenant(name: str, before: tuple[Held, TenantScope], after: tuple[Held, TenantScope]) -> Iterator[Effect]:
    """A tenant's own metrics: nobody else's rules see them under its label."""
    spaces = _exports(before[0].env).keys() | _exports(after[0].env).keys()
    catalogues, readers = [], []
    for held, tenant in (before, after):
        interval = held.env.environment.spec.telemetry.evaluation_interval
        built = [group for one in tenant.slos for group in slo.groups(one, interval)]
        built += [group for one in tenant.rule_sets for group in rulesets.groups(one, interval)]
        known = Catalogue({}).plus(_declared(held.env, tenant.catalogs, spaces))
        names = {record.record for group in built for record in group.records} | set(known.metrics)
        whole = inventory.with_records(inventory.emitted(held.env).plus(known.metrics.values()), built)
        # What every SLO records is there as long as there is any.
        own = {
            metric: found
            for metric, found in whole.metrics.items()
            if metric in names and not metric.startswith("slo:")
        }
        catalogues.append(Catalogue(own))
        readers.append([one for whose, one in of_tenants(held) if whose == tenant.name])
    yield from _effects(Where(name), catalogues, readers, tenant=after[1].name)


def _catalogue(env: EnvironmentScope, known: Iterable[str], spaces: Iterable[str]) -> Catalogue:
    """What the platform's rules can read, with the labels that processes are known to have behind an exporter."""
    found = {one.metadata.name: _all(labels(env, one, known)) for one in env.pipelines}
    dropped, exports = _dropped(env), _exports(env)

    def told(metric: Metric) -> Metric:
        """With the labels that are known of it, and the pipeline that a reviewer knows it by."""
        whose = next((name for space, name in exports.items() if metric.name.startswith(space)), None)
        if metric.labels is not None or whose is None:
            return metric
        return replace(metric, labels=found[whose], source=f"pipeline {whose}")

    emitted = inventory.emitted(replace(env, catalogs=())).all()
    base = Catalogue({}).plus(told(one) for one in emitted if one.name not in dropped)
    base = base.plus(_declared(env, env.catalogs, spaces))
    return inventory.with_records(base, _groups(env))


def _dropped(env: EnvironmentScope) -> set[str]:
    """Series of processes that a pipeline drops by their metric's name."""
    return {
        f"{export.namespace}_{name}"
        for pipeline, _, export in prometheus_exports(env)
        for metric, name in PROCESS_SERIES.items()
        if is_dropped(env.edge, metric) or is_dropped(pipeline, metric)
    }


def _all(by_class: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*by_class.values())


def _groups(env: EnvironmentScope) -> Iterator[Group]:
    interval = env.environment.spec.telemetry.evaluation_interval
    yield from own_groups(env)
    for one in env.slos:
        yield from slo.groups(one, interval)
    for rule_set in env.rule_sets:
        yield from rulesets.groups(rule_set, interval)


def _exports(env: EnvironmentScope) -> dict[str, str]:
    """The pipelines that Prometheus scrapes, by the prefix of what they show."""
    return {f"{export.namespace}_": pipeline.metadata.name for pipeline, _, export in prometheus_exports(env)}


def _declared(env: EnvironmentScope, catalogs: Iterable[MetricCatalog], spaces: Iterable[str]) -> Iterator[Metric]:
    """What catalogs declare, without what no export shows and what is redacted."""
    there = _exports(env)
    gone = tuple(space for space in spaces if space not in there)
    redacted = {as_label(name) for name in env.security.spec.redact}
    for one in declared(catalogs):
        if not one.name.startswith(gone):
            yield replace(one, labels=None if one.labels is None else one.labels - redacted)


def _effects(
    where: Where, catalogues: Iterable[Catalogue], readers: Iterable[Iterable[Reader]], *, tenant: str = ""
) -> Iterator[Effect]:
    old, new = catalogues
    olds, news = (list(dict.fromkeys(side)) for side in readers)
    losses: dict[Loss, list[str]] = defaultdict(list)
    for name in sorted(old.metrics):
        for loss in _losses(old.metrics[name], new.get(name)):
            losses[loss].append(name)
    for loss, names in sorted(_labels_together(losses)):
        did, do = (_called(readers, names, loss, new.names) for readers in (olds, news))
        yield _effect(where, f"{_sentence(loss, names)} ({loss.source})", did, do, tenant)


def _labels_together(losses: Mapping[Loss, list[str]]) -> Iterator[tuple[Loss, list[str]]]:
    """Losses with their metrics; labels that the same metrics lose are one."""
    together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for loss, names in losses.items():
        if loss.labels and not loss.what:
            together[loss.source, tuple(names)] += loss.labels
        else:
            yield loss, names
    for (source, names_), labels_ in together.items():
        yield Loss(source, labels=tuple(sorted(labels_))), list(names_)


def _effect(where: Where, what: str, did: Iterable[str], do: Iterable[str], tenant: str = "") -> Effect:
    """`did` and `do` are the rules that read it on either side."""
    still = list(do)
    along = [one for one in did if one not in still]
    parts = [f"still read by {_listed(still)}"] if still else []
    if along:
        parts.append(f"{len(along)} rule{'' if len(along) == 1 else 's'} that read it change or go: {_listed(along)}")
    return Effect(
        aspect=Aspect.METRICS,
        sign="!" if still else "-",
        text=f"{what}; {'; '.join(parts) or 'no rule of this repository read it'}",
        where=where,
        tenant=tenant,
        vanishes=True,
    )


def _sentence(loss: Loss, names: list[str]) -> str:
    called = f"metric{'' if len(names) == 1 else 's'} {_listed(f'`{name}`' for name in names)}"
    if len(names) > 2 and loss.source.startswith("pipeline") and _common(names):
        called = f"{len(names)} metrics `{_common(names)}*`"
    if loss.what:
        return f"{loss.what} {called}" if loss.labels else f"{called}: {loss.what}"
    if loss.labels:
        many = len(loss.labels) > 1
        return f"label{'s' if many else ''} {_listed(f'`{one}`' for one in loss.labels)} {_go(many)} from {called}"
    return f"{called} {_go(len(names) > 1)}"


def _go(many: bool) -> str:
    return "go" if many else "goes"


def _common(names: list[str]) -> str:
    """What names begin with, up to the last `_`."""
    first, last = min(names), max(names)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first[:same].rfind("_") + 1]


def _losses(was: Metric, now: Metric | None) -> Iterator[Loss]:
    source = was.source
    if now is None:
        yield Loss(source)
        return
    if was.type != now.type and "unknown" not in (was.type, now.type):
        yield Loss(source, f"type {was.type} -> {now.type}")
    if was.unit != now.unit and was.unit:
        yield Loss(source, f"unit {was.unit} -> {now.unit or 'none'}")
    gone = frozenset[str]() if was.labels is None or now.labels is None else was.labels - now.labels
    for label in sorted(gone):
        yield Loss(source, labels=(label,))
    for label in sorted((was.values.keys() & now.values.keys()) - gone):
        for value in sorted(was.values[label] - now.values[label]):
            yield Loss(source, f"label `{label}` is no longer `{value}` in", (label,), value)


def _called(readers: Iterable[Reader], names: list[str], loss: Loss, left: frozenset[str]) -> list[str]:
    """The rules that read any of these metrics and, if it is about labels, name one of those."""
    return sorted(
        {
            one.called
            for one in readers
            if any(one.reads(name, label, loss.value, left=left) for name in names for label in loss.labels or ("",))
        }
    )


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN + 1 else ""
    return ", ".join(found[:_SHOWN] if more else found) + more


def _pipelines(name: str, before: Held, after: Held, readers: list[list[Reader]]) -> Iterator[Effect]:
    """Labels that only some processes' series lose, and series that go, while the metrics' names stay."""
    known = named(before.env) | named(after.env)
    exported = set(_exports(before.env).values()) & set(_exports(after.env).values())
    olds, news = ({one.metadata.name: one for one in side.env.pipelines} for side in (before, after))
    for pipeline in sorted(exported):
        was, now = labels(before.env, olds[pipeline], known), labels(after.env, news[pipeline], known)
        whole = _all(was) - _all(now)
        lost: dict[str, list[str]] = defaultdict(list)
        for class_ in sorted(was):
            lost[""] += [] if class_ in now else [_of(class_)]
            for label in sorted(was[class_] - now.get(class_, was[class_]) - whole):
                lost[label].append(_of(class_))
        shown = [space for space, whose in _exports(after.env).items() if whose == pipeline]
        names = [f"{shown[0]}{series}" for series in PROCESS_SERIES.values()]
        for label, classes in sorted(lost.items()):
            if classes:
                loss = Loss("", labels=(label,))
                did, do = (_called(side, names, loss, frozenset()) if label else [] for side in readers)
                series = f"series of {', '.join(classes)}"
                sums = " but in sums" if SUMS in now and SUMS not in was else ""
                what = f"label `{label}` goes from {series} of" if label else f"{series} go{sums} from"
                yield _effect(Where(name), f"{what} pipeline `{pipeline}`", did, do)


def _of(class_: str) -> str:
    return f"class `{class_}`" if class_ else "sums"
