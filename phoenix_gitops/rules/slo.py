"""SLOs as rules: error ratios by window, what is left of the budget, and multi-window burn-rate alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from phoenix_gitops.model.slo import SLO, RatioIndicator, ThresholdIndicator
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql.rewrite import narrowed, windowed
from phoenix_gitops.rules.group import Alert, Group, Record, group
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.rules.terms import number

BAD = "slo:sli_bad:bool"
ERRORS = "slo:sli_errors:rate5m"
TOTAL = "slo:sli_total:rate5m"

_OPPOSITE = {">=": "<", ">": "<=", "<=": ">", "<": ">="}
_PERIOD_INTERVAL = "2m30s"
"""How often the long window is read; a series that is older than 5 minutes counts as gone."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A pair of windows: the long one has burnt `share` of the period's budget, the short one says it goes on."""

    severity: str
    share: Fraction
    long: str
    short: str


TIERS = (
    Tier("page", Fraction(2, 100), "1h", "5m"),
    Tier("page", Fraction(5, 100), "6h", "30m"),
    Tier("ticket", Fraction(10, 100), "1d", "2h"),
    Tier("ticket", Fraction(10, 100), "3d", "6h"),
)

_SEVERITY = {"page": "critical", "ticket": "warning"}


def factor(tier: Tier, window: str) -> Fraction:
    """How many times too fast the budget burns when the tier fires: 2 % of 30 days within 1 h is 14.4."""
    return tier.share * milliseconds(window) / milliseconds(tier.long)


def budget(slo: SLO) -> Decimal:
    """The share that may be bad, exactly as the objective is written."""
    return 1 - Decimal(str(slo.spec.objective))


def tiers(slo: SLO) -> tuple[Tier, ...]:
    """The tiers that the SLO wants to hear of."""
    wanted = {"page": slo.spec.alerting.page, "ticket": slo.spec.alerting.ticket}
    return tuple(tier for tier in TIERS if wanted[tier.severity])


def windows(slo: SLO) -> tuple[str, ...]:
    """The windows that are recorded, shortest first: those of its tiers, and 5m for the current burn rate."""
    used = {"5m", *(w for tier in tiers(slo) for w in (tier.long, tier.short))}
    return tuple(sorted(used, key=milliseconds))


def ratio(window: str) -> str:
    """The name under which the error ratio of a window is recorded."""
    return f"slo:sli_error:ratio_rate{window}"


def groups(slo: SLO, interval: str) -> Iterator[Group]:
    """The rule groups of an SLO. A tenant's see that tenant's series only.

    Raises what `narrowed` raises; the checks of `lint` come first.
    """
    name = slo.metadata.name
    indicator = slo.spec.indicator
    if indicator.threshold is not None:
        yield from group(f"slo-{name}-indicator", interval, [_bad(slo, indicator.threshold)])
        yield from group(f"slo-{name}-ratios", interval, _threshold_ratios(slo))
    elif indicator.ratio is not None:
        yield from group(f"slo-{name}-ratios", interval, _ratios(slo, indicator.ratio))
    yield from group(f"slo-{name}-budget", _PERIOD_INTERVAL, _meta(slo))
    yield from group(f"slo-{name}-alerts", interval, _alerts(slo))


def identity(slo: SLO) -> dict[str, str]:
    """The labels on everything that an SLO records."""
    tenant = {LABEL: slo.spec.tenant} if slo.spec.tenant else {}
    return {"slo": slo.metadata.name, "service": slo.spec.service, **tenant}


def _only(slo: SLO) -> str:
    tenant = f',{LABEL}="{slo.spec.tenant}"' if slo.spec.tenant else ""
    return f'{{slo="{slo.metadata.name}"{tenant}}}'


def expression(slo: SLO, text: str, window: str = "5m") -> str:
    """One of the indicator's expressions over a window, as its tenant may see it."""
    held = narrowed(text.strip(), LABEL, slo.spec.tenant) if slo.spec.tenant else text.strip()
    return windowed(held, window)


