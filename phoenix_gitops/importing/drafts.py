"""Drafts of policies: what is to be written, where each part of it came from, and what could not be taken along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span
from phoenix_gitops.document import Path
from phoenix_gitops.edits import Edit, edited, toward
from phoenix_gitops.formatting import normal_form
from phoenix_gitops.model.base import API_VERSION
from phoenix_gitops.yamlout import dump

NAME_LENGTH = 40

WHOLE: Path = ()
"""In `sources`: where a draft came from that may be left out as a whole."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A policy that exists."""

    text: str
    written: Mapping[str, Any]
    """What its document says."""
    whole: Mapping[str, Any]
    """What it says with all that it inherits."""

    def edits(self, spec: Mapping[str, Any]) -> tuple[Edit, ...]:
        """What must be edited so that it says what a spec says; it may say more."""
        return tuple(toward(self.whole.get("spec", {}), dict(spec), self.written, ("spec",)))


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
    standing: Standing | None = None
    """The policy that this is a change of, where it exists already."""

    def text(self) -> str:
        """The file; that of a policy that exists says all that it said besides."""
        if self.standing is not None:
            return edited(self.standing.text, self.standing.edits(self.spec))
        body = {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "metadata": {"name": self.name, "owner": self.owner},
            "spec": dict(self.spec),
        }
        text = "".join(f"# {line}\n" for line in self.comment) + dump(body)
        return normal_form(self.file, text.encode()).value or text

    def part(self, path: Path) -> Any:  # noqa: ANN401 (whatever a policy holds)
        """What stands at a path that begins with `spec`."""
        found: Any = self.spec
        for step in path[1:]:
            found = found[step]
        return found

    def without(self, path: Path) -> Draft:
        """The draft without an item of one of its lists; a list that would be empty goes as a whole."""
        spec = _without(dict(self.spec), path[1:])
        sources = {_moved(at, path): span for at, span in self.sources.items() if at != path}
        return replace(self, spec=spec, sources=sources)


def _without(body: dict[str, Any], path: Path) -> dict[str, Any]:
    key = str(path[0])
    if len(path) > 2:
        return {**body, key: _without(body[key], path[1:])}
    items = [item for i, item in enumerate(body[key]) if i != path[1]]
    rest = {name: value for name, value in body.items() if name != key}
    return {**rest, key: items} if items else rest


def _moved(at: Path, removed: Path) -> Path:
    """Where an item stands once another is gone."""
    if at[:-1] == removed[:-1] and at and int(at[-1]) > int(removed[-1]):
        return (*at[:-1], int(at[-1]) - 1)
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
