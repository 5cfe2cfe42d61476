"""Publishing to a bare repository in the three output modes."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.e2e.conftest import QUOTA, TENANT


def bare(folder):
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    return folder


def ask(repository, *arguments):
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def set_mode(checkout, mode):
    checkout.replace("phoenix.yaml", "mode: tree", mode)
    return checkout.commit("another output mode")


@pytest.fixture
def origin(checkout, tmp_path):
    made = bare(tmp_path / "origin.git")
    checkout.git("remote", "add", "origin", str(made))
    checkout.git("push", "--quiet", "--set-upstream", "origin", "main")
    return made


def files_of(repository, branch):
    return set(ask(repository, "ls-tree", "-r", "--name-only", branch).splitlines())


def test_branch_mode_gives_each_environment_its_branch(pair, origin):
    source = set_mode(pair, "mode: branch")
    said = pair.phoenix("publish")
    assert said.code == 0, said.err
    assert ask(origin, "for-each-ref", "--format=%(refname:short)").splitlines() == ["env/main", "env/other", "main"]
    pair.phoenix("compile")
    tree = {f"generated/{path}" for path in pair.tree() if "main" in path.split("/")[:2]}
    assert files_of(origin, "env/main") == tree
    tip = ask(origin, "rev-parse", "env/main")
    assert f"main: env/main of origin: {len(tree)} files in {tip[:12]}\n" in said.out
    assert f"Phoenix-Source-Commit: {source}" in ask(origin, "log", "-1", "--format=%B", "env/main")
    assert ask(origin, "show", f"env/main:{QUOTA}") == (pair.root / QUOTA).read_text().rstrip("\n")

    again = pair.phoenix("publish")
    assert again.code == 0
    assert f"main: env/main of origin: nothing to commit, at {tip[:12]}\n" in again.out
    assert ask(origin, "rev-parse", "env/main") == tip


def test_a_change_is_a_commit_on_top_and_json_tells_it(checkout, origin):
    set_mode(checkout, "mode: branch")
    checkout.phoenix("publish")
    first = ask(origin, "rev-parse", "env/main")
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    checkout.commit("more")
    said = checkout.phoenix("publish", "--format", "json", "-q")
    assert said.code == 0
    (published,) = json.loads(said.out)["published"]
    tip = ask(origin, "rev-parse", "env/main")
    assert published == {
        "environments": ["main"],
        "branch": "env/main",
        "repository": "origin",
        "commit": tip,
        "files": 1,
        "pushed": True,
    }
    assert ask(origin, "rev-parse", "env/main~1") == first
    assert ask(origin, "diff", "--name-only", first, tip) == QUOTA


def test_repo_mode_commits_to_another_repository_and_keeps_what_is_not_ours(checkout, origin, tmp_path):
    other = bare(tmp_path / "other.git")
    set_mode(checkout, f'mode: repo, branch: live, url: "file://{other}"')
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    assert QUOTA in files_of(other, "live")
    assert ask(origin, "for-each-ref", "--format=%(refname:short)") == "main"

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--branch", "live", str(other), str(clone)], check=True)
    (clone / "README.md").write_text("of a person\n")
    for command in (["add", "README.md"], ["commit", "--quiet", "-m", "notes"], ["push", "--quiet"]):
        ask(clone, *command)
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    checkout.commit("more")
    assert checkout.phoenix("publish").code == 0
    assert ask(other, "show", "live:README.md") == "of a person"
    assert ask(other, "log", "--format=%s", "live").splitlines()[1] == "notes"


def test_tree_mode_commits_beside_the_policies(checkout, origin):
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    assert ask(origin, "rev-parse", "main") == checkout.git("rev-parse", "HEAD")
    assert (checkout.root / QUOTA).exists(), "a work tree without it would undo the commit"
    assert QUOTA in files_of(origin, "main")
    assert checkout.git("status", "--porcelain") == ""
    assert "nothing to commit" in checkout.phoenix("publish").out


def test_tree_mode_stops_at_a_hand_edit(checkout, origin):
    checkout.phoenix("publish")
    tip = ask(origin, "rev-parse", "main")
    (checkout.root / QUOTA).write_text((checkout.root / QUOTA).read_text().replace("example", "sample"))
    checkout.replace(TENANT, "pods: 40", "pods: 50")
    checkout.git("commit", "--quiet", "-m", "more pods", "--", TENANT)
    said = checkout.phoenix("publish")
    assert said.code == 1
    assert f"error[PHX801]: `{QUOTA}` was edited by hand" in said.err
    assert ask(origin, "rev-parse", "main") == tip


def test_uncommitted_policies_are_refused(checkout, origin):
    set_mode(checkout, "mode: branch")
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    said = checkout.phoenix("publish")
    assert said.code == 2
    assert f"error[PHX902]: `{TENANT}` differs from the last commit" in said.err
    assert "env/main" not in ask(origin, "for-each-ref")


def test_an_environment_with_a_finding_is_not_published(pair, origin):
    set_mode(pair, "mode: branch")
    pair.replace("environments/other.yaml", 'kubernetes: "1.34"', 'kubernetes: "1.99"')
    pair.commit("a cluster that we do not know")
    said = pair.phoenix("publish")
    assert said.code == 1
    assert "no schemas of Kubernetes `1.99`" in said.err
    assert ask(origin, "for-each-ref", "--format=%(refname:short)").splitlines() == ["env/main", "main"]


def test_policies_with_a_finding_publish_nothing(checkout, origin):
    set_mode(checkout, "mode: branch")
    checkout.replace(TENANT, "class: namespace", "class: nonsense")
    checkout.commit("broken")
    said = checkout.phoenix("publish")
    assert said.code == 1
    assert f"{TENANT}:5:" in said.err
    assert ask(origin, "for-each-ref", "--format=%(refname:short)") == "main"


def test_a_hand_edit_on_the_branch_stays_until_forced(checkout, origin, tmp_path):
    set_mode(checkout, "mode: branch")
    checkout.phoenix("publish")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--branch", "env/main", str(origin), str(clone)], check=True)
    (clone / QUOTA).write_text((clone / QUOTA).read_text().replace("example", "sample"))
    for command in (["commit", "--quiet", "-am", "by hand"], ["push", "--quiet"]):
        ask(clone, *command)
    edited = ask(origin, "rev-parse", "env/main")
    said = checkout.phoenix("publish")
    assert said.code == 1
    assert "error[PHX801]" in said.err
    assert ask(origin, "rev-parse", "env/main") == edited
    assert checkout.phoenix("publish", "--force").code == 0
    assert ask(origin, "rev-parse", "env/main~1") == edited
    assert "sample" not in ask(origin, "show", f"env/main:{QUOTA}")


def test_an_unreachable_remote(checkout, tmp_path):
    set_mode(checkout, "mode: branch")
    checkout.git("remote", "add", "origin", str(tmp_path / "nowhere.git"))
    said = checkout.phoenix("publish")
    assert said.code == 2
    assert "error[PHX906]: cannot reach `origin`" in said.err
