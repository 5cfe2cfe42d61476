"""Two clusters never give their Argo CD Applications the same names."""

from __future__ import annotations

from phoenix_gitops.link import link_relations
from phoenix_gitops.resolve import Resolved
from phoenix_gitops.world import build
from tests.unit.policies import document


def environment(name, *clusters):
    listed = "\n".join(
        f'    - {{name: {c}, server: "https://{c}.{name}.example.com", kubernetes: "1.34"}}' for c in clusters
    )
    text = (
        f"kind: Environment\nmetadata: {{name: {name}, owner: team}}\nspec:\n  class: prod\n"
        f"  pipelines: []\n  edge: edge\n  control: null\n  clusters:\n{listed}\n"
    )
    return document(text, f"environments/{name}.yaml")


def clashes(*environments):
    documents = [
        document(
            'kind: Platform\nmetadata: {name: phoenix, owner: team}\nspec: {version: 0.1.0, repository: {url: "https://a/b"}}\n',
            "phoenix.yaml",
        ),
        document("kind: Pipeline\nmetadata: {name: edge, owner: team}\nspec: {stage: edge}\n"),
        document("kind: SecurityPolicy\nmetadata: {name: standard, owner: team}\nspec: {}\n"),
        *environments,
    ]
    policies = {(d.kind, d.name): Resolved(d, d.data) for d in documents}
    return [d for d in link_relations(policies, build(policies)) if d.code == "PHX676"]


def test_names_that_meet_are_refused_with_both_places():
    (fault,) = clashes(environment("x", "main", "a-b"), environment("x-a", "b"))
    assert fault.message == "clusters `x-a/b` and `x/a-b` name their Applications alike"
    assert (fault.primary.span.file, fault.primary.span.line) == ("environments/x-a.yaml", 10)
    assert (fault.secondary[0].span.file, fault.secondary[0].span.line) == ("environments/x.yaml", 11)
    assert fault.help == "both are called `x-a-b-COMPONENT`: rename one of the clusters"


def test_names_that_only_look_alike_are_fine():
    assert clashes(environment("x", "a", "b"), environment("z", "a", "b"), environment("x-b", "a")) == []
