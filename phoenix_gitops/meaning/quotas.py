"""Quotas before and after: of each namespace, and what that makes in the cluster with all the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect
from phoenix_gitops.meaning.reading import mapping
from phoenix_gitops.model.units import amount

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quotas(cluster: Cluster) -> Iterator[Effect]:
    """Each resource whose quota differs."""
    pairs = list(cluster.pairs("ResourceQuota"))
    if not pairs:
        return
    sums = [_sums(side.of("ResourceQuota")) for side in (cluster.old, cluster.new)]
    for before, after in pairs:
        one = after or before
        if one is None:
            continue
        for (was, now, totals), resources in _changed(before, after, sums).items():
            whose = f"tenant `{one.tenant}`" if one.tenant else f"`{one.name}`"
            shown = [_shown(value, resources[0]) for value in (was, now, *totals)]
            yield Effect(
                aspect=Aspect.QUOTAS,
                sign=_sign(was, now, gone=after is None),
                text=f"{whose}: {', '.join(resources)} {shown[0]} -> {shown[1]}{_percent(was, now)}",
                where=cluster.where(one.namespace),
                tenant=one.tenant,
                note=f"sum of the cluster {shown[2]} -> {shown[3]}",
            )


_Figure = Fraction | None
_Step = tuple[_Figure, _Figure, tuple[_Figure, _Figure]]
"""A quota before and after, and the cluster's sums."""


def _changed(before: Object | None, after: Object | None, sums: list[dict[str, Fraction]]) -> dict[_Step, list[str]]:
    """The resources whose quota differs, those with the same figures together (requests and limits)."""
    old, new = _hard(before), _hard(after)
    found: dict[_Step, list[str]] = {}
    for resource in sorted(old.keys() | new.keys()):
        was, now = old.get(resource), new.get(resource)
        if was != now:
            totals = (sums[0].get(resource), sums[1].get(resource))
            found.setdefault((was, now, totals), []).append(resource)
    return found


def _sign(was: Fraction | None, now: Fraction | None, *, gone: bool) -> str:
    if was is None:
        return "+"
    if now is None:
        # With its namespace a quota goes; without it the namespace may take all.
        return "-" if gone else "!"
    return "~"


def _hard(one: Object | None) -> dict[str, Fraction]:
    found = {}
    for resource, value in mapping(one.data if one else None, "spec", "hard").items():
        try:
            found[str(resource)] = amount(str(value))
        except ValueError:
            continue
    return found


def _sums(quotas: Iterable[Object]) -> dict[str, Fraction]:
    sums: dict[str, Fraction] = {}
    for one in quotas:
        for resource, value in _hard(one).items():
            sums[resource] = sums.get(resource, Fraction()) + value
    return sums


def _percent(was: Fraction | None, now: Fraction | None) -> str:
    if not was or now is None:
        return ""
    return f" ({round((now - was) / was * 100):+d} %)"


def _shown(value: Fraction | None, resource: str) -> str:
    """A figure for people: memory in the largest unit that divides it."""
    if value is None:
        return "none"
    if resource.rpartition(".")[2] in ("memory", "storage", "ephemeral-storage") and value:
        for unit, size in reversed(_UNITS.items()):
            if value >= size and (value / size * 10).denominator == 1:
                return f"{float(value / size):g}{unit}"
    return str(int(value)) if value.denominator == 1 else f"{float(value):.6g}"
