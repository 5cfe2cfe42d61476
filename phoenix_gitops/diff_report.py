"""Show a tree diff: text for a terminal, Markdown for a pull request, JSON for machines. Pure.

Values come from a stranger's pull request: control characters are escaped and code fences cannot be left.
"""

from __future__ import annotations

import difflib
import html
import json
import re
from collections import Counter
from collections.abc import Iterator

from phoenix_gitops.diff import Action, Change, ChangeGroup, TreeDiff
from phoenix_gitops.diff_fields import ABSENT, FieldChange, shown

LIMIT = 60_000
"""Characters of a Markdown report: GitHub refuses comments of more than 65,536."""
_FIELDS = 40
_WIDTH = 200
_PLACES = 8
_DELETES = 50
_SIGNS = {Action.ADDED: "+", Action.REMOVED: "-", Action.CHANGED: "~"}
_COLOURS = {"+": "32", "-": "31", "~": "33", "!": "1;31"}
_NOTHING = "nothing changes in meaning"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def summary(diff: TreeDiff) -> str:
    """One line of counts; says so when there is no difference."""
    if not diff.groups:
        return _NOTHING + (f" ({_count(diff.proof, 'file')} for judges differ)" if diff.proof else "")
    counts = ", ".join(f"{diff.count(action)} {action}" for action in reversed(Action))
    where = ", ".join(
        _count(len(names), word)
        for names, word in (
            (diff.environments, "environment"),
            (diff.clusters, "cluster"),
            (diff.components, "component"),
        )
    )
    line = f"{_count(len(diff.changes), 'object')}: {counts}; in {where}"
    if diff.restarts:
        line += f"; {_count(diff.restarts, 'workload')} will restart"
    if diff.deletes:
        line += f"; {_count(len(diff.deletes), 'deletion')} of data or whole workloads"
    return line


def text(diff: TreeDiff, *, color: bool = False) -> str:
    """For a terminal or a log: the summary, the deletions, then every group with its fields."""
    lines = [summary(diff)]
    if diff.deletes:
        lines += ["", "deletes"]
        lines += [f"  ! {change.kind} `{_safe(change.place.name)}` in {_at(change)}" for change in diff.deletes]
    for group in diff.groups:
        lines += ["", f"{_SIGNS[group.first.action]} {_title(group)}"]
        lines += [f"    in {_places(group)}"]
        lines += [f"    {line}" for line in _details(group.first)]
    if color:
        lines = [_painted(line) for line in lines]
    return "\n".join(lines) + "\n"


def markdown(diff: TreeDiff, *, limit: int = LIMIT) -> str:
    """For a pull request: counts and deletions first; what does not fit is shortened, then counted."""
    head = "\n".join(_head(diff)) + "\n"
    fulls = [_block(group) for group in diff.groups]
    shorts = [f"- {_SIGNS[group.first.action]} {html.escape(_title(group))}\n" for group in diff.groups]
    # Room for the note that says what was cut.
    room = limit - len(head) - 200
    rest = sum(map(len, shorts))
    parts: list[str] = []
    shortened = cut = 0
    for full, short in zip(fulls, shorts, strict=True):
        rest -= len(short)
        if len(full) + rest <= room:
            chosen = full
        elif len(short) <= room:
            chosen = short
            shortened += 1
        else:
            cut += 1
            continue
        parts.append(chosen)
        room -= len(chosen)
    if shortened or cut:
        parts.append(f"\n_Too long for a comment: {shortened} groups without their fields, {cut} not shown._")
        parts.append(" _`phoenix diff` shows all._\n")
    return head + "".join(parts)


def as_json(diff: TreeDiff) -> str:
    """For machines: counts, deletions, and each group with its fields and places."""
    return json.dumps(_data(diff), ensure_ascii=False, indent=2, default=str) + "\n"


def _data(diff: TreeDiff) -> dict[str, object]:
    return {
        "summary": {
            **{str(action): diff.count(action) for action in Action},
            "restarts": diff.restarts,
            "proof": diff.proof,
            "environments": list(diff.environments),
            "clusters": ["/".join(cluster) for cluster in diff.clusters],
            "components": list(diff.components),
        },
        "deletes": [{"kind": c.kind, "name": c.place.name, "in": str(c.place)} for c in diff.deletes],
        "groups": [
            {
                "action": str(group.first.action),
                "kind": group.first.kind,
                "apiGroup": group.first.group,
                "component": group.first.place.component,
                "config": group.first.config,
                "restarts": group.first.restarts,
                "configs": list(group.first.configs),
                "fields": [_field_data(field) for field in group.first.fields],
                "places": [
                    {
                        "environment": place.environment,
                        "cluster": place.cluster,
                        "namespace": place.namespace,
                        "name": place.name,
                    }
                    for place in group.places
                ],
            }
            for group in diff.groups
        ],
    }


