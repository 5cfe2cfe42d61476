"""Overrides: patches that an organisation lays over finished objects, before these are checked.

A patch merges as Kubernetes' strategic merge does: maps deep, lists of objects by their merge key, other lists
replace, null deletes, `$patch: delete` removes an item or key and `$patch: replace` takes a map or list as it
stands in the patch. An empty list empties. Which object an override changes is never up to its patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from phoenix_gitops.artifact import Artifact
from phoenix_gitops.conventions import POLICY_GROUP
from phoenix_gitops.document import Path

Body = dict[str, Any]

_DIRECTIVE = "$patch"
_DIRECTIVES = ("merge", "replace", "delete")
# Of strategic merge patches that tools write; people state order and primitive lists by the whole list.
_FOREIGN_DIRECTIVES = ("$setElementOrder/", "$deleteFromPrimitiveList/", "$retainKeys")

# Merge keys of Kubernetes' own types where they are not `name` (x-kubernetes-list-map-keys of its OpenAPI).
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_KEY_DEFAULTS = {"protocol": "TCP"}
# Lists of named objects that Kubernetes takes as a whole: a user and a group may share a name.
_WHOLE = frozenset(("subjects",))

_IDENTITY = ("apiVersion", "kind")
_METADATA_IDENTITY = ("name", "namespace", "generateName")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A patch and the objects that it is for; `*` in a name stands for any characters."""

    kind: str
    patch: Mapping[str, Any] = field(hash=False)
    name: str = "*"
    namespace: str = "*"
    component: str = "*"

    def matches(self, artifact: Artifact) -> bool:
        """Whether the override is for this object."""
        return (
            _glob(self.kind, artifact.kind)
            and _glob(self.name, artifact.name)
            and _glob(self.namespace, artifact.namespace)
            and _glob(self.component, artifact.component)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchFault:
    """Why an override cannot be used; `path` leads from its patch to what is at fault."""

    path: Path
    code: str
    message: str
    help: str


def apply_all(artifact: Artifact, overrides: Sequence[Override]) -> tuple[Artifact, frozenset[int]]:
    """The object after all overrides that are for it, in their order, and the indices of those overrides.

    A faulty override is not applied; `check` says why.
    """
    body = artifact.body
    hits: set[int] = set()
    for index, override in enumerate(overrides):
        if not override.matches(artifact):
            continue
        hits.add(index)
        if not check(override):
            body = apply(body, override.patch)
    changed = artifact if body is artifact.body else replace(artifact, body=body)
    return changed, frozenset(hits)


def apply(body: Mapping[str, Any], patch: Mapping[str, Any]) -> Body:
    """`body` with `patch` merged into it. Neither is changed; nothing of `patch` is shared with the result."""
    # The ports of a NetworkPolicy are a whole, too: to name one must not keep the others open.
    whole = _WHOLE | {"ports"} if body.get("kind") == "NetworkPolicy" else _WHOLE
    return _merge(body, patch, whole)


def check(override: Override) -> tuple[PatchFault, ...]:
    """Why an override cannot be used: it changes which object it is, or holds a directive that we do not know."""
    faults = [
        _fault(override, path, "PHX616", f"changes `{'.'.join(path)}`, which says which object it is", _HELP_IDENTITY)
        for path in _identity_changes(override.patch)
    ]
    faults += [
        _fault(override, path, "PHX617", f"holds the directive `{directive}`", _HELP_DIRECTIVE)
        for path, directive in _unknown_directives(override.patch, ())
    ]
    if override.patch.get(_DIRECTIVE, "merge") == "delete":
        faults.append(_fault(override, (_DIRECTIVE,), "PHX617", "would delete the whole object", _HELP_DELETE))
    return tuple(faults)


_HELP_IDENTITY = "remove it: policies decide which objects there are and whose they are"
_HELP_DIRECTIVE = (
    "use `$patch: delete`, `$patch: replace` or null; write a list of plain values as it is to be in the end"
)
_HELP_DELETE = "switch the feature off in its policy: an override changes objects and makes or removes none"


def _merge(base: Mapping[str, Any], patch: Mapping[str, Any], whole: frozenset[str]) -> Body:
    merged: Body = {} if patch.get(_DIRECTIVE) == "replace" else dict(base)
    for key, value in patch.items():
        if key == _DIRECTIVE:
            continue
        if value is None or _deletes(value):
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            current = merged.get(key)
            merged[key] = _merge(current if isinstance(current, Mapping) else {}, value, whole)
        elif isinstance(value, list):
            current = merged.get(key)
            merged[key] = _merge_list(key, current if isinstance(current, list) else [], value, whole)
        else:
            merged[key] = value
    return merged


def _merge_list(name: str, base: list[Any], patch: list[Any], whole: frozenset[str]) -> list[Any]:
    marker = {_DIRECTIVE: "replace"}
    if marker in patch:
        return [_fresh(item, whole) for item in patch if item != marker and not _deletes(item)]
    keys = None if name in whole else _merge_key(name, base, patch)
    if keys is None:
        return [_fresh(item, whole) for item in patch if not _deletes(item)]
    merged = list(base)
    for item in patch:
        place = next((i for i, other in enumerate(merged) if _key(other, keys) == _key(item, keys)), None)
        if _deletes(item):
            if place is not None:
                del merged[place]
        elif place is None:
            merged.append(_fresh(item, whole))
        else:
            merged[place] = _merge(merged[place], item, whole)
    return merged


def _merge_key(name: str, base: list[Any], patch: list[Any]) -> tuple[str, ...] | None:
    """The fields by which both lists tell their items apart; None if the patch is to replace the list."""
    if not patch or not all(isinstance(item, Mapping) for item in (*base, *patch)):
        return None
    keys = _MERGE_KEYS.get(name, ("name",))
    if name == "ports":
        number = next((key for key in ("containerPort", "port") if key in patch[0]), None)
        keys = (number, "protocol") if number else ("name",)
    asked = [_key(item, keys) for item in patch]
    there = [_key(item, keys) for item in base]
    if None in asked or (None in there and name != "ports"):
        return None
    known = [key for key in there if key is not None]
    return keys if len(set(asked)) == len(asked) and len(set(known)) == len(known) else None


def _key(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str | int, ...] | None:
    values = tuple(item.get(key, _KEY_DEFAULTS.get(key)) for key in keys)
    return values if all(type(value) in (str, int) for value in values) else None


def _fresh(value: Any, whole: frozenset[str]) -> Any:  # noqa: ANN401 -- plain data of any shape
    """A value of a patch where nothing stood before: a copy without directives and nulls."""
    if isinstance(value, Mapping):
        return _merge({}, value, whole)
    if isinstance(value, list):
        return [_fresh(item, whole) for item in value if not _deletes(item)]
    return value


def _deletes(value: object) -> bool:
    return isinstance(value, Mapping) and value.get(_DIRECTIVE) == "delete"


def _identity_changes(patch: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Paths in a patch that would make the object another one, or hide whose it is."""
    yield from ((key,) for key in _IDENTITY if key in patch)
    if patch.get(_DIRECTIVE) == "replace":
        yield ("metadata",)
    if "metadata" not in patch:
        return
    metadata = patch["metadata"]
    if _loses_content(metadata):
        yield ("metadata",)
        return
    yield from (("metadata", key) for key in _METADATA_IDENTITY if key in metadata)
    for part in ("labels", "annotations"):
        if part not in metadata:
            continue
        if _loses_content(metadata[part]):
            yield ("metadata", part)
        else:
            yield from (("metadata", part, key) for key in metadata[part] if key.startswith(f"{POLICY_GROUP}/"))


def _loses_content(value: object) -> bool:
    """Whether a patch's value for a map takes the place of the whole map."""
    return not isinstance(value, Mapping) or value.get(_DIRECTIVE) in ("replace", "delete")


def _unknown_directives(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == _DIRECTIVE and item not in _DIRECTIVES:
                yield (*path, key), f"{_DIRECTIVE}: {item}"
            elif key.startswith(_FOREIGN_DIRECTIVES):
                yield (*path, key), key
            else:
                yield from _unknown_directives(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _unknown_directives(item, (*path, i))


def _fault(override: Override, path: Path, code: str, what: str, help_text: str) -> PatchFault:
    message = f"the override of {override.kind} `{override.name}` {what}"
    return PatchFault(path=path, code=code, message=message, help=help_text)


def _glob(pattern: str, text: str) -> bool:
    """Whether `text` fits; only `*` is special."""
    if "*" not in pattern:
        return pattern == text
    return fnmatchcase(text, re.sub(r"[\[?]", r"[\g<0>]", pattern))
