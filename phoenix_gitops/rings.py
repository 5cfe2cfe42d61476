"""Rings: a version reaches one after the other, and a later one never runs what no earlier one has run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.document import Path
from phoenix_gitops.model.platform import Image, Platform
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.suggest import closest
from phoenix_gitops.world import World

BY_RING: Path = ("spec", "catalog", "byRing")
COLLECTOR: Path = ("spec", "catalog", "collector")

_VERSION = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)")


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring that has environments; the last may be the one without a name, of environments in no ring."""

    name: str
    environments: tuple[str, ...]
    collector: Image

    def __str__(self) -> str:
        """The ring in a sentence."""
        return f"ring `{self.name}`" if self.name else "what is in no ring"


def rings(world: World) -> tuple[Ring, ...]:
    """The rings that have environments, in the order in which a change reaches them."""
    platform = world.platform.spec
    members: dict[str, list[str]] = {}
    for name, environment in sorted(world.environments.items()):
        members.setdefault(environment.spec.ring, []).append(name)
    return tuple(
        Ring(name, tuple(members[name]), platform.catalog.in_ring(name).collector)
        for name in (*platform.rings, "")
        if name in members
    )


def version(tag: str) -> tuple[int, ...] | None:
    """The version that a tag names, or None where it names none, so that nothing can be newer."""
    found = _VERSION.search(tag)
    return tuple(int(part) for part in found.groups()) if found else None


def collector_place(platform: Platform, ring: str) -> Path:
    """Where the collector of a ring's environments is written in the Platform."""
    own = platform.spec.catalog.by_ring.get(ring)
    return (*BY_RING, ring, "collector") if own and own.collector else COLLECTOR


def check_rings(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """PHX525 to PHX527: versions of rings that there are not, of rings of nobody, and of rings out of order."""
    platform = policies["Platform", world.platform.metadata.name]
    yield from _known(platform, world)
    yield from _in_order(platform, world)


def _known(platform: Resolved, world: World) -> Iterator[Diagnostic]:
    spec = world.platform.spec
    inhabited = {environment.spec.ring for environment in world.environments.values()}
    for ring in sorted(spec.catalog.by_ring):
        at = platform.origin((*BY_RING, ring)).key
        if ring not in spec.rings:
            near = closest(ring, spec.rings)
            known = ", ".join(f"`{name}`" for name in spec.rings) or "none"
            yield Diagnostic(
                code="PHX525",
                message=f"the catalog has versions of ring `{ring}`, and there is none of that name",
                primary=at,
                help=f"did you mean `{near}`?" if near else f"the rings of the Platform are: {known}",
            )
        elif ring not in inhabited:
            yield Diagnostic(
                code="PHX527",
                message=f"no environment is in ring `{ring}`, so its versions run nowhere",
                severity=Severity.WARNING,
                primary=at,
                help=f"put an environment into it (`ring: {ring}`), or remove the entry",
            )


def _in_order(platform: Resolved, world: World) -> Iterator[Diagnostic]:
    """Each ring against the oldest version before it; told once, at the first ring that is ahead."""
    oldest: tuple[tuple[int, ...], Ring] | None = None
    for ring in rings(world):
        at = version(ring.collector.tag)
        if at is None:
            continue
        if oldest is not None and at > oldest[0]:
            before = oldest[1]
            yield Diagnostic(
                code="PHX526",
                message=f"{ring} runs collector `{ring.collector.tag}` before {before}, which comes first and runs "
                f"`{before.collector.tag}`",
                primary=_tag(platform, world, ring, "newer, and later"),
                secondary=(_tag(platform, world, before, "older, and earlier"),),
                help=f"move {before} first: `phoenix upgrade collector --to {ring.collector.tag}`",
            )
            return
        oldest = min(oldest or (at, ring), (at, ring), key=lambda pair: pair[0])


def _tag(platform: Resolved, world: World, ring: Ring, text: str) -> Label:
    path = (*collector_place(world.platform, ring.name), "tag")
    # A default stands nowhere: the platform's name does instead.
    place = platform.origin(path).value if platform.sets(path) else platform.origin(("metadata", "name")).value
    return Label(place.span, text)


@dataclass(frozen=True, slots=True)
class Move:
    """One step of an upgrade: whom it moves, from which image, and what is set in the Platform for it."""

    ring: Ring
    """The ring as it was."""
    image: Image
    """What it runs afterwards."""
    changes: tuple[tuple[Path, object], ...]
    """Values by path, to be set in this order; None removes what is there."""
    last: bool
    """Whether all rings then run this version."""


def next_move(world: World, tag: str, digest: str | None = None, only: str = "") -> Move | None:
    """The next ring that a version goes to, or None where it has arrived everywhere.

    Upwards the first ring that is behind; downwards the last one, so that no later ring is ever ahead. When the last
    ring moves, the platform's own version does, and the entries of rings go.

    Args:
        world: what runs now.
        tag: the version.
        digest: its image's; without one that of a ring which runs the version already, if any.
        only: the ring to move instead, which must not run the version yet.

    """
    there = rings(world)
    left = [ring for ring in there if ring.collector.tag != tag and only in ("", ring.name)]
    if not left:
        return None
    to = version(tag) or ()
    down = all((version(ring.collector.tag) or ()) > to for ring in left)
    ring = left[-1 if down else 0]
    known = [one.collector.digest for one in there if one.collector.tag == tag]
    image = Image(
        repository=world.platform.spec.catalog.collector.repository,
        tag=tag,
        digest=digest or next(filter(None, known), None),
    )
    last = all(one.collector.tag == tag for one in there if one is not ring)
    changes = _everywhere(world, image) if last else _in_one(world, ring, image, there)
    return Move(ring, image, tuple(changes), last)


def _everywhere(world: World, image: Image) -> Iterator[tuple[Path, object]]:
    """The platform's version, and no entry of a ring any more."""
    yield from _image(COLLECTOR, image, whole=True)
    by_ring = world.platform.spec.catalog.by_ring
    if by_ring:
        yield BY_RING, None


def _in_one(world: World, ring: Ring, image: Image, there: tuple[Ring, ...]) -> Iterator[tuple[Path, object]]:
    """A ring's own entry. What is in no ring has none: the others keep theirs, and the platform's version moves."""
    if ring.name:
        yield from _image((*BY_RING, ring.name, "collector"), image)
        return
    for other in there:
        if other.name and collector_place(world.platform, other.name) == COLLECTOR:
            yield from _image((*BY_RING, other.name, "collector"), other.collector)
    yield from _image(COLLECTOR, image, whole=True)


def _image(path: Path, image: Image, *, whole: bool = False) -> Iterator[tuple[Path, object]]:
    if whole:
        # A Platform that names no collector gets the one of the model's default, in full.
        yield (*path, "repository"), image.repository
    yield (*path, "tag"), image.tag
    yield (*path, "digest"), image.digest
