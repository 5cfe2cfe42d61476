"""The platform's dashboards, and those of RuleSets, as typed values: queries over what is recorded here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from phoenix_gitops.catalogue import Catalogue
from phoenix_gitops.document import Path
from phoenix_gitops.model.dashboard import Dashboard, Panel
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.check import labels_reader
from phoenix_gitops.promql.findings import Finding, MetricsOf
from phoenix_gitops.promql.labels import result_labels
from phoenix_gitops.promql.syntax import WINDOW, PromQLError
from phoenix_gitops.rules import inventory, rulesets
from phoenix_gitops.rules.known import prometheus_exports
from phoenix_gitops.rules.platform import platform_files
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.scope import ClusterScope, EnvironmentScope

RATE_INTERVAL: Final = "$__rate_interval"
"""Grafana's variable for a range that holds enough scrapes."""

_SHOWN: Final = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_PROCESS: Final = "process_executable_name"
_TOP: Final = 5


def readable(text: str) -> str:
    """A panel's query as PromQL: Grafana's range is long enough for every interval, so it stands for a long one."""
    return text.replace(RATE_INTERVAL, "1h")


def panels(rule_set: RuleSet) -> Iterator[tuple[Path, Panel]]:
    """The panels of a RuleSet with their places."""
    for i, dashboard in enumerate(rule_set.spec.dashboards):
        yield from ((("spec", "dashboards", i, "panels", j), panel) for j, panel in enumerate(dashboard.panels))


def absent_legends(panel: Panel, metrics_of: MetricsOf) -> Iterator[Finding]:
    """Labels that a legend shows and that the query's results never have."""
    try:
        known = result_labels(syntax.parse(readable(panel.expr)), labels_reader(metrics_of))
    except PromQLError:
        return
    for label in dict.fromkeys(_SHOWN.findall(panel.legend)):
        if known is not None and label not in known:
            listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
            yield Finding(
                code="PHX699",
                message=f"the legend shows label `{label}`, which results of the query do not have",
                help=f"their labels are {listed}",
                word=label,
            )


def own(rule_set: RuleSet) -> Iterator[Dashboard]:
    """The dashboards of a RuleSet; a tenant's see only that tenant's series. Raises what `narrowed` raises."""
    for dashboard in rule_set.spec.dashboards:
        yield Dashboard(
            name=dashboard.name,
            title=dashboard.title,
            panels=[_seen(rule_set, panel) for panel in dashboard.panels],
        )


def _seen(rule_set: RuleSet, panel: Panel) -> Panel:
    expr = rulesets.expression(rule_set, panel.expr.replace(RATE_INTERVAL, WINDOW)).replace(WINDOW, RATE_INTERVAL)
    return Panel(title=panel.title, type=panel.type, expr=expr, unit=panel.unit, legend=panel.legend)


def platform(scope: ClusterScope) -> Iterator[Dashboard]:
    """The platform's dashboards that the environment asks for, with the panels whose series there are here."""
    asked = scope.env.environment.spec.dashboards
    if asked is None:
        return
    groups = [group for file in platform_files(scope) for group in file.groups]
    emitted = inventory.emitted(scope.env)
    known = frozenset(record.record for group in groups for record in group.records)
    for name in dict.fromkeys(asked.platform):
        title, panels = _BUILT[name]
        shown = [panel for panel in panels(scope.env, emitted) if _reads(panel, known, emitted)]
        if shown:
            yield Dashboard(name=name, title=title, panels=shown)


def _reads(panel: Panel, recorded: frozenset[str], emitted: Catalogue) -> bool:
    names = {s.name for s in syntax.selectors(syntax.parse(readable(panel.expr)))}
    return all(name in recorded or name == "ALERTS" or emitted.get(name) is not None for name in names)


def _line(title: str, expr: str, unit: str = "short", legend: str = "") -> Panel:
    return Panel(title=title, expr=expr, unit=unit, legend=legend)


def _stat(title: str, expr: str, unit: str = "short", legend: str = "") -> Panel:
    return Panel(title=title, type="stat", expr=expr, unit=unit, legend=legend)


_BY_PIPELINE: Final = "{{phoenix_pipeline}}"
_BY_POD: Final = "{{namespace}}/{{pod}}"
_BY_TENANT: Final = f"{{{{{LABEL}}}}}"


def _overview(env: EnvironmentScope, emitted: Catalogue) -> Iterator[Panel]:
    yield _stat("Series of all pipelines", "sum(phoenix:pipeline_active_series)")
    yield _stat("Series saved", "phoenix:cost_reduction_ratio", "percentunit", _BY_PIPELINE)
    yield _stat("Processes kept", "phoenix:signal_preservation_score", "percentunit", _BY_PIPELINE)
    yield _stat("Profile", "phoenix:control_profile")
    yield _line("Series by pipeline", "phoenix:pipeline_active_series", "short", _BY_PIPELINE)
    firing = 'count by (alertname, severity) (ALERTS{alertstate="firing"})'
    yield Panel(title="Alerts that fire", type="table", expr=firing, legend="{{alertname}}")
    yield _line("Memory of collectors", "phoenix:collector_memory_usage_mb", "mbytes", _BY_POD)
    yield _line("CPU of collectors", "phoenix:collector_cpu_cores", "short", _BY_POD)
    yield from _top_processes(env, emitted)


