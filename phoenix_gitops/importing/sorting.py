"""Documents by what they are: each goes to the importer that reads its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.importing import rules, settings, slos, tenants
from phoenix_gitops.importing.collectors import configs, drafting
from phoenix_gitops.importing.drafts import Taken, left
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.importing.rules import Aim
from phoenix_gitops.world import World

RULE_KINDS = frozenset({"PrometheusRule", "VMRule"})


def take(documents: Sequence[Node], aim: Aim, world: World) -> Taken:
    """Drafts from documents, and what is to be said of them."""
    taken = Taken()
    names: set[str] = set()
    bounding: list[Node] = []
    indicators = {d.text("metadata", "name"): d for d in documents if d.text("kind") == "SLI"}
    slo_names: set[str] = set()
    chosen: list[Node] = []
    pipelines: set[str] = set()
    for document in opened(documents):
        kind = document.text("kind")
        found, faults = configs.find(document)
        if found or faults:
            taken += Taken(notes=tuple(faults))
            for config in found:
                taken += drafting.take(config, world, aim, pipelines)
        elif kind in RULE_KINDS or (not kind and document.get("groups") is not None):
            taken += rules.take(document, aim, names)
        elif kind == "SLO":
            taken += slos.take(document, indicators, aim, slo_names)
        elif kind == "SLI" and document.text("apiVersion") == slos.API:
            continue
        elif not kind and settings.is_settings(document):
            chosen.append(document)
        elif kind in tenants.KINDS:
            bounding.append(document)
        else:
            taken += Taken(notes=(_unknown(document, kind),))
    return taken + tenants.take(bounding, world, aim.owner) + settings.take(chosen, aim)


def opened(documents: Sequence[Node]) -> Iterator[Node]:
    """The documents, with the items of lists (`kubectl get -o yaml`) instead of the lists."""
    for document in documents:
        if document.text("kind").endswith("List") and isinstance(document.entries().get("items"), Node):
            yield from document.items("items")
        else:
            yield document


def _unknown(document: Node, kind: str) -> Diagnostic:
    what = f"{kind} `{document.text('metadata', 'name')}`" if kind else "a document"
    why = "this kind is not imported" if kind else "it has neither `kind` nor `groups`"
    return left(document.span, what, why)
