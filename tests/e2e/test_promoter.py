"""Publishing for GitOps Promoter, whose side a test plays as its documents state it: file, note, branches, merges."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import QUOTA, TENANT
from tests.e2e.test_incidents import edit_by_hand
from tests.e2e.test_publish import ask, bare, set_mode

NOTES = "refs/notes/hydrator.metadata"
METADATA = "hydrator.metadata"


@dataclass(frozen=True)
class Promoter:
    """What the controller does with a repository: it reads what was proposed, and merges it."""

    origin: Path

    def dry(self, branch):
        """The commit of the policies behind a branch, as its file says; empty where there is none."""
        if not ask(self.origin, "ls-tree", branch, METADATA):
            return ""
        return json.loads(ask(self.origin, "show", f"{branch}:{METADATA}"))["drySha"]

    def note(self, branch):
        """The commit of the policies that the note on a branch's tip names."""
        return json.loads(ask(self.origin, "notes", f"--ref={NOTES}", "show", branch))["drySha"]

    def hydrated(self, branch):
        """What it takes for compiled: the note's commit, else the file's."""
        return self.note(f"{branch}-next") or self.dry(f"{branch}-next")

    def pending(self, branch):
        """Whether it opens a pull request."""
        return self.dry(f"{branch}-next") != self.dry(branch)

    def promote(self, branch):
        """It resolves a conflict in favour of what is proposed, and merges the pull request."""
        proposed = f"{branch}-next"
        if self.merge_tree(branch, proposed).returncode:
            tree = ask(self.origin, "rev-parse", f"{proposed}^{{tree}}")
            made = ask(self.origin, "commit-tree", tree, "-p", proposed, "-p", branch, "-m", "ours")
            ask(self.origin, "update-ref", f"refs/heads/{proposed}", made)
        merged = self.merge_tree(branch, proposed)
        assert merged.returncode == 0, merged.stdout
        made = ask(self.origin, "commit-tree", merged.stdout.split()[0], "-p", branch, "-p", proposed, "-m", "Promote")
        ask(self.origin, "update-ref", f"refs/heads/{branch}", made)

    def merge_tree(self, one, other):
        command = ["git", "-C", str(self.origin), "merge-tree", "--write-tree", one, other]
        return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def promoter(checkout, tmp_path):
    """An environment that was published to its branch before Promoter came."""
    made = bare(tmp_path / "origin.git")
    checkout.git("remote", "add", "origin", str(made))
    text = (checkout.root / "phoenix.yaml").read_text()
    text = re.sub("repository: .*", 'repository: {url: "https://git.example.com/platform.git"}', text)
    (checkout.root / "phoenix.yaml").write_text(text)
    set_mode(checkout, "mode: branch")
    checkout.git("push", "--quiet", "--set-upstream", "origin", "main")
    assert checkout.phoenix("publish").code == 0
    checkout.replace("phoenix.yaml", "{mode: branch}", "{mode: branch, promoter: true}")
    checkout.commit("GitOps Promoter carries it")
    return Promoter(made)


def publish(checkout, *arguments):
    said = checkout.phoenix("publish", *arguments)
    assert said.code == 0, said.err
    return said


def change(checkout, old, new, message="change\n\nBecause of the sale."):
    checkout.replace(TENANT, f'cpu: "{old}"', f'cpu: "{new}"')
    return checkout.commit(message)


def cpu(origin, branch):
    (line,) = [row.strip() for row in ask(origin, "show", f"{branch}:{QUOTA}").splitlines() if "requests.cpu" in row]
    return line.partition(": ")[2].strip('"')


def test_a_change_is_proposed_with_file_and_note_and_promoted(checkout, promoter):
    origin = promoter.origin
    active = ask(origin, "rev-parse", "env/main")
    reference = "\n".join(
        [
            "More room",
            "",
            'For the "sale" of Müller.',
            "",
            f"Argocd-reference-commit-sha: {'ab' * 20}",
            "Argocd-reference-commit-repourl: https://git.example.com/shop",
            "Argocd-reference-commit-subject: feat: sale",
            "Argocd-reference-commit-date: 2026-01-02T03:04:05+01:00",
            "Argocd-reference-commit-author: Bo <bo@example.org>",
        ]
    )
    source = change(checkout, 4, 6, reference)
    said = publish(checkout)
    assert "main: env/main-next of origin: 1 files in " in said.out
    assert ask(origin, "rev-parse", "env/main") == active, "only Promoter moves what clusters read"
    assert ask(origin, "rev-parse", "env/main-next~1") == active, "so that it can be merged"
    assert sorted(ask(origin, "diff", "--name-only", active, "env/main-next").splitlines()) == [QUOTA, METADATA]
    told = json.loads(ask(origin, "show", f"env/main-next:{METADATA}"))
    date = checkout.git("show", "-s", "--format=%aI", source).replace("Z", "+00:00")
    assert told == {
        "drySha": source,
        "repoURL": "https://git.example.com/platform.git",
        "author": "Ann <ann@example.org>",
        "date": date,
        "subject": "More room",
        "body": reference.partition("\n\n")[2],
        "references": [
            {
                "commit": {
                    "sha": "ab" * 20,
                    "repoURL": "https://git.example.com/shop",
                    "author": "Bo <bo@example.org>",
                    "date": "2026-01-02T03:04:05+01:00",
                    "subject": "feat: sale",
                }
            }
        ],
    }
    assert promoter.note("env/main-next") == promoter.hydrated("env/main") == source
    assert source in ask(origin, "log", "-1", "--format=%B", "env/main-next")
    assert promoter.pending("env/main")
    assert "current; waits for promotion" in checkout.phoenix("status").out

    promoter.promote("env/main")
    assert (cpu(origin, "env/main"), promoter.pending("env/main")) == ("6", False)
    assert checkout.phoenix("status").out.rstrip().endswith("  current")
    assert checkout.git("for-each-ref", "refs/notes") == "", "the checkout's own notes stay as they are"


