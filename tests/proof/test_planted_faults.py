"""Faults planted into our own output: the API server refuses each one, and so do we, before it gets there.

What only one of the two sees says why, in `planted_table.py`; `docs/planted-faults.md` shows it. Faults that nobody
thought of are made by the hundred: whatever the server refuses of them, we must refuse too.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.crds import crds_folder
from tests.proof.cluster import Answer, Client, Ref, Seed, running
from tests.proof.judge import Judge
from tests.proof.planted import Body, Path, Planted
from tests.proof.planted_table import PLANTED
from tests.proof.planted_tree import MINOR, Tree, schemas_of

pytestmark = pytest.mark.proof

SERVER = "kube-apiserver"
ROWS = [pytest.param(row, id=row.fault.replace(" ", "-")) for row in PLANTED]
EVERY = 11
"""Of all mutants, so many are passed over for one that is asked; it has no factor in common with their number."""


def spoilt(tree: Tree, row: Planted) -> tuple[str, Body]:
    """The file of the planted object, and the object."""
    path = tree.path(row.of)
    body = copy.deepcopy(tree.bodies[path])
    new = row.change(body)
    if new is None:
        assert body != tree.bodies[path]
        return path, body
    return f"{path.rpartition('/')[0]}/planted.yaml", new


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    bare = Tree.read(schemas_of(set(), tmp_path_factory.mktemp("bare")))
    bodies = [*bare.bodies.values(), *(spoilt(bare, row)[1] for row in PLANTED)]
    kinds = {(body["apiVersion"], body["kind"]) for body in bodies}
    return Tree.read(schemas_of(kinds, tmp_path_factory.mktemp("schemas")))


@pytest.fixture(scope="module")
def server(seed: Seed, tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server that has our namespaces, and nothing in them."""
    with running(tmp_path_factory.mktemp("planted"), seed=seed, version=MINOR, controllers=False) as cluster:
        names = {body["metadata"].get("namespace") for body in tree.bodies.values()} - {None}
        for name in sorted(names):
            answer = cluster.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            assert answer.ok, answer
        yield cluster.client


@pytest.fixture(scope="module")
def answers(tree: Tree, server: Client) -> dict[str, Answer]:
    """What the server says to every planted fault."""
    return {row.fault: _ask(tree, server, row) for row in PLANTED}


def _ask(tree: Tree, server: Client, row: Planted) -> Answer:
    path, body = spoilt(tree, row)
    if not row.first:
        return server.apply(body, dry_run=True)
    good = tree.bodies[path]
    made = server.apply(good)
    assert made.ok, made
    try:
        return server.apply(body, dry_run=True)
    finally:
        server.delete(Ref.of(good))


def test_what_is_not_spoilt_passes_both_judges(tree: Tree, server: Client, judge: Judge) -> None:
    refused = {path: server.apply(body, dry_run=True) for path, body in tree.bodies.items()}
    assert {path: answer.message for path, answer in refused.items() if not answer.ok} == {}
    path = tree.path("Deployment phoenix-gateway/gateway")
    assert tree.findings(path, tree.bodies[path]) == []
    path = tree.path("AppProject argocd/prod-eu-ingest")
    assert tree.findings(path, tree.bodies[path]) == []
    judge.took(SERVER, len(refused), "objects before a fault was planted")


@pytest.mark.parametrize("row", ROWS)
def test_we_refuse_it(row: Planted, tree: Tree) -> None:
    path, body = spoilt(tree, row)
    found = [(finding.code, finding.message) for finding in tree.findings(path, body) if finding.path == path]
    if row.code:
        assert row.code in {code for code, _ in found}, found
    else:
        assert found == [], "we do see it: give the row its code"


@pytest.mark.parametrize("row", ROWS)
def test_the_server_refuses_it(row: Planted, answers: dict[str, Answer], judge: Judge) -> None:
    answer = answers[row.fault]
    assert answer.ok is not bool(row.said), answer.message
    assert row.said in answer.message
    if row.said:
        judge.refused(SERVER, 1, "planted faults")


