"""What a change means beyond its fields: effects, grouped by cause, and the clusters that they are read from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from phoenix_gitops.diff import TreeDiff, abstracted
from phoenix_gitops.diff_objects import Object, read_object
from phoenix_gitops.tree import PROOF


class Aspect(StrEnum):
    """What an effect is about, in the order of showing; the value is its heading."""

    REPLACED = "must be replaced"
    SCALING = "replicas"
    PODS = "pods"
    ACCESS = "access"
    NETWORK = "network"
    METRICS = "metrics and labels"
    ALERTS = "alerts and recording rules"
    QUOTAS = "quotas"
    COST = "requests and cost"


UNKNOWN: Final[Mapping[Aspect, str]] = {
    Aspect.METRICS: "who reads them outside of this repository, as dashboards do, is not known here",
}
"""What is not known of an aspect, said beside it."""


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place of an effect: environment, cluster, namespace (may be empty)."""

    environment: str
    cluster: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.environment, self.cluster, self.namespace) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing that becomes different in one place."""

    aspect: Aspect
    sign: str
    """`+` more, `-` less, `~` different, `!` to be looked at before it is merged."""
    text: str
    """What, without the place: equal for the same effect elsewhere."""
    where: Where
    tenant: str = ""
    note: str = ""
    """What holds in this place alone: how many pods."""
    plan: str = ""
    """What to do instead, or before."""
    gained: bool = False
    """Whether somebody may do what they could not."""
    vanishes: bool = False
    """Whether a metric or label that somebody may read goes, or means something else."""


@dataclass(frozen=True, slots=True)
class EffectGroup:
    """Effects that are the same but for the names of environment, cluster, namespace and tenant."""

    effects: tuple[Effect, ...]

    @property
    def first(self) -> Effect:
        """The one that stands for all."""
        return self.effects[0]

    @property
    def alike(self) -> int:
        """How many other texts there are: the same for other tenants."""
        return len({effect.text for effect in self.effects}) - 1


@dataclass(frozen=True)
class Side:
    """One side's objects of a cluster, by kind."""

    kinds: Mapping[str, list[Object]] = field(default_factory=dict)

    def of(self, *kinds: str) -> Iterator[Object]:
        """Its objects of these kinds, by path."""
        for kind in kinds:
            yield from self.kinds.get(kind, ())

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """The object of that kind and name; None if there is none."""
        return next((o for o in self.of(kind) if (o.namespace, o.name) == (namespace, name)), None)


@dataclass(frozen=True)
class Cluster:
    """A cluster in which something differs."""

    environment: str
    name: str
    old: Side
    new: Side
    changed: tuple[tuple[Object | None, Object | None], ...]
    """The objects that differ in their bytes: old and new, None where it is not."""
    restarts: tuple[tuple[str, str, str], ...] = ()
    """Workloads whose pods are replaced: kind, namespace, name."""

    def where(self, namespace: str = "") -> Where:
        """A place in this cluster."""
        return Where(self.environment, self.name, namespace)

    def pairs(self, *kinds: str) -> Iterator[tuple[Object | None, Object | None]]:
        """The objects of these kinds that differ."""
        for before, after in self.changed:
            one = after or before
            if one is not None and one.kind in kinds:
                yield before, after


def clusters(diff: TreeDiff, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[Cluster]:
    """The clusters in which objects differ, by name; files that are equal on both sides are read once."""
    touched = set(diff.clusters)
    read: dict[tuple[str, bytes], Object] = {}
    sides: list[dict[tuple[str, str], list[Object]]] = []
    for tree in (old, new):
        found: dict[tuple[str, str], list[Object]] = defaultdict(list)
        for path in sorted(tree):
            parts = path.split("/", 2)
            if parts[0] == PROOF or len(parts) < 3 or (parts[0], parts[1]) not in touched:
                continue
            key = (path, tree[path])
            if key not in read:
                read[key] = read_object(*key)
            found[parts[0], parts[1]].append(read[key])
        sides.append(found)
    restarts: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for change in diff.changes:
        if change.restarts:
            place = change.place
            restarts[place.environment, place.cluster].append((change.kind, place.namespace, place.name))
    for environment, name in sorted(touched):
        before, after = (side.get((environment, name), []) for side in sides)
        there = {one.identity for one in after}
        # What the reconciler leaves in the cluster has its effect there as before.
        after = [*after, *(one for one in before if one.identity not in there and one.outlasts)]
        yield Cluster(
            environment=environment,
            name=name,
            old=_side(before),
            new=_side(after),
            changed=_pairs(before, after),
            restarts=tuple(sorted(restarts[environment, name])),
        )


def _side(objects: Iterable[Object]) -> Side:
    kinds: dict[str, list[Object]] = defaultdict(list)
    for one in objects:
        kinds[one.kind].append(one)
    return Side(dict(kinds))


def _pairs(before: list[Object], after: list[Object]) -> tuple[tuple[Object | None, Object | None], ...]:
    olds, news = {one.identity: one for one in before}, {one.identity: one for one in after}
    found = []
    for identity in sorted(olds.keys() | news.keys()):
        old, new = olds.get(identity), news.get(identity)
        if old is None or new is None or old.content != new.content:
            found.append((old, new))
    return tuple(found)


def grouped(effects: Iterable[Effect]) -> tuple[EffectGroup, ...]:
    """The effects by cause: the same one in many places once, in the order of aspects, dangers first."""
    groups: dict[object, list[Effect]] = defaultdict(list)
    for effect in effects:
        where = effect.where
        names = {where.cluster: "<cluster>", where.namespace: "<namespace>", effect.tenant: "<tenant>"}
        names[where.environment] = "<environment>"
        key = (effect.aspect, effect.sign, abstracted(effect.text, names), effect.plan, bool(where.namespace))
        groups[key].append(effect)
    order = list(Aspect)
    done = [EffectGroup(tuple(sorted(group, key=lambda e: (e.where, e.text)))) for group in groups.values()]
    signs = "!+-~"
    return tuple(
        sorted(
            done,
            key=lambda g: (order.index(g.first.aspect), signs.index(g.first.sign), g.first.text, g.first.where),
        )
    )
