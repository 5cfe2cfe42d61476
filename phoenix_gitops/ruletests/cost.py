"""Tests of costs: prices as they are written, times what is used; totals are the sums of their parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from phoenix_gitops.model.units import seconds
from phoenix_gitops.rules import cost as meant
from phoenix_gitops.rules.group import Alert, Record
from phoenix_gitops.rules.known import baseline
from phoenix_gitops.rules.pipelines import CPU, MEMORY, SERIES
from phoenix_gitops.rules.terms import MONTH_SECONDS
from phoenix_gitops.ruletests.alarm import alarm
from phoenix_gitops.ruletests.case import MINUTE, RuleTest
from phoenix_gitops.ruletests.context import AlertTests, Context, RecordTests, above, by, recorded
from phoenix_gitops.ruletests.traces import Trace, flat, labelled


def _pipeline(context: Context, rule: Record) -> Iterator[RuleTest]:
    prices = context.env.platform.spec.prices
    scrape = seconds(context.env.environment.spec.telemetry.scrape_interval)
    points = Decimal(9_000_000) / Decimal(str(scrape)) * MONTH_SECONDS
    stored = points * meant.BYTES_PER_SAMPLE / 10**9 * Decimal(prices.per_gigabyte_stored)
    cost = points / 10**6 * Decimal(prices.per_million_points) + stored
    series = {labelled(SERIES, {"phoenix_pipeline": "one"}): flat(9_000_000, 2)}
    says = "9000000 series, taken in and kept for a month"
    yield recorded(rule, series, {by(phoenix_pipeline="one"): float(cost)}, at=MINUTE, says=says)


def _compute(context: Context, rule: Record) -> Iterator[RuleTest]:
    prices = context.env.platform.spec.prices
    series: dict[str, Trace] = {}
    for pod, cores, mebibytes in (("one", 3, 1024), ("two", 4, 4096)):
        series[labelled(CPU, {"namespace": "a", "pod": pod})] = flat(cores, 2)
        series[labelled(MEMORY, {"namespace": "a", "pod": pod})] = flat(mebibytes, 2)
    cost = 7 * Decimal(prices.per_core_month) + 5 * Decimal(prices.per_gibibyte_month)
    yield recorded(rule, series, {(): float(cost)}, at=MINUTE, says="7 cores and 5 GiB of two pods")


def _parts(context: Context, whole: float, part: float, name: str = "part") -> dict[str, Trace]:
    base = baseline(context.env)
    assert base is not None
    money = {"currency": context.env.platform.spec.prices.currency}
    costs = {base.metadata.name: whole, name: part}
    return {labelled(meant.PIPELINE_COST, {**money, "phoenix_pipeline": p}): flat(c, 2) for p, c in costs.items()}


def _reduction(context: Context, rule: Record) -> Iterator[RuleTest]:
    base = baseline(context.env)
    assert base is not None
    money = {"currency": context.env.platform.spec.prices.currency}
    results = {by(phoenix_pipeline=base.metadata.name, **money): 0.0, by(phoenix_pipeline="part", **money): 0.6}
    yield recorded(rule, _parts(context, 500, 200), results, at=MINUTE, says="200 instead of 500")
    yield recorded(rule, _parts(context, 0, 200), {}, at=MINUTE, says="nothing to compare with is no result")


def _total(context: Context, rule: Record) -> Iterator[RuleTest]:
    money = {"currency": context.env.platform.spec.prices.currency}
    series = {**_parts(context, 500, 200), labelled(meant.COMPUTE_COST, money): flat(30, 2)}
    yield recorded(rule, series, {by(**money): 730.0}, at=MINUTE, says="the sum of all parts", exact=True)


def _shortfall(context: Context, rule: Record) -> Iterator[RuleTest]:
    assert context.env.control is not None
    control = context.env.control.spec
    result = by(currency=context.env.platform.spec.prices.currency)
    target = control.cost_reduction_target
    missing = max(target - (1 - 0.9), 0.0)
    says = "a tenth is saved"
    yield recorded(rule, _parts(context, 500, 450, control.input), {result: missing}, at=MINUTE, says=says)
    enough = _parts(context, 500, 0, control.input)
    yield recorded(rule, enough, {result: 0.0}, at=MINUTE, says="all is saved, which is never too little")
    yield recorded(rule, _parts(context, 0, 5, control.input), {}, at=MINUTE, says="nothing to compare with")


def _budget(context: Context, alert: Alert) -> Iterator[RuleTest]:
    spec, currency = context.env.environment.spec, context.env.platform.spec.prices.currency
    assert spec.budget.monthly_cost is not None
    share = next(float(share) for share, severity in meant.BUDGET_SHARES if severity == alert.severity)
    limit = share * float(spec.budget.monthly_cost) / len(spec.clusters)
    which = {"currency": currency}
    both = context.beside(alert, which, above(limit), "warning")
    series = {labelled(meant.TOTAL_COST, which): (limit, above(limit))}
    yield alarm(alert, series, which, above(limit), says=f"over {limit:g} {currency} a month", beside=both)


RECORDS: RecordTests = {
    meant.PIPELINE_COST: _pipeline,
    meant.COMPUTE_COST: _compute,
    meant.REDUCTION: _reduction,
    meant.TOTAL_COST: _total,
    "phoenix:cost_reduction_shortfall": _shortfall,
}
ALERTS: AlertTests = {"PhoenixCostBudget": _budget}
