"""A repository's life: made, compiled, edited, compared, mended."""

from __future__ import annotations

import json
import os

import pytest

from tests.e2e.conftest import QUOTA, TENANT

SECOND = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {name: second, owner: team-second}
spec:
  class: namespace
  identity: {namespaces: [second]}
  quotas: {activeSeries: 50000, ingestRate: 3500, cpu: "4", memory: 8Gi, pods: 40}
  access: {viewers: [second-devs], editors: [second-leads]}
"""


def test_init_compile_edit_diff_compile(checkout):
    first = checkout.phoenix("compile")
    assert first.code == 0
    assert f"generated/: {len(checkout.tree())} new, 0 changed, 0 removed" in first.out
    assert checkout.phoenix("compile", "--check").code == 0
    checkout.commit("output")
    assert checkout.phoenix("diff").out == "nothing changes in meaning\n"

    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    diff = checkout.phoenix("diff")
    assert diff.code == 0
    assert "1 object: 0 added, 1 changed, 0 removed" in diff.out
    assert '~ spec.hard["limits.cpu"]: 4 -> 6' in diff.out
    assert (checkout.root / QUOTA).read_bytes() == checkout.tree()[QUOTA.removeprefix("generated/")]
    assert checkout.git("status", "--porcelain") == f"M {TENANT}"

    before = checkout.tree()
    assert "0 new, 1 changed, 0 removed" in checkout.phoenix("compile").out
    after = checkout.tree()
    assert [path for path in after if after[path] != before[path]] == [QUOTA.removeprefix("generated/")]


def test_an_unchanged_file_is_not_written_again(checkout):
    checkout.phoenix("compile")
    times = {path: path.stat().st_mtime_ns for path in (checkout.root / "generated").rglob("*.yaml")}
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    checkout.phoenix("compile")
    written = [path for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert written == [checkout.root / QUOTA]


def test_check_tells_of_drift_and_writes_nothing(checkout):
    missing = checkout.phoenix("compile", "--check")
    assert missing.code == 1
    assert "PHX810" in missing.err
    assert not (checkout.root / "generated").exists()
    checkout.phoenix("compile")
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    before = checkout.tree()
    drifted = checkout.phoenix("compile", "--check")
    assert drifted.code == 1
    assert QUOTA in drifted.err
    assert checkout.tree() == before


def test_a_manifest_slipped_in_beside_ours_fails_the_check(checkout):
    checkout.phoenix("compile")
    stray = QUOTA.rpartition("/")[0] + "/evil.yaml"
    (checkout.root / stray).write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil}\n")
    said = checkout.phoenix("compile", "--check")
    assert said.code == 1
    assert f"error[PHX810]: `{stray}` is compiled from no policy, yet would be applied" in said.err
    assert (checkout.root / stray).exists()


def test_a_hand_edit_is_reported_and_kept_until_forced(checkout):
    checkout.phoenix("compile")
    ours = (checkout.root / QUOTA).read_bytes()
    theirs = ours.replace(b"example", b"sample")
    (checkout.root / QUOTA).write_bytes(theirs)
    said = checkout.phoenix("compile")
    assert said.code == 1
    assert f"error[PHX801]: `{QUOTA}` was edited by hand" in said.err
    assert "--force" in said.err
    checked = checkout.phoenix("compile", "--check")
    assert (checked.code, "up to date" in checked.out) == (1, False)
    assert "generated/ is not what the policies say" in checked.out
    assert (checkout.root / QUOTA).read_bytes() == theirs
    assert checkout.phoenix("compile", "--force").code == 0
    assert (checkout.root / QUOTA).read_bytes() == ours


def test_the_bytes_that_we_would_write_are_no_hand_edit(checkout):
    checkout.phoenix("compile")
    old = (checkout.root / QUOTA).read_bytes()
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    checkout.phoenix("compile")
    new = (checkout.root / QUOTA).read_bytes()
    (checkout.root / QUOTA).write_bytes(old)
    assert "1 changed" in checkout.phoenix("compile").out
    (checkout.root / QUOTA).write_bytes(new)
    assert "0 changed" in checkout.phoenix("compile").out


def test_a_removed_tenant_is_pruned_and_foreign_files_stay(checkout):
    file = checkout.root / "policies/tenants/second.yaml"
    file.write_text(SECOND)
    checkout.phoenix("compile")
    assert any("/second/" in path for path in checkout.tree())
    foreign = checkout.root / "generated/main/main/tenancy/second/NOTES.md"
    foreign.write_text("of a person\n")
    file.unlink()
    said = checkout.phoenix("compile")
    assert said.code == 0, said.err
    assert [path for path in checkout.tree() if "second" in path] == ["main/main/tenancy/second/NOTES.md"]
    foreign.unlink()
    assert checkout.phoenix("compile", "--check").code == 0


def test_a_removed_tenant_leaves_no_empty_folder(checkout):
    file = checkout.root / "policies/tenants/second.yaml"
    file.write_text(SECOND)
    checkout.phoenix("compile")
    file.unlink()
    checkout.phoenix("compile")
    assert not (checkout.root / "generated/main/main/tenancy/second").exists()


def test_merge_markers_in_the_output_are_mended(checkout):
    checkout.phoenix("compile")
    checkout.commit("output")
    checkout.git("switch", "--quiet", "--create", "side")
    checkout.replace(TENANT, "pods: 40", "pods: 50")
    checkout.phoenix("compile")
    checkout.commit("fifty pods")
    checkout.git("switch", "--quiet", "main")
    checkout.replace(TENANT, "pods: 40", "pods: 60")
    checkout.phoenix("compile")
    checkout.commit("sixty pods")
    with pytest.raises(AssertionError):
        checkout.git("merge", "side")
    assert b"<<<<<<< " in (checkout.root / QUOTA).read_bytes()
    checkout.git("checkout", "--ours", TENANT)
    said = checkout.phoenix("compile")
    assert said.code == 0, said.err
    assert b"<<<<<<< " not in (checkout.root / QUOTA).read_bytes()
    assert b"pods: '60'" in (checkout.root / QUOTA).read_bytes().replace(b'"', b"'")


def test_only_writes_only_that_component(checkout):
    said = checkout.phoenix("compile", "--only", "rules")
    assert said.code == 0, said.err
    components = {path.split("/")[2] for path in checkout.tree() if not path.startswith("_proof/")}
    assert components == {"rules"}
    checkout.phoenix("compile")
    everything = checkout.tree()
    assert "0 removed" in checkout.phoenix("compile", "--only", "rules,tenancy").out
    assert checkout.tree() == everything
    unknown = checkout.phoenix("compile", "--only", "rulez")
    assert unknown.code == 2
    assert "there is no component 'rulez'" in unknown.err


def test_one_environments_error_does_not_hold_back_another(pair):
    pair.replace("environments/other.yaml", 'kubernetes: "1.34"', 'kubernetes: "1.99"')
    said = pair.phoenix("compile")
    assert said.code == 1
    assert "no schemas of Kubernetes `1.99`" in said.err
    assert "--> environments/other.yaml:11:19" in said.err
    assert {path.split("/")[0] for path in pair.tree()} == {"main", "_proof"}
    assert {path.split("/")[1] for path in pair.tree() if path.startswith("_proof/")} == {"main"}
    assert pair.phoenix("validate").code == 1


def test_an_environment_with_an_error_keeps_its_tree(pair):
    pair.phoenix("compile")
    before = {path: content for path, content in pair.tree().items() if "other" in path.split("/")[:2]}
    pair.replace("environments/other.yaml", 'kubernetes: "1.34"', 'kubernetes: "1.99"')
    pair.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    assert pair.phoenix("compile").code == 1
    after = pair.tree()
    assert {path: after[path] for path in after if "other" in path.split("/")[:2]} == before
    assert b"6" in after[QUOTA.removeprefix("generated/")]


def test_one_environment_alone(pair):
    assert pair.phoenix("compile", "-e", "other").code == 0
    assert {path.split("/")[0] for path in pair.tree()} == {"other", "_proof"}
    unknown = pair.phoenix("compile", "-e", "prod")
    assert unknown.code == 2
    assert "there is no environment 'prod'; there are: main, other" in unknown.err


def test_diff_compiles_a_commit_without_output(checkout):
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    said = checkout.phoenix("diff", "HEAD")
    assert '~ spec.hard["limits.cpu"]: 4 -> 6' in said.out
    assert not (checkout.root / "generated").exists()
    assert checkout.git("status", "--porcelain") == f"M {TENANT}"


def test_diff_tells_of_a_removed_environment(pair):
    base = pair.git("rev-parse", "HEAD")
    (pair.root / "environments/other.yaml").unlink()
    pair.commit("one environment less")
    said = pair.phoenix("diff", base)
    assert (said.code, "error[PHX519]: environment `other`" in said.err) == (1, True)
    assert "0 changed, " in said.out
    assert "! Namespace `example` in other/other" in said.out
    assert "main/main" not in said.out
    assert pair.phoenix("diff", base, "-e", "main").out == "nothing changes in meaning\n"


def test_diff_against_a_commit_without_policies_shows_all_as_new(checkout):
    empty = checkout.git("hash-object", "-t", "tree", os.devnull)
    commit = checkout.git("commit-tree", empty, "-m", "nothing")
    said = checkout.phoenix("diff", commit)
    assert said.code == 0
    assert "0 changed, 0 removed" in said.out
    assert "+ Namespace" in said.out


def test_diff_against_a_commit_that_does_not_compile_says_so(checkout):
    checkout.replace(TENANT, "class: namespace", "class: nonsense")
    checkout.commit("broken")
    checkout.replace(TENANT, "class: nonsense", "class: namespace")
    said = checkout.phoenix("diff", "HEAD")
    assert said.code == 1
    assert said.out == ""
    assert "there is nothing to compare with at HEAD:" in said.err
    assert f"{TENANT}:5:" in said.err


def test_diff_follows_no_link_of_another_commit(checkout):
    (checkout.root / "policies/stolen.yaml").symlink_to("/etc/passwd")
    checkout.commit("a link")
    checkout.git("rm", "--quiet", "policies/stolen.yaml")
    said = checkout.phoenix("diff", "HEAD")
    assert said.code == 1
    assert "error[PHX120]: symbolic links are not followed" in said.err
    assert "policies/stolen.yaml:1:1" in said.err


@pytest.mark.parametrize("asked", [["--format", "markdown"], ["--markdown"]], ids=lambda asked: asked[0])
def test_diff_as_markdown_into_a_file(checkout, tmp_path, asked):
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    target = tmp_path / "comment.md"
    said = checkout.phoenix("diff", *asked, "--output", str(target))
    assert said.code == 0
    assert said.out == ""
    assert "| <code>main</code> | 0 | 1 | 0 |" in target.read_text()
    nowhere = checkout.phoenix("diff", "--output", str(tmp_path / "no" / "folder.md"))
    assert nowhere.code == 2
    assert "No such file or directory" in nowhere.err


def test_diff_as_markdown_leaves_findings_to_people(checkout):
    checkout.replace(TENANT, "class: ", "klass: ")
    said = checkout.phoenix("diff", "--format", "markdown")
    assert (said.code, said.out) == (1, "")
    assert "error[PHX2" in said.err
    assert "`klass`" in said.err


@pytest.mark.parametrize("command", ["diff", "publish"])
def test_outside_a_git_repository(checkout, tmp_path, command):
    (checkout.root / ".git").rename(tmp_path / "gone")
    said = checkout.phoenix(command)
    assert said.code == 2
    assert "error[PHX901]" in said.err
    assert "git init" in said.err


def test_an_unknown_commit(checkout):
    said = checkout.phoenix("diff", "origin/main")
    assert said.code == 2
    assert "error[PHX910]: there is no commit `origin/main`" in said.err


def test_verify_proves_that_the_output_is_the_same_everywhere(checkout):
    said = checkout.phoenix("verify")
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) == 5
    assert all(line.endswith(" files, equal") for line in lines)


def test_verify_tells_machines_and_finds_what_differs(checkout, monkeypatch):
    from phoenix_gitops import determinism

    said = checkout.phoenix("verify", "--format", "json")
    assert said.code == 0
    variations = json.loads(said.out)["variations"]
    assert [v["firstDifference"] for v in variations] == [""] * len(determinism.VARIATIONS)
    monkeypatch.setattr(determinism, "run_variation", lambda _, variation: {"a/b.yaml": variation.name, "a/c.yaml": ""})
    said = checkout.phoenix("verify")
    assert said.code == 1
    assert said.out.splitlines() == [
        "as it is: 2 files, equal",
        "another hash seed: 1 files differ, first generated/a/b.yaml",
    ]
