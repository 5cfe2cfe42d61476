"""What former runs found, so that a run with nothing changed does nothing twice.

Results of units are kept by the content of all that they were made of: the unit's scope, templates, schemas of custom
resources and our own code. The cache only saves time: a run without it gives the same bytes. It lies in the user's
cache directory and not in the repository, since a stranger's pull request could bring one along.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from phoenix_gitops.artifact import Unit
from phoenix_gitops.emit import Stage
from phoenix_gitops.tree import FileState
from phoenix_gitops.unit import UnitResult

_ENCODER = msgspec.msgpack.Encoder()
_RESULT = msgspec.msgpack.Decoder(UnitResult)
_ENTRIES = msgspec.msgpack.Decoder(dict[str, bytes])
_STATES = msgspec.msgpack.Decoder(dict[str, FileState])


def context_digest(root: Path, packages: Iterable[Path]) -> str:
    """A digest of all that every unit depends on besides policies: our code, templates, custom resources' schemas.

    Files of packages count by size and time, since a release or an edit changes these; the repository's own templates
    and schemas count by content.
    """
    found = hashlib.sha256()
    for package in packages:
        for path in sorted(package.rglob("*")):
            if path.suffix in (".py", ".j2", ".yaml", ".json"):
                stat = path.stat()
                found.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    linked = [folder for folder in ("templates", "schemas", "schemas/crds") if (root / folder).is_symlink()]
    found.update(f"links: {linked}\n".encode())
    for folder in () if linked else (root / "templates", root / "schemas" / "crds"):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            found.update(f"{path.relative_to(root)}\0".encode() + _content(path))
    return found.hexdigest()


def _content(path: Path) -> bytes:
    """A digest of a file. What lies behind a link is not read: the link is refused where it is used."""
    if path.is_symlink() or not path.is_file():
        return b""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


class UnitCache:
    """Results of one environment's units; with `keep` off those of this run are not added to them."""

    def __init__(self, folder: Path, environment: str, context: str, *, keep: bool = True) -> None:
        self._keep = keep
        self._file = folder / f"{environment}.units"
        self._context = context
        self._old = _read(self._file, _ENTRIES) or {}
        self._new: dict[str, bytes] = {}

    def key(self, stage: Stage, unit: Unit) -> str:
        """What a unit's result depends on, as a digest."""
        digest = hashlib.sha256(f"{self._context}\0{unit}\0".encode())
        if unit.tenant:
            tenant = stage.world.tenant(stage.scope.environment, unit.tenant)
            digest.update(_ENCODER.encode(tenant))
            digest.update(stage.tenant_scope_bytes)
        else:
            digest.update(stage.scope_bytes)
        return digest.hexdigest()

    def get(self, key: str) -> UnitResult | None:
        """The result of a former run; None where there is none or it cannot be read."""
        entry = self._old.get(key)
        if entry is None:
            return None
        try:
            result = _RESULT.decode(entry)
        except msgspec.DecodeError:
            return None
        self._new[key] = entry
        return result

    def put(self, key: str, result: UnitResult) -> None:
        """Keep a result, its faults with it."""
        self._new[key] = _ENCODER.encode(result)

    def save(self) -> None:
        """Keep what this run used, drop the rest."""
        if self._keep and self._new.keys() != self._old.keys():
            _write(self._file, self._new)


class TreeCache:
    """The states of the output's files after the last run."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "tree"

    def load(self) -> tuple[Mapping[str, FileState], int]:
        """The states, and when they were written (nanoseconds): a younger file is read all the same."""
        try:
            written = self._file.stat().st_mtime_ns
        except OSError:
            return {}, 0
        return _read(self._file, _STATES) or {}, written

    def save(self, states: Mapping[str, FileState]) -> None:
        """Keep the states."""
        _write(self._file, states)


T = TypeVar("T")


def _read(file: Path, decoder: msgspec.msgpack.Decoder[T]) -> T | None:
    try:
        return decoder.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def _write(file: Path, content: object) -> None:
    """A cache that cannot be written is no fault: the next run is just slower."""
    part = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(_ENCODER.encode(content))
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
