"""What of a published tree has reached its clusters: its Applications against what Argo CD says of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import yaml

from phoenix_gitops import conventions
from phoenix_gitops.argocd import Application, Resource

ObjectKey = tuple[str, str, str, str]
"""API group, kind, namespace and name of an object."""
_FINE = ("Healthy", "")
_UNHEALTHY = ("Degraded", "Missing", "Unknown")
_BY_HEALTH = ("Degraded", "Missing", "Unknown", "Suspended", "Progressing", "Healthy", "")
"""States of health, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An Application as a published tree has it."""

    name: str
    namespace: str
    cluster: str
    component: str
    path: str
    """The folder of its repository that it applies."""
    hold: str


class Trouble(IntEnum):
    """How an Application stands, the worst first."""

    MISSING = 0
    OUT_OF_SYNC = 1
    UNHEALTHY = 2
    HELD = 3
    LEFT_OVER = 4
    BEHIND = 5
    ON_ITS_WAY = 6
    NONE = 7

    @property
    def wrong(self) -> bool:
        """Whether it is not as what was published says, and nobody meant it so."""
        return self in (Trouble.MISSING, Trouble.OUT_OF_SYNC, Trouble.UNHEALTHY, Trouble.LEFT_OVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One Application: what Argo CD made of it."""

    environment: str
    cluster: str
    component: str
    application: str
    sync: str
    health: str
    revision: str
    behind: int | None
    """How many published commits of its folder it has not seen; None where that is not known."""
    hold: str
    message: str
    trouble: Trouble
    state: str
    """All that is to be said, in words."""


def planned(files: Mapping[str, bytes]) -> tuple[Planned, ...]:
    """The Applications among the files of an environment's tree, by name."""
    found = []
    for path in sorted(files):
        if not path.rpartition("/")[2].startswith("application"):
            continue
        body = yaml.load(files[path], Loader=yaml.CSafeLoader)
        if body.get("kind") != "Application":
            continue
        metadata, labels = body["metadata"], body["metadata"].get("labels", {})
        found.append(
            Planned(
                name=metadata["name"],
                namespace=metadata.get("namespace", ""),
                cluster=labels.get(conventions.CLUSTER, ""),
                component=labels.get(conventions.COMPONENT, ""),
                path=body["spec"]["source"]["path"],
                hold=metadata.get("annotations", {}).get(conventions.HOLD, ""),
            )
        )
    return tuple(sorted(found, key=lambda one: one.name))


def reached(
    environment: str,
    plans: Iterable[Planned],
    live: Iterable[Application],
    behind: Mapping[tuple[str, str], int],
    objects: Mapping[tuple[str, str], Collection[ObjectKey]] | None = None,
) -> tuple[Reached, ...]:
    """How each Application of an environment stands, the worst first.

    Args:
        environment: its name.
        plans: what its published tree has.
        live: every Application that Argo CD has.
        behind: commits that are not applied yet, by (folder, revision); where nothing is known, nothing.
        objects: only these objects count, by (cluster, component), and only Applications that bring some.

    """
    there = {(one.namespace, one.name): one for one in live}
    rows = []
    known = set()
    for plan in plans:
        known.add((plan.namespace, plan.name))
        wanted = None if objects is None else objects.get((plan.cluster, plan.component), ())
        if wanted is None or wanted:
            rows.append(_row(environment, plan, there.get((plan.namespace, plan.name)), behind, wanted))
    if objects is None:
        left = [one for key, one in there.items() if one.environment == environment and key not in known]
        rows += [_left_over(environment, one) for one in left]
    return ordered(rows)


def strangers(environments: Collection[str], live: Iterable[Application]) -> tuple[Reached, ...]:
    """Applications of ours whose environment is none of these: nobody publishes what they apply."""
    found = (one for one in live if one.environment and one.environment not in environments)
    return ordered(_left_over(one.environment, one) for one in found)


def ordered(rows: Iterable[Reached]) -> tuple[Reached, ...]:
    """The worst first, then by environment and name."""
    return tuple(sorted(rows, key=lambda row: (row.trouble, row.environment, row.application)))


