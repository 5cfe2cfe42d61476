"""Single changes of a policy's text: a value replaced, an entry added or removed, where our parser says it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from phoenix_gitops.document import Path
from phoenix_gitops.fragments import Fragment, flow_text, fragment, key_text, reads_below_dash
from phoenix_gitops.pages import Page

_INDENT: Final = 2


def replaced(page: Page, path: Path, value: Any) -> str:  # noqa: ANN401 (plain data)
    """The text with another value at a path that exists."""
    start, end = page.value(path)
    if path and page.is_flow(path[:-1]):
        words = _quoted_as(page, path, flow_text(value), value)
        return page.spliced((start, end, _spaced(page, path, words)))
    new = _fragment_for(page, path, value)
    if isinstance(page.get(path), (dict, list)) and not page.has_brackets(path):
        return _instead_of_block(page, path, new)
    below = page.next_line(end)
    body = (below, below, _lines(page, new.body, page.column(page.entry(path)) + _INDENT))
    if new.head:
        return page.spliced((start, end, _spaced(page, path, new.head)), body)
    rest = page.text[end : page.line_end(end)].lstrip(" \t")
    kept = page.line_end(end) - len(rest)
    if page.stands_alone(start):
        return page.spliced((start, kept, "") if rest else (page.line(start), below, ""), body)
    if isinstance(path[-1], int) and not rest:
        column = page.column(start) + (start == page.mark(path))
        joined = _lines(page, new.body, column).lstrip(" ")
        return page.spliced((start, below, _spaced(page, path, joined)))
    words = _spaced(page, path, "").rstrip(" ")
    return page.spliced((len(page.text[:start].rstrip(" \t")), kept, f"{words} " if rest else words), body)


def _fragment_for(page: Page, path: Path, value: Any) -> Fragment:  # noqa: ANN401
    """A value in the manner of the one that it replaces."""
    old = page.get(path)
    flow = None
    if isinstance(old, (dict, list)) and old and isinstance(value, (dict, list)):
        flow = None if page.has_brackets(path) else False
    new = fragment(value, flow=flow)
    if new.head and new.body and not _has_room(page, path):
        new = Fragment(flow_text(value))
    return Fragment(_quoted_as(page, path, new.head, value), new.body)


def _quoted_as(page: Page, path: Path, words: str, value: object) -> str:
    """The words of a value, in quotes where those that they replace are quoted."""
    was_quoted = isinstance(page.get(path), str) and page.text[page.value(path)[0]] == '"'
    return f'"{words}"' if was_quoted and words == value and not set(words) & {'"', "\\"} else words


def _has_room(page: Page, path: Path) -> bool:
    """Whether a text of several lines may stand behind a key: no comment is there that would become part of it."""
    gap = page.next_line(page.mark(path)) < page.line(page.value(path)[0])
    return not gap and page.below(path, page.column(page.entry(path))) == page.behind(path)


def _instead_of_block(page: Page, path: Path, new: Fragment) -> str:
    start = page.value(path)[0]
    behind = page.behind(path)
    column = page.column(start)
    if not page.stands_alone(start) or not path:
        lines = (new.head, *new.body) if new.head else new.body
        return page.spliced((start, behind, _lines(page, lines, column).lstrip(" ")))
    if isinstance(path[-1], str):
        entry = page.column(page.entry(path))
        column = max(column, entry if new.body[:1] and new.body[0].startswith("-") else entry + _INDENT)
    old = (page.line(start), behind, _lines(page, new.body, column))
    if not new.head:
        return page.spliced(old)
    at = page.mark(path)
    return page.spliced((at, at, f" {new.head}"), old)


def inserted(page: Page, base: Path, step: str | int, value: Any) -> str:  # noqa: ANN401
    """The text with one more entry at the end of the collection at `base`, which is not empty."""
    last = (*base, page.steps(base)[-1])
    if page.is_flow(base) and not page.has_brackets(base):
        return replaced(page, base, {**page.get(base), step: value})
    if page.is_flow(base):
        words = flow_text(value) if isinstance(step, int) else f"{key_text(step)}: {flow_text(value)}"
        return _into_brackets(page, last, words)
    column = page.column(page.entry(last))
    new = fragment(value, flow=False if isinstance(step, int) and reads_below_dash(value) else None)
    at = page.below(base, column)
    if isinstance(step, str):
        lines = _lines(page, (f"{key_text(step)}: {new.head}".rstrip(),), column)
        lines += _lines(page, new.body, column + _INDENT)
    else:
        first, *others = (new.head, *new.body) if new.head else new.body
        lines = _lines(page, (f"- {first}",), column) + _lines(page, tuple(others), column + _INDENT)
    return page.spliced((at, at, lines))


def _into_brackets(page: Page, last: Path, words: str) -> str:
    """Behind the last entry; on a line of its own if that one has such a line."""
    end = page.value(last)[1]
    line_end = page.line_end(end)
    rest = page.text[end:line_end].lstrip(" \t")
    comma = rest.startswith(",")
    if page.stands_alone(page.entry(last)) and rest.removeprefix(",").lstrip(" \t")[:1] in ("", "#"):
        pad = " " * page.column(page.entry(last))
        line = f"{page.newline}{pad}{words}{',' if comma else ''}"
        return page.spliced((end, end, "" if comma else ","), (line_end, line_end, line))
    return page.spliced((end, end, f", {words}"))


def removed(page: Page, path: Path) -> str:
    """The text without the entry at a path that exists; a collection that had no other stays, empty."""
    above = path[:-1]
    steps = page.steps(above)
    if len(steps) == 1:
        return _emptied(page, path)
    at = steps.index(path[-1])
    before = (*above, steps[at - 1]) if at else None
    after = (*above, steps[at + 1]) if at + 1 < len(steps) else None
    if page.is_flow(above):
        return _out_of_brackets(page, path, before, after)
    start, behind = page.entry(path), page.behind(path)
    if page.stands_alone(start):
        below = page.below(path, page.column(start))
        gone = page.behind_blanks(below) if before is not None and page.keeps(before) else below
        return page.spliced((page.line(start), gone, ""))
    # It begins on the line of the dash of what it is in, where then the next one begins.
    assert after is not None
    follows = page.entry(after)
    if page.text[behind:follows].strip():
        return page.spliced((len(page.text[:start].rstrip(" \t")), behind, page.newline))
    return page.spliced((start, follows, ""))


def _emptied(page: Page, path: Path) -> str:
    """Without the one entry of a collection, which stays, and with it the comments in its brackets."""
    above = path[:-1]
    start, end = page.value(above)
    if not page.has_brackets(above) or "#" not in page.text[start:end]:
        return replaced(page, above, {} if isinstance(path[-1], str) else [])
    comma = page.comma(page.value(path)[1], end)
    gone = [] if comma is None else [(comma, comma + 1, "")]
    return page.spliced((page.entry(path), page.value(path)[1], ""), *gone)


def _out_of_brackets(page: Page, path: Path, before: Path | None, after: Path | None) -> str:
    start, end = page.entry(path), page.value(path)[1]
    if after is not None:
        follows = page.entry(after)
        if "#" not in page.text[end:follows]:
            return page.spliced((start, follows, ""))
        comma = page.comma(end, follows)
    else:
        assert before is not None
        ended = page.value(before)[1]
        if "#" not in page.text[ended:start]:
            return page.spliced((ended, end, ""))
        comma = page.comma(ended, start)
    assert comma is not None
    return page.spliced((start, end, ""), (comma, comma + 1, ""))


def _spaced(page: Page, path: Path, words: str) -> str:
    """The words as they come behind a key or dash, with what is missing between."""
    start = page.value(path)[0]
    if page.get(path) is None and isinstance(path[-1], str) and page.mark(path) == page.key(path)[1]:
        line = page.newline + " " * page.column(page.entry(path))
        return f": {words}" if page.is_flow(path[:-1]) else f"{line}: {words}"
    return f" {words}" if page.text[start - 1] in ":-" and start == page.mark(path) else words


def _lines(page: Page, lines: Sequence[str], column: int) -> str:
    pad = " " * column
    return "".join(f"{pad}{line}{page.newline}" if line else page.newline for line in lines)
