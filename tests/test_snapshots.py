"""Good cases: the whole tree of each is kept as plain YAML in `tests/cases/good/NAME/expected/`, to be read in diffs.

A new case is a new folder; `make snap` writes its tree, which is then read before it is committed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from phoenix_gitops.__main__ import run

CASES = Path(__file__).parent / "cases" / "good"
NAMES = sorted(path.name for path in CASES.iterdir())


def compiled(case: Path, target: Path) -> dict[str, bytes]:
    """The files that a case compiles to, by path below `generated/`."""
    shutil.copytree(case, target, ignore=shutil.ignore_patterns("expected"))
    assert run(["compile", "-C", str(target)]) == 0
    return below(target / "generated")


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept_at(path: Path) -> type[SingleFileSnapshotExtension]:
    """A snapshot that is one file at this very path."""

    class Kept(SingleFileSnapshotExtension):
        @classmethod
        def get_location(cls, *, test_location, index):
            return str(path)

    return Kept


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:(?s).*Can not relate snapshot")
def test_tree(name, tmp_path, snapshot):
    expected = CASES / name / "expected"
    files = compiled(CASES / name, tmp_path / "repository")
    stale = sorted(below(expected).keys() - files.keys())
    if snapshot.session.update_snapshots:
        # With places of our own syrupy does not know which files are no longer used.
        for path in stale:
            (expected / path).unlink()
    else:
        assert stale == [], "files that nothing compiles to any more: `make snap` removes them"
        assert sorted(files.keys() - below(expected).keys()) == [], "files that are new: `make snap`, then read them"
    for path, content in sorted(files.items()):
        assert content == snapshot(extension_class=kept_at(expected / path)), path


@pytest.mark.parametrize("name", NAMES)
def test_other_readers_read_the_same(name):
    """Golden files are judged without our own code: a YAML 1.1 and a 1.2 reader agree on each."""
    paths = sorted((CASES / name / "expected").rglob("*.yaml"))
    assert paths
    modern = YAML(typ="safe", pure=True)
    for path in paths:
        old = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        assert old == modern.load(path.read_bytes()), path
        if "_proof" not in path.parts:
            assert {"apiVersion", "kind", "metadata"} <= old.keys(), path


def test_small_is_small():
    paths = [path for path in (CASES / "small").rglob("*.yaml") if "expected" not in path.parts]
    assert len(paths) == 5
    assert sum(len(path.read_text().splitlines()) for path in paths) <= 60


def test_the_case_of_each_output_mode(tmp_path):
    """The modes differ in where Argo CD looks, and in nothing else."""
    trees = {}
    modes = {
        "tree": "{mode: tree}",
        "branch": "{mode: branch}",
        "repo": '{mode: repo, url: "https://git.example.com/live.git", branch: live}',
    }
    for mode, output in modes.items():
        case = tmp_path / f"case-{mode}"
        shutil.copytree(CASES / "small", case, ignore=shutil.ignore_patterns("expected"))
        with (case / "phoenix.yaml").open("a") as file:
            file.write(f"  output: {output}\n")
        trees[mode] = compiled(case, tmp_path / mode)
    assert trees["tree"] == below(CASES / "small" / "expected")
    sources = {mode: {source(content) for path, content in tree.items() if "/application-" in path}
               for mode, tree in trees.items()}  # fmt: skip
    assert sources == {
        "tree": {("https://git.example.com/small.git", "refs/heads/main")},
        "branch": {("https://git.example.com/small.git", "refs/heads/env/main")},
        "repo": {("https://git.example.com/live.git", "refs/heads/live")},
    }
    for mode in ("branch", "repo"):
        different = {path.split("/")[2] for path in trees["tree"] if trees[mode][path] != trees["tree"][path]}
        assert trees[mode].keys() == trees["tree"].keys()
        assert different == {"gitops"}


def source(content: bytes) -> tuple[str, str]:
    spec = yaml.load(content, Loader=yaml.CSafeLoader)["spec"]["source"]
    return spec["repoURL"], spec["targetRevision"]
