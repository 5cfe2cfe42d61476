"""Statements of transforms as what a Pipeline says of attributes, classes and the roll-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from phoenix_gitops.collector.ottl import EXECUTABLE, PRIORITY
from phoenix_gitops.importing.collectors.conditions import (
    ALWAYS_KEPT,
    ROLLED,
    Predicate,
    anchored,
    ands,
    excepted,
    is_process,
    is_unrolled,
    predicate,
    predicates,
)
from phoenix_gitops.importing.collectors.ledger import Ledger
from phoenix_gitops.importing.collectors.ottl import (
    ALWAYS,
    Both,
    Call,
    Compare,
    Constant,
    Many,
    Not,
    Place,
    Statement,
    Term,
    statement,
)
from phoenix_gitops.importing.reading import Node

_RESOURCE: Final = Place("resource.attributes")
_MARKED: Final = Compare("!=", ROLLED, Constant(None))
_OURS: Final = frozenset({"phoenix.rollup", "phoenix.rollup.time", "phoenix.member"})


@dataclass(slots=True)
class Statements:
    """Reads statements one after the other."""

    ledger: Ledger
    redacted: frozenset[str]
    constants: dict[str, str] = field(default_factory=dict)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    grades: dict[str, dict[str, Any]] = field(default_factory=dict)
    rollup: dict[str, Any] = field(default_factory=dict)
    classification: dict[str, Any] | None = None
    _first_wins: bool | None = None

    def read(self, line: Node, context: str) -> None:
        """Reads a statement; enters it where a Pipeline says it, and leaves it alone where not."""
        text = line.value.replace("$$", "$") if isinstance(line.value, str) else ""
        found = statement(text, context)
        if found is not None and self._understood(found, line):
            self.ledger.carry(line)

    def finished(self) -> dict[str, Any]:
        """The parts of a Pipeline's `spec`."""
        attributes: dict[str, Any] = {}
        if self.dropped:
            attributes["drop"] = self.dropped
        if self.kept:
            attributes["keepOnly"] = self.kept
        if self.constants:
            attributes["set"] = dict(sorted(self.constants.items()))
        if self.grades:
            attributes["grade"] = [{"name": name, **graded} for name, graded in self.grades.items()]
        found: dict[str, Any] = {"attributes": attributes} if attributes else {}
        if {"match", "into"} <= self.rollup.keys():
            found["rollup"] = {"by": ["host.name"], **self.rollup}
        return found

    def grouped(self, keys: Sequence[str]) -> bool:
        """Takes what a roll-up is grouped by; False if there is none."""
        if "into" not in self.rollup:
            return False
        self.rollup["by"] = [
            key for key in keys if key not in ALWAYS_KEPT or key in {"host.name", "service.name", PRIORITY}
        ]
        return True

    def drop(self, name: str, unless: list[str]) -> bool:
        """Takes an attribute that goes; False if the platform takes it away by itself."""
        if name in self.redacted or name in _OURS:
            return False
        if name == PRIORITY:
            self.kept = [key for key in self.kept if key != PRIORITY]
            return bool(self.kept)
        self.dropped.append({"name": name, **({"unless": unless} if unless else {})})
        return True

    def _understood(self, found: Statement, line: Node) -> bool:
        call, items = found.call, found.call.items
        if call.name == "copy_metric":
            return self._count(found)
        if len(items) != 2:
            return False
        target, value = items
        if call.name == "delete_key" and target == _RESOURCE and isinstance(value, Constant):
            unless = [] if all(map(is_unrolled, ands(found.where))) else excepted(found.where)
            return unless is not None and self.drop(str(value.value), unless)
        if call.name == "keep_keys" and target == _RESOURCE and isinstance(value, Many):
            return self._keep(value, found.where, line)
        if call.name == "set" and isinstance(target, Place) and target.name == _RESOURCE.name and len(target.keys) == 1:
            return self._set(target.keys[0], value, found.where, line)
        return False

    def _keep(self, value: Many, where: Term, line: Node) -> bool:
        names = [item.value for item in value.items if isinstance(item, Constant) and isinstance(item.value, str)]
        if where == _MARKED and "into" in self.rollup:
            return self.grouped(names)
        if any(not is_process(part) and not is_unrolled(part) for part in ands(where)):
            return False
        hidden = {"phoenix.member", "phoenix.rollup", "tenant.id"}
        self.kept = [name for name in names if name not in hidden]
        if where == ALWAYS:
            self.ledger.change(line, "attributes of what is no process stay, and so do name, tenant and sender")
        return bool(self.kept)

    def _set(self, name: str, value: Term, where: Term, line: Node) -> bool:
        if name == PRIORITY:
            return self._class(value, where, line)
        if name == "phoenix.rollup":
            return self._mark(where)
        if name == EXECUTABLE:
            return self._into(value, where, line)
        if name in _OURS or not isinstance(value, Constant) or not isinstance(value.value, str):
            return False
        if where == ALWAYS:
            self.constants[name] = value.value
            return True
        return self._grade(name, value.value, where)

    def _grade(self, name: str, value: str, where: Term) -> bool:
        if all(map(is_process, ands(where))):
            graded = self.grades.setdefault(name, {"grades": []})
            graded["default"] = value
        else:
            match = _process(where)
            if match is None:
                return False
            graded = self.grades.setdefault(name, {"grades": []})
            # Later statements overwrite; of grades the first that matches wins.
            graded["grades"].insert(0, {"match": match, "value": value})
        if name in self.constants:
            graded.setdefault("default", self.constants.pop(name))
        self.dropped = [drop for drop in self.dropped if drop != {"name": name}]
        return True

    def _class(self, value: Term, where: Term, line: Node) -> bool:
        if not isinstance(value, Constant) or not isinstance(value.value, str):
            return False
        parts = list(ands(where))
        undecided = Compare("==", Place("resource.attributes", (PRIORITY,)), Constant(None))
        first = undecided in parts
        parts = [part for part in parts if part != undecided]
        attribute, match = _deciding(parts)
        held = self.classification or {"attribute": attribute or EXECUTABLE, "classes": [], "default": value.value}
        if match is None:
            # Set last and on all, it would be the only class that there is.
            if attribute not in {None, held["attribute"]} or (held["classes"] and not first):
                return False
            if attribute is None:
                self.ledger.change(line, f"what has no `{held['attribute']}` gets no class")
            self.classification = {**held, "default": value.value}
            return True
        if attribute != held["attribute"] or self._first_wins not in {None, first}:
            return False
        rule = {"name": value.value, "match": match}
        self._first_wins = first
        rules = [*held["classes"], rule] if first else [rule, *held["classes"]]
        self.classification = {**held, "classes": rules}
        return True

    def _mark(self, where: Term) -> bool:
        match, unless = _spared(where)
        if match is None:
            return False
        self.rollup["match"] = match
        if unless:
            self.rollup["unless"] = unless
        return True

    def _into(self, value: Term, where: Term, line: Node) -> bool:
        into = _name(value)
        if into is None or where == ALWAYS:
            return False
        if where != _MARKED:
            if not self._mark(where):
                return False
            self.ledger.change(line, "processes that get one name are added up, each host's for itself")
        self.rollup["into"] = into
        return True

    def _count(self, found: Statement) -> bool:
        name, parts = found.call.named.get("name"), ands(found.where)
        source = [part.other for part in parts if isinstance(part, Compare) and part.one == Place("metric.name")]
        if "match" not in self.rollup or not isinstance(name, Constant) or len(source) != 1 or len(parts) != 2:
            return False
        if not isinstance(source[0], Constant) or _MARKED not in parts:
            return False
        self.rollup["countMetric"] = str(name.value)
        if source[0].value != "process.memory.usage":
            self.rollup["countFrom"] = str(source[0].value)
        return True


