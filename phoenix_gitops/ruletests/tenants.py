"""Tests of what tenants are owed and use, and of the alerts on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from phoenix_gitops.collector.identity import PLATFORM
from phoenix_gitops.model.units import seconds
from phoenix_gitops.rules import tenants as meant
from phoenix_gitops.rules.alerts import NEAR
from phoenix_gitops.rules.cost import BYTES_PER_SAMPLE
from phoenix_gitops.rules.group import Alert, Record
from phoenix_gitops.rules.known import baseline, prometheus_exports
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.rules.terms import MONTH_SECONDS
from phoenix_gitops.ruletests.alarm import Level, alarm
from phoenix_gitops.ruletests.case import MINUTE, RuleTest, Value, rule_key
from phoenix_gitops.ruletests.context import AlertTests, Context, RecordTests, by, recorded
from phoenix_gitops.ruletests.traces import flat, labelled
from phoenix_gitops.scope import TenantSummary

_QUOTA = 1_000_000.0
_FACTS = {LABEL: "a", "class": "shared", "owner": "team-a"}
_DAY = 86_400


def shard_test(context: Context, tenants: Sequence[TenantSummary]) -> Iterator[RuleTest]:
    """All that is recorded of a shard's tenants, each tenant with all of its labels."""
    found: dict[str, dict[str, float]] = {meant.INFO: {}, meant.RETENTION: {}}
    for tenant in tenants:
        own = {LABEL: tenant.name}
        facts = {
            **own,
            "class": tenant.class_,
            "account": str(tenant.account),
            "owner": tenant.owner,
            "retention": tenant.retention,
            **({"cost_center": tenant.cost_center} if tenant.cost_center else {}),
        }
        found[meant.INFO][labelled(meant.INFO, facts)] = 1
        found[meant.RETENTION][labelled(meant.RETENTION, own)] = seconds(tenant.retention)
        for name, quota in ((meant.SERIES_QUOTA, tenant.active_series), (meant.RATE_QUOTA, tenant.ingest_rate)):
            if quota is not None:
                found.setdefault(name, {})[labelled(name, own)] = quota
    yield RuleTest(
        name=f"what {len(tenants)} tenant{'s are' if len(tenants) > 1 else ' is'} owed",
        covers=frozenset(rule_key(rule) for rule in context.rules),
        series={},
        values=tuple(Value(at=0, expr=name, samples=found[name]) for name in sorted(found)),
    )


def _count(context: Context, rule: Record) -> Iterator[RuleTest]:
    base = baseline(context.env)
    export = next(export for pipeline, _, export in prometheus_exports(context.env) if pipeline is base)
    assert base is not None
    here = {"phoenix_pipeline": base.metadata.name}
    series = [
        labelled(f"{export.namespace}_x", {**here, LABEL: "a", "pod": "one"}),
        labelled(f"{export.namespace}_x", {**here, LABEL: "a", "pod": "two"}),
        labelled(f"{export.namespace}_y", {**here, LABEL: "a"}),
        labelled(f"{export.namespace}_x", {**here, LABEL: "b"}),
        # None of these counts: no tenant, another pipeline's, another name.
        labelled(f"{export.namespace}_x", here),
        labelled(f"{export.namespace}_x", {"phoenix_pipeline": "elsewhere", LABEL: "b"}),
        labelled("other_x", {**here, LABEL: "b"}),
        labelled(f"before_{export.namespace}_x", {**here, LABEL: "b"}),
    ]
    results = {by(**{LABEL: "a"}): 3.0, by(**{LABEL: "b"}): 1.0}
    says = "every series of a tenant in the baseline, once"
    yield recorded(rule, {one: flat(5, 2) for one in series}, results, at=MINUTE, says=says, exact=True)


def _rate(context: Context, rule: Record) -> Iterator[RuleTest]:
    scrape = seconds(context.env.environment.spec.telemetry.scrape_interval)
    series = {labelled(meant.SERIES, {LABEL: t}): flat(n, 2) for t, n in (("a", 900), ("b", 45))}
    results = {by(**{LABEL: "a"}): 900 / scrape, by(**{LABEL: "b"}): 45 / scrape}
    yield recorded(rule, series, results, at=MINUTE, says=f"a point of each series every {scrape:g} s")


