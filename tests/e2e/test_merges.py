"""Pairs of pull requests, merged in either order and in every output mode: always the tree of a clean compile."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from phoenix_gitops.__main__ import run
from tests.e2e.conftest import Checkout
from tests.e2e.test_publish import ask, bare

pytestmark = pytest.mark.proof

PAIRS = 20
TENANTS = [f"team-{letter}" for letter in "abcdefgh"]
TENANT_TEXT = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {{name: {name}, owner: {name}}}
spec:
  class: {kind}
  identity: {{namespaces: [{name}]}}
  # What it is owed.
  quotas: {{activeSeries: {series}, ingestRate: 3500{more}}}
  # Whether it is there.
  state: active
  # Who sees it.
  access: {{viewers: [{name}-devs], editors: [{name}-leads]}}
"""
PIPELINE = "policies/pipelines/own-edge.yaml"
PIPELINE_TEXT = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Pipeline
metadata: {name: own-edge, owner: platform-team}
spec:
  extends: edge
  attributes:
    set:
      site.a: "0"
      # Between two keys that two people change.
      # There is room for git.
      site.b: "0"
  # Between two fields, too.
  batch: {timeout: 5s}
"""


def tenant_text(name, *, kind="shared", series=50000):
    more = ', cpu: "4", memory: 8Gi, pods: 40' if kind == "namespace" else ""
    return TENANT_TEXT.format(name=name, kind=kind, series=series, more=more)


def path_of(name):
    return f"policies/tenants/{name}/tenant.yaml"


def edits(seed):
    """The edits of two pull requests, as (path, old, new); an empty `old` makes the file. They meet in no line."""
    rng = random.Random(seed)
    targets = rng.sample([*TENANTS, "new", "new", "site.a", "site.b", "batch"], k=6)
    made = []
    for number, target in enumerate(targets):
        kind = rng.choice(["shared", "namespace"])
        if target == "new":
            name = f"fresh-{rng.randrange(100)}-{number}"
            made.append((path_of(name), "", tenant_text(name, kind=kind)))
        elif target.startswith("site"):
            made.append((PIPELINE, f'{target}: "0"', f'{target}: "{rng.randrange(1, 99)}"'))
        elif target == "batch":
            made.append((PIPELINE, "timeout: 5s", f"timeout: {rng.randrange(2, 5)}s"))
        else:
            series = f"activeSeries: {rng.randrange(51, 90)}000"
            old, new = rng.choice([("activeSeries: 50000", series), ("state: active", "state: retired")])
            made.append((path_of(target), old, new))
    cut = rng.randrange(1, 6)
    # Two people change one tenant: each another line of one file.
    shared = path_of(rng.choice([name for name in TENANTS if name not in targets]))
    one = (shared, "activeSeries: 50000", "activeSeries: 99000")
    other = (shared, "-devs]", "-people]")
    return [*made[:cut], one], [*made[cut:], other]


def apply(checkout, changes):
    for path, old, new in changes:
        if old:
            checkout.replace(path, old, new)
        else:
            (checkout.root / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout.root / path).write_text(new)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A repository with eight tenants and a pipeline of its own, in mode `branch`, without git."""
    root = tmp_path_factory.mktemp("merges") / "template"
    assert run(["init", str(root)]) == 0
    for number, name in enumerate(TENANTS):
        file = root / path_of(name)
        file.parent.mkdir(parents=True)
        file.write_text(tenant_text(name, kind="namespace" if number % 4 == 0 else "shared"))
    (root / PIPELINE).parent.mkdir(parents=True)
    (root / PIPELINE).write_text(PIPELINE_TEXT)
    environment = root / "environments/main.yaml"
    environment.write_text(
        environment.read_text().replace("  control: standard\n", "  control: standard\n  edge: own-edge\n")
    )
    return root


def made_of(template, folder, capsys, *, mode):
    shutil.copytree(template, folder)
    made = Checkout(folder, capsys)
    made.replace("phoenix.yaml", "{mode: branch}", mode)
    if mode == "{mode: tree}":
        made.replace(".gitignore", "/generated/\n", "")
    made.git("init", "--quiet", "--initial-branch=main")
    return made


