"""Values of a collector config. Plain text is always literal; references are values of their own.

The collector expands `$` in every string. Text from policies (patterns, names) must never be expanded, so
`document` doubles each `$` in it, and only `Env` becomes a reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Env:
    """The value of an environment variable of the pod: a secret, or a fact of the downward API."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """Text with references in it, such as an address that begins with the node's IP."""

    parts: tuple[str | Env, ...]


Value = None | bool | int | float | str | Env | Text | Sequence["Value"] | Mapping[str, "Value"]
"""What a config is built of."""

Section = dict[str, Value]
"""A mapping under construction."""


def text(*parts: str | Env) -> Text:
    """Text of literal parts and references."""
    return Text(parts)


def document(section: Mapping[str, Value]) -> dict[str, Any]:
    """The config as plain data for the YAML writer: literal `$` doubled, references written out."""
    return {_literal(key): _plain(value) for key, value in section.items()}


def _plain(value: Value) -> Any:  # noqa: ANN401 - plain data for the YAML writer
    if isinstance(value, str):
        return _literal(value)
    if isinstance(value, Env):
        return _reference(value)
    if isinstance(value, Text):
        return "".join(_reference(p) if isinstance(p, Env) else _literal(p) for p in value.parts)
    if isinstance(value, Mapping):
        return document(value)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return value


def _literal(value: str) -> str:
    return value.replace("$", "$$")


def _reference(env: Env) -> str:
    return f"${{env:{env.name}}}"
