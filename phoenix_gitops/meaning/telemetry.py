"""Quotas of what tenants send: series and datapoints, with the sum of the cluster and what full use would cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect
from phoenix_gitops.meaning.reading import maps, text
from phoenix_gitops.model.platform import Prices
from phoenix_gitops.rules.cost import BYTES_PER_SAMPLE
from phoenix_gitops.rules.tenants import LABEL, RATE_QUOTA, SERIES_QUOTA
from phoenix_gitops.rules.terms import MONTH_SECONDS

RECORDED: Final = {SERIES_QUOTA: "active series", RATE_QUOTA: "datapoints a second"}
"""Recording rules that are quotas, by name, and what they count."""
_VECTOR = re.compile(r"vector\(([0-9]{1,18})\)")
_MARK = b"phoenix:tenant_quota_"

_Quotas = dict[tuple[str, str], tuple[int, str]]
"""Record and tenant -> the figure, and the namespace that its rule is in."""


def telemetry(cluster: Cluster, prices: Prices | None) -> Iterator[Effect]:
    """Each recorded quota that differs; without prices no cost is told."""
    if not any(one and _MARK in one.content for pair in cluster.pairs("PrometheusRule") for one in pair):
        return
    old, new = (_recorded(side.of("PrometheusRule")) for side in (cluster.old, cluster.new))
    for record, tenant in sorted(old.keys() | new.keys()):
        (was, place), (now, there) = (side.get((record, tenant), (None, "")) for side in (old, new))
        if was == now:
            continue
        sums = [sum(figure for (name, _), (figure, _) in side.items() if name == record) for side in (old, new)]
        change = f" ({round((now - was) / was * 100):+d} %)" if was and now is not None else ""
        cost = _costs(was, now, prices) if record == RATE_QUOTA and prices else ""
        yield Effect(
            aspect=Aspect.QUOTAS,
            sign="+" if was is None else "-" if now is None else "~",
            text=f"tenant `{tenant}`: {RECORDED[record]} {_shown(was)} -> {_shown(now)}{change}{cost}",
            where=cluster.where(there or place),
            tenant=tenant,
            note=f"sum of the cluster {sums[0]} -> {sums[1]}",
        )


def _recorded(rules: Iterable[Object]) -> _Quotas:
    found: _Quotas = {}
    for one in rules:
        if _MARK not in one.content:
            continue
        for group in maps(one.data, "spec", "groups"):
            for rule in maps(group, "rules"):
                figure = _VECTOR.fullmatch(text(rule, "expr").strip())
                if figure and text(rule, "record") in RECORDED:
                    found[text(rule, "record"), text(rule, "labels", LABEL)] = (int(figure[1]), one.namespace)
    return found


def _shown(figure: int | None) -> str:
    return "none" if figure is None else str(figure)


def _costs(was: int | None, now: int | None, prices: Prices) -> str:
    month = [f"{_month(figure or 0, prices):.0f}" for figure in (was, now)]
    return f", used in full {month[0]} -> {month[1]} {prices.currency} a month"


def _month(rate: int, prices: Prices) -> Decimal:
    """What so many points a second cost in a month of 30 days: taken in, and stored for a month."""
    points = Decimal(rate) * MONTH_SECONDS
    stored = points * BYTES_PER_SAMPLE / 10**9
    return points / 10**6 * Decimal(prices.per_million_points) + stored * Decimal(prices.per_gigabyte_stored)
