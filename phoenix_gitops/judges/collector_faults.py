"""What a collector says when it refuses a config, read back as places in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from phoenix_gitops.document import Path
from phoenix_gitops.judges.verdicts import NOT_RUNNING, Refusal

SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")

PLANTED = {
    "receivers": {"planted": {}},
    "exporters": {"planted": {}},
    "service": {"pipelines": {"metrics": {"receivers": ["planted"], "exporters": ["planted"]}}},
}
"""A config that every collector refuses: it has components of no type."""

_PREFIX = re.compile(r"^Error: (?:invalid configuration: |failed to get config: )?")
_DECODING = re.compile(r"'(?P<section>[a-z]+)' error reading configuration for \"(?P<id>[^\"]+)\":")
_UNKNOWN_TYPE = re.compile(r"'(?P<section>[a-z]+)' unknown type: \"[^\"]+\" for id: \"(?P<id>[^\"]+)\"")
_KEY = re.compile(r"'(?P<key>[A-Za-z0-9_.\[\]]+)' (?P<message>.*)")
_KEYS = re.compile(r"has invalid keys: (?P<key>[^,\s]+)")
_PART = re.compile(
    r'failed to (?:create|start) "(?P<id>[^"]+)" (?P<kind>receiver|processor|exporter|connector|extension)'
    r'(?:, in pipeline "[^"]+")?: (?P<message>.*)'
)
_CHAIN = re.compile(r"(?P<chain>[a-z]+(?:::[^:\s]+)+): (?P<message>.*)")


def refusals(file: str, said: str) -> tuple[Refusal, ...]:
    """Why a collector does not take a config or start from it; at least one, if only with its words."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if line.startswith("Error: ")), None)
    if first is None:
        return (_plain(file, lines),)
    lines = lines[first:]
    found = tuple(_decoding(file, lines)) or tuple(_validating(file, lines)) or tuple(_building(file, lines))
    return found or (Refusal(code=NOT_RUNNING, file=file, message=_PREFIX.sub("", lines[0]), said=tuple(lines[1:])),)


def _plain(file: str, lines: list[str]) -> Refusal:
    message = lines[-1] if lines else "it ended and said nothing"
    return Refusal(code=NOT_RUNNING, file=file, message=message, said=tuple(lines[-6:-1]))


def _decoding(file: str, lines: list[str]) -> Iterator[Refusal]:
    at: Path = ()
    for line in lines:
        if head := _DECODING.match(line):
            at = (head["section"], head["id"])
        elif head := _UNKNOWN_TYPE.match(line):
            yield _refusal(file, (head["section"], head["id"]), line.partition("' ")[2])
        elif at and (keyed := _KEY.match(line)):
            wrong = _KEYS.search(line)
            inner = wrong["key"] if wrong else keyed["key"]
            yield _refusal(file, (*at, *re.split(r"[.\[\]]+", inner.strip("]"))), line)


def _validating(file: str, lines: list[str]) -> Iterator[Refusal]:
    for line in lines:
        chain = _CHAIN.fullmatch(_PREFIX.sub("", line))
        if chain:
            yield _refusal(file, tuple(chain["chain"].split("::")), chain["message"])


def _building(file: str, lines: list[str]) -> Iterator[Refusal]:
    for line in lines:
        if part := _PART.search(line):
            yield _refusal(file, (f"{part['kind']}s", part["id"]), part["message"])


def _refusal(file: str, at: Path, message: str) -> Refusal:
    about = f"`{at[1]}` of {at[0]}" if len(at) > 1 and at[0] in SECTIONS else f"`{'.'.join(map(str, at))}`"
    return Refusal(code=NOT_RUNNING, file=file, message=message, about=about, at=at)


def lacking(config: Mapping[str, Any], components: Mapping[str, frozenset[str]]) -> list[str]:
    """What a config needs and a binary does not have, as `receiver kafka`."""
    needed = sorted(
        (section[:-1], name.partition("/")[0]) for section in SECTIONS for name in (config.get(section) or {})
    )
    lacks = {f"{kind} {type_}" for kind, type_ in needed if type_ not in components.get(f"{kind}s", ())}
    return sorted(lacks)


def components(said: str) -> dict[str, frozenset[str]] | None:
    """What `otelcol components` lists, by section; None where it is no such list."""
    try:
        listed = yaml.load(said, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    if not isinstance(listed, dict) or not all(isinstance(listed.get(section), list) for section in SECTIONS[:3]):
        return None
    return {section: frozenset(_names(listed.get(section) or ())) for section in SECTIONS}


def _names(rows: Iterable[object]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, dict):
            yield str(row.get("name"))
        elif isinstance(row, str):
            yield row
