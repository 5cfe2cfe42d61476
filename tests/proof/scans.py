"""What Argo CD and Flux take from a folder, as their sources state it: two small rules, told apart from ours.

Argo CD 3: `reposerver/repository/repository.go`, `getPotentiallyValidManifests`, `getPotentiallyValidManifestFile`,
`getObjsFromYAMLOrJSON`; the limit is `--max-combined-directory-manifests-size` of its repository server.
Flux: `kustomize_generator.go` of `github.com/fluxcd/pkg/kustomize`, `scanManifests`; what it ignores before that is in
`github.com/fluxcd/pkg/sourceignore`, whose built-in names none of our files can have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

ARGO_CD_BYTES = 10_000_000
"""Manifests of one Application may come to so many bytes unless its repository server is told otherwise."""

_ARGO_CD_NAMES = re.compile(r".*\.(yaml|yml|json|jsonnet)")
_ARGO_CD_SKIPS = "+argocd:skip-file-rendering"
_ARGO_CD_LOOKS_LIKE_AN_OBJECT = ("apiVersion:", "kind:", "metadata:")
_FLUX_EXTENSIONS = (".yaml", ".yml")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class RefusedError(Exception):
    """The reconciler would stop at this folder."""


def argo_cd_files(folder: Path, directory: Mapping[str, Any]) -> list[Path]:
    """The files that Argo CD reads from an Application's path; `directory` is that of its source.

    Names are matched by their end and in their case, so dotfiles count. A file that says so is passed over.
    """
    unknown = sorted(set(directory) - {"recurse"})
    if unknown:
        raise NotImplementedError(f"the rule for {unknown} is not stated here")
    if any((folder / name).is_file() for name in (".argocd-source.yaml",)):
        raise NotImplementedError("the source is changed by a file in its folder")
    found = folder.rglob("*") if directory.get("recurse") else folder.glob("*")
    named = [path for path in sorted(found) if path.is_file() and _ARGO_CD_NAMES.fullmatch(path.name)]
    taken = [path for path in named if _ARGO_CD_SKIPS not in path.read_text(encoding="utf-8")]
    size = sum(path.stat().st_size for path in taken)
    if size > ARGO_CD_BYTES:
        raise RefusedError(f"{size} bytes of manifests in {folder.name}, more than {ARGO_CD_BYTES}")
    return taken


def argo_cd_objects(folder: Path, directory: Mapping[str, Any]) -> Iterator[tuple[Path, Object]]:
    """The objects that Argo CD finds, with their files. Raises `RefusedError` where it would stop."""
    for path in argo_cd_files(folder, directory):
        text = path.read_text(encoding="utf-8")
        try:
            documents = [json.loads(text)] if path.suffix == ".json" else _documents(text)
            objects = [_object(document) for document in documents if document is not None]
        except (ValueError, yaml.YAMLError) as fault:
            if path.suffix == ".json" or all(word in text for word in _ARGO_CD_LOOKS_LIKE_AN_OBJECT):
                raise RefusedError(f"{path.name}: {fault}") from fault
            continue
        yield from ((path, body) for body in objects)


def flux_files(folder: Path) -> list[Path]:
    """The files, and folders with a kustomization of their own, that Flux's generator lists. Raises `RefusedError`.

    A file that holds no object stops it.
    """
    return sorted(_flux(folder))


def _flux(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from [path] if any((path / name).is_file() for name in _KUSTOMIZATIONS) else _flux(path)
        elif path.suffix in _FLUX_EXTENSIONS:
            try:
                for document in _documents(path.read_text(encoding="utf-8")):
                    if document is not None:
                        _object(document)
            except (ValueError, yaml.YAMLError) as fault:
                raise RefusedError(f"{path.name}: {fault}") from fault
            yield path


def _documents(text: str) -> list[object]:
    return list(yaml.load_all(text, yaml.CSafeLoader))


def _object(document: object) -> Object:
    if not isinstance(document, dict) or not document.get("kind"):
        raise ValueError("no Kubernetes object")
    return document
