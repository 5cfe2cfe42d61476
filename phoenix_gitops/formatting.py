"""The normal form of a policy's text: how it is laid out, never what it says.

Two spaces a level, list items below their key, one space between tokens, double quotes where they need no escape, at
most one empty line in a row, no document markers, LF, and the envelope's keys in their usual order. What an author
broke into lines stays so, and every comment stays. A writer of YAML cannot promise that: ruamel's joins flow
collections and loses comments in them. So the author's own tokens are written again, with other space between them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from phoenix_gitops.diagnostics import Outcome
from phoenix_gitops.document import Document
from phoenix_gitops.source import parse

_ENVELOPE: Final = ("apiVersion", "kind", "metadata", "spec")
_INDENT: Final = 2
_HEADER: Final = re.compile(r"[|>](?P<signs>[-+1-9]*)")
_NO_ESCAPE_NEEDED: Final = re.compile(r"'[^'\"\\\n]*'")

_STARTS: Final = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
_ENDS: Final = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_MARKERS: Final = (yaml.DocumentStartToken, yaml.DocumentEndToken)


class MeaningChangedError(Exception):
    """The normal form would say something else, or lose a comment: a bug of ours, so nothing may be written."""


def normal_form(file: str, content: bytes) -> Outcome[str | None]:
    """The text in its normal form, or None with the reasons why the file is no YAML that policies may be."""
    outcome = parse(file, content)
    if outcome.value is None:
        return Outcome(None, outcome.diagnostics)
    text = content.decode().replace("\r\n", "\n")
    formed = _Writer(_without_markers(text)).run()
    ordered = _in_order(file, formed, list(outcome.value.data))
    # A text that ends in empty lines which count cannot become the last: then the order stays the author's.
    for chosen in (ordered, formed):
        if chosen == text or _agrees(file, text, outcome.value, chosen):
            return Outcome(chosen)
    raise MeaningChangedError(f"the normal form of {file} would mean something else")


def comments(text: str) -> Counter[str]:
    """Every comment of a text and how often it stands there, without the space around it."""
    found: Counter[str] = Counter()
    end = 0
    for token in _tokens(text):
        found.update(_comments_between(text[end : token.start_mark.index]))
        end = token.end_mark.index
        if _is_block_scalar(token):
            found.update(
                _comments_between(text[token.start_mark.index : end].partition("\n")[0].lstrip("|>-+123456789"))
            )
    return found


def _comments_between(gap: str) -> Iterator[str]:
    return (line[line.index("#") :].rstrip() for line in gap.split("\n") if "#" in line)


def _agrees(file: str, text: str, document: Document, formed: str) -> bool:
    again = parse(file, formed.encode()).value
    return again is not None and _canonical(again) == _canonical(document) and comments(formed) == comments(text)


def _canonical(document: Document) -> str:
    """The data as text that tells 1, 1.0 and true apart, whatever the order of keys."""
    return json.dumps(document.data, sort_keys=True)


def _tokens(text: str) -> Iterator[Any]:
    scan: Iterator[Any] = yaml.scan(text, Loader=yaml.CSafeLoader)
    return scan


def _is_block_scalar(token: Any) -> bool:  # noqa: ANN401
    return isinstance(token, yaml.ScalarToken) and token.style in ("|", ">")


def _without_markers(text: str) -> str:
    """The text without `---` and `...`: a policy file holds one document."""
    for token in reversed([token for token in _tokens(text) if isinstance(token, _MARKERS)]):
        start, end = token.start_mark.index, token.end_mark.index
        if end > start:
            text = text[:start] + text[end:].lstrip(" \t").removeprefix("\n")
    return text


def _in_order(file: str, text: str, keys: list[str]) -> str:
    """The text with the envelope's keys first and in their usual order, each with the comment right above it."""
    wanted = sorted(keys, key=lambda key: _ENVELOPE.index(key) if key in _ENVELOPE else len(_ENVELOPE))
    if keys == wanted or text.startswith("{"):
        return text
    document = parse(file, text.encode()).value
    if document is None:
        return text
    lines = text.splitlines(keepends=True)
    starts = [document.key_span((key,)).line - 1 for key in keys]
    for i in range(1, len(starts)):
        while lines[starts[i] - 1].startswith("#"):
            starts[i] -= 1
    tail = len(lines)
    while lines[tail - 1].startswith("#"):
        tail -= 1
    ends = [*starts[1:], tail]
    parts = {key: "".join(lines[start:end]) for key, start, end in zip(keys, starts, ends, strict=True)}
    return "".join([*lines[: starts[0]], *(parts[key] for key in wanted), *lines[tail:]]).rstrip("\n") + "\n"


