"""What the objects of one namespace say of the tenant that it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from phoenix_gitops.diagnostics import Diagnostic, Span
from phoenix_gitops.importing.drafts import changed, left
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.model.base import QUANTITY_PATTERN
from phoenix_gitops.model.units import amount, canonical

QUOTAS = {"cpu": ("requests.cpu", "limits.cpu"), "memory": ("requests.memory", "limits.memory"), "pods": ("pods",)}
"""The quotas of a tenant that a ResourceQuota holds, and as what."""

_SAME = {"cpu": "requests.cpu", "memory": "requests.memory", "count/pods": "pods"}
_ROLES = {"view": "viewers", "edit": "editors", "tenant-viewer": "viewers", "tenant-editor": "editors"}
_OURS = {"viewers": "tenant-viewer", "editors": "tenant-editor"}
_EVERYBODY = "system:"


@dataclass(slots=True)
class Facts:
    """A namespace, and what its objects say in the words of a Tenant and its TenantClass."""

    name: str
    span: Span
    tenant: str
    pod_security: str
    owed: dict[str, str] = field(default_factory=dict)
    """Fields of a Tenant that labels of ours hold: `costCenter`, `residency`."""
    quotas: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] | None = None
    """`containerDefaults` of the class, None where there is no LimitRange."""
    viewers: set[str] = field(default_factory=set)
    editors: set[str] = field(default_factory=set)
    allowed: dict[str, Span] = field(default_factory=dict)
    """Namespaces whose pods may come in."""
    reached: dict[str, Span] = field(default_factory=dict)
    """Namespaces whose pods its own may reach."""
    egress: set[tuple[str, int]] = field(default_factory=set)
    isolated: set[str] = field(default_factory=set)
    """Directions (`Ingress`, `Egress`) in which nothing is allowed but what a policy names."""
    held: bool = False
    """Whether an object bounds the namespace, so that its tenant is not a shared one."""
    notes: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.pod_security not in {"baseline", "restricted"}:
            self.pod_security = "baseline"


def quota(node: Node, facts: Facts) -> None:
    """Take in a ResourceQuota."""
    what, spec = f"ResourceQuota `{node.text('metadata', 'name')}` of `{facts.name}`", node.get("spec")
    facts.held = True
    if spec is None or spec.get("scopes") is not None or spec.get("scopeSelector") is not None:
        facts.notes.append(left(node.span, what, "it holds for some pods only, by its scopes"))
        return
    hard: dict[str, tuple[str, Span]] = {}
    for key, value in spec.entries("hard").items():
        text = value.value if isinstance(value.value, str) else ""
        if re.fullmatch(QUANTITY_PATTERN, text) is None:
            facts.notes.append(left(value.span, f"`{key}` of {what}", f"`{text}` is no quantity"))
        elif _SAME.get(key, key) == "pods" and amount(text).denominator != 1:
            facts.notes.append(left(value.span, f"`{key}` of {what}", f"`{text}` is no whole number"))
        else:
            hard[_SAME.get(key, key)] = (canonical(text), value.span)
    for field_, keys in QUOTAS.items():
        found = {hard[key][0] for key in keys if key in hard}
        if len(found) == 1 and all(key in hard for key in keys) and field_ not in facts.quotas:
            facts.quotas[field_] = found.pop()
            for key in keys:
                del hard[key]
    for key, (text, span) in hard.items():
        facts.notes.append(left(span, f"`{key}: {text}` of {what}", _why(key)))


def _why(key: str) -> str:
    for keys in QUOTAS.values():
        if key in keys:
            return f"a Tenant has one figure for {' and '.join(f'`{one}`' for one in keys)}"
    return "a Tenant has no such quota"


def limits(node: Node, facts: Facts) -> None:
    """Take in a LimitRange."""
    what = f"LimitRange `{node.text('metadata', 'name')}` of `{facts.name}`"
    facts.held = True
    for item in node.items("spec", "limits"):
        kind = item.text("type")
        if kind != "Container" or facts.limits is not None:
            facts.notes.append(
                left(item.span, f"the item for `{kind}` of {what}", "a TenantClass has one, `Container`")
            )
            continue
        facts.limits = _container(item, what, facts)


def _container(item: Node, what: str, facts: Facts) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, suffix in (("defaultRequest", "Request"), ("default", "Limit")):
        for resource in ("cpu", "memory"):
            text = item.text(key, resource)
            if re.fullmatch(QUANTITY_PATTERN, text):
                found[f"{resource}{suffix}"] = canonical(text)
            else:
                where = f"{what} has no `{key}.{resource}`"
                facts.notes.append(changed(item.span, f"{where}: that of the class holds"))
    ratios = {item.text("maxLimitRequestRatio", resource) for resource in ("cpu", "memory")}
    if len(ratios) == 1 and (ratio := ratios.pop()).isdecimal() and int(ratio):
        found["maxRatio"] = ratio
    elif item.get("maxLimitRequestRatio") is not None:
        facts.notes.append(left(item.span, f"`maxLimitRequestRatio` of {what}", "a TenantClass has one whole number"))
    for key in sorted(item.entries().keys() - {"type", "default", "defaultRequest", "maxLimitRequestRatio"}):
        facts.notes.append(left(item.entries()[key].span, f"`{key}` of {what}", "a TenantClass has no such limit"))
    for key in ("default", "defaultRequest"):
        for resource in sorted(item.entries(key).keys() - {"cpu", "memory"}):
            facts.notes.append(left(item.span, f"`{key}.{resource}` of {what}", "a TenantClass has no such default"))
    return found


def binding(node: Node, facts: Facts) -> None:
    """Take in a RoleBinding."""
    name, role, kind = node.text("metadata", "name"), node.text("roleRef", "name"), node.text("roleRef", "kind")
    what = f"RoleBinding `{name}` of `{facts.name}`"
    field_ = _ROLES.get(role)
    ours = field_ is not None and role == _OURS[field_]
    if field_ is None or kind != ("Role" if ours else "ClusterRole"):
        why = f"{kind} `{role}` is neither `view` nor `edit`"
        facts.notes.append(left(node.span, what, why, "a Tenant has viewers and editors, whose rights are fixed"))
        return
    for subject in node.items("subjects"):
        group = subject.text("name")
        if subject.text("kind") != "Group" or group.startswith(_EVERYBODY):
            who = f"{subject.text('kind')} `{group}` in {what}"
            facts.notes.append(left(subject.span, who, "only groups of the identity provider have rights in a Tenant"))
            continue
        facts.held = True
        (facts.viewers if field_ == "viewers" else facts.editors).add(group)
        if not ours:
            message = f"group `{group}` gets Role `{_OURS[field_]}` in `{facts.name}` instead of ClusterRole `{role}`"
            facts.notes.append(changed(subject.span, message, "it reads no secrets and enters no containers"))
