"""The fixtures `seed` and `cluster`; `tests/proof/conftest.py` makes them known to all tests there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crds import crds_folder
from tests.proof.cluster.control_plane import Cluster, running
from tests.proof.cluster.seed import Seed, make_seed


@pytest.fixture(scope="session")
def seed() -> Seed:
    """A store with all CRDs."""
    return make_seed(crds_folder())


@pytest.fixture(scope="session")
def cluster(seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane of the server's own minor that the tests of a session share."""
    with running(tmp_path_factory.mktemp("cluster"), seed=seed) as started:
        yield started
