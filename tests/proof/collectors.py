"""The collectors: one binary for each version that there is a table of."""

from __future__ import annotations

import functools
from pathlib import Path

from tests.proof.judge import collectors


@functools.cache
def binary(version: str) -> Path:
    """The collector of a version; that it is missing is a failure, never a skip."""
    return collectors()[version]
