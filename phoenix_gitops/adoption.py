"""Adoption: what is compiled beside what others run, and whether all that needs each other is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.document import Path
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.external import External
from phoenix_gitops.model.naming import Names
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.ruleset import RuleSet
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.world import World, matches

Policies = Mapping[Key, Resolved]

_DESTINATIONS: Final = (
    ("metrics_store", "metricsStore", "metricsStore: {}"),
    ("kafka", "broker", "kafka: {topic: ...}"),
)
"""An export's field, the environment's field that it goes to, and how an export says so."""
_DNS: Final = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?")
"""A name that a Service may bear, too."""
_LONGEST: Final = 63
_COMPONENTS: Final = ("gitops", "tenancy", "ingest", "rules")


def check_adoption(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """PHX530 to PHX532 and PHX534 to PHX536 of every environment."""
    for name, environment in sorted(world.environments.items()):
        policy = policies["Environment", name]
        yield from _needs(policies, world, environment)
        yield from _destinations(policies, world, environment)
        yield from _names(policies, world, policy)
    yield from _alike(policies, world)


def _needs(policies: Policies, world: World, environment: Environment) -> Iterator[Diagnostic]:
    """What stands on a component that is not compiled."""
    name = environment.metadata.name
    policy = policies["Environment", name]

    def missing(path: Path, message: str, advice: str, severity: Severity = Severity.ERROR) -> Diagnostic:
        place = policy.origin(path).value
        return Diagnostic(code="PHX530", message=message, primary=place, help=advice, severity=severity)

    ingest, rules = (("spec", "components", part, "manage") for part in ("ingest", "rules"))
    if environment.manages("ingest") == "none" and environment.manages("rules") != "none":
        yield missing(
            ingest,
            f"the rules of environment `{name}` read what its collectors count, and component `ingest` is `none`",
            "say `ingest: {manage: config}` where others run the collectors, or `rules: {manage: none}`",
        )
    if environment.manages("rules") == "none":
        if environment.spec.control is not None:
            yield missing(
                ("spec", "control"),
                f"control policy `{environment.spec.control}` is made of rules, and component `rules` is `none`",
                "take `control` out, or say `rules: {manage: config}`",
            )
        yield from _unheard(policies, world, environment, policy.origin(rules).value)
    if environment.manages("tenancy") == "none":
        for tenant_name, tenant in world.present(environment).items():
            isolation = world.class_of(tenant).spec.isolation
            if isolation != "shared":
                yield Diagnostic(
                    code="PHX530",
                    message=f"tenant `{tenant_name}` is of isolation `{isolation}`, and component `tenancy`, which "
                    f"makes its namespaces, is `none` in environment `{name}`",
                    primary=policies["Tenant", tenant_name].origin(("spec", "class")).value,
                    secondary=(policy.origin(("spec", "components", "tenancy", "manage")).value,),
                    help="give it a class with `isolation: shared`, whose namespaces are somebody else's, or compile "
                    "`tenancy`",
                )


def _unheard(policies: Policies, world: World, environment: Environment, cause: Label) -> Iterator[Diagnostic]:
    """SLOs and RuleSets that hold here and become nothing."""
    held: list[tuple[str, SLO | RuleSet]] = [*world.of_kind(SLO), *world.of_kind(RuleSet)]
    for name, policy in held:
        kind = "SLO" if isinstance(policy, SLO) else "RuleSet"
        if matches(policy.spec.environment_selector, environment):
            yield Diagnostic(
                code="PHX530",
                message=f"{kind} `{name}` becomes nothing in environment `{environment.metadata.name}`: "
                "component `rules` is `none`",
                primary=policies[kind, name].origin(("spec",)).key,
                secondary=(cause,),
                help="select other environments in its `environmentSelector`, or say `rules: {manage: config}`",
                severity=Severity.WARNING,
            )


def _destinations(policies: Policies, world: World, environment: Environment) -> Iterator[Diagnostic]:
    """Exports to what the environment does not name, and what it names for nobody."""
    if environment.manages("ingest") == "none":
        return
    name = environment.metadata.name
    policy = policies["Environment", name]
    for field, key, example in _DESTINATIONS:
        given: External | None = getattr(environment.spec.external, "broker" if key == "broker" else field)
        sending = list(_sending(world, environment, field))
        if given is None:
            for pipeline, i, export in sending:
                yield Diagnostic(
                    code="PHX531",
                    message=f"export `{export}` of pipeline `{pipeline}` goes to `external.{key}`, which environment "
                    f"`{name}` does not have",
                    primary=policies["Pipeline", pipeline].origin(("spec", "export", i)).value,
                    secondary=(policy.origin(("metadata", "name")).value,),
                    help=f"say where it is in `spec.external.{key}` of the environment, or make the export "
                    "`optional: true`",
                )
            continue
        place = policy.origin(("spec", "external", key)).key
        if not sending:
            yield Diagnostic(
                code="PHX532",
                message=f"no pipeline of environment `{name}` sends to `external.{key}`",
                primary=place,
                help=f"give a pipeline an export, as `export: [{{name: {key.lower()}, {example}}}]`, or take it out",
            )
        if not given.namespace and (given.pod_labels or given.pod_port is not None):
            yield Diagnostic(
                code="PHX534",
                message=f"`external.{key}` of environment `{name}` says which pods it has, but not in which namespace",
                primary=place,
                help="give their `namespace`, or take `podLabels` and `podPort` out",
            )
        elif environment.manages("ingest") == "full" and not given.ip_blocks and not given.namespace:
            yield Diagnostic(
                code="PHX534",
                message=f"`external.{key}` of environment `{name}` has neither `ipBlocks` nor `namespace`, so no "
                "network policy lets the gateway out to it",
                primary=place,
                help="give its addresses, or the namespace (and `podLabels`) of its pods if it is in the same cluster",
            )


def _sending(world: World, environment: Environment, field: str) -> Iterator[tuple[str, int, str]]:
    """The exports of a kind that are on in an environment: pipeline, place in its list, name."""
    for pipeline in dict.fromkeys(environment.spec.pipelines):
        policy = world.policies["Pipeline", pipeline]
        assert isinstance(policy, Pipeline)
        for i, export in enumerate(policy.spec.export):
            on = not export.optional or export.name in environment.spec.exports
            if on and getattr(export, field) is not None:
                yield pipeline, i, export.name


def _names(policies: Policies, world: World, environment: Resolved) -> Iterator[Diagnostic]:
    """Names that two things of an environment would bear, and names that no object can bear."""
    env = world.environments[environment.key[1]]
    platform = world.platform
    names = platform.spec.conventions.names_of(env.metadata.name)
    groups = (
        ("agentNamespace", "gatewayNamespace", "rulesNamespace"),
        ("agent", "gateway", "tenantGateway"),
        ("gateway", "gatewayHeadless"),
    )
    made = _made(names)
    for group in groups:
        for i, second in enumerate(group):
            for first in group[:i]:
                if made[first] == made[second]:
                    yield _clash(policies, world, second, f"`{first}` and `{second}` are both called `{made[first]}`")
    applications = [
        names.application(cluster.name, component) for cluster in env.spec.clusters for component in _COMPONENTS[1:]
    ]
    longest = max(applications, key=lambda name: (len(name), name))
    every = {**made, "application": longest, "root": names.root}
    every["project"] = max((names.project(c) for c in _COMPONENTS), key=lambda name: (len(name), name))
    for key, name in sorted(every.items()):
        if len(name) > _LONGEST or _DNS.fullmatch(name) is None:
            what = f"is {len(name)} characters long" if len(name) > _LONGEST else "is no name of a Kubernetes object"
            yield Diagnostic(
                code="PHX536",
                message=f"`{key}` of environment `{env.metadata.name}` would be called `{name}`, which {what}",
                primary=_template(policies, world, key),
                help=f"at most {_LONGEST} lower-case letters, digits and `-`, the first a letter and the last no `-`",
            )


def _made(names: Names) -> dict[str, str]:
    """What is called how, but for what the reconciler has, by the field of the template."""
    return {
        "agentNamespace": names.agent_namespace,
        "gatewayNamespace": names.gateway_namespace,
        "rulesNamespace": names.rules_namespace,
        "agent": names.agent,
        "gateway": names.gateway,
        "gatewayHeadless": names.gateway_headless,
        "tenantGateway": names.tenant_gateway,
    }


def _alike(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """Applications and projects of two environments, clusters or components that would be one object."""
    seen: dict[tuple[str, str], str] = {}
    told: set[str] = set()
    for name, environment in sorted(world.environments.items()):
        names = world.platform.spec.conventions.names_of(name)
        own = [("root", names.root, f"the root of `{name}`")]
        own += [("project", names.project(c), f"`{c}` of `{name}`") for c in _COMPONENTS]
        own += [
            ("application", names.application(cluster.name, c), f"`{name}/{cluster.name}/{c}`")
            for cluster in environment.spec.clusters
            for c in _COMPONENTS[1:]
        ]
        for key, called, who in own:
            kind = "AppProject" if key == "project" else "Application"
            other = seen.setdefault((kind, called), who)
            # By the default of our own they are told apart by PHX676, at the clusters' names.
            if other != who and key not in told and policies["Platform", _platform(world)].sets(_path(key)):
                told.add(key)
                yield _clash(policies, world, key, f"{other} and {who} are both called `{called}`")


def _clash(policies: Policies, world: World, key: str, what: str) -> Diagnostic:
    return Diagnostic(
        code="PHX535",
        message=f"names of the platform's conventions meet: {what}",
        primary=_template(policies, world, key),
        help="tell them apart, for example by `{environment}`, `{cluster}` or `{component}` where the field takes them",
    )


def _path(key: str) -> Path:
    return ("spec", "conventions", "names", key)


def _platform(world: World) -> str:
    return world.platform.metadata.name


def _template(policies: Policies, world: World, key: str) -> Label:
    return policies["Platform", _platform(world)].origin(_path(key)).value
