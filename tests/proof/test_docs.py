"""The command blocks of all pages but the first two, with those that need judges: what they show is what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_docs import compiled, pages_with_proof, run_page

__all__ = ["compiled"]
pytestmark = pytest.mark.proof


def test_there_are_pages_that_need_judges() -> None:
    assert {"docs/testing.md", "docs/review.md"} <= set(pages_with_proof())


@pytest.mark.parametrize("page", pages_with_proof())
def test_command_blocks_do_what_the_page_says(
    page: str, compiled: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    update = request.config.getoption("update_snapshots", default=False)
    run_page(page, compiled, tmp_path, update=update, proof=True)
