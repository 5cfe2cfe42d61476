"""What pipelines and tenants cost, from the platform's prices. Amounts are for a month of 30 days."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from phoenix_gitops.model.platform import Prices
from phoenix_gitops.model.units import seconds
from phoenix_gitops.rules.alerts import countable
from phoenix_gitops.rules.group import Alert, Group, Record, group
from phoenix_gitops.rules.known import baseline
from phoenix_gitops.rules.pipelines import CPU, MEMORY, SERIES
from phoenix_gitops.rules.terms import MONTH_SECONDS, number
from phoenix_gitops.scope import EnvironmentScope

PIPELINE_COST = "phoenix:pipeline_cost_per_month"
COMPUTE_COST = "phoenix:collector_cost_per_month"
TOTAL_COST = "phoenix:environment_cost_per_month"
REDUCTION = "phoenix:cost_reduction_ratio"

BYTES_PER_SAMPLE = 1
"""A compressed sample in storage; 0.4 to 1.75 have been measured."""

BUDGET_SHARES = ((Decimal("0.8"), "warning"), (Decimal(1), "critical"))
"""Shares of the monthly budget at which to alert."""


def ingest_price(prices: Prices) -> str:
    """The price of one point a second for a month, as an expression."""
    return f"{MONTH_SECONDS} / 1e6 * {number(Decimal(prices.per_million_points))}"


def storage_price(prices: Prices) -> str:
    """The price of what one point a second leaves in storage within a month, kept for a month."""
    return f"{MONTH_SECONDS} * {BYTES_PER_SAMPLE} / 1e9 * {number(Decimal(prices.per_gigabyte_stored))}"


def groups(env: EnvironmentScope) -> Iterator[Group]:
    """The cost groups of an environment in one cluster."""
    base = baseline(env)
    if base is None:
        return
    interval = env.environment.spec.telemetry.evaluation_interval
    yield from group("phoenix-costs", interval, _parts(env))
    yield from group("phoenix-cost-totals", interval, [*_totals(env, base.metadata.name)])
    yield from group("phoenix-cost-alerts", interval, _budget(env))


def _parts(env: EnvironmentScope) -> Iterator[Record]:
    prices = env.platform.spec.prices
    currency = {"currency": prices.currency}
    points = f"{SERIES} / {number(seconds(env.environment.spec.telemetry.scrape_interval))}"
    yield Record(
        record=PIPELINE_COST,
        expr=f"{points}\n* ({ingest_price(prices)} + {storage_price(prices)})",
        labels=currency,
    )
    cores, memory = number(Decimal(prices.per_core_month)), number(Decimal(prices.per_gibibyte_month))
    yield Record(
        record=COMPUTE_COST,
        expr=f"sum({CPU}) * {cores} + sum({MEMORY}) / 1024 * {memory}",
        labels=currency,
    )


def _totals(env: EnvironmentScope, base: str) -> Iterator[Record]:
    whole = f'{PIPELINE_COST}{{phoenix_pipeline="{base}"}}'
    yield Record(
        record=REDUCTION,
        expr=f"1 - {PIPELINE_COST} / ignoring (phoenix_pipeline) group_left () ({whole} > 0)",
    )
    yield Record(record=TOTAL_COST, expr=f"sum by (currency) ({PIPELINE_COST}) + on (currency) {COMPUTE_COST}")
    if env.control is not None and env.control.spec.input != base and countable(env, env.control.spec.input):
        target = number(env.control.spec.cost_reduction_target)
        which = f'{{phoenix_pipeline="{env.control.spec.input}"}}'
        yield Record(
            record="phoenix:cost_reduction_shortfall",
            expr=(f"clamp_min({target} - (1 - {PIPELINE_COST}{which} / ignoring (phoenix_pipeline) ({whole} > 0)), 0)"),
        )


def _budget(env: EnvironmentScope) -> Iterator[Alert]:
    """Each cluster may spend an equal part of the environment's budget: no Prometheus sees them all."""
    budget = env.environment.spec.budget.monthly_cost
    if budget is None:
        return
    clusters = len(env.environment.spec.clusters)
    currency = env.platform.spec.prices.currency
    for share, severity in BUDGET_SHARES:
        yield Alert(
            alert="PhoenixCostBudget",
            expr=f"{TOTAL_COST} > {number(share)} * {number(Decimal(budget))} / {clusters}",
            hold="1h",
            severity=severity,
            summary=f"at this rate the cluster costs {{{{ $value | humanize }}}} {currency} a month, over {share:.0%} "
            f"of its part of the budget of {budget}",
            labels={"component": "finops"},
        )
