"""Tests of SLOs, layer by layer: the indicator over its windows, what is left of the budget, and the alerts.

Everything is evaluated once a day: a test has its samples where the windows look, so that the longest costs no more
than the shortest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.rules import slo as meant
from phoenix_gitops.rules.group import Alert, Record, Rule
from phoenix_gitops.rules.slo import Tier
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.rules.terms import number
from phoenix_gitops.ruletests.alarm import Level, alarm, phases
from phoenix_gitops.ruletests.burning import detections
from phoenix_gitops.ruletests.case import RuleTest, Value, rounded, rule_key, selects
from phoenix_gitops.ruletests.context import above
from phoenix_gitops.ruletests.indicators import bad_test, ratio_tests
from phoenix_gitops.ruletests.traces import Trace, flat, labelled, plateaus

DAY = 86_400
_QUARTER = 21_600
_FINE, _COARSE = 60, 600
_FINE_WINDOWS = 7_200
"""Windows up to this are shown by samples of a minute, longer ones by samples of ten."""


def slo_tests(slo: SLO, rules: Sequence[Rule]) -> Iterator[RuleTest]:
    """The tests of an SLO; `rules` are those of its groups. Raises `UnknownHereError` of its indicator."""
    records = [rule for rule in rules if isinstance(rule, Record)]
    if slo.spec.indicator.threshold is not None:
        yield bad_test(slo, next(rule for rule in records if rule.record == meant.BAD))
        yield from _shares_of_time(slo, records)
    else:
        yield from ratio_tests(slo, records)
    yield _constants(slo, records)
    yield _current(slo, records)
    yield _period(slo, records)
    if slo.spec.indicator.ratio is not None:
        yield _idle(slo, records)
    for alert in rules:
        if isinstance(alert, Alert):
            for tier in meant.tiers(slo):
                if tier.severity == alert.labels["burn"]:
                    yield from _tier(slo, alert, tier)
    yield from detections(slo, [rule for rule in rules if isinstance(rule, Alert)])


def _shares_of_time(slo: SLO, records: Sequence[Record]) -> Iterator[RuleTest]:
    """The indicator is bad in other shares of each window."""
    bad = labelled(meant.BAD, meant.identity(slo))
    for step, at in ((_FINE, DAY), (_COARSE, 4 * DAY)):
        mine = [w for w in meant.windows(slo) if (milliseconds(w) <= _FINE_WINDOWS * 1000) == (step == _FINE)]
        if not mine:
            continue
        last = at // step
        lengths = [milliseconds(window) // (1000 * step) for window in mine]
        trace = bad_from_time_to_time(lengths, last)
        seen = [0.0 if value is None else value for value in trace.samples()]
        values = []
        covers = set()
        for window, length in zip(mine, lengths, strict=True):
            rule = next(rule for rule in records if rule.record == meant.ratio(window))
            within = seen[last - length + 1 : last + 1]
            covers.add(rule_key(rule))
            samples = {labelled("", rule.labels): rounded(sum(within) / len(within))}
            values.append(Value(at=at, expr=f"round({selects(rule)}, 0.000001)", samples=samples))
        yield RuleTest(
            name=f"{slo.metadata.name}: the share of bad time in {', '.join(mine)}",
            covers=frozenset(covers),
            series={bad: trace, labelled(meant.BAD, {**meant.identity(slo), "slo": "other"}): flat(1, last + 1)},
            values=tuple(values),
            step=step,
            every=DAY,
        )


def bad_from_time_to_time(lengths: Sequence[int], last: int) -> Trace:
    """A gauge of 0 and 1 up to sample `last`: within each window the older part is bad by other shares."""
    runs: list[tuple[float | None, int]] = [(1.0, last - max(lengths) + 1)]
    ordered = sorted(lengths, reverse=True)
    for length, inner in zip(ordered, [*ordered[1:], 0], strict=True):
        part = length - inner
        runs += [(0.0, part - max(1, part // 3)), (1.0, max(1, part // 3))]
    return plateaus(runs)


def _constants(slo: SLO, records: Sequence[Record]) -> RuleTest:
    spec = slo.spec
    known = {
        "slo:objective:ratio": spec.objective,
        "slo:error_budget:ratio": float(1 - Decimal(str(spec.objective))),
        "slo:time_period:days": milliseconds(spec.window) / (DAY * 1000),
        "slo:info": 1.0,
    }
    mine = [rule for rule in records if rule.record in known]
    facts = {**meant.identity(slo), "owner": slo.metadata.owner, "window": spec.window}
    values = []
    for rule in mine:
        labels = facts if rule.record == "slo:info" else meant.identity(slo)
        values.append(Value(at=0, expr=selects(rule), samples={labelled(rule.record, labels): known[rule.record]}))
    return RuleTest(
        name=f"{slo.metadata.name}: what was agreed",
        covers=frozenset(map(rule_key, mine)),
        series={},
        values=tuple(values),
        every=DAY,
    )


def _current(slo: SLO, records: Sequence[Record]) -> RuleTest:
    rule = next(rule for rule in records if rule.record == "slo:current_burn_rate:ratio")
    allowed = float(meant.budget(slo))
    others = _others(slo)
    return RuleTest(
        name=f"{rule_key(rule)}: three times as many errors as the budget has",
        covers=frozenset({rule_key(rule)}),
        series={
            labelled(meant.ratio("5m"), meant.identity(slo)): flat(3 * allowed, 1),
            **{labelled(meant.ratio("5m"), other): flat(9 * allowed, 1) for other in others},
        },
        values=(
            Value(at=0, expr=f"round({selects(rule)}, 0.000001)", samples={labelled("", meant.identity(slo)): 3.0}),
            Value(at=0, expr=f"count({rule.record})", samples={"{}": 1}),
        ),
        every=DAY,
    )


def _others(slo: SLO) -> tuple[dict[str, str], ...]:
    """What differs from an SLO's own labels in one of those by which its series are selected."""
    own = meant.identity(slo)
    return tuple({**own, label: "other"} for label in ("slo", LABEL) if label in own)


