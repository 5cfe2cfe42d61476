"""Custom resources against strict schemas that `phoenix schema fetch` wrote: `<group>/<kind>_<version>.json`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix_gitops.verify.access import child, texts
from phoenix_gitops.verify.crd_schema import SCOPE

if TYPE_CHECKING:
    from jsonschema_rs import Validator

Schema = dict[str, Any]
Kind = tuple[str, str, str]
"""API group, version, kind."""

GROUP = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+", re.ASCII)
"""The group of a CRD: a domain name with a dot."""
MAX_BYTES = 16 * 1024 * 1024
"""Largest schema that is read: the folder may come with a stranger's pull request."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_PART = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}", re.ASCII)


def schema_path(kind: Kind) -> str | None:
    """Where the schema of a kind lies in the folder; None for what cannot be a custom resource's kind."""
    group, version, name = kind
    if not (GROUP.fullmatch(group) and _PART.fullmatch(version) and _PART.fullmatch(name)):
        return None
    return f"{group}/{name.lower()}_{version}.json"


class DamagedSchemaError(ValueError):
    """A file of the folder is no schema; the text is its path in the folder."""


class CustomSchemas:
    """The schemas of a folder, read and compiled when a kind is first seen."""

    def __init__(self, folder: Path | None) -> None:
        """The schemas of `folder`; without one, or if it is absent, no kind is known."""
        self._folder = folder
        self._validators: dict[Kind, Validator] = {}
        self._schemas: dict[Kind, Schema | None] = {}

    def schema(self, kind: Kind) -> Schema | None:
        """The schema of a kind, or None if there is none; `DamagedSchemaError` if its file is no schema."""
        if kind not in self._schemas:
            path = schema_path(kind)
            self._schemas[kind] = self._read(path) if path else None
        return self._schemas[kind]

    def validator(self, kind: Kind) -> Validator:
        """The compiled schema of a kind that `schema` knows."""
        found = self._validators.get(kind)
        if found is None:
            import jsonschema_rs

            try:
                found = jsonschema_rs.validator_for(
                    self._schemas[kind] or {},
                    validate_formats=True,
                    retriever=_nothing_outside,
                    keywords={"x-kubernetes-list-map-keys": _UniqueByKeys},
                )
            except (ValueError, jsonschema_rs.ValidationError) as error:
                raise DamagedSchemaError(schema_path(kind)) from error
            self._validators[kind] = found
        return found

    def scope(self, kind: Kind) -> str:
        """`Namespaced`, `Cluster` or empty where it is not known."""
        return str((self.schema(kind) or {}).get(SCOPE, ""))

    def kinds_of(self, group: str) -> tuple[Kind, ...]:
        """The kinds of a group, as their schemas spell them."""
        if self._folder is None or not GROUP.fullmatch(group):
            return ()
        found = []
        for path in sorted((self._folder / group).glob("*_*.json")):
            schema = self._read(f"{group}/{path.name}") or {}
            for name in texts(child(schema, "properties", "kind").get("enum")):
                found.append((group, path.stem.rpartition("_")[2], name))
        return tuple(found)

    def _read(self, path: str) -> Schema | None:
        if self._folder is None:
            return None
        file = self._folder / path
        if any(part.is_symlink() for part in (file, file.parent, self._folder, self._folder.parent)):
            raise DamagedSchemaError(path)
        try:
            with file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
            document = json.loads(content) if len(content) <= MAX_BYTES else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise DamagedSchemaError(path) from error
        if not isinstance(document, dict) or _refers(document):
            raise DamagedSchemaError(path)
        return document


def _refers(document: Schema) -> bool:
    """Whether a schema points anywhere: to files, addresses, or to itself, which can double its work at each step."""
    waiting: list[object] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if any(isinstance(node.get(key), str) for key in _REFERENCES):
                return True
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return False


def _nothing_outside(address: str) -> Schema:
    """What a schema asks for by its address (a meta-schema of its own): never fetched."""
    raise ValueError(f"{address} is not fetched")


class _UniqueByKeys:
    """`x-kubernetes-list-type: map`: no two items with the same keys, which server-side apply refuses."""

    def __init__(self, _parent: Schema, keys: list[str], _path: list[str | int]) -> None:
        self._keys = tuple(keys)

    def validate(self, instance: object) -> None:
        """Raise ValueError if two items of a list have the same keys."""
        if not isinstance(instance, list):
            return
        seen: set[tuple[str, ...]] = set()
        for item in instance:
            if isinstance(item, dict):
                key = tuple(str(item.get(name)) for name in self._keys)
                if key in seen:
                    raise ValueError(", ".join(key))
                seen.add(key)
