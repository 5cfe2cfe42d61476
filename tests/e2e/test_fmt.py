"""`phoenix fmt` in a repository: which files, what is written, what is said."""

from __future__ import annotations

import json
import stat

import pytest

from tests.e2e.conftest import TENANT, Said

CLEAN = "environments/main.yaml"
OTHER = "policies/rules/other.yaml"
BROKEN = "policies/rules/broken.yaml"


@pytest.fixture
def messy(checkout):
    """The checkout with a tenant in another layout, a comment in it, and a rule set that is no YAML."""
    checkout.replace(TENANT, "  class: namespace", "  # why\n    class:   namespace")
    text = (checkout.root / TENANT).read_text().replace("\n  ", "\n    ").replace("      class", "    class")
    (checkout.root / TENANT).write_text(text)
    return checkout


def break_one(checkout):
    (checkout.root / BROKEN).parent.mkdir(parents=True)
    (checkout.root / BROKEN).write_text("kind: RuleSet\nmetadata: {name: x\n")


def test_what_init_writes_is_in_its_normal_form(checkout):
    assert checkout.phoenix("fmt", "--check") == Said(0, "3 files in their normal form\n", "")
    assert checkout.phoenix("fmt") == Said(0, "0 files formatted, 3 were so already\n", "")


def test_only_what_changes_is_written_and_its_comment_stays(messy):
    (messy.root / TENANT).chmod(0o640)
    before = {file: (messy.root / file).stat().st_mtime_ns for file in (CLEAN, "phoenix.yaml")}
    assert messy.phoenix("fmt") == Said(0, f"  {TENANT}\n1 file formatted, 2 were so already\n", "")
    assert {file: (messy.root / file).stat().st_mtime_ns for file in before} == before
    text = (messy.root / TENANT).read_text()
    assert text.splitlines()[3:6] == ["spec:", "  # why", "  class: namespace"]
    assert stat.S_IMODE((messy.root / TENANT).stat().st_mode) == 0o640
    assert messy.git("status", "--short", "--untracked-files=all") == f"M {TENANT}"
    assert messy.phoenix("fmt", "-q") == Said(0, "", "")
    assert messy.phoenix("validate").code == 0


def test_check_finds_and_writes_nothing(messy):
    text = (messy.root / TENANT).read_text()
    said = messy.phoenix("fmt", "--check")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"error[PHX126]: file is not in its normal form\n  --> {TENANT}:5:1\n")
    assert f"help: `phoenix fmt {TENANT}` puts it there; `--diff` shows what changes" in said.err
    machine = json.loads(messy.phoenix("fmt", "--check", "--format", "json").out)
    assert [each["code"] for each in machine["diagnostics"]] == ["PHX126"]
    assert (messy.root / TENANT).read_text() == text


def test_diff_is_a_patch_that_git_applies(messy, tmp_path):
    said = messy.phoenix("fmt", "--diff")
    assert said.code == 1
    assert f"--- a/{TENANT}\n+++ b/{TENANT}\n" in said.out
    (tmp_path / "patch").write_text(said.out)
    messy.git("apply", str(tmp_path / "patch"))
    assert messy.phoenix("fmt", "--check").code == 0


def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_formatted(messy):
    break_one(messy)
    said = messy.phoenix("fmt")
    assert said.code == 1
    assert f"error[PHX106]: mapping is not closed\n  --> {BROKEN}:2:11\n" in said.err
    assert said.out == f"  {TENANT}\n1 file formatted, 3 were so already\n"
    assert (messy.root / BROKEN).read_text() == "kind: RuleSet\nmetadata: {name: x\n"


def test_paths_choose(messy, monkeypatch):
    break_one(messy)
    monkeypatch.chdir(messy.root / "policies")
    assert messy.phoenix("fmt", "../environments", "../phoenix.yaml").out == "0 files formatted, 2 were so already\n"
    assert messy.phoenix("fmt", "tenants/example/tenant.yaml").out.startswith(f"  {TENANT}\n1 file formatted")
    assert messy.phoenix("fmt", ".").code == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("README.md", "holds no policies: they are phoenix.yaml, environments/ and policies/"),
        (".github", "holds no policies"),
        ("..", "is not in the repository"),
        ("nowhere", "does not exist"),
    ],
)
def test_what_is_no_policy_is_a_usage_error(checkout, monkeypatch, path, said):
    monkeypatch.chdir(checkout.root)
    answer = checkout.phoenix("fmt", path)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_linked_policy_is_neither_followed_nor_formatted(checkout, tmp_path, monkeypatch):
    outside = tmp_path / "outside.yaml"
    outside.write_text("a:   1\n")
    (checkout.root / "policies/link.yaml").symlink_to(outside)
    monkeypatch.chdir(checkout.root)
    said = checkout.phoenix("fmt", "policies/link.yaml")
    assert said.code == 1
    assert "error[PHX120]: symbolic links are not followed" in said.err
    assert outside.read_text() == "a:   1\n"


def test_a_full_disk_leaves_the_file_and_no_litter(messy, monkeypatch):
    text = (messy.root / TENANT).read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    said = messy.phoenix("fmt")
    assert (said.code, "No space left on device" in said.err) == (2, True)
    assert (messy.root / TENANT).read_text() == text
    assert [path.name for path in (messy.root / TENANT).parent.iterdir()] == ["tenant.yaml"]
