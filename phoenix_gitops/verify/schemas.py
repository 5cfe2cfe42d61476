"""One object against the schema of its kind: built-in, custom, unknown, or known under another version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.suggest import closest
from phoenix_gitops.verify.access import Mapping, mapping, text
from phoenix_gitops.verify.custom import GROUP, CustomSchemas, DamagedSchemaError, Kind, schema_path
from phoenix_gitops.verify.describe import describe
from phoenix_gitops.verify.finding import Fault
from phoenix_gitops.verify.kubernetes import BuiltinSchemas, supported_minors

_FETCH = "if a newer operator has it, `phoenix schema fetch` takes its schema from a cluster, a directory or a URL"
_DOT = "a custom resource has a group with a dot, and a kind of letters and digits"
FOLDER = "schemas/crds"
"""Where a repository keeps the schemas of custom resources."""

_CLUSTER_SCOPED = frozenset(
    (
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "CustomResourceDefinition",
        "DeviceClass",
        "DeviceTaintRule",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "StorageVersion",
        "StorageVersionMigration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    )
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the schemas say of an object; `unchecked` if there is no schema for its kind."""

    faults: tuple[Fault, ...] = ()
    unchecked: bool = False


class Schemas:
    """All schemas of one cluster: the built-in kinds of its minor and the custom ones of a folder."""

    def __init__(self, minor: str, custom: Path | None, cache_dir: Path | None = None) -> None:
        """Schemas for a minor of `supported_minors()`; CRD schemas lie in `custom`."""
        self.minor = minor
        self._builtin = BuiltinSchemas(minor, cache_dir)
        self._custom = CustomSchemas(custom)
        self._without: dict[Kind, Verdict] = {}
        """Verdicts on kinds that have no schema."""

    @staticmethod
    def knows(minor: str) -> bool:
        """Whether the schemas of a Kubernetes minor are bundled."""
        return minor in supported_minors()

    def check(self, body: Mapping) -> Verdict:
        """The verdict on one object."""
        try:
            return self._check(body)
        except DamagedSchemaError as error:
            message, help_text = "a schema of custom resources is damaged", "run `phoenix schema fetch` again"
            fault = Fault(at=(), code="PHX751", message=message, help=help_text, file=f"{FOLDER}/{error}")
            return Verdict((fault,))

    def _check(self, body: Mapping) -> Verdict:
        api_version, name = text(body.get("apiVersion")), text(body.get("kind"))
        missing = [field for field, value in (("apiVersion", api_version), ("kind", name)) if not value]
        if missing:
            return Verdict(
                tuple(
                    Fault(at=(field,), code="PHX704", message=f"the object lacks the field `{field}`")
                    for field in missing
                )
            )
        group, slash, version = api_version.rpartition("/")
        kind = (group if slash else "", version, name)
        if kind in self._builtin.kinds:
            scope = "Cluster" if name in _CLUSTER_SCOPED else "Namespaced"
            validator, schema = self._builtin.validator(kind), self._builtin.schema(kind)
        else:
            custom = self._custom.schema(kind)
            if custom is None:
                if kind not in self._without:
                    self._without[kind] = self._unknown(kind, api_version)
                return self._without[kind]
            schema, scope, validator = custom, self._custom.scope(kind), self._custom.validator(kind)
        faults = () if validator.is_valid(body) else describe(validator, schema, body)
        return Verdict((*faults, *_check_scope(body, name, scope)))

    def _unknown(self, kind: Kind, api_version: str) -> Verdict:
        """Removed, misspelt, or custom and without a schema."""
        group, _, name = kind
        now = sorted(f"{g}/{v}" if g else v for g, v, k in self._builtin.kinds if k == name)
        served = sorted({f"{g}/{v}" for g, v, k in self._custom.kinds_of(group) if k == name})
        known_group = group in self._builtin.groups
        similar = {g for g, _, k in self._builtin.kinds if k == name and g.partition(".")[0] == group.partition(".")[0]}
        if served or (now and (known_group or similar or not GROUP.fullmatch(group))):
            where = "by its CRD" if served else f"in Kubernetes {self.minor}"
            fault = Fault(
                at=("apiVersion",),
                code="PHX702",
                message=f"{name} is not served as `{api_version}` {where}",
                help="write " + " or ".join(f"`{version}`" for version in served or _newest(now)),
            )
            return Verdict((fault,))
        custom = {k for _, _, k in self._custom.kinds_of(group)}
        near = closest(name, sorted(custom | {k for g, _, k in self._builtin.kinds if g == group}))
        # Without a schema of its group a kind may well exist; with some, one that is not among them was not fetched.
        if near or custom or known_group or schema_path(kind) is None:
            everywhere = sorted({k for _, _, k in self._builtin.kinds})
            near = near or (None if custom else closest(name, everywhere))
            fault = Fault(
                at=("kind",),
                code="PHX701",
                message=f"unknown kind `{name}` of `{api_version}`",
                help=f"did you mean `{near}`?" if near else _FETCH if custom else _DOT,
            )
            return Verdict((fault,))
        return Verdict(unchecked=True)


def _newest(versions: list[str]) -> list[str]:
    """The stable ones, or all if none is."""
    stable = [version for version in versions if "alpha" not in version and "beta" not in version]
    return stable or versions


def _check_scope(body: Mapping, name: str, scope: str) -> tuple[Fault, ...]:
    namespace = mapping(body.get("metadata")).get("namespace")
    at = ("metadata", "namespace")
    if scope == "Cluster" and namespace:
        message = f"{name} is cluster-scoped and has namespace `{namespace}`"
        return (Fault(at=at, code="PHX730", message=message, help="leave `namespace` out"),)
    if scope == "Namespaced" and not namespace:
        message = f"{name} has no namespace"
        help_ = "name one: a reconciler's default is not part of what was reviewed"
        return (Fault(at=at, code="PHX730", message=message, help=help_),)
    return ()
