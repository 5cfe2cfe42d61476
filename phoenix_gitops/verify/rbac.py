"""Rights: rules that reach further than a platform component ever needs."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, entries, mapping, text, texts
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.quantities import check_filled

_RBAC = "rbac.authorization.k8s.io"
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
        yield from _check_filled(kind, rule, at)
        for verb in texts(rule.get("verbs")):
            if verb in _ESCALATING and not _binds_named_roles(verb, rule):
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


def _check_filled(kind: str, rule: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """A rule names verbs, and either resources of groups or paths of URLs."""
    needed = ["verbs"]
    if not rule.get("nonResourceURLs"):
        needed += ["apiGroups", "resources"]
    elif kind == "Role" or rule.get("resources") or rule.get("apiGroups"):
        why = "a Role cannot grant them" if kind == "Role" else "a rule takes either these or resources"
        yield Fault(at=(*at, "nonResourceURLs"), code="PHX718", message=f"`nonResourceURLs` do not fit here: {why}")
    for field in needed:
        if rule.get(field) == [] or (field != "verbs" and not rule.get(field)):
            help_ = 'the core group is `""`' if field == "apiGroups" else _HELP
            yield Fault(at=(*at, field), code="PHX704", message=f"rule of {kind} names no `{field}`", help=help_)


def _binds_named_roles(verb: str, rule: Mapping) -> bool:
    """Whether it is just that roles of these names may be bound, in the namespace where they are.

    Rights do not grow by it: a role can only be given rights by those who hold them.
    """
    return verb == "bind" and bool(texts(rule.get("resourceNames"))) and texts(rule.get("resources")) == ["roles"]


def _reads_secrets(rule: Mapping) -> bool:
    groups = texts(rule.get("apiGroups"))
    return "" in groups and any(resource == "secrets" for resource in texts(rule.get("resources")))


def check_binding(body: Mapping) -> Iterator[Fault]:
    """Closed fields of a RoleBinding or ClusterRoleBinding, and subjects that are everyone."""
    role = mapping(body.get("roleRef"))
    yield from check_choices(role, ("roleRef",), "role reference")
    yield from check_filled(role, ("name",), ("roleRef",))
    if (body.get("kind"), role.get("kind")) == ("ClusterRoleBinding", "Role"):
        message = "a ClusterRoleBinding cannot grant a Role"
        yield Fault(at=("roleRef", "kind"), code="PHX706", message=message, help="bind it in its namespace")
    for index, subject in entries(body.get("subjects")):
        at = ("subjects", index)
        yield from check_choices(subject, at, "binding subject")
        yield from check_filled(subject, ("name",), at)
        wanted = "" if subject.get("kind") == "ServiceAccount" else _RBAC
        given = text(subject.get("apiGroup"))
        if given not in {"", wanted}:
            help_ = f"write `{wanted}`" if wanted else "leave it out: a ServiceAccount is of the core group"
            message = f"`{given}` is not the group of the subject's kind"
            yield Fault(at=(*at, "apiGroup"), code="PHX706", message=message, help=help_)
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
