"""Access gained and lost: who may do what where, evaluated on both sides; how roles are cut up does not show.

Roles that the trees do not hold (`view`, `cluster-admin`) are taken as they are called. What a subject may do through
groups that the identity provider puts it into, or through the aggregation of ClusterRoles, is not known here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from phoenix_gitops.diff_objects import Object
from phoenix_gitops.meaning.base import Aspect, Cluster, Effect, Side
from phoenix_gitops.meaning.reading import Data, mapping, maps, text, texts

_KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_EVERYWHERE: Final = ""
_SHOWN = 5
_STRONG_VERBS = frozenset({"*", "escalate", "bind", "impersonate"})
_STRONG_RESOURCES = frozenset(
    {"*", "secrets", "pods/exec", "pods/attach", "pods/ephemeralcontainers", "serviceaccounts/token", "nodes/proxy"}
)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A subject may do one thing to one resource: in a namespace, or everywhere (empty)."""

    subject: str
    namespace: str
    verb: str
    resource: str
    """With its group (`deployments.apps`), as `*`, as a URL, or as a role that is not in the tree."""
    name: str = ""
    """The only object that it holds for."""

    @property
    def strong(self) -> bool:
        """Whether it opens more than it says: secrets, a shell in a pod, other people's rights."""
        resource = self.resource.partition(".")[0]
        if (self.verb, resource) == ("bind", "roles") and self.name:
            # Only who holds the rights of a role can give them to it: to bind one by its name adds none.
            return False
        return self.verb in _STRONG_VERBS or resource in _STRONG_RESOURCES


def access(cluster: Cluster) -> Iterator[Effect]:
    """What subjects may do that they could not, and no longer may."""
    touched = [one for pair in cluster.pairs(*_KINDS) for one in pair if one is not None]
    if not touched:
        return
    namespaces = None if any(o.kind == "ClusterRole" for o in touched) else {one.namespace for one in touched}
    before, after = _rights(cluster.old, namespaces), _rights(cluster.new, namespaces)
    gained, lost = _beyond(after, before), _beyond(before, after)
    tenants = {one.namespace: one.tenant for one in touched}
    for rights, sign in ((gained, "+"), (lost, "-")):
        yield from _effects(cluster, rights, sign, tenants)


def _effects(cluster: Cluster, rights: set[Right], sign: str, tenants: dict[str, str]) -> Iterator[Effect]:
    by_subject: dict[tuple[str, str], set[Right]] = defaultdict(set)
    for right in rights:
        by_subject[right.subject, right.namespace].add(right)
    for (subject, namespace), its in sorted(by_subject.items()):
        may = "may" if sign == "+" else "may no longer"
        where = "" if namespace else " in every namespace"
        strong = sign == "+" and any(right.strong for right in its)
        yield Effect(
            aspect=Aspect.ACCESS,
            sign="!" if strong else sign,
            text=f"{subject} {may} {_sentence(its)}{where}",
            where=cluster.where(namespace),
            tenant=tenants.get(namespace, ""),
            gained=sign == "+",
        )


def _sentence(rights: Iterable[Right]) -> str:
    """`get, list pods, services; create jobs.batch`: resources by their verbs, the strong ones first."""
    verbs: dict[str, set[str]] = defaultdict(set)
    strong: set[str] = set()
    for right in rights:
        called = right.resource + (f" `{right.name}`" if right.name else "")
        verbs[called].add(right.verb)
        strong |= {called} if right.strong else set()
    resources: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for resource in sorted(verbs, key=lambda one: (one not in strong, one)):
        resources[tuple(sorted(verbs[resource]))].append(resource)
    return "; ".join(f"{', '.join(which)} {_shortened(what)}" for which, what in sorted(resources.items()))


def _shortened(resources: list[str]) -> str:
    shown = resources if len(resources) <= _SHOWN + 1 else resources[:_SHOWN]
    more = len(resources) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _rights(side: Side, namespaces: set[str] | None) -> set[Right]:
    """Every right that bindings in these namespaces and of the whole cluster give; None means all namespaces."""
    roles: dict[tuple[str, str, str], Object] = {
        (one.kind, one.namespace if one.kind == "Role" else "", one.name): one for one in side.of("Role", "ClusterRole")
    }
    found: set[Right] = set()
    for binding in side.of("RoleBinding", "ClusterRoleBinding"):
        scope = binding.namespace if binding.kind == "RoleBinding" else _EVERYWHERE
        if namespaces is not None and scope and scope not in namespaces:
            continue
        kind, name = text(binding.data, "roleRef", "kind"), text(binding.data, "roleRef", "name")
        role = roles.get((kind, scope if kind == "Role" else "", name))
        rights = {Right("", scope, "have", f"{kind} `{name}`")} if role is None else set(_of_role(role, scope))
        for subject in maps(binding.data, "subjects"):
            found |= {replace(right, subject=_subject(subject)) for right in rights}
    return found


