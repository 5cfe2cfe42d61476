"""What imported rules may read without declaring it: metrics that every environment has."""

from __future__ import annotations

from phoenix_gitops.catalogue import declared
from phoenix_gitops.rules import inventory, lint
from phoenix_gitops.world import World


def known_metrics(world: World, tenant: str | None) -> frozenset[str]:
    """Names that rules of a tenant, or the platform's own, can read in each environment where they hold."""
    found: list[frozenset[str]] = []
    for name, environment in world.environments.items():
        env = world.environment(name)
        catalogue = inventory.with_records(inventory.emitted(env), lint.own_groups(env))
        rule_sets = env.rule_sets
        if tenant is not None:
            if tenant not in world.present(environment):
                continue
            scope = world.tenant(environment, tenant)
            catalogue = inventory.seen_by(scope, catalogue).plus(declared(scope.catalogs))
            rule_sets = scope.rule_sets
        recorded = {record.record for rule_set in rule_sets for record in rule_set.spec.records}
        found.append(catalogue.names | recorded)
    return frozenset.intersection(*found) if found else frozenset()
