"""Tests of SLIs: what the indicator's own expressions give, by an evaluator of ours, over every window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.functions import UnknownHereError
from phoenix_gitops.rules import slo as meant
from phoenix_gitops.rules.group import Record
from phoenix_gitops.ruletests.case import RuleTest, Value, rounded, rule_key, selects
from phoenix_gitops.ruletests.inputs import Input, evaluator, inputs, selected
from phoenix_gitops.ruletests.solve import threshold
from phoenix_gitops.ruletests.traces import Trace, counter, flat, labelled, plateaus

DAY = 86_400
_FINE, _COARSE = 60, 600
_FINE_WINDOWS = 7_200
RATES = "rates over a range do not extrapolate in VictoriaMetrics"
_SLOPES = (3, 11, 5, 17, 7, 13)

Results = Mapping[tuple[tuple[str, str], ...], float]


def ratio_tests(slo: SLO, records: Sequence[Record]) -> Iterator[RuleTest]:
    """Known ratios over every window; no error is 0, no event is nothing."""
    indicator = slo.spec.indicator.ratio
    assert indicator is not None
    errors, total = (meant.expression(slo, text) for text in (indicator.errors, indicator.total))
    found = inputs((errors, total))
    bad = selected(errors, found)
    good = [one for i, one in enumerate(found) if i not in bad and one.wanted]
    for step, at in ((_FINE, DAY), (_COARSE, 4 * DAY)):
        mine = [w for w in meant.windows(slo) if (milliseconds(w) <= _FINE_WINDOWS * 1000) == (step == _FINE)]
        if mine:
            look = _Look(tuple(mine), step, at)
            lengths = [milliseconds(window) // (1000 * step) for window in mine]
            given = [(one, _varied(i, lengths, at // step)) for i, one in enumerate(found)]
            yield _ratios(slo, records, look, given, "known ratios")
            given = [(one, _varied(i, lengths, at // step)) for i, one in enumerate(good)]
            yield _ratios(slo, records, look, given, "no error yet is 0")
            if step == _FINE:
                others = [(one, _varied(i, lengths, at // step)) for i, one in enumerate(found) if not one.wanted]
                yield _ratios(slo, records, look, others, "others' events are none")
                given = [(one, flat(1000, at // step + 1)) for one in found if one.wanted]
                yield _ratios(slo, records, look, given, "no event at all is no result")


def _varied(i: int, lengths: Sequence[int], last: int) -> Trace:
    """A counter up to sample `last` whose slope is another one between any two windows' begins."""
    slopes: list[tuple[float, int]] = []
    ordered = sorted(lengths, reverse=True)
    shown = min(last, max(lengths) + 8)
    slopes.append((40.0 + 9 * i, shown - max(lengths) + 1))
    for k, (length, inner) in enumerate(zip(ordered, [*ordered[1:], 0], strict=True)):
        half = (length - inner) // 2
        slopes.append((float(_SLOPES[(i + k) % 6] + i), length - inner - half))
        slopes.append((float(_SLOPES[(2 * i + k + 3) % 6]), half))
    return counter([pair for pair in slopes if pair[1]], first=1_000_000.0, missing=last - shown)


@dataclass(frozen=True, slots=True)
class _Look:
    """Windows that are looked at together: the steps of their samples and when, in seconds."""

    windows: tuple[str, ...]
    step: int
    at: int


def _ratios(
    slo: SLO,
    records: Sequence[Record],
    look: _Look,
    given: Sequence[tuple[Input, Trace]],
    says: str,
) -> RuleTest:
    indicator = slo.spec.indicator.ratio
    assert indicator is not None
    windows, at = look.windows, look.at
    seen = evaluator(given, look.step)
    values, covers = [], set()

    def value(rule: Record, results: Results) -> None:
        samples = {labelled("", {**dict(labels), **rule.labels}): rounded(result) for labels, result in results.items()}
        values.append(Value(at=at, expr=f"round({selects(rule)}, 0.000001)", samples=samples))
        covers.add(rule_key(rule))

    for window in windows:
        errors, total = (
            seen.vector(syntax.parse(meant.expression(slo, text, window)), at * 1000)
            for text in (indicator.errors, indicator.total)
        )
        value(_record(records, meant.ratio(window)), {k: errors.get(k, 0.0) / t for k, t in total.items() if t > 0})
        if window == "5m":
            value(_record(records, meant.ERRORS), {**{k: 0.0 * t for k, t in total.items()}, **errors})
            value(_record(records, meant.TOTAL), total)
    return RuleTest(
        name=f"{slo.metadata.name}: {says} in {', '.join(windows)}",
        covers=frozenset(covers),
        series={one.series: trace for one, trace in given},
        values=tuple(values),
        step=look.step,
        every=DAY,
        differs=RATES,
    )


def _record(records: Sequence[Record], name: str) -> Record:
    return next(rule for rule in records if rule.record == name)


def bad_test(slo: SLO, rule: Record) -> RuleTest:
    """The indicator at its bound, below and above it: bad is what the objective's comparison does not allow."""
    indicator = slo.spec.indicator.threshold
    assert indicator is not None
    query = meant.expression(slo, indicator.query)
    every = inputs((query,))
    found = tuple(one for one in every if one.wanted)
    level = threshold(query, found, indicator.value)
    unit = max(abs(level), 1e-3) * 1e-6
    days = (level - unit, level, level + unit)
    trace = plateaus([(day, 1) for day in days])
    far = 10 + 2 * abs(level)
    given = [(one, trace) for one in found]
    for away in (level + far, level - far):
        # One series decides, if the query lets it: then it shows which one that is.
        tried = [(one, trace if i == 0 else flat(away, len(days))) for i, one in enumerate(found)]
        if evaluator(tried, DAY).vector(syntax.parse(query), DAY * 1000) == {(): indicator.value}:
            given = tried
            break
    for one in every:
        if not one.wanted:
            for which, away in (("high", 1e9), ("low", -1e9)):
                other = Input({**one.labels, "instance": which}, wanted=False)
                given.append((other, flat(away, len(days))))
    seen, values = evaluator(given, DAY), []
    for i in range(len(days)):
        results = seen.vector(syntax.parse(query), i * DAY * 1000)
        if not results:
            raise UnknownHereError("an indicator without a result")
        samples = {
            labelled(rule.record, {**dict(labels), **rule.labels}): float(
                not _holds(indicator.op, value, indicator.value)
            )
            for labels, value in results.items()
        }
        values.append(Value(at=i * DAY, expr=selects(rule), samples=samples))
    return RuleTest(
        name=f"{rule_key(rule)}: at {indicator.value:g}, a little below and a little above",
        covers=frozenset({rule_key(rule)}),
        series={one.series: trace for one, trace in given},
        values=tuple(values),
        step=DAY,
        every=DAY,
    )


def _holds(op: str, value: float, bound: float) -> bool:
    return {">=": value >= bound, ">": value > bound, "<=": value <= bound, "<": value < bound}[op]
