"""Tests of rules that others wrote: inputs are found from the expressions, and what comes of them by our evaluator.

They pin what a rule does, so that a change of it is seen, and when it fires. What is beyond the solver is told, and
may be covered by a test in `tests/rules/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.functions import UnknownHereError
from phoenix_gitops.rules.group import Alert, Record, Rule
from phoenix_gitops.ruletests.alarm import Instance, firing
from phoenix_gitops.ruletests.case import MINUTE, RuleTest, Told, Value, rounded, rule_key, selects
from phoenix_gitops.ruletests.inputs import Input, evaluator, inputs
from phoenix_gitops.ruletests.solve import COUNTERS, Solution, solved
from phoenix_gitops.ruletests.texts import UnreadableTemplateError
from phoenix_gitops.ruletests.traces import Run, Trace, counter, labelled, plateaus, span

_SLOPES = (3.0, 11.0, 5.0, 17.0)
_LEVELS = (8.0, 3.0, 13.0, 5.0)
_FINE_MS = 3_600_000
_LONGEST_MS = 7 * 86_400_000
RANGES = "functions of a range see other samples in VictoriaMetrics"


def own_tests(rules: Sequence[Rule], beside: Sequence[Rule]) -> Iterator[RuleTest | tuple[str, str]]:
    """A test for each rule, or its key and why there is none; `beside` are all rules that are evaluated with them."""
    for rule in rules:
        try:
            found = _inputs(rule, beside)
            yield _record(rule, found) if isinstance(rule, Record) else _alert(rule, found)
        except UnknownHereError as error:
            yield rule_key(rule), str(error)


def _inputs(rule: Rule, rules: Sequence[Rule]) -> tuple[Input, ...]:
    found = inputs((rule.expr,))
    names = {one.labels["__name__"] for one in found}
    for other in rules:
        if isinstance(other, Record) and other.record in names:
            reads = {selector.name for selector in syntax.selectors(syntax.parse(other.expr))}
            if reads & names:
                raise UnknownHereError(f"a record of its own, `{other.record}`, beside what that is made of")
    return found


@dataclass(frozen=True, slots=True)
class _Steps:
    """How far a rule looks back, and the steps in which its tests go."""

    step: int
    reach: int

    @staticmethod
    def of(rule: Rule) -> _Steps:
        reach = max((s.reach_ms for s in syntax.selectors(syntax.parse(rule.expr))), default=0)
        if reach > _LONGEST_MS:
            raise UnknownHereError(f"looking back {span(reach // 1000)}")
        step = MINUTE if reach <= _FINE_MS else -(-reach // (24 * 1000 * MINUTE)) * MINUTE
        return _Steps(step, -(-reach // (1000 * step)))


def _is_counter(rule: Rule, one: Input) -> bool:
    return any(
        selector.function in COUNTERS and selector.name == one.labels["__name__"]
        for selector in syntax.selectors(syntax.parse(rule.expr))
    )


def _record(rule: Record, found: Sequence[Input]) -> RuleTest:
    """Each series has another slope or level in each quarter of the range, and a third one before it."""
    steps = _Steps.of(rule)
    last = steps.reach + 3
    given = [(one, _varied(i, steps.reach, last, is_counter=_is_counter(rule, one))) for i, one in enumerate(found)]
    results = evaluator(given, steps.step).vector(syntax.parse(rule.expr), last * steps.step * 1000)
    if not results:
        raise UnknownHereError("an expression without a result for series that fit its selectors")
    samples = {
        labelled("", {**dict(labels), **rule.labels}) or "{}": rounded(value) for labels, value in results.items()
    }
    return RuleTest(
        name=f"{rule_key(rule)}: known values",
        covers=frozenset({rule_key(rule)}),
        series={one.series: trace for one, trace in given},
        values=(Value(at=last * steps.step, expr=f"round({selects(rule)}, 0.000001)", samples=samples),),
        step=steps.step,
        every=steps.step,
        differs=_differs(rule),
    )


def _differs(rule: Rule) -> str:
    return RANGES if any(s.range_ms is not None for s in syntax.selectors(syntax.parse(rule.expr))) else ""


def _varied(i: int, reach: int, last: int, *, is_counter: bool) -> Trace:
    quarter, rest = divmod(reach, 4)
    lengths = [last - reach + 1, quarter + rest, quarter, quarter, quarter]
    pattern = _SLOPES if is_counter else _LEVELS
    values = [50.0 + 7 * i, *(pattern[(i + k) % 4] * (1 + i // 4) + i for k in range(4))]
    pairs = [(value, length) for value, length in zip(values, lengths, strict=True) if length]
    return counter(pairs, first=1_000_000.0) if is_counter else plateaus(pairs)


def _alert(alert: Alert, found: Sequence[Input]) -> RuleTest:
    steps = _Steps.of(alert)
    counters = [_is_counter(alert, one) for one in found]
    solution = solved(alert.expr, found, counters, max(steps.reach, 5) * steps.step)
    hold = -(-milliseconds(alert.hold) // (1000 * steps.step))
    keep = -(-milliseconds(alert.keep) // (1000 * steps.step))
    # An instant goes on seeing what went away without a marker for five minutes at most.
    reach = steps.reach + 1
    lengths = (reach + hold + 2, reach + hold + 2, reach + keep + 3)
    given = [(one, _phased(solution, i, lengths, steps.step, counters[i])) for i, one in enumerate(found)]
    return _timed(alert, given, steps.step, _Waits(hold, keep, sum(lengths), lengths[0]))


def _phased(solution: Solution, i: int, lengths: tuple[int, int, int], step: int, is_counter: bool) -> Trace:
    calm, hot = solution.calm[i], solution.hot[i]
    levels = list(zip((calm, hot, calm), lengths, strict=True))
    if not is_counter or calm is None or hot is None:
        return plateaus(levels) if not is_counter else _gaps(levels, step)
    return counter([(calm * step, lengths[0]), (hot * step, lengths[1]), (calm * step, lengths[2])], first=1_000_000.0)


def _gaps(levels: Sequence[tuple[float | None, int]], step: int) -> Trace:
    return Trace(
        tuple(Run(count, None) if level is None else Run(count, 1_000_000.0, level * step) for level, count in levels)
    )


@dataclass(frozen=True, slots=True)
class _Waits:
    """In steps: `for`, `keep_firing_for`, the length of the test, and when its series change."""

    hold: int
    keep: int
    length: int
    change: int


def _timed(alert: Alert, given: Sequence[tuple[Input, Trace]], step: int, waits: _Waits) -> RuleTest:
    """What the alert does step by step, as its rule is defined; the moments that matter become expectations."""
    seen, tree = evaluator(given, step), syntax.parse(alert.expr)
    results = [seen.vector(tree, i * step * 1000) for i in range(waits.length)]
    true = [bool(result) for result in results]
    if any(len(result) > 1 for result in results):
        raise UnknownHereError("several results at once")
    begins = next((i for i in range(waits.change, waits.length) if true[i]), None)
    ends = next((i for i in range((begins or 0) + 1, waits.length) if not true[i]), None)
    if true[waits.change - 1] or begins is None or ends is None or ends - begins <= waits.hold:
        raise UnknownHereError("a condition that is not false, then true, then false again")
    fires, resolved = begins + waits.hold, ends + waits.keep
    if resolved >= waits.length or any(true[ends:]):
        raise UnknownHereError("a condition that begins and ends more than once")
    quiet = selects(alert)
    over = [begins - 1, *([fires - 1] if waits.hold else []), resolved]
    values = [Value(at=i * step, expr=quiet, samples={}) for i in over]
    still = [fires, *([resolved - 1] if waits.keep else [])]
    values += [Value(at=i * step, expr=f"count({quiet})", samples={"{}": 1}) for i in still]
    return RuleTest(
        name=f"{rule_key(alert)} fires {span((fires - waits.change) * step)} after its series pass the bound",
        covers=frozenset({rule_key(alert)}),
        series={one.series: trace for one, trace in given if trace.runs},
        values=tuple(sorted(values, key=lambda value: value.at)),
        told=_told(alert, results[fires], fires * step),
        step=step,
        every=step,
        differs=_differs(alert),
    )


def _told(alert: Alert, results: dict[tuple[tuple[str, str], ...], float], at: int) -> tuple[Told, ...]:
    ((labels, value),) = results.items()
    # A value over a range may differ in its last digit, which a text shows where nothing rounds it.
    if _differs(alert) and "$value }}" in " ".join(alert.plain()["annotations"].values()):
        return ()
    try:
        return (Told(at=at, alert=alert.alert, instances=(firing(Instance(alert, dict(labels), value)),)),)
    except UnreadableTemplateError:
        return ()
