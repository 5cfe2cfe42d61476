"""Rights: rules that reach further than a platform component ever needs."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, entries, mapping, text, texts
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault

_ESCALATING = ("bind", "escalate", "impersonate")
_HELP = "name just the verbs and resources that the component uses"


def check_role(kind: str, body: Mapping) -> Iterator[Fault]:
    """Rules of a Role or ClusterRole: no wildcard, no escalation, no secrets in every namespace."""
    for index, rule in entries(body.get("rules")):
        at = ("rules", index)
        for field in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
            # `*/scale` and `pods/*` are wildcards too; a URL such as `/metrics/*` is none.
            broad = [v for v in texts(rule.get(field)) if v == "*" or (field == "resources" and "*" in v)]
            for value in broad:
                yield Fault(
                    at=(*at, field),
                    code="PHX729",
                    message=f"{kind} grants wildcard `{value}` in `{field}`",
                    help=_HELP,
                )
        for verb in texts(rule.get("verbs")):
            if verb in _ESCALATING:
                yield Fault(
                    at=(*at, "verbs"),
                    code="PHX729",
                    message=f"{kind} grants `{verb}`, by which rights grow",
                    help=_HELP,
                )
        if kind == "ClusterRole" and _reads_secrets(rule):
            yield Fault(
                at=(*at, "resources"),
                code="PHX729",
                message="ClusterRole grants access to the secrets of every namespace",
                help="grant `secrets` in a Role, by `resourceNames`",
            )


def _reads_secrets(rule: Mapping) -> bool:
    groups = texts(rule.get("apiGroups"))
    return "" in groups and any(resource == "secrets" for resource in texts(rule.get("resources")))


def check_binding(body: Mapping) -> Iterator[Fault]:
    """Closed fields of a RoleBinding or ClusterRoleBinding, and subjects that are everyone."""
    yield from check_choices(mapping(body.get("roleRef")), ("roleRef",), "role reference")
    for index, subject in entries(body.get("subjects")):
        at = ("subjects", index)
        yield from check_choices(subject, at, "binding subject")
        name = text(subject.get("name"))
        if name in {"system:anonymous", "system:unauthenticated", "system:authenticated"}:
            yield Fault(
                at=(*at, "name"),
                code="PHX729",
                message=f"binding grants rights to everyone (`{name}`)",
                help="name a group of the tenant or a ServiceAccount",
            )
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield Fault(
                at=(*at, "namespace"),
                code="PHX704",
                message=f"subject ServiceAccount `{name}` has no namespace",
            )
