"""When an SLO's alerts fire: the time from the first bad event of a clean history, and tests that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql import syntax
from phoenix_gitops.rules import slo as meant
from phoenix_gitops.rules.group import Alert
from phoenix_gitops.rules.slo import Tier
from phoenix_gitops.ruletests.case import RuleTest, Value, rule_key, selects
from phoenix_gitops.ruletests.inputs import Input, evaluator, inputs, selected
from phoenix_gitops.ruletests.traces import Trace, counter, figure, span

DAY = 86_400
SHARES = (1.0, 0.1)
"""Shares of errors whose detection is shown and told."""

_PER_STEP = 2520.0
"""Events a step, shared equally among series: whole numbers for up to ten of them."""
_STEPS = {"page": 15, "ticket": 60}
_HISTORY = {"page": 6 * 3600, "ticket": 3 * DAY}


@dataclass(frozen=True, slots=True)
class Detection:
    """An alert fires so many seconds after errors begin; `exact` is the time with samples at every moment."""

    share: float
    exact: float
    tier: Tier


def detection(slo: SLO, severity: str, share: float) -> Detection | None:
    """When an alert of this severity fires at a constant share of errors, or None where it never does.

    Between errors' begin and firing lie factor x budget x long / share seconds, and at most one scrape and one
    evaluation more.
    """
    found = [
        Detection(share, float(limit) * milliseconds(tier.long) / 1000 / share, tier)
        for tier in meant.tiers(slo)
        if tier.severity == severity
        for limit in [meant.factor(tier, slo.spec.window) * Fraction(meant.budget(slo))]
        if limit < share
    ]
    return min(found, key=lambda one: one.exact, default=None)


def detections(slo: SLO, alerts: Sequence[Alert]) -> Iterator[RuleTest]:
    """End to end, from counters to alerts: at 100 % and at 10 % errors, and one sample too early."""
    indicator = slo.spec.indicator.ratio
    if indicator is None:
        return
    errors, total = (meant.expression(slo, text) for text in (indicator.errors, indicator.total))
    found = tuple(one for one in inputs((errors, total)) if one.wanted)
    bad = selected(errors, found)
    if not bad or len(bad) == len(found) or not _adds_up(errors, total, found, bad):
        return
    for alert in alerts:
        for share in SHARES:
            if detection(slo, alert.labels["burn"], share) is not None:
                yield from _detected(slo, alert, share, found, bad)


def _adds_up(errors: str, total: str, found: Sequence[Input], bad: frozenset[int]) -> bool:
    """Whether what only the total reads is good events: then errors are that share of all that they look like."""
    given = [(one, counter([(2.0 if i in bad else 6.0, 7)], first=1e6)) for i, one in enumerate(found)]
    seen = evaluator(given, 60)
    wrong, whole = (seen.vector(syntax.parse(text), 360_000) for text in (errors, total))
    if set(wrong) != {()} or set(whole) != {()}:
        return False
    return abs(whole[()] / wrong[()] - _weight(found, bad, 2.0, 6.0)) < 1e-6


def _weight(found: Sequence[Input], bad: frozenset[int], wrong: float, right: float) -> float:
    part = wrong * len(bad)
    return (part + right * (len(found) - len(bad))) / part


def _detected(slo: SLO, alert: Alert, share: float, found: Sequence[Input], bad: frozenset[int]) -> Iterator[RuleTest]:
    severity = alert.labels["burn"]
    step, history = _STEPS[severity], _HISTORY[severity]
    at = -(-(history + 2 * step) // DAY) * DAY
    elapsed = _steps_until(slo, severity, share, step)
    if elapsed is None:
        return
    exact = detection(slo, severity, share)
    assert exact is not None
    for count, fires in ((elapsed, True), (elapsed - 1, False)):
        if count < 0:
            continue
        yield RuleTest(
            name=f"{rule_key(alert)} {'fires' if fires else 'is silent'} {span(count * step)} after the first error of "
            f"{figure(share * 100)} % (computed: {exact.exact:.5g} s)",
            covers=frozenset({rule_key(alert)}),
            series={
                one.series: _history(share, count, history // step + 4, at // step, bad=len(bad))
                if i in bad
                else _history(share, count, history // step + 4, at // step, good=len(found) - len(bad))
                for i, one in enumerate(found)
            },
            values=(Value(at=at, expr=f"count({selects(alert)}) or vector(0)", samples={"{}": 1.0 if fires else 0.0}),),
            step=step,
            every=DAY,
            differs="rates over a range do not extrapolate in VictoriaMetrics",
        )


def _history(share: float, count: int, length: int, last: int, *, good: int = 0, bad: int = 0) -> Trace:
    """One of so many counters of good or of bad events up to sample `last`, `count` steps after errors begin."""
    clean, then = (0.0, share / bad) if bad else (1.0 / good, (1.0 - share) / good)
    slopes = [(clean * _PER_STEP, length - count), (then * _PER_STEP, count + 1)]
    return counter([pair for pair in slopes if pair[1]], first=1e9, missing=last - length)


def _steps_until(slo: SLO, severity: str, share: float, step: int) -> int | None:
    """The steps after which both windows of a pair are past their limit: a window of n samples holds n - 1 steps."""
    found = []
    for tier in meant.tiers(slo):
        limit = float(meant.factor(tier, slo.spec.window)) * float(meant.budget(slo))
        if tier.severity != severity or limit >= share:
            continue
        within = [milliseconds(window) // (1000 * step) - 1 for window in (tier.long, tier.short)]
        count = 0
        while any(share * min(count, n) / n <= limit for n in within):
            count += 1
        found.append(count)
    return min(found, default=None)
