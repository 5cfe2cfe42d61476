"""Checks of rules, SLOs and control policies against what an environment has. Faults point into policies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.catalogue import Catalogue
from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.document import Path
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.promql.check import Expectation, Finding, check_expression, offset
from phoenix_gitops.promql.rewrite import ForeignTenantError, narrowed, windowed
from phoenix_gitops.promql.syntax import PromQLError, parse
from phoenix_gitops.rules import alerts, control, cost, inventory, pipelines, rulesets, slo, tenants
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


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """A finding and the value in a policy that it is about."""

    policy: PolicyRef
    path: Path
    finding: Finding
    text: str = ""
    """The expression that the value holds, as it is written; empty where it holds none."""

    def diagnostic(self, locate: Callable[[PolicyRef, Path], Label | None]) -> Diagnostic:
        """The fault as a user sees it; `locate` finds the value's place."""
        return Diagnostic(
            code=self.finding.code,
            message=self.finding.message,
            primary=self._narrowed(locate(self.policy, self.path)),
            help=self.finding.help,
            severity=self.finding.severity,
        )

    def _narrowed(self, label: Label | None) -> Label | None:
        """The word that is meant, where the value is plain text on one line, so that columns can be counted."""
        at = offset(self.text, self.finding.word) if self.finding.word else None
        if label is None or at is None:
            return label
        span = label.span
        if span.line != span.end_line or span.end_col - span.col != len(self.text):
            return label
        start = span.col + at
        return Label(replace(span, col=start, end_col=start + len(self.finding.word)), label.text)


def lint(scopes: Iterable[tuple[EnvironmentScope, Iterable[TenantScope]]]) -> Iterator[PolicyFault]:
    """The faults of the rules of environments and of those of their tenants.

    A tenant's are the same in environments that know the same metrics, and looked at once for those.
    """
    catalogues: list[Catalogue] = []
    done: set[tuple[object, ...]] = set()
    for env, held in scopes:
        yield from _relations(env)
        platform = inventory.with_records(inventory.emitted(env), own_groups(env))
        yield from _policies(env, env.slos, env.rule_sets, platform, None)
        if platform not in catalogues:
            catalogues.append(platform)
        for tenant in held:
            names = [s.metadata.name for s in tenant.slos] + [r.metadata.name for r in tenant.rule_sets]
            key = (catalogues.index(platform), env.environment.spec.telemetry.evaluation_interval, *names)
            if names and key not in done:
                done.add(key)
                seen = inventory.seen_by(tenant, platform)
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
    catalogue = inventory.with_records(catalogue, _readable(slos, rule_sets, interval))
    retention = None if tenant is None else milliseconds(tenant.class_.spec.retention)
    for policy in slos:
        for path, finding in _slo(policy, catalogue, retention):
            yield PolicyFault(PolicyRef("SLO", policy.metadata.name), path, finding, _text(policy, path))
    for rule_set in rule_sets:
        for path, finding in _rule_set(rule_set, catalogue, retention):
            ref = PolicyRef("RuleSet", rule_set.metadata.name)
            yield PolicyFault(ref, path, finding, _text(rule_set, path))
    yield from _twice(rule_sets)


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


def _readable(slos: Iterable[SLO], rule_sets: Iterable[RuleSet], interval: str) -> Iterator[Group]:
    builds = [partial(slo.groups, policy, interval) for policy in slos]
    builds += [partial(rulesets.groups, rule_set, interval) for rule_set in rule_sets]
    for build in builds:
        try:
            yield from tuple(build())
        except (PromQLError, ForeignTenantError):
            continue


Located = tuple[Path, Finding]


def _slo(policy: SLO, catalogue: Catalogue, retention: int | None) -> Iterator[Located]:
    spec = policy.spec
    yield from slo_faults(policy, retention)
    expected = Expectation(retention_ms=retention, reach_ms=max(milliseconds(w) for w in slo.windows(policy)))
    ratio, threshold = spec.indicator.ratio, spec.indicator.threshold
    if ratio is not None:
        for field, text in (("errors", ratio.errors), ("total", ratio.total)):
            path: Path = ("spec", "indicator", "ratio", field)
            yield from _expression(path, text, catalogue, expected, spec.tenant)
    if threshold is not None:
        path = ("spec", "indicator", "threshold", "query")
        yield from _expression(path, threshold.query, catalogue, expected, spec.tenant)
    yield from _own_text(("spec", "alerting", "runbook"), spec.alerting.runbook, spec.tenant)


def _rule_set(rule_set: RuleSet, catalogue: Catalogue, retention: int | None) -> Iterator[Located]:
    expected = Expectation(retention_ms=retention)
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
        yield from _own_text((*at, "summary"), alert.summary, tenant)
        yield from _own_text((*at, "runbook"), alert.runbook, tenant)
        for name, text in alert.annotations.items():
            yield from _own_text((*at, "annotations", name), text, tenant)


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
            for finding in check_expression(rule.expr, catalogue):
                yield getattr(rule, "record", "") or getattr(rule, "alert", ""), finding
