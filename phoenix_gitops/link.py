"""Stage link: what one document cannot know of another: references, uniqueness, relations between policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix_gitops import __version__
from phoenix_gitops.accounts import check_accounts
from phoenix_gitops.adoption import check_adoption
from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.document import Path
from phoenix_gitops.holds import check_holds
from phoenix_gitops.maturity import check_maturity
from phoenix_gitops.model.environment import Environment
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.slo import SLO
from phoenix_gitops.moves import check_moves
from phoenix_gitops.reconcilers import check_reconciler
from phoenix_gitops.regexes import regex_faults
from phoenix_gitops.relations import homeless, replicas
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.rings import check_rings
from phoenix_gitops.schemas import REF, marked_paths, values_at
from phoenix_gitops.suggest import closest
from phoenix_gitops.telling import check_dashboards, check_routing
from phoenix_gitops.world import World

Policies = Mapping[Key, Resolved]


def link_references(policies: Policies) -> tuple[Diagnostic, ...]:
    """References that name nothing, and patterns that are none. Only without them may the world be built."""
    return (
        *_platforms(policies),
        *_environments_exist(policies),
        *_references(policies),
        *regex_faults(policies),
    )


def link_relations(policies: Policies, world: World) -> tuple[Diagnostic, ...]:
    """Relations between policies that exist."""
    return (
        *_version(policies, world),
        *_rings(policies, world),
        *check_rings(policies, world),
        *_servers(policies, world),
        *check_maturity(policies, world),
        *check_holds(policies, world),
        *check_adoption(policies, world),
        *check_routing(policies, world),
        *check_dashboards(policies, world),
        *check_reconciler(policies, world),
        *_application_names(policies, world),
        *_stages(policies, world),
        *_exports(policies, world),
        *replicas(policies, world),
        *homeless(policies, world),
        *_namespaces(policies, world),
        *check_accounts(policies, world),
        *check_moves(policies, world),
        *_indicators(policies, world),
        *_rules(policies, world),
    )


def _at(policies: Policies, kind: str, name: str, *path: str | int, text: str = "") -> Label:
    label = policies[kind, name].origin(path).value
    return Label(label.span, text)


def _platforms(policies: Policies) -> Iterator[Diagnostic]:
    found = [key for key in policies if key[0] == "Platform"]
    if not found:
        yield Diagnostic(
            code="PHX501",
            message="there is no Platform policy",
            help="write one in `phoenix.yaml`; `phoenix init` makes an example",
        )
    for key in found:
        document = policies[key].document
        if document.file != "phoenix.yaml":
            yield Diagnostic(
                code="PHX501",
                message=f"the Platform policy `{key[1]}` stands in `{document.file}`",
                primary=Label(document.value_span(("kind",))),
                help="keep the one Platform in `phoenix.yaml`",
            )


def _environments_exist(policies: Policies) -> Iterator[Diagnostic]:
    if not any(kind == "Environment" for kind, _ in policies):
        yield Diagnostic(
            code="PHX502",
            message="there is no Environment to compile",
            help="write one in `environments/NAME.yaml`; one that is `abstract: true` does not count",
        )


def _references(policies: Policies) -> Iterator[Diagnostic]:
    for key in sorted(policies):
        policy = policies[key]
        for pattern, kind in marked_paths(key[0], REF):
            for path, name in values_at(policy.data, pattern):
                if (kind, name) not in policies:
                    yield _dangling(policies, policy, path, kind, str(name))


_LISTED = 10
"""How many names a help lists."""


def _dangling(policies: Policies, policy: Resolved, path: Path, kind: str, name: str) -> Diagnostic:
    names = [known for known_kind, known in policies if known_kind == kind]
    near = closest(name, names)
    listed = ", ".join(f"`{known}`" for known in sorted(names)[:_LISTED]) or "none yet"
    if len(names) > _LISTED:
        listed += f" and {len(names) - _LISTED} more"
    return Diagnostic(
        code="PHX503",
        message=f"there is no {kind} `{name}`",
        primary=policy.origin(path).value,
        help=f"did you mean `{near}`?" if near else f"those that exist: {listed}",
    )


def _version(policies: Policies, world: World) -> Iterator[Diagnostic]:
    wanted = world.platform.spec.version
    if wanted != __version__:
        name = world.platform.metadata.name
        yield Diagnostic(
            code="PHX504",
            message=f"the platform asks for compiler version `{wanted}`, this is `{__version__}`",
            primary=_at(policies, "Platform", name, "spec", "version"),
            help=f"install `phoenix-gitops=={wanted}`, or change the version in a pull request of its own",
        )


def _rings(policies: Policies, world: World) -> Iterator[Diagnostic]:
    rings = world.platform.spec.rings
    for name, environment in world.environments.items():
        ring = environment.spec.ring
        if ring and ring not in rings:
            near = closest(ring, rings)
            known = ", ".join(f"`{r}`" for r in rings) or "none"
            yield Diagnostic(
                code="PHX505",
                message=f"there is no ring `{ring}`",
                primary=_at(policies, "Environment", name, "spec", "ring"),
                help=f"did you mean `{near}`?" if near else f"the rings of the Platform are: {known}",
            )


def _servers(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """Two environments in one cluster would own the same objects and undo each other's."""
    seen: dict[str, tuple[str, int, str]] = {}
    for name, environment in world.environments.items():
        for i, cluster in enumerate(environment.spec.clusters):
            other = seen.setdefault(cluster.server.rstrip("/"), (name, i, cluster.name))
            if other == (name, i, cluster.name):
                continue
            yield Diagnostic(
                code="PHX506",
                message=f"clusters `{name}/{cluster.name}` and `{other[0]}/{other[2]}` are the same API server",
                primary=_at(policies, "Environment", name, "spec", "clusters", i, "server", text="the second"),
                secondary=(
                    _at(policies, "Environment", other[0], "spec", "clusters", other[1], "server", text="the first"),
                ),
                help="give each its own address: two environments in one cluster would undo each other's objects",
            )


