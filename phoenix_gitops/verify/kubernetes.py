"""Built-in kinds: the strict schemas of one Kubernetes minor, compiled once a kind.

The schemas are kubernetes-validate's package data. Its code is never imported: that costs 107 ms, and
its `validate` reads 1.8 MB for every object. Each kind is inlined with the definitions it needs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix_gitops.verify.schema_cache import SchemaCache

if TYPE_CHECKING:
    from jsonschema_rs import Validator

Schema = dict[str, Any]
Kind = tuple[str, str, str]
"""API group (empty for the core group), version, kind."""

_FOLDER = re.compile(r"v(1\.[0-9]+)\.[0-9]+-local-strict")
_LOCAL = "#/$defs/"
_DROPPED = frozenset(("description", "x-kubernetes-unions", "x-kubernetes-map-type"))
_FORM = 2
"""Counted up whenever inlined schemas become other ones, so that none of the former in a cache is read."""
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}


class BuiltinSchemas:
    """The built-in kinds of one Kubernetes minor; `at_hand` tells whether a minor is bundled."""

    def __init__(self, minor: str, cache_dir: Path | None = None) -> None:
        """Schemas of `minor`, which must be one of `supported_minors`; inlined ones are kept in `cache_dir`."""
        self._folder = _folders()[minor]
        self._cache = SchemaCache(cache_dir and cache_dir / f"kubernetes-{_package_version()}-{_FORM}-{minor}")
        self._definitions: dict[str, Schema] | None = None
        self._validators: dict[Kind, Validator] = {}
        self._schemas: dict[Kind, Schema] = {}
        self._kinds: frozenset[Kind] | None = None

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind that the API server of this minor knows."""
        if self._kinds is None:
            rows = self._cache.read("kinds")
            if rows is None:
                rows = {"kinds": self._list_kinds()}
                self._cache.write("kinds", rows)
            self._kinds = frozenset((g, v, k) for g, v, k in rows["kinds"])
        return self._kinds

    @property
    def groups(self) -> frozenset[str]:
        """The API groups of this minor."""
        return frozenset(group for group, _, _ in self.kinds)

    def validator(self, kind: Kind) -> Validator:
        """The compiled schema of one of `kinds`."""
        found = self._validators.get(kind)
        if found is None:
            import jsonschema_rs

            found = self._validators[kind] = jsonschema_rs.validator_for(self.schema(kind))
        return found

    def schema(self, kind: Kind) -> Schema:
        """The inlined schema of one of `kinds`."""
        found = self._schemas.get(kind)
        if found is None:
            name = _file_stem(kind)
            found = self._cache.read(name)
            if found is None:
                found = self._inline(name)
                self._cache.write(name, found)
            self._schemas[kind] = found
        return found

    def _inline(self, name: str) -> Schema:
        schema = _localised(json.loads((self._folder / f"{name}.json").read_bytes()))
        definitions = self._all_definitions()
        needed: dict[str, Schema] = {}
        queue = sorted(_references(schema))
        while queue:
            definition = queue.pop()
            if definition not in needed:
                needed[definition] = _localised(definitions[definition])
                queue.extend(sorted(_references(needed[definition])))
        return {**schema, "$defs": dict(sorted(needed.items()))}

    def _list_kinds(self) -> list[list[str]]:
        rows = {
            (row["group"], row["version"], row["kind"])
            for definition in self._all_definitions().values()
            for row in definition.get("x-kubernetes-group-version-kind", ())
        }
        present = {path.name for path in self._folder.iterdir()}
        return [list(row) for row in sorted(rows) if f"{_file_stem(row)}.json" in present]

    def _all_definitions(self) -> dict[str, Schema]:
        if self._definitions is None:
            self._definitions = json.loads((self._folder / "_definitions.json").read_bytes())["$defs"]
        return self._definitions


def supported_minors() -> tuple[str, ...]:
    """The Kubernetes minors whose schemas are bundled, oldest first."""
    return tuple(sorted(_folders(), key=lambda minor: int(minor.partition(".")[2])))


@lru_cache(maxsize=1)
def _folders() -> dict[str, Path]:
    folders = sorted((_package() / "kubernetes-json-schema").iterdir())
    return {match[1]: folder for folder in folders if (match := _FOLDER.fullmatch(folder.name))}


@lru_cache(maxsize=1)
def _package() -> Path:
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        message = "the package kubernetes-validate, a dependency of this one, is not installed"
        raise ModuleNotFoundError(message)
    return Path(spec.origin).parent


def _package_version() -> str:
    """What tells two releases of the package apart, without the 33 ms of importlib.metadata."""
    return hashlib.sha256((_package() / "version.py").read_bytes()).hexdigest()[:12]


def _file_stem(kind: Kind) -> str:
    group, version, name = kind
    short = group.partition(".")[0]
    return f"{name.lower()}-{short}-{version}" if short else f"{name.lower()}-{version}"


def _localised(node: Schema) -> Schema:
    """A copy without prose and without null as a type, whose references point into the document itself.

    The API server reads null as if the field were absent, and refuses it where the field is needed: an object says
    what it means without it.
    """
    copy: Schema = dict(_INT32) if node.get("format") == "int32" else {}
    for key, value in node.items():
        # A property may be called `description`; prose is a string.
        if key in _DROPPED and isinstance(value, str | list):
            continue
        if key == "type" and isinstance(value, list):
            types = [name for name in value if name != "null"]
            copy[key] = types[0] if len(types) == 1 else types
        elif isinstance(value, dict):
            copy[key] = _localised(value)
        elif isinstance(value, list):
            copy[key] = [_localised(item) if isinstance(item, dict) else item for item in value]
        elif key == "$ref":
            copy[key] = _LOCAL + value.rpartition(_LOCAL)[2]
        else:
            copy[key] = value
    return copy


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        found = {name for value in node.values() for name in _references(value)}
        ref = node.get("$ref")
        return found | {ref.removeprefix(_LOCAL)} if isinstance(ref, str) else found
    if isinstance(node, list):
        return {name for item in node for name in _references(item)}
    return set()