def _row(
    environment: str,
    plan: Planned,
    live: Application | None,
    behind: Mapping[tuple[str, str], int],
    wanted: Collection[ObjectKey] | None,
) -> Reached:
    if live is None:
        return _reached(environment, plan, None, [(Trouble.MISSING, "in the tree, not in Argo CD")])
    sync, health, message = live.sync, live.health, live.message
    if wanted is not None:
        sync, health, message = _of_objects(live.resources, wanted)
    count = behind.get((plan.path, live.revision))
    said = list(_said(sync, health, live.hold or "", count, message))
    if plan.hold != live.hold:
        said.append((Trouble.ON_ITS_WAY, "its hold is not applied yet" if plan.hold else "the end of its hold is not"))
    return _reached(environment, plan, live, said, sync=sync, health=health, message=message, behind=count)


def _said(sync: str, health: str, hold: str, behind: int | None, message: str) -> Iterator[tuple[Trouble, str]]:
    """What is to be said of an Application that is there, whatever its order."""
    if hold:
        yield Trouble.HELD, "held" + ("" if sync == "Synced" else ", and not as published")
    elif sync != "Synced":
        word = {"OutOfSync": "out of sync, not held", "": "not looked at yet"}.get(sync, f"sync is {sync.lower()}")
        yield (Trouble.OUT_OF_SYNC if sync else Trouble.ON_ITS_WAY), word
    if health in _UNHEALTHY:
        yield Trouble.UNHEALTHY, f"health is {health.lower()}"
    elif health not in _FINE:
        yield Trouble.ON_ITS_WAY, health.lower()
    elif message and sync == "Synced":
        yield Trouble.ON_ITS_WAY, "healthy, with a message"
    if behind:
        yield Trouble.BEHIND, f"{behind} commit{'s' * (behind != 1)} behind"


def _reached(
    environment: str,
    plan: Planned,
    live: Application | None,
    said: Sequence[tuple[Trouble, str]],
    *,
    sync: str = "",
    health: str = "",
    message: str = "",
    behind: int | None = None,
) -> Reached:
    told = sorted(said, key=lambda one: one[0])
    return Reached(
        environment=environment,
        cluster=plan.cluster,
        component=plan.component,
        application=plan.name,
        sync=sync,
        health=health,
        revision=live.revision if live else "",
        behind=behind,
        hold=live.hold if live else plan.hold,
        message=message,
        trouble=told[0][0] if told else Trouble.NONE,
        state="; ".join(words for _, words in told) or "as published",
    )


def _left_over(environment: str, live: Application) -> Reached:
    plan = Planned(
        name=live.name,
        namespace=live.namespace,
        cluster=live.labels.get(conventions.CLUSTER, ""),
        component=live.labels.get(conventions.COMPONENT, ""),
        path="",
        hold="",
    )
    said = [(Trouble.LEFT_OVER, "in Argo CD, not in the tree")]
    return _reached(environment, plan, live, said, sync=live.sync, health=live.health, message=live.message)


def _of_objects(resources: Iterable[Resource], wanted: Collection[ObjectKey]) -> tuple[str, str, str]:
    """Sync, health and message of some of the objects that an Application brings: the worst of each."""
    known = {resource.key: resource for resource in resources}
    ours = [known.get(key) for key in sorted(wanted)]
    if None in ours:
        absent = next(key for key in sorted(wanted) if key not in known)
        return "OutOfSync", "", f"{absent[1]} {absent[3]} is not known to Argo CD"
    there = [resource for resource in ours if resource is not None]
    wrong = next((resource for resource in there if resource.sync != "Synced"), None)
    worst = min(there, key=lambda resource: _rank(resource.health))
    reason = worst.message or (f"{worst.kind} {worst.name}" if _rank(worst.health) < _rank("Progressing") else "")
    if wrong is not None:
        reason = f"{wrong.kind} {wrong.name}"
    return wrong.sync if wrong else "Synced", worst.health, reason


def _rank(health: str) -> int:
    return _BY_HEALTH.index(health) if health in _BY_HEALTH else _BY_HEALTH.index("Unknown")
