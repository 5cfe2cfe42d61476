"""Rule groups of Prometheus and VictoriaMetrics: a RuleSet each, whose rules say what they said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Span
from phoenix_gitops.document import Path
from phoenix_gitops.importing.drafts import Draft, Taken, changed, left, slug, unique
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.model.base import DURATION_PATTERN, LABEL_VALUE_PATTERN

SEVERITIES = ("critical", "warning", "info")
MAX_EXPRESSION = 4000
MAX_LABEL = 63

_GROUP_KEYS = frozenset({"name", "interval", "rules", "labels"})
_OTHER_MEANING = frozenset({"tenant", "type", "params", "headers", "extra_filter_labels"})
"""Keys of a vmalert group that change what its expressions read."""
_RULE_KEYS = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
_RECORD = re.compile("[a-zA-Z_:][a-zA-Z0-9_:]*")
_ALERT = re.compile("[A-Za-z][A-Za-z0-9_]*")
_ANNOTATION = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


class _Left(Exception):  # noqa: N818 (control flow, not an error)
    """A rule that cannot be carried over; the message says why."""

    def __init__(self, span: Span, why: str, help: str = "") -> None:
        super().__init__(why)
        self.span, self.why, self.help = span, why, help


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where RuleSets go, whose they are, and what severities of others are here."""

    folder: str
    owner: str
    tenant: str | None = None
    severities: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    """MiB that a collector's container may use, where its config does not say it."""


@dataclass(slots=True)
class _Set:
    """A RuleSet under construction: no two of its rules share a name."""

    records: list[tuple[dict[str, Any], Span]] = field(default_factory=list)
    alerts: list[tuple[dict[str, Any], Span]] = field(default_factory=list)

    def takes(self, rule: Mapping[str, Any]) -> bool:
        key, held = ("record", self.records) if "record" in rule else ("alert", self.alerts)
        return all(other[key] != rule[key] for other, _ in held)

    def add(self, rule: dict[str, Any], span: Span) -> None:
        (self.records if "record" in rule else self.alerts).append((rule, span))


def take(document: Node, aim: Aim, names: set[str]) -> Taken:
    """The RuleSets of a rule file, or of an object that holds `spec.groups`; `names` grows by theirs."""
    spec = document if document.get("groups") is not None else document.get("spec")
    groups = spec.items("groups") if spec is not None else []
    held = document.text("metadata", "name")
    taken = Taken()
    for node in groups:
        taken += _group(node, aim, names, held)
    if not groups:
        taken += Taken(notes=(left(document.span, "a document", "its `groups` is no list, or empty"),))
    return taken


def _group(node: Node, aim: Aim, names: set[str], held: str) -> Taken:
    title = node.text("name")
    what = f"group `{title}`"
    notes: list[Diagnostic] = []
    if odd := sorted(_OTHER_MEANING & node.entries().keys()):
        return Taken(notes=(left(node.span, what, f"`{odd[0]}` changes what its expressions read"),))
    interval = node.text("interval")
    if interval and re.fullmatch(DURATION_PATTERN, interval) is None:
        return Taken(notes=(left(node.span, what, f"its interval `{interval}` is not of the form `1m30s`"),))
    for key in sorted(node.entries().keys() - _GROUP_KEYS):
        notes.append(changed(node.entries()[key].span, f"`{key}` of {what} is not carried over; its rules are"))
    name = slug(title) or slug(held)
    if not name:
        return Taken(notes=(left(node.span, what, "nothing of its name can stand in a policy's"),))
    sets: list[_Set] = []
    for item in node.items("rules"):
        try:
            rule = _rule(item, node.texts("labels") or {}, aim, notes)
        except _Left as gone:
            notes.append(left(gone.span, _title(item), gone.why, gone.help))
            continue
        chosen = next((one for one in sets if one.takes(rule)), None)
        if chosen is None:
            chosen = _Set()
            sets.append(chosen)
        chosen.add(rule, item.span)
    return Taken(tuple(_draft(one, aim, unique(name, names), interval) for one in sets), tuple(notes))


def _draft(one: _Set, aim: Aim, name: str, interval: str) -> Draft:
    spec: dict[str, Any] = {"tenant": aim.tenant} if aim.tenant else {}
    if interval:
        spec["interval"] = interval
    sources: dict[Path, Span] = {}
    for key, held in (("records", one.records), ("alerts", one.alerts)):
        if held:
            spec[key] = [rule for rule, _ in held]
            sources |= {("spec", key, i): span for i, (_, span) in enumerate(held)}
    file = f"{aim.folder}/rules/{name}.yaml"
    return Draft(kind="RuleSet", name=name, owner=aim.owner, spec=spec, file=file, sources=sources)