def _cost(context: Context, rule: Record) -> Iterator[RuleTest]:
    """Points of a month cost once, and for each month that they are kept."""
    prices = context.env.platform.spec.prices
    scrape = seconds(context.env.environment.spec.telemetry.scrape_interval)
    points = Decimal(9_000_000) / Decimal(str(scrape)) * MONTH_SECONDS
    ingest = points / 10**6 * Decimal(prices.per_million_points)
    stored = points * BYTES_PER_SAMPLE / 10**9 * Decimal(prices.per_gigabyte_stored)
    series, results = {}, {}
    for tenant, days in (("a", 30), ("b", 90)):
        series[labelled(meant.SERIES, {LABEL: tenant})] = flat(9_000_000, 2)
        series[labelled(meant.RETENTION, {LABEL: tenant})] = flat(days * _DAY, 2)
        results[by(**{LABEL: tenant})] = float(ingest + stored * days / 30)
    series[labelled(meant.SERIES, {LABEL: "nobody"})] = flat(10, 2)
    yield recorded(rule, series, results, at=MINUTE, says="9000000 series, kept for one month and for three")


def _quota(alert: Alert, low: float, high: float | None) -> Iterator[RuleTest]:
    names = {"activeSeries": (meant.SERIES, meant.SERIES_QUOTA), "ingestRate": (meant.RATE, meant.RATE_QUOTA)}
    use, quota = names[alert.labels["quota"]]
    own = {LABEL: "a"}
    others: dict[str, Level] = {
        labelled(quota, own): _QUOTA,
        labelled(meant.INFO, {**_FACTS, "account": "1", "retention": "30d"}): 1.0,
        # Another tenant at the limit, one without a quota, one whose quota is nothing.
        labelled(use, {LABEL: "b"}): low * _QUOTA,
        labelled(quota, {LABEL: "b"}): _QUOTA,
        labelled(use, {LABEL: "c"}): 1e9,
        labelled(use, {LABEL: "d"}): 1e9,
        labelled(quota, {LABEL: "d"}): 0.0,
        **{labelled(meant.INFO, {**_FACTS, LABEL: tenant, "account": "2"}): 1.0 for tenant in ("b", "c", "d")},
    }
    past = low * _QUOTA + 1
    yield alarm(
        alert, {**others, labelled(use, own): (low * _QUOTA, past)}, _FACTS, past / _QUOTA, says=f"over {low:g} of it"
    )
    if high is not None:
        over: dict[str, Level] = {**others, labelled(use, own): (high * _QUOTA + 1, high * _QUOTA)}
        yield alarm(alert, over, _FACTS, high, says=f"up to {high:g} of it, and no further")


def _near(_: Context, alert: Alert) -> Iterator[RuleTest]:
    yield from _quota(alert, NEAR, 1.0)


def _exceeded(_: Context, alert: Alert) -> Iterator[RuleTest]:
    yield from _quota(alert, 1.0, None)


def _unknown(_: Context, alert: Alert) -> Iterator[RuleTest]:
    series: dict[str, Level] = {
        labelled(meant.SERIES, {LABEL: "a"}): 5.0,
        labelled(meant.INFO, _FACTS): 1.0,
        labelled(meant.SERIES, {LABEL: PLATFORM}): 5.0,
        labelled(meant.SERIES, {LABEL: "ghost"}): (None, 7.0),
    }
    yield alarm(alert, series, {LABEL: "ghost"}, 7, says="series of a tenant that is not known here")


def _budget(context: Context, alert: Alert) -> Iterator[RuleTest]:
    spec = context.env.environment.spec
    assert spec.budget.active_series is not None
    limit = NEAR * spec.budget.active_series / len(spec.clusters)
    half = limit // 2
    series: dict[str, Level] = {
        labelled(meant.SERIES, {LABEL: "a"}): (half, half + 1),
        labelled(meant.SERIES, {LABEL: "b"}): limit - half,
        **{labelled(meant.INFO, {**_FACTS, LABEL: tenant}): 1.0 for tenant in ("a", "b")},
    }
    yield alarm(alert, series, {}, limit + 1, says=f"all tenants together hold more than {limit:g} series")


RECORDS: RecordTests = {meant.SERIES: _count, meant.RATE: _rate, meant.COST: _cost}
ALERTS: AlertTests = {
    "PhoenixTenantQuotaNear": _near,
    "PhoenixTenantQuotaExceeded": _exceeded,
    "PhoenixTenantUnknown": _unknown,
    "PhoenixSeriesBudgetNear": _budget,
}
