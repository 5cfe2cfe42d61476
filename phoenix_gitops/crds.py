"""`phoenix schema fetch`: CustomResourceDefinitions from a directory, a cluster's dump or a URL -> strict
JSON schemas, one file `<group>/<kind>_<version>.json` each.

Schemas only say what a field may hold. Rules in CEL are evaluated by a real API server alone, and named here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from phoenix_gitops.diagnostics import Diagnostic, Severity, ordered
from phoenix_gitops.verify.access import Mapping, entries, text
from phoenix_gitops.verify.crd_documents import MAX_BYTES, RefusedError, download, parse_documents
from phoenix_gitops.verify.crd_schema import KindSchema, convert, convert_crd
from phoenix_gitops.verify.custom import GROUP, schema_path

Kind = tuple[str, str, str]
"""API group, version, kind."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Every `*.yaml`, `*.yml` and `*.json` below a folder."""

    path: Path


@dataclass(frozen=True, slots=True)
class Stream:
    """Text as `kubectl get crd -o yaml` (or `-o json`) prints it; `name` is said in messages."""

    content: bytes
    name: str = "<stdin>"


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """One document a kind: a CRD, or a JSON Schema as schema catalogs hold them.

    `{group}`, `{version}`, `{kind}` (in lower case) and `{Kind}` are filled in; `https` and `file` only.
    """

    template: str
    kinds: tuple[Kind, ...]


Source = Directory | Stream | UrlTemplate

_LISTED = 5
"""How many kinds a note names before it counts."""

EMITTED: tuple[Kind, ...] = (
    ("argoproj.io", "v1alpha1", "AppProject"),
    ("argoproj.io", "v1alpha1", "Application"),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
    ("monitoring.coreos.com", "v1", "PodMonitor"),
    ("monitoring.coreos.com", "v1", "PrometheusRule"),
    ("monitoring.coreos.com", "v1", "ServiceMonitor"),
    ("source.toolkit.fluxcd.io", "v1", "GitRepository"),
)
"""Custom resources that are compiled."""


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What was written (paths relative to the target, sorted), left as it was, and what went wrong."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class _Found:
    """What has been read so far; of two schemas for one kind and version the first wins."""

    schemas: dict[str, KindSchema] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def refuse(self, code: str, message: str, help_: str) -> None:
        self.diagnostics.append(Diagnostic(code=code, message=message, help=help_))

    def take(self, found: KindSchema) -> None:
        path = schema_path((found.group, found.version, found.kind))
        if path is None:
            message = f"`{found.group}/{found.version}` `{found.kind}` cannot name a custom resource"
            self.refuse("PHX761", message, "its group is a domain name with a dot")
            return
        if path not in self.schemas:
            self.schemas[path] = found
            self.diagnostics += [_unchecked(found, pattern) for pattern in found.unchecked]


def open_source(word: str, stdin: BinaryIO, kinds: Sequence[Kind] = EMITTED) -> Source:
    """What a user calls a source: `-` for standard input, a URL template, a file or a directory.

    `kinds` are asked of a URL template, which cannot list what it has.
    """
    if word == "-":
        return Stream(stdin.read(MAX_BYTES + 1))
    if "://" in word:
        return UrlTemplate(word, tuple(kinds))
    path = Path(word)
    if path.is_file():
        with path.open("rb") as file:
            return Stream(file.read(MAX_BYTES + 1), word)
    return Directory(path)


def fetch(sources: Sequence[Source], target: Path) -> FetchResult:
    """Convert every CRD of the sources into `target`; a bad source does not hold back the others."""
    found = _Found()
    for source in sources:
        match source:
            case Directory(path):
                _read_directory(path, found)
            case Stream(content, name):
                _take_documents(content, name, found)
            case UrlTemplate(template, kinds):
                for kind in kinds:
                    _read_url(template, kind, found)
    if ruled := [kind for _, kind in sorted(found.schemas.items()) if kind.rules]:
        found.diagnostics.append(_ruled(ruled))
    written: list[str] = []
    unchanged: list[str] = []
    for name, schema in sorted(found.schemas.items()):
        changed = _write(target / name, schema.schema)
        (written if changed else unchanged).append(name)
    return FetchResult(tuple(written), tuple(unchanged), ordered(found.diagnostics))


