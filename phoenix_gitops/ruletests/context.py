"""What tests of a rule file start from: the scope, and the file's rules by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from phoenix_gitops.rules.group import Alert, Group, Record, Rule
from phoenix_gitops.ruletests.alarm import Instance
from phoenix_gitops.ruletests.case import MINUTE, RuleTest, Value, rounded, rule_key, selects
from phoenix_gitops.ruletests.traces import Labels, Trace, labelled
from phoenix_gitops.scope import ClusterScope, EnvironmentScope


@dataclass(frozen=True)
class Context:
    """A cluster's scope and the groups of one of its rule files."""

    scope: ClusterScope
    groups: tuple[Group, ...]

    @property
    def env(self) -> EnvironmentScope:
        """The environment's scope."""
        return self.scope.env

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the file."""
        return tuple(rule for group in self.groups for rule in group.rules)

    def beside(self, alert: Alert, labels: Labels, value: float, severity: str) -> tuple[Instance, ...]:
        """The alert of the same name and labels with another severity, firing with the same result."""
        alike = [
            other
            for other in self.rules
            if isinstance(other, Alert) and (other.alert, other.labels) == (alert.alert, alert.labels)
        ]
        return tuple(Instance(other, labels, value) for other in alike if other.severity == severity != alert.severity)


RecordTests = Mapping[str, Callable[[Context, Record], Iterator[RuleTest]]]
AlertTests = Mapping[str, Callable[[Context, Alert], Iterator[RuleTest]]]


def tests_of(context: Context, records: RecordTests | None, alerts: AlertTests) -> Iterator[RuleTest]:
    """The tests of each rule by its name, of alerts alone without `records`.

    A rule that nobody knows here has none; `unknown` names it.
    """
    for rule in context.rules:
        if isinstance(rule, Alert):
            if rule.alert in alerts:
                yield from alerts[rule.alert](context, rule)
        elif records is not None and rule.record in records:
            yield from records[rule.record](context, rule)


def unknown(context: Context, tests: Iterable[RuleTest]) -> tuple[Rule, ...]:
    """The rules of the file that none of these tests is about."""
    shown = frozenset[str]().union(*(test.covers for test in tests))
    return tuple(rule for rule in context.rules if rule_key(rule) not in shown)


def recorded(
    rule: Record,
    series: Mapping[str, Trace],
    results: Mapping[tuple[tuple[str, str], ...], float],
    *,
    at: int,
    says: str,
    exact: bool = False,
    step: int = MINUTE,
    every: int = MINUTE,
    differs: str = "",
) -> RuleTest:
    """The test of a recording rule: its results by their labels (without those of the rule) at a time in seconds.

    Values that come of division or a range are compared to six decimals.
    """
    selected = selects(rule)
    expr, name = (selected, rule.record) if exact else (f"round({selected}, 0.000001)", "")
    samples = {
        labelled(name, {**dict(labels), **rule.labels}) or "{}": value if exact else rounded(value)
        for labels, value in results.items()
    }
    return RuleTest(
        name=f"{rule_key(rule)}: {says}",
        covers=frozenset({rule_key(rule)}),
        series=series,
        values=(Value(at=at, expr=expr, samples=samples),),
        step=step,
        every=every,
        differs=differs,
    )


def by(**labels: str) -> tuple[tuple[str, str], ...]:
    """Labels as a key of results."""
    return tuple(sorted(labels.items()))


def above(limit: float) -> float:
    """A value just past an upper limit: by one where people count, else by a millionth."""
    return limit + _unit(limit)


def below(limit: float) -> float:
    """A value just past a lower limit."""
    return limit - _unit(limit)


def _unit(limit: float) -> float:
    return 1.0 if float(limit).is_integer() and abs(limit) >= 10 else 1e-6 * max(abs(limit), 1e-3)
