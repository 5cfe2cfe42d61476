"""Quotas of what tenants send: series and datapoints, beside budget and capacity, and what full use would cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect
from phoenix_gitops.meaning.policies import Held
from phoenix_gitops.meaning.reading import maps, text
from phoenix_gitops.model.platform import Prices
from phoenix_gitops.rules.cost import BYTES_PER_SAMPLE
from phoenix_gitops.rules.tenants import LABEL, RATE_QUOTA, RETENTION, SERIES_QUOTA
from phoenix_gitops.rules.terms import MONTH_SECONDS

RECORDED: Final = {RATE_QUOTA: "datapoints a second", RETENTION: "days of data kept", SERIES_QUOTA: "active series"}
"""Recording rules that say what tenants are owed, by name, and what they count."""
_VECTOR = re.compile(r"vector\(([0-9]{1,18})\)")
_MARKS = (b"phoenix:tenant_quota_", RETENTION.encode())
_DAY = 86_400

_Quotas = dict[tuple[str, str], tuple[int, str]]
"""Record and tenant -> the figure, and the namespace that its rule is in."""


def telemetry(cluster: Cluster, prices: Prices | None, held: Held | None = None) -> Iterator[Effect]:
    """Each recorded quota that differs; without prices no cost is told, without policies no budget."""
    if not any(one and _marked(one) for pair in cluster.pairs("PrometheusRule") for one in pair):
        return
    old, new = (_recorded(side.of("PrometheusRule")) for side in (cluster.old, cluster.new))
    for record, tenant in sorted(old.keys() | new.keys()):
        (was, place), (now, there) = (side.get((record, tenant), (None, "")) for side in (old, new))
        both = (RATE_QUOTA, tenant) in old.keys() & new.keys()
        if was == now or (record == RETENTION and not both):
            # What comes or goes with its tenant says nothing of its own.
            continue
        cost = _costs(tenant, (old, new), prices) if record != SERIES_QUOTA and prices else ""
        note = "" if record == RETENTION else _sums(record, (old, new), prices)
        yield Effect(
            aspect=Aspect.QUOTAS,
            sign="+" if was is None else "-" if now is None else "~",
            text=f"tenant `{tenant}`: {RECORDED[record]} {_shown(was, record)} -> {_shown(now, record)}"
            f"{_percent(was, now)}{cost}",
            where=cluster.where(there or place),
            tenant=tenant,
            note=note + ("" if record == RETENTION or held is None else _bounds(record, new, cluster.name, held)),
        )


def _marked(one: Object) -> bool:
    return any(mark in one.content for mark in _MARKS)


def _recorded(rules: Iterable[Object]) -> _Quotas:
    found: _Quotas = {}
    for one in rules:
        if not _marked(one):
            continue
        for group in maps(one.data, "spec", "groups"):
            for rule in maps(group, "rules"):
                figure = _VECTOR.fullmatch(text(rule, "expr").strip())
                if figure and text(rule, "record") in RECORDED:
                    found[text(rule, "record"), text(rule, "labels", LABEL)] = (int(figure[1]), one.namespace)
    return found


def _percent(was: int | None, now: int | None) -> str:
    return f" ({round((now - was) / was * 100):+d} %)" if was and now is not None else ""


def _shown(figure: int | None, record: str = "") -> str:
    if figure is None:
        return "none"
    return f"{figure / _DAY:g}" if record == RETENTION else f"{figure:,}"


def _sum(record: str, side: _Quotas) -> int:
    return sum(figure for (name, _), (figure, _) in side.items() if name == record)


def _sums(record: str, sides: tuple[_Quotas, _Quotas], prices: Prices | None) -> str:
    """The sum of all tenants on both sides, and what all would cost together."""
    was, now = (_shown(_sum(record, side)) for side in sides)
    note = f"sum of the cluster {was} -> {now}"
    if record == RATE_QUOTA and prices:
        costs = [sum((_month(side, tenant, prices) for _, tenant in _of(side)), Decimal()) for side in sides]
        note += f", used in full {costs[0]:,.0f} -> {costs[1]:,.0f} {prices.currency} a month"
    return note


def _of(side: _Quotas) -> Iterator[tuple[str, str]]:
    return (key for key in side if key[0] == RATE_QUOTA)


def _bounds(record: str, side: _Quotas, cluster: str, held: Held) -> str:
    """What the sum stands beside: the environment's budget, and what the cluster holds."""
    spec = held.env.environment.spec
    if record == RATE_QUOTA:
        money = spec.budget.monthly_cost
        many = f" for {len(spec.clusters)} clusters" if len(spec.clusters) > 1 else ""
        return f"; the environment's budget is {Decimal(money):,f}{many}" if money else ""
    total = _sum(record, side)
    holds = next((one.capacity.active_series for one in spec.clusters if one.name == cluster and one.capacity), None)
    bounds = [
        f"{round(total / bound * 100)} % of {what} {bound:,}"
        for what, bound in (
            ("the environment's budget of", spec.budget.active_series),
            ("the cluster's capacity of", holds),
        )
        if bound
    ]
    return f": {', '.join(bounds)}" if bounds else ""


def _costs(tenant: str, sides: tuple[_Quotas, _Quotas], prices: Prices) -> str:
    was, now = (f"{_month(side, tenant, prices):,.0f}" for side in sides)
    return f", used in full {was} -> {now} {prices.currency} a month"


def _month(side: _Quotas, tenant: str, prices: Prices) -> Decimal:
    """What so many points a second cost in a month of 30 days: taken in, and what is kept of them at a time."""
    rate = side.get((RATE_QUOTA, tenant), (0, ""))[0]
    kept = side.get((RETENTION, tenant), (MONTH_SECONDS, ""))[0]
    taken = Decimal(rate) * MONTH_SECONDS / 10**6 * Decimal(prices.per_million_points)
    stored = Decimal(rate) * kept * BYTES_PER_SAMPLE / 10**9 * Decimal(prices.per_gigabyte_stored)
    return taken + stored