def _application_names(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """Cluster `b` of `x-a` and cluster `a-b` of `x` would own the same Argo CD Applications."""
    seen: dict[str, tuple[str, int, str]] = {}
    for name, environment in world.environments.items():
        for i, cluster in enumerate(environment.spec.clusters):
            other = seen.setdefault(f"{name}-{cluster.name}", (name, i, cluster.name))
            if other[0] == name:
                continue
            yield Diagnostic(
                code="PHX676",
                message=f"clusters `{name}/{cluster.name}` and `{other[0]}/{other[2]}` name their Applications alike",
                primary=_at(policies, "Environment", name, "spec", "clusters", i, "name", text="the second"),
                secondary=(
                    _at(policies, "Environment", other[0], "spec", "clusters", other[1], "name", text="the first"),
                ),
                help=f"both are called `{name}-{cluster.name}-COMPONENT`: rename one of the clusters",
            )


def _stages(policies: Policies, world: World) -> Iterator[Diagnostic]:
    for name, environment in world.environments.items():
        used: list[tuple[str, Path, str]] = [("edge", ("spec", "edge"), environment.spec.edge)]
        used += [("gateway", ("spec", "pipelines", i), p) for i, p in enumerate(environment.spec.pipelines)]
        for stage, path, pipeline in used:
            actual = _pipeline(world, pipeline).spec.stage
            if actual != stage:
                yield Diagnostic(
                    code="PHX507",
                    message=f"pipeline `{pipeline}` is of stage `{actual}` and cannot run at the {stage}",
                    primary=policies["Environment", name].origin(path).value,
                    secondary=(_at(policies, "Pipeline", pipeline, "spec", "stage"),),
                    help=f"name a pipeline with `stage: {stage}`",
                )


def _exports(policies: Policies, world: World) -> Iterator[Diagnostic]:
    for name, pipeline in world.of_kind(Pipeline):
        for i, export in enumerate(pipeline.spec.export):
            kinds = (export.prometheus, export.otlp_http, export.metrics_store, export.kafka)
            given = sum(kind is not None for kind in kinds)
            if given != 1:
                yield Diagnostic(
                    code="PHX508",
                    message=f"export `{export.name}` must have exactly one of `prometheus`, `otlpHttp`, "
                    "`metricsStore` and `kafka`",
                    primary=policies["Pipeline", name].origin(("spec", "export", i)).value,
                    help="name where it goes, such as `prometheus: {port: 8890}`"
                    if not given
                    else "make two exports of it, one for each destination",
                )
    for name, environment in world.environments.items():
        known = {e.name for p in environment.spec.pipelines for e in _pipeline(world, p).spec.export if e.optional}
        for i, export_name in enumerate(environment.spec.exports):
            if export_name not in known:
                near = closest(export_name, sorted(known))
                listed = ", ".join(f"`{k}`" for k in sorted(known)) or "none"
                yield Diagnostic(
                    code="PHX509",
                    message=f"no pipeline of this environment has an optional export `{export_name}`",
                    primary=_at(policies, "Environment", name, "spec", "exports", i),
                    help=f"did you mean `{near}`?" if near else f"optional exports here: {listed}",
                )


def _pipeline(world: World, name: str) -> Pipeline:
    pipeline = world.policies["Pipeline", name]
    assert isinstance(pipeline, Pipeline)
    return pipeline


def _namespaces(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """A namespace belongs to one tenant of an environment: the tenant is known by it."""
    reported: set[tuple[str, str, str]] = set()
    for environment in world.environments.values():
        owners: dict[str, tuple[str, int]] = {}
        for name, tenant in world.held(environment).items():
            for i, namespace in enumerate(tenant.spec.identity.namespaces):
                other = owners.setdefault(namespace, (name, i))
                if other != (name, i) and (namespace, name, other[0]) not in reported:
                    reported.add((namespace, name, other[0]))
                    yield _shared_namespace(policies, environment, namespace, (name, i), other)


def _shared_namespace(
    policies: Policies, environment: Environment, namespace: str, second: tuple[str, int], first: tuple[str, int]
) -> Diagnostic:
    where = environment.metadata.name
    return Diagnostic(
        code="PHX510",
        message=f"namespace `{namespace}` belongs to tenants `{first[0]}` and `{second[0]}` in environment `{where}`",
        primary=_at(policies, "Tenant", second[0], "spec", "identity", "namespaces", second[1], text="the second"),
        secondary=(_at(policies, "Tenant", first[0], "spec", "identity", "namespaces", first[1], text="the first"),),
        help="a tenant is known by its namespaces: give each its own",
    )


def _indicators(policies: Policies, world: World) -> Iterator[Diagnostic]:
    for name, slo in world.of_kind(SLO):
        indicator = slo.spec.indicator
        if (indicator.ratio is None) == (indicator.threshold is None):
            yield Diagnostic(
                code="PHX512",
                message="an indicator must be exactly one of `ratio` and `threshold`",
                primary=policies["SLO", name].origin(("spec", "indicator")).key,
                help="`ratio` compares two counters, `threshold` watches a gauge",
            )


def _rules(policies: Policies, world: World) -> Iterator[Diagnostic]:
    """What rules, SLOs and control policies read, against what each environment has."""
    from phoenix_gitops.rules.lint import lint

    def locate(policy: PolicyRef, path: Path) -> Label:
        return policies[policy.kind, policy.name].origin(path).value

    def cause(policy: PolicyRef, path: Path) -> Label:
        found = policies[policy.kind, policy.name]
        return found.origin(path).value if found.sets(path) else found.origin(path).key

    scopes = (
        (world.environment(name), [world.tenant(environment, tenant) for tenant in world.present(environment)])
        for name, environment in sorted(world.environments.items())
    )
    return (fault.diagnostic(locate, cause) for fault in lint(scopes))
