"""RuleSets as groups: a team's own rules, narrowed to its tenant's series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix_gitops.model.ruleset import Alert as OwnAlert
from phoenix_gitops.model.ruleset import Record as OwnRecord
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.rewrite import narrowed
from phoenix_gitops.rules.group import Alert, Group, Record, group
from phoenix_gitops.rules.tenants import LABEL


def groups(rule_set: RuleSet, interval: str) -> Iterator[Group]:
    """The groups of a RuleSet: records by what they build on, then the alerts.

    Raises what `narrowed` raises; the checks of `lint` come first.
    """
    spec, name = rule_set.spec, rule_set.metadata.name
    every = spec.interval or interval
    for i, layer in enumerate(layers(rule_set)):
        records = [_record(rule_set, record) for record in layer]
        yield from group(f"ruleset-{name}" + (f"-{i + 1}" if i else ""), every, records)
    yield from group(f"ruleset-{name}-alerts", every, [_alert(rule_set, alert) for alert in spec.alerts])


def layers(rule_set: RuleSet) -> tuple[tuple[OwnRecord, ...], ...]:
    """The records in layers: each reads at most what earlier layers record. A circle ends in the last layer."""
    waiting = {record.record: record for record in rule_set.spec.records}
    reads = {name: _reads(record.expr) & waiting.keys() - {name} for name, record in waiting.items()}
    found: list[tuple[OwnRecord, ...]] = []
    while waiting:
        ready = [name for name in waiting if not reads[name] & waiting.keys()] or list(waiting)
        found.append(tuple(waiting.pop(name) for name in ready))
    return tuple(found)


def _reads(expr: str) -> frozenset[str]:
    return frozenset(selector.name for selector in syntax.selectors(syntax.parse(expr)))


def expression(rule_set: RuleSet, text: str) -> str:
    """An expression of a RuleSet as its tenant may see it."""
    tenant = rule_set.spec.tenant
    return narrowed(text.strip(), LABEL, tenant) if tenant else text.strip()


def identity(rule_set: RuleSet, labels: Mapping[str, str]) -> dict[str, str]:
    """A rule's labels; what a tenant records is that tenant's."""
    tenant = rule_set.spec.tenant
    return {**labels, LABEL: tenant} if tenant else dict(labels)


def _record(rule_set: RuleSet, record: OwnRecord) -> Record:
    return Record(
        record=record.record,
        expr=expression(rule_set, record.expr),
        labels=identity(rule_set, record.labels),
    )


def _alert(rule_set: RuleSet, alert: OwnAlert) -> Alert:
    return Alert(
        alert=alert.alert,
        expr=expression(rule_set, alert.expr),
        hold=alert.for_,
        keep=alert.keep_firing_for,
        severity=alert.severity,
        summary=alert.summary,
        runbook=alert.runbook,
        labels=identity(rule_set, alert.labels),
        annotations=alert.annotations,
    )
