"""Reconciled folders hold our objects and nothing else, as Argo CD and Flux look into them."""

from __future__ import annotations

import functools
import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.proof.judge import GENERATED, ROOT, Judge, tool
from tests.proof.scans import ARGO_CD_BYTES, Object, RefusedError, argo_cd_files, argo_cd_objects, flux_files

pytestmark = pytest.mark.proof

GOOD = ROOT / "tests" / "cases" / "good"
TREES = {"reference": GENERATED} | {case.name: case / "expected" for case in sorted(GOOD.iterdir())}
"""Committed output: of the reference platform, and of the cases that compile."""

SSA = "kustomize.toolkit.fluxcd.io/ssa"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
OTHER = POD.replace("name: a", "name: b")
VALUES = "replicas: 3\n"
FAULTS: dict[str, Mapping[str, str]] = {
    "values": {"values.yaml": VALUES},
    "hidden values": {".values.yml": VALUES},
    "a list": {"list.yaml": "- 1\n- 2\n"},
    "rules": {"sub/rules.yaml": "groups: []\n"},
    "half a file": {"a.yaml": POD + "---\nreplicas: 3\n"},
    "broken": {"a.yaml": "kind: [\n"},
}
"""Side files that stop Flux; Argo CD passes over some."""
PASSED_OVER: dict[str, Mapping[str, str]] = {
    "other endings": {"a.yaml": POD, "README.md": "# a\n", "a.yaml.bak": VALUES, "A.YAML": VALUES},
    "hidden objects": {".a.yaml": POD},
    "below": {"one/two/a.yml": POD},
    "a kustomization below": {"one/kustomization.yaml": "resources: [a.yaml]\n", "one/a.yaml": POD, "b.yaml": OTHER},
}


def environments(tree: Path) -> list[Path]:
    return [path for path in sorted(tree.iterdir()) if path.is_dir() and not path.name.startswith("_")]


ENVIRONMENTS = {
    f"{name}-{one.name}": one
    for name, tree in TREES.items()
    for one in environments(tree)
    # There `components.gitops.manage` is `none`: others write the Applications, and none is in the tree.
    if (name, one.name) != ("brownfield", "lab")
}
each = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)


def body(path: Path) -> Object:
    loaded: Object = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return loaded


def applications(environment: Path) -> list[Object]:
    """What the environment's reconciler reads: Applications, or Kustomizations."""
    files = [*environment.rglob("application-*.yaml"), *environment.rglob("kustomization-*.yaml")]
    return [body(path) for path in sorted(files)]


def folder(environment: Path, application: Object) -> Path:
    """Where an Application's path leads in the committed tree, whose root is `generated` in all output modes."""
    spec = application["spec"]
    head, *inside = Path(spec["source"]["path"] if "source" in spec else spec["path"]).parts
    assert (head, inside[0]) == ("generated", environment.name)
    return environment.parent.joinpath(*inside)


def identity(found: Object) -> tuple[str, str, str, str]:
    metadata = found["metadata"]
    return found["apiVersion"], found["kind"], metadata.get("namespace", ""), metadata["name"]


def server(application: Object) -> str:
    """The cluster that an Application's objects go to."""
    spec = application["spec"]
    return str(spec["destination"]["server"] if "destination" in spec else spec.get("kubeConfig", "in-cluster"))


@functools.cache
def seen(environment: Path) -> dict[str, list[tuple[Path, Object]]]:
    """What each Application of an environment finds."""
    found = {}
    for one in applications(environment):
        base = folder(environment, one)
        if one["kind"] == "Application":
            taken = list(argo_cd_objects(base, one["spec"]["source"].get("directory", {})))
        else:
            taken = [(path, body(path)) for path in flux_files(base)]
        found[one["metadata"]["name"]] = taken
    return found


def lasting(found: Object) -> bool:
    """Whether the object says how it is to be, and not only that it must be there."""
    return bool(found["metadata"].get("annotations", {}).get(SSA) != "IfNotPresent")


@each
def test_the_reconciler_sees_every_file_once_and_as_one_object(environment: Path) -> None:
    found = seen(environment)
    files = Counter(path for objects in found.values() for path, _ in objects)
    assert files == Counter(path for path in environment.rglob("*") if path.is_file())
    assert not [path for path in files if "_proof" in path.parts]


@each
def test_no_object_is_in_two_applications(environment: Path) -> None:
    servers = {one["metadata"]["name"]: server(one) for one in applications(environment)}
    there = Counter(
        (servers[name], *identity(found))
        for name, objects in seen(environment).items()
        for _, found in objects
        if lasting(found)
    )
    assert [what for what, times in there.items() if times > 1] == []


@each
def test_every_application_lies_where_another_one_finds_it(environment: Path) -> None:
    names = {one["metadata"]["name"] for one in applications(environment)}
    found = {
        body["metadata"]["name"]
        for objects in seen(environment).values()
        for _, body in objects
        if body["kind"] in ("Application", "Kustomization")
    }
    assert found == names


