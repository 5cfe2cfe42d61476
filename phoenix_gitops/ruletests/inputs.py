"""Series for expressions that others wrote: what each selector selects, and what it just does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.evaluate import Evaluator, Series, matches
from phoenix_gitops.promql.functions import UnknownHereError
from phoenix_gitops.promql.syntax import Node
from phoenix_gitops.ruletests.traces import Labels, Trace, labelled
from phoenix_gitops.samples import full_match, samples

ELSEWHERE = "elsewhere"
_INSTANCE = "instance"
_TWO = ("one", "two")


@dataclass(frozen=True, slots=True)
class Input:
    """A series of a test, as yet without samples."""

    labels: Labels
    """With its name."""
    wanted: bool
    """Whether a selector means it; else it differs in one label."""

    @property
    def series(self) -> str:
        """As test files write it."""
        return labelled(self.labels["__name__"], {k: v for k, v in self.labels.items() if k != "__name__"})


def inputs(texts: Iterable[str]) -> tuple[Input, ...]:
    """The series for these expressions: two for each selector below an aggregation, one for another, and for each
    matcher one that differs in it alone. Raises `UnknownHereError`.
    """
    found: dict[tuple[tuple[str, str], ...], Input] = {}
    for text in texts:
        tree = syntax.parse(text)
        split = _split_labels(tree)
        for node, aggregated in _selectors(tree, within=False):
            labels = _fitting(node)
            for one in _variants(labels, split, aggregated=aggregated):
                if matches(node, one):
                    found.setdefault(tuple(sorted(one.items())), Input(one, wanted=True))
            for other in _others(node, labels):
                found.setdefault(tuple(sorted(other.items())), Input(other, wanted=False))
    trees = [syntax.parse(text) for text in texts]
    nodes = [node for tree in trees for node, _ in _selectors(tree, within=False)]
    return tuple(Input(one.labels, any(matches(node, one.labels) for node in nodes)) for one in found.values())


def evaluator(series: Sequence[tuple[Input, Trace]], step: int) -> Evaluator:
    """An evaluator over inputs; `step` in seconds."""
    found = []
    for one, trace in series:
        missing = trace.runs[0].count if trace.runs and trace.runs[0].first is None else 0
        samples = tuple(Trace(trace.runs[1:] if missing else trace.runs).samples())
        found.append(Series(one.labels, samples, step * 1000, missing))
    return Evaluator(found)


def selected(text: str, found: Sequence[Input]) -> frozenset[int]:
    """Which inputs an expression reads, by their position."""
    nodes = [node for node, _ in _selectors(syntax.parse(text), within=False)]
    return frozenset(i for i, one in enumerate(found) if any(matches(node, one.labels) for node in nodes))


def _selectors(node: Node, *, within: bool) -> Iterator[tuple[Node, bool]]:
    """Every selector, and whether an aggregation is above it."""
    if syntax.kind(node) == "VectorSelector":
        yield node, within
        return
    for child in syntax.children(node):
        yield from _selectors(child, within=within or syntax.kind(node) == "AggregateExpr")


def _split_labels(tree: Node) -> tuple[str, ...]:
    """The labels by which the expression tells results apart."""
    named: set[str] = set()
    for node in syntax.nodes(tree):
        if syntax.kind(node) == "AggregateExpr" and node.modifier is not None:
            if str(node.modifier.type).endswith("By"):
                named |= set(node.modifier.labels)
        elif syntax.kind(node) == "BinaryExpr" and node.modifier is not None:
            matching = node.modifier.matching
            if matching is not None and str(matching.type).endswith("Include"):
                named |= set(matching.labels)
            named |= set(node.modifier.group_labels or ())
    return tuple(sorted(named - {"le"}))


def _variants(labels: Labels, split: Sequence[str], *, aggregated: bool) -> Iterator[dict[str, str]]:
    if not aggregated:
        yield {**dict.fromkeys(split, _TWO[0]), **labels}
        return
    for value in _TWO:
        yield {**dict.fromkeys(split, value), _INSTANCE: value, **labels}
    if split:
        # Two of one group, so that it shows how a group is put together.
        yield {**dict.fromkeys(split, _TWO[0]), _INSTANCE: _TWO[1], **labels}


def _fitting(node: Node) -> dict[str, str]:
    """Labels that a selector takes. Raises `UnknownHereError` where none are found."""
    labels = {"__name__": str(node.name)} if node.name else {}
    for m in node.matchers.matchers:
        op = str(m.op).rpartition(".")[2]
        value = m.value if op == "Equal" else ELSEWHERE
        if op == "Re":
            value = next(iter(samples(m.value)), "")
        if op in ("NotEqual", "NotRe") and not m.value:
            value = _TWO[0]
        if m.name in labels and op in ("NotEqual", "NotRe"):
            continue
        if value:
            labels[m.name] = value
    if "__name__" not in labels or not matches(node, labels):
        raise UnknownHereError("a selector that no labels are found for")
    return labels


def _others(node: Node, labels: Labels) -> Iterator[dict[str, str]]:
    for m in node.matchers.matchers:
        if m.name == "__name__":
            continue
        tried = (ELSEWHERE, "", m.value, *(samples(m.value) if "Re" in str(m.op) else ()))
        for value in tried:
            other = {**labels, m.name: value}
            if not value:
                del other[m.name]
            if not matches(node, other) and (value or "Re" not in str(m.op) or full_match(m.value, "")):
                yield other
                break
