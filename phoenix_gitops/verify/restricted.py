"""Pod Security Standards: what keeps a pod from the levels `baseline` and `restricted`.

Found per pod without knowing its namespace; the cluster's check drops what the namespace's level allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text, texts
from phoenix_gitops.verify.containers import Numbered, containers
from phoenix_gitops.verify.finding import ObjectPath

BASELINE = "baseline"
RESTRICTED = "restricted"
LEVELS = ("privileged", BASELINE, RESTRICTED)
"""Pod Security levels, from the loosest."""

_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
_BASELINE_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
_SELINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"))


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that `level` (and every stricter one) refuses, and where it stands."""

    level: str
    at: ObjectPath
    reason: str


def violations(spec: Mapping, at: ObjectPath) -> Iterator[Violation]:
    """All that keeps a pod's spec from `restricted`."""
    yield from _host(spec, at)
    yield from _volumes(spec, at)
    pod = mapping(spec.get("securityContext"))
    yield from _shared(pod, (*at, "securityContext"))
    for index, sysctl in entries(pod.get("sysctls")):
        if sysctl.get("name") not in _SYSCTLS:
            name = text(sysctl.get("name"))
            yield Violation(
                BASELINE, (*at, "securityContext", "sysctls", index, "name"), f"sysctl `{name}` is not safe"
            )
    for numbered in containers(spec, at):
        yield from _container(numbered, pod)


def _host(spec: Mapping, at: ObjectPath) -> Iterator[Violation]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield Violation(BASELINE, (*at, field), f"`{field}` is set")


def _volumes(spec: Mapping, at: ObjectPath) -> Iterator[Violation]:
    for index, volume in entries(spec.get("volumes")):
        for source in sorted(volume.keys() - _VOLUMES - {"name"}):
            level = BASELINE if source == "hostPath" else RESTRICTED
            yield Violation(level, (*at, "volumes", index, source), f"volume of type `{source}`")


def _container(numbered: Numbered, pod: Mapping) -> Iterator[Violation]:
    path, container = numbered
    context = mapping(container.get("securityContext"))
    at = (*path, "securityContext")
    name = text(container.get("name"))
    yield from _shared(context, at)
    for index, port in entries(container.get("ports")):
        if port.get("hostPort"):
            yield Violation(BASELINE, (*path, "ports", index, "hostPort"), "`hostPort` is set")
    if context.get("privileged"):
        yield Violation(BASELINE, (*at, "privileged"), f"container `{name}` is privileged")
    if context.get("procMount") not in (None, "Default"):
        yield Violation(BASELINE, (*at, "procMount"), "`procMount` is not `Default`")
    yield from _capabilities(context, at, name)
    if context.get("allowPrivilegeEscalation") is not False:
        reason = f"container `{name}` does not set `allowPrivilegeEscalation: false`"
        yield Violation(RESTRICTED, (*at, "allowPrivilegeEscalation"), reason)
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        reason = f"container `{name}` does not set `runAsNonRoot: true`"
        yield Violation(RESTRICTED, (*at, "runAsNonRoot"), reason)
    profile = child(context, "seccompProfile").get("type") or child(pod, "seccompProfile").get("type")
    if profile is None:
        reason = f"container `{name}` has no seccomp profile"
        yield Violation(RESTRICTED, (*at, "seccompProfile"), reason)


def _capabilities(context: Mapping, at: ObjectPath, name: str) -> Iterator[Violation]:
    added = texts(child(context, "capabilities").get("add"))
    where = (*at, "capabilities")
    for capability in added:
        if capability not in _BASELINE_CAPABILITIES:
            yield Violation(BASELINE, (*where, "add"), f"container `{name}` adds `{capability}`")
        elif capability != "NET_BIND_SERVICE":
            yield Violation(RESTRICTED, (*where, "add"), f"container `{name}` adds `{capability}`")
    if "ALL" not in texts(child(context, "capabilities").get("drop")):
        yield Violation(RESTRICTED, (*where, "drop"), f"container `{name}` does not drop `ALL` capabilities")


def _shared(context: Mapping, at: ObjectPath) -> Iterator[Violation]:
    """Fields that pods and containers have alike."""
    if context.get("runAsUser") == 0:
        yield Violation(RESTRICTED, (*at, "runAsUser"), "`runAsUser` is 0")
    if context.get("runAsNonRoot") is False:
        yield Violation(RESTRICTED, (*at, "runAsNonRoot"), "`runAsNonRoot` is false")
    if child(context, "seccompProfile").get("type") == "Unconfined":
        yield Violation(BASELINE, (*at, "seccompProfile", "type"), "the seccomp profile is `Unconfined`")
    if child(context, "appArmorProfile").get("type") == "Unconfined":
        yield Violation(BASELINE, (*at, "appArmorProfile", "type"), "the AppArmor profile is `Unconfined`")
    if child(context, "windowsOptions").get("hostProcess"):
        yield Violation(BASELINE, (*at, "windowsOptions", "hostProcess"), "`hostProcess` is set")
    selinux = child(context, "seLinuxOptions")
    if text(selinux.get("type")) not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield Violation(BASELINE, (*at, "seLinuxOptions"), "custom SELinux options")
