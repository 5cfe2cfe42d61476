"""A file's text: from bytes to code points, and from offsets to spans.

Lines end at LF only (CR LF counts as one end): that is what editors count. YAML 1.1 also breaks lines at
CR, U+0085, U+2028 and U+2029; those are refused, so no reader can disagree with an editor about a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from phoenix_gitops.diagnostics import Diagnostic, Label, Span

MAX_BYTES = 512 * 1024
"""Largest policy file. The largest real one (a metric catalogue) has about 100 KiB."""

MAX_FAULTS = 100
"""Diagnostics kept for one file; a file with more is broken as a whole."""

_ASCII_TEXT = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
# What may not stand in a file as such: C0 and C1 controls, lone CR, line separators, directional
# embeddings and isolates (a reviewer sees another text than the compiler), stray BOMs, non-characters.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\r(?!\n)")
_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class SourceText:
    """A file's text and its line table, which is made when the first span is asked for."""

    __slots__ = ("_starts", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts: list[int] = []

    def span(self, start: int, end: int) -> Span:
        """The span of the code points from `start` to `end` (exclusive)."""
        line, col = self._position(start)
        end_line, end_col = self._position(max(start, end))
        return Span(self.file, line, col, end_line, end_col)

    def _position(self, offset: int) -> tuple[int, int]:
        if not self._starts:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Faults:
    """Collects the diagnostics of one file, at most `MAX_FAULTS` of them."""

    __slots__ = ("_source", "found")

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self.found: list[Diagnostic] = []

    @property
    def full(self) -> bool:
        """Whether no more are taken."""
        return len(self.found) >= MAX_FAULTS

    def add(
        self,
        code: str,
        message: str,
        start: int,
        end: int,
        *,
        label: str = "",
        help: str = "",
        secondary: tuple[int, int, str] | None = None,
    ) -> None:
        """Add an error at the code points from `start` to `end`; `secondary` is start, end and text."""
        if self.full:
            return
        others = (Label(self._source.span(*secondary[:2]), secondary[2]),) if secondary else ()
        primary = Label(self._source.span(start, end), label)
        notes = (f"only the first {MAX_FAULTS} faults of this file are shown",)
        self.found.append(
            Diagnostic(
                code=code,
                message=message,
                primary=primary,
                secondary=others,
                help=help,
                notes=notes if len(self.found) == MAX_FAULTS - 1 else (),
            )
        )


def at_top(code: str, file: str, message: str, *, label: str = "", help: str = "") -> Diagnostic:
    """An error about a file as a whole, placed at 1:1."""
    return Diagnostic(code=code, message=message, primary=Label(Span(file, 1, 1, 1, 1), label), help=help)


def too_large(file: str, size: int) -> Diagnostic:
    """The error about a file of `size` bytes."""
    message = f"file has {size:,} bytes, {MAX_BYTES:,} are allowed"
    return at_top("PHX115", file, message, help="split it into several files")


def decode(file: str, content: bytes) -> tuple[str | None, list[Diagnostic]]:
    """A file's text as it is parsed and shown, with what is wrong with its bytes.

    None where there is no text to parse. Forbidden characters come back as U+FFFD, one for one, so that every
    later offset is right and the rest of the file is still checked.
    """
    if len(content) > MAX_BYTES:
        return None, [too_large(file, len(content))]
    if content.isascii() and not content.translate(None, _ASCII_TEXT):
        return content.decode("ascii"), []
    if content.startswith(_OTHER_ENCODINGS):
        message = "file is not UTF-8 but UTF-16 or UTF-32"
        return None, [at_top("PHX101", file, message, help="save the file as UTF-8 without a byte order mark")]
    found: list[Diagnostic] = []
    if content.startswith(_BOM):
        content = content[len(_BOM) :]
        help_ = "save the file as UTF-8 without a byte order mark"
        found.append(at_top("PHX102", file, "file begins with a byte order mark", help=help_))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [*found, _undecodable(file, content, error)]
    faults = Faults(SourceText(file, text))
    # A lone CR stays: there the parser breaks the line, as whoever wrote it meant.
    shown = _FORBIDDEN.sub(lambda match: match[0] if match[0] == "\r" else "\ufffd", text)
    for match in _FORBIDDEN.finditer(text):
        if faults.full:
            break
        _add_forbidden(faults, match)
    return shown, [*found, *faults.found]


def _undecodable(file: str, content: bytes, error: UnicodeDecodeError) -> Diagnostic:
    before = content[: error.start].decode("utf-8")
    span = SourceText(file, before + "?").span(len(before), len(before) + 1)
    return Diagnostic(
        code="PHX101",
        message=f"file is not UTF-8: byte `0x{content[error.start]:02x}` does not belong here",
        primary=Label(span),
        help="save the file as UTF-8",
    )


def _add_forbidden(faults: Faults, match: re.Match[str]) -> None:
    char = ord(match[0])
    escape = f"\\x{char:02x}" if char < 0x100 else f"\\u{char:04x}"
    if char == 0x0D:
        help_ = "end lines with LF or CR LF"
    else:
        help_ = f'delete it; if it is meant, write `{escape}` in a "double-quoted" value'
    faults.add("PHX103", f"character U+{char:04X} is not allowed", *match.span(), help=help_)
