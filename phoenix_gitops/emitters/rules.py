"""Rules: PrometheusRules for the operator, and the same rules as plain files for promtool and vmalert."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, Carrier, Derived, PolicyRef, ProofFile
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters import manners
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.dashboards import platform_dashboards, tenant_dashboards
from phoenix_gitops.emitters.routing import platform_routes, tenant_routes
from phoenix_gitops.promql.rewrite import ForeignTenantError
from phoenix_gitops.promql.syntax import PromQLError
from phoenix_gitops.rules.group import Alert, Group
from phoenix_gitops.rules.platform import RuleFile, platform_files, tenant_file
from phoenix_gitops.rules.relations import control_faults
from phoenix_gitops.ruletests.files import platform_tests, proof_files, tenant_tests
from phoenix_gitops.ruletests.owned import RuleTests
from phoenix_gitops.scope import ClusterScope, TenantScope

COMPONENT: Final = "rules"

_RULE = "rules/prometheusrule.yaml.j2"
_NAMESPACE = "rules/namespace.yaml.j2"


def emit(scope: ClusterScope, render: Render) -> Iterator[Emitted]:
    """The namespace of the platform's rules, and its rules."""
    missing = list(_missing_facts(scope))
    if missing:
        yield from missing
        return
    faults = [] if scope.env.control is None else list(control_faults(scope.env, scope.env.control.spec))
    if faults:
        # Link reports them at their lines; here they only keep a law that cannot work from being emitted.
        yield from (Diagnostic(code=f.code, message=f.message, help=f.help) for _, f in faults)
        return
    if scope.env.environment.manages(COMPONENT) == "full":
        yield _namespace(scope, render)
    for file in platform_files(scope):
        routed = _routed(scope, file)
        yield from _objects(
            scope, render, routed, scope.env.names.rules_namespace, partial(platform_tests, scope, routed)
        )
    yield from platform_routes(scope, render)
    yield from platform_dashboards(scope, render)


def emit_tenant(scope: ClusterScope, tenant: TenantScope, render: Render) -> Iterator[Emitted]:
    """A tenant's own SLOs and rules: in its first namespace, or with the platform's where it has none of its own."""
    if tenant.retired or any(_missing_facts(scope)):
        return
    yield from tenant_routes(scope, tenant, render)
    try:
        file = tenant_file(scope.env, tenant)
        shown = tuple(tenant_dashboards(scope, tenant, render))
    except (ForeignTenantError, PromQLError) as error:
        yield Diagnostic(
            code="PHX659" if isinstance(error, ForeignTenantError) else "PHX652",
            message=f"a rule of tenant `{tenant.name}` cannot be narrowed to its series: {error}",
            help="mend the expression; `phoenix validate` points at it",
        )
        return
    yield from shown
    if file is not None:
        file = _routed(scope, file)
        namespace = (
            tenant.tenant.spec.identity.namespaces[0]
            if tenant.standing.rules_at_home
            else scope.env.names.rules_namespace
        )
        yield from _objects(scope, render, file, namespace, partial(tenant_tests, tenant, file), tenant=tenant.name)


def _missing_facts(scope: ClusterScope) -> Iterator[Diagnostic]:
    """Rules that nobody evaluates are worse than none: they look like a guard."""
    cluster = scope.cluster
    where = "under `spec.clusters` of the environment"
    if cluster.provides.prometheus_operator is None:
        yield Diagnostic(
            code="PHX650",
            message=f"cluster `{cluster.name}` has no `provides.prometheusOperator`, so nothing evaluates its rules",
            help=f"say which version runs there, as in `provides: {{prometheusOperator: '0.93'}}`, {where}",
        )
    elif not cluster.discovery_labels:
        yield Diagnostic(
            code="PHX651",
            message=f"cluster `{cluster.name}` has no `discoveryLabels`, without which the operator ignores rules",
            help=f"give the labels of the Prometheus object's `ruleSelector`, {where}",
        )


def _objects(
    scope: ClusterScope,
    render: Render,
    file: RuleFile,
    namespace: str,
    tests: Callable[[], RuleTests],
    *,
    tenant: str = "",
) -> Iterator[Artifact | ProofFile | Derived]:
    body = plain(file)
    labels = {conventions.ENVIRONMENT: scope.env.name, **({conventions.TENANT: tenant} if tenant else {})}
    rule = render(
        _RULE,
        name=file.name,
        namespace=namespace,
        labels={**labels, **scope.cluster.discovery_labels},
        groups=body["groups"],
    )
    artifact = Artifact(component=COMPONENT, policy=file.policy, body=rule, template=_RULE)
    yield artifact
    proof = ProofFile(
        folder="rules", name=file.name, policy=file.policy, body=plain(file), carrier=Carrier.of(artifact, "spec")
    )
    yield proof
    yield Derived(source=proof, make=partial(proof_files, file, tests))


def _routed(scope: ClusterScope, file: RuleFile) -> RuleFile:
    """The file with the labels by which the organisation's Alertmanager routes, beneath each alert's own."""
    labels = dict(scope.env.platform.spec.conventions.alert_labels)
    for placeholder, name in (("{environment}", scope.env.name), ("{cluster}", scope.cluster.name)):
        labels = {key: value.replace(placeholder, name) for key, value in labels.items()}
    if not labels:
        return file
    return replace(file, groups=tuple(_labelled(group, labels) for group in file.groups))


def _labelled(group: Group, labels: Mapping[str, str]) -> Group:
    rules = (replace(r, labels={**labels, **r.labels}) if isinstance(r, Alert) else r for r in group.rules)
    return replace(group, rules=tuple(rules))


def plain(file: RuleFile) -> dict[str, Any]:
    """A rule file as promtool and vmalert read it."""
    return {"groups": [group.plain() for group in file.groups]}


def _namespace(scope: ClusterScope, render: Render) -> Artifact:
    followed = scope.env.security.spec.pod_security_version
    version = "latest" if followed == "latest" else f"v{scope.cluster.kubernetes}"
    labels = {conventions.ENVIRONMENT: scope.env.name, conventions.APP_PART_OF: conventions.PART_OF}
    for mode in ("enforce", "audit", "warn"):
        labels[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        labels[f"pod-security.kubernetes.io/{mode}-version"] = version
    annotations = manners.written(scope.env.platform, manners.NAMESPACE)
    body = render(_NAMESPACE, name=scope.env.names.rules_namespace, labels=labels, annotations=annotations)
    return Artifact(
        component=COMPONENT, policy=PolicyRef("Environment", scope.env.name), body=body, template=_NAMESPACE
    )
