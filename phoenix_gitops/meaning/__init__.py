"""What a change means beyond its fields: pods, access, network, alerts, quotas. Pure, from the two trees alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from phoenix_gitops.diff import TreeDiff
from phoenix_gitops.meaning.access import access, projects
from phoenix_gitops.meaning.base import Cluster, Effect, EffectGroup, clusters, grouped
from phoenix_gitops.meaning.immutable import replaced
from phoenix_gitops.meaning.network import network
from phoenix_gitops.meaning.quotas import quotas
from phoenix_gitops.meaning.rules import rules
from phoenix_gitops.meaning.workloads import restarts, scaling

_READERS: tuple[Callable[[Cluster], Iterator[Effect]], ...] = (
    *(replaced, scaling, restarts),
    *(access, projects, network, rules, quotas),
)


def effects(diff: TreeDiff, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> tuple[EffectGroup, ...]:
    """What the difference of two trees means, grouped by cause.

    Args:
        diff: what `compare(old, new)` found.
        old: contents by path, as they were.
        new: as they will be.

    """
    return grouped(effect for cluster in clusters(diff, old, new) for read in _READERS for effect in read(cluster))
