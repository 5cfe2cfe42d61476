"""What was imported against what comes out: rules by name, objects by place, collector configs by what they mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.diff_fields import ABSENT, compare_values, shown
from phoenix_gitops.importing import tenants
from phoenix_gitops.importing.collectors import configs, drafting
from phoenix_gitops.importing.drafts import Draft
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.importing.rules import Aim
from phoenix_gitops.world import World

_RULE = ("expr", "for", "keep_firing_for", "labels", "annotations")
_IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})
_SAYING_LITTLE = frozenset({"Namespace"})
"""Kinds of which only the name is compared: their labels are the cluster's and ours."""


@dataclass(slots=True)
class Comparison:
    """What differs, and how much was compared."""

    differences: list[Diagnostic] = field(default_factory=list)
    rules: int = 0
    objects: int = 0
    pipelines: int = 0

    def add(self, node: Node, what: str, changes: Iterable[str]) -> None:
        """A difference, which says all fields in one message."""
        listed = "; ".join(changes)
        if listed:
            self.differences.append(
                Diagnostic(
                    code="PHX827",
                    message=f"{what} is not what comes out: {listed}",
                    primary=Label(node.span),
                    help="what `phoenix import` said of it may tell why; else edit the policy that it became",
                )
            )


def compare(
    documents: Sequence[Node], drafts: Sequence[Draft], compiled: Sequence[Node], world: World, aim: Aim
) -> Comparison:
    """The imported documents against the compiled ones; `drafts` are what became of the collector configs."""
    found = Comparison()
    ours = _rules(compiled)
    placed: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for document in compiled:
        placed[document.text("kind"), _namespace(document)].append(document)
    for document in documents:
        for rule, facts in _rules_of(document):
            found.rules += 1
            name = rule.text("record") or rule.text("alert")
            what = f"{'record' if rule.text('record') else 'alert'} `{name}`"
            found.add(rule, what, _closest(facts, ours[name]))
        if document.text("kind") in tenants.KINDS:
            found.objects += 1
            kind = document.text("kind")
            what = f"{kind} `{document.text('metadata', 'name')}`"
            others = placed[kind, _namespace(document)]
            found.add(document, what, _closest(_said(document), [_said(each) for each in others]))
    run = {each for env in world.environments.values() for each in (env.spec.edge, *env.spec.pipelines)}
    back = _pipelines(compiled, world, aim)
    for draft in drafts:
        if draft.kind == "Pipeline" and draft.sources:
            found.pipelines += 1
            top = Node(None, next(iter(draft.sources.values())))
            what = f"pipeline `{draft.name}`"
            if draft.name not in run:
                found.add(top, what, ["no environment runs it"])
            else:
                key = "" if draft.spec.get("stage") == "edge" else draft.name
                found.add(top, what, _closest(_meant(draft), back[key]))
    return found


def _pipelines(compiled: Sequence[Node], world: World, aim: Aim) -> Mapping[str, list[Mapping[str, Any]]]:
    """What comes out, as what it would be imported as: components have other names here, and edges have none."""
    back: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for document in compiled:
        for config in configs.find(document)[0]:
            for draft in drafting.take(config, world, aim, set()).drafts:
                back["" if draft.spec.get("stage") == "edge" else draft.name].append(_meant(draft))
    return back


def _meant(draft: Draft) -> dict[str, Any]:
    """What a Pipeline says, but for its memory, which is a share of a container that configs do not know."""
    return {key: value for key, value in draft.spec.items() if key != "memory"}


def _closest(wanted: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs from the one that is most like it; nothing if one is equal."""
    if not found:
        return ["there is none"]
    return min(([*_changes(wanted, each)] for each in found), key=len)


def _changes(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for change in compare_values(dict(wanted), dict(found)):
        old = "nothing" if change.old is ABSENT else f"`{shown(change.old)}`"
        new = "nothing" if change.new is ABSENT else f"`{shown(change.new)}`"
        yield f"`{change.path}` is {new} instead of {old}"


def _rules(documents: Iterable[Node]) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for document in documents:
        for rule, facts in _rules_of(document):
            found[rule.text("record") or rule.text("alert")].append(facts)
    return found


def _rules_of(document: Node) -> Iterator[tuple[Node, dict[str, Any]]]:
    """Each rule and what it says, with the labels of its group."""
    for group in document.items("groups") or document.items("spec", "groups"):
        for rule in group.items("rules"):
            found: dict[str, Any] = {key: node.plain() for key in _RULE if (node := rule.get(key)) is not None}
            found["labels"] = {**(group.texts("labels") or {}), **(rule.texts("labels") or {})}
            if isinstance(found.get("expr"), str):
                found["expr"] = "\n".join(line.rstrip() for line in found["expr"].strip().splitlines())
            yield rule, {key: value for key, value in found.items() if value not in ({}, "0s")}


def _namespace(document: Node) -> str:
    own = document.text("kind") == "Namespace"
    return document.text("metadata", "name") if own else document.text("metadata", "namespace")


def _said(document: Node) -> dict[str, Any]:
    if document.text("kind") in _SAYING_LITTLE:
        return {}
    return {key: node.plain() for key, node in document.entries().items() if key not in _IDENTITY}
