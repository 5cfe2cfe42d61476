"""Rules as they are evaluated, and SLOs read from theirs: objectives, windows and indicators that change."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from phoenix_gitops.meaning.base import Aspect, Cluster, Effect
from phoenix_gitops.meaning.thresholds import Figures, Tendency, tendency
from phoenix_gitops.rules.slo import BAD

SIGNS: Final = {Tendency.LOOSER: "!", Tendency.TIGHTER: "+", Tendency.UNKNOWN: "~"}
_OBJECTIVE: Final = "slo:objective:ratio"
_WINDOW: Final = "slo:time_period:days"
SAID: Final = frozenset({_OBJECTIVE, _WINDOW, BAD})
"""Records that say what an SLO promises."""
FOLLOWING: Final = frozenset(
    {
        "slo:current_burn_rate:ratio",
        "slo:error_budget:ratio",
        "slo:period_burn_rate:ratio",
        "slo:period_error_budget_remaining:ratio",
    }
)
"""Records that follow from it: what becomes of them says nothing more."""
_VECTOR = re.compile(r"vector\(([0-9.]+)\)")
_FIGURES: Final = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is evaluated; where it stands is no part of it."""

    namespace: str = field(compare=False)
    name: str
    alert: bool
    expr: str
    hold: str
    keep: str
    labels: tuple[tuple[str, str], ...]
    tenant: str = field(compare=False)

    @property
    def severity(self) -> str:
        """Its label `severity`."""
        return dict(self.labels).get("severity", "")

    @property
    def others(self) -> tuple[tuple[str, str], ...]:
        """The labels without the severity."""
        return tuple(label for label in self.labels if label[0] != "severity")


def threshold(figures: tuple[Figures, ...]) -> str:
    """`threshold 1 -> 2`, or the first few of several; empty without figures."""
    shown = ", ".join(f"{was} -> {now}" for was, now in figures[:_FIGURES])
    more = f" and {len(figures) - _FIGURES} more" if len(figures) > _FIGURES else ""
    return f"threshold{'' if len(figures) == 1 else 's'} {shown}{more}" if figures else ""


def slo_of(rule: Rule) -> tuple[str, str]:
    """The SLO that a rule belongs to: its namespace and name."""
    return rule.namespace, dict(rule.labels).get("slo", "")


def whole(found: Iterable[Rule]) -> dict[tuple[str, str], list[Rule]]:
    """The records of each SLO that comes or goes whole, its objective first: by namespace and name."""
    records: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in found:
        if rule.name.startswith("slo:"):
            records[slo_of(rule)].append(rule)
    return {
        slo: sorted(its, key=lambda rule: rule.name != _OBJECTIVE)
        for slo, its in sorted(records.items())
        if any(rule.name == _OBJECTIVE for rule in its)
    }


def come_or_go(cluster: Cluster, slos: dict[tuple[str, str], list[Rule]], word: str, sign: str) -> Iterator[Effect]:
    """Each of these SLOs, with how many records it takes along; its alerts are told beside it."""
    for slo, records in slos.items():
        promise = records[0]
        objective = _VECTOR.fullmatch(promise.expr.strip())
        of = f", objective {objective[1]}" if objective else ""
        yield Effect(
            aspect=Aspect.ALERTS,
            sign=sign,
            text=f"SLO `{slo[1]}`{_about(promise)} {word}{of}, with {len(records)} recording rules",
            where=cluster.where(slo[0]),
            tenant=promise.tenant,
        )


def _about(rule: Rule) -> str:
    service = dict(rule.labels).get("service", "")
    return f" ({service})" if service else ""


def objectives(cluster: Cluster, matched: Iterable[tuple[Rule, Rule]]) -> Iterator[Effect]:
    """What becomes of each SLO whose promise differs: a lower objective is looser, another window is just another."""
    found: dict[tuple[str, str], list[tuple[Tendency, str]]] = defaultdict(list)
    rules: dict[tuple[str, str], Rule] = {}
    for before, after in matched:
        if after.name not in SAID or before.expr == after.expr:
            continue
        rules[slo_of(after)] = after
        found[slo_of(after)].append(_promise(before, after))
    for slo, parts in sorted(found.items()):
        kinds = {became for became, _ in parts}
        became = kinds.pop() if len(kinds) == 1 else Tendency.UNKNOWN
        yield Effect(
            aspect=Aspect.ALERTS,
            sign=SIGNS[became],
            text=f"SLO `{slo[1]}`{_about(rules[slo])} {became.value}: {', '.join(sorted(shown for _, shown in parts))}",
            where=cluster.where(slo[0]),
            tenant=rules[slo].tenant,
        )


def _promise(before: Rule, after: Rule) -> tuple[Tendency, str]:
    """How one record of an SLO changed, in words."""
    if after.name == BAD:
        became, figures = tendency(before.expr, after.expr)
        return became, threshold(figures) or "its indicator"
    was, now = (_VECTOR.fullmatch(rule.expr.strip()) for rule in (before, after))
    if was is None or now is None:
        return Tendency.UNKNOWN, "its objective" if after.name == _OBJECTIVE else "its window"
    if after.name == _WINDOW:
        return Tendency.UNKNOWN, f"window {was[1]} -> {now[1]} days"
    became = Tendency.LOOSER if float(now[1]) < float(was[1]) else Tendency.TIGHTER
    return became, f"objective {was[1]} -> {now[1]}"