@each
def test_no_application_is_near_the_limit_of_the_repository_server(environment: Path) -> None:
    for one in applications(environment):
        taken = argo_cd_files(folder(environment, one), {"recurse": True})
        assert sum(path.stat().st_size for path in taken) < 0.9 * ARGO_CD_BYTES, one["metadata"]["name"]


def scanned(*folders: Path) -> dict[str, dict[str, Any]]:
    """What Flux's own generator and kustomize make of folders."""
    done = subprocess.run([tool("flux-scan"), *folders], check=True, stdout=subprocess.PIPE, timeout=60)
    answer: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return answer


def resources(answer: Mapping[str, Any], base: Path) -> list[Path]:
    return sorted((base / name).resolve() for name in answer["files"] or ())


def test_flux_builds_each_reconciled_folder_to_the_objects_that_we_wrote(judge: Judge) -> None:
    folders = [folder(one, application) for one in ENVIRONMENTS.values() for application in applications(one)]
    answers, count = scanned(*folders), 0
    for base in folders:
        answer, files = answers[str(base)], sorted(path for path in base.rglob("*") if path.is_file())
        assert "error" not in answer, (base, answer["error"])
        assert resources(answer, base) == files == flux_files(base)
        built = {identity(found): found for found in answer["objects"]}
        assert built == {identity(found): found for found in map(body, files)}
        assert len(built) == len(files)
        count += len(built)
    judge.took("flux-scan", count, f"objects in {len(folders)} folders")


def lay(base: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text, encoding="utf-8")
    return base


def test_flux_stops_at_side_files(tmp_path: Path, judge: Judge) -> None:
    laid = {name: lay(tmp_path / str(i), {"b.yaml": POD, **files}) for i, (name, files) in enumerate(FAULTS.items())}
    answers = scanned(*laid.values())
    for name, base in laid.items():
        assert answers[str(base)].get("error"), name
        with pytest.raises(RefusedError):
            flux_files(base)
    judge.refused("flux-scan", len(laid), "folders with side files")


def test_flux_takes_what_its_rule_says(tmp_path: Path, judge: Judge) -> None:
    laid = [lay(tmp_path / str(i), files) for i, files in enumerate(PASSED_OVER.values())]
    answers = scanned(*laid)
    for base in laid:
        assert resources(answers[str(base)], base) == flux_files(base), base
    judge.took("flux-scan", len(laid), "folders with files that it passes over")


def test_flux_refuses_an_object_that_is_there_twice(tmp_path: Path, judge: Judge) -> None:
    base = lay(tmp_path, {"a.yaml": POD, "b.yaml": POD})
    assert "may not add resource with an already registered id" in scanned(base)[str(base)]["error"]
    judge.refused("flux-scan", 1, "objects written twice")


@pytest.mark.parametrize(
    ("files", "objects"),
    [
        ({"a.yaml": POD, "values.yaml": VALUES}, ["a.yaml"]),
        ({".a.yml": POD, "one/b.yaml": POD, "c.txt": POD, "D.YAML": POD}, [".a.yml", "b.yaml"]),
        ({"a.yaml": "# +argocd:skip-file-rendering\n" + POD}, []),
        ({"a.json": json.dumps(yaml.safe_load(POD))}, ["a.json"]),
    ],
)
def test_the_rule_of_argo_cd(tmp_path: Path, files: Mapping[str, str], objects: list[str]) -> None:
    lay(tmp_path, files)
    assert sorted(path.name for path, _ in argo_cd_objects(tmp_path, {"recurse": True})) == objects


def test_argo_cd_looks_no_deeper_than_it_is_told(tmp_path: Path) -> None:
    lay(tmp_path, {"a.yaml": POD, "one/b.yaml": POD})
    assert [path.name for path in argo_cd_files(tmp_path, {})] == ["a.yaml"]


@pytest.mark.parametrize(
    "files", [{"a.json": "{"}, {"a.json": "{}"}, {"a.yaml": POD + "---\n- apiVersion: v1\n"}], ids=str
)
def test_argo_cd_stops_at_files_that_should_have_been_objects(tmp_path: Path, files: Mapping[str, str]) -> None:
    lay(tmp_path, files)
    with pytest.raises(RefusedError):
        list(argo_cd_objects(tmp_path, {"recurse": True}))


def test_argo_cd_stops_at_too_many_bytes(tmp_path: Path) -> None:
    lay(tmp_path, {"a.yaml": POD + "#" * ARGO_CD_BYTES})
    with pytest.raises(RefusedError, match="more than 10000000"):
        argo_cd_files(tmp_path, {})


def test_a_side_file_in_a_reconciled_folder_is_noticed(tmp_path: Path) -> None:
    """What the tests above would say of output that breaks the promise."""
    lay(tmp_path, {"a.yaml": POD, "notes.md": "x", "values.yaml": VALUES})
    found = Counter(path for path, _ in argo_cd_objects(tmp_path, {"recurse": True}))
    assert found != Counter(path for path in tmp_path.rglob("*") if path.is_file())
