"""Whose approval a change of policies needs: owners of what changed, and the platform's rules by field and amount.

Whoever changes the rules is asked by the rules as they were: a pull request cannot approve itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from phoenix_gitops.document import Document
from phoenix_gitops.model.platform import Approval, Review
from phoenix_gitops.model.units import amount, milliseconds

_Leaves = dict[str, object]
_DURATION = re.compile(r"([0-9]+(ms|s|m|h|d|w|y))+")
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Approver:
    """An owner who is asked, and why: one reason a line."""

    owner: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Edit:
    """A policy that differs: its fields as they were and as they are."""

    key: tuple[str, str]
    old: Document | None
    new: Document | None

    @property
    def called(self) -> str:
        return f"{self.key[0]} `{self.key[1]}`"

    @property
    def fate(self) -> str:
        return "added" if self.old is None else "removed" if self.new is None else "changed"

    def owners(self) -> Iterator[str]:
        """Who owned it and who owns it: handing a policy over takes both."""
        for document in (self.old, self.new):
            metadata = document.data.get("metadata") if document else None
            owner = metadata.get("owner") if isinstance(metadata, dict) else None
            if isinstance(owner, str):
                yield owner

    def fields(self) -> Iterator[tuple[str, object, object]]:
        """Each field that differs, with both values; `_ABSENT` where there is none."""
        old, new = (_leaves(document.data) if document else {} for document in (self.old, self.new))
        for path in sorted(old.keys() | new.keys()):
            was, now = old.get(path, _ABSENT), new.get(path, _ABSENT)
            if was != now:
                yield path, was, now


def approvers(
    before: Iterable[Document], after: Iterable[Document], files: Iterable[str], rules: Review
) -> tuple[Approver, ...]:
    """Who is asked, by name.

    Args:
        before: the policies as they were.
        after: as they are.
        files: every input file that differs, by path.
        rules: the platform's, as they were.

    """
    reasons: dict[str, set[str]] = defaultdict(set)
    edits = list(_edits(before, after))
    for edit in edits:
        for owner in edit.owners():
            reasons[owner].add(f"owns {edit.called}, which is {edit.fate}")
    paths = sorted(files)
    for rule in rules.approvals:
        for reason in _needed(rule, edits, paths):
            for owner in rule.owners:
                reasons[owner].add(reason)
    return tuple(Approver(owner, tuple(sorted(reasons[owner]))) for owner in sorted(reasons))


def _edits(before: Iterable[Document], after: Iterable[Document]) -> Iterator[_Edit]:
    olds, news = ({(one.kind, one.name): one for one in side} for side in (before, after))
    for key in sorted(olds.keys() | news.keys()):
        old, new = olds.get(key), news.get(key)
        if old is None or new is None or old.data != new.data:
            yield _Edit(key, old, new)


def _needed(rule: Approval, edits: Iterable[_Edit], files: Iterable[str]) -> Iterator[str]:
    if rule.paths:
        yield from (f"`{file}` differs" for file in files if any(is_path(glob, file) for glob in rule.paths))
        return
    for edit in edits:
        if rule.kinds and edit.key[0] not in rule.kinds:
            continue
        for path, was, now in edit.fields():
            if rule.fields and not any(_is_field(glob, path) for glob in rule.fields):
                continue
            if rule.raised_by is None:
                yield f"`{path}` of {edit.called} is {_verb(was, now)}"
            elif edit.new is not None and _raised(was, now, rule.raised_by):
                yield f"`{path}` of {edit.called} is {_rise(was, now)}"


def _verb(was: object, now: object) -> str:
    return "given" if was is _ABSENT else "taken away" if now is _ABSENT else "changed"


def _rise(was: object, now: object) -> str:
    old, new = _figure(was), _figure(now)
    if not old or new is None:
        return _verb(was, now) if _ABSENT in (was, now) else f"raised from {was} to {now}"
    return f"raised from {was} to {now} ({round((new - old) / old * 100):+d} %)"


def _raised(was: object, now: object, share: float) -> bool:
    old, new = _figure(was), _figure(now)
    if old is None or new is None:
        # What is no amount on both sides does not grow; what has no figure has no bound.
        return (old is None) is not (new is None)
    return new > old * (1 + Fraction(str(share)))


def _figure(value: object) -> Fraction | None:
    """A number, quantity or duration as a number; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return amount(str(value))
    except ValueError:
        return Fraction(milliseconds(str(value))) if _DURATION.fullmatch(str(value)) else None


def _leaves(value: object, path: str = "") -> _Leaves:
    """Scalars by path; items of a list go by their name, else by their place; a list of scalars is one."""
    items: Mapping[str, object]
    if isinstance(value, dict) and value:
        items = {str(key): item for key, item in value.items()}
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = {str(_name(item) or index): item for index, item in enumerate(value)}
    else:
        return {path: value}
    below = f"{path}." if path else ""
    return {name: leaf for key, item in items.items() for name, leaf in _leaves(item, f"{below}{key}").items()}


def _name(item: object) -> object:
    return item.get("name") if isinstance(item, dict) else None


def _is_field(glob: str, path: str) -> bool:
    """Whether a field is the one that the pattern names, or below it."""
    return _pattern(glob, "[.]").match(path) is not None


def is_path(glob: str, file: str) -> bool:
    """Whether a file is the one that the pattern names, or in the folder that it names."""
    return _pattern(glob.rstrip("/"), "/").match(file) is not None


@lru_cache(maxsize=256)
def _pattern(glob: str, separator: str) -> re.Pattern[str]:
    one = "[^.]*" if separator == "[.]" else "[^/]*"
    words = {"**": ".*", "*": one}
    parts = "".join(words.get(part) or re.escape(part) for part in re.split(r"([*]{1,2})", glob))
    return re.compile(rf"{parts}(?:{separator}|\Z)", re.DOTALL)