def _ratios(slo: SLO, indicator: RatioIndicator) -> Iterator[Record]:
    for window in windows(slo):
        errors, total = (expression(slo, text, window) for text in (indicator.errors, indicator.total))
        # No bad event yet is no series: that is 0, not unknown. No event at all is unknown, not 0.
        yield Record(
            record=ratio(window),
            expr=f"(\n  ({errors})\n  or\n  0 * ({total})\n)\n/\n(({total}) > 0)",
            labels=identity(slo),
        )
    errors, total = (expression(slo, text) for text in (indicator.errors, indicator.total))
    yield Record(record=ERRORS, expr=f"({errors})\nor\n0 * ({total})", labels=identity(slo))
    yield Record(record=TOTAL, expr=total, labels=identity(slo))


def _bad(slo: SLO, indicator: ThresholdIndicator) -> Record:
    query = expression(slo, indicator.query)
    compared = f"({query}) {_OPPOSITE[indicator.op]} bool {number(indicator.value)}"
    return Record(record=BAD, expr=compared, labels=identity(slo))


def _threshold_ratios(slo: SLO) -> Iterator[Record]:
    for window in windows(slo):
        yield Record(
            record=ratio(window),
            expr=f"avg_over_time({BAD}{_only(slo)}[{window}])",
            labels=identity(slo),
        )


def _meta(slo: SLO) -> Iterator[Record]:
    labels, which, allowed = identity(slo), _only(slo), number(budget(slo))
    spec = slo.spec
    constants = {
        "slo:objective:ratio": number(Decimal(str(spec.objective))),
        "slo:error_budget:ratio": allowed,
        "slo:time_period:days": number(Fraction(milliseconds(spec.window), 86_400_000)),
    }
    for record, value in constants.items():
        yield Record(record=record, expr=f"vector({value})", labels=labels)
    facts = {**labels, "owner": slo.metadata.owner, "window": spec.window}
    yield Record(record="slo:info", expr="vector(1)", labels=facts)
    # Their series have these labels anyhow; without them on the rule, promtool's lint takes two SLOs for one.
    spent = _period(slo)
    shares = {
        "slo:current_burn_rate:ratio": f"{ratio('5m')}{which} / {allowed}",
        "slo:period_burn_rate:ratio": f"{spent} / {allowed}",
        "slo:period_error_budget_remaining:ratio": f"1 - {spent} / {allowed}",
    }
    for record, expr in shares.items():
        yield Record(record=record, expr=expr, labels=labels)


def _period(slo: SLO) -> str:
    """The error ratio of the whole period: weighted by traffic where there is traffic to weigh by."""
    which, window = _only(slo), slo.spec.window
    if slo.spec.indicator.threshold is not None:
        return f"avg_over_time({BAD}{which}[{window}])"
    total = f"(sum_over_time({TOTAL}{which}[{window}]) > 0)"
    return f"(sum_over_time({ERRORS}{which}[{window}]) / {total})"


def _alerts(slo: SLO) -> Iterator[Alert]:
    """One alert for pages, one for tickets: it fires when both windows of a pair burn too fast."""
    which, allowed = _only(slo), number(budget(slo))
    alerting = slo.spec.alerting
    for severity in ("page", "ticket"):
        pairs = []
        for tier in tiers(slo):
            if tier.severity == severity:
                limit = f"{number(factor(tier, slo.spec.window))} * {allowed}"
                short, long = f"{ratio(tier.short)}{which}", f"{ratio(tier.long)}{which}"
                pairs.append(f"({short} > {limit} and {long} > {limit})")
        if pairs:
            yield Alert(
                alert="SLOBudgetBurn",
                expr="\nor\n".join(pairs),
                severity=_SEVERITY[severity],
                summary=f"{slo.spec.service} burns the error budget of {slo.metadata.name} too fast",
                description=f"objective {number(Decimal(str(slo.spec.objective)))} over {slo.spec.window}; "
                "{{ $value | humanizePercentage }} of what was measured was bad",
                runbook=alerting.runbook,
                labels={**identity(slo), **alerting.labels, "burn": severity},
            )
