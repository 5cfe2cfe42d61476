"""Checks of rules, SLOs and control policies against what an environment has. Faults point into policies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.catalogue import Catalogue
from phoenix_gitops.document import Path
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql.check import Expectation, Finding, check_expression
from phoenix_gitops.promql.findings import reader
from phoenix_gitops.promql.rewrite import ForeignTenantError, narrowed, windowed
from phoenix_gitops.promql.syntax import PromQLError, parse
from phoenix_gitops.promql.texts import absent_labels
from phoenix_gitops.rules import alerts, control, cost, dashboards, flow, inventory, pipelines, rulesets, slo, tenants
from phoenix_gitops.rules.contracts import contract_faults
from phoenix_gitops.rules.faults import PolicyFault
from phoenix_gitops.rules.group import Group
from phoenix_gitops.rules.relations import control_faults, slo_faults
from phoenix_gitops.rules.tenants import LABEL
from phoenix_gitops.scope import ClusterScope, EnvironmentScope, TenantScope

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SHOWN = re.compile(
    r"\{\{-? *(?:\$value|\$labels[.][A-Za-z_][A-Za-z0-9_]*)"
    r"(?: *[|] *(?:humanize|humanize1024|humanizeDuration|humanizePercentage|title|toLower|toUpper))* *-?\}\}"
)
"""What the text of a tenant's alert may hold: its own value and labels, made readable."""

RESERVED = ("phoenix:", "slo:")
"""Prefixes of names that only the compiler records."""


def lint(scopes: Iterable[tuple[EnvironmentScope, Iterable[TenantScope]]]) -> Iterator[PolicyFault]:
    """The faults of the rules of environments and of those of their tenants.

    A tenant's are the same in environments that know the same metrics, and looked at once for those.
    """
    places: list[tuple[Catalogue, tuple[flow.Strip, ...]]] = []
    done: set[tuple[object, ...]] = set()
    for env, held in scopes:
        yield from _relations(env)
        yield from (PolicyFault(*located) for located in contract_faults(env))
        platform = inventory.with_records(inventory.emitted(env), own_groups(env))
        yield from _policies(env, env.slos, env.rule_sets, platform, None)
        place = (inventory.narrowed(platform), flow.strips(env))
        if place not in places:
            places.append(place)
        telemetry = env.environment.spec.telemetry
        for tenant in held:
            names = [s.metadata.name for s in tenant.slos] + [r.metadata.name for r in tenant.rule_sets]
            limits = (telemetry.evaluation_interval, telemetry.max_series_per_rule)
            key = (places.index(place), *limits, *names)
            if names and key not in done:
                done.add(key)
                seen = inventory.tenants_own(tenant, *place)
                yield from _policies(env, tenant.slos, tenant.rule_sets, seen, tenant)


def own_groups(env: EnvironmentScope) -> Iterator[Group]:
    """The groups that the compiler builds, in an order in which each reads only what comes before.

    Shards of tenants differ in values only, so one invented tenant stands for all.
    """
    if any(True for _ in _relations(env)):
        env = replace(env, control=None)
    yield from pipelines.groups(env)
    yield from control.groups(env)
    yield from cost.groups(env)
    yield from tenants.shard_groups(env, 0, (tenants.SPECIMEN,))
    yield from tenants.groups(env)
    clusters = env.environment.spec.clusters
    yield from alerts.groups(ClusterScope(env=env, cluster=clusters[0]))


def _relations(env: EnvironmentScope) -> Iterator[PolicyFault]:
    if env.control is not None:
        policy = PolicyRef("ControlPolicy", env.control.metadata.name)
        for path, finding in control_faults(env, env.control.spec):
            yield PolicyFault(policy, path, finding)