def _top_processes(env: EnvironmentScope, emitted: Catalogue) -> Iterator[Panel]:
    """The processes that use most CPU, as each pipeline shows them that still tells processes apart."""
    for pipeline, _, export in prometheus_exports(env):
        name = f"{export.namespace}_process_cpu_time_seconds_total"
        metric = emitted.get(name)
        if metric is not None and _PROCESS in metric.known_labels:
            used = f"sum by ({_PROCESS}) (rate({name}[{RATE_INTERVAL}]))"
            title = f"Processes that use most CPU: {pipeline.metadata.name}"
            yield Panel(title=title, type="table", expr=f"topk({_TOP}, {used})", legend=f"{{{{{_PROCESS}}}}}")


def _pipelines(_env: EnvironmentScope, _emitted: Catalogue) -> Iterator[Panel]:
    yield _line("Series", "phoenix:pipeline_active_series", "short", _BY_PIPELINE)
    yield _line("Points a second", "phoenix:pipeline_throughput_metrics_per_sec", "cps", _BY_PIPELINE)
    yield _line("Latency of processors, 99th percentile", "phoenix:pipeline_latency_ms_p99", "ms", _BY_PIPELINE)
    yield _line("Processes kept", "phoenix:signal_preservation_score", "percentunit", _BY_PIPELINE)
    yield _line("Series saved", "phoenix:cost_reduction_ratio", "percentunit", _BY_PIPELINE)
    yield _line("Growth, series a second", "phoenix:cardinality_growth_rate", "short", _BY_PIPELINE)
    yield _line("Deviation from the last hour, z-score", "phoenix:cardinality_zscore", "short", _BY_PIPELINE)


def _control(env: EnvironmentScope, _emitted: Catalogue) -> Iterator[Panel]:
    yield _stat("Profile", "phoenix:control_profile")
    if env.control is not None:
        levels = [profile for profile in env.control.spec.profiles if profile.above]
        limits = (f'label_replace(vector({p.above}), "above", "{p.name}", "", "")' for p in levels)
        yield _line(
            "Series, and where profiles begin", "\nor\n".join(["phoenix:control_input", *limits]), "short", "{{above}}"
        )
        yield _line("Profile by time", "phoenix:control_profile_active", "short", "{{profile}}")
    yield _line("Changes an hour", "phoenix:control_mode_transitions_per_hour")
    yield _line("Stability", "phoenix:control_stability_score", "percentunit")
    yield _line("Effectiveness", "phoenix:control_loop_effectiveness", "percentunit")
    yield _line("Output of the law", "phoenix:control_output")
    yield _stat("Emergency", "phoenix:control_emergency")


def _cost(env: EnvironmentScope, _emitted: Catalogue) -> Iterator[Panel]:
    money = f"currency{env.platform.spec.prices.currency}"
    yield _stat("Cost a month", "phoenix:environment_cost_per_month", money)
    yield _stat("Series saved", "phoenix:cost_reduction_ratio", "percentunit", _BY_PIPELINE)
    yield _line("Pipelines, a month", "phoenix:pipeline_cost_per_month", money, _BY_PIPELINE)
    yield _line("Collectors, a month", "phoenix:collector_cost_per_month", money)
    yield Panel(
        title="Tenants, a month", type="table", expr="phoenix:tenant_cost_per_month", unit=money, legend=_BY_TENANT
    )


def _slo(_env: EnvironmentScope, _emitted: Catalogue) -> Iterator[Panel]:
    yield _stat("Budget left", "slo:period_error_budget_remaining:ratio", "percentunit", "{{slo}}")
    yield _line("Burn rate now", "slo:current_burn_rate:ratio", "short", "{{slo}}")
    yield _line("Errors, 1 h", "slo:sli_error:ratio_rate1h", "percentunit", "{{slo}}")
    yield Panel(title="Objectives", type="table", expr="slo:objective:ratio", unit="percentunit", legend="{{slo}}")


def _tenants(_env: EnvironmentScope, _emitted: Catalogue) -> Iterator[Panel]:
    yield _line("Series", "phoenix:tenant_active_series", "short", _BY_TENANT)
    yield _line("Points a second", "phoenix:tenant_ingest_rate", "cps", _BY_TENANT)
    for title, use in (("series", "active_series"), ("points a second", "ingest_rate")):
        share = f"phoenix:tenant_{use} / on ({LABEL}) phoenix:tenant_quota_{use}"
        yield _line(f"Share of the quota: {title}", share, "percentunit", _BY_TENANT)


_BUILT: Final[Mapping[str, tuple[str, Callable[[EnvironmentScope, Catalogue], Iterator[Panel]]]]] = {
    "overview": ("Phoenix: overview", _overview),
    "pipelines": ("Phoenix: pipelines", _pipelines),
    "control": ("Phoenix: control loop", _control),
    "cost": ("Phoenix: cost", _cost),
    "slo": ("Phoenix: service levels", _slo),
    "tenants": ("Phoenix: tenants", _tenants),
}
