"""Stage resolve: documents that extend others become whole policies, each value with the place that set it.

`extends: NAME` names a policy of the same kind (or a preset). Maps merge deep, lists whose schema carries a merge
key merge by it, other lists replace, null deletes. Merging is on raw data, so a child's default never beats a
parent's explicit value; what no document sets is a default of the model and has no origin here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from phoenix_gitops.check import describe
from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome
from phoenix_gitops.document import Document, Path
from phoenix_gitops.schemas import MERGE_KEY, marked_paths, validator, values_at
from phoenix_gitops.suggest import closest

Key = tuple[str, str]
"""A policy: kind and name."""

_NOT_INHERITED = ("extends", "abstract")

_VERBATIM = ("spec", "overrides", "*", "patch")
"""A patch is merged into objects, not into policies: its nulls delete there."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The document and the path in it that set a value."""

    document: Document
    path: Path

    @property
    def key(self) -> Label:
        """Where the field's name stands."""
        return Label(self.document.key_span(self.path))

    @property
    def value(self) -> Label:
        """Where the value stands."""
        return Label(self.document.value_span(self.path))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A whole policy as raw data. `origins` is None where the document stands for itself."""

    document: Document
    data: dict[str, Any]
    origins: Mapping[Path, Origin] | None = None

    @property
    def key(self) -> Key:
        """Kind and name."""
        return (self.document.kind, self.document.name)

    def origin(self, path: Path) -> Origin:
        """Who set the value at `path`, or the nearest part of the policy that holds it."""
        if self.origins is None:
            return Origin(self.document, path)
        while path not in self.origins:
            path = path[:-1]
        return self.origins[path]

    def sets(self, path: Path) -> bool:
        """Whether a document (not a default) gives the value at `path`."""
        if self.origins is not None:
            return path in self.origins
        return path in self.document.places


@dataclass(frozen=True, slots=True)
class Index:
    """The documents of a repository by kind and name, and the presets that they may use or extend."""

    documents: Mapping[Key, Document]
    presets: Mapping[Key, Document]

    def base(self, document: Document, name: str) -> Document | None:
        """What `extends: name` in `document` means; a document that extends its own name means the preset."""
        key = (document.kind, name)
        if name == document.name:
            return self.presets.get(key) if self.documents.get(key) is document else None
        return self.documents.get(key) or self.presets.get(key)


def index(documents: Iterable[Document], presets: Iterable[Document]) -> Outcome[Index]:
    """Documents by kind and name; two of one name are an error at the second."""
    found: dict[Key, Document] = {}
    diagnostics = []
    for document in documents:
        key = (document.kind, document.name)
        if key in found:
            diagnostics.append(
                Diagnostic(
                    code="PHX301",
                    message=f"two policies are called `{document.kind}/{document.name}`",
                    primary=Label(document.value_span(("metadata", "name")), "the second"),
                    secondary=(Label(found[key].value_span(("metadata", "name")), "the first"),),
                    help="rename one of them, or remove it",
                )
            )
        else:
            found[key] = document
    return Outcome(Index(found, {(p.kind, p.name): p for p in presets}), tuple(diagnostics))


def resolve(policies: Index) -> Outcome[dict[Key, Resolved]]:
    """Every policy that is not abstract, presets that nobody replaced among them, sorted by kind and name."""
    resolved: dict[Key, Resolved] = {}
    diagnostics: list[Diagnostic] = []
    candidates = {**policies.presets, **policies.documents}
    for key in sorted(candidates):
        document = candidates[key]
        chain = _chain(document, policies)
        diagnostics.extend(chain.diagnostics)
        if not chain.ok or _spec(document).get("abstract") is True:
            continue
        policy = _merge_chain(chain.value)
        diagnostics.extend(_check(policy))
        diagnostics.extend(_check_merge_keys(policy))
        resolved[key] = policy
    return Outcome(resolved, tuple(diagnostics))


def _spec(document: Document) -> dict[str, Any]:
    spec = document.data.get("spec")
    return spec if isinstance(spec, dict) else {}


def _chain(document: Document, policies: Index) -> Outcome[Sequence[Document]]:
    """The document and what it extends, the most basic first."""
    chain = [document]
    while (name := _spec(chain[-1]).get("extends")) is not None:
        child = chain[-1]
        place = Label(child.value_span(("spec", "extends")))
        base = policies.base(child, name)
        if base is None:
            names = sorted({n for kind, n in (*policies.documents, *policies.presets) if kind == child.kind})
            near = closest(name, [n for n in names if n != child.name])
            known = ", ".join(f"`{n}`" for n in names if n != child.name)
            return Outcome(
                chain,
                (
                    Diagnostic(
                        code="PHX302",
                        message=f"`{child.kind}/{child.name}` extends `{name}`, which does not exist",
                        primary=place,
                        help=f"did you mean `{near}`?" if near else f"a {child.kind} that exists is one of {known}",
                    ),
                ),
            )
        if any(base is link for link in chain):
            return Outcome(chain, (_circle(chain, base),))
        chain.append(base)
    return Outcome(chain[::-1])


def _circle(chain: Sequence[Document], again: Document) -> Diagnostic:
    """The circle that a chain runs into, the same from wherever it is entered: it begins with the least name."""
    start = next(i for i, link in enumerate(chain) if link is again)
    circle = list(chain[start:])
    first = min(range(len(circle)), key=lambda i: circle[i].name)
    circle = circle[first:] + circle[:first]
    names = " -> ".join(f"`{link.name}`" for link in (*circle, circle[0]))
    return Diagnostic(
        code="PHX303",
        message=f"policies extend each other in a circle: {names}",
        primary=Label(circle[0].value_span(("spec", "extends"))),
        secondary=tuple(Label(link.value_span(("spec", "extends"))) for link in circle[1:]),
        help="let one of them stand on its own: remove its `extends`",
    )


def _merge_chain(chain: Sequence[Document]) -> Resolved:
    document = chain[-1]
    if len(chain) == 1 and not _has_null(document.data):
        data = document.data
        if any(name in _spec(document) for name in _NOT_INHERITED):
            data = {**data, "spec": {k: v for k, v in data["spec"].items() if k not in _NOT_INHERITED}}
        return Resolved(document, data)
    merger = _Merger(document.kind)
    spec: Any = {}
    for link in chain:
        spec = merger.merge(spec, _spec(link), ("spec",), ("spec",), link)
    spec = {k: v for k, v in spec.items() if k not in _NOT_INHERITED}
    origins = merger.origins
    for path in document.places:
        if path[:1] != ("spec",):
            origins[path] = Origin(document, path)
    origins[("spec",)] = Origin(document, ("spec",))
    return Resolved(document, {**document.data, "spec": spec}, origins)


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(inner is None or _has_null(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_null(inner) for inner in value)


class _Merger:
    """Merges the documents of one chain and keeps where each value came from."""

    def __init__(self, kind: str) -> None:
        self.origins: dict[Path, Origin] = {}
        self._merge_keys = dict(marked_paths(kind, MERGE_KEY))

    def merge(self, base: Any, child: Any, path: Path, source: Path, document: Document) -> Any:  # noqa: ANN401
        """`child` over `base`; `path` is where the result stands, `source` where the child stands in its document."""
        if tuple("*" if isinstance(step, int) else step for step in path) == _VERBATIM:
            self._forget(path)
            self._record(child, path, source, document)
            return child
        if isinstance(child, dict):
            merged = dict(base) if isinstance(base, dict) else {}
            if not isinstance(base, dict):
                self._forget(path)
            self.origins[path] = Origin(document, source)
            for name, value in child.items():
                if value is None:
                    merged.pop(name, None)
                    self._forget((*path, name))
                else:
                    merged[name] = self.merge(merged.get(name), value, (*path, name), (*source, name), document)
            return merged
        if isinstance(child, list):
            return self._merge_list(base, child, path, source, document)
        self._forget(path)
        self.origins[path] = Origin(document, source)
        return child

    def _record(self, value: Any, path: Path, source: Path, document: Document) -> None:  # noqa: ANN401
        """Notes where each part of a value stands that is taken as it is."""
        self.origins[path] = Origin(document, source)
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, part in parts:
            self._record(part, (*path, step), (*source, step), document)

    def _merge_list(self, base: Any, child: list[Any], path: Path, source: Path, document: Document) -> list[Any]:  # noqa: ANN401
        key = self._merge_keys.get(tuple("*" if isinstance(step, int) else step for step in path))
        merged: list[Any] = []
        if key is None or not isinstance(base, list):
            self._forget(path)
        else:
            merged = list(base)
        self.origins[path] = Origin(document, source)
        named = {item.get(key): i for i, item in enumerate(merged) if isinstance(item, dict)} if key else {}
        for i, item in enumerate(child):
            name = item.get(key) if key and isinstance(item, dict) else None
            at = named.get(name) if name is not None else None
            if at is None:
                at = len(merged)
                merged.append(None)
            merged[at] = self.merge(merged[at], item, (*path, at), (*source, i), document)
        return merged

    def _forget(self, path: Path) -> None:
        stale = [known for known in self.origins if known[: len(path)] == path]
        for known in stale:
            del self.origins[known]


def _check(policy: Resolved) -> Iterator[Diagnostic]:
    """Faults that only the whole policy has: a required field that no document gives."""
    kind = policy.document.kind
    if validator(kind, written=False).is_valid(policy.data):
        return

    def place(path: Path, key: bool) -> Label:
        origin = policy.origin(path)
        label = origin.key if key else origin.value
        if origin.document is not policy.document:
            return replace(label, text=f"`{kind}/{policy.document.name}` inherits it")
        return label

    yield from describe(kind, policy.data, written=False, place=place)


def _check_merge_keys(policy: Resolved) -> Iterator[Diagnostic]:
    """Two items of one name in a list whose items are known by name."""
    for pattern, key in marked_paths(policy.document.kind, MERGE_KEY):
        for path, items in values_at(policy.data, pattern):
            seen: dict[object, int] = {}
            for i, item in enumerate(items if isinstance(items, list) else ()):
                name = item.get(key) if isinstance(item, dict) else None
                if not isinstance(name, str):
                    continue
                if name in seen:
                    yield Diagnostic(
                        code="PHX304",
                        message=f"two items of `{path[-1]}` have the {key} `{name}`",
                        primary=policy.origin((*path, i, key)).value,
                        secondary=(policy.origin((*path, seen[name], key)).value,),
                        help="rename or remove one of them",
                    )
                seen[name] = i