def _policies(
    env: EnvironmentScope,
    slos: Iterable[SLO],
    rule_sets: Iterable[RuleSet],
    catalogue: Catalogue,
    tenant: TenantScope | None,
) -> Iterator[PolicyFault]:
    """The faults of one owner's SLOs and RuleSets; its records count as known whether or not they have faults."""
    slos, rule_sets = tuple(slos), tuple(rule_sets)
    interval = env.environment.spec.telemetry.evaluation_interval
    catalogue = inventory.with_records(catalogue, readable(slos, rule_sets, interval), _origins(rule_sets))
    retention = None if tenant is None else milliseconds(tenant.class_.spec.retention)
    expected = Expectation(
        retention_ms=retention,
        given=frozenset() if tenant is None else frozenset({LABEL}),
        most_series=env.environment.spec.telemetry.max_series_per_rule,
    )
    for policy in slos:
        for path, finding in _slo(policy, catalogue, expected):
            yield PolicyFault(PolicyRef("SLO", policy.metadata.name), path, finding, _text(policy, path))
    for rule_set in rule_sets:
        for path, finding in _rule_set(rule_set, catalogue, expected):
            ref = PolicyRef("RuleSet", rule_set.metadata.name)
            yield PolicyFault(ref, path, finding, _text(rule_set, path))
    yield from _twice(rule_sets)


def _origins(rule_sets: Iterable[RuleSet]) -> dict[str, tuple[PolicyRef, Path]]:
    return {
        record.record: (PolicyRef("RuleSet", rule_set.metadata.name), ("spec", "records", i, "expr"))
        for rule_set in rule_sets
        for i, record in enumerate(rule_set.spec.records)
    }


def _text(policy: SLO | RuleSet, path: Path) -> str:
    """The text at a path of a policy, empty where no text is."""
    value: object = policy
    for step in path:
        match value, step:
            case list(), int():
                value = value[step]
            case _:
                value = getattr(value, str(step), "")
    return value if isinstance(value, str) else ""


def readable(slos: Iterable[SLO], rule_sets: Iterable[RuleSet], interval: str) -> Iterator[Group]:
    """The groups of SLOs and RuleSets, without those that cannot be built for faults of theirs."""
    builds = [partial(slo.groups, policy, interval) for policy in slos]
    builds += [partial(rulesets.groups, rule_set, interval) for rule_set in rule_sets]
    for build in builds:
        try:
            yield from tuple(build())
        except (PromQLError, ForeignTenantError):
            continue


Located = tuple[Path, Finding]


def _slo(policy: SLO, catalogue: Catalogue, expected: Expectation) -> Iterator[Located]:
    spec = policy.spec
    yield from slo_faults(policy, expected.retention_ms)
    expected = replace(expected, reach_ms=max(milliseconds(w) for w in slo.windows(policy)), one=True)
    ratio, threshold = spec.indicator.ratio, spec.indicator.threshold
    if ratio is not None:
        for field, text in (("errors", ratio.errors), ("total", ratio.total)):
            path: Path = ("spec", "indicator", "ratio", field)
            yield from _expression(path, text, catalogue, expected, spec.tenant)
    if threshold is not None:
        path = ("spec", "indicator", "threshold", "query")
        yield from _expression(path, threshold.query, catalogue, expected, spec.tenant)
    yield from _own_text(("spec", "alerting", "runbook"), spec.alerting.runbook, spec.tenant)


def _rule_set(rule_set: RuleSet, catalogue: Catalogue, expected: Expectation) -> Iterator[Located]:
    tenant = rule_set.spec.tenant
    for i, record in enumerate(rule_set.spec.records):
        at: Path = ("spec", "records", i)
        yield from _expression((*at, "expr"), record.expr, catalogue, expected, tenant)
        yield from _own_labels((*at, "labels"), record.labels, tenant)
        if record.record.startswith(RESERVED):
            yield (*at, "record"), _reserved(record.record)
    for i, alert in enumerate(rule_set.spec.alerts):
        at = ("spec", "alerts", i)
        yield from _expression((*at, "expr"), alert.expr, catalogue, expected, tenant)
        yield from _own_labels((*at, "labels"), alert.labels, tenant)
        texts: dict[Path, str] = {("summary",): alert.summary, ("runbook",): alert.runbook}
        texts |= {("annotations", name): text for name, text in alert.annotations.items()}
        for where, text in texts.items():
            yield from _own_text((*at, *where), text, tenant)
            for finding in absent_labels(text, alert.expr, reader(catalogue)):
                yield (*at, *where), finding
    for at, panel in dashboards.panels(rule_set):
        yield from _expression((*at, "expr"), dashboards.readable(panel.expr), catalogue, expected, tenant)
        yield from (((*at, "legend"), f) for f in dashboards.absent_legends(panel, reader(catalogue)))


