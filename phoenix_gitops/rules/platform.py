"""All rule groups of a cluster by the object that carries them, without those of single tenants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.rules import alerts, control, cost, pipelines, rulesets, slo, tenants
from phoenix_gitops.rules.group import Group
from phoenix_gitops.scope import ClusterScope, EnvironmentScope, TenantScope


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """The groups of one PrometheusRule and of the plain rule file that says the same."""

    name: str
    policy: PolicyRef
    groups: tuple[Group, ...]


def platform_files(scope: ClusterScope) -> Iterator[RuleFile]:
    """The rules that are no tenant's; files without rules are absent."""
    env = scope.env
    owner = PolicyRef("Environment", env.name)
    files = [
        RuleFile(name="pipelines", policy=owner, groups=tuple(pipelines.groups(env))),
        RuleFile(name="platform-alerts", policy=owner, groups=tuple(alerts.groups(scope))),
        RuleFile(name="costs", policy=owner, groups=tuple(cost.groups(env))),
        RuleFile(name="quotas", policy=owner, groups=tuple(tenants.groups(env))),
    ]
    if env.control is not None:
        policy = PolicyRef("ControlPolicy", env.control.metadata.name)
        files.append(RuleFile(name="control", policy=policy, groups=tuple(control.groups(env))))
    files += _owned(env)
    files += [
        RuleFile(name=f"tenants-{i:02}", policy=owner, groups=tuple(tenants.shard_groups(env, i, held)))
        for i, held in tenants.shards(env).items()
    ]
    yield from (file for file in files if file.groups)


def _owned(env: EnvironmentScope) -> Iterator[RuleFile]:
    interval = env.environment.spec.telemetry.evaluation_interval
    for policy in env.slos:
        name = policy.metadata.name
        yield RuleFile(name=f"slo-{name}", policy=PolicyRef("SLO", name), groups=tuple(slo.groups(policy, interval)))
    for rule_set in env.rule_sets:
        name = rule_set.metadata.name
        yield RuleFile(
            name=f"ruleset-{name}",
            policy=PolicyRef("RuleSet", name),
            groups=tuple(rulesets.groups(rule_set, interval)),
        )


def tenant_file(env: EnvironmentScope, tenant: TenantScope) -> RuleFile | None:
    """A tenant's own SLOs and rules in one file, or None where it has none."""
    interval = env.environment.spec.telemetry.evaluation_interval
    found = [g for policy in tenant.slos for g in slo.groups(policy, interval)]
    found += [g for rule_set in tenant.rule_sets for g in rulesets.groups(rule_set, interval)]
    if not found:
        return None
    policy = PolicyRef("Tenant", tenant.name)
    return RuleFile(name=f"tenant-{tenant.name}", policy=policy, groups=tuple(found))
