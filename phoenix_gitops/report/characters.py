"""Text of a stranger on a terminal: nothing acts, everything is seen, and widths are known.

A policy may hold what moves the cursor, hides text, turns it around, or is a command to a CI runner
(`::name::` at the start of a line, `##[name]` and `##vso[name]` anywhere in it).
"""

from __future__ import annotations

import re
import unicodedata

TAB = 4
"""Cells of a tab, wherever it stands."""

_COMMAND = re.compile(r"##(?=[a-z]*\[)")
_JOINERS = "\u200c\u200d"
_EMOJI_STYLE = "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """`text` with everything that acts or hides written as an escape; it stays on one line."""
    if text.isascii() and text.isprintable():
        return _COMMAND.sub(r"#\\x23", text)
    return _COMMAND.sub(r"#\\x23", "".join(map(_shown, text)))


def cells(text: str) -> list[tuple[str, int]]:
    """For each code point of a line what is shown for it and how many cells of a terminal that takes."""
    drawn: list[tuple[str, int]] = []
    commands = {match.start() + 1 for match in _COMMAND.finditer(text)}
    previous = ""
    for index, char in enumerate(text):
        if char == "\t":
            drawn.append((" " * TAB, TAB))
        elif index in commands:
            drawn.append((r"\x23", 4))
        else:
            shown = _shown(char)
            drawn.append((shown, len(shown) if shown != char else _width(char, previous)))
        previous = char
    return drawn


def _shown(char: str) -> str:
    if " " <= char <= "~" or char in _JOINERS or unicodedata.category(char) not in _INVISIBLE:
        return char
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _width(char: str, previous: str) -> int:
    """Cells of a printable character behind `previous`; what joins an emoji adds none."""
    if char.isascii():
        return 1
    if char == _EMOJI_STYLE:
        return 1 if previous and _width(previous, "") == 1 else 0
    if char in _JOINERS or previous == "\u200d" or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    if ord(char) in _SKIN_TONES and previous and _width(previous, "") == 2:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
