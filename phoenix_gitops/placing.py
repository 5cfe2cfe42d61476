"""Where in an override or a template the cause of a generated value stands: pure functions on their data and text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from phoenix_gitops.document import Path

_ENTRY = re.compile(r"(?P<margin> *)(?P<dashes>(?:- +)*)(?P<text>.*)")
_NO_CONTENT = ("", "#", "{%", "{#", "---")


def patch_path(patch: Mapping[str, Any], body: Mapping[str, Any], at: Path) -> Path:
    """The deepest part of `patch` that stands for the path `at` of the object `body` that it was merged into.

    Items of lists are told apart by `name`, as in the merge. Where only one thing is patched, it is that.
    """
    path: Path = ()
    part: Any = patch
    there: Any = body
    for step in at:
        if isinstance(part, Mapping) and step in part:
            inner: str | int | None = step
        elif isinstance(part, list) and isinstance(step, int):
            inner = _item(part, _child(there, step), step)
        else:
            inner = None
        if inner is None:
            break
        path, part, there = (*path, inner), part[inner], _child(there, step)
    while isinstance(part, Mapping) and len(part) == 1:
        ((name, part),) = part.items()
        path = (*path, name)
    return path


def _item(items: list[Any], wanted: Any, index: int) -> int | None:  # noqa: ANN401 -- plain data of any shape
    name = wanted.get("name") if isinstance(wanted, Mapping) else None
    for i, item in enumerate(items):
        if item == wanted or (name is not None and isinstance(item, Mapping) and item.get("name") == name):
            return i
    return index if index < len(items) and name is None else None


def _child(data: Any, step: str | int) -> Any:  # noqa: ANN401 -- plain data of any shape
    if isinstance(data, Mapping):
        return data.get(str(step))
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def template_line(text: str, at: Path) -> int:
    """The line (from 1) of a template's text that writes the path `at`, or its nearest part that has a line."""
    entries = list(_entries(text))
    place, line = -1, 1
    for step in at:
        found = _descend(entries, place, step)
        if found is None:
            break
        place, line = found, entries[found][0]
    return line


_Entry = tuple[int, int, str]
"""Line from 1, column from 0, and `-` for the start of a list item or the text of a key and its value."""


def _entries(text: str) -> list[_Entry]:
    found: list[_Entry] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _ENTRY.fullmatch(line)
        if match is None or not match["text"] or match["text"].startswith(_NO_CONTENT[1:]):
            continue
        column = len(match["margin"])
        for dash in re.finditer(r"- +", match["dashes"]):
            found.append((number, column + dash.start(), "-"))
        found.append((number, column + len(match["dashes"]), match["text"]))
    return found


def _descend(entries: list[_Entry], place: int, step: str | int) -> int | None:
    """The child `step` of the entry at `place` (-1 for the top), or None if it has no entry of its own."""
    _, column, parent = entries[place] if place >= 0 else (0, -1, "")
    indent, number = None, -1
    for i in range(place + 1, len(entries)):
        _, here, text = entries[i]
        if here < column or (here == column and (text != "-" or parent == "-")):
            return None
        indent = here if indent is None else indent
        if here != indent:
            continue
        if isinstance(step, int):
            number += text == "-"
            if number == step:
                return i
        elif re.match(rf"""["']?{re.escape(step)}["']?:""", text):
            return i
    return None
