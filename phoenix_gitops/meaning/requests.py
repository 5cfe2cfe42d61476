"""What our workloads request of their clusters, least and most by their replicas, and what that costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect, Side
from phoenix_gitops.meaning.reading import Data, mapping, maps, number, text
from phoenix_gitops.meaning.workloads import bounds
from phoenix_gitops.model.platform import Prices
from phoenix_gitops.model.units import amount

_KINDS: Final = ("Deployment", "StatefulSet", "DaemonSet")
_SCALERS: Final = ("HorizontalPodAutoscaler", "ScaledObject")
_GIB: Final = 2**30
_WHOLE: Final = 100
"""From here on money is shown without cents."""


@dataclass(frozen=True, slots=True)
class Need:
    """Cores and bytes, in cores and bytes."""

    cpu: Fraction = Fraction()
    memory: Fraction = Fraction()

    def __add__(self, other: Need) -> Need:
        return Need(self.cpu + other.cpu, self.memory + other.memory)

    def times(self, count: int) -> Need:
        """That of so many pods."""
        return Need(self.cpu * count, self.memory * count)

    def cost(self, prices: Prices) -> Fraction:
        """What it costs a month, as the platform's cost rules reckon."""
        cores, memory = Fraction(prices.per_core_month), Fraction(prices.per_gibibyte_month)
        return self.cpu * cores + self.memory / _GIB * memory


@dataclass(frozen=True, slots=True)
class Needs:
    """What workloads need with the fewest and with the most replicas, and what on each node."""

    least: Need = Need()
    most: Need = Need()
    node: Need = Need()


def requests(cluster: Cluster, prices: Prices | None) -> Iterator[Effect]:
    """What is requested for the platform and for each tenant, where that differs; without prices no cost is told."""
    if not any(cluster.pairs(*_KINDS, *_SCALERS)):
        return
    old, new = _needs(cluster.old), _needs(cluster.new)
    for tenant in sorted(old.keys() | new.keys()):
        was, now = (side.get(tenant, Needs()) for side in (old, new))
        whose = f"tenant `{tenant}`" if tenant else "the platform"
        parts = []
        if (was.least, was.most) != (now.least, now.most):
            parts.append(("", (was.least, was.most), (now.least, now.most)))
        if was.node != now.node:
            parts.append((" on each node", (was.node, was.node), (now.node, now.node)))
        for where, before, after in parts:
            yield Effect(
                aspect=Aspect.COST,
                sign="~",
                text=f"{whose} requests{where} {_figures(before, after)}{_money(before, after, prices)}",
                where=cluster.where(),
                tenant=tenant,
            )


_Range = tuple[Need, Need]


def _figures(before: _Range, after: _Range) -> str:
    cpu = [_range(*(f"{float(one.cpu):.6g}" for one in side)) for side in (before, after)]
    memory = [_range(*(f"{float(one.memory / _GIB):.6g}" for one in side)) for side in (before, after)]
    parts = [(cpu, "cores"), (memory, "GiB")]
    return ", ".join(f"{was} -> {now} {unit}" for (was, now), unit in parts if was != now)


def _money(before: _Range, after: _Range, prices: Prices | None) -> str:
    if prices is None:
        return ""
    was, now = (_range(*(_price(one.cost(prices)) for one in side)) for side in (before, after))
    formula = f"cores x {prices.per_core_month} + GiB x {prices.per_gibibyte_month}"
    return f": {was} -> {now} {prices.currency} a month ({formula})"


def _price(cost: Fraction) -> str:
    return f"{float(cost):,.0f}" if cost >= _WHOLE else f"{float(cost):,.2f}"


def _range(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"


def _needs(side: Side) -> dict[str, Needs]:
    """By tenant; the platform's under an empty name."""
    found: dict[str, Needs] = defaultdict(Needs)
    for workload in side.of(*_KINDS):
        pod, was = _pod(workload), found[workload.tenant]
        if workload.kind == "DaemonSet":
            found[workload.tenant] = Needs(was.least, was.most, was.node + pod)
            continue
        replicas = number(workload.data, "spec", "replicas")
        alone = 1 if replicas is None else replicas
        low, high = bounds(workload, side) or (alone, alone)
        found[workload.tenant] = Needs(was.least + pod.times(low), was.most + pod.times(high), was.node)
    return found


def _pod(workload: Object) -> Need:
    """What the scheduler sets aside for a pod: its containers together, or more if one that comes first needs more."""
    spec = mapping(workload.data, "spec", "template", "spec")
    stays, first = Need(), Need()
    for one in maps(spec, "initContainers"):
        if text(one, "restartPolicy") == "Always":
            stays += _container(one)
            first = _larger(first, stays)
        else:
            first = _larger(first, stays + _container(one))
    for one in maps(spec, "containers"):
        stays += _container(one)
    return _larger(first, stays)


def _larger(one: Need, other: Need) -> Need:
    return Need(max(one.cpu, other.cpu), max(one.memory, other.memory))


def _container(container: Data) -> Need:
    """Its requests; a limit stands for a request that is not said."""
    asked = {**mapping(container, "resources", "limits"), **mapping(container, "resources", "requests")}
    return Need(_amount(asked.get("cpu")), _amount(asked.get("memory")))


def _amount(value: object) -> Fraction:
    try:
        return Fraction(amount(str(value)))
    except ValueError:
        return Fraction()
