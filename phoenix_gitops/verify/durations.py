"""Durations in custom resources that their CRDs take as any string, and their controllers do not."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.quantities import is_go_duration

_FIELDS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("argoproj.io", "Application"): (
        ("spec", "syncPolicy", "retry", "backoff", "duration"),
        ("spec", "syncPolicy", "retry", "backoff", "maxDuration"),
    ),
    ("cert-manager.io", "Certificate"): (("spec", "duration"), ("spec", "renewBefore")),
    ("external-secrets.io", "ExternalSecret"): (("spec", "refreshInterval"),),
    ("external-secrets.io", "ClusterExternalSecret"): (("spec", "refreshTime"),),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): (
        ("spec", "interval"),
        ("spec", "retryInterval"),
        ("spec", "timeout"),
    ),
    ("source.toolkit.fluxcd.io", "GitRepository"): (("spec", "interval"), ("spec", "timeout")),
    ("velero.io", "Backup"): (("spec", "ttl"), ("spec", "csiSnapshotTimeout")),
    ("velero.io", "Schedule"): (("spec", "template", "ttl"), ("spec", "template", "csiSnapshotTimeout")),
}
"""Fields that a controller reads with Go's `time.ParseDuration`."""


def check_durations(group: str, kind: str, body: Mapping) -> Iterator[Fault]:
    """Each known duration of a custom resource."""
    for path in _FIELDS.get((group, kind), ()):
        value = child(body, *path[:-1]).get(path[-1])
        if isinstance(value, str) and not is_go_duration(value):
            yield _fault(value, path)


def _fault(value: str, at: ObjectPath) -> Fault:
    return Fault(
        at=at,
        code="PHX716",
        message=f"`{value}` is not a duration for `{at[-1]}`",
        help="hours, minutes and seconds, such as `90s` or `1h30m`; no days",
    )
