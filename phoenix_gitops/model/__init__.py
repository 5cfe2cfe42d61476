"""The kinds of policies: one definition each, from which schema, reference and decoding come."""

from __future__ import annotations

from phoenix_gitops.model.account import Account
from phoenix_gitops.model.base import API_VERSION, Metadata, Model
from phoenix_gitops.model.catalog import MetricCatalog
from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.model.tenant import Tenant, TenantClass

Policy = (
    Platform
    | Environment
    | Tenant
    | TenantClass
    | Pipeline
    | MetricCatalog
    | ControlPolicy
    | SLO
    | RuleSet
    | SecurityPolicy
    | Account
)

KINDS: dict[str, type[Policy]] = {
    "Platform": Platform,
    "Environment": Environment,
    "Tenant": Tenant,
    "TenantClass": TenantClass,
    "Pipeline": Pipeline,
    "MetricCatalog": MetricCatalog,
    "ControlPolicy": ControlPolicy,
    "SLO": SLO,
    "RuleSet": RuleSet,
    "SecurityPolicy": SecurityPolicy,
    "Account": Account,
}

LATER_KINDS = ("BackupPolicy", "Benchmark")
"""Kinds of the design that this version does not compile yet; using one is an error that says so."""

__all__ = ["API_VERSION", "KINDS", "LATER_KINDS", "Metadata", "Model", "Policy"]