def _subject(subject: Data) -> str:
    kind, name = text(subject, "kind"), text(subject, "name")
    where = text(subject, "namespace") if kind == "ServiceAccount" else ""
    called = {"ServiceAccount": "service account", "Group": "group", "User": "user"}.get(kind, kind)
    return f"{called} `{where}/{name}`" if where else f"{called} `{name}`"


def _of_role(role: Object, scope: str) -> Iterator[Right]:
    for rule in maps(role.data, "rules"):
        for verb in texts(rule, "verbs"):
            for group in texts(rule, "apiGroups"):
                for resource in texts(rule, "resources"):
                    for name in texts(rule, "resourceNames") or [""]:
                        yield Right("", scope, verb, _called(group, resource), name)
            for url in texts(rule, "nonResourceURLs") if role.kind == "ClusterRole" and not scope else ():
                yield Right("", scope, verb, url)


_CORE = "* of the core group"


def _called(group: str, resource: str) -> str:
    if resource == "*" and group in ("", "*"):
        return "*" if group else _CORE
    return f"{resource}.{group}" if group else resource


def _beyond(more: set[Right], less: set[Right]) -> set[Right]:
    """The rights that nothing of the other side covers."""
    held: dict[str, list[Right]] = defaultdict(list)
    for right in less:
        held[right.subject].append(right)
    return {right for right in more - less if not any(_covers(other, right) for other in held[right.subject])}


def _covers(wide: Right, right: Right) -> bool:
    return (
        wide.namespace in (_EVERYWHERE, right.namespace)
        and wide.verb in ("*", right.verb)
        and wide.name in ("", right.name)
        and _resource_covers(wide.resource, right.resource)
    )


def _resource_covers(wide: str, narrow: str) -> bool:
    if narrow.startswith("/"):
        return wide == narrow or (wide.startswith("/") and wide.endswith("*") and narrow.startswith(wide[:-1]))
    if wide in ("*", narrow):
        return True
    (resource, _, group), (its, _, its_group) = wide.partition("."), narrow.partition(".")
    if wide == _CORE:
        return not its_group
    return (resource, group) in (("*", its_group), (its, "*"))


def projects(cluster: Cluster) -> Iterator[Effect]:
    """What Argo CD projects let in that they did not, and no longer do: namespaces, kinds, repositories."""
    come: dict[str, list[str]] = defaultdict(list)
    gone: dict[str, list[str]] = defaultdict(list)
    for before, after in cluster.pairs("AppProject"):
        if before is None or after is None:
            yield from _whole(cluster, before, after)
            continue
        olds, news = _fence(before), _fence(after)
        for found, more, less in ((come, news, olds), (gone, olds, news)):
            for what, servers in sorted(more.items()):
                fresh = servers - less.get(what, set())
                if fresh:
                    found[f"{what} on {len(fresh)} clusters" if len(fresh) > 1 else what].append(f"`{after.name}`")
    for found, sign in ((come, "+"), (gone, "-")):
        for what, names in sorted(found.items()):
            one = len(names) == 1
            verb = ("no longer " if sign == "-" else "") + ("lets in" if one else "let in")
            yield Effect(
                aspect=Aspect.ACCESS,
                sign="!" if sign == "+" and "`*" in what else sign,
                text=f"Argo CD project{'' if one else 's'} {_shortened(names)} {verb} {what}",
                where=cluster.where(),
                gained=sign == "+",
            )


def _whole(cluster: Cluster, before: Object | None, after: Object | None) -> Iterator[Effect]:
    """A project that comes or goes, in one line."""
    project = after or before
    if project is None:
        return
    what = _fence(project)
    namespaces = [name.removeprefix("namespace ") for name in what if name.startswith("namespace ")]
    wide = after is not None and any("`*" in name for name in what)
    fate = "lets in" if after else "goes, which let in"
    yield Effect(
        aspect=Aspect.ACCESS,
        sign="!" if wide else "+" if after else "-",
        text=f"Argo CD project `{project.name}` {fate} {_shortened(sorted(namespaces)) or 'no namespace'}",
        where=cluster.where(),
        gained=after is not None,
    )


def _fence(project: Object) -> dict[str, set[str]]:
    """What a project lets in, with the servers that it may go to (empty text where that is not asked)."""
    spec = mapping(project.data, "spec")
    found: dict[str, set[str]] = defaultdict(set)
    for one in maps(spec, "destinations"):
        found[f"namespace `{text(one, 'namespace')}`"].add(text(one, "server") or text(one, "name"))
    for key, word in (("clusterResourceWhitelist", "cluster-wide "), ("namespaceResourceWhitelist", "")):
        for one in maps(spec, key):
            group = text(one, "group")
            found[f"{word}kind `{text(one, 'kind')}{'.' if group else ''}{group}`"].add("")
    for repository in texts(spec, "sourceRepos"):
        found[f"repository `{repository}`"].add("")
    return found
