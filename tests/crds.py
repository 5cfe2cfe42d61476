"""The original CRDs that tests take as judge; they are no part of the repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
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


def crds_of(groups: Iterable[str], folder: Path) -> Path:
    """Links in `folder` to the files of `crds_folder()` that hold CRDs of these API groups: all of them are 14 MB."""
    wanted = [re.compile(rf"^  group: {re.escape(group)}$", re.MULTILINE) for group in groups]
    for file in sorted(crds_folder().glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        if any(pattern.search(text) for pattern in wanted):
            (folder / file.name).symlink_to(file)
    return folder
