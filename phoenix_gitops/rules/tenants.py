"""Tenants as data: what each is owed is recorded in shards, and alerts compare by label.

So a shared tenant is a few lines of one shard, and the alerts do not grow with their number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from phoenix_gitops.collector.identity import PLATFORM
from phoenix_gitops.model.units import seconds
from phoenix_gitops.rules.alerts import NEAR
from phoenix_gitops.rules.cost import ingest_price, storage_price
from phoenix_gitops.rules.group import Alert, Group, Record, group
from phoenix_gitops.rules.known import baseline, prometheus_exports
from phoenix_gitops.rules.terms import MONTH_SECONDS, number
from phoenix_gitops.scope import EnvironmentScope, TenantSummary

LABEL = "tenant_id"
"""The label that says whose a series is; the first trusted hop writes it."""

SHARDS = 16

SERIES = "phoenix:tenant_active_series"
RATE = "phoenix:tenant_ingest_rate"
INFO = "phoenix:tenant_info"
RETENTION = "phoenix:tenant_retention_seconds"
SERIES_QUOTA = "phoenix:tenant_quota_active_series"
RATE_QUOTA = "phoenix:tenant_quota_ingest_rate"
COST = "phoenix:tenant_cost_per_month"

SPECIMEN = TenantSummary(
    name="specimen",
    owner="specimen",
    class_="shared",
    isolation="shared",
    namespaces=("specimen",),
    account=1,
    cost_center="specimen",
    retention="30d",
    active_series=1,
    ingest_rate=1,
    state="active",
)
"""A tenant that is nowhere: what is recorded of it has the shape of what is recorded of any."""


def shard(tenant: str) -> int:
    """The shard of a tenant: by its name alone, so that no other tenant moves it."""
    return int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:4], "big") % SHARDS


def shards(env: EnvironmentScope) -> Mapping[int, tuple[TenantSummary, ...]]:
    """The tenants by shard; shards without tenants are absent."""
    found: dict[int, list[TenantSummary]] = {}
    for tenant in env.tenants:
        found.setdefault(shard(tenant.name), []).append(tenant)
    return {i: tuple(sorted(found[i], key=lambda t: t.name)) for i in sorted(found)}


def shard_groups(env: EnvironmentScope, number_: int, tenants: tuple[TenantSummary, ...]) -> Iterator[Group]:
    """What the tenants of a shard are owed, as constant series."""
    interval = env.environment.spec.telemetry.evaluation_interval
    owed = [record for tenant in tenants for record in _owed(tenant)]
    yield from group(f"phoenix-tenants-{number_:02}", interval, owed)


def _owed(tenant: TenantSummary) -> Iterator[Record]:
    label = {LABEL: tenant.name}
    facts = {
        **label,
        "class": tenant.class_,
        "account": str(tenant.account),
        "owner": tenant.owner,
        "retention": tenant.retention,
    }
    if tenant.cost_center:
        facts["cost_center"] = tenant.cost_center
    yield Record(record=INFO, expr="vector(1)", labels=facts)
    yield Record(record=RETENTION, expr=f"vector({number(seconds(tenant.retention))})", labels=label)
    for record, quota in ((SERIES_QUOTA, tenant.active_series), (RATE_QUOTA, tenant.ingest_rate)):
        if quota is not None:
            yield Record(record=record, expr=f"vector({quota})", labels=label)


def groups(env: EnvironmentScope) -> Iterator[Group]:
    """What tenants use, by label, and the alerts on it. Counted in the baseline: there every series is once."""
    base = baseline(env)
    export = next((e for p, _, e in prometheus_exports(env) if p is base), None)
    if base is None or export is None:
        return
    interval = env.environment.spec.telemetry.evaluation_interval
    pattern = f"{export.namespace}_.+"
    every = f'{{__name__=~"{pattern}",phoenix_pipeline="{base.metadata.name}",{LABEL}!=""}}'
    count = Record(record=SERIES, expr=f"count by ({LABEL}) ({every})")
    yield from group("phoenix-tenant-series", interval, [count])
    yield from group("phoenix-tenant-use", interval, _use(env))
    yield from group("phoenix-tenant-alerts", interval, (*_alerts(), *_budget(env)))


def _use(env: EnvironmentScope) -> Iterator[Record]:
    scrape = number(seconds(env.environment.spec.telemetry.scrape_interval))
    prices = env.platform.spec.prices
    yield Record(record=RATE, expr=f"{SERIES} / {scrape}")
    kept = f"{RETENTION} / {MONTH_SECONDS} * ({storage_price(prices)})"
    yield Record(
        record=COST,
        expr=f"{SERIES} / {scrape}\n* on ({LABEL})\n({ingest_price(prices)} + {kept})",
        labels={"currency": prices.currency},
    )


def _alerts() -> Iterator[Alert]:
    for resource, use, quota in (("activeSeries", SERIES, SERIES_QUOTA), ("ingestRate", RATE, RATE_QUOTA)):
        share = f"{use} / on ({LABEL}) ({quota} > 0)"
        facts = f"* on ({LABEL}) group_left (class, owner) {INFO}"
        for alert, low, high, severity in (
            ("PhoenixTenantQuotaNear", number(NEAR), "1", "warning"),
            ("PhoenixTenantQuotaExceeded", "1", "", "critical"),
        ):
            upper = f" <= {high}" if high else ""
            yield Alert(
                alert=alert,
                expr=f"({share}{upper} > {low})\n{facts}",
                hold="15m",
                severity=severity,
                summary=f"tenant {{{{ $labels.{LABEL} }}}} uses {{{{ $value | humanizePercentage }}}} "
                f"of its quota `{resource}`",
                labels={"component": "tenancy", "quota": resource},
            )
    yield Alert(
        alert="PhoenixTenantUnknown",
        # What the nodes and the platform say of themselves is no tenant's, and that is right.
        expr=f'{SERIES}{{{LABEL}!="{PLATFORM}"}} unless on ({LABEL}) {INFO}',
        hold="15m",
        severity="warning",
        summary=f"{{{{ $value | humanize }}}} series bear {LABEL} {{{{ $labels.{LABEL} }}}}, which is no tenant here",
        labels={"component": "tenancy"},
    )


def _budget(env: EnvironmentScope) -> Iterator[Alert]:
    """Each cluster may hold an equal part of the environment's series: no Prometheus sees them all."""
    budget = env.environment.spec.budget.active_series
    if budget is None:
        return
    clusters = len(env.environment.spec.clusters)
    yield Alert(
        alert="PhoenixSeriesBudgetNear",
        expr=f"sum({SERIES}) > {number(NEAR)} * {budget} / {clusters}",
        hold="15m",
        severity="warning",
        summary="tenants hold {{ $value | humanize }} active series, near this cluster's part of the budget of "
        f"{budget}",
        labels={"component": "tenancy"},
    )
