"""How much of each component an environment compiles, beside what others run already."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from phoenix_gitops.model.base import Model

Manage = Literal["full", "config", "none"]
"""How much of a component is compiled."""


class Managed(Model, frozen=True, kw_only=True):
    """How much of a component is compiled, where it cannot be configured without being run."""

    manage: Annotated[
        Literal["full", "none"], Meta(description="`full`: all of it. `none`: nothing, somebody else has it.")
    ] = "full"


class Configurable(Model, frozen=True, kw_only=True):
    """How much of a component is compiled, where somebody else may run what we configure."""

    manage: Annotated[
        Manage,
        Meta(
            description="`full`: all of it. `config`: only what configures it, for somebody else's workloads; `phoenix show "
            "contract` says what these must be. `none`: nothing."
        ),
    ] = "full"


class Components(Model, frozen=True, kw_only=True):
    """How much of each component is compiled; what others run already is not taken from them."""

    gitops: Annotated[Managed, Meta(description="Applications and AppProjects; `none` where you have your own.")] = (
        Managed()
    )
    tenancy: Annotated[
        Managed,
        Meta(description="Namespaces with their quotas, rights and walls; `none` where they come from elsewhere."),
    ] = Managed()
    ingest: Annotated[
        Configurable,
        Meta(description="The collectors; `config` where another chart runs them with our configs."),
    ] = Configurable()
    rules: Annotated[
        Configurable, Meta(description="Rules and alerts; `config` leaves out the namespace that they lie in.")
    ] = Configurable()

    def manages(self, component: str) -> Manage:
        """How much of a component is compiled; all of one that is not listed here, a third party's."""
        part: Managed | Configurable | None = getattr(self, component, None)
        return part.manage if part is not None else "full"
