"""Label and annotation keys that we put on objects, in one place.

Selectors cannot change later, so neither can the label keys; environment-specific names come from
`Platform.conventions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from phoenix_gitops.artifact import PolicyRef

POLICY_GROUP: Final = "policy.phoenix.io"
"""The API group of policies, and the prefix of our own labels and annotations."""

POLICY: Final = f"{POLICY_GROUP}/policy"
"""Annotation: the policy that owns the object, as `Tenant/checkout`."""

OWNER: Final = f"{POLICY_GROUP}/owner"
"""Annotation: who answers for that policy, its `metadata.owner`."""

TENANT: Final = f"{POLICY_GROUP}/tenant"
"""Label: the tenant to whom a namespace or object belongs."""

ENVIRONMENT: Final = f"{POLICY_GROUP}/environment"
"""Label: the environment for which an object was compiled."""

COMPONENT: Final = f"{POLICY_GROUP}/component"
"""Label: the component (= domain) of the output to which an object belongs."""

CLUSTER: Final = f"{POLICY_GROUP}/cluster"
"""Label: the cluster for which an object was compiled."""

REGION: Final = f"{POLICY_GROUP}/region"
"""Label of Applications: the region of their cluster."""

CLASS: Final = f"{POLICY_GROUP}/class"
"""Label of Applications: what their environment is for, its `class`."""

RING: Final = f"{POLICY_GROUP}/ring"
"""Label of Applications: their environment's ring."""

MATURITY: Final = f"{POLICY_GROUP}/maturity"
"""Label of Applications: their environment's maturity."""

TENANT_CLASS: Final = f"{POLICY_GROUP}/tenant-class"
"""Label of namespaces: the class of their tenant."""

ISOLATION: Final = f"{POLICY_GROUP}/isolation"
"""Label of namespaces: how their tenant is isolated."""

STATE: Final = f"{POLICY_GROUP}/state"
"""Label of namespaces: their tenant's state."""

COST_CENTER: Final = f"{POLICY_GROUP}/cost-center"
"""Label: who pays."""

RESIDENCY: Final = f"{POLICY_GROUP}/residency"
"""Label of namespaces: where their tenant's data must lie; of Applications: where their environment lies."""

ACCOUNT: Final = f"{POLICY_GROUP}/account"
"""Annotation of namespaces: their tenant's account id."""

QUOTA_ENFORCEMENT: Final = f"{POLICY_GROUP}/quota-enforcement"
"""Annotation: how exactly each of a tenant's quotas is held, as `cpu=exact,activeSeries=alert-only`."""

HOLD: Final = f"{POLICY_GROUP}/hold"
"""Annotation of Applications and Kustomizations: why and until when what they watch is left as it is."""

SYNC_WAVE: Final = "argocd.argoproj.io/sync-wave"
"""Annotation: the wave in which Argo CD applies an object; a wave holds only inside one Application."""

SYNC_OPTIONS: Final = "argocd.argoproj.io/sync-options"
"""Annotation: how Argo CD treats an object, as `Prune=confirm,Delete=confirm`."""

COMPARE_OPTIONS: Final = "argocd.argoproj.io/compare-options"
"""Annotation: how Argo CD compares an object, as `IgnoreExtraneous`."""

FLUX_PRUNE: Final = "kustomize.toolkit.fluxcd.io/prune"
"""Annotation: `disabled` keeps Flux from deleting an object."""

FLUX_SSA: Final = "kustomize.toolkit.fluxcd.io/ssa"
"""Annotation: how Flux applies an object; `Merge` keeps what others wrote, `IfNotPresent` makes it and no more."""

APP_NAME: Final = "app.kubernetes.io/name"
APP_PART_OF: Final = "app.kubernetes.io/part-of"
APP_MANAGED_BY: Final = "app.kubernetes.io/managed-by"

PART_OF: Final = "phoenix"
"""Value of `app.kubernetes.io/part-of` on everything that we emit."""

MANAGED_BY: Final = "phoenix-gitops"
"""Value of `app.kubernetes.io/managed-by`."""


def decorate(
    body: dict[str, Any],
    *,
    component: str,
    policy: PolicyRef,
    owner: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> dict[str, Any]:
    """The object with what every object bears: whose it is, which policy owns it, the organisation's labels and notes.

    What the emitter set stays: an Application's component label names the component that it watches.
    """
    metadata = body["metadata"]
    return {
        **body,
        "metadata": {
            **metadata,
            "labels": {
                **labels,
                APP_MANAGED_BY: MANAGED_BY,
                APP_PART_OF: PART_OF,
                COMPONENT: component,
                **metadata.get("labels", {}),
            },
            "annotations": {**annotations, **metadata.get("annotations", {}), POLICY: str(policy), OWNER: owner},
        },
    }
