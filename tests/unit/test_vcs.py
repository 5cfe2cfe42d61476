import os
import subprocess

import pytest

from phoenix_gitops import vcs
from phoenix_gitops.vcs import clean_environment, last_line, tree_at


@pytest.fixture(autouse=True)
def _identity(monkeypatch):
    for name, value in {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "C",
        "GIT_COMMITTER_EMAIL": "c@example.org",
    }.items():
        monkeypatch.setenv(name, value)


def git(folder, *command):
    return subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "root"
    (root / "generated/dev").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", "root")
    (root / "generated/dev/a b.yaml").write_bytes(b"a: 1\n\n")
    (root / "generated/dev/\u00fc.yaml").write_bytes(b"")
    (root / "generated/dev/twin.yaml").write_bytes(b"a: 1\n\n")
    (root / "generated/link").symlink_to("dev")
    (root / "generated-not").write_text("x")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return root


def told(outcome):
    return [(d.code, d.message) for d in outcome.diagnostics]


def test_a_tree_is_read_whole_from_git_not_from_the_work_tree(repository):
    (repository / "generated/dev/a b.yaml").write_bytes(b"changed")
    outcome = tree_at(repository, "HEAD", "generated")
    assert outcome.diagnostics == ()
    assert outcome.value == {"dev/a b.yaml": b"a: 1\n\n", "dev/\u00fc.yaml": b"", "dev/twin.yaml": b"a: 1\n\n"}
    assert tree_at(repository, "main", "generated/dev").value["a b.yaml"] == b"a: 1\n\n"
    assert "generated-not" in tree_at(repository, "main", "").value
    assert tree_at(repository, "main", "nothing").value == {}


def test_the_root_may_lie_inside_a_larger_repository(repository):
    assert set(tree_at(repository / "generated", "HEAD", "dev").value) == {"a b.yaml", "\u00fc.yaml", "twin.yaml"}


@pytest.mark.parametrize("ref", ["nope", "--help", "HEAD:generated", ""])
def test_what_is_no_commit_is_told(repository, ref):
    assert told(tree_at(repository, ref, "generated")) == [("PHX910", f"there is no commit `{ref}`")]


def test_outside_a_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    empty = tmp_path / "empty"
    empty.mkdir()
    expected = [("PHX901", f"`{empty}` is not inside a git repository")]
    assert told(tree_at(empty, "HEAD", "")) == expected


def test_variables_of_a_hook_do_not_lead_elsewhere(repository, tmp_path, monkeypatch):
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "other/.git/objects"))
    assert "dev/a b.yaml" in tree_at(repository, "HEAD", "generated").value
    assert os.environ["GIT_DIR"] == str(tmp_path / "other/.git")


def test_the_environment_is_cleaned_and_restored(monkeypatch):
    monkeypatch.setenv("GIT_DIR", "x")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -v")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "1")
    before = dict(os.environ)
    inside = {}

    def fail():
        with clean_environment():
            inside.update(os.environ)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "GIT_DIR" not in inside
    assert inside["GIT_SSH_COMMAND"] == "ssh -v"
    assert inside["GIT_CONFIG_KEY_0"] == "user.name"
    assert inside["GIT_TERMINAL_PROMPT"] == "0"
    assert dict(os.environ) == before


def test_a_command_that_fails_is_told_in_one_line(repository):
    with clean_environment(), vcs.open_repository(repository) as repo:
        with pytest.raises(vcs.GitRefusedError) as caught:
            vcs.git(repo, "cat-file", "-p", "nothing")
        assert told(caught.value) == [("PHX914", "`git cat-file` failed: Not a valid object name nothing")]
        assert vcs.run(repo, "hash-object", "--stdin", stdin=b"").out == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
        assert vcs.read_blobs(repo, []) == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("hint: a\nfatal: it broke\nhint: b", "it broke"),
        ("error: first\nfatal: it broke", "it broke"),
        ("error: first\nlast", "first"),
        ("one\ntwo\n\n", "two"),
        ("", "no message"),
    ],
)
def test_the_line_that_says_most(text, line):
    assert last_line(text) == line
