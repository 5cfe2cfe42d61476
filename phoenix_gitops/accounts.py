"""Names and accounts of tenants, which are never used again: what `policies/ids/` says against what tenants say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.document import Path
from phoenix_gitops.model.account import Account
from phoenix_gitops.model.tenant import Tenant, account_id
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.world import World

Policies = Mapping[Key, Resolved]


def check_accounts(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """Accounts that two tenants have, names that were somebody's, and records that say what nobody does."""
    tenants = dict(world.of_kind(Tenant))
    yield from _clashes(policies, world, tenants)
    yield from _taken(policies, world, tenants)
    for name, record in world.of_kind(Account):
        yield from _record(policies, record, tenants.get(name))


def tombstones(world: World) -> dict[str, Account]:
    """The records of retired tenants, by name; one whose day is none is no tombstone."""
    return {name: record for name, record in world.of_kind(Account) if _is_day(record.spec.retired or "")}


def account_of(record: Account) -> int:
    """The account that a record is about."""
    return record.spec.account or account_id([*record.spec.formerly, record.metadata.name][0])


def _label(policies: Policies, key: Key, *path: str | int, text: str = "") -> Label:
    return Label(policies[key].origin(path).value.span, text)


def _clashes(policies: Policies, world: World, tenants: Mapping[str, Tenant]) -> Iterator[Diagnostic]:
    """Two tenants of one account would share what is stored."""
    owners: dict[int, str] = {}
    for name, tenant in tenants.items():
        account = world.account(tenant)
        other = owners.setdefault(account, name)
        if other != name:
            yield Diagnostic(
                code="PHX511",
                message=f"tenants `{other}` and `{name}` have the same account id `{account}`",
                primary=_label(policies, ("Tenant", name), "metadata", "name", text="the second"),
                secondary=(_label(policies, ("Tenant", other), "metadata", "name", text="the first"),),
                help="rename the newer tenant, mend `formerly`, or give the newer one another account in "
                f"`policies/ids/{name}.yaml`",
            )


def _taken(policies: Policies, world: World, tenants: Mapping[str, Tenant]) -> Iterator[Diagnostic]:
    """A name or an account of a retired tenant, or a former name of another one."""
    used: dict[str, tuple[Key, Path, str]] = {}
    ids: dict[int, str] = {}
    for other, tenant in tenants.items():
        for i, former in enumerate(tenant.spec.formerly):
            used[former] = (("Tenant", other), ("spec", "formerly", i), f"tenant `{other}` had it before")
    for other, record in world.of_kind(Account):
        if record.spec.retired is not None:
            ids[account_of(record)] = other
            where: Path = ("spec", "retired")
            used[other] = (("Account", other), where, f"tenant `{other}` had it until it was retired")
        for i, former in enumerate(record.spec.formerly):
            used[former] = (("Account", other), ("spec", "formerly", i), f"tenant `{other}` had it before")
    for name, tenant in tenants.items():
        holder = used.get(name)
        clash = holder and holder[0][1] in tenants and world.account(tenants[holder[0][1]]) == world.account(tenant)
        if holder is not None and holder[0][1] != name and not clash:
            yield _refused(policies, f"the name `{name}` is not free: {holder[2]}", name, holder[0], holder[1])
        account = world.account(tenant)
        other = ids.get(account, name)
        if other != name and not (holder and holder[0][1] == other):
            what = f"tenant `{name}` has the account id `{account}` of the retired tenant `{other}`"
            yield _refused(policies, what, name, ("Account", other), ("spec", "retired"))


def _refused(policies: Policies, message: str, name: str, holder: Key, path: Path) -> Diagnostic:
    return Diagnostic(
        code="PHX520",
        message=message,
        primary=_label(policies, ("Tenant", name), "metadata", "name"),
        secondary=(_label(policies, holder, *path, text="never used again"),),
        help="take another name: what is stored lies under names and accounts, and would become this tenant's",
    )


def _record(policies: Policies, record: Account, tenant: Tenant | None) -> Iterator[Diagnostic]:
    """What a record says of a tenant that is not so."""
    name, spec = record.metadata.name, record.spec

    def fault(message: str, help_: str, *path: str | int) -> Diagnostic:
        return Diagnostic(
            code="PHX521", message=message, primary=_label(policies, ("Account", name), *path), help=help_
        )

    if spec.retired is not None and not _is_day(spec.retired):
        yield fault(f"`{spec.retired}` is no day", "write a day that there is, as in `2026-11-24`", "spec", "retired")
    if tenant is None and spec.retired is None:
        help_ = "name it as the tenant is called; if that is gone, its tombstone says `retired:` and the day"
        yield fault(f"there is no tenant `{name}` whose account this could be", help_, "metadata", "name")
    if tenant is not None and spec.retired is not None and tenant.spec.state != "retired":
        message = f"tenant `{name}` has a tombstone, and is `{tenant.spec.state}`"
        help_ = "a name is never used again: remove the tombstone if the tenant was never gone, else take another name"
        yield fault(message, help_, "spec", "retired")
    if tenant is not None and tenant.spec.formerly and spec.formerly and tenant.spec.formerly != spec.formerly:
        message = f"`formerly` of tenant `{name}` is another there than here"
        yield fault(message, "keep one of the two; the oldest name gives the account", "spec", "formerly")
    if spec.account is None and spec.retired is None and not spec.formerly:
        help_ = "give `account`, `formerly` or `retired`, or remove the file: the account follows from the name"
        yield fault(f"the record of `{name}` says nothing", help_, "spec")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
