"""Schedules of CronJobs: five fields of cron, as their controller reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.quantities import is_go_duration

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMED = frozenset(f"@{name}" for name in ("yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"))
_EVERY = "@every "
_ITEM = re.compile(r"(?P<from>\*|\?|[0-9]+|[a-z]{3})(?:-(?P<to>[0-9]+|[a-z]{3}))?(?:/(?P<step>[0-9]+))?", re.ASCII)
_HELP = "minute, hour, day of month, month and day of week, as `0 3 * * *`"


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five, with the names that stand for its numbers."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def fault(self, text: str) -> str:
        """Why `text` is none; empty if it is one."""
        for item in text.lower().split(","):
            match = _ITEM.fullmatch(item)
            if match is None or (match["from"] in {"*", "?"} and match["to"] is not None):
                return f"has no {self.name} `{text}`"
            ends = [end for end in (match["from"], match["to"]) if end is not None and end not in {"*", "?"}]
            numbers = [self._number(end) for end in ends]
            if any(number is None or not self.least <= number <= self.most for number in numbers):
                return f"has no {self.name} `{text}` ({self.least} to {self.most})"
            if len(numbers) > 1 and (numbers[0] or 0) > (numbers[1] or 0):
                return f"has a {self.name} that ends before it begins: `{text}`"
            if match["step"] is not None and int(match["step"]) == 0:
                return f"has a {self.name} of no step: `{text}`"
        return ""

    def _number(self, text: str) -> int | None:
        if text.isdecimal():
            return int(text)
        return self.names.index(text) + self.least if text in self.names else None


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


def check_schedule(schedule: object, at: ObjectPath) -> Iterator[Fault]:
    """A CronJob's `schedule`; other types are the schema's business."""
    if isinstance(schedule, str) and (fault := _fault(schedule)):
        yield Fault(at=at, code="PHX706", message=f"schedule `{schedule}` {fault}", help=_HELP)


def _fault(schedule: str) -> str:
    if schedule in _NAMED or (schedule.startswith(_EVERY) and is_go_duration(schedule[len(_EVERY) :])):
        return ""
    given = schedule.split()
    if len(given) != len(_FIELDS):
        return f"has {len(given)} fields, not 5"
    return next((fault for field, text in zip(_FIELDS, given, strict=True) if (fault := field.fault(text))), "")