def _unchecked(found: KindSchema, pattern: str) -> Diagnostic:
    return Diagnostic(
        code="PHX762",
        message=f"pattern `{pattern}` of {found.kind} `{found.group}/{found.version}` is not checked",
        help="only a real API server checks it",
        severity=Severity.NOTE,
    )


def _ruled(kinds: Sequence[KindSchema]) -> Diagnostic:
    rules = sum(kind.rules for kind in kinds)
    listed = ", ".join(f"{kind.kind} `{kind.group}/{kind.version}`" for kind in kinds[:_LISTED])
    more = f" and {len(kinds) - _LISTED} more" if len(kinds) > _LISTED else ""
    return Diagnostic(
        code="PHX763",
        message=f"{rules} rule{'s' if rules > 1 else ''} in CEL of {listed}{more} will not be evaluated",
        help="only a real API server evaluates them",
        severity=Severity.NOTE,
    )


def _read_directory(folder: Path, found: _Found) -> None:
    if not folder.is_dir():
        found.refuse("PHX760", f"`{folder}` is not a directory", "name a directory of CRD files")
        return
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".yaml", ".yml", ".json"} and p.is_file())
    before = len(found.schemas)
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            found.refuse("PHX760", f"`{file}` cannot be read: {error.strerror}", "make it readable")
            continue
        _take_documents(content, str(file), found, quiet=True)
    if len(found.schemas) == before and not found.diagnostics:
        _no_crd(str(folder), found)


def _take_documents(content: bytes, name: str, found: _Found, *, quiet: bool = False) -> None:
    try:
        documents = parse_documents(content)
    except RefusedError as error:
        found.refuse("PHX760", f"`{name}` {error}", "give it the output of `kubectl get crd -o yaml`")
        return
    crds = [crd for document in documents for crd in _crds(document)]
    for crd in crds:
        for schema in convert_crd(crd):
            found.take(schema)
    if not crds and not quiet:
        _no_crd(name, found)


def _no_crd(name: str, found: _Found) -> None:
    message = f"`{name}` holds no CustomResourceDefinition"
    found.refuse("PHX761", message, "give it the output of `kubectl get crd -o yaml`")


def _crds(document: Mapping) -> Iterator[Mapping]:
    """The CRDs in a document, which may be a List."""
    if document.get("kind") == "CustomResourceDefinition":
        yield document
    elif text(document.get("kind")).endswith("List"):
        for _, item in entries(document.get("items")):
            # Items of a CustomResourceDefinitionList need not repeat their kind.
            if item.get("kind", "CustomResourceDefinition") == "CustomResourceDefinition":
                yield item


def _read_url(template: str, kind: Kind, found: _Found) -> None:
    group, version, name = kind
    if schema_path(kind) is None or not GROUP.fullmatch(group):
        found.refuse("PHX761", f"`{group}/{version}` `{name}` cannot name a custom resource", "mend the kind")
        return
    parts = {"{group}": group, "{version}": version, "{kind}": name.lower(), "{Kind}": name}
    url = template
    for placeholder, value in parts.items():
        url = url.replace(placeholder, value)
    try:
        documents = parse_documents(download(url))
    except RefusedError as error:
        found.refuse("PHX760", f"`{url}` {error}", "check the template, or fetch from a cluster")
        return
    crds = [crd for document in documents for crd in _crds(document)]
    schemas = [schema for crd in crds for schema in convert_crd(crd)]
    if not crds and len(documents) == 1 and isinstance(documents[0].get("properties"), dict):
        schemas = [convert(group, name, version, documents[0])]
    wanted = [s for s in schemas if (s.group, s.version, s.kind) == kind]
    if not wanted:
        found.refuse("PHX761", f"`{url}` has no schema of {name} `{group}/{version}`", "check the template")
    for schema in wanted:
        found.take(schema)


def _write(path: Path, schema: Mapping) -> bool:
    """Write a schema unless the file holds it already; whole or not at all."""
    content = json.dumps(schema, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() + b"\n"
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True
