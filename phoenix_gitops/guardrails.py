"""Stage constrain: an organisation's own rules, in CUE, over each environment's merged policies.

The edge between the front half and `constraints`: it reads `policies/guardrails/*.cue`, shapes each environment's
`input`, and puts each violation at the policy line that it blames, with the guardrail's own line beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, ordered
from phoenix_gitops.document import Path as FieldPath
from phoenix_gitops.front import Front
from phoenix_gitops.model import Policy
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.tenant import Tenant
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.rings import collector_place
from phoenix_gitops.source import read_file
from phoenix_gitops.source.folders import GUARDRAILS
from phoenix_gitops.world import World

if TYPE_CHECKING:
    from phoenix_gitops.constraints import Violation


def constrain(front: Front) -> Outcome[Mapping[str, str]]:
    """What the guardrails object to, and their texts. Without a `.cue` file no `cue` is needed."""
    from phoenix_gitops import constraints, tools

    assert front.world is not None
    assert front.policies is not None
    guardrails = read_guardrails(front.root)
    if not guardrails.value:
        return guardrails
    cue = tools.require("cue")
    if cue.value is None:
        return Outcome(guardrails.value, (*guardrails.diagnostics, *cue.diagnostics))
    inputs = [
        constraints.ConstraintInput(id=name, data=guardrail_input(front.world, environment))
        for name, environment in front.world.environments.items()
    ]
    files = [constraints.GuardrailFile(file=file, text=text) for file, text in guardrails.value.items()]
    outcome = constraints.run(files, inputs, cue=cue.value.path)
    violations = [v.diagnostic(_blamed(front.policies, _placed(front.world, v))) for v in outcome.value.violations]
    return Outcome(guardrails.value, ordered((*guardrails.diagnostics, *outcome.diagnostics, *violations)))


def read_guardrails(root: Path) -> Outcome[Mapping[str, str]]:
    """The guardrails' texts by file; links and unreadable files are diagnostics, never followed."""
    folder = root / GUARDRAILS
    if not folder.is_dir() or any(part.is_symlink() for part in (folder, folder.parent)):
        return Outcome({})
    texts: dict[str, str] = {}
    found: list[Diagnostic] = []
    for name in sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".cue")):
        file = f"{GUARDRAILS}/{name}"
        content = read_file(root, file)
        if isinstance(content, Diagnostic):
            found.append(content)
        else:
            texts[file] = content.decode("utf-8", "replace")
    return Outcome(texts, tuple(found))


def guardrail_input(world: World, environment: Environment) -> dict[str, Any]:
    """What guardrails of one environment see as `input`; the names are those of the policies."""
    scope = world.environment(environment.metadata.name)
    tenants = {tenant.metadata.name: _tenant(world, tenant) for tenant in world.present(environment).values()}
    quotas = [tenant["quotas"] for tenant in tenants.values()]
    return {
        "platform": _plain(scope.platform),
        "environment": _plain(environment),
        "clusters": msgspec.to_builtins(environment.spec.clusters),
        "pipelines": {p.metadata.name: _plain(p) for p in (scope.edge, *scope.pipelines)},
        "control": _plain(scope.control) if scope.control else None,
        "security": _plain(scope.security),
        "tenantClasses": {name: _plain(policy) for (kind, name), policy in _of_kind(world, "TenantClass")},
        "tenants": tenants,
        "sums": {
            "activeSeries": sum(q.get("activeSeries") or 0 for q in quotas),
            "ingestRate": sum(q.get("ingestRate") or 0 for q in quotas),
            "tenants": len(tenants),
        },
    }


def _of_kind(world: World, kind: str) -> list[tuple[Key, Policy]]:
    return [(key, policy) for key, policy in world.policies.items() if key[0] == kind]


def _plain(policy: Policy) -> dict[str, Any]:
    """A policy as guardrails see it: name, owner and labels beside the fields of its spec."""
    metadata = policy.metadata
    spec: dict[str, Any] = msgspec.to_builtins(policy.spec)
    return {"name": metadata.name, "owner": metadata.owner, "labels": dict(metadata.labels), **spec}


def _tenant(world: World, tenant: Tenant) -> dict[str, Any]:
    """A tenant with its class's quotas under its own."""
    quotas = world.standing(tenant).quotas(tenant)
    return {**_plain(cast(Policy, tenant)), "quotas": msgspec.to_builtins(quotas)}


def _placed(world: World, violation: Violation) -> FieldPath:
    """The path that a violation blames; of the collector that its environment sees, where its ring says it."""
    head, rest = violation.path[:5], violation.path[5:]
    if head != ("Platform", world.platform.metadata.name, "spec", "catalog", "collector") or rest == ("repository",):
        return violation.path
    ring = world.environments[violation.input].spec.ring
    return (*head[:2], *collector_place(world.platform, ring), *rest)


def _blamed(policies: Mapping[Key, Resolved], path: FieldPath) -> Label | None:
    """Where the policy that a violation blames stands; the nearest part of it that a document gives."""
    policy = policies.get((str(path[0]), str(path[1])))
    if policy is None:
        return None
    inner = path[2:]
    while inner and not policy.sets(inner):
        inner = inner[:-1]
    return policy.origin(inner or ("metadata", "name")).value
