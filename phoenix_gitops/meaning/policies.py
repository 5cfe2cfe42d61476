"""What the policies of one side say of an environment, beside the objects that they compile to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix_gitops.scope import EnvironmentScope, TenantScope


@dataclass(frozen=True, slots=True)
class Held:
    """What holds in an environment: its scope, and each tenant that is present there."""

    env: EnvironmentScope
    tenants: tuple[TenantScope, ...] = ()


Policies = Mapping[str, Held]
"""Environments by name."""
