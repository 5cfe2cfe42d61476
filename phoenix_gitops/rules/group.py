"""Rule groups as values, and the plain form that Prometheus and vmalert both read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A recording rule."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The rule as a rule file holds it."""
        return {"record": self.record, "expr": self.expr, **({"labels": dict(self.labels)} if self.labels else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule. `hold` is how long it must be true before it fires, `keep` how long it fires afterwards."""

    alert: str
    expr: str
    hold: str = "0s"
    keep: str = "0s"
    severity: str
    summary: str
    description: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Further ones, which do not stand before those above."""

    def plain(self) -> dict[str, Any]:
        """The rule as a rule file holds it."""
        annotations = {**self.annotations, "summary": self.summary}
        if self.description:
            annotations["description"] = self.description
        if self.runbook:
            annotations["runbook_url"] = self.runbook
        rule: dict[str, Any] = {"alert": self.alert, "expr": self.expr}
        if self.hold != "0s":
            rule["for"] = self.hold
        if self.keep != "0s":
            rule["keep_firing_for"] = self.keep
        return {**rule, "labels": {**self.labels, "severity": self.severity}, "annotations": annotations}


Rule = Record | Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated together, in order. No rule may need what another of its group records just before.

    vmalert writes results asynchronously, so only Prometheus sees them within a group: what builds on a record
    stands in a later group.
    """

    name: str
    interval: str
    rules: tuple[Rule, ...]

    def plain(self) -> dict[str, Any]:
        """The group as a rule file holds it."""
        return {"name": self.name, "interval": self.interval, "rules": [rule.plain() for rule in self.rules]}

    @property
    def records(self) -> tuple[Record, ...]:
        """Its recording rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Record))


def group(name: str, interval: str, rules: Iterable[Rule]) -> tuple[Group, ...]:
    """A group of these rules, or nothing where there are none."""
    held = tuple(rules)
    return (Group(name=name, interval=interval, rules=held),) if held else ()
