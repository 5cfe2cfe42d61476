"""Who commits a published tree, how it is signed, from which checkouts, and which addresses are one repository."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.conftest import QUOTA, TENANT, Checkout
from tests.e2e.test_publish import ask, bare, set_mode


@pytest.fixture
def origin(checkout, tmp_path):
    made = bare(tmp_path / "origin.git")
    checkout.git("remote", "add", "origin", f"file://{made}")
    set_mode(checkout, "mode: branch")
    checkout.git("push", "--quiet", "--set-upstream", "origin", "main")
    return made


def change(checkout, old, new):
    checkout.replace(TENANT, f'cpu: "{old}"', f'cpu: "{new}"')
    return checkout.commit(f"cpu {new}")


def sign(checkout, folder):
    """Tells git to sign with a new SSH key; gives the file of keys that are trusted."""
    key = folder / "signing"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ci", "-f", str(key)], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingKey": str(key), "commit.gpgSign": "true"}.items():
        checkout.git("config", name, value)
    trusted = folder / "trusted"
    trusted.write_text(f"bot@example.org {key.with_suffix('.pub').read_text()}")
    return trusted


def signature(repository, trusted, ref):
    """Whether the commit is signed by a key that is trusted."""
    command = ["git", "-C", str(repository), "-c", f"gpg.ssh.allowedSignersFile={trusted}", "verify-commit", ref]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and 'Good "git" signature for bot@example.org' in done.stderr


@pytest.mark.parametrize(
    "output", ["mode: branch", 'mode: repo, branch: live, url: "../other.git"'], ids=["here", "other"]
)
def test_commits_are_signed_if_git_is_told_to(checkout, origin, tmp_path, output):
    other = bare(tmp_path / "other.git")
    checkout.replace("phoenix.yaml", "mode: branch", output)
    checkout.replace(TENANT, "pods: 40", "pods: 41")
    checkout.commit("where to")
    where, ref = (origin, "env/main") if output == "mode: branch" else (other, "live")
    trusted = sign(checkout, tmp_path)
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    assert signature(where, trusted, ref)
    assert ask(where, "log", "-1", "--format=%an %cn <%ce>", ref) == "Ann Bot <bot@example.org>"
    first = ask(where, "rev-parse", ref)

    change(checkout, 4, 6)
    (tmp_path / "signing").unlink()
    failed = checkout.phoenix("publish")
    assert failed.code == 2
    assert "error[PHX914]: `git commit-tree` failed: " in failed.err
    assert ask(where, "rev-parse", ref) == first, "unsigned is not pushed"

    checkout.git("config", "commit.gpgSign", "false")
    assert checkout.phoenix("publish").code == 0
    assert not signature(where, trusted, ref)


def test_the_committer_of_the_checkout_commits_to_another_repository(checkout, origin, tmp_path, monkeypatch):
    other = bare(tmp_path / "other.git")
    checkout.replace("phoenix.yaml", "mode: branch", 'mode: repo, branch: live, url: "../other.git"')
    checkout.commit("where to")
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    for name, new in (("Release Bot", None), ("Another Bot", 6)):
        checkout.git("config", "user.name", name)
        checkout.git("config", "user.email", "release@example.org")
        if new:
            change(checkout, 4, new)
        assert checkout.phoenix("publish").code == 0
        assert ask(other, "log", "-1", "--format=%cn <%ce>", "live") == f"{name} <release@example.org>"


@pytest.mark.parametrize(
    "spell",
    ["{path}", "{path}/", "file://{path}", "../other.git", "{base}//other.git", "{base}/other"],
)
def test_spellings_of_one_address_are_one_repository(checkout, origin, tmp_path, spell):
    """The first publish made the branch; another spelling goes on from it, in the same store of objects."""
    other = bare(tmp_path / "other.git")
    checkout.replace("phoenix.yaml", "mode: branch", f'mode: repo, branch: live, url: "{other}"')
    checkout.commit("where to")
    assert checkout.phoenix("publish").code == 0
    first = ask(other, "rev-parse", "live")
    url = spell.format(path=other, base=tmp_path)
    checkout.replace("phoenix.yaml", f'url: "{other}"', f'url: "{url}"')
    change(checkout, 4, 6)
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    assert ask(other, "rev-parse", "live~1") == first
    assert len(list((checkout.root / ".phoenix/publish").iterdir())) == 1


def shallow(origin, folder, capsys, ref="main"):
    """What a CI job checks out: one commit."""
    command = ["git", "clone", "--quiet", "--depth=1", "--branch", ref, f"file://{origin}", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return Checkout(folder, capsys)


def test_a_shallow_checkout_publishes_and_status_knows(checkout, origin, tmp_path, capsys):
    assert checkout.phoenix("publish").code == 0
    change(checkout, 4, 6)
    checkout.git("push", "--quiet")
    job = shallow(origin, tmp_path / "job", capsys)
    said = job.phoenix("publish")
    assert said.code == 0, said.err
    assert 'requests.cpu: "6"' in ask(origin, "show", f"env/main:{QUOTA}")
    assert ask(origin, "rev-list", "--count", "env/main") == "2"


def test_a_shallow_checkout_that_is_late_does_not_undo_what_is_newer(checkout, origin, tmp_path, capsys):
    """Two jobs overlap: the older one knows nothing of the newer commit, neither shallow nor whole."""
    assert checkout.phoenix("publish").code == 0
    change(checkout, 4, 5)
    checkout.git("push", "--quiet")
    job = shallow(origin, tmp_path / "job", capsys)
    whole = tmp_path / "whole"
    ask(tmp_path, "clone", "--quiet", str(origin), str(whole))
    newer = change(checkout, 5, 6)
    checkout.git("push", "--quiet")
    assert checkout.phoenix("publish").code == 0
    for late in (job, Checkout(whole, capsys)):
        said = late.phoenix("publish")
        assert said.code == 2, said.out
        assert (
            f"error[PHX909]: environment `main` was already published from `{newer[:12]}`, a later commit" in said.err
        )
        assert 'requests.cpu: "6"' in ask(origin, "show", f"env/main:{QUOTA}")


def test_a_shallow_checkout_sees_that_a_tenant_was_removed(checkout, origin, tmp_path, capsys):
    assert checkout.phoenix("publish").code == 0
    checkout.git("rm", "--quiet", TENANT)
    checkout.commit("by mistake")
    checkout.git("push", "--quiet")
    said = shallow(origin, tmp_path / "job", capsys).phoenix("publish")
    assert said.code == 1, said.out
    assert "error[PHX518]: tenant `example` is removed" in said.err