def _title(item: Node) -> str:
    alert, record = item.text("alert"), item.text("record")
    return f"alert `{alert}`" if alert else f"record `{record}`" if record else "a rule"


def _rule(item: Node, shared: Mapping[str, str], aim: Aim, notes: list[Diagnostic]) -> dict[str, Any]:
    """The rule as a RuleSet holds it; raises `_Left`."""
    if bool(item.text("alert")) == bool(item.text("record")):
        raise _Left(item.span, "it needs a name, as `alert` or as `record`")
    for key in sorted(item.entries().keys() - _RULE_KEYS):
        notes.append(changed(item.entries()[key].span, f"`{key}` of {_title(item)} is not carried over; the rule is"))
    expr = item.text("expr").strip()
    if not expr:
        raise _Left(item.span, "it has no `expr`")
    if len(expr) > MAX_EXPRESSION:
        raise _Left(item.span, f"its expression has {len(expr):,} characters, {MAX_EXPRESSION:,} are allowed")
    labels = {**shared, **_labels(item)}
    if item.text("record"):
        return _record(item, expr, labels)
    return _alert(item, expr, labels, aim, notes)


def _record(item: Node, expr: str, labels: dict[str, str]) -> dict[str, Any]:
    name = item.text("record")
    if _RECORD.fullmatch(name) is None:
        raise _Left(item.span, "a RuleSet records names of letters, digits, `_` and `:`")
    return {"record": name, "expr": expr, **_carried(item, labels)}


def _alert(
    item: Node, expr: str, labels: dict[str, str], aim: Aim, notes: list[Diagnostic]
) -> dict[str, Any]:  # fmt: skip
    name = item.text("alert")
    if _ALERT.fullmatch(name) is None:
        raise _Left(item.span, "a RuleSet's alerts have names of letters, digits and `_`")
    rule: dict[str, Any] = {"alert": name, "expr": expr, "severity": _severity(item, labels, aim, notes)}
    for key, field_ in (("for", "for"), ("keep_firing_for", "keepFiringFor")):
        length = _duration(item, key)
        if length != "0s":
            rule[field_] = length
    annotations = _annotations(item)
    if "summary" not in annotations:
        notes.append(changed(item.span, f"alert `{name}` has no annotation `summary` and gets its name as one"))
    rule["summary"] = annotations.pop("summary", name)
    if annotations.get("runbook_url"):
        rule["runbook"] = annotations.pop("runbook_url")
    if annotations:
        rule["annotations"] = annotations
    return {**rule, **_carried(item, labels)}


def _severity(item: Node, labels: dict[str, str], aim: Aim, notes: list[Diagnostic]) -> str:
    """The severity, which is a field of its own; taken out of the labels."""
    written = labels.pop("severity", "")
    meant = aim.severities.get(written, written)
    if meant not in SEVERITIES:
        why = f"its severity is `{written}`" if written else "it has no label `severity`"
        raise _Left(item.span, why, f"say what it is here: `--severity {written}=critical`, `warning` or `info`")
    if meant != written:
        notes.append(changed(item.span, f"alert `{item.text('alert')}` has severity `{meant}` instead of `{written}`"))
    return meant


def _duration(item: Node, key: str) -> str:
    written = item.text(key)
    if written in {"", "0"}:
        return "0s"
    if re.fullmatch(DURATION_PATTERN, written) is None:
        raise _Left(item.span, f"its `{key}` is `{written}`, which is not of the form `1m30s`")
    return written


def _labels(item: Node) -> dict[str, str]:
    labels = item.texts("labels")
    if labels is None:
        raise _Left(item.span, "a label of it is a mapping or list")
    return labels


def _annotations(item: Node) -> dict[str, str]:
    annotations = item.texts("annotations")
    if annotations is None:
        raise _Left(item.span, "an annotation of it is a mapping or list")
    odd = next((key for key in annotations if _ANNOTATION.fullmatch(key) is None), None)
    if odd is not None:
        raise _Left(item.span, f"`{odd}` is no name for an annotation")
    return annotations


def _carried(item: Node, labels: Mapping[str, str]) -> dict[str, Any]:
    """The labels, where a RuleSet can have them."""
    for key, value in labels.items():
        if len(value) > MAX_LABEL or re.fullmatch(LABEL_VALUE_PATTERN, value) is None:
            why = "it is a template" if "{{" in value else f"it is no label value of at most {MAX_LABEL} characters"
            raise _Left(item.span, f"of its label `{key}`, `{value[:60]}`, {why}")
    return {"labels": dict(labels)} if labels else {}


def rules_of(drafts: tuple[Draft, ...]) -> Iterator[dict[str, Any]]:
    """Every record and alert of RuleSets."""
    for draft in drafts:
        if draft.kind == "RuleSet":
            yield from draft.spec.get("records", ())
            yield from draft.spec.get("alerts", ())