def test_what_changes_nothing_moves_the_note_alone(checkout, promoter):
    origin = promoter.origin
    first = change(checkout, 4, 6)
    publish(checkout)
    tip = ask(origin, "rev-parse", "env/main-next")
    with (checkout.root / TENANT).open("a") as file:
        file.write("# a remark\n")
    second = checkout.commit("a remark")
    assert "nothing to commit" in publish(checkout).out
    assert ask(origin, "rev-parse", "env/main-next") == tip
    assert (promoter.dry("env/main-next"), promoter.note("env/main-next")) == (first, second)
    notes = ask(origin, "rev-parse", NOTES)
    publish(checkout)
    assert ask(origin, "rev-parse", NOTES) == notes, "and that once"

    checkout.git("checkout", "--quiet", first)
    late = checkout.phoenix("publish")
    assert f"error[PHX909]: environment `main` was already published from `{second[:12]}`, a later commit" in late.err
    assert promoter.note("env/main-next") == second


def test_the_first_publish_and_a_proposed_branch_that_was_deleted_after_its_merge(checkout, promoter):
    origin = promoter.origin
    source = checkout.git("rev-parse", "HEAD")
    publish(checkout)
    assert promoter.dry("env/main-next") == source, "even where only the file is new"
    promoter.promote("env/main")
    ask(origin, "update-ref", "-d", "refs/heads/env/main-next")
    assert "nothing to commit" in publish(checkout).out
    assert ask(origin, "rev-parse", "env/main-next") == ask(origin, "rev-parse", "env/main")
    assert promoter.note("env/main-next") == source


