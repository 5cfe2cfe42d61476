"""`phoenix status`: from git alone, what is published of what is merged."""

from __future__ import annotations

import json

from tests.e2e.conftest import TENANT
from tests.e2e.test_publish import bare, set_mode


def rows(said):
    """The table by environment: changed, published, state."""
    assert said.code == 0, said.err
    shown = {row["environment"]: row for row in json.loads(said.out)["status"]}
    return {name: (row["changed"], row["published"], row["state"]) for name, row in shown.items()}


def test_from_never_published_to_behind_and_held(pair, tmp_path):
    pair.git("remote", "add", "origin", str(bare(tmp_path / "origin.git")))
    first = set_mode(pair, "mode: branch")
    never = rows(pair.phoenix("status", "--format", "json"))
    assert never == dict.fromkeys(("main", "other"), (first[:12], "-", "never published"))

    pair.phoenix("publish", "-e", "main")
    (pair.root / "notes.txt").write_text("no policy\n")
    pair.commit("a file that no compile reads")
    current = rows(pair.phoenix("status", "--format", "json"))
    assert current == {"main": (first[:12], first[:12], "current"), "other": (first[:12], "-", "never published")}

    pair.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    second = pair.commit("six")
    pair.replace(TENANT, 'cpu: "6"', 'cpu: "7"')
    third = pair.commit("seven")
    behind = rows(pair.phoenix("status", "--format", "json"))
    assert behind["main"] == (third[:12], first[:12], "2 commits behind")

    pair.phoenix("publish")
    pair.phoenix("rollback", "main", "--reason", "INC-7")
    held = rows(pair.phoenix("status", "--format", "json"))
    assert held["main"] == (third[:12], first[:12], "held: INC-7")
    assert held["other"] == (third[:12], third[:12], "current")
    assert second != third


def test_a_tenant_sees_its_own_files_only(pair, tmp_path):
    pair.git("remote", "add", "origin", str(bare(tmp_path / "origin.git")))
    set_mode(pair, "mode: branch")
    pair.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    own = pair.commit("six")
    pair.phoenix("publish")
    pair.replace("environments/main.yaml", "10.0.0.1/32", "10.0.0.2/32")
    pair.commit("not of the tenant")
    said = rows(pair.phoenix("status", "example", "--format", "json"))
    assert said == dict.fromkeys(("main", "other"), (own[:12], own[:12], "current"))
    assert rows(pair.phoenix("status", "--format", "json"))["main"][2] == "1 commit behind"

    pair.replace(TENANT, "spec:\n", "spec:\n  environmentSelector: {matchLabels: {name: other}}\n")
    pair.commit("only there")
    assert list(rows(pair.phoenix("status", "example", "--format", "json"))) == ["other"]


def test_what_is_said_for_people_and_when_it_cannot_be_told(pair, tmp_path):
    tree = pair.phoenix("status")
    assert tree.code == 2
    assert "`phoenix compile --check` compares the two" in tree.err
    pair.git("remote", "add", "origin", str(tmp_path / "gone.git"))
    set_mode(pair, "mode: branch")
    gone = pair.phoenix("status")
    assert (gone.code, "error[PHX906]: cannot reach `origin`" in gone.err) == (2, True)
    near = pair.phoenix("status", "exmaple")
    assert (near.code, "there is no tenant 'exmaple'; did you mean 'example'?" in near.err) == (2, True)
    bare(tmp_path / "gone.git")
    pair.phoenix("publish")
    head = pair.git("rev-parse", "--short=12", "HEAD")
    lines = pair.phoenix("status").out.splitlines()
    assert lines[0].split() == ["environment", "branch", "changed", "published", "day", "state"]
    assert lines[1].split()[:4] == ["main", "env/main", head, head]
    assert lines[1].endswith("  current")
