"""Label and annotation keys that we put on objects, in one place.

Selectors cannot change later, so neither can the label keys; environment-specific names come from
`Platform.conventions`.
"""

from __future__ import annotations

from typing import Final

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

APP_NAME: Final = "app.kubernetes.io/name"
APP_INSTANCE: Final = "app.kubernetes.io/instance"
APP_COMPONENT: Final = "app.kubernetes.io/component"
APP_PART_OF: Final = "app.kubernetes.io/part-of"
APP_MANAGED_BY: Final = "app.kubernetes.io/managed-by"

PART_OF: Final = "phoenix"
"""Value of `app.kubernetes.io/part-of` on everything that we emit."""

MANAGED_BY: Final = "phoenix-gitops"
"""Value of `app.kubernetes.io/managed-by`."""
