"""Show what a change does: text for a terminal, Markdown for a pull request. Pure.

Dangers first, then what it means, then objects and fields. Code fences cannot be left by values.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from phoenix_gitops.approvals import Approver
from phoenix_gitops.diff import Action, ChangeGroup, TreeDiff
from phoenix_gitops.diff_lines import at, code, count, cut, details, places, safe, title
from phoenix_gitops.meaning.base import UNKNOWN, Aspect, EffectGroup

LIMIT = 60_000
"""Characters of a Markdown report: GitHub refuses comments of more than 65,536."""
MARKER = "<!-- phoenix diff -->"
"""The first line of a Markdown report: by it a workflow finds the comment that it updates."""
_MEANING = 0.5
"""Share of a Markdown report that effects may take; the rest is for fields."""
_NOTES = 4
_SENTENCE = 400
_SIGNS = {Action.ADDED: "+", Action.REMOVED: "-", Action.CHANGED: "~"}
_COLOURS = {"+": "32", "-": "31", "~": "33", "!": "1;31"}
_NOTHING = "nothing changes in meaning"


@dataclass(frozen=True, slots=True)
class Review:
    """All that is to be said of a change."""

    diff: TreeDiff
    effects: tuple[EffectGroup, ...] = ()
    approvers: tuple[Approver, ...] | None = None
    """None where nobody asked."""


def summary(diff: TreeDiff) -> str:
    """One line of counts; says so when there is no difference."""
    if not diff.groups:
        return _NOTHING + (f" ({count(diff.proof, 'file')} for judges differ)" if diff.proof else "")
    counts = ", ".join(f"{diff.count(action)} {action}" for action in reversed(Action))
    where = ", ".join(
        count(len(names), word)
        for names, word in (
            (diff.environments, "environment"),
            (diff.clusters, "cluster"),
            (diff.components, "component"),
        )
    )
    line = f"{count(len(diff.changes), 'object')}: {counts}; in {where}"
    if diff.restarts:
        line += f"; {count(diff.restarts, 'workload')} will restart"
    if diff.deletes:
        line += f"; {count(len(diff.deletes), 'deletion')} of data or whole workloads"
    return line


def text(review: Review, *, color: bool = False, objects: bool = True) -> str:
    """For a terminal or a log: the summary, deletions, effects, approvers, then every group with its fields.

    Without `objects` the groups are left out.
    """
    diff = review.diff
    lines = [summary(diff)]
    if diff.deletes:
        lines += ["", "deletes"]
        lines += [f"  ! {change.kind} `{safe(change.place.name)}` in {at(change)}" for change in diff.deletes]
    for aspect, groups in groupby(review.effects, key=lambda group: group.first.aspect):
        lines += ["", _heading_of(aspect)]
        for group in groups:
            first, *others = _sentence(group)
            lines += [f"  {group.first.sign} {first}", *(f"      {line}" for line in others)]
    if review.approvers is not None:
        lines += ["", "needs the approval of" if review.approvers else "needs nobody's approval"]
        for approver in review.approvers:
            lines += [f"  {safe(approver.owner)}", *(f"      {cut(reason)}" for reason in approver.reasons)]
    for change in diff.groups if objects else ():
        lines += ["", f"{_SIGNS[change.first.action]} {title(change)}"]
        lines += [f"    in {_places(change)}"]
        lines += [f"    {line}" for line in details(change.first)]
    if color:
        lines = [_painted(line) for line in lines]
    return "\n".join(lines) + "\n"


def _heading_of(aspect: Aspect) -> str:
    return aspect.value + (f" ({UNKNOWN[aspect]})" if aspect in UNKNOWN else "")


def _places(group: ChangeGroup) -> str:
    return places(at(change) for change in group.changes)


def _sentence(group: EffectGroup) -> Iterator[str]:
    """What it is, where, and the plan."""
    alike = f" (and {group.alike} alike)" if group.alike else ""
    yield f"{cut(group.first.text, _SENTENCE)}{alike}"
    by_note: dict[str, list[str]] = {}
    for effect in group.effects:
        by_note.setdefault(effect.note, []).append(safe(str(effect.where)))
    for note, where in list(by_note.items())[:_NOTES]:
        yield f"in {places(where)}" + (f": {safe(note)}" if note else "")
    if len(by_note) > _NOTES:
        yield f"in {sum(map(len, list(by_note.values())[_NOTES:]))} more places"
    if group.first.plan:
        yield f"plan: {safe(group.first.plan)}"


def markdown(review: Review, *, limit: int = LIMIT) -> str:
    """For a pull request: counts and dangers first; what does not fit is shortened, then counted."""
    diff = review.diff
    head = _head(review, limit)
    # Room for the note that says what was cut.
    room = limit - len(head) - 200
    meaning, left_out = _meaning(review.effects, int(room * _MEANING))
    room -= len(meaning)
    parts: list[str] = [meaning]
    shortened = hidden = 0
    fulls = [_block(group) for group in diff.groups]
    shorts = [f"- {_heading(group, _plain)}\n" for group in diff.groups]
    rest = sum(map(len, shorts))
    for full, short in zip(fulls, shorts, strict=True):
        rest -= len(short)
        if len(full) + rest <= room:
            chosen = full
        elif len(short) <= room:
            chosen = short
            shortened += 1
        else:
            hidden += 1
            continue
        parts.append(chosen)
        room -= len(chosen)
    if shortened or hidden or left_out:
        effects = f"{left_out} effects and " if left_out else ""
        parts.append(
            f"\n_Too long for a comment: {shortened} groups without their fields, {effects}{hidden} not shown._"
        )
        parts.append(" _`phoenix diff` shows all._\n")
    return head + "".join(parts)


def _head(review: Review, limit: int) -> str:
    """What is never folded; each part has its share of the room, so that the next ones are seen, too."""
    diff = review.diff
    lines = [MARKER, f"**{summary(diff)}**"]
    if diff.deletes:
        lines.append("\n> [!CAUTION]\n> These go, with what they hold:")
        gone = [f"> - {c.kind} {code(cut(c.place.name))} in {code(cut(at(c)))}" for c in diff.deletes]
        lines += _fitting(gone, limit // 6, "> - and {} more")
    dangers = [f"> - {_item(group)}" for group in review.effects if group.first.sign == "!"]
    if dangers:
        lines.append("\n> [!WARNING]\n> Look at these before you merge:")
        lines += _fitting(dangers, limit // 6, "> - and {} more")
    if review.approvers is not None:
        lines.append("\nNeeds the approval of:" if review.approvers else "\nNeeds nobody's approval.")
        lines += _fitting([_asked(one) for one in review.approvers], limit // 8, "- and {} more")
    if diff.groups:
        lines.append("\n| environment | added | changed | removed |\n|---|---|---|---|")
        lines += _fitting([_row(diff, name) for name in diff.environments], limit // 8, "| and {} more | | | |")
        lines.append("")
    return "\n".join(lines) + "\n"


def _fitting(lines: Sequence[str], room: int, more: str) -> list[str]:
    """As many lines as fit, and how many did not."""
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept if len(kept) == len(lines) else [*kept, more.format(len(lines) - len(kept))]


def _asked(approver: Approver) -> str:
    first, *others = approver.reasons
    more = f", and {count(len(others), 'more reason')}" if others else ""
    return f"- {code(approver.owner)}: {_prose(cut(first), _plain)}{more}"


def _row(diff: TreeDiff, environment: str) -> str:
    counts = (str(diff.count(action, environment)) for action in reversed(Action))
    return f"| {code(cut(environment))} | {' | '.join(counts)} |"


def _meaning(effects: Iterable[EffectGroup], room: int) -> tuple[str, int]:
    """Each aspect folded, within so many characters; and how many effects found no place."""
    parts: list[str] = []
    left_out = 0
    for aspect, found in groupby(effects, key=lambda group: group.first.aspect):
        groups = list(found)
        signs = Counter(group.first.sign for group in groups)
        counts = ", ".join(f"{signs[sign]} {sign}" for sign in _COLOURS if signs[sign])
        unknown = f"_{_plain(UNKNOWN[aspect])}_\n\n" if aspect in UNKNOWN else ""
        head = f"<details><summary>{aspect.value}: {counts}</summary>\n\n{unknown}"
        foot = "\n</details>\n"
        room -= len(head) + len(foot)
        lines: list[str] = []
        for group in groups:
            line = f"- {group.first.sign.replace('-', '&minus;').replace('+', '&plus;')} {_item(group)}\n"
            if len(line) > room:
                left_out += 1
                continue
            room -= len(line)
            lines.append(line)
        if lines:
            parts += [head, *lines, foot]
    return "".join(parts), left_out


def _item(group: EffectGroup) -> str:
    """An effect as one line of Markdown."""
    what, *rest = _sentence(group)
    return _prose("; ".join([f"{what} {rest[0]}", *rest[1:]]), _plain)


def _prose(line: str, plain: Callable[[str], str]) -> str:
    """A sentence of ours with strangers' values in `backticks`: those become code, nothing else is markup."""
    parts = line.split("`")
    if len(parts) % 2 == 0:
        return code(line)
    return "".join(code(part) if index % 2 else plain(part) for index, part in enumerate(parts))


def _plain(value: str) -> str:
    return re.sub(r"([\\*_\[\]|@#~])", r"\\\1", html.escape(value, quote=False))


def _heading(group: ChangeGroup, plain: Callable[[str], str]) -> str:
    """A group's title in HTML or Markdown, as `plain` escapes for it: inside of HTML nothing undoes a backslash."""
    sign = _SIGNS[group.first.action].replace("-", "&minus;").replace("+", "&plus;")
    return f"{sign} {_prose(title(group), plain)}"


def _block(group: ChangeGroup) -> str:
    body = [f"in {_places(group)}", *details(group.first)]
    fence = "`" * max(3, 1 + max((len(run) for line in body for run in re.findall("`+", line)), default=0))
    lines = "\n".join(line.replace("\n", " ") for line in body)
    return f"<details><summary>{_heading(group, html.escape)}</summary>\n\n{fence}diff\n{lines}\n{fence}\n</details>\n"


def _painted(line: str) -> str:
    sign = line.lstrip()[:1]
    return f"\x1b[{_COLOURS[sign]}m{line}\x1b[0m" if sign in _COLOURS else line
