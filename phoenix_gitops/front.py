"""The front half of the pipeline: from files to a world in which every policy is checked, whole and linked.

read -> parse -> check -> resolve -> link -> constrain: each stage reports everything it finds, then the next runs
only if there was no error. This module is the order of those stages and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.check import check
from phoenix_gitops.diagnostics import Diagnostic, Outcome, has_errors, ordered
from phoenix_gitops.document import Document
from phoenix_gitops.link import link_references, link_relations
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.resolve import Index, Key, Resolved, index, resolve
from phoenix_gitops.resources import presets_dir
from phoenix_gitops.source import parse, read_policies
from phoenix_gitops.world import World, build, decode_data

Constrain = Callable[["Front"], Outcome[Mapping[str, str]]]
"""Runs the guardrails and gives their texts for carets: the one effect in the middle, handed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What the front half found out. Stages that did not run left their part empty."""

    root: Path
    sources: Mapping[str, str]
    """File to text, for carets."""
    documents: tuple[Document, ...] = ()
    index: Index | None = None
    policies: Mapping[Key, Resolved] | None = None
    world: World | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Presets:
    """The built-in presets as documents, and their texts by file name (`preset:FOLDER/NAME`)."""

    documents: tuple[Document, ...]
    sources: Mapping[str, str]


def read_presets() -> Presets:
    """The built-in presets, by file name."""
    folder = presets_dir()
    documents = []
    sources = {}
    for path in sorted(folder.rglob("*.yaml")):
        name = f"preset:{path.relative_to(folder).with_suffix('').as_posix()}"
        content = path.read_bytes()
        outcome = parse(name, content)
        assert outcome.value is not None, outcome.diagnostics
        documents.append(outcome.value)
        sources[name] = content.decode()
    return Presets(tuple(documents), sources)


Arrange = Callable[[tuple[Document, ...]], tuple[Document, ...]]
"""Another order of the documents; the output may not depend on it, which `phoenix verify` proves."""


def run_front(root: Path, constrain: Constrain | None = None, arrange: Arrange = tuple) -> Front:
    """Every stage up to the guardrails, as far as the input lets them."""
    read = read_policies(root)
    sources = read.value.sources
    documents = arrange(read.value.documents)
    front = Front(root=root, sources=sources, documents=documents, diagnostics=read.diagnostics)
    checked = tuple(fault for document in documents for fault in check(document))
    front = _with(front, checked)
    if has_errors(front.diagnostics):
        return front
    presets = read_presets()
    indexed = index(documents, presets.documents)
    front = _with(front, indexed.diagnostics, index=indexed.value, sources=presets.sources)
    if not indexed.ok:
        return front
    resolved = resolve(indexed.value)
    front = _with(front, resolved.diagnostics, policies=resolved.value)
    if resolved.ok:
        front = _with(front, link_references(resolved.value))
    if has_errors(front.diagnostics):
        return front
    world = build(resolved.value)
    front = _with(front, link_relations(resolved.value, world), world=world)
    if constrain is not None and not has_errors(front.diagnostics):
        constrained = constrain(front)
        front = _with(front, constrained.diagnostics, sources=constrained.value)
    return front


def _with(
    front: Front,
    found: tuple[Diagnostic, ...],
    *,
    index: Index | None = None,
    policies: Mapping[Key, Resolved] | None = None,
    world: World | None = None,
    sources: Mapping[str, str] | None = None,
) -> Front:
    return Front(
        root=front.root,
        sources={**front.sources, **(sources or {})},
        documents=front.documents,
        index=index or front.index,
        policies=policies if policies is not None else front.policies,
        world=world or front.world,
        diagnostics=ordered((*front.diagnostics, *found)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRead:
    """The Platform alone; None with the faults of its file."""

    platform: Platform | None
    sources: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


def read_platform(root: Path) -> PlatformRead:
    """The Platform by `phoenix.yaml` alone, for what must go on while other policies are broken."""
    content = (root / "phoenix.yaml").read_bytes()
    sources = {"phoenix.yaml": content.decode(errors="replace")}
    parsed = parse("phoenix.yaml", content)
    faults = (*parsed.diagnostics, *(check(parsed.value) if parsed.value else ()))
    platform: Platform | None = None
    if parsed.value is not None and not has_errors(faults):
        policy = decode_data(parsed.value.kind, parsed.value.data)
        if isinstance(policy, Platform):
            platform = policy
        else:
            faults = (Diagnostic(code="PHX501", message="`phoenix.yaml` holds no Platform policy"),)
    return PlatformRead(platform=platform, sources=sources, diagnostics=faults)
