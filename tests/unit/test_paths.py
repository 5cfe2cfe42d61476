"""Paths as people write them: what is shown can be read again."""

from __future__ import annotations

import pytest

from phoenix_gitops.document import Path
from phoenix_gitops.paths import parse_path, show_path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("spec",), "spec"),
        (("spec", "containers", 0, "image"), "spec.containers[0].image"),
        ((0, 1), "[0][1]"),
        (("metadata", "labels", "app.kubernetes.io/name"), 'metadata.labels["app.kubernetes.io/name"]'),
        (("data", "a.yaml", "key"), 'data["a.yaml"].key'),
        (("data", 'say "no"', "x"), 'data["say \\"no\\""].x'),
        (("data", "[0]\\"), 'data["[0]\\\\"]'),
    ],
)
def test_a_path_is_shown_as_it_is_read(path: Path, text: str) -> None:
    assert show_path(path) == text
    assert parse_path(text) == path
