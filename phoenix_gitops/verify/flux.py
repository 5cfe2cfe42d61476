"""Flux: a Kustomization finds its folder, waits for nothing that waits for it, and its account may apply all there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text, texts
from phoenix_gitops.verify.delivery import Folders
from phoenix_gitops.verify.finding import Fault, Finding, ObjectPath
from phoenix_gitops.verify.index import Index, Item

_ROOT: Final = "generated/"
_GROUP: Final = "kustomize.toolkit.fluxcd.io"
_KIND: Final = "Kustomization"
_RBAC: Final = "rbac.authorization.k8s.io"
_ACCESS: Final = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "RoleBinding")
_APPLY: Final = ("create", "get", "patch")
_PRUNE: Final = (*_APPLY, "delete")


def check_flux(index: Index, delivered: Sequence[Item]) -> Iterator[Finding]:
    """Every Kustomization; `delivered` are the objects of all clusters that it may bring."""
    found = {(i.summary.namespace, i.summary.name): i for i in index.of_kind(_GROUP, _KIND)}
    if not found:
        return
    folders = Folders(delivered)
    access = [item for item in delivered if item.summary.kind in _ACCESS]
    for item in found.values():
        spec = mapping(item.summary.spec)
        folder = text(spec.get("path")).removeprefix("./").strip("/").removeprefix(_ROOT)
        brought = folders.below(folder) if folder else []
        if not brought:
            yield _fault(
                item, ("spec", "path"), f"finds no object in `{text(spec.get('path'))}`", "name a folder of ours"
            )
        yield from _circle(item, found)
        if account := text(spec.get("serviceAccountName")):
            verbs = _PRUNE if spec.get("prune") is True else _APPLY
            yield from _rights(
                item, _Account(_of_cluster(access, folder), item.summary.namespace, account), brought, verbs, index
            )


def _circle(item: Item, known: dict[tuple[str, str], Item]) -> Iterator[Finding]:
    """That a Kustomization waits for itself, told at each one that does."""
    start = (item.summary.namespace, item.summary.name)
    seen: set[tuple[str, str]] = set()
    waiting = [start]
    while waiting:
        current = known.get(waiting.pop())
        for name in _awaited(current) if current else ():
            if name == start:
                help_ = "take one of them out of `dependsOn`: none would ever be applied"
                yield _fault(item, ("spec", "dependsOn"), "waits for itself", help_)
                return
            if name not in seen:
                seen.add(name)
                waiting.append(name)


def _awaited(item: Item) -> Iterator[tuple[str, str]]:
    for _, other in entries(mapping(item.summary.spec).get("dependsOn")):
        yield text(other.get("namespace")) or item.summary.namespace, text(other.get("name"))


def _rights(
    item: Item, account: _Account, brought: Iterable[Item], verbs: Sequence[str], index: Index
) -> Iterator[Finding]:
    at: ObjectPath = ("spec", "serviceAccountName")
    if not account.exists:
        help_ = "what lets Flux into the cluster must hold it"
        yield _fault(item, at, f"is applied by ServiceAccount `{account.name}`, which its cluster has not", help_)
        return
    names = {(group, kind): resource for group, kind, resource in index.facts.resources}
    for one in brought:
        summary = one.summary
        resource = names.get((summary.group, summary.kind), "")
        missing = [verb for verb in verbs if not account.may(verb, summary.group, resource, summary.namespace)]
        if missing:
            where = f" in namespace `{summary.namespace}`" if summary.namespace else ""
            what = f"{summary.kind} of `{summary.group}`" if summary.group else summary.kind
            message = f"is applied by `{account.name}`, which may not {', '.join(missing)} a {what}{where}"
            yield _fault(item, at, message, "grant it where Flux is let into the cluster", one.path)


def _fault(item: Item, at: ObjectPath, message: str, help_: str, *related: str) -> Finding:
    what = f"{_KIND} `{item.summary.name}` {message}"
    return item.finding(Fault(at=at, code="PHX539", message=what, help=help_), related)


def _of_cluster(items: Iterable[Item], folder: str) -> Iterator[Item]:
    """Those of the cluster that a folder is part of."""
    cluster = "/".join(folder.split("/")[:2])
    return (item for item in items if item.path.startswith(f"{cluster}/"))


@dataclass(frozen=True, slots=True)
class _Grant:
    namespace: str
    """Where it holds, empty for everywhere."""
    role: str


class _Account:
    """What a ServiceAccount may do by the roles that are bound to it."""

    def __init__(self, items: Iterable[Item], namespace: str, name: str) -> None:
        self.name, self.exists = name, False
        self._rules: dict[str, list[Mapping]] = defaultdict(list)
        """By the namespace where they hold, empty for everywhere."""
        roles: dict[str, Mapping] = {}
        grants: list[_Grant] = []
        for item in items:
            summary = item.summary
            if (summary.kind, summary.namespace, summary.name) == ("ServiceAccount", namespace, name):
                self.exists = True
            elif (summary.group, summary.kind) == (_RBAC, "ClusterRole"):
                roles[summary.name] = mapping(summary.spec)
            elif summary.group == _RBAC and _names(mapping(summary.spec), namespace, name):
                grants.append(_Grant(summary.namespace, text(child(summary.spec, "roleRef").get("name"))))
        for grant in grants:
            self._rules[grant.namespace] += [rule for _, rule in entries(roles.get(grant.role, {}).get("rules"))]

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether it may do something with the objects of a resource, in a namespace or (if empty) in none."""
        held = self._rules[""] + (self._rules[namespace] if namespace else [])
        return any(
            verb in texts(rule.get("verbs"))
            and group in texts(rule.get("apiGroups"))
            and resource in texts(rule.get("resources"))
            and not rule.get("resourceNames")
            for rule in held
        )


def _names(binding: Mapping, namespace: str, name: str) -> bool:
    """Whether a binding of a ClusterRole names the account."""
    return child(binding, "roleRef").get("kind") == "ClusterRole" and any(
        (subject.get("kind"), subject.get("namespace"), subject.get("name")) == ("ServiceAccount", namespace, name)
        for _, subject in entries(binding.get("subjects"))
    )