def branches(checkout, one, other, *, compiled):
    """Two branches from main, each with its edits and, beside policies, its output."""
    for name, changes in (("one", one), ("other", other)):
        checkout.git("switch", "--quiet", "--force-create", name, "base")
        apply(checkout, changes)
        if compiled:
            said = checkout.phoenix("compile")
            assert said.code == 0, said.err
        checkout.commit(name)


def merge(checkout, first, second):
    """What git makes of it; whether it was content, and which files it asks about."""
    checkout.git("switch", "--quiet", "--force-create", "merged", first)
    command = ["git", "-C", str(checkout.root), "merge", "--no-edit", "--quiet", second]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    open_ = checkout.git("diff", "--name-only", "--diff-filter=U").splitlines()
    return done.returncode == 0, open_


def clean(checkout, cache=True):
    shutil.rmtree(checkout.root / "generated")
    said = checkout.phoenix("compile", *([] if cache else ["--no-cache"]))
    assert said.code == 0, said.err
    return checkout.tree()


def has_all(checkout, changes):
    """Nothing of either pull request is lost in the policies."""
    return all(new in (checkout.root / path).read_text() for path, _, new in changes)


def test_in_tree_mode_compile_makes_good_what_git_merged(template, tmp_path, capsys):
    """The documented rule: merge, whatever git says of `generated/`; compile; commit."""
    checkout = made_of(template, tmp_path / "tree", capsys, mode="{mode: tree}")
    assert checkout.phoenix("compile").code == 0
    checkout.commit("base")
    checkout.git("tag", "base")
    asked = 0
    for number in range(PAIRS):
        one, other = edits(number)
        branches(checkout, one, other, compiled=True)
        trees = []
        for first, second in (("one", "other"), ("other", "one")):
            content, open_ = merge(checkout, first, second)
            assert all(path.startswith("generated/") for path in open_), open_
            asked += not content
            said = checkout.phoenix("compile")
            assert said.code == 0, (number, first, said.err)
            checkout.git("add", "--all")
            checkout.git("commit", "--quiet", "--allow-empty", "-m", "merged")
            assert has_all(checkout, one + other)
            trees.append(checkout.tree())
        assert checkout.phoenix("compile", "--check").code == 0
        assert trees[0] == trees[1], number
        assert trees[0] == clean(checkout, cache=number > 0), number
    assert asked >= PAIRS // 2, "git alone cannot merge output; were it otherwise, this would prove nothing"


MODES = [(mode, order) for mode in ("branch", "repo") for order in (("one", "other"), ("other", "one"))]


@pytest.mark.parametrize("mode", ["branch", "repo"])
def test_in_the_other_modes_what_is_merged_last_publishes_the_same(template, tmp_path, capsys, mode):
    origin = bare(tmp_path / "origin.git")
    output = {"branch": "{mode: branch}", "repo": f'{{mode: repo, branch: live, url: "{origin}"}}'}[mode]
    checkout = made_of(template, tmp_path / mode, capsys, mode=output)
    checkout.git("remote", "add", "origin", str(origin) if mode == "branch" else str(tmp_path / "policies.git"))
    target = {"branch": "env/main", "repo": "live"}[mode]
    checkout.commit("base")
    checkout.git("tag", "base")
    for number in range(PAIRS):
        if MODES[number % 4][0] != mode:
            continue
        one, other = edits(number)
        branches(checkout, one, other, compiled=False)
        merged = [checkout.git("merge-tree", "--write-tree", *pair) for pair in (("one", "other"), ("other", "one"))]
        assert merged[0] == merged[1], "the policies are the same in either order"
        first, second = MODES[number % 4][1]
        ask(origin, "update-ref", "-d", f"refs/heads/{target}")
        checkout.git("switch", "--quiet", first)
        assert checkout.phoenix("publish").code == 0
        assert merge(checkout, first, second) == (True, [])
        assert has_all(checkout, one + other)
        said = checkout.phoenix("publish")
        assert said.code == 0, said.err
        (checkout.root / "generated").mkdir(exist_ok=True)
        clean(checkout)
        checkout.git("add", "--force", "generated")
        tree = checkout.git("write-tree", "--prefix=generated/")
        assert tree == ask(origin, "rev-parse", f"{target}:generated"), number
        checkout.git("reset", "--quiet")