def _period(slo: SLO, records: Sequence[Record]) -> RuleTest:
    """Weighted by traffic: little traffic with many errors at first, then much with few."""
    length = milliseconds(slo.spec.window) // (1000 * _QUARTER)
    # The sample at the window's very begin is outside, as are those before it.
    early, late = length // 3, length - length // 3
    allowed, labels = float(meant.budget(slo)), meant.identity(slo)
    series: dict[str, Trace] = {}
    for who, factor in ((labels, 1.0), *((other, 7.0) for other in _others(slo))):
        if slo.spec.indicator.threshold is not None:
            series[labelled(meant.BAD, who)] = plateaus([(1.0 * factor, 5), (1.0 * factor, early), (0.0, late)])
        else:
            errors = plateaus([(9.0 * factor, 5), (4.0 * factor, early), (2.0 * factor, late)])
            series[labelled(meant.ERRORS, who)] = errors
            series[labelled(meant.TOTAL, who)] = plateaus([(10.0, 5), (10.0, early), (1000.0, late)])
    if slo.spec.indicator.threshold is not None:
        spent = early / length
    else:
        spent = (4 * early + 2 * late) / (10 * early + 1000 * late)
    burnt = spent / allowed
    known = {"slo:period_burn_rate:ratio": burnt, "slo:period_error_budget_remaining:ratio": 1 - burnt}
    mine = [rule for rule in records if rule.record in known]
    # Five samples lie before the window, so its last is at the window's length and four more steps.
    at = milliseconds(slo.spec.window) // 1000 + 4 * _QUARTER
    assert at % DAY == 0
    return RuleTest(
        name=f"{slo.metadata.name}: what the last {slo.spec.window} have used of the budget",
        covers=frozenset(map(rule_key, mine)),
        series=series,
        values=tuple(
            Value(
                at=at,
                expr=f"round({selects(rule)}, 0.000001)",
                samples={labelled("", labels): rounded(known[rule.record])},
            )
            for rule in mine
        ),
        step=_QUARTER,
        every=DAY,
    )


def _idle(slo: SLO, records: Sequence[Record]) -> RuleTest:
    mine = [rule for rule in records if rule.record.startswith("slo:period_")]
    labels = meant.identity(slo)
    return RuleTest(
        name=f"{slo.metadata.name}: without an event nothing is known of the last {slo.spec.window}",
        covers=frozenset(map(rule_key, mine)),
        series={labelled(name, labels): flat(0, 1) for name in (meant.ERRORS, meant.TOTAL)},
        values=tuple(Value(at=0, expr=selects(rule), samples={}) for rule in mine),
        every=DAY,
    )


def _tier(slo: SLO, alert: Alert, tier: Tier) -> Iterator[RuleTest]:
    """Both windows of a pair must burn too fast, whichever passes its limit last."""
    labels = meant.identity(slo)
    limit = float(number(meant.factor(tier, slo.spec.window))) * float(meant.budget(slo))
    beyond = {labelled(meant.ratio(w), other): 1e3 for w in (tier.short, tier.long) for other in _others(slo)}
    for last, first in ((tier.long, tier.short), (tier.short, tier.long)):
        series: dict[str, Level] = {
            **beyond,
            labelled(meant.ratio(last), labels): (limit, above(limit)),
            labelled(meant.ratio(first), labels): above(limit),
        }
        says = f"over {float(meant.factor(tier, slo.spec.window)):.4g} times the budget in {first}, then in {last}"
        yield alarm(alert, series, labels, above(limit), says=says, found=phases(alert, coarse=DAY))
