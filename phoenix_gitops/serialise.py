"""Stage serialise: objects and proof files to the files that hold them, with their paths and headers.

A file's header is its ownership: it names the owning policy and a hash over path, policy and body.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from phoenix_gitops.artifact import Artifact, PolicyRef, ProofFile, RenderedFile, Unit
from phoenix_gitops.diagnostics import Diagnostic, Label, ordered
from phoenix_gitops.tree import PROOF, Ownership
from phoenix_gitops.yamlout import dump

AMBIGUOUS_KINDS = frozenset(
    ("AuthorizationPolicy", "Gateway", "Grafana", "HTTPRoute", "PolicyException", "Service"),
)
"""Kinds that exist in two API groups among Kubernetes and the operators that we know: their files name the group.

Istio and Linkerd have an AuthorizationPolicy; Istio and the Gateway API a Gateway; the Grafana operator and External
Secrets a Grafana; the Gateway API and Linkerd an HTTPRoute; Kyverno a PolicyException twice; Knative has a Service.
The set is fixed: a kind that joins it moves its files.
"""

MAX_SEGMENT = 160
"""Bytes of a path's segment (without ending); file systems hold 255, git for Windows 260 for a whole path."""

_PORTABLE = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
# Windows knows devices by these names, whatever follows the first dot.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")

_HEADER = re.compile(
    rb"# Compiled by Phoenix GitOps from ([!-~]+)\. Do not edit: change the policy\. phoenix:([0-9a-f]{16,64})\r?\n"
)
_HEADER_LIMIT = 1024
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's first line says of it."""

    policy: str
    """The owning policy, as `Tenant/checkout`."""
    digest: str
    intact: bool
    """Whether path, policy and body are as they were written."""


def object_path(unit: Unit, artifact: Artifact) -> str:
    """Where an object is written: `<environment>/<cluster>/<component>/[<namespace>/]<kind>[.<group>]-<name>.yaml`."""
    kind = artifact.kind
    group = artifact.group if kind in AMBIGUOUS_KINDS else ""
    name = artifact.file_name or artifact.name
    stem = portable(f"{kind.lower()}.{group}-{name}" if group else f"{kind.lower()}-{name}")
    folder = f"{portable(unit.environment)}/{portable(unit.cluster)}/{portable(artifact.component)}"
    namespace = artifact.namespace
    return f"{folder}/{portable(namespace)}/{stem}.yaml" if namespace else f"{folder}/{stem}.yaml"


def proof_path(unit: Unit, proof: ProofFile) -> str:
    """Where a proof file is written: `_proof/<environment>/<cluster>/<folder>/<name>.yaml`."""
    place = f"{portable(unit.environment)}/{portable(unit.cluster)}/{portable(proof.folder)}"
    return f"{PROOF}/{place}/{portable(proof.name)}.yaml"


def render_object(unit: Unit, artifact: Artifact) -> RenderedFile:
    """An object's file."""
    return _render(object_path(unit, artifact), artifact.body, unit, artifact.policy)


def render_proof(unit: Unit, proof: ProofFile) -> RenderedFile:
    """A proof file."""
    return _render(proof_path(unit, proof), proof.body, unit, proof.policy)


def read_header(path: str, content: bytes) -> Header | None:
    """The header of a file at `path` below the output folder; None if the file is not ours."""
    found = _HEADER.match(content, 0, _HEADER_LIMIT)
    if found is None:
        return None
    policy, digest = found[1].decode("ascii"), found[2].decode("ascii")
    return Header(policy, digest, intact=digest == _digest(path, policy, content[found.end() :]))


def classify(path: str, content: bytes) -> Ownership:
    """Whose a file is by its header: intact, edited or foreign."""
    header = read_header(path, content)
    if header is None:
        return Ownership.FOREIGN
    return Ownership.INTACT if header.intact else Ownership.EDITED


def check_paths(
    files: Iterable[RenderedFile], place: Callable[[RenderedFile], Label] | None = None
) -> tuple[Diagnostic, ...]:
    """Files that cannot all stand: two of one path ignoring case, or a file where another needs a folder.

    `place` says where the policy of a file stands.
    """
    seen: dict[str, RenderedFile] = {}
    faults: list[Diagnostic] = []
    for file in sorted(files, key=lambda file: (file.path, str(file.policy), file.content)):
        other = seen.setdefault(file.path.casefold(), file)
        if other is not file:
            faults.append(_clash("PHX620", other, file, f"`{file.path}`", place))
    folders: dict[str, RenderedFile] = {}
    for path, file in seen.items():
        while "/" in path:
            path = path.rpartition("/")[0]  # noqa: PLW2901 -- climbs from the file to the top
            if path in folders:
                break
            folders[path] = file
    faults += [
        _clash("PHX621", file, folders[path], f"`{file.path}`, one of them as a folder,", place)
        for path, file in seen.items()
        if path in folders
    ]
    return ordered(faults)


@lru_cache(maxsize=16_384)
def portable(text: str) -> str:
    """A name as a segment of a path that every file system can hold, different for different names.

    Lower-case letters, digits, `-` and `.` stand as they are; any other byte of its UTF-8 becomes `_` and two
    hexadecimal digits. Too long a name ends in `__` and a hash.
    """
    if _PORTABLE.fullmatch(text) and len(text) <= MAX_SEGMENT and not _DEVICES.match(text):
        return text
    if not text:
        raise ValueError("an empty name has no place in a path")
    safe = "".join(_segment_byte(byte) for byte in text.encode())
    if safe[0] in ".-" or _DEVICES.match(safe):
        safe = f"_{ord(safe[0]):02x}{safe[1:]}"
    if safe[-1] in ".-":
        safe = f"{safe[:-1]}_{ord(safe[-1]):02x}"
    if len(safe) > MAX_SEGMENT:
        digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
        # A cut within an escape may leave a lone `_`; the hash tells names apart all the same.
        safe = f"{safe[: MAX_SEGMENT - _HASH_DIGITS - 2].rstrip('_')}__{digest}"
    return safe


def _segment_byte(byte: int) -> str:
    char = chr(byte)
    return char if char in "abcdefghijklmnopqrstuvwxyz0123456789.-" else f"_{byte:02x}"


def _render(path: str, body: dict[str, object], unit: Unit, policy: PolicyRef) -> RenderedFile:
    name = str(policy)
    text = dump(body).encode()
    digest = _digest(path, name, text)
    header = f"# Compiled by Phoenix GitOps from {name}. Do not edit: change the policy. phoenix:{digest}\n"
    content = header.encode() + text
    if not _HEADER.match(content, 0, _HEADER_LIMIT):
        raise ValueError(f"not a policy's name: {name!r}")
    return RenderedFile(path=path, content=content, unit=unit, policy=policy)


def _digest(path: str, policy: str, body: bytes) -> str:
    return hashlib.sha256(f"{path}\n{policy}\n".encode() + body).hexdigest()[:_HASH_DIGITS]


def _clash(
    code: str, one: RenderedFile, other: RenderedFile, what: str, place: Callable[[RenderedFile], Label] | None
) -> Diagnostic:
    both = f"`{one.policy}` and `{other.policy}` both write" if one.policy != other.policy else f"`{one.policy}` writes"
    twice = "" if one.policy != other.policy else " twice"
    labels = [place(file) for file in (other, one)] if place else []
    return Diagnostic(
        code=code,
        message=f"{both} {what}{twice} in environment `{one.unit.environment}`",
        primary=labels[0] if labels else None,
        secondary=tuple(label for label in labels[1:] if label != labels[0]),
        help="rename one of the two objects: names must differ by more than upper and lower case",
    )
