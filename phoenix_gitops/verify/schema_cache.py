"""Inlined schemas on disk: a cache that only saves time. A damaged entry reads as absent."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


class SchemaCache:
    """JSON documents by name in a folder, each under a line with the SHA-256 of its bytes."""

    def __init__(self, folder: Path | None) -> None:
        """A cache in `folder`, which is made when needed; without one nothing is kept."""
        self._folder = folder

    def read(self, name: str) -> dict[str, Any] | None:
        """The document, or None if it is absent or not what was written."""
        if self._folder is None:
            return None
        try:
            digest, _, content = (self._folder / f"{name}.json").read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        document = json.loads(content)
        return document if isinstance(document, dict) else None

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Keep a document; a full or read-only disk is no reason to stop."""
        if self._folder is None:
            return
        import tempfile

        content = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            Path(temporary).replace(self._folder / f"{name}.json")
