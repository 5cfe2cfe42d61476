"""Fields with a closed set of values that the Kubernetes schemas leave open."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.suggest import closest
from phoenix_gitops.verify.access import Mapping
from phoenix_gitops.verify.finding import Fault, ObjectPath

_PROTOCOLS = ("TCP", "UDP", "SCTP")
CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "container": {
        "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
        "restartPolicy": ("Always", "Never", "OnFailure"),
        "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
    },
    "port": {"protocol": _PROTOCOLS},
    "httpGet": {"scheme": ("HTTP", "HTTPS")},
    "pod": {
        "restartPolicy": ("Always", "OnFailure", "Never"),
        "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "preemptionPolicy": ("Never", "PreemptLowerPriority"),
    },
    "spread": {
        "whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
        "nodeAffinityPolicy": ("Honor", "Ignore"),
        "nodeTaintsPolicy": ("Honor", "Ignore"),
    },
    "toleration": {
        "operator": ("Exists", "Equal"),
        "effect": ("", "NoSchedule", "PreferNoSchedule", "NoExecute"),
    },
    "seccompProfile": {"type": ("RuntimeDefault", "Localhost", "Unconfined")},
    "service": {
        "type": ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "sessionAffinity": ("None", "ClientIP"),
        "externalTrafficPolicy": ("Cluster", "Local"),
        "internalTrafficPolicy": ("Cluster", "Local"),
        "ipFamilyPolicy": ("SingleStack", "PreferDualStack", "RequireDualStack"),
        "trafficDistribution": ("PreferClose", "PreferSameZone", "PreferSameNode"),
    },
    "Deployment strategy": {"type": ("Recreate", "RollingUpdate")},
    "update strategy": {"type": ("OnDelete", "RollingUpdate")},
    "StatefulSet": {"podManagementPolicy": ("OrderedReady", "Parallel")},
    "CronJob": {"concurrencyPolicy": ("Allow", "Forbid", "Replace")},
    "PodDisruptionBudget": {"unhealthyPodEvictionPolicy": ("IfHealthyBudget", "AlwaysAllow")},
    "ingress path": {"pathType": ("Exact", "Prefix", "ImplementationSpecific")},
    "binding subject": {"kind": ("User", "Group", "ServiceAccount")},
    "role reference": {"kind": ("Role", "ClusterRole"), "apiGroup": ("rbac.authorization.k8s.io",)},
    "limit": {"type": ("Container", "Pod", "PersistentVolumeClaim")},
    "metric": {"type": ("ContainerResource", "External", "Object", "Pods", "Resource")},
    "metric target": {"type": ("Utilization", "Value", "AverageValue")},
    "volume mount": {
        "mountPropagation": ("None", "HostToContainer", "Bidirectional"),
        "recursiveReadOnly": ("Disabled", "IfPossible", "Enabled"),
    },
    "resize policy": {
        "resourceName": ("cpu", "memory"),
        "restartPolicy": ("NotRequired", "RestartContainer"),
    },
    "pod's security": {
        "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
        "seLinuxChangePolicy": ("MountOption", "Recursive"),
        "supplementalGroupsPolicy": ("Merge", "Strict"),
    },
    "appArmorProfile": {"type": ("RuntimeDefault", "Localhost", "Unconfined")},
    "os": {"name": ("linux", "windows")},
}
"""What a thing is called -> field -> values."""


def check_choices(data: Mapping, at: ObjectPath, thing: str) -> Iterator[Fault]:
    """The closed fields of one mapping; absent ones have defaults."""
    for field, allowed in CHOICES.get(thing, {}).items():
        value = data.get(field)
        if isinstance(value, str) and value not in allowed:
            yield choice_fault((*at, field), value, allowed)


def choice_fault(at: ObjectPath, value: str, allowed: tuple[str, ...]) -> Fault:
    """That a field holds none of its values."""
    known = ", ".join(f"`{choice}`" for choice in allowed if choice)
    near = closest(value, allowed)
    return Fault(
        at=at,
        code="PHX706",
        message=f"`{value}` is not a value of `{at[-1]}`",
        help=f"did you mean `{near}`?" if near else f"one of {known}",
    )
