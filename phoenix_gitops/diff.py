"""Compare two output trees by meaning: objects and fields, not text; the same change in many places once.

Pure: the trees come from `vcs.tree_at`, the compiler or the disk, and `diff_report` shows the result.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from phoenix_gitops.diff_fields import FieldChange, compare_values
from phoenix_gitops.diff_objects import Object, read_object
from phoenix_gitops.tree import PROOF

DESTRUCTIVE = frozenset(
    {
        *("Namespace", "PersistentVolumeClaim", "VMCluster", "VMSingle", "Kafka", "KafkaTopic"),
        *("Application", "AppProject", "GitRepository", "Kustomization"),
    }
)
"""Kinds whose deletion takes data or whole workloads with it."""
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


class Action(StrEnum):
    """What becomes of an object, most dangerous first."""

    REMOVED = "removed"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an object is: environment, cluster, component, namespace (may be empty), name."""

    environment: str
    cluster: str
    component: str
    namespace: str
    name: str

    def __str__(self) -> str:
        parts = (self.environment, self.cluster, self.namespace)
        return "/".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object that differs."""

    action: Action
    kind: str
    group: str
    place: Place
    fields: tuple[FieldChange, ...] = ()
    config: str = ""
    """For a hash-named ConfigMap or Secret that was replaced: its name without the hash."""
    configs: tuple[str, ...] = ()
    """The replaced ones that this object refers to."""
    tenant: str = ""
    outlasts: bool = False
    """Of a removed one: it stays in the cluster as it is."""

    @property
    def restarts(self) -> bool:
        """Whether running pods are replaced."""
        touched = bool(self.configs) or any(field.path.startswith("spec.template") for field in self.fields)
        return self.action is Action.CHANGED and self.kind in _WORKLOADS and touched

    @property
    def deletes(self) -> bool:
        """Whether data or whole workloads go; a workload that goes with its tenant is a step of that tenant's life."""
        kinds = DESTRUCTIVE if self.tenant else DESTRUCTIVE | _WORKLOADS
        return self.action is Action.REMOVED and self.kind in kinds and not self.outlasts


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes that are the same but for the names of environment, cluster, namespace and tenant."""

    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        """The one that stands for all."""
        return self.changes[0]

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the change happens."""
        return tuple(change.place for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDiff:
    """What differs between two trees."""

    groups: tuple[ChangeGroup, ...] = ()
    proof: int = 0
    """How many files of `_proof/` differ; they repeat what the objects say."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every object that differs, by group."""
        return tuple(change for group in self.groups for change in group.changes)

    @property
    def deletes(self) -> tuple[Change, ...]:
        """Deletions that take data or workloads with them."""
        return tuple(change for change in self.changes if change.deletes)

    @property
    def restarts(self) -> int:
        """How many workloads replace their pods."""
        return sum(change.restarts for change in self.changes)

    def count(self, action: Action, environment: str = "") -> int:
        """Objects with this fate, in all or in one environment."""
        return sum(c.action is action and environment in ("", c.place.environment) for c in self.changes)

    @property
    def environments(self) -> tuple[str, ...]:
        """Those in which an object differs."""
        return tuple(sorted({change.place.environment for change in self.changes}))

    @property
    def clusters(self) -> tuple[tuple[str, str], ...]:
        """Those in which an object differs, as (environment, cluster)."""
        return tuple(sorted({(change.place.environment, change.place.cluster) for change in self.changes}))

    @property
    def components(self) -> tuple[str, ...]:
        """Those of which an object differs."""
        return tuple(sorted({change.place.component for change in self.changes}))

    def __bool__(self) -> bool:
        return bool(self.groups or self.proof)


def compare(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> TreeDiff:
    """What changes in meaning from one tree (contents by path) to another.

    Formatting, comments, key order, our header and where a file lies count as nothing.
    """
    proof = 0
    removed: list[Object] = []
    added: list[Object] = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        if path.startswith(f"{PROOF}/"):
            proof += 1
            continue
        if before is not None:
            removed.append(read_object(path, before))
        if after is not None:
            added.append(read_object(path, after))
    changes = list(_changes(removed, added))
    return TreeDiff(groups=_grouped(_without_rolled_names(changes)), proof=proof)


@dataclass(frozen=True, slots=True)
class _Pairing:
    """Old and new objects, matched by ever weaker keys."""

    removed: dict[str, Object]
    added: dict[str, Object]

    def match(self, keys: Iterable[str]) -> Iterator[tuple[Object, Object]]:
        for kind in keys:
            yield from self._match(kind)

    def _match(self, attribute: str) -> Iterator[tuple[Object, Object]]:
        candidates: dict[tuple[str, ...], list[Object]] = defaultdict(list)
        for one in self.removed.values():
            candidates[getattr(one, attribute)].append(one)
        wanted = Counter(getattr(one, attribute) for one in self.added.values())
        for path, one in list(self.added.items()):
            key = getattr(one, attribute)
            # An empty key fits nothing; a key that fits several would be a guess.
            if key and len(candidates.get(key, ())) == 1 and wanted[key] == 1:
                (before,) = candidates[key]
                del self.removed[before.path], self.added[path]
                yield before, one


def _changes(removed: Iterable[Object], added: Iterable[Object]) -> Iterator[Change]:
    pairing = _Pairing({one.path: one for one in removed}, {one.path: one for one in added})
    for before, after in pairing.match(("identity", "hashed_path", "hashed_stem")):
        rolled = after.stem if before.name != after.name else ""
        fields = tuple(
            field for field in compare_values(before.data, after.data) if not (rolled and field.path == "metadata.name")
        )
        if fields or rolled:
            yield _change(Action.CHANGED, after, fields=fields, config=rolled, was=before.name)
    for one in pairing.removed.values():
        yield _change(Action.REMOVED, one)
    for one in pairing.added.values():
        yield _change(Action.ADDED, one)


def _change(
    action: Action, one: Object, *, fields: tuple[FieldChange, ...] = (), config: str = "", was: str = ""
) -> Change:
    if config:
        # Both names, for the workloads that refer to them; taken off again when those were found.
        fields = (*fields, FieldChange("metadata.name", was, one.name))
    place = Place(one.environment, one.cluster, one.component, one.namespace, one.name)
    return Change(
        action=action,
        kind=one.kind,
        group=one.group,
        place=place,
        fields=fields,
        config=config,
        tenant=one.tenant,
        outlasts=action is Action.REMOVED and one.outlasts,
    )


def _without_rolled_names(changes: list[Change]) -> Iterator[Change]:
    """A reference from the old hash-named object to the new one is no change of its own."""
    rolled: dict[tuple[str, str, object, object], str] = {}
    for change in changes:
        if change.config:
            name = change.fields[-1]
            rolled[change.place.environment, change.place.cluster, name.old, name.new] = change.config
    for change in changes:
        where = (change.place.environment, change.place.cluster)
        if change.config:
            yield replace(change, fields=change.fields[:-1])
            continue
        keys = [(*where, field.old, field.new) for field in change.fields if field.is_text]
        configs = tuple(sorted({rolled[key] for key in keys if key in rolled}))
        rest = tuple(f for f in change.fields if not (f.is_text and (*where, f.old, f.new) in rolled))
        yield replace(change, fields=rest, configs=configs)


def _grouped(changes: Iterable[Change]) -> tuple[ChangeGroup, ...]:
    groups: dict[object, list[Change]] = defaultdict(list)
    for change in changes:
        groups[_shape(change)].append(change)
    done = [ChangeGroup(tuple(sorted(group, key=lambda c: c.place))) for group in groups.values()]
    order = list(Action)
    return tuple(
        sorted(done, key=lambda g: (not g.first.deletes, order.index(g.first.action), g.first.kind, g.first.place))
    )


def _shape(change: Change) -> object:
    """The change without the names of its place: equal for the same change elsewhere."""
    place = change.place
    names = {place.cluster: "<cluster>", place.namespace: "<namespace>", change.tenant: "<tenant>"}
    names[place.environment] = "<environment>"

    def abstract(text: str) -> str:
        return abstracted(text, names)

    return (
        change.action,
        change.outlasts,
        change.group,
        change.kind,
        place.component,
        bool(place.namespace),
        abstract(change.config or place.name),
        tuple(abstract(field.text) for field in change.fields),
        tuple(abstract(name) for name in change.configs),
    )


def abstracted(text: str, names: Mapping[str, str]) -> str:
    """A text in which names, wherever they stand as words, are replaced; an empty name is none."""
    words = tuple(sorted((name for name in names if name), key=lambda n: (-len(n), n)))
    return _words(words).sub(lambda found: names[found[0]], text) if words else text


@lru_cache(maxsize=1024)
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, words))})(?![A-Za-z0-9])")
