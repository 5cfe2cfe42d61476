import hashlib
import os
import subprocess

import pytest

from phoenix_gitops import revision
from phoenix_gitops.artifact import PolicyRef, RenderedFile, Unit
from phoenix_gitops.branch import Destination
from phoenix_gitops.publish import publish
from phoenix_gitops.tree import Ownership

BRANCH = Destination(mode="branch")


@pytest.fixture(autouse=True)
def _identity(monkeypatch):
    for name, value in {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Bot",
        "GIT_COMMITTER_EMAIL": "bot@example.org",
    }.items():
        monkeypatch.setenv(name, value)


def git(folder, *command):
    done = subprocess.run(["git", "-C", str(folder), *command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sealed(path, body):
    mark = hashlib.sha256(path.encode() + body).hexdigest().encode()
    return b"# Compiled by Phoenix GitOps from Tenant/a. phoenix:" + mark + b"\n" + body


def classify(path, content):
    if b"Compiled by Phoenix GitOps" not in content:
        return Ownership.FOREIGN
    return Ownership.INTACT if content == sealed(path, content.partition(b"\n")[2]) else Ownership.EDITED


def tree(environment, **bodies):
    paths = {name: f"{environment}/main/ingest/{name}.yaml" for name in bodies}
    return [
        RenderedFile(paths[n], sealed(paths[n], b.encode()), Unit(environment, "main", "ingest"), PolicyRef("T", "a"))
        for n, b in bodies.items()
    ]


def files_of(bare, branch):
    return git(bare, "ls-tree", "-r", "--name-only", branch).splitlines()


def log(bare, branch):
    return int(git(bare, "rev-list", "--count", branch))


def told(outcome):
    return [(d.code, d.message) for d in outcome.diagnostics]


def go(root, trees, destination=BRANCH, **options):
    return publish(root, trees, destination, classify, version="0.1.0", **options)


@pytest.fixture
def bare(tmp_path):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "bare.git")
    return tmp_path / "bare.git"


@pytest.fixture
def root(tmp_path, bare):
    git(tmp_path, "init", "-q", "-b", "main", "root")
    root = tmp_path / "root"
    (root / "policies").mkdir()
    (root / "policies/a.yaml").write_text("a: 1\n")
    (root / ".gitignore").write_text(".phoenix/\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "Grant checkout")
    git(root, "remote", "add", "origin", str(bare))
    git(root, "push", "-q", "origin", "main")
    return root


def next_commit(root, text="a: 2\n"):
    (root / "policies/a.yaml").write_text(text)
    git(root, "commit", "-qam", "Change")


def test_a_branch_per_environment_with_the_source_in_trailers(root, bare):
    outcome = go(root, {"dev": tree("dev", a="a: 1", b="b: 1"), "prod": tree("prod", a="a: 1")})
    assert outcome.diagnostics == ()
    assert [(p.environments, p.branch, p.repository, p.files) for p in outcome.value] == [
        (("dev",), "env/dev", "origin", 2),
        (("prod",), "env/prod", "origin", 1),
    ]
    assert outcome.value[0].commit == git(bare, "rev-parse", "env/dev")
    assert files_of(bare, "env/dev") == ["generated/dev/main/ingest/a.yaml", "generated/dev/main/ingest/b.yaml"]
    shown = git(bare, "show", "env/dev:generated/dev/main/ingest/a.yaml")
    assert shown.encode() == tree("dev", a="a: 1")[0].content
    commit = git(root, "rev-parse", "HEAD")
    assert git(bare, "log", "-1", "--format=%B", "env/dev") == "\n".join(
        [
            f"dev: publish {commit[:12]}",
            "",
            "Compiled from: Grant checkout",
            "",
            f"Phoenix-Source-Commit: {commit}",
            "Phoenix-Environment: dev",
            "Phoenix-Version: 0.1.0",
        ]
    )
    assert git(bare, "log", "-1", "--format=%an %ae %cn %ce", "env/dev") == "Ann ann@example.org Bot bot@example.org"
    assert log(bare, "env/dev") == 1


def test_the_checkout_is_not_touched(root):
    (root / "notes").write_text("mine")
    (root / "staged").write_text("mine")
    git(root, "add", "staged")
    before = [git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD"), (root / ".git/index").read_bytes()]
    assert go(root, {"dev": tree("dev", a="a: 1")}).ok
    after = [git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD"), (root / ".git/index").read_bytes()]
    assert after == before
    assert not (root / "generated").exists()


def test_nothing_to_commit_makes_no_commit_and_says_so(root, bare):
    trees = {"dev": tree("dev", a="a: 1")}
    first = go(root, trees)
    next_commit(root)
    again = go(root, trees)
    assert again.diagnostics == ()
    assert again.value[0].files == 0
    assert again.value[0].commit == first.value[0].commit == git(bare, "rev-parse", "env/dev")


def test_changes_and_deletions_come_on_top_and_other_files_stay(root, bare, tmp_path):
    go(root, {"dev": tree("dev", a="a: 1", b="b: 1")})
    other = clone(tmp_path, bare, "env/dev")
    (other / "generated/dev/main/ingest/README.md").write_text("theirs")
    (other / "CODEOWNERS").write_text("theirs")
    commit_and_push(other, "env/dev")
    outcome = go(root, {"dev": tree("dev", a="a: 2", c="c: 1")})
    assert outcome.value[0].files == 3
    assert files_of(bare, "env/dev") == [
        "CODEOWNERS",
        "generated/dev/main/ingest/README.md",
        "generated/dev/main/ingest/a.yaml",
        "generated/dev/main/ingest/c.yaml",
    ]
    assert log(bare, "env/dev") == 3


def clone(tmp_path, bare, branch, name="other"):
    git(tmp_path, "clone", "-q", "-b", branch, str(bare), name)
    return tmp_path / name


def commit_and_push(folder, branch):
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "theirs")
    git(folder, "push", "-q", "origin", f"HEAD:{branch}")


def test_a_hand_edit_on_the_branch_is_reported_and_kept_until_forced(root, bare, tmp_path):
    trees = {"dev": tree("dev", a="a: 1"), "prod": tree("prod", a="a: 1")}
    go(root, trees)
    other = clone(tmp_path, bare, "env/dev")
    with (other / "generated/dev/main/ingest/a.yaml").open("a") as file:
        file.write("# hot fix")
    commit_and_push(other, "env/dev")
    changed = {"dev": tree("dev", a="a: 2"), "prod": tree("prod", a="a: 2")}
    outcome = go(root, changed)
    assert told(outcome) == [("PHX801", "`env/dev:generated/dev/main/ingest/a.yaml` was edited by hand")]
    assert [p.environments for p in outcome.value] == [("prod",)]
    assert log(bare, "env/dev") == 2
    assert go(root, changed, force=True).ok
    assert log(bare, "env/dev") == 3


def test_a_foreign_file_in_the_way_is_an_error(root, bare, tmp_path):
    go(root, {"dev": tree("dev", a="a: 1")})
    other = clone(tmp_path, bare, "env/dev")
    (other / "generated/dev/main/ingest/b.yaml").write_text("theirs")
    commit_and_push(other, "env/dev")
    outcome = go(root, {"dev": tree("dev", a="a: 1", b="b: 1")}, force=True)
    assert [code for code, _ in told(outcome)] == ["PHX802"]


def test_a_link_on_the_branch_is_foreign_even_if_it_spells_our_header(root, bare, tmp_path):
    files = tree("dev", a="a: 1")
    go(root, {"dev": files})
    other = clone(tmp_path, bare, "env/dev")
    path = other / "generated" / files[0].path
    path.unlink()
    path.symlink_to(files[0].content.decode())
    commit_and_push(other, "env/dev")
    assert [code for code, _ in told(go(root, {"dev": files}, force=True))] == ["PHX802"]


def test_conflict_markers_in_a_foreign_file_do_not_make_it_ours(root, bare, tmp_path):
    go(root, {"dev": tree("dev", a="a: 1")})
    other = clone(tmp_path, bare, "env/dev")
    (other / "generated/dev/notes").write_text("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n")
    commit_and_push(other, "env/dev")
    assert go(root, {"dev": tree("dev", a="a: 2")}).ok
    assert "generated/dev/notes" in files_of(bare, "env/dev")


def test_another_repository_holds_all_environments(root, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "target.git")
    target = Destination(mode="repo", url="../target.git", branch="main", path="clusters")
    trees = {"dev": tree("dev", a="a: 1"), "prod": tree("prod", a="a: 1")}
    outcome = go(root, trees, target)
    assert outcome.diagnostics == ()
    (one,) = outcome.value
    assert (one.environments, one.branch, one.files) == (("dev", "prod"), "main", 2)
    bare = tmp_path / "target.git"
    assert files_of(bare, "main") == ["clusters/dev/main/ingest/a.yaml", "clusters/prod/main/ingest/a.yaml"]
    assert git(bare, "log", "--format=%s", "main").splitlines() == [
        f"prod: publish {git(root, 'rev-parse', 'HEAD')[:12]}",
        f"dev: publish {git(root, 'rev-parse', 'HEAD')[:12]}",
    ]
    assert git(root, "status", "--porcelain") == ""
    assert go(root, trees, target).value[0].files == 0
    assert go(root, {"dev": tree("dev", a="a: 2")}, target).value[0].files == 1
    assert log(bare, "main") == 3


def test_another_spelling_of_origin_uses_the_checkout(root, bare):
    target = Destination(mode="repo", url=f"file://{bare}", branch="deploy")
    assert go(root, {"dev": tree("dev", a="a: 1")}, target).value[0].repository == "origin"
    assert not (root / ".phoenix").exists()


def test_the_tree_beside_the_policies_is_committed_in_place(root, bare):
    trees = {"dev": tree("dev", a="a: 1"), "prod": tree("prod", a="a: 1")}
    for files in trees.values():
        for file in files:
            (root / "generated" / file.path).parent.mkdir(parents=True)
            (root / "generated" / file.path).write_bytes(file.content)
    (root / "notes").write_text("mine")
    git(root, "add", "notes")
    outcome = go(root, trees, Destination(mode="tree"))
    assert outcome.diagnostics == ()
    assert outcome.value[0].files == 2
    assert git(root, "rev-parse", "HEAD") == git(bare, "rev-parse", "main") == outcome.value[0].commit
    assert git(root, "status", "--porcelain") == "A  notes"
    assert log(bare, "main") == 2
    assert git(root, "show", "--name-only", "--format=%(trailers:key=Phoenix-Environment,valueonly)").split() == [
        *("dev", "prod"),
        *("generated/dev/main/ingest/a.yaml", "generated/prod/main/ingest/a.yaml"),
    ]
    assert go(root, trees, Destination(mode="tree")).value[0].files == 0


def test_a_root_below_the_top_of_the_repository(tmp_path, root, bare):
    below = root / "platform"
    (below / "policies").mkdir(parents=True)
    (below / "policies/a.yaml").write_text("a: 1")
    assert told(go(below, {"dev": tree("dev", a="a: 1")}))[0][0] == "PHX902"
    git(root, "add", ".")
    git(root, "commit", "-qm", "below")
    assert go(below, {"dev": tree("dev", a="a: 1")}, Destination(mode="tree")).ok
    assert "platform/generated/dev/main/ingest/a.yaml" in files_of(bare, "main")
    assert go(below, {"dev": tree("dev", a="a: 1")}).ok
    assert files_of(bare, "env/dev") == ["generated/dev/main/ingest/a.yaml"]


def racing(monkeypatch, times, act):
    real = revision.push
    calls = []

    def push(*args):
        calls.append(args)
        if len(calls) <= times:
            act(len(calls))
        return real(*args)

    monkeypatch.setattr(revision, "push", push)
    return calls


@pytest.mark.parametrize("first", [True, False], ids=["new-branch", "branch"])
def test_a_lost_race_is_run_again_on_the_new_tip(root, bare, tmp_path, monkeypatch, first):
    other = clone(tmp_path, bare, "main")
    if not first:
        go(root, {"dev": tree("dev", a="a: 1")})

    def rival(number):
        git(other, "fetch", "-q", "origin")
        if not (first and number == 1):
            git(other, "checkout", "-q", "-B", "env/dev", "origin/env/dev")
        (other / "theirs").write_text(f"{number}")
        commit_and_push(other, "env/dev")

    calls = racing(monkeypatch, 2, rival)
    outcome = go(root, {"dev": tree("dev", a="a: 2")})
    assert outcome.diagnostics == ()
    assert len(calls) == 3
    assert git(bare, "show", "env/dev:theirs") == "2"
    assert "a: 2" in git(bare, "show", "env/dev:generated/dev/main/ingest/a.yaml")


def test_a_race_lost_for_ever_ends(root, bare, tmp_path, monkeypatch):
    go(root, {"dev": tree("dev", a="a: 1")})
    other = clone(tmp_path, bare, "env/dev")

    def rival(number):
        (other / "theirs").write_text(f"{number}")
        commit_and_push(other, "env/dev")

    calls = racing(monkeypatch, 99, rival)
    outcome = go(root, {"dev": tree("dev", a="a: 2")})
    assert told(outcome) == [("PHX908", "`env/dev` moved on 5 times while it was being published")]
    assert len(calls) == 5
    assert outcome.value == ()


def test_in_place_a_lost_race_asks_to_pull_and_changes_nothing(root, bare, tmp_path):
    other = clone(tmp_path, bare, "main")
    (other / "theirs").write_text("1")
    commit_and_push(other, "main")
    before = git(root, "rev-parse", "HEAD")
    outcome = go(root, {"dev": tree("dev", a="a: 1")}, Destination(mode="tree"))
    assert told(outcome) == [("PHX908", "`main` of `origin` holds commits that this checkout lacks")]
    assert git(root, "rev-parse", "HEAD") == before


def test_an_older_commit_does_not_undo_a_newer_one(root, bare):
    old = git(root, "rev-parse", "HEAD")
    next_commit(root)
    new = git(root, "rev-parse", "HEAD")
    go(root, {"dev": tree("dev", a="a: 2")})
    git(root, "checkout", "-q", old)
    outcome = go(root, {"dev": tree("dev", a="a: 1")})
    message = f"environment `dev` was already published from `{new[:12]}`, a later commit"
    assert told(outcome) == [("PHX909", message)]
    assert "a: 2" in git(bare, "show", "env/dev:generated/dev/main/ingest/a.yaml")
    assert go(root, {"dev": tree("dev", a="a: 1")}, force=True).ok


def test_a_hook_that_rejects(root, bare):
    hook = bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'signed commits only' >&2\nexit 1\n")
    hook.chmod(0o755)
    (fault,) = go(root, {"dev": tree("dev", a="a: 1")}).diagnostics
    assert (fault.code, fault.message) == ("PHX905", "`origin` does not accept the push to `env/dev`")
    assert fault.notes == ("the remote says: signed commits only",)


def test_a_remote_that_is_gone(root):
    target = Destination(mode="repo", url="../nowhere.git", branch="main")
    (fault,) = go(root, {"dev": tree("dev", a="a: 1")}, target).diagnostics
    assert fault.code == "PHX906"
    assert fault.message.startswith("cannot reach `")
    assert "does not appear to be a git repository" in fault.message
    git(root, "remote", "remove", "origin")
    assert told(go(root, {"dev": tree("dev", a="a: 1")}))[0][0] == "PHX906"
    assert told(go(root, {"dev": tree("dev", a="a: 1")}, Destination(mode="repo"))) == [
        ("PHX906", "mode `repo` names no repository")
    ]


@pytest.mark.parametrize(
    ("stderr", "code"),
    [
        ("fatal: Authentication failed for 'https://u:secret@example.org/x'", "PHX904"),
        ("git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.", "PHX904"),
        ("fatal: could not read Username for 'https://example.org': terminal prompts disabled", "PHX904"),
        ("fatal: unable to access 'https://example.org/': The requested URL returned error: 403", "PHX904"),
        ("fatal: unable to access 'https://example.org/': Could not resolve host: example.org", "PHX906"),
        ("remote: Repository not found.\nfatal: repository 'https://example.org/' not found", "PHX906"),
        ("fatal: the sky fell", "PHX914"),
    ],
)
def test_what_git_says_is_told_as_what_to_do(root, monkeypatch, stderr, code):
    from phoenix_gitops.vcs import Answer, redacted

    monkeypatch.setattr(revision, "ask", lambda *_: Answer(128, "", redacted(stderr)))
    (fault,) = go(root, {"dev": tree("dev", a="a: 1")}).diagnostics
    assert fault.code == code
    assert "\n" not in fault.message
    assert "secret" not in fault.message


def test_policies_must_be_committed(root):
    (root / "policies/b.yaml").write_text("b: 1")
    (root / "policies/a.yaml").write_text("b: 1")
    assert told(go(root, {"dev": tree("dev", a="a: 1")})) == [
        ("PHX902", "`policies/a.yaml` and 1 more differ from the last commit")
    ]


def test_a_repository_without_a_commit(tmp_path):
    git(tmp_path, "init", "-q", "new")
    assert told(go(tmp_path / "new", {})) == [("PHX903", "this repository has no commit yet")]


def test_a_detached_head_has_no_branch_to_commit_to(root):
    git(root, "checkout", "-q", "--detach")
    assert [c for c, _ in told(go(root, {"dev": tree("dev", a="a: 1")}, Destination(mode="tree")))] == ["PHX907"]
    assert go(root, {"dev": tree("dev", a="a: 1")}).ok


@pytest.mark.parametrize("name", ["a..b", "-x", "a b", ""])
def test_a_branch_needs_a_name_that_git_takes(root, name):
    outcome = go(root, {"dev": tree("dev", a="a: 1")}, Destination(branch=name))
    assert told(outcome) == [("PHX911", f"`{name}` is no name for a branch")]


def test_an_empty_tree_is_not_published(root, bare):
    go(root, {"dev": tree("dev", a="a: 1")})
    outcome = go(root, {"dev": []})
    assert told(outcome) == [("PHX804", "environment `dev` compiled to no file at all")]
    assert log(bare, "env/dev") == 1


def test_without_an_identity_the_source_author_commits(root, bare, monkeypatch):
    monkeypatch.delenv("GIT_COMMITTER_NAME")
    monkeypatch.delenv("GIT_COMMITTER_EMAIL")
    git(root, "config", "user.useConfigOnly", "true")
    assert go(root, {"dev": tree("dev", a="a: 1")}).ok
    assert git(bare, "log", "-1", "--format=%cn %ce", "env/dev") == "Ann ann@example.org"


def test_a_shallow_checkout_publishes(root, bare, tmp_path):
    go(root, {"dev": tree("dev", a="a: 1")})
    go(root, {"dev": tree("dev", a="a: 2")})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{bare}", "shallow")
    assert go(tmp_path / "shallow", {"dev": tree("dev", a="a: 3")}).ok
    assert log(tmp_path / "shallow", "refs/phoenix/published/env/dev") == 1
    assert log(bare, "env/dev") == 3


def test_paths_that_need_quoting(root, bare):
    files = tree("dev", **{'we "ird" ü': "a: 1"})
    assert go(root, {"dev": files}).ok
    names = git(bare, "ls-tree", "-r", "-z", "--name-only", "env/dev")
    assert names.rstrip("\0") == f"generated/{files[0].path}"


def test_no_ref_is_left_behind_but_the_note_of_what_was_fetched(root):
    go(root, {"dev": tree("dev", a="a: 1")})
    go(root, {"dev": tree("dev", a="a: 2")})
    refs = git(root, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == [
        "refs/heads/main",
        "refs/phoenix/published/env/dev",
        "refs/remotes/origin/env/dev",
        "refs/remotes/origin/main",
    ]
