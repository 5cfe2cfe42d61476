"""Manners: how the reconciler is to treat an object, said once and written as Argo CD or Flux reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from phoenix_gitops import conventions
from phoenix_gitops.model.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an object is treated; without any it comes with all others, and goes when Git no longer has it."""

    wave: int = 0
    """Its wave among the objects of its folder, where the reconciler has waves."""
    prune: Literal["freely", "last", "asked", "never"] = "freely"
    """Whether it is deleted when it left Git: after all else is healthy, when a person said so, or not at all."""
    delete: Literal["freely", "asked", "never"] = "freely"
    """The same, for when all that its folder brought goes."""
    foreign: bool = False
    """Whether others own it as well: what they wrote into it stays."""
    extra: bool = False
    """Whether one that left Git and is still in the cluster is no cause for concern."""


NAMESPACE: Final = Manner(wave=-10, prune="asked", delete="asked")
"""Deleting a namespace deletes what runs and is stored there."""
FOREIGN_NAMESPACE: Final = Manner(wave=-10, prune="never", delete="never", foreign=True, extra=True)
"""It was there before us: who takes the tenant away takes no workloads away."""
WALL: Final = Manner(wave=-5)
"""Walls and rights stand before anything that a later wave puts between them."""
PLATFORM_NAMESPACE: Final = Manner(prune="asked", delete="asked")
"""A namespace of the platform's collectors."""
WORKLOAD: Final = Manner(prune="asked")
"""What everything flows through."""
FORMER_CONFIG: Final = Manner(prune="last", extra=True)
"""Pods of a former config need it until the last of them is gone."""


def staying(manner: Manner) -> Manner:
    """The same for an object that is handed over: it stays as it is when it is no longer ours."""
    return replace(manner, prune="never", delete="never", extra=True)


def written(platform: Platform, manner: Manner) -> dict[str, str]:
    """The annotations that say so to the platform's reconciler."""
    return _flux(manner) if platform.spec.reconciler == "flux" else _argocd(manner)


def _argocd(manner: Manner) -> dict[str, str]:
    words = {"freely": "", "asked": "confirm", "never": "false"}
    options = [
        f"{what}={words[how]}"
        for what, how in (("Prune", manner.prune), ("Delete", manner.delete))
        if how not in ("freely", "last")
    ]
    if manner.prune == "last":
        options.append("PruneLast=true")
    said = {
        conventions.SYNC_OPTIONS: ",".join(options),
        conventions.SYNC_WAVE: str(manner.wave) if manner.wave else "",
        conventions.COMPARE_OPTIONS: "IgnoreExtraneous" if manner.extra else "",
    }
    return {key: value for key, value in said.items() if value}


def _flux(manner: Manner) -> dict[str, str]:
    """Flux asks nobody, so what it would have to ask about stays. It prunes before it looks whether the new pods are
    healthy, so what is to go last stays, too. It has an order of its own: namespaces and rights come first.
    """
    said = {}
    if (manner.prune, manner.delete) != ("freely", "freely"):
        said[conventions.FLUX_PRUNE] = "disabled"
    if manner.foreign:
        # By default Flux takes away what somebody put there with kubectl.
        said[conventions.FLUX_SSA] = "Merge"
    return said
