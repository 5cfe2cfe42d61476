"""YAML that others wrote, with the place of every value.

It is read by events, like policies, but not as strictly: several documents are usual here, and scalars stay the
text that they are, since every reader of these files decides by its own types whether `10` is a number.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace

from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Span

MAX_BYTES = 32 * 1024 * 1024
"""Largest input: a dump of the objects of a large cluster."""

MAX_NODES = 1_500_000
MAX_DEPTH = 60

_HELM = "the text is a template: render it first, as with `helm template`"
_OUT = "write the value out where it is used"
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_LITERAL = re.compile(r"\|[^\n]*\n(?:[ ]*\r?\n)*([ ]*)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. Scalars are text; None is a null."""

    value: str | list[Node] | dict[str, Node] | None
    span: Span
    indent: int = 0
    """Columns by which the lines of a literal text (`|`) are indented; 0 for all other values."""

    def get(self, *keys: str) -> Node | None:
        """What stands below these keys, or None."""
        found: Node | None = self
        for key in keys:
            if found is None or not isinstance(found.value, dict):
                return None
            found = found.value.get(key)
        return found

    def text(self, *keys: str) -> str:
        """The scalar below these keys; empty where there is none."""
        found = self.get(*keys)
        return found.value if found is not None and isinstance(found.value, str) else ""

    def items(self, *keys: str) -> list[Node]:
        """The list below these keys; empty where there is none."""
        found = self.get(*keys)
        return found.value if found is not None and isinstance(found.value, list) else []

    def entries(self, *keys: str) -> dict[str, Node]:
        """The mapping below these keys; empty where there is none."""
        found = self.get(*keys)
        return found.value if found is not None and isinstance(found.value, dict) else {}

    def texts(self, *keys: str) -> dict[str, str] | None:
        """The mapping below these keys if all of its values are text (null counts as empty), else None."""
        entries = self.entries(*keys)
        if any(not isinstance(node.value, str | None) for node in entries.values()):
            return None
        return {key: node.value if isinstance(node.value, str) else "" for key, node in entries.items()}

    def plain(self) -> object:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class _Stop(Exception):  # noqa: N818 (control flow, not an error)
    """Reading on makes no sense."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def fault(span: Span, message: str, help: str = "") -> Diagnostic:
    """What cannot be read."""
    return Diagnostic(code="PHX820", message=message, primary=Label(span), help=help)


def read(file: str, content: bytes) -> Outcome[tuple[Node, ...]]:
    """The documents of a file, without empty ones; none, and why, where it cannot be read as a whole."""
    top = Span(file, 1, 1, 1, 1)
    if len(content) > MAX_BYTES:
        help_ = "import it in parts, for example a namespace at a time"
        return Outcome((), (fault(top, f"file has {len(content):,} bytes, {MAX_BYTES:,} are allowed", help_),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"file is not UTF-8: byte `0x{content[error.start]:02x}` does not belong here"
        line = content.count(b"\n", 0, error.start) + 1
        return Outcome((), (fault(replace(top, line=line, end_line=line), message, "save the file as UTF-8"),))
    reader = _Reader(file, text)
    try:
        reader.run()
    except _Stop as stop:
        return Outcome((), (stop.diagnostic,))
    return Outcome(tuple(node for node in reader.top if node.value is not None))


@dataclass(slots=True)
class _Level:
    """A collection under construction, and the key that waits for its value."""

    node: Node
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    file: str
    text: str
    top: list[Node] = field(default_factory=list)
    _stack: list[_Level] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)
    _nodes: int = 0

    def run(self) -> None:
        """Fill `top`; raises `_Stop`."""
        import yaml

        self._lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        try:
            for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
                self._feed(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            offset = min(mark.index, len(self.text)) if mark else 0
            raise self._stop(offset, f"not YAML: {error.problem or error.context}", self._advice(offset)) from None
        except yaml.YAMLError as error:
            match = _FORBIDDEN.search(self.text)
            said = str(error).splitlines()[0]
            raise self._stop(match.start() if match else 0, f"not YAML: {said}", "delete the character") from None

    def _feed(self, event: object) -> None:
        from yaml import events

        if isinstance(event, events.AliasEvent):
            raise self._stop(_start(event), f"alias `*{event.anchor}` is not read", _OUT)
        if isinstance(event, events.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, events.NodeEvent):
            self._add(event)

    def _add(self, event: object) -> None:
        from yaml import events

        start, tag = _start(event), getattr(event, "tag", None)
        if tag is not None:
            raise self._stop(start, f"tag `{tag}` is not read", "delete it; to make a value text, quote it")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._stop(start, f"file holds more than {MAX_NODES:,} values", "import it in parts")
        if isinstance(event, events.ScalarEvent):
            self._scalar(event, start)
            return
        if len(self._stack) >= MAX_DEPTH:
            raise self._stop(start, f"nested more than {MAX_DEPTH} levels deep", "no file that is imported is so deep")
        if self._stack and isinstance(self._stack[-1].node.value, dict) and self._stack[-1].key is None:
            template = self.text.startswith("{{", start - 1)
            raise self._stop(start, "key is not text but a mapping or list", _HELM if template else "")
        node = Node({} if isinstance(event, events.MappingStartEvent) else [], self._span(start))
        self._place(node)
        self._stack.append(_Level(node))

    def _scalar(self, event: object, start: int) -> None:
        value, style = getattr(event, "value", ""), getattr(event, "style", None)
        if match := _FORBIDDEN.search(value):
            raise self._stop(start, f"value holds the character U+{ord(match[0]):04X}", "delete it")
        level = self._stack[-1] if self._stack else None
        if level is not None and isinstance(level.node.value, dict) and level.key is None:
            if value in level.node.value:
                raise self._stop(start, f"duplicate key `{value}`", "delete one of the two")
            if value == "<<" and not style:
                raise self._stop(start, "merge keys are not read", _OUT)
            level.key = value
            return
        null = not style and value in _NULLS
        mark = getattr(event, "end_mark", None)
        end = mark.index if mark is not None and style not in {"|", ">"} else start
        indent = self._indent(start) if style == "|" else 0
        self._place(Node(None if null else value, self._span(start, end), indent))

    def _indent(self, start: int) -> int:
        match = _LITERAL.match(self.text, start)
        return len(match[1]) if match else 0

    def _place(self, node: Node) -> None:
        if not self._stack:
            self.top.append(node)
            return
        level = self._stack[-1]
        if isinstance(level.node.value, dict):
            assert level.key is not None
            level.node.value[level.key] = node
            level.key = None
        elif isinstance(level.node.value, list):
            level.node.value.append(node)

    def _span(self, start: int, end: int | None = None) -> Span:
        line = bisect_right(self._lines, start)
        last = line if end is None else bisect_right(self._lines, end)
        col = start - self._lines[line - 1] + 1
        end_col = col if end is None else end - self._lines[last - 1] + 1
        return Span(self.file, line, col, last, end_col)

    def _stop(self, offset: int, message: str, help: str = "") -> _Stop:
        return _Stop(fault(self._span(offset), message.replace("\n", " "), help))

    def _advice(self, offset: int) -> str:
        line = self._span(offset).line
        near = self.text[self._lines[max(line - 2, 0)] :].split("\n", 2)
        return _HELM if any("{{" in part for part in near[:2]) else "read it with another YAML reader first"


def _start(event: object) -> int:
    mark = getattr(event, "start_mark", None)
    return 0 if mark is None else int(mark.index)
