"""The values of the stage: objects and facts in, faults and findings out. No policy spans here:
the pipeline finds the policy line behind an object's path by perturbation.
"""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_gitops.artifact import Artifact, Unit
from phoenix_gitops.diagnostics import Severity

ObjectPath = tuple[str | int, ...]
"""Keys and list indices from the top of an object."""

ANY = "*"
"""Stands for every name or namespace in an `ObjectRef`."""


@dataclass(frozen=True, slots=True)
class Located:
    """An object, the unit that made it and the file (relative to `generated/`) that it will stand in."""

    unit: Unit
    artifact: Artifact
    path: str


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """An object by kind, namespace (empty for cluster-scoped kinds) and name; `*` stands for any."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What must be known of a cluster to check its objects."""

    kubernetes: str
    """The minor version, `1.34`."""
    external: frozenset[ObjectRef] = frozenset()
    """Objects that we do not make and that exist: secrets by reference, namespaces, class objects."""
    resources: tuple[tuple[str, str, str], ...] = ()
    """What the API server calls kinds where rights are asked for: (API group, kind, resource)."""
    namespace_levels: tuple[tuple[str, str], ...] = ()
    """Pod Security levels of namespaces that we do not make: (namespace, level)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one object, found by looking at it alone."""

    at: ObjectPath
    code: str
    message: str
    help: str = ""
    severity: Severity = Severity.ERROR
    notes: tuple[str, ...] = ()
    file: str = ""
    """The file of the repository that is at fault instead of the object, `schemas/crds/example.com/widget_v1.json`."""

    @property
    def sort_key(self) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
        """A total order within an object: list indices sort as numbers."""
        return (tuple(f"{p:08}" if isinstance(p, int) else p for p in self.at), self.code, self.message, self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault and the file it stands in; `path` is empty for what concerns no single file."""

    path: str
    fault: Fault
    related: tuple[str, ...] = ()
    """Other files that take part, such as the other one of two equal objects."""

    @property
    def at(self) -> ObjectPath:
        """Where in the object the fault stands."""
        return self.fault.at

    @property
    def code(self) -> str:
        """The diagnostic code."""
        return self.fault.code

    @property
    def message(self) -> str:
        """One line in lower case without a full stop."""
        return self.fault.message

    @property
    def help(self) -> str:
        """What to do, or an empty string."""
        return self.fault.help

    @property
    def severity(self) -> Severity:
        """How much it weighs."""
        return self.fault.severity

    @property
    def sort_key(self) -> tuple[str, tuple[tuple[str, ...], str, str, tuple[str, ...]]]:
        """A total order: file, then place, code and message."""
        return (self.path, self.fault.sort_key)
