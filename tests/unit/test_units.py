"""Units of policies: how quantities are written."""

from __future__ import annotations

import pytest

from phoenix_gitops.model.units import amount, canonical

CANONICAL = {
    "0": "0",
    "0.0": "0",
    "0m": "0",
    "1": "1",
    "1.0": "1",
    "1000m": "1",
    "1500m": "1500m",
    "1.5": "1500m",
    "0.5": "500m",
    "0.0001": "1m",
    "1000": "1k",
    "1024": "1024",
    "1500": "1500",
    "100k": "100k",
    "2000M": "2G",
    "1000G": "1T",
    "1000T": "1P",
    "1024Ki": "1Mi",
    "1024Mi": "1Gi",
    "1536Mi": "1536Mi",
    "1.5Gi": "1536Mi",
    "1024Ti": "1Pi",
    "0.5Ki": "512",
    "1.3Ki": "1331200m",
}
"""What a real API server made of each when it was sent: `tests/proof/test_accepted.py` asks it again."""


@pytest.mark.parametrize(("written", "read"), CANONICAL.items(), ids=CANONICAL)
def test_a_quantity_is_written_as_the_api_server_writes_it(written, read):
    assert canonical(written) == read


def test_it_stays_the_same_amount_and_is_written_so_once_and_for_all():
    known = [q for q in CANONICAL.values() if "P" not in q]
    assert [canonical(q) for q in known] == known
    assert [q for q, read in CANONICAL.items() if read in known and amount(read) != amount(q)] == ["0.0001"]
