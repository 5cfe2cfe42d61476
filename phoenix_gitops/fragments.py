"""New YAML for a text that a person wrote: a value laid out to stand behind a key or a dash of it."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from phoenix_gitops.beginnings import fits_one_line
from phoenix_gitops.yamlout import dump, quoted

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import Node

_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = {type(None): "null", bool: "bool", int: "int", float: "float"}
_FLOW_SIGNS: Final = re.compile(r"[][{},]")
# Not `|+`: empty lines that come after it in the text would become part of it.
_LITERAL: Final = re.compile(r"\|-?\n")
_ASCII_ESCAPE: Final = re.compile(r"\\[xuU]")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A value as YAML: `head` stands on the line of its key or dash, `body` on the lines below, indented from 0."""

    head: str
    body: tuple[str, ...] = ()


def fragment(value: object, *, flow: bool | None = None) -> Fragment:
    """The value on one line (`flow`), a collection on lines of its own (not `flow`), or as it reads best (None).

    Takes what `yamlout.dump` takes, and refuses the same; keys stay in their order.
    """
    if flow is None:
        flow = not isinstance(value, (dict, list)) or fits_one_line(value)
    return _written(value, flow=flow and isinstance(value, (dict, list)))


def flow_text(value: object) -> str:
    """The value as it may stand within a collection in brackets."""
    return _written({"k": value}, flow=True).head.removeprefix("{k: ").removesuffix("}")


def key_text(key: str) -> str:
    """The key as it may stand anywhere."""
    return flow_text(key)


def _written(value: object, *, flow: bool) -> Fragment:
    """The value below a key, by ruamel, which is then taken off."""
    stream = io.StringIO()
    raw = not _ASCII_ESCAPE.search(dump(value))
    _writer(raw).serialize(_node({"k": value}, flow=flow, top=True), stream)
    first, *others = stream.getvalue().removesuffix("\n").split("\n")
    return Fragment(first.removeprefix("k:").strip(), tuple(line.removeprefix("  ") for line in others))


def _writer(raw: bool) -> YAML:
    """A writer in the layout of `phoenix fmt`; not `raw` for characters that must not stand in a file as such."""
    from ruamel.yaml import YAML

    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = sys.maxsize
    writer.allow_unicode = raw
    writer.brace_single_entry_mapping_in_flow_sequence = True
    return writer


def _node(value: Any, *, flow: bool, top: bool = False) -> Node:  # noqa: ANN401 (plain data)
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    if isinstance(value, dict):
        inner = {key: flow or (not top and _is_short(item)) for key, item in value.items()}
        pairs = [(_text(key, flow=True), _node(item, flow=inner[key])) for key, item in value.items()]
        return MappingNode(f"{_TAG}map", pairs, flow_style=flow and not top)
    if isinstance(value, list):
        items = [_node(item, flow=flow or not reads_below_dash(item)) for item in value]
        return SequenceNode(f"{_TAG}seq", items, flow_style=flow)
    if isinstance(value, str):
        return _text(value, flow=flow)
    return ScalarNode(f"{_TAG}{_TAGS[type(value)]}", dump(value).rstrip("\n"))


def reads_below_dash(item: object) -> bool:
    """Whether an item of a list that is not in brackets itself reads best without them."""
    return not isinstance(item, list) and (not _is_short(item) or (isinstance(item, dict) and len(item) == 1))


def _is_short(value: object) -> bool:
    return isinstance(value, (dict, list)) and fits_one_line(value)


def _text(text: str, *, flow: bool) -> Node:
    from ruamel.yaml.nodes import ScalarNode

    line = quoted(text)
    style: str | None = line[0] if line[0] in "\"'" else None
    if style is None and flow and _FLOW_SIGNS.search(text):
        style = '"'
    elif not flow and _LITERAL.match(dump(text)):
        style = "|"
    return ScalarNode(f"{_TAG}str", text, style=style)
