"""The words of a diff's report: titles, places, fields and values, safe to show.

Values come from a stranger's pull request: control characters are escaped, long ones are cut.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterable, Iterator

from phoenix_gitops.diff import Change, ChangeGroup
from phoenix_gitops.diff_fields import ABSENT, FieldChange, shown

_FIELDS = 40
_WIDTH = 200
_PLACES = 8
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def title(group: ChangeGroup) -> str:
    """One line that says what becomes of which objects."""
    first = group.first
    name = first.config or first.place.name
    names = {change.config or change.place.name for change in group.changes}
    called = f"`{safe(name)}`" + (f" and {len(names) - 1} alike" if len(names) > 1 else "")
    fate = "left in the cluster" if first.outlasts else first.action
    what = f"config of {called} changed" if first.config else f"{first.kind} {called} {fate}"
    component = f" ({safe(first.place.component)})" if first.place.component else ""
    times = f", {len(group.changes)} times" if len(group.changes) > 1 else ""
    return f"{what}{component}{times}" + (", restarts" if first.restarts else "")


def places(names: Iterable[str]) -> str:
    """Places, each once, shortened."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _PLACES} more" if len(names) > _PLACES else ""
    return ", ".join(names[:_PLACES]) + more


def details(change: Change) -> Iterator[str]:
    """Its fields, a line or a few each."""
    for name in change.configs:
        yield f"~ rolls with the config of `{safe(name)}`"
    for field in change.fields[:_FIELDS]:
        yield from _field(field)
    if len(change.fields) > _FIELDS:
        yield f"... and {len(change.fields) - _FIELDS} more fields"


def _field(field: FieldChange) -> Iterator[str]:
    path = safe(field.path)
    if isinstance(field.old, str) and isinstance(field.new, str) and "\n" in field.old + field.new:
        yield f"~ {path}:"
        lines = difflib.unified_diff(field.old.splitlines(), field.new.splitlines(), n=1, lineterm="")
        wanted = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        yield from (cut(line) for line in wanted[:_FIELDS])
        if len(wanted) > _FIELDS:
            yield f"... and {len(wanted) - _FIELDS} more lines"
    elif field.old is ABSENT:
        yield f"+ {path}: {cut(shown(field.new))}"
    elif field.new is ABSENT:
        yield f"- {path}: {cut(shown(field.old))}"
    else:
        old, new = _both(shown(field.old), shown(field.new))
        yield f"~ {path}: {old} -> {new}"


def _both(old: str, new: str) -> tuple[str, str]:
    """Two values, shortened so that the place where they begin to differ stays in sight."""
    if max(len(old), len(new)) <= _WIDTH:
        return safe(old), safe(new)
    pairs = zip(old, new, strict=False)
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
    start = max(0, same - 40)
    before = "..." if start else ""
    return before + cut(old[start:]), before + cut(new[start:])


def cut(value: str, width: int = _WIDTH) -> str:
    """A value of bounded length."""
    over = len(value) - width
    return safe(value) if over <= 0 else f"{safe(value[:width])}... ({over} more characters)"


def safe(value: str) -> str:
    """Without characters that steer a terminal or turn the direction of writing."""
    escaped = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", value).replace("\n", "\\n").replace("\t", "\\t")
    return escaped.encode("utf-8", "replace").decode()


def code(value: str) -> str:
    """A value in Markdown that nothing in it can leave."""
    return f"<code>{html.escape(safe(value)).replace('|', '&#124;')}</code>"


def at(change: Change) -> str:
    """Where it is."""
    return safe(str(change.place))


def count(number: int, word: str) -> str:
    """`1 pod`, `2 pods`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