@dataclass(frozen=True, slots=True)
class _Block:
    """An open block collection: the column that its entries had, and the one that they get."""

    old: int
    new: int
    implicit: bool = False
    """A list whose items stand below their key in the key's own column; YAML has no token for it."""


class _Writer:
    """Writes tokens again, one after the other, with the space between them in its normal form."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._out: list[str] = []
        self._blocks: tuple[_Block, ...] = ()
        self._before: tuple[_Block, ...] = ()
        """The blocks that were open at the token before."""
        self._flow = 0
        self._shift = 0
        """By how many columns the line moves, and what continues it."""
        self._end = 0
        self._last: Any = None
        self._is_key = False

    def run(self) -> str:
        for token in _tokens(self._text):
            if isinstance(token, (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken)):
                self._open(token.start_mark.column)
            elif isinstance(token, yaml.BlockEndToken):
                self._close_implicit()
                self._blocks = self._blocks[:-1]
            elif isinstance(token, yaml.KeyToken) and not self._flow:
                self._close_implicit()
                self._is_key = True
                if token.end_mark.index > token.start_mark.index:
                    self._write(token)
            elif isinstance(token, yaml.StreamEndToken):
                self._finish()
            elif token.end_mark.index > token.start_mark.index:
                if isinstance(token, yaml.BlockEntryToken):
                    self._open_implicit(token.start_mark.column)
                self._write(token)
        return "".join(self._out)

    def _open(self, old: int, *, implicit: bool = False) -> None:
        new = self._blocks[-1].new + _INDENT if self._blocks else 0
        self._blocks = (*self._blocks, _Block(old, new, implicit))

    def _open_implicit(self, old: int) -> None:
        """A dash where no list was opened begins a list in its key's column."""
        if isinstance(self._last, yaml.ValueToken) and len(self._blocks) == len(self._before):
            self._open(old, implicit=True)

    def _close_implicit(self) -> None:
        if self._blocks and self._blocks[-1].implicit:
            self._blocks = self._blocks[:-1]

    def _write(self, token: Any) -> None:  # noqa: ANN401
        start = token.start_mark.index
        gap = self._text[self._end : start]
        if isinstance(token, _ENDS):
            self._flow -= 1
        if self._last is None or "\n" in gap:
            self._new_line(gap, token)
        else:
            self._out.append(self._space(token))
        self._out.append(self._words(token))
        if isinstance(token, _STARTS):
            self._flow += 1
        self._is_key = self._is_key and isinstance(token, yaml.KeyToken)
        self._last, self._before = token, self._blocks

    def _new_line(self, gap: str, token: Any) -> None:  # noqa: ANN401
        """Ends the line, writes the comments between, and indents the next one."""
        old = token.start_mark.column
        in_flow = self._flow or isinstance(token, _ENDS)
        if not in_flow:
            top = self._blocks[-1].new if self._blocks else 0
            own = self._is_key or isinstance(token, (yaml.BlockEntryToken, yaml.ValueToken))
            new = top if own or not self._blocks else top + _INDENT
            self._lines(gap, lambda column: self._comment_column(column, old, new))
            self._shift = new - old
        else:
            new = self._moved(old)
            self._lines(gap, self._moved)
        self._out.append(" " * new)

    def _lines(self, gap: str, column_of: Any) -> None:  # noqa: ANN401
        first, *others = gap.split("\n")
        if self._last is None:
            others.insert(0, first)
        else:
            self._out.append(_trailing(first) + "\n")
        empty = self._last is None
        for line in others[:-1]:
            comment = line.strip()
            if comment:
                self._out.append(" " * column_of(len(line) - len(line.lstrip())) + comment + "\n")
            elif not empty:
                self._out.append("\n")
            empty = not comment

    def _moved(self, column: int) -> int:
        """The column of what continues a line, which moves with it."""
        return max(column + self._shift, self._blocks[-1].new if self._blocks else 0)

    def _comment_column(self, column: int, next_old: int, next_new: int) -> int:
        """The column of a comment on a line of its own: that of the entries beside which it stands."""
        if column == next_old:
            return next_new
        beside = [(next_old, next_new), *((block.old, block.new) for block in (*self._before, *self._blocks))]
        left = [pair for pair in beside if pair[0] <= column]
        return max(left)[1] if left else min(beside)[1]

    def _space(self, token: Any) -> str:  # noqa: ANN401
        """What stands between two tokens of one line."""
        if isinstance(self._last, (yaml.ValueToken, yaml.BlockEntryToken, yaml.KeyToken)):
            return " "
        if isinstance(token, (yaml.ValueToken, yaml.FlowEntryToken, *_ENDS)) or isinstance(self._last, _STARTS):
            return ""
        return " "

    def _words(self, token: Any) -> str:  # noqa: ANN401
        """The token as it is written; marks where its text ended."""
        start, self._end = token.start_mark.index, token.end_mark.index
        words = self._text[start : self._end]
        if _is_block_scalar(token):
            return self._block_scalar(words)
        if _NO_ESCAPE_NEEDED.fullmatch(words):
            return f'"{words[1:-1]}"'
        if "\n" not in words:
            return words
        floor = self._blocks[-1].new + 1 if self._blocks else 0
        first, *others = words.split("\n")
        return "\n".join([first, *(_continued(line, self._shift, floor) for line in others)])

    def _block_scalar(self, words: str) -> str:
        header, _, body = words.partition("\n")
        match = _HEADER.match(header)
        assert match is not None
        parent, signs = self._blocks[-1], match["signs"]
        # Empty lines behind the text are space between entries, unless `+` makes them part of it.
        kept = body.removesuffix("\n") if "+" in signs else re.sub(r"(\A|\n)[\n ]*\Z", "", body)
        self._end -= len(body) - len(kept)
        if not kept and "+" not in signs:
            self._end -= 1
            return header.rstrip()
        digits = signs.strip("+-")
        if self._end == len(self._text) and "-" not in signs:
            # The file's last line has no end, and neither has the text.
            header = f"{header[0]}{digits}-{header[match.end() :]}"
        old = parent.old + int(digits) if digits else _first_indent(kept)
        new = parent.new + (int(digits) if digits else _INDENT)
        lines = (" " * new + line[old:] if line[old:] or line.strip(" ") else "" for line in kept.split("\n"))
        return "\n".join([re.sub(r"[ \t]+(?=#|\Z)", " ", header, count=1).rstrip(), *lines])

    def _finish(self) -> None:
        gap = self._text[self._end :].rstrip() + "\n"
        self._blocks = ()
        top = self._before[0] if self._before else _Block(0, 0)
        self._lines(gap, lambda column: self._comment_column(column, top.old, top.new))


def _trailing(gap: str) -> str:
    """The comment behind a token, as far away as its author put it."""
    comment = gap.strip()
    if not comment:
        return ""
    space = gap[: gap.index("#")]
    return (space if space and not space.strip(" ") else " ") + comment


def _continued(line: str, shift: int, floor: int) -> str:
    words = line.lstrip(" \t")
    return " " * max(len(line) - len(words) + shift, floor) + words if words else ""


def _first_indent(body: str) -> int:
    return next((len(line) - len(line.lstrip(" ")) for line in body.split("\n") if line.strip(" ")), 0)
