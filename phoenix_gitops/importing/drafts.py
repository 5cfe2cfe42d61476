"""Drafts of policies: what is to be written, where each part of it came from, and what could not be taken along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span
from phoenix_gitops.document import Path
from phoenix_gitops.model.base import API_VERSION
from phoenix_gitops.yamlout import dump

NAME_LENGTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A policy that is to be written."""

    kind: str
    name: str
    owner: str
    spec: Mapping[str, Any]
    file: str
    """Where it is to be written, relative to the repository's root."""
    sources: Mapping[Path, Span] = field(default_factory=dict)
    """Where the parts that may be left out came from: items of lists, by their path in the policy."""
    comment: tuple[str, ...] = ()

    def text(self) -> str:
        """The file."""
        body = {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "metadata": {"name": self.name, "owner": self.owner},
            "spec": dict(self.spec),
        }
        return "".join(f"# {line}\n" for line in self.comment) + dump(body)

    def without(self, path: Path) -> Draft:
        """The draft without an item of one of its lists."""
        _, key, index = path
        items = [item for i, item in enumerate(self.spec[str(key)]) if i != index]
        sources = {_moved(at, key, int(index)): span for at, span in self.sources.items() if at != path}
        spec = {name: value for name, value in self.spec.items() if name != key}
        return replace(self, spec={**spec, str(key): items} if items else spec, sources=sources)


def _moved(at: Path, key: str | int, removed: int) -> Path:
    if at[1] == key and int(at[2]) > removed:
        return (at[0], at[1], int(at[2]) - 1)
    return at


@dataclass(frozen=True, slots=True)
class Taken:
    """What an importer made of documents: drafts, and what it has to say."""

    drafts: tuple[Draft, ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    def __add__(self, other: Taken) -> Taken:
        return Taken((*self.drafts, *other.drafts), (*self.notes, *other.notes))


def left(span: Span, what: str, why: str, help: str = "") -> Diagnostic:
    """Something that is not carried over."""
    return Diagnostic(
        code="PHX821",
        message=f"{what} is not carried over: {why}",
        primary=Label(span),
        help=help,
        severity=Severity.WARNING,
    )


def changed(span: Span, what: str, help: str = "") -> Diagnostic:
    """Something that is carried over and then differs from what it was."""
    return Diagnostic(code="PHX822", message=what, primary=Label(span), help=help, severity=Severity.WARNING)


def slug(text: str) -> str:
    """A policy's name from any text; empty where nothing of it can stand in one."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LENGTH].strip("-")


def unique(wanted: str, taken: set[str]) -> str:
    """The wanted name, or with a number where it is taken; it is taken then."""
    name, number = wanted, 2
    while name in taken:
        suffix = f"-{number}"
        name, number = wanted[: NAME_LENGTH - len(suffix)].rstrip("-") + suffix, number + 1
    taken.add(name)
    return name