def _field_data(field: FieldChange) -> dict[str, object]:
    sides = (("old", field.old), ("new", field.new))
    return {"path": field.path, **{side: value for side, value in sides if value is not ABSENT}}


def _head(diff: TreeDiff) -> Iterator[str]:
    yield f"**{summary(diff)}**"
    if diff.deletes:
        yield "\n> [!CAUTION]\n> These go, with what they hold:"
        for change in diff.deletes[:_DELETES]:
            yield f"> - {change.kind} {_code(change.place.name)} in {_code(_at(change))}"
        if len(diff.deletes) > _DELETES:
            kinds = Counter(change.kind for change in diff.deletes[_DELETES:])
            yield "> - and " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    if diff.groups:
        yield "\n| environment | added | changed | removed |\n|---|---|---|---|"
        for name in diff.environments[:_DELETES]:
            counts = (diff.count(action, name) for action in reversed(Action))
            yield f"| {_code(name)} | " + " | ".join(map(str, counts)) + " |"
        if len(diff.environments) > _DELETES:
            yield f"| and {len(diff.environments) - _DELETES} more | | | |"
        yield ""


def _block(group: ChangeGroup) -> str:
    title = f"{_SIGNS[group.first.action]} {html.escape(_title(group))}"
    body = [f"in {_places(group)}", *_details(group.first)]
    fence = "`" * max(3, 1 + max((len(run) for line in body for run in re.findall("`+", line)), default=0))
    lines = "\n".join(line.replace("\n", " ") for line in body)
    return f"<details><summary>{title}</summary>\n\n{fence}diff\n{lines}\n{fence}\n</details>\n"


def _title(group: ChangeGroup) -> str:
    first = group.first
    name = first.config or first.place.name
    names = {change.config or change.place.name for change in group.changes}
    called = f"`{_safe(name)}`" + (f" and {len(names) - 1} alike" if len(names) > 1 else "")
    what = f"config of {called} changed" if first.config else f"{first.kind} {called} {first.action}"
    component = f" ({_safe(first.place.component)})" if first.place.component else ""
    times = f", {len(group.changes)} times" if len(group.changes) > 1 else ""
    return f"{what}{component}{times}" + (", restarts" if first.restarts else "")


def _places(group: ChangeGroup) -> str:
    names = list(dict.fromkeys(_at(change) for change in group.changes))
    more = f" and {len(names) - _PLACES} more" if len(names) > _PLACES else ""
    return ", ".join(names[:_PLACES]) + more


def _details(change: Change) -> Iterator[str]:
    for name in change.configs:
        yield f"~ rolls with the config of `{_safe(name)}`"
    for field in change.fields[:_FIELDS]:
        yield from _field(field)
    if len(change.fields) > _FIELDS:
        yield f"... and {len(change.fields) - _FIELDS} more fields"


def _field(field: FieldChange) -> Iterator[str]:
    path = _safe(field.path)
    if isinstance(field.old, str) and isinstance(field.new, str) and "\n" in field.old + field.new:
        yield f"~ {path}:"
        lines = difflib.unified_diff(field.old.splitlines(), field.new.splitlines(), n=1, lineterm="")
        wanted = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        yield from (_cut(line) for line in wanted[:_FIELDS])
        if len(wanted) > _FIELDS:
            yield f"... and {len(wanted) - _FIELDS} more lines"
    elif field.old is ABSENT:
        yield f"+ {path}: {_cut(shown(field.new))}"
    elif field.new is ABSENT:
        yield f"- {path}: {_cut(shown(field.old))}"
    else:
        old, new = _both(shown(field.old), shown(field.new))
        yield f"~ {path}: {old} -> {new}"


def _both(old: str, new: str) -> tuple[str, str]:
    """Two values, shortened so that the place where they begin to differ stays in sight."""
    if max(len(old), len(new)) <= _WIDTH:
        return _safe(old), _safe(new)
    pairs = zip(old, new, strict=False)
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
    start = max(0, same - 40)
    before = "..." if start else ""
    return before + _cut(old[start:]), before + _cut(new[start:])


def _cut(value: str) -> str:
    over = len(value) - _WIDTH
    return _safe(value) if over <= 0 else f"{_safe(value[:_WIDTH])}... ({over} more characters)"


def _safe(value: str) -> str:
    """Without characters that steer a terminal or turn the direction of writing."""
    escaped = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", value).replace("\n", "\\n").replace("\t", "\\t")
    return escaped.encode("utf-8", "replace").decode()


def _code(value: str) -> str:
    return f"<code>{html.escape(_safe(value)).replace('|', '&#124;')}</code>"


def _at(change: Change) -> str:
    return _safe(str(change.place))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _painted(line: str) -> str:
    sign = line.lstrip()[:1]
    return f"\x1b[{_COLOURS[sign]}m{line}\x1b[0m" if sign in _COLOURS else line
