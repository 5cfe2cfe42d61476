"""The tenant that a plan is about, as it is known and as it is written."""

from __future__ import annotations

from phoenix_gitops.document import Document
from phoenix_gitops.front import Front
from phoenix_gitops.life.base import NoPlanError
from phoenix_gitops.life.drafting import Drafting
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.suggest import closest


def known(front: Front, name: str) -> Tenant:
    """The tenant of that name; NoPlanError with what was probably meant if there is none."""
    assert front.world is not None
    tenants = dict(front.world.of_kind(Tenant))
    if name not in tenants:
        raise NoPlanError(f"there is no tenant '{name}'{meant(name, tenants)}")
    return tenants[name]


def meant(word: str, words: object) -> str:
    """`; did you mean 'this'?`, or what there is."""
    assert isinstance(words, dict)
    near = closest(word, words)
    return f"; did you mean '{near}'?" if near else f"; there are: {', '.join(sorted(words)) or 'none'}"


def own_file(draft: Drafting, tenant: Tenant) -> Document:
    """The tenant's own document, as it is by now."""
    document = draft.find("Tenant", tenant.metadata.name)
    assert document is not None
    return document
