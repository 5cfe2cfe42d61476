"""Who reads which metric: the rules of policies and the compiler's own, with the labels and values that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from phoenix_gitops.meaning.policies import Held
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.labels import RELABELLING
from phoenix_gitops.promql.rewrite import windowed
from phoenix_gitops.promql.syntax import Match, Node, PromQLError
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.lint import own_groups

_SHOWN_LABEL = re.compile(r"\$labels[.]([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Reader:
    """A rule, as a reviewer knows it, and what it reads."""

    called: str
    expr: str
    texts: str = ""
    """What is shown of its result: labels are named there, too."""

    def reads(self, metric: str, label: str = "", value: str = "", *, left: frozenset[str] = frozenset()) -> bool:
        """Whether it reads a metric; with a label, whether it names that; with a value, whether it asks for that.

        Who reads all that fits a pattern does not miss one metric as long as any fits of those that are `left`.
        """
        return any(
            use.is_of(metric)
            and (label in use.labels if label else not use.is_served(left))
            and (not value or use.asks(label, value))
            for use in uses(self.expr, self.texts)
        )


@dataclass(frozen=True, slots=True)
class Use:
    """A selector, and the labels of its series that the expression around it names."""

    name: str
    pattern: str
    labels: frozenset[str]
    matches: tuple[Match, ...]

    def is_of(self, metric: str) -> bool:
        """Whether the selector can select that metric."""
        return self.name == metric if self.name else bool(self.pattern) and _matches(self.pattern, metric)

    def is_served(self, left: frozenset[str]) -> bool:
        """Whether it reads what fits a pattern, and something of it is left."""
        return not self.name and bool(self.pattern) and _any_matches(self.pattern, left)

    def asks(self, label: str, value: str) -> bool:
        """Whether a matcher wants this value of the label."""
        return any(
            one.value == value if one.op == "=" else one.op == "=~" and _matches(one.value, value)
            for one in self.matches
            if one.label == label
        )


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        # RE2 knows what Python does not: such a pattern is one of whatever it is compared with.
        return True


@cache
def _any_matches(pattern: str, names: frozenset[str]) -> bool:
    return any(_matches(pattern, name) for name in names)


@cache
def uses(expr: str, texts: str = "") -> tuple[Use, ...]:
    """Every selector of an expression; none where it cannot be read."""
    try:
        tree = syntax.parse(windowed(expr))
    except PromQLError:
        return ()
    return tuple(_uses(tree, frozenset(_SHOWN_LABEL.findall(texts))))


def _uses(node: Node, asked: frozenset[str]) -> Iterator[Use]:
    kind = syntax.kind(node)
    if kind == "VectorSelector":
        for one in syntax.selectors(node):
            named = asked | {match.label for match in one.matches if match.label != "__name__"}
            yield Use(one.name, one.name_pattern, named, one.matches)
        return
    inner = asked | _clauses(node, kind)
    if kind == "Call" and node.func.name in RELABELLING:
        inner = _relabelled(node, inner)
    for child in syntax.children(node):
        yield from _uses(child, inner)


def _clauses(node: Node, kind: str) -> frozenset[str]:
    """The labels that `by`, `on` and `group_left` name."""
    modifier = node.modifier if kind in ("AggregateExpr", "BinaryExpr") else None
    if modifier is None:
        return frozenset()
    if kind == "AggregateExpr":
        return _positive(modifier)
    return _positive(modifier.matching) | frozenset(modifier.group_labels or ())


def _positive(clause: Node) -> frozenset[str]:
    """The labels of a clause that needs them: `without` and `ignoring` do not."""
    needs = clause is not None and str(clause.type).rpartition(".")[2] in ("By", "Include")
    return frozenset(clause.labels) if needs else frozenset()


def _relabelled(node: Node, asked: frozenset[str]) -> frozenset[str]:
    """What is asked of the series behind `label_replace` and `label_join`: their sources, not what they make."""
    words = [str(arg.val) for arg in node.args if syntax.kind(arg) == "StringLiteral"]
    made, sources = words[0], words[2:3] if node.func.name == "label_replace" else words[2:]
    return (asked - {made}) | frozenset(sources)


def of_platform(held: Held) -> Iterator[Reader]:
    """The rules that are no tenant's."""
    for group in own_groups(held.env):
        for rule in group.rules:
            if isinstance(rule, Alert):
                yield Reader(f"the platform's alert `{rule.alert}`", rule.expr, rule.summary + rule.description)
            else:
                yield Reader(f"the platform's recording rule `{rule.record}`", rule.expr)
    yield from _of(held.env.slos, held.env.rule_sets)


def of_tenants(held: Held) -> Iterator[tuple[str, Reader]]:
    """The tenants' rules, with the tenant's name."""
    for tenant in held.tenants:
        yield from ((tenant.name, reader) for reader in _of(tenant.slos, tenant.rule_sets))


def _of(slos: Iterable[SLO], rule_sets: Iterable[RuleSet]) -> Iterator[Reader]:
    for slo in slos:
        called, indicator = f"SLO `{slo.metadata.name}`", slo.spec.indicator
        if indicator.ratio is not None:
            yield Reader(called, indicator.ratio.errors)
            yield Reader(called, indicator.ratio.total)
        if indicator.threshold is not None:
            yield Reader(called, indicator.threshold.query)
    for rule_set in rule_sets:
        whose = f"of RuleSet `{rule_set.metadata.name}`"
        for record in rule_set.spec.records:
            yield Reader(f"recording rule `{record.record}` {whose}", record.expr)
        for alert in rule_set.spec.alerts:
            texts = " ".join([alert.summary, alert.runbook, *alert.annotations.values()])
            yield Reader(f"alert `{alert.alert}` {whose}", alert.expr, texts)
