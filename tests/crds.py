"""The original CRDs that tests take as judge; they are no part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def crds_folder() -> Path:
    """`$PHOENIX_CRDS`, else a folder beside the checkout. Without it the test is skipped, in CI it fails."""
    folder = Path(os.environ.get("PHOENIX_CRDS") or ROOT.parent / "shared" / "crds")
    if not folder.is_dir():
        message = f"no CRDs at {folder}; set PHOENIX_CRDS to a folder of them"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
