"""Access for Flux: in each cluster an account for each component, with the rights that its fence says and no others.

A Role cannot stand where no namespace is yet, and the folder that makes the namespace is applied by an account that has
no rights in it before. So the namespaces are made here if they are not there, and left alone if they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from phoenix_gitops import conventions
from phoenix_gitops.artifact import Artifact, PolicyRef
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.emitters.base import Emitted, Render
from phoenix_gitops.emitters.gitops.fences import RESOURCES, GroupKind, Rule
from phoenix_gitops.emitters.gitops.plan import COMPONENT, Delivery, Fence, Plan
from phoenix_gitops.model.environment import Cluster
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.scope import EnvironmentScope

_READ: Final = ("get", "list", "watch")
_APPLY: Final = ("create", "delete", "get", "list", "patch", "watch")
_PODS: Final = (
    Rule(everywhere=False, groups=("",), resources=("pods",), verbs=_READ),
    Rule(everywhere=False, groups=("apps",), resources=("replicasets",), verbs=_READ),
)
"""What the health of a workload is read from."""
_STAYS: Final = {conventions.FLUX_PRUNE: "disabled"}


def account_name(platform: Platform, fence: str) -> str:
    """The account that applies what stands in a fence; its roles are called so, too."""
    return f"{platform.spec.conventions.namespace_prefix}-{fence}"


def grant_access(plan: Plan, scope: EnvironmentScope, cluster: Cluster, render: Render) -> Iterator[Emitted]:
    """All that Flux must find in a cluster before it applies anything there."""
    granter = _Granter(scope, cluster, render)
    parts = [
        (fence, delivery)
        for fence in plan.fences
        for delivery in fence.inside
        if delivery.cluster == cluster.name and fence.component != COMPONENT
    ]
    namespaces = {namespace for _, delivery in parts for namespace in delivery.namespaces}
    flux = scope.platform.spec.flux
    if cluster.server != flux.server:
        namespaces.add(flux.namespace)
    for namespace in sorted(namespaces):
        yield granter.namespace(namespace)
    for fence, delivery in parts:
        yield from granter.component(fence, delivery)


class _Granter:
    """Renders the access to one cluster."""

    def __init__(self, scope: EnvironmentScope, cluster: Cluster, render: Render) -> None:
        self._scope, self._cluster, self._render = scope, cluster, render
        self._home = scope.platform.spec.flux.namespace

    def namespace(self, name: str) -> Artifact:
        """A namespace that is made if it is not there; the component that it belongs to says how it is to be."""
        annotations = {**_STAYS, conventions.FLUX_SSA: "IfNotPresent"}
        return self._artifact("namespace", {}, name=name, annotations=annotations)

    def component(self, fence: Fence, delivery: Delivery) -> Iterator[Emitted]:
        """The account of a component with its rights in one cluster."""
        name = account_name(self._scope.platform, fence.name)
        subject = {"account": name, "account_namespace": self._home}
        yield self._artifact("serviceaccount", fence.labels, name=name, namespace=self._home)
        wide, faults = self._rules(fence.cluster_wide, delivery, everywhere=True)
        yield from faults
        if wide:
            yield self._artifact("clusterrole", fence.labels, name=f"{name}-cluster", rules=wide)
            yield self._artifact(
                "clusterrolebinding", fence.labels, name=f"{name}-cluster", role=f"{name}-cluster", **subject
            )
        narrow, faults = self._rules(fence.namespaced, delivery, everywhere=False)
        yield from faults
        if narrow:
            # It is there even where no namespace is: bindings of namespaces that are left still need it.
            yield self._artifact("clusterrole", fence.labels, name=name, rules=narrow)
        for namespace in sorted(delivery.namespaces):
            yield self._artifact(
                "rolebinding",
                fence.labels,
                name=name,
                namespace=namespace,
                role=name,
                # Were it gone with the last object of a namespace, that object could not be deleted any more.
                annotations=_STAYS,
                **subject,
            )

    def _rules(
        self, kinds: Iterable[GroupKind], delivery: Delivery, *, everywhere: bool
    ) -> tuple[list[Mapping[str, list[str]]], list[Diagnostic]]:
        """Rules for the kinds, and for what the component's roles grant: nobody can grant what they have not."""
        resources: dict[str, list[str]] = {}
        faults = []
        for group, kind in sorted(kinds):
            known = RESOURCES.get((group, kind)) or self._scope.platform.spec.flux.resources.get(_written(group, kind))
            if known:
                resources.setdefault(group, []).append(known)
            else:
                faults.append(_unknown(delivery.component, _written(group, kind)))
        rules = [
            Rule(everywhere=everywhere, groups=(group,), resources=tuple(sorted(names)), verbs=_APPLY)
            for group, names in resources.items()
        ]
        if "apps" in resources and not everywhere:
            rules += _PODS
        rules += _joined(rule for rule in delivery.grants if rule.everywhere == everywhere)
        return [_plain(rule) for rule in dict.fromkeys(rules)], faults

    def _artifact(self, kind: str, labels: Mapping[str, str], **values: object) -> Artifact:
        template = f"gitops/{kind}.yaml.j2"
        common: dict[str, object] = {
            "labels": {
                **labels,
                conventions.ENVIRONMENT: self._scope.name,
                conventions.CLUSTER: self._cluster.name,
            },
        }
        body = self._render(template, **{**common, **values})
        policy = PolicyRef("Environment", self._scope.name)
        return Artifact(component=COMPONENT, policy=policy, body=body, template=template)


def _joined(rules: Iterable[Rule]) -> list[Rule]:
    """In a fixed order, and those that only name other objects of one kind as one."""
    names: dict[tuple[Rule, bool], set[str]] = {}
    for rule in rules:
        names.setdefault((replace(rule, names=()), bool(rule.names)), set()).update(rule.names)
    return sorted(replace(rule, names=tuple(sorted(found))) for (rule, _), found in names.items())


def _plain(rule: Rule) -> Mapping[str, list[str]]:
    return {
        "groups": list(rule.groups),
        "resources": list(rule.resources),
        "names": list(rule.names),
        "urls": list(rule.urls),
        "verbs": list(rule.verbs),
    }


def _written(group: str, kind: str) -> str:
    return f"{kind}.{group}" if group else kind


def _unknown(component: str, kind: str) -> Diagnostic:
    return Diagnostic(
        code="PHX538",
        message=f"component `{component}` holds a `{kind}`, whose resource name is not known",
        help=f"rights go by resource names: say it under `spec.flux.resources` in phoenix.yaml, as `{kind}: ...`",
    )
