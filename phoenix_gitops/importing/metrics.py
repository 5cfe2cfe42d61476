"""A draft of the MetricCatalog that imported rules need: metrics that nothing here emits, with guessed types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from phoenix_gitops.importing.drafts import Draft
from phoenix_gitops.importing.rules import Aim, rules_of
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.check import COUNTER_FUNCTIONS
from phoenix_gitops.promql.rewrite import windowed
from phoenix_gitops.promql.syntax import PromQLError
from phoenix_gitops.rules.lint import RESERVED

_CLAUSE = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_SERIES = ("ALERTS", "ALERTS_FOR_STATE")
_PARTS = ("_bucket", "_sum", "_count")
_COMMENT = (
    "A draft by `phoenix import`: metrics that imported rules and SLOs read and nothing here emits or records.",
    "Types are guessed, from names and from how they are read; labels are all that expressions name beside them.",
    "Check each, then take this comment out.",
)


class _Joined:
    """Metrics that meet in an expression share one set of labels: else their joins would seem to be in vain."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._labels: dict[str, set[str]] = {}
        self.functions: dict[str, set[str]] = {}

    def _root(self, name: str) -> str:
        path = []
        while (parent := self._parent.setdefault(name, name)) != name:
            path.append(name)
            name = parent
        self._parent |= dict.fromkeys(path, name)
        return name

    def add(self, names: Iterable[str], labels: Iterable[str]) -> None:
        roots = {self._root(name) for name in names}
        if roots:
            first = min(roots)
            self._parent |= dict.fromkeys(roots, first)
            merged = set(labels).union(*(self._labels.pop(root, set()) for root in roots))
            self._labels[first] = merged

    def labels(self, name: str) -> set[str]:
        return self._labels.get(self._root(name), set())


def catalog(drafts: tuple[Draft, ...], known: frozenset[str], aim: Aim, name: str) -> Draft | None:
    """The draft of a catalog, or None where all that the RuleSets and SLOs among the drafts read is known."""
    joined = _read(drafts)
    recorded = {rule["record"] for rule in rules_of(drafts) if "record" in rule}
    unknown = {
        metric
        for metric in joined.functions.keys() - known - recorded
        # What only the compiler records cannot be declared; a rule that reads what it does not record is refused.
        if metric not in _SERIES and not metric.startswith(RESERVED)
    }
    metrics = _metrics(unknown, joined)
    if not metrics:
        return None
    spec: dict[str, Any] = {"tenant": aim.tenant} if aim.tenant else {}
    spec["metrics"] = [metric for metric, _ in metrics]
    grounds = tuple(f"{metric['name']}: {metric['type']}, since {why}" for metric, why in metrics)
    return Draft(
        kind="MetricCatalog",
        name=name,
        owner=aim.owner,
        spec=spec,
        file=f"{aim.folder}/metrics/{name}.yaml",
        comment=(*_COMMENT, *grounds),
    )


def _read(drafts: tuple[Draft, ...]) -> _Joined:
    """What the rules read: metrics, the functions that take their ranges, and the labels beside them."""
    joined = _Joined()
    for expression, record in _expressions(drafts):
        try:
            tree = syntax.parse(expression)
        except PromQLError:
            continue  # The lint says so, and the rule is left out.
        labels = {name for part in _CLAUSE.findall(_QUOTED.sub('""', syntax.flat(tree))) for name in _names(part)}
        names = {record} - {""}
        for selector in syntax.selectors(tree):
            labels |= {match.label for match in selector.matches} - {"__name__"}
            if selector.name:
                names.add(selector.name)
                joined.functions.setdefault(selector.name, set()).add(selector.function)
        joined.add(names, labels)
    return joined


def _expressions(drafts: tuple[Draft, ...]) -> Iterator[tuple[str, str]]:
    """(expression, what it is recorded as, or empty) of rules and of the indicators of SLOs."""
    for rule in rules_of(drafts):
        yield rule["expr"], rule.get("record", "")
    for draft in drafts:
        if draft.kind == "SLO":
            indicator = draft.spec["indicator"]
            texts = indicator["ratio"].values() if "ratio" in indicator else (indicator["threshold"]["query"],)
            yield from ((windowed(text), "") for text in texts)


def _names(clause: str) -> list[str]:
    return [name.strip() for name in clause.split(",") if name.strip()]


def _metrics(unknown: Iterable[str], joined: _Joined) -> list[tuple[dict[str, Any], str]]:
    """(metric, why it is of this type), by name."""
    names = set(unknown)
    found: list[tuple[dict[str, Any], str]] = []
    for part in sorted(name for name in names if name.endswith("_bucket") and name != "_bucket"):
        base = part.removesuffix("_bucket")
        members = [base + suffix for suffix in _PARTS if base + suffix in names]
        names -= set(members)
        labels = set[str]().union(*(joined.labels(member) for member in members)) - {"le"}
        found.append((_metric(base, "histogram", labels), "rules read its buckets"))
    for name in sorted(names):
        type_, why = _guess(name, joined.functions)
        found.append((_metric(name, type_, joined.labels(name)), why))
    return sorted(found, key=lambda one: str(one[0]["name"]))


def _guess(name: str, functions: Mapping[str, set[str]]) -> tuple[str, str]:
    read_by = sorted(functions.get(name, set()) & COUNTER_FUNCTIONS)
    if read_by:
        return "counter", f"`{read_by[0]}()` reads it"
    if name.endswith("_total"):
        return "counter", "its name ends in `_total`"
    if name.endswith("_info"):
        return "info", "its name ends in `_info`"
    return "gauge", "nothing tells otherwise"


def _metric(name: str, type_: str, labels: Iterable[str]) -> dict[str, Any]:
    named: dict[str, Any] = {label: {} for label in sorted(labels)}
    return {"name": name, "type": type_, **({"labels": named} if named else {})}