def test_an_environment_whose_branch_does_not_exist_yet(checkout, promoter):
    origin = promoter.origin
    ask(origin, "update-ref", "-d", "refs/heads/env/main")
    publish(checkout)
    assert ask(origin, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines() == [
        "env/main-next",
        "main",
    ]
    assert "waits for promotion" in checkout.phoenix("status").out


def test_files_of_others_stay_and_so_do_their_notes(checkout, promoter):
    origin = promoter.origin
    publish(checkout)
    head = ask(origin, "rev-parse", "main")
    ask(origin, "notes", f"--ref={NOTES}", "add", "-m", "theirs", head)
    before = ask(origin, "rev-parse", "env/main-next")
    tree = ask(origin, "rev-parse", f"{before}^{{tree}}")
    rows = ask(origin, "ls-tree", tree) + f"\n100644 blob {ask(origin, 'rev-parse', 'main:README.md')}\tREADME.md\n"
    made = subprocess.run(
        ["git", "-C", str(origin), "mktree"], input=rows, capture_output=True, text=True, check=True
    ).stdout.strip()
    commit = ask(origin, "commit-tree", made, "-p", before, "-m", "theirs")
    ask(origin, "update-ref", "refs/heads/env/main-next", commit)
    change(checkout, 4, 6)
    publish(checkout)
    assert ask(origin, "ls-tree", "--name-only", "env/main-next").splitlines() == ["README.md", "generated", METADATA]
    assert ask(origin, "notes", f"--ref={NOTES}", "show", head) == "theirs"


def test_notes_that_others_write_meanwhile_are_kept(checkout, promoter):
    """Each push of ours is overtaken twice by a job that publishes another environment."""
    origin = promoter.origin
    publish(checkout)
    source = change(checkout, 4, 6)
    hook = checkout.root / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nread _ _ ref _\ncase $ref in refs/notes/*) ;; *) exit 0 ;; esac\n"
        f"n=$(cat {checkout.root}/.git/n 2>/dev/null || echo 0)\ntest $n -lt 2 || exit 0\n"
        f"echo $((n + 1)) > {checkout.root}/.git/n\n"
        f"git -C {origin} notes --ref={NOTES} add -f -m $n main~$n\n"
    )
    hook.chmod(0o755)
    publish(checkout)
    assert promoter.note("env/main-next") == source
    assert [ask(origin, "notes", f"--ref={NOTES}", "show", f"main~{n}") for n in range(2)] == ["0", "1"]


def test_a_note_that_the_server_refuses_is_made_good_by_the_next_publish(checkout, promoter):
    origin = promoter.origin
    publish(checkout)
    source = change(checkout, 4, 6)
    hook = origin / "hooks/pre-receive"
    hook.write_text('#!/bin/sh\nread _ _ ref\ncase $ref in refs/notes/*) echo "no notes" >&2; exit 1 ;; esac\n')
    hook.chmod(0o755)
    said = checkout.phoenix("publish")
    assert said.code == 2
    assert f"error[PHX905]: `origin` does not accept the push to `{NOTES}`" in said.err
    assert "the remote says: no notes" in said.err
    hook.unlink()
    assert "nothing to commit" in publish(checkout).out
    assert promoter.note("env/main-next") == source


def test_an_edit_by_hand_on_the_active_branch_is_not_merged_over(checkout, promoter, tmp_path):
    origin = promoter.origin
    publish(checkout)
    promoter.promote("env/main")
    edit_by_hand(origin, tmp_path / "hand", QUOTA, 'requests.cpu: "4"', 'requests.cpu: "40"')
    with (checkout.root / TENANT).open("a") as file:
        file.write("# a remark\n")
    checkout.commit("a remark")
    refused = checkout.phoenix("publish")
    assert refused.code == 1
    assert f"error[PHX801]: `env/main:{QUOTA}` was edited by hand" in refused.err
    publish(checkout, "--force")
    promoter.promote("env/main")
    assert cpu(origin, "env/main") == "4"
    assert "PHX801" not in publish(checkout).err


def test_a_conflict_is_decided_for_what_is_proposed(checkout, promoter, tmp_path):
    """Promoter merges its own way into the proposed branch; the next publish goes on from there."""
    origin = promoter.origin
    change(checkout, 4, 6)
    publish(checkout)
    edit_by_hand(origin, tmp_path / "hand", QUOTA, 'requests.cpu: "4"', 'requests.cpu: "40"')
    promoter.promote("env/main")
    assert cpu(origin, "env/main") == "6"
    source = change(checkout, 6, 7)
    publish(checkout)
    assert (promoter.dry("env/main-next"), promoter.note("env/main-next")) == (source, source)
    promoter.promote("env/main")
    assert cpu(origin, "env/main") == "7"


def test_a_rollback_is_proposed_and_held(checkout, promoter):
    origin = promoter.origin
    good = checkout.git("rev-parse", "HEAD")
    publish(checkout)
    bad = change(checkout, 4, 6)
    publish(checkout)
    promoter.promote("env/main")
    said = checkout.phoenix("rollback", "main", "--reason", "INC-7")
    assert said.code == 0, said.err
    assert "it runs when this is merged into env/main\n" in said.out
    assert (promoter.dry("env/main-next"), promoter.note("env/main-next")) == (good, good)
    assert promoter.pending("env/main")
    promoter.promote("env/main")
    assert cpu(origin, "env/main") == "4"
    held = publish(checkout)
    assert "warning[PHX912]: environment `main` was rolled back on " in held.err
    assert promoter.note("env/main-next") == good, "what is held waits for nobody's commit"
    assert "held: INC-7" in checkout.phoenix("status").out
    publish(checkout, "--lift")
    promoter.promote("env/main")
    assert (cpu(origin, "env/main"), promoter.dry("env/main")) == ("6", bad)


def test_what_cannot_be_proposed_is_refused(pair, promoter):
    pair.replace("environments/other.yaml", "name: other", "name: main-next")
    pair.commit("a name that clashes")
    said = pair.phoenix("publish")
    assert "error[PHX911]: `env/main-next` is the branch of environment `main-next`" in said.err
    refs = ask(promoter.origin, "for-each-ref", "--format=%(refname:short)").splitlines()
    assert refs == ["env/main", "env/other", "main"], "nothing was proposed"
    for output in ("{mode: tree, promoter: true}", "{mode: branch, branch: live, promoter: true}"):
        text = (pair.root / "phoenix.yaml").read_text()
        start = text.index("output: ") + len("output: ")
        (pair.root / "phoenix.yaml").write_text(text[:start] + output + text[text.index("}", start) + 1 :])
        refused = pair.phoenix("validate")
        assert refused.code == 1
        assert "PHX674" in refused.err
        assert "`promoter` proposes to a branch of each environment" in refused.err
