"""Retirement: writes off, users off, data expires, and the namespaces last."""

from __future__ import annotations

from typing import Final

from phoenix_gitops.accounts import tombstones
from phoenix_gitops.beginnings import Beginning
from phoenix_gitops.document import Document
from phoenix_gitops.edits import Edit, Remove, Set
from phoenix_gitops.front import Front
from phoenix_gitops.life.base import NoPlanError, Plan, Step
from phoenix_gitops.life.drafting import Drafting, approvals_of, belongs, folder_of, let_go, mentions
from phoenix_gitops.life.tenants import known, own_file
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.removals import data_free
from phoenix_gitops.world import World

_STATE: Final = ("spec", "state")


def plan_retirement(front: Front, name: str, today: str) -> Plan:
    """The steps by which a tenant goes.

    Args:
        front: the repository's policies, sound.
        name: the tenant's.
        today: the day, as YYYY-MM-DD; empty where nobody said it.

    """
    assert front.world is not None
    stone = tombstones(front.world).get(name)
    if stone is not None and ("Tenant", name) not in front.world.policies:
        raise NoPlanError(f"tenant '{name}' is retired since {stone.spec.retired} and its file is gone: all is done")
    tenant = known(front, name)
    if tenant.spec.moving_from is not None:
        raise NoPlanError(
            f"tenant '{name}' is moving from class '{tenant.spec.moving_from}': finish that first, with "
            f"`phoenix move {name} --class {tenant.spec.class_}`"
        )
    day = (stone.spec.retired if stone else today) or ""
    free = data_free(front.world, tenant, day) if day else ""
    draft = Drafting(front)
    return Plan(
        verb="retire",
        tenant=name,
        command=f"phoenix retire {name}",
        steps=(
            _writes_off(draft, tenant),
            _users_off(draft, tenant, stone is not None, today),
            _expires(front.world, tenant, free if stone else "", today),
            _last(draft, front.world, tenant, free if stone else ""),
        ),
        notes=_notes(front, name),
    )


def _writes_off(draft: Drafting, tenant: Tenant) -> Step:
    if tenant.spec.state == "active":
        draft.edit(own_file(draft, tenant), Set(_STATE, "readOnly"))
    changes = draft.take()
    return Step(
        number=1,
        slug="read-only",
        title="writes off",
        does="its editors may only read; data and alerts go on",
        back="revert it: nothing is lost",
        after="once its team knows",
        changes=changes,
        done=not changes,
    )


def _users_off(draft: Drafting, tenant: Tenant, buried: bool, today: str) -> Step:
    name = tenant.metadata.name
    if tenant.spec.state != "retired":
        draft.edit(own_file(draft, tenant), Set(_STATE, "retired"))
    let_go(draft, name)
    if not buried and today:
        _bury(draft, tenant, today)
    changes = draft.take()
    return Step(
        number=2,
        slug="users-off",
        title="users off",
        does="rights, gateway, rules and every network edge go, others' edges to it too; what it sends is nobody's; "
        "namespaces and what is stored stay, and a tombstone keeps its name and account",
        back="revert it before step 4: only what was not sent meanwhile is lost",
        after="once nobody needs its dashboards and alerts",
        changes=changes,
        done=buried and not changes,
        needs_day=not buried,
    )


def _expires(world: World, tenant: Tenant, free: str, today: str) -> Step:
    retention = world.class_of(tenant).spec.retention
    return Step(
        number=3,
        slug="expiry",
        title="data expires",
        does=f"nothing is changed: its series are kept for {retention}, as class `{tenant.spec.class_}` says",
        back="nothing is to be undone",
        after="" if free else f"{retention} after step 2",
        not_before=free,
        done=bool(free) and free <= today,
    )


def _last(draft: Drafting, world: World, tenant: Tenant, free: str) -> Step:
    name = tenant.metadata.name
    let_go(draft, name)
    own = own_file(draft, tenant)
    for document in draft.documents:
        if document is own or belongs(document, name):
            draft.remove(document)
    platform = draft.find("Platform", world.platform.metadata.name)
    folder = folder_of(own)
    if platform is not None and folder:
        draft.edit(platform, *_unasked(platform, folder))
    shared = world.class_of(tenant).spec.isolation == "shared"
    return Step(
        number=4,
        slug="remove",
        title="namespaces last",
        does="its files go, and its namespaces, which are others' too, stay as they are"
        if shared
        else "its files go, and its namespaces with all that they hold, volumes too, once somebody "
        "confirms that in the reconciler",
        back="its name and account stay taken; a revert does not bring back what expired"
        if shared
        else "nothing brings back what namespaces held; its name and account stay taken",
        after="" if free else "after step 3",
        not_before=free,
        changes=draft.take(),
    )


def _unasked(platform: Document, folder: str) -> list[Edit]:
    """Rules of approval that name the tenant's folder say so no longer; one that names nothing else goes."""
    edits: list[Edit] = []
    for rule, paths, count in reversed(list(approvals_of(platform, folder))):
        at = ("spec", "review", "approvals", rule)
        edits += [Remove(at)] if len(paths) == count else [Remove((*at, "paths", path)) for path in reversed(paths)]
    return edits


def _bury(draft: Drafting, tenant: Tenant, today: str) -> None:
    """A tombstone with the day; a record that is there already keeps what it says."""
    name = tenant.metadata.name
    record = draft.find("Account", name)
    if record is None:
        former = {"formerly": list(tenant.spec.formerly)} if tenant.spec.formerly else {}
        stone = Beginning(
            kind="Account",
            name=name,
            owner=_platforms_owner(draft, tenant),
            spec={**former, "retired": today},
            head="The name and the account of a tenant that is retired: nobody else gets them.",
        )
        draft.write(stone.file, stone.text())
        return
    edits: list[Edit] = [Set(("spec", "retired"), today)]
    if tenant.spec.formerly and not record.data["spec"].get("formerly"):
        edits.insert(0, Set(("spec", "formerly"), list(tenant.spec.formerly)))
    draft.edit(record, *edits)


def _platforms_owner(draft: Drafting, tenant: Tenant) -> str:
    """Who answers for the tombstone: the tenant's own team may be gone."""
    platform = next((d for d in draft.documents if d.kind == "Platform"), None)
    return str(platform.data["metadata"]["owner"]) if platform else tenant.metadata.owner


def _notes(front: Front, name: str) -> tuple[str, ...]:
    return tuple(f"{place} reads its series by name" for place in mentions(front.documents, name))
