"""A new name: the file, `formerly`, and whoever names the tenant, in one change that keeps account and data."""

from __future__ import annotations

import re
from typing import Final

from phoenix_gitops.document import Document
from phoenix_gitops.edits import Edit, Set
from phoenix_gitops.front import Front
from phoenix_gitops.life.base import NoPlanError, Plan, Step
from phoenix_gitops.life.drafting import Drafting, approvals_of, folder_of, mentions, references
from phoenix_gitops.life.tenants import known, own_file
from phoenix_gitops.model.account import Account
from phoenix_gitops.model.base import NAME_PATTERN
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.world import World

_NAME: Final = ("metadata", "name")
_LONGEST: Final = 40


def plan_rename(front: Front, name: str, new: str) -> Plan:
    """The one step that gives a tenant a new name.

    Args:
        front: the repository's policies, sound.
        name: the tenant's.
        new: what it is to be called.

    """
    world = front.world
    assert world is not None
    renamed = world.policies.get(("Tenant", new))
    if isinstance(renamed, Tenant) and name in world.names(renamed)[:-1]:
        step = _step(Drafting(front), world, renamed, done=True)
    else:
        tenant = known(front, name)
        if len(new) > _LONGEST or not re.search(NAME_PATTERN, new):
            raise NoPlanError(f"'{new}' is no name: lower-case letters, digits and '-', at most {_LONGEST}")
        _check_free(world, name, new)
        draft = Drafting(front)
        _rename(draft, tenant, new)
        step = _step(draft, world, tenant, done=False)
    return Plan(
        verb="rename",
        tenant=name,
        command=f"phoenix rename {name} {new}",
        steps=(step,),
        notes=tuple(f"{place} reads its series by the name `{name}`" for place in mentions(front.documents, name)),
    )


def _check_free(world: World, name: str, new: str) -> None:
    for other, tenant in world.of_kind(Tenant):
        if new == name == other:
            raise NoPlanError(f"the name '{new}' is its name already")
        if new in world.names(tenant) and other != name:
            raise NoPlanError(
                f"the name '{new}' is taken: tenant '{other}' {'bears it' if other == new else 'had it before'}"
            )
    for other, record in world.of_kind(Account):
        if new in (other, *record.spec.formerly):
            raise NoPlanError(f"the name '{new}' is not free: the retired tenant '{other}' had it, and names are kept")


def _step(draft: Drafting, world: World, tenant: Tenant, *, done: bool) -> Step:
    standing = world.standing(tenant)
    nodes = ""
    if standing.lets_onto_nodes:
        nodes = (
            "once its nodes bear label and taint `policy.phoenix.io/tenant` with the new name: pods that run there stay"
        )
    return Step(
        number=1,
        slug="name",
        title="the new name",
        does=f"its account stays `{world.account(tenant)}`; so do namespaces, volumes and service accounts; its series "
        "bear the new name from then on, so SLOs begin anew, and a gateway of its own rolls",
        back="rename it back: `formerly` then holds both names, and the account is still the same",
        after=nodes,
        changes=draft.take(),
        done=done,
    )


def _rename(draft: Drafting, tenant: Tenant, new: str) -> None:
    name = tenant.metadata.name
    own = own_file(draft, tenant)
    folder = folder_of(own)
    record = draft.find("Account", name)
    written = record.data["spec"].get("formerly") if record else None
    for document in draft.documents:
        paths = references(document, "Tenant", name)
        if document.kind == "Tenant" and document.data["spec"].get("extends") == name and document is not own:
            paths.append(("spec", "extends"))
        if paths:
            draft.edit(document, *(Set(path, new) for path in paths))
        if document.kind == "Platform" and folder:
            draft.edit(document, *_asked(document, folder, new))
    edits: list[Edit] = [Set(_NAME, new)]
    if tenant.spec.formerly or not written:
        edits.append(Set(("spec", "formerly"), [*tenant.spec.formerly, name]))
    draft.edit(own_file(draft, tenant), *edits)
    if record is not None:
        more = [Set(("spec", "formerly"), [*written, name])] if written else []
        draft.edit(record, Set(_NAME, new), *more)
        again = draft.find("Account", new)
        assert again is not None
        if again.file == f"policies/ids/{name}.yaml":
            draft.move(again, f"policies/ids/{new}.yaml")
    if folder:
        target = f"{folder.rpartition('/')[0]}/{new}"
        for document in [d for d in draft.documents if d.file.startswith(f"{folder}/")]:
            draft.move(document, target + document.file.removeprefix(folder))
    elif own.file.rpartition("/")[2] == f"{name}.yaml":
        moved = draft.find("Tenant", new)
        assert moved is not None
        draft.move(moved, f"{own.file.rpartition('/')[0]}/{new}.yaml")


def _asked(platform: Document, folder: str, new: str) -> list[Edit]:
    """Rules of approval follow the tenant's folder."""
    edits: list[Edit] = []
    target = f"{folder.rpartition('/')[0]}/{new}"
    for rule, paths, _ in approvals_of(platform, folder):
        for path in paths:
            at = ("spec", "review", "approvals", rule, "paths", path)
            old = platform.data["spec"]["review"]["approvals"][rule]["paths"][path]
            edits.append(Set(at, target + old.removeprefix(folder)))
    return edits
