"""Alerts added, removed, loosened and tightened, and recording rules that record something else.

A rule that moves to another group or object is the same rule: only what is evaluated counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect
from phoenix_gitops.meaning.objectives import (
    FOLLOWING,
    SAID,
    SIGNS,
    Rule,
    come_or_go,
    objectives,
    slo_of,
    threshold,
    whole,
)
from phoenix_gitops.meaning.reading import canonical, mapping, maps, text
from phoenix_gitops.meaning.telemetry import RECORDED
from phoenix_gitops.meaning.thresholds import Tendency, tendency
from phoenix_gitops.model.units import milliseconds

_KINDS = ("PrometheusRule", "VMRule")
_RANKS = {"page": 3, "critical": 3, "error": 2, "ticket": 2, "warning": 2, "info": 1, "none": 0}


_KEYS: tuple[Callable[[Rule], object], ...] = (
    lambda r: (r.name, r.alert, r.labels),
    lambda r: (r.name, r.alert, r.others),
    lambda r: (r.name, r.alert, r.severity),
)
"""What tells rules apart, strongest first."""


def rules(cluster: Cluster) -> Iterator[Effect]:
    """What becomes of alerts and recording rules."""
    pairs = list(cluster.pairs(*_KINDS))
    old = Counter(rule for before, _ in pairs for rule in _read(before))
    new = Counter(rule for _, after in pairs for rule in _read(after))
    removed, added = list((old - new).elements()), list((new - old).elements())
    matched = list(_match(removed, added))
    slos = {slo_of(after) for _, after in matched if after.name in SAID}
    yield from objectives(cluster, matched)
    for before, after in matched:
        if after.name not in SAID and not (after.name in FOLLOWING and slo_of(after) in slos):
            yield from _changed(cluster, before, after)
    for found, word, sign in ((added, "added", "+"), (removed, "removed", "!")):
        slos_whole = whole(found)
        yield from come_or_go(cluster, slos_whole, word, sign)
        told = {rule for records in slos_whole.values() for rule in records}
        yield from _listed(cluster, (rule for rule in found if rule not in told), word, sign)


def _read(one: Object | None) -> Iterator[Rule]:
    if one is None:
        return
    for group in maps(one.data, "spec", "groups"):
        for rule in maps(group, "rules"):
            name = text(rule, "alert")
            if text(rule, "record") in RECORDED:
                continue  # `telemetry` tells them as the quotas that they are.
            yield Rule(
                namespace=one.namespace,
                name=name or text(rule, "record"),
                alert=bool(name),
                expr=text(rule, "expr"),
                hold=text(rule, "for"),
                keep=text(rule, "keep_firing_for"),
                labels=tuple(sorted((str(k), canonical(v).strip('"')) for k, v in mapping(rule, "labels").items())),
                tenant=one.tenant,
            )


def _match(removed: list[Rule], added: list[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Old and new of one rule, by ever weaker keys; takes them out of the lists."""
    for key in _KEYS:
        waiting: dict[object, list[Rule]] = defaultdict(list)
        for rule in removed:
            waiting[key(rule)].append(rule)
        wanted = Counter(key(rule) for rule in added)
        for rule in list(added):
            before = waiting[key(rule)]
            # What fits several is no guess, unless they stand in the same number: then their order tells.
            if before and len(before) >= wanted[key(rule)]:
                wanted[key(rule)] -= 1
                first = before.pop(0)
                removed.remove(first)
                added.remove(rule)
                yield first, rule


def _changed(cluster: Cluster, before: Rule, after: Rule) -> Iterator[Effect]:
    if not after.alert:
        if before.expr != after.expr:
            compared = threshold(tendency(before.expr, after.expr)[1])
            more = f": {compared}" if compared else ""
            yield _effect(cluster, after, "~", f"recording rule `{after.name}` records something else{more}")
        return
    parts: list[tuple[Tendency, str]] = []
    if before.expr != after.expr:
        became, figures = tendency(before.expr, after.expr)
        if became is not Tendency.SAME:
            parts.append((became, threshold(figures) or "its condition"))
    for name, old, new, looser in (
        ("for", before.hold, after.hold, 1),
        ("keep_firing_for", before.keep, after.keep, -1),
    ):
        step = _length(new) - _length(old)
        if step:
            parts.append((_tendency(step * looser), f"`{name}` {old or '0s'} -> {new or '0s'}"))
    if before.severity != after.severity:
        step = _RANKS.get(before.severity, 1) - _RANKS.get(after.severity, 1)
        parts.append((_tendency(step), f"severity {before.severity or 'none'} -> {after.severity or 'none'}"))
    if parts:
        kinds = {became for became, _ in parts}
        became = kinds.pop() if len(kinds) == 1 else Tendency.UNKNOWN
        details = ", ".join(shown for _, shown in parts)
        yield _effect(cluster, after, SIGNS[became], f"{_called(after)} {became.value}: {details}")


def _length(duration: str) -> int:
    return milliseconds(duration) if duration else 0


def _tendency(step: int) -> Tendency:
    """`step` above 0: it fires later, shorter, or wakes fewer people."""
    return Tendency.LOOSER if step > 0 else Tendency.TIGHTER if step < 0 else Tendency.UNKNOWN


def _called(rule: Rule) -> str:
    about = [rule.severity] if rule.severity else []
    labels = dict(rule.labels)
    about += [labels[name] for name in ("slo", "service") if name in labels][:1]
    return f"alert `{rule.name}`" + (f" ({', '.join(about)})" if about else "")


def _listed(cluster: Cluster, rules: Iterable[Rule], word: str, sign: str) -> Iterator[Effect]:
    """Alerts that come or go by name with how many of it; recording rules by name."""
    names: dict[tuple[str, str, bool], Counter[str]] = defaultdict(Counter)
    for rule in rules:
        label = f"`{rule.name}`" + (f" ({rule.severity})" if rule.severity else "")
        names[rule.namespace, rule.tenant, rule.alert][label] += 1
    for (namespace, tenant, alert), counts in sorted(names.items()):
        total = sum(counts.values())
        word_for = "alert" if alert else "recording rule"
        listed = ", ".join(name + (f" x{count}" if count > 1 else "") for name, count in sorted(counts.items()))
        yield Effect(
            aspect=Aspect.ALERTS,
            sign=sign if alert or sign == "+" else "-",
            text=f"{total} {word_for}{'' if total == 1 else 's'} {word}: {listed}",
            where=cluster.where(namespace),
            tenant=tenant,
        )


def _effect(cluster: Cluster, rule: Rule, sign: str, what: str) -> Effect:
    return Effect(aspect=Aspect.ALERTS, sign=sign, text=what, where=cluster.where(rule.namespace), tenant=rule.tenant)
