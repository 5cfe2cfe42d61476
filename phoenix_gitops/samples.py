"""Names that a pattern matches and names that it just misses, found from the pattern itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_LETTERS = "x0-_.A"
_ESCAPES = {"d": "0", "w": "x", "s": " ", "D": "x", "W": "-", "S": "x", "n": "\n", "t": "\t"}
_NOTHING = frozenset("bBAzZ")
_ENDS = frozenset("^$")
_QUANTIFIER = re.compile(r"([*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_FLAGS = re.compile(r"\?(?:P?<[A-Za-z0-9_]+>|[imsU-]*:|[imsU-]+(?=\)))")


def full_match(pattern: str, text: str) -> bool:
    """Whether all of `text` matches; the patterns of policies are anchored at both ends."""
    return _compiled(pattern).fullmatch(text) is not None


def samples(pattern: str) -> list[str]:
    """Texts that match, one at least for each alternative; none if the pattern is beyond this simple reader."""
    try:
        found = _Reader(pattern).alternatives()
    except IndexError:
        return []
    return [text for text in dict.fromkeys(found) if text and full_match(pattern, text)]


def near_misses(pattern: str) -> list[str]:
    """Texts that differ in little from one that matches, and do not."""
    changed = (other for text in samples(pattern) for other in (f"{text}x", f"x{text}", text[:-1], text.swapcase()))
    return [text for text in dict.fromkeys(changed) if text and not full_match(pattern, text)]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The digits, spaces and letters of RE2 are those of ASCII.
    return re.compile(pattern, re.ASCII)


class _Reader:
    """Recursive descent over a pattern of RE2; each part gives texts that it matches."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternatives(self) -> list[str]:
        found = self._sequence()
        while self._peek() == "|":
            self._at += 1
            found += self._sequence()
        return found

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._pattern[self._at]
        self._at += 1
        return char

    def _sequence(self) -> list[str]:
        found = [""]
        while self._peek() not in ("", "|", ")"):
            part = list(self._repeated(self._atom()))
            # Side by side, not every combination: each choice is taken once.
            width = max(len(found), len(part))
            found = [found[i % len(found)] + part[i % len(part)] for i in range(width)]
        return found

    def _repeated(self, atom: list[str]) -> Iterator[str]:
        match = _QUANTIFIER.match(self._pattern, self._at)
        if match is None:
            yield from atom
            return
        self._at = match.end()
        sign = match[1]
        least = int(re.findall("[0-9]+", sign)[0]) if sign.startswith("{") else int(sign == "+")
        yield from (text * max(least, 1) for text in atom)
        if least == 0:
            yield ""

    def _atom(self) -> list[str]:
        char = self._take()
        if char == "(":
            flags = _FLAGS.match(self._pattern, self._at)
            self._at = flags.end() if flags else self._at
            found = self.alternatives()
            self._take()
            return found
        if char == "[":
            return [self._one_of_a_class()]
        if char == "\\":
            escaped = self._take()
            return ["" if escaped in _NOTHING else _ESCAPES.get(escaped, escaped)]
        return ["" if char in _ENDS else "x" if char == "." else char]

    def _one_of_a_class(self) -> str:
        begin = self._at - 1
        while self._take() != "]" or self._at - begin <= len("[]") or self._pattern[begin : self._at] == "[^]":
            if self._pattern[self._at - 1] == "\\":
                self._at += 1
            elif self._pattern.startswith("[:", self._at):
                self._at = self._pattern.index(":]", self._at) + 2
        class_ = self._pattern[begin : self._at]
        letters = [*_LETTERS, *(char for char in class_ if char.isprintable())]
        return next((char for char in letters if _in_class(class_, char)), "x")


def _in_class(class_: str, char: str) -> bool:
    try:
        return full_match(class_, char)
    except re.error:
        return False
