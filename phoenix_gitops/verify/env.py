"""Environment variables of a container: their names, and one source for each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.names import label_key_fault
from phoenix_gitops.verify.quantities import check_filled
from phoenix_gitops.verify.unique import check_unique

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*", re.ASCII)
_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_BY_KEY = re.compile(r"metadata\.(?:labels|annotations)\['(?P<key>[^']*)'\]", re.ASCII)
_REFERENCES = ("configMapKeyRef", "secretKeyRef")


def check_env(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """Every variable of a container."""
    yield from _check_all_of(container, at)
    variables = [((*at, "env", index), entry) for index, entry in entries(container.get("env"))]
    yield from check_unique([(path, e.get("name")) for path, e in variables], "variable", "name")
    for path, entry in variables:
        name = text(entry.get("name"))
        if not _ENV_NAME.fullmatch(name):
            yield Fault(at=(*path, "name"), code="PHX710", message=f"`{name}` is not the name of a variable")
        source = entry.get("valueFrom")
        if entry.get("value") and source:
            yield Fault(at=path, code="PHX718", message=f"variable `{name}` has both `value` and `valueFrom`")
        if isinstance(source, dict):
            yield from _check_source(name, source, (*path, "valueFrom"))


def _check_all_of(container: Mapping, at: ObjectPath) -> Iterator[Fault]:
    for index, source in entries(container.get("envFrom")):
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        where: ObjectPath = (*at, "envFrom", index)
        if len(given) != 1:
            code, verb = ("PHX718", "names both") if given else ("PHX704", "names neither")
            word = "and" if given else "nor"
            message = f"`envFrom` {verb} `configMapRef` {word} `secretRef`"
            yield Fault(at=where, code=code, message=message, help="an entry for each")
        for kind in given:
            if not mapping(source[kind]).get("name"):
                yield Fault(at=(*where, kind, "name"), code="PHX704", message=f"`{kind}` does not name its object")


def _check_source(name: str, source: Mapping, at: ObjectPath) -> Iterator[Fault]:
    given = [kind for kind, value in source.items() if value is not None]
    if not given:
        help_ = "name one of `fieldRef`, `resourceFieldRef`, `configMapKeyRef` and `secretKeyRef`"
        yield Fault(at=at, code="PHX704", message=f"`valueFrom` of variable `{name}` names no source", help=help_)
    elif len(given) > 1:
        listed = " and ".join(f"`{kind}`" for kind in sorted(given))
        message = f"`valueFrom` of variable `{name}` names several sources: {listed}"
        yield Fault(at=at, code="PHX718", message=message, help="keep one of them")
    for kind in _REFERENCES:
        yield from check_filled(mapping(source.get(kind)), ("key",), (*at, kind))
    path = child(source, "fieldRef").get("fieldPath")
    if isinstance(path, str) and path not in _FIELDS and not _is_by_key(path):
        listed = ", ".join(f"`{field}`" for field in _FIELDS)
        yield Fault(
            at=(*at, "fieldRef", "fieldPath"),
            code="PHX706",
            message=f"`{path}` is no field of a pod that a variable can hold",
            help=f"one of {listed}, or a label or annotation as `metadata.labels['KEY']`",
        )


def _is_by_key(path: str) -> bool:
    match = _BY_KEY.fullmatch(path)
    return match is not None and not label_key_fault(match["key"].lower())
