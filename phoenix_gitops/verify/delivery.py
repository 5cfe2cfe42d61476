"""Argo CD: what an Application brings must be allowed by its AppProject.

The globs and defaults are those of Argo CD: no list of namespaced kinds allows all, no list of
cluster-scoped kinds allows none; a pattern that begins with `!` denies.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text, texts
from phoenix_gitops.verify.finding import Fault, Finding, ObjectPath, ObjectRef
from phoenix_gitops.verify.index import Index, Item

_ROOT = "generated/"


def check_delivery(index: Index, delivered: Sequence[Item]) -> Iterator[Finding]:
    """Each Application against its project; `delivered` are the objects of all clusters that it may bring."""
    folders = Folders(delivered)
    for item in index.of_kind("argoproj.io", "Application"):
        spec = mapping(item.summary.spec)
        name = text(spec.get("project"))
        project = index.named.get(ObjectRef("AppProject", item.summary.namespace, name))
        if project is not None:
            yield from _destination(item, spec, project)
            yield from _sources(item, spec, project)
            yield from _kinds(item, spec, project, folders)


def _destination(item: Item, spec: Mapping, project: Item) -> Iterator[Finding]:
    destination = child(spec, "destination")
    if not _Reach(project, destination).allows(text(destination.get("namespace"))):
        where = text(destination.get("server")) or text(destination.get("name"))
        message = f"does not allow namespace `{text(destination.get('namespace'))}` of `{where}`"
        help_ = "add the destination to the project, or mend the Application's"
        fault = Fault(at=("spec", "destination"), code="PHX748", message=message, help=help_)
        yield _refused(item, project, fault)


class _Reach:
    """The namespaces that a project lets into the cluster of a destination; plain names are looked up, not matched."""

    def __init__(self, project: Item, destination: Mapping) -> None:
        server, name = text(destination.get("server")), text(destination.get("name"))
        patterns = [
            text(rule.get("namespace"))
            for _, rule in entries(mapping(project.summary.spec).get("destinations"))
            if (_matches(text(rule.get("server")), server) if server else _matches(text(rule.get("name")), name))
        ]
        self._denied = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        self._globs = [pattern for pattern in patterns if "*" in pattern or "?" in pattern]
        self._names = {pattern for pattern in patterns if not pattern.startswith("!")}

    def allows(self, namespace: str) -> bool:
        """Whether objects may go into a namespace."""
        if any(_matches(pattern, namespace) for pattern in self._denied):
            return False
        return namespace in self._names or any(
            _matches(pattern, namespace) for pattern in self._globs if not pattern.startswith("!")
        )


def _sources(item: Item, spec: Mapping, project: Item) -> Iterator[Finding]:
    allowed = texts(mapping(project.summary.spec).get("sourceRepos"))
    sources = [(("spec", "source"), mapping(spec.get("source")))] if spec.get("source") else []
    several: list[tuple[ObjectPath, Mapping]] = [
        (("spec", "sources", index), source) for index, source in entries(spec.get("sources"))
    ]
    for at, source in (*sources, *several):
        repository = text(source.get("repoURL"))
        if not any(_matches(pattern, repository) for pattern in allowed):
            message = f"does not allow repository `{repository}`"
            help_ = "add it to the project's `sourceRepos`"
            fault = Fault(at=(*at, "repoURL"), code="PHX748", message=message, help=help_)
            yield _refused(item, project, fault)


def _kinds(item: Item, spec: Mapping, project: Item, folders: Folders) -> Iterator[Finding]:
    folder = text(child(spec, "source").get("path")).strip("/")
    if not folder:
        return
    rules = mapping(project.summary.spec)
    reach = _Reach(project, child(spec, "destination"))
    verdicts: dict[tuple[str, str, bool], bool] = {}
    for brought in folders.below(folder.removeprefix(_ROOT)):
        summary = brought.summary
        kind = (summary.group, summary.kind, bool(summary.namespace))
        if kind not in verdicts:
            verdicts[kind] = kind_allowed(rules, summary.group, summary.kind, namespaced=kind[2])
        if not verdicts[kind]:
            group = f"group `{summary.group}`" if summary.group else "the core group"
            message = f"does not allow {summary.kind} of {group}"
            field = "namespaceResourceWhitelist" if summary.namespace else "clusterResourceWhitelist"
            fault = Fault(at=("spec", "project"), code="PHX749", message=message, help=f"add it to `{field}`")
            yield _refused(item, project, fault, brought)
        elif summary.namespace and not reach.allows(summary.namespace):
            message = f"does not allow namespace `{summary.namespace}`"
            help_ = "add the namespace to the project's `destinations`"
            fault = Fault(at=("spec", "project"), code="PHX748", message=message, help=help_)
            yield _refused(item, project, fault, brought)


class Folders:
    """One object of each group, kind and namespace in each folder; folders are found by prefix."""

    def __init__(self, items: Sequence[Item]) -> None:
        kinds: dict[str, dict[tuple[str, str, str], Item]] = {}
        for item in items:
            summary = item.summary
            folder = item.path.rpartition("/")[0] + "/"
            key = (summary.group, summary.kind, summary.namespace)
            kinds.setdefault(folder, {}).setdefault(key, item)
        self._kinds = kinds
        self._sorted = sorted(kinds)

    def below(self, folder: str) -> list[Item]:
        """One object of each group, kind and namespace in a folder and its subfolders."""
        prefix = folder + "/"
        found: dict[tuple[str, str, str], Item] = {}
        for candidate in islice(self._sorted, bisect_left(self._sorted, prefix), None):
            if not candidate.startswith(prefix):
                break
            for key, item in self._kinds[candidate].items():
                found.setdefault(key, item)
        return list(found.values())


def kind_allowed(project: Mapping, group: str, kind: str, *, namespaced: bool) -> bool:
    """Whether an AppProject's spec lets objects of a kind be applied."""
    scope = "namespace" if namespaced else "cluster"
    allow, deny = project.get(f"{scope}ResourceWhitelist"), project.get(f"{scope}ResourceBlacklist")
    allowed = (namespaced and allow is None) or _listed(allow, group, kind)
    return allowed and not _listed(deny, group, kind)


def _listed(rules: object, group: str, kind: str) -> bool:
    return any(
        _matches(text(rule.get("group")), group) and _matches(text(rule.get("kind")), kind)
        for _, rule in entries(rules)
    )


def _refused(item: Item, project: Item, fault: Fault, *brought: Item) -> Finding:
    """The fault of an Application, its message put as what the project does not do to the objects it brings."""
    message = f"AppProject `{project.summary.name}` {fault.message}"
    return item.finding(replace(fault, message=message), (project.path, *(other.path for other in brought)))


def _matches(pattern: str, value: str) -> bool:
    return pattern in ("*", value) or _glob(pattern).fullmatch(value) is not None


@lru_cache(maxsize=512)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)
