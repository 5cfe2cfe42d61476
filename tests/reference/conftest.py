"""The environments that the tests look into."""

from __future__ import annotations

import pytest

from tests.reference.platform import Output, output


@pytest.fixture(scope="session")
def reference() -> Output:
    """The platform as it has been run so far."""
    return output("reference")


@pytest.fixture(scope="session")
def dev() -> Output:
    """Where what costs money is off."""
    return output("dev")


@pytest.fixture(scope="session")
def prod() -> Output:
    """Where three collectors run at twice the size."""
    return output("prod-eu")
