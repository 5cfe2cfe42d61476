"""Account: what is known of an account besides what its tenant's file says: a clash, a rename, a tombstone."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from phoenix_gitops.model.base import Metadata, Model, Name

DAY_PATTERN = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


class AccountSpec(Model, frozen=True, kw_only=True):
    """An exception: most accounts follow from their tenants' names, and have no such file."""

    account: Annotated[
        Annotated[int, Meta(ge=1, le=4294967295)] | None,
        Meta(
            description="The account id, where it is not the first 32 bits of the SHA-256 of the tenant's oldest name: "
            "of two names that clash one has another.",
            examples=[2375025108],
        ),
    ] = None
    formerly: Annotated[
        list[Name],
        Meta(
            description="Former names of the tenant, oldest first, as in its `formerly`; nobody else may bear them.",
            examples=[["shop"]],
        ),
    ] = []
    retired: Annotated[
        Annotated[str, Meta(pattern=DAY_PATTERN)] | None,
        Meta(
            description="A tombstone: the day since which the tenant is retired, as YYYY-MM-DD. Its retention runs from "
            "then, and no tenant may bear its names or account again.",
            examples=["2026-11-24"],
        ),
    ] = None


class Account(Model, frozen=True, kw_only=True):
    """An exception to how tenants get their accounts, in `policies/ids/`; it bears its tenant's name."""

    metadata: Metadata
    spec: AccountSpec