def test_each_row_says_why_one_judge_is_silent() -> None:
    assert [row.fault for row in PLANTED if bool(row.why) != (not row.code or not row.said)] == []
    assert all(row.code or row.said for row in PLANTED)
    assert [fault for fault, count in Counter(row.fault for row in PLANTED).items() if count > 1] == []
    both = [row for row in PLANTED if row.code and row.said]
    assert len(both) >= 80
    assert len({row.code for row in both}) >= 15


def test_no_kind_that_we_emit_has_a_rule_in_cel(tree: Tree) -> None:
    """Such rules are the server's alone. The first kind that has one needs them evaluated before it is emitted."""
    groups: dict[str, set[str]] = defaultdict(set)
    for body in tree.bodies.values():
        groups[body["apiVersion"].partition("/")[0]].add(body["kind"])
    ruled, emitted, total = [], 0, 0
    for file in sorted(crds_folder().glob("*.yaml")):
        for crd in file.read_text().split("\n---\n"):
            rules = crd.count("x-kubernetes-validations:")
            total += rules
            if any(f"\n    kind: {kind}\n" in crd for kind in groups[file.stem]):
                emitted += 1
                ruled += [file.stem] * rules
    assert emitted == 5
    # The one rule of AlertmanagerConfig is about receivers of Amazon's SNS, of which we write none.
    assert ruled == ["monitoring.coreos.com"]
    assert not [path for path, body in tree.bodies.items() if "snsConfigs" in str(body)]
    assert total > 500


NOTHING = object()
VALUES: tuple[Any, ...] = (
    *(NOTHING, None, "", "Bad Value!", "x" * 300, "-a", "12", "1.5.x", "/", "a/b", "UPPER"),
    *(-1, 0, 1, 99999, 2**33, 1.5, True, [], {}, ["x"], {"x": "y"}),
)
REMADE = ("metadata", "apiVersion", "kind")
"""What the address of a request is made of: it cannot be asked with another type there."""


def leaves(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every path but the top's; of a list's items the first two."""
    children = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from leaves(child, (*at, key))


def read(body: Any, at: Path) -> Any:
    for step in at:
        body = body[step]
    return body


def mutants(tree: Tree) -> Iterator[tuple[str, Path, Any, Body]]:
    """Every value in every place of one object of each kind."""
    first: dict[str, str] = {}
    for path, body in sorted(tree.bodies.items()):
        first.setdefault(body["kind"], path)
    for path in first.values():
        body = tree.bodies[path]
        for at in leaves(body):
            old = read(body, at)
            more = (
                (old + " ", f"{old}-") if isinstance(old, str) else ([*old, *old[:1]],) if isinstance(old, list) else ()
            )
            if at[0] in REMADE and len(at) < 3:
                continue
            for value in (*VALUES, *more):
                if type(value) is not type(old) or value != old:
                    yield path, at, value, _mutant(body, at, value)


def _mutant(body: Body, at: Path, value: Any) -> Body:
    mutant = copy.deepcopy(body)
    parent = read(mutant, at[:-1])
    if value is NOTHING:
        del parent[at[-1]]
    else:
        parent[at[-1]] = value
    return mutant


def test_whatever_the_server_refuses_of_mutated_output_we_refuse(tree: Tree, server: Client, judge: Judge) -> None:
    chosen = list(mutants(tree))[::EVERY]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda mutant: server.apply(mutant[3], dry_run=True), chosen))
    refused = [(*mutant, answer) for mutant, answer in zip(chosen, answers, strict=True) if not answer.ok]
    missed = [
        f"{path}:{'.'.join(map(str, at))} = {value!r:.40}: {answer.message}"
        for path, at, value, body, answer in refused
        if not tree.findings(path, body)
    ]
    assert missed == []
    assert len(refused) > len(chosen) / 2
    judge.refused(SERVER, len(refused), "mutants of our output")
