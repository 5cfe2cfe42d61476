"""The objects of one cluster, found by name, namespace and pod."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from phoenix_gitops.verify.finding import ANY, Facts, Fault, Finding, ObjectRef
from phoenix_gitops.verify.selectors import Selector
from phoenix_gitops.verify.summary import Pods, Summary

_PROVIDED = frozenset(
    (
        *(ObjectRef("Namespace", "", name) for name in ("default", "kube-system", "kube-public", "kube-node-lease")),
        *(ObjectRef("ClusterRole", "", name) for name in ("view", "edit", "admin", "cluster-admin")),
        *(ObjectRef("PriorityClass", "", f"system-{name}-critical") for name in ("node", "cluster")),
        ObjectRef("ServiceAccount", ANY, "default"),
        ObjectRef("ConfigMap", ANY, "kube-root-ca.crt"),
        ObjectRef("Service", "default", "kubernetes"),
        ObjectRef("AppProject", ANY, "default"),
    )
)
"""What every cluster has (the project: every Argo CD)."""


@dataclass(frozen=True, slots=True)
class Item:
    """A summary and the file of its object."""

    path: str
    summary: Summary

    def finding(self, fault: Fault, related: tuple[str, ...] = ()) -> Finding:
        """A fault of this object."""
        return Finding(path=self.path, fault=fault, related=related)


@dataclass(frozen=True, slots=True)
class Index:
    """All objects of a cluster, with the look-ups that checks need."""

    items: Sequence[Item]
    facts: Facts
    named: dict[ObjectRef, Item] = field(default_factory=dict)
    pods: dict[str, list[tuple[Item, Pods]]] = field(default_factory=dict)
    """Workloads by namespace."""
    known: set[ObjectRef] = field(default_factory=set)
    names: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Names by (kind, namespace), for suggestions."""

    @classmethod
    def of(cls, items: Iterable[Item], facts: Facts) -> Index:
        """Index the items, which come in a fixed order."""
        ordered = tuple(items)
        pods: dict[str, list[tuple[Item, Pods]]] = defaultdict(list)
        names: dict[tuple[str, str], set[str]] = defaultdict(set)
        index = cls(ordered, facts, pods=pods, names=names)
        # Of two objects of one name the one that says how it is to be comes first.
        for item in sorted(ordered, key=lambda item: item.summary.seed):
            summary = item.summary
            index.named.setdefault(ObjectRef(summary.kind, summary.namespace, summary.name), item)
            made = ((summary.kind, summary.name), *summary.makes)
            for kind, name in made:
                index.known.add(ObjectRef(kind, summary.namespace, name))
                names[kind, summary.namespace].add(name)
            if summary.pods is not None:
                pods[summary.namespace].append((item, summary.pods))
        return index

    def exists(self, kind: str, namespace: str, name: str) -> bool:
        """Whether we make the object, its controller does, or it is there already."""
        return ObjectRef(kind, namespace, name) in self.known or self.external(kind, namespace, name)

    def external(self, kind: str, namespace: str, name: str) -> bool:
        """Whether the object is declared to exist or every cluster has it."""
        if kind == "ClusterRole" and name.startswith("system:"):
            return True
        forms = (
            ObjectRef(kind, namespace, name),
            ObjectRef(kind, namespace, ANY),
            ObjectRef(kind, ANY, name),
            ObjectRef(kind, ANY, ANY),
        )
        return any(form in _PROVIDED or form in self.facts.external for form in forms)

    def of_kind(self, group: str, kind: str) -> Iterator[Item]:
        """The objects of one kind."""
        return (i for i in self.items if i.summary.group == group and i.summary.kind == kind)

    def selected(self, namespace: str, selector: Selector) -> list[tuple[Item, Pods]]:
        """The workloads of a namespace that a selector matches."""
        return [(item, pods) for item, pods in self.pods.get(namespace, ()) if selector.matches(pods.labels)]
