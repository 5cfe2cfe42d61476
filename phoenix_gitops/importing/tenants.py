"""Objects of namespaces as Tenants, and the TenantClasses that keep their limits what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from phoenix_gitops import conventions
from phoenix_gitops.diagnostics import Diagnostic, Span
from phoenix_gitops.importing import edges, namespaces
from phoenix_gitops.importing.drafts import NAME_LENGTH, WHOLE, Draft, Taken, changed, left, unique
from phoenix_gitops.importing.namespaces import QUOTAS, Facts
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.model.base import NAME_PATTERN
from phoenix_gitops.model.tenant import ContainerDefaults, TenantClass
from phoenix_gitops.model.units import amount, canonical
from phoenix_gitops.world import World

KINDS = frozenset({"Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding"})
CLASS = "namespace"
"""The preset whose tenants have namespaces of their own."""

_ENFORCED = "pod-security.kubernetes.io/enforce"
_LABELS = {"costCenter": conventions.COST_CENTER, "residency": conventions.RESIDENCY}
_OF_THE_CLUSTER = re.compile("default|kube-.*")


def take(objects: Sequence[Node], world: World, owner: str) -> Taken:
    """Tenants of the namespaces among `objects`, with what else bounds them, and the classes that they need."""
    notes: list[Diagnostic] = []
    found = {facts.name: facts for facts in _namespaces(objects, world, notes)}
    system = _own_namespaces(world)
    named = {node.text("metadata", "name") for node in objects if node.text("kind") == "Namespace"}
    for node in objects:
        kind, namespace = node.text("kind"), node.text("metadata", "namespace")
        facts = found.get(namespace)
        if kind == "Namespace":
            continue
        if facts is None:
            if namespace not in named:
                what = f"{kind} `{node.text('metadata', 'name')}`"
                notes.append(left(node.span, what, f"its Namespace `{namespace}` is not among what is imported"))
        elif kind == "NetworkPolicy":
            edges.take(node, facts, system)
        else:
            {"ResourceQuota": namespaces.quota, "LimitRange": namespaces.limits, "RoleBinding": namespaces.binding}[
                kind
            ](node, facts)
    by_tenant: dict[str, list[Facts]] = {}
    for facts in found.values():
        by_tenant.setdefault(facts.tenant, []).append(facts)
    writer = _Writer(world, owner, {facts.name: facts for facts in found.values()})
    drafts = [writer.tenant(name, held) for name, held in sorted(by_tenant.items())]
    told = [note for facts in found.values() for note in facts.notes]
    return Taken((*writer.classes, *drafts), (*notes, *told))


def _namespaces(objects: Sequence[Node], world: World, notes: list[Diagnostic]) -> Iterable[Facts]:
    """The namespaces that become tenants'; `notes` grows by those that do not."""
    own = _own_namespaces(world)
    tenants = {policy.metadata.name for (kind, _), policy in world.policies.items() if kind == "Tenant"}
    for node in objects:
        if node.text("kind") != "Namespace":
            continue
        name = node.text("metadata", "name")
        tenant = node.text("metadata", "labels", conventions.TENANT) or name
        what, prefix = f"Namespace `{name}` with what is in it", world.platform.spec.conventions.namespace_prefix
        why = ""
        if _OF_THE_CLUSTER.fullmatch(name) or name in {prefix, world.platform.spec.home.namespace}:
            why = "it is no tenant's"
        elif name.startswith(f"{prefix}-") or name in own:
            why = "it is the platform's own"
        elif tenant in tenants:
            why = f"there is a Tenant `{tenant}` already"
        elif len(tenant) > NAME_LENGTH or re.fullmatch(NAME_PATTERN, tenant) is None:
            why = f"a Tenant's name has at most {NAME_LENGTH} lower-case letters, digits and `-`"
        if why:
            notes.append(left(node.span, what, why))
            continue
        labels = {key: node.text("metadata", "labels", label) for key, label in _LABELS.items()}
        owed = {key: value for key, value in labels.items() if value}
        yield Facts(name, node.span, tenant, node.text("metadata", "labels", _ENFORCED), owed)


def _own_namespaces(world: World) -> frozenset[str]:
    """The namespaces of the platform itself, in any environment."""
    conventions_ = world.platform.spec.conventions
    return frozenset(name for where in world.environments for name in conventions_.names_of(where).namespaces)


