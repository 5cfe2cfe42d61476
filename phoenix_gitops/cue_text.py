"""Reading CUE text without evaluating it: what a guardrail imports, and where its labels stand.

This is not a parser of CUE: `cue` itself judges the syntax. It knows comments, strings and brackets, which is
enough to say what the head of a file asks for before any of it runs. Offsets and columns are in code points.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.diagnostics import Span

ALLOWED_IMPORTS = frozenset(
    {"list", "math", "math/bits", "net", "path", "regexp", "strconv", "strings", "struct", "time"}
)
"""Packages of CUE that compute and do nothing else."""

_CODE = re.compile(
    r"""(?P<space>[\s]+|//[^\n]*)|(?P<string>\#*(?:\"{3}|'{3}|\"|'))|(?P<word>[\#_$\w]+)|(?P<mark>.)""", re.DOTALL
)
_MAX_DEPTH = 20
"""Of interpolations inside interpolations; nobody writes three."""

_PLAIN_IMPORT = re.compile(r'"([a-z0-9/]+)(?::[a-z]+)?"')


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a whole string literal or a single mark, with its place in the text."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


class UnreadableError(ValueError):
    """A string or an interpolation does not end, or nests too deep; `offset` is where it begins."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"literal at {offset} does not end")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class CueText:
    """The tokens of a file, comments and white space left out, and where its lines begin."""

    file: str
    text: str
    tokens: tuple[Token, ...]
    lines: tuple[int, ...]

    @classmethod
    def read(cls, file: str, text: str) -> CueText:
        """Raises `UnreadableError`."""
        lines = (0, *(match.end() for match in re.finditer("\n", text)))
        return cls(file, text, tuple(_tokens(text)), lines)

    def span(self, token: Token) -> Span:
        """Where a token stands; of one over several lines, its first line."""
        return self.span_at(token.start, token.end)

    def span_at(self, start: int, end: int) -> Span:
        """A range of offsets, ended at the end of its first line."""
        line = bisect_right(self.lines, start) - 1
        column = start - self.lines[line]
        newline = self.text.find("\n", start, end)
        width = (newline if newline >= 0 else end) - start
        return Span(self.file, line + 1, column + 1, line + 1, column + 1 + max(width, 1))

    def offset(self, line: int, column: int) -> int:
        """The offset of a position as `cue` prints it: its columns count bytes."""
        begin = self.lines[min(line, len(self.lines)) - 1]
        stop = self.text.find("\n", begin)
        row = self.text[begin : stop if stop >= 0 else None]
        return begin + len(row.encode()[: max(column - 1, 0)].decode(errors="ignore"))

    def token_at(self, offset: int) -> Token | None:
        """The token that covers an offset."""
        at = bisect_right(self.tokens, offset, key=lambda token: token.start) - 1
        return self.tokens[at] if at >= 0 and offset < self.tokens[at].end else None

    def label_of(self, offset: int) -> Token | None:
        """The label of the field whose value begins at an offset, `NAME` of `NAME: {...}`."""
        at = bisect_right(self.tokens, offset, key=lambda token: token.start) - 1
        if at < 0 or self.tokens[at].start != offset:
            return None
        before = self.tokens[max(at - 2, 0) : at]
        if len(before) == 2 and before[1].text == ":" and before[0].kind in ("word", "string"):
            return before[0]
        return None

    def attributes(self) -> Iterator[Token]:
        """Each attribute's `@` with its name: what attributes CUE has reads files, tags or the build."""
        for mark, name in zip(self.tokens, (*self.tokens[1:], Token("mark", "", len(self.text))), strict=True):
            if mark.text == "@":
                yield Token("word", "@" + name.text if name.kind == "word" else "@", mark.start)

    def has_label(self, name: str) -> bool:
        """Whether some field is called `name`."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return any(token.text in (name, f'"{name}"') and colon.text == ":" for token, colon in pairs)

    def package(self) -> Token | None:
        """The name in the package clause."""
        head = [token for token in self.tokens[:2] if token.kind == "word"]
        return head[1] if len(head) == 2 and head[0].text == "package" else None

    def imports(self) -> Iterator[tuple[Token, str]]:
        """Each import's string and the path it names, empty where it is not a plain string.

        CUE takes imports only at the head of a file, behind the package clause: what follows cannot hide one.
        """
        at = 2 if self.package() else 0
        at = self._past_commas(at)
        while at < len(self.tokens) and self.tokens[at].text == "import" and self._text(at + 1) != ":":
            at += 1
            grouped = self._text(at) == "("
            at += grouped
            while at < len(self.tokens) and self.tokens[at].text != ")":
                token = self.tokens[at]
                at += 1
                if token.kind == "string":
                    plain = _PLAIN_IMPORT.fullmatch(token.text)
                    yield token, plain[1] if plain else ""
                    if not grouped:
                        break
                elif token.kind != "word" and token.text not in (".", ","):
                    yield token, ""
                    return
            at = self._past_commas(at + grouped)

    def _past_commas(self, at: int) -> int:
        while self._text(at) == ",":
            at += 1
        return at

    def _text(self, at: int) -> str:
        return self.tokens[at].text if at < len(self.tokens) else ""


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _CODE.match(text, at)
        assert match is not None, "the last group takes any character"
        kind = match.lastgroup or "mark"
        at = _string_end(text, match.end(), match[0]) if kind == "string" else match.end()
        if kind != "space":
            yield Token(kind, text[match.start() : at], match.start())


def _string_end(text: str, at: int, opening: str, depth: int = 0) -> int:
    """The offset behind a string whose opening ends at `at`; interpolations are passed over."""
    begin = at - len(opening)
    quote = opening.lstrip("#")
    hashes = "#" * (len(opening) - len(quote))
    escape, closing = "\\" + hashes, quote + hashes
    while at < len(text):
        if text.startswith(escape, at):
            at += len(escape) + 1
            if text[at - 1 : at] == "(":
                at = _interpolation_end(text, at, depth + 1)
        elif text.startswith(closing, at):
            return at + len(closing)
        elif text[at] == "\n" and len(quote) == 1:
            break
        else:
            at += 1
    raise UnreadableError(begin)


def _interpolation_end(text: str, at: int, depth: int) -> int:
    """The offset behind the `)` that ends an interpolation whose expression begins at `at`."""
    begin, brackets = at, 1
    while at < len(text) and depth <= _MAX_DEPTH:
        match = _CODE.match(text, at)
        assert match is not None, "the last group takes any character"
        at = match.end() if match.lastgroup != "string" else _string_end(text, match.end(), match[0], depth)
        brackets += {"(": 1, ")": -1}.get(match[0], 0)
        if brackets == 0:
            return at
    raise UnreadableError(begin)
