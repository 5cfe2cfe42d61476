"""Edits of policies that people wrote: values set and removed, and all else stays as its author left it.

Comments, quotes, brackets, the order of keys and empty lines stay byte for byte where nothing is edited. A writer of
YAML cannot promise that: ruamel's round trip joins brackets that were broken into lines, and takes the comment above
the next key away with an entry. So an edit is a splice at the places that our parser gives; ruamel writes what is new.

A comment goes with the value in which it stands, and with a removed entry if it stands behind it, or below and deeper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.document import Path
from phoenix_gitops.formatting import normal_form
from phoenix_gitops.pages import Page
from phoenix_gitops.splices import inserted, removed, replaced


@dataclass(frozen=True, slots=True)
class Set:
    """A value is put at a path; what is missing above it is made, and one behind the last item of a list is added."""

    path: Path
    value: Any
    """Plain data, as `yamlout.dump` takes them."""


@dataclass(frozen=True, slots=True)
class Remove:
    """An entry of a mapping or an item of a list goes; there may be none."""

    path: Path


Edit = Set | Remove


class EditFailedError(Exception):
    """An edit would say something else than it should: a bug of ours, so nothing may be written."""


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made, one after the other: each path holds for what the former edits left.

    A text in the normal form of `phoenix fmt` stays in it. Raises ValueError for a text that is no policy, or a path
    that leads through a value that is no collection, beyond the end of a list or nowhere.
    """
    page = Page(text)
    wanted = page.data
    for edit in edits:
        wanted = with_edit(wanted, edit)
        page = Page(_edited(_closed(page), edit))
        if not _same(page.data, wanted):
            raise EditFailedError(f"{edit} made something else of the text")
    if _same(wanted, Page(text).data):
        return text
    formed = _formed(page.text) if _formed(text) == text else None
    return page.text if formed is None else formed


def with_edit(data: Any, edit: Edit) -> Any:  # noqa: ANN401 (plain data)
    """The data with the edit made, which are not changed themselves. Raises ValueError as `edited` does."""
    return _with(data, edit.path, edit)


def _with(data: Any, path: Path, edit: Edit) -> Any:  # noqa: ANN401
    if not path:
        return _checked_value(edit)
    step, rest = path[0], path[1:]
    if data is None:
        if isinstance(edit, Remove):
            return None
        data = {} if isinstance(step, str) else []
    items = _checked_items(data, step, edit)
    missing = step not in items
    if isinstance(edit, Remove) and (missing or not rest):
        items.pop(step, None)
    else:
        items[step] = _with(items.get(step), rest, edit)
    return items if isinstance(step, str) else list(items.values())


def _checked_value(edit: Edit) -> Any:  # noqa: ANN401
    if isinstance(edit, Remove) or not edit.path:
        raise ValueError("a policy as a whole is neither set nor removed")
    return edit.value


def _checked_items(data: Any, step: str | int, edit: Edit) -> dict[str | int, Any]:  # noqa: ANN401
    """A collection's entries, by key or index, of which `step` may be one."""
    if isinstance(data, dict) and isinstance(step, str):
        return dict(data)
    if isinstance(data, list) and isinstance(step, int) and 0 <= step <= len(data):
        return dict(enumerate(data))
    raise ValueError(f"there is no way to {'.'.join(map(str, edit.path))}")


def _same(one: object, other: object) -> bool:
    """Whether data are equal, 1, 1.0 and true told apart, whatever the order of keys."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _formed(text: str) -> str | None:
    return normal_form("text", text.encode()).value


def _closed(page: Page) -> Page:
    """The text with a line break at its end, which may not become a part of a text that stands there."""
    if page.text.endswith("\n"):
        return page
    closed = Page(page.text + page.newline)
    if _same(closed.data, page.data):
        return closed
    sign = page.value(page.last(()))[0] + 1
    return Page(page.text[:sign] + "-" + page.text[sign:].removeprefix("+") + page.newline)


def _edited(page: Page, edit: Edit) -> str:
    if isinstance(edit, Remove):
        return removed(page, edit.path) if edit.path in page else page.text
    base = edit.path
    while base not in page:
        base = base[:-1]
    value = edit.value
    for step in reversed(edit.path[len(base) + 1 :]):
        value = {step: value} if isinstance(step, str) else [value]
    if base == edit.path:
        return page.text if _same(page.get(base), value) else replaced(page, base, value)
    step = edit.path[len(base)]
    if not page.get(base):
        return replaced(page, base, {step: value} if isinstance(step, str) else [value])
    return inserted(page, base, step, value)


def toward(whole: Any, wanted: Any, written: Any, path: Path = ()) -> Iterator[Edit]:  # noqa: ANN401 (plain data)
    """The edits by which a policy comes to say what is wanted below a path, and besides all that it says already.

    `whole` is what it says there with all that it inherits, `written` what its document says. A list that is inherited
    is written as a whole; the items of one that is written are edited, and say no more than is wanted.
    """
    return _toward(whole, wanted, path, written)


def _toward(old: Any, new: Any, path: Path, written: Any) -> Iterator[Edit]:  # noqa: ANN401 (plain data)
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            if key in old:
                yield from _toward(old[key], value, (*path, key), written)
            else:
                yield Set((*path, key), value)
    elif isinstance(old, list) and isinstance(new, list) and _same(_at(written, path), old):
        for index in range(min(len(old), len(new))):
            yield from _items(old[index], new[index], (*path, index), written)
        yield from (Set((*path, index), new[index]) for index in range(len(old), len(new)))
        yield from (Remove((*path, index)) for index in reversed(range(len(new), len(old))))
    else:
        yield Set(path, new)


def _items(old: Any, new: Any, path: Path, written: Any) -> Iterator[Edit]:  # noqa: ANN401
    """An item says no more than it is told to: what it has besides goes."""
    yield from _toward(old, new, path, written)
    if isinstance(old, dict) and isinstance(new, dict):
        yield from (Remove((*path, key)) for key in old if key not in new)


def _at(data: Any, path: Path) -> Any:  # noqa: ANN401
    """What a document says at a path; None where it says nothing."""
    for step in path:
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data