def needed(drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
    """The drafts without classes of Tenants that are not among them any more."""
    used = {draft.spec["class"] for draft in drafts if draft.kind == "Tenant"}
    return tuple(draft for draft in drafts if draft.kind != "TenantClass" or draft.name in used)


class _Writer:
    """Writes Tenants, and a class for each set of limits that no class has."""

    def __init__(self, world: World, owner: str, known: Mapping[str, Facts]) -> None:
        self.classes: list[Draft] = []
        self._owner, self._known = owner, known
        self._preset = cast(TenantClass, world.policies["TenantClass", CLASS])
        self._names = {name for kind, name in world.policies if kind == "TenantClass"}
        self._made: dict[str, str] = {}

    def tenant(self, name: str, held: Sequence[Facts]) -> Draft:
        """The Tenant of these namespaces; what only some of them say is noted."""
        facts = held[0]
        for other in held[1:]:
            self._compare(facts, other)
        spec: dict[str, Any] = {
            "class": self._class(facts) if any(one.held for one in held) else "shared",
            "identity": {"namespaces": sorted(one.name for one in held)},
            **facts.owed,
        }
        if facts.quotas:
            spec["quotas"] = {key: int(amount(v)) if key == "pods" else v for key, v in sorted(facts.quotas.items())}
        editors = set[str]().union(*(one.editors for one in held))
        viewers = set[str]().union(*(one.viewers for one in held)) - editors
        access = {key: sorted(groups) for key, groups in (("editors", editors), ("viewers", viewers)) if groups}
        allowed = self._allowed(held)
        network = self._network(held, sorted(allowed))
        spec |= {key: value for key, value in (("access", access), ("network", network)) if value}
        file = f"policies/tenants/{name}/tenant.yaml"
        sources = {WHOLE: facts.span}
        sources |= {("spec", "network", "allowFrom", i): allowed[peer] for i, peer in enumerate(sorted(allowed))}
        return Draft(kind="Tenant", name=name, owner=self._owner, spec=spec, file=file, sources=sources)

    def _compare(self, first: Facts, other: Facts) -> None:
        mine = (first.quotas, first.limits, first.pod_security, first.viewers, first.editors)
        if mine != (other.quotas, other.limits, other.pod_security, other.viewers, other.editors):
            message = f"namespace `{other.name}` gets the quotas and limits of `{first.name}`, and both the same groups"
            other.notes.append(changed(other.span, message, f"both are Tenant `{first.tenant}`'s"))

    def _allowed(self, held: Sequence[Facts]) -> dict[str, Span]:
        """The tenants that may come in, and where that is said."""
        own = {one.name for one in held}
        allowed: dict[str, Span] = {}
        for facts in held:
            for name, span in sorted(facts.allowed.items()):
                if name not in own and name not in self._known:
                    why = "it is not among the namespaces that are imported"
                    facts.notes.append(left(span, f"the edge from `{name}` to `{facts.name}`", why))
                elif name not in own:
                    allowed.setdefault(self._known[name].tenant, span)
        return allowed

    def _network(self, held: Sequence[Facts], allowed: Sequence[str]) -> dict[str, Any]:
        own = {one.name for one in held}
        for facts in held:
            self._reached(facts, own)
            if facts.held:
                self._walls(facts)
        egress = sorted({edge for facts in held for edge in facts.egress})
        network: dict[str, Any] = {"allowFrom": list(allowed)} if allowed else {}
        if egress:
            network["egress"] = [{"cidr": cidr, "port": port} for cidr, port in egress]
        return network

    def _reached(self, facts: Facts, own: set[str]) -> None:
        """An edge from one tenant to another is declared by the one that is reached."""
        for name, span in sorted(facts.reached.items()):
            target = self._known.get(name)
            if name not in own and (target is None or facts.name not in target.allowed):
                why = f"no policy of `{name}` that is imported lets it in"
                facts.notes.append(left(span, f"the edge from `{facts.name}` to `{name}`", why))

    def _walls(self, facts: Facts) -> None:
        for direction in ("Ingress", "Egress"):
            own = facts.allowed if direction == "Ingress" else facts.reached
            if direction not in facts.isolated:
                message = (
                    f"{direction.lower()} of namespace `{facts.name}` is open, and is denied but for declared edges"
                )
                facts.notes.append(changed(facts.span, message, "declare the edges in `spec.network` of the Tenant"))
            elif facts.name not in own:
                message = (
                    f"pods of namespace `{facts.name}` may reach each other, which no {direction.lower()} rule says"
                )
                facts.notes.append(changed(facts.span, message))
        if facts.limits is None:
            message = f"namespace `{facts.name}` has no LimitRange, and gets the container defaults of its class"
            facts.notes.append(changed(facts.span, message))

    def _class(self, facts: Facts) -> str:
        """The class with exactly these limits: the preset, or one that extends it."""
        spec = self._preset.spec
        changes: dict[str, Any] = {}
        defaults = _defaults(spec.container_defaults)
        if facts.limits is not None:
            wanted = {**defaults, "maxRatio": None, **facts.limits}
            differing: dict[str, Any] = {key: value for key, value in wanted.items() if value != defaults[key]}
            if differing.get("maxRatio"):
                differing["maxRatio"] = int(differing["maxRatio"])
            if differing:
                changes["containerDefaults"] = differing
        if facts.pod_security != spec.pod_security:
            changes["podSecurity"] = facts.pod_security
        missing = [key for key in QUOTAS if key not in facts.quotas and getattr(spec.quotas, key) is not None]
        if missing:
            changes["quotas"] = dict.fromkeys(missing)
        if not changes:
            return CLASS
        key = json.dumps(changes, sort_keys=True)
        if key not in self._made:
            self._made[key] = name = unique("imported", self._names)
            self.classes.append(
                Draft(
                    kind="TenantClass",
                    name=name,
                    owner=self._owner,
                    spec={"extends": CLASS, **changes},
                    file=f"policies/tenant-classes/{name}.yaml",
                )
            )
        return self._made[key]


def _defaults(given: ContainerDefaults) -> dict[str, str | None]:
    return {
        "cpuRequest": canonical(given.cpu_request),
        "memoryRequest": canonical(given.memory_request),
        "cpuLimit": canonical(given.cpu_limit),
        "memoryLimit": canonical(given.memory_limit),
        "maxRatio": None if given.max_ratio is None else str(given.max_ratio),
    }
