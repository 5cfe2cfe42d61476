"""A plan as values: ordered steps, each a change of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Changes = Mapping[str, str | None]
"""Policy files that a step changes: by path the new text, or None for one that goes."""


class NoPlanError(Exception):
    """What was asked for is no plan; the message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of its own, which compiles; it holds for what the steps before it leave."""

    number: int
    slug: str
    """For a branch: `read-only`."""
    title: str
    does: str
    """What becomes of the tenant, in words; what the change means in the clusters is found by compiling it."""
    back: str
    """How it is undone, or what makes that impossible."""
    changes: Changes = field(default_factory=dict)
    after: str = ""
    """What must be so before it may be merged, where no day says it."""
    not_before: str = ""
    """The first day on which it may be merged, as YYYY-MM-DD; empty where no day is known or needed."""
    done: bool = False
    needs_day: bool = False
    """Whether it writes today's date, which `--now` must give."""

    @property
    def name(self) -> str:
        """The last part of its branch: `1-read-only`."""
        return f"{self.number}-{self.slug}"

    def waits(self, today: str) -> bool:
        """Whether its day has not come, or nobody said which day it is."""
        return bool(self.not_before) and today < self.not_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in the order in which they are merged."""

    verb: str
    """The command: `retire`."""
    tenant: str
    command: str
    """As it was typed, without options that only say what is done with the plan: `phoenix move a --class shared`."""
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    """What nobody but a person can do or look at."""

    @property
    def next(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in self.steps if not step.done), None)

    def step(self, number: int) -> Step:
        """The step of that number; NoPlanError if there is none."""
        found = next((step for step in self.steps if step.number == number), None)
        if found is None:
            raise NoPlanError(f"there is no step {number}: the last one is {self.steps[-1].number}")
        return found