def _own_text(path: Path, text: str, tenant: str | None) -> Iterator[Located]:
    """Texts of an alert are templates, and a `query` in one would see the series of every tenant."""
    if tenant is not None and "{{" in _SHOWN.sub("", text):
        yield (
            path,
            Finding(
                code="PHX659",
                message="a text of a tenant's alert does more than show `$value` and `$labels.NAME`",
                help="write `{{ $value }}`, `{{ $value | title }}` or `{{ $labels.NAME }}`; queries see all tenants",
            ),
        )


def _reserved(name: str) -> Finding:
    prefix = next(p for p in RESERVED if name.startswith(p))
    return Finding(
        code="PHX660",
        message=f"`{name}` begins with `{prefix}`, which only the compiler records",
        help="begin the name with your own team or tenant, as in `checkout:orders:rate5m`",
    )


def _own_labels(path: Path, labels: dict[str, str], tenant: str | None) -> Iterator[Located]:
    for name in sorted(labels):
        if name == "__name__" or not _LABEL_NAME.fullmatch(name):
            yield (
                (*path, name),
                Finding(
                    code="PHX678",
                    message=f"`{name}` cannot be set as a label",
                    help="write letters, digits and `_`, no digit first; `__name__` is the name of the series",
                ),
            )
    if tenant is not None and LABEL in labels:
        yield (
            (*path, LABEL),
            Finding(
                code="PHX659",
                message=f"a tenant's rule cannot set `{LABEL}`",
                help=f"take it out: the compiler sets `{LABEL}` to `{tenant}`",
            ),
        )


def _expression(
    path: Path, text: str, catalogue: Catalogue, expected: Expectation, tenant: str | None
) -> Iterator[Located]:
    filled = windowed(text)
    for finding in check_expression(filled, catalogue, expected):
        yield path, finding
    if tenant is None:
        return
    try:
        narrowed(filled, LABEL, tenant)
    except ForeignTenantError as error:
        yield (
            path,
            Finding(
                code="PHX659",
                message=f"`{error}` is not for a rule of tenant `{tenant}` to say",
                help=f"take the matcher out: the rule sees only series of `{tenant}`",
            ),
        )
    except PromQLError:
        return


def _twice(rule_sets: Iterable[RuleSet]) -> Iterator[PolicyFault]:
    """Two rules that record one series: the values of both would alternate."""
    seen: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}
    for rule_set in rule_sets:
        for i, record in enumerate(rule_set.spec.records):
            key = (record.record, frozenset(record.labels.items()))
            first = seen.setdefault(key, f"{rule_set.metadata.name} {i}")
            if first != f"{rule_set.metadata.name} {i}":
                finding = Finding(
                    code="PHX657",
                    message=f"`{record.record}` is recorded twice, first in RuleSet `{first.partition(' ')[0]}`",
                    help="give the two different names, or labels that tell them apart",
                )
                policy = PolicyRef("RuleSet", rule_set.metadata.name)
                yield PolicyFault(policy, ("spec", "records", i, "record"), finding)


def own_findings(env: EnvironmentScope) -> Iterator[tuple[str, Finding]]:
    """(rule, finding) of what the compiler itself builds: anything here is a bug of ours. For tests."""
    groups = list(own_groups(env))
    catalogue = inventory.with_records(inventory.emitted(env), groups)
    for group in groups:
        for rule in group.rules:
            parse(rule.expr)
            name = getattr(rule, "record", "") or getattr(rule, "alert", "")
            yield from ((name, finding) for finding in check_expression(rule.expr, catalogue))
            for text in rule.plain().get("annotations", {}).values():
                yield from ((name, finding) for finding in absent_labels(text, rule.expr, reader(catalogue)))
