"""What `cue` prints when it refuses something, read back as values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_PLACE = re.compile(r"\s+(?:\./)?g([0-9]+)/rule\.cue:([0-9]+):([0-9]+)")
_SUBJECT = re.compile(r"(?:results|located)\.i([0-9]+)\.g([0-9]+)(?:\.(?P<rest>[^ ].*))?", re.DOTALL)
_NAME = re.compile(r'("(?:[^"\\]|\\.)*"|[^.:" ]+)')
_PACKAGE = re.compile(r"\(?phoenix\.local/g[0-9]+(?::[a-z0-9_]+)?\)?")
_MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One message of `cue`.

    `input` and `guardrail` are the indices that it is about, None where it does not say; `rest` is the path below
    `violations`, and `places` are (guardrail, line, column) with columns in bytes.
    """

    message: str
    input: int | None = None
    guardrail: int | None = None
    rest: str = ""
    places: tuple[tuple[int, int, int], ...] = ()

    @property
    def name(self) -> str:
        """The first step of `rest`: the name of a violation."""
        match = _NAME.match(self.rest)
        if match is None:
            return ""
        if not match[1].startswith('"'):
            return match[1]
        try:
            return str(json.loads(match[1]))
        except ValueError:
            return ""


def read_faults(errors: str) -> tuple[Fault, ...]:
    """The faults in `cue`'s standard error: a message, then its places, indented."""
    return tuple(_fault(head, places) for head, places in _blocks(errors))


def _blocks(errors: str) -> Iterator[tuple[str, list[str]]]:
    head, places = "", list[str]()
    for line in errors.splitlines():
        if line.startswith(" "):
            places.append(line)
        else:
            if head:
                yield head, places
            head, places = line, []
    if head:
        yield head, places


def _fault(head: str, lines: list[str]) -> Fault:
    subject, colon, message = _split(head.removeprefix("import failed: ").removesuffix(":"))
    match = _SUBJECT.fullmatch(subject)
    places = tuple((int(place[1]), int(place[2]), int(place[3])) for line in lines if (place := _PLACE.match(line)))
    guardrail = int(match[2]) if match else places[0][0] if places else None
    rest = (match["rest"] or "") if match else ""
    # A guardrail's own fields are named by its text, which the place shows.
    known = match or subject.split(".")[0] == "violations"
    text = _PACKAGE.sub("", message if known else f"{subject}{colon}{message}").strip()
    return Fault(
        message=text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}...",
        input=int(match[1]) if match else None,
        guardrail=guardrail,
        rest=rest,
        places=places,
    )


def _split(head: str) -> tuple[str, str, str]:
    """The path before the first `: ` that is outside quotes, and what follows."""
    quoted = False
    at = 0
    while at < len(head):
        if head[at] == "\\" and quoted:
            at += 1
        elif head[at] == '"':
            quoted = not quoted
        elif not quoted and head.startswith(": ", at):
            return head[:at], ": ", head[at + 2 :]
        at += 1
    return head, "", ""
