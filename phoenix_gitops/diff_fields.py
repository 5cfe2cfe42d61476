"""Compare two values field by field: maps by key, lists of objects by name, YAML inside strings by meaning."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Value = object
"""Plain data of a parsed document."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""Stands for a field that is not there."""

_NAMES = (("name",), ("alert", "record"), ("mountPath",), ("containerPort",), ("port",), ("key",))
"""What tells the objects of a list apart, in the order of trial; the second is a rule's name."""
_DEPTH = 200
_SUSPECT = re.compile(rb"(?:^|[\s:,\[{-])\*\S|(?:[-?] ){200}|[ ]{400}")
"""An alias perhaps, or nesting by indicators or indentation."""
_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs; `old` or `new` is ABSENT where it was added or removed."""

    path: str
    old: Value
    new: Value

    @property
    def is_text(self) -> bool:
        """Whether one string replaces another."""
        return isinstance(self.old, str) and isinstance(self.new, str)

    @property
    def text(self) -> str:
        """A full, stable spelling."""
        return f"{self.path}\0{shown(self.old)}\0{shown(self.new)}"


def shown(value: Value) -> str:
    """A value on one line, control characters escaped; empty for ABSENT."""
    if value is ABSENT:
        return ""
    if isinstance(value, str) and _PLAIN.match(value):
        return value
    # PyYAML reads timestamps and sets too; they show as text.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def compare_values(old: Value, new: Value, path: str = "") -> Iterator[FieldChange]:
    """Each field that differs, in the order of the paths' keys."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_maps(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(old, new, path)
    elif isinstance(old, str) and isinstance(new, str):
        yield from _compare_texts(old, new, path)
    elif type(old) is not type(new) or old != new:
        yield FieldChange(path, old, new)


def _compare_maps(old: dict[object, Value], new: dict[object, Value], path: str) -> Iterator[FieldChange]:
    for key in sorted(old.keys() | new.keys(), key=str):
        yield from compare_values(old.get(key, ABSENT), new.get(key, ABSENT), _below(path, str(key)))


def _compare_lists(old: list[Value], new: list[Value], path: str) -> Iterator[FieldChange]:
    for names in _NAMES:
        before, after = _by_name(old, names), _by_name(new, names)
        if before is not None and after is not None:
            for name in [*before, *(n for n in after if n not in before)]:
                item = f"{path}[{names[0] if len(names) == 1 else 'rule'}={name}]"
                yield from compare_values(before.get(name, ABSENT), after.get(name, ABSENT), item)
            yield from _compare_order(list(before), list(after), path)
            return
    nested = any(isinstance(item, (dict, list)) for item in (*old, *new))
    if not nested or (len(old) != len(new) and all(isinstance(item, dict) for item in (*old, *new))):
        yield from _compare_items(old, new, path)
    elif len(old) == len(new):
        for index, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from compare_values(first, second, f"{path}[{index}]")
    else:
        yield FieldChange(path, old, new)


def _by_name(items: list[Value], names: tuple[str, ...]) -> dict[str, Value] | None:
    """The objects of a list by what names them; None if something does not or two share a name."""
    found: dict[str, Value] = {}
    for item in items:
        name = next((item[n] for n in names if n in item), None) if isinstance(item, dict) else None
        if not isinstance(name, (str, int)) or str(name) in found:
            return None
        found[str(name)] = item
    return found


def _compare_items(old: list[Value], new: list[Value], path: str) -> Iterator[FieldChange]:
    before, after = [shown(item) for item in old], [shown(item) for item in new]
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    for name, item in zip(before, old, strict=True):
        if gone[name]:
            gone[name] -= 1
            yield FieldChange(f"{path}[]", item, ABSENT)
    for name, item in zip(after, new, strict=True):
        if come[name]:
            come[name] -= 1
            yield FieldChange(f"{path}[]", ABSENT, item)
    yield from _compare_order(before, after, path)


def _compare_order(old: list[str], new: list[str], path: str) -> Iterator[FieldChange]:
    """Whether what stays changed its order, which matters in rules, pipelines and arguments."""
    stay = Counter(old) & Counter(new)
    before = [name for name in old if stay[name]]
    after = [name for name in new if stay[name]]
    if before != after and Counter(before) == Counter(after):
        yield FieldChange(f"{path} (order)", before, after)


def _compare_texts(old: str, new: str, path: str) -> Iterator[FieldChange]:
    if old == new:
        return
    if "\n" in old and "\n" in new:
        before, after = read_yaml(old), read_yaml(new)
        if isinstance(before, (dict, list)) and isinstance(after, (dict, list)):
            inside = list(compare_values(before, after, f"{path}:"))
            if inside:
                yield from inside
                return
    yield FieldChange(path, old, new)


def read_yaml(text: str | bytes) -> Value:
    """The plain data of a YAML text; None if it is none, or one that we would never write.

    A pull request may carry a tree of its own: aliases multiply, and deep nesting ends the C parser's process.
    """
    import yaml

    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    try:
        if _SUSPECT.search(raw) or raw.count(b"[") + raw.count(b"{") > _DEPTH:
            depth = 0
            for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > _DEPTH or isinstance(event, yaml.AliasEvent):
                    return None
        return yaml.load(raw, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, TypeError):
        return None


def _below(path: str, key: str) -> str:
    name = key if _PLAIN.match(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
    glue = "" if not path or path.endswith(":") or name.startswith("[") else "."
    return f"{path}{glue}{name}"
