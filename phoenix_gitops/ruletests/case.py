"""A test of rules as a value: input series, how often rules are evaluated, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.rules.group import Alert, Rule
from phoenix_gitops.ruletests.traces import Labels, Trace, labelled, span

MINUTE = 60
"""How often most tests evaluate, in seconds: durations of rules are whole minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What an expression gives at a time (seconds); `samples` are all of its results by their labels."""

    at: int
    expr: str
    samples: Mapping[str, float]

    def plain(self) -> dict[str, Any]:
        """As test files hold it."""
        found = [{"labels": labels, "value": number(value)} for labels, value in sorted(self.samples.items())]
        return {"expr": self.expr, "eval_time": span(self.at), "exp_samples": found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which instances of an alert fire at a time, each with its labels and texts; none may be more."""

    at: int
    alert: str
    instances: tuple[tuple[Labels, Labels], ...]

    def plain(self) -> dict[str, Any]:
        """As test files hold it."""
        expected = [
            {"exp_labels": dict(labels), **({"exp_annotations": dict(texts)} if texts else {})}
            for labels, texts in self.instances
        ]
        return {"eval_time": span(self.at), "alertname": self.alert, "exp_alerts": expected}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """One test: series in, expectations out. Times in seconds."""

    name: str
    """Begins with the rule that it is about."""
    covers: frozenset[str]
    """The rules that it shows, by `rule_key`."""
    series: Mapping[str, Trace]
    values: tuple[Value, ...] = ()
    told: tuple[Told, ...] = ()
    step: int = MINUTE
    """Between two samples."""
    every: int = MINUTE
    """Between two evaluations; tests with another one stand in a file of their own."""
    differs: str = ""
    """What VictoriaMetrics does otherwise here; empty where both engines agree."""

    def plain(self) -> dict[str, Any]:
        """As test files hold it."""
        name = f"{self.name} (Prometheus: {self.differs})" if self.differs else self.name
        test: dict[str, Any] = {
            "name": name,
            "interval": span(self.step),
            "input_series": [{"series": s, "values": self.series[s].text} for s in sorted(self.series)],
        }
        if self.told:
            test["alert_rule_test"] = [told.plain() for told in self.told]
        if self.values:
            test["promql_expr_test"] = [value.plain() for value in self.values]
        return test


def rule_key(rule: Rule) -> str:
    """What tells a rule from all others of its file: name and labels, as a selector."""
    name = rule.alert if isinstance(rule, Alert) else rule.record
    severity = {"severity": rule.severity} if isinstance(rule, Alert) else {}
    return labelled(name, {**rule.labels, **severity})


def number(value: float) -> int | float:
    """A whole number without its point."""
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)


def rounded(value: float) -> float:
    """To six decimals, by the arithmetic of PromQL's `round(..., 0.000001)`."""
    inverse = 1 / 0.000001
    shifted = value * inverse + 0.5
    return (shifted // 1) / inverse


def selects(rule: Rule) -> str:
    """A selector of what a rule records, or of the instances of an alert that fire."""
    if isinstance(rule, Alert):
        fires = {"alertname": rule.alert, "alertstate": "firing", **rule.labels, "severity": rule.severity}
        # Of this evaluation alone: an engine may go on seeing what fired a minute ago.
        return f"last_over_time({labelled('ALERTS', fires)}[1s])"
    return labelled(rule.record, rule.labels)