def _process(where: Term) -> Predicate | None:
    found = predicate(where)
    return None if found is None or "metrics" in found else found


def _spared(where: Term) -> tuple[Predicate | None, list[Predicate]]:
    """What matches, and what is spared though it does."""
    parts = ands(where)
    matching = tuple(part for part in parts if not isinstance(part, Not))
    spared: list[Predicate] = []
    for part in parts:
        if isinstance(part, Not):
            found = predicates(part.term)
            if found is None or any("metrics" in one for one in found):
                return None, []
            spared += found
    if not matching:
        return None, []
    return _process(matching[0] if len(matching) == 1 else Both("and", matching)), spared


def _name(value: Term) -> str | None:
    """The name of a sum, with `{class}` for the class."""
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    if not (isinstance(value, Call) and value.name == "Concat" and len(value.items) == 2):
        return None
    parts, between = value.items
    if not isinstance(parts, Many) or not isinstance(between, Constant):
        return None
    words = []
    for part in parts.items:
        if part == Place("resource.attributes", (PRIORITY,)):
            words.append("{class}")
        elif isinstance(part, Constant) and isinstance(part.value, str):
            words.append(part.value)
        else:
            return None
    return str(between.value).join(words)


def _deciding(parts: Sequence[Term]) -> tuple[str | None, str | None]:
    """The attribute that a class depends on, and its pattern; None for what a condition does not say."""
    attribute: str | None = None
    pattern: str | None = None
    for part in parts:
        path = (
            part.items[0] if isinstance(part, Call) and part.items else part.one if isinstance(part, Compare) else None
        )
        if not isinstance(path, Place) or path.name != _RESOURCE.name or len(path.keys) != 1:
            return "", None
        if attribute not in {None, path.keys[0]}:
            return "", None
        attribute = path.keys[0]
        if isinstance(part, Call) and part.name == "IsMatch" and len(part.items) == 2 and pattern is None:
            value = part.items[1]
            pattern = anchored(str(value.value)) if isinstance(value, Constant) else None
        elif not (isinstance(part, Compare) and part.sign == "!=" and part.other == Constant(None)):
            return "", None
    return attribute, pattern
