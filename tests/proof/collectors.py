"""The collectors: one binary for each version that there is a table of."""

from __future__ import annotations

from pathlib import Path

from phoenix_gitops import tools


def binary(version: str) -> Path:
    """The collector of a version; that it is missing is a failure, never a skip."""
    path = tools.cache_dir() / "tools" / "otelcol" / version / "otelcol"
    assert path.is_file(), f"no collector {version} at {path}: run `make proof`"
    return path
