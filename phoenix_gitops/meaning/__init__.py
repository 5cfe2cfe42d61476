"""What a change means beyond its fields: pods, access, network, metrics, alerts, quotas. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from phoenix_gitops.diff import TreeDiff
from phoenix_gitops.meaning.access import access, projects
from phoenix_gitops.meaning.base import Cluster, Effect, EffectGroup, clusters, grouped
from phoenix_gitops.meaning.immutable import replaced
from phoenix_gitops.meaning.metrics import metrics
from phoenix_gitops.meaning.network import network
from phoenix_gitops.meaning.policies import Policies
from phoenix_gitops.meaning.quotas import quotas
from phoenix_gitops.meaning.requests import requests
from phoenix_gitops.meaning.rules import rules
from phoenix_gitops.meaning.telemetry import telemetry
from phoenix_gitops.meaning.workloads import restarts, scaling
from phoenix_gitops.model.platform import Prices

_READERS: tuple[Callable[[Cluster], Iterator[Effect]], ...] = (
    *(replaced, scaling, restarts),
    *(access, projects, network, rules, quotas),
)


def effects(
    diff: TreeDiff,
    old: Mapping[str, bytes],
    new: Mapping[str, bytes],
    prices: Prices | None = None,
    policies: tuple[Policies, Policies] = ({}, {}),
) -> tuple[EffectGroup, ...]:
    """What the difference of two trees means, grouped by cause.

    Args:
        diff: what `compare(old, new)` found.
        old: contents by path, as they were.
        new: as they will be.
        prices: what things cost; without them no cost is told.
        policies: of both sides; what only they know of environments that are not there is not told.

    """
    return grouped([*_read(diff, old, new, prices, policies[1]), *metrics(*policies)])


def _read(
    diff: TreeDiff, old: Mapping[str, bytes], new: Mapping[str, bytes], prices: Prices | None, policies: Policies
) -> Iterator[Effect]:
    for cluster in clusters(diff, old, new):
        for reader in _READERS:
            yield from reader(cluster)
        yield from requests(cluster, prices)
        yield from telemetry(cluster, prices, policies.get(cluster.environment))
