import pytest

from phoenix_gitops.artifact import PolicyRef, RenderedFile, Unit
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.tree import FileState, Ownership, component_of, digest, environment_of
from phoenix_gitops.writes import Scope, drift, plan

POD = "dev/main/ingest/pod-a.yaml"


def rendered(path, content=b"new", policy="a"):
    parts = [p for p in path.split("/") if p != "_proof"]
    unit = Unit(parts[0], parts[1], parts[2])
    return RenderedFile(path=path, content=content, unit=unit, policy=PolicyRef("Tenant", policy))


def state(content=b"old", ownership=Ownership.INTACT):
    return FileState(len(content), 1, 1, digest(content), ownership)


def scope(*compiled, declared=(), **rest):
    return Scope(declared=frozenset((*compiled, *declared)), compiled=frozenset(compiled), **rest)


def paths(files):
    return [file.path for file in files]


def told(outcome):
    return [(d.code, d.message, str(d.primary.span) if d.primary else "") for d in outcome.diagnostics]


def test_creates_updates_deletes_and_leaves_equal_files():
    files = [rendered(f"dev/main/ingest/{n}.yaml") for n in ("c", "b", "a")]
    existing = {
        "dev/main/ingest/a.yaml": state(b"new"),
        "dev/main/ingest/b.yaml": state(b"old"),
        "dev/main/rules/z.yaml": state(),
        "_proof/dev/main/rules/z.yaml": state(),
    }
    outcome = plan(files, existing, scope("dev"))
    assert outcome.diagnostics == ()
    assert paths(outcome.value.create) == ["dev/main/ingest/c.yaml"]
    assert paths(outcome.value.update) == ["dev/main/ingest/b.yaml"]
    assert outcome.value.delete == ("_proof/dev/main/rules/z.yaml", "dev/main/rules/z.yaml")
    assert outcome.value.unchanged == ("dev/main/ingest/a.yaml",)
    assert outcome.value.changes == 4


def test_order_of_input_does_not_show():
    files = [rendered(f"dev/main/ingest/{n}.yaml") for n in "abc"]
    existing = {f"dev/main/ingest/{n}.yaml": state() for n in "cbxyz"}
    backwards = dict(reversed(existing.items()))
    assert plan(files, existing, scope("dev")) == plan(files[::-1], backwards, scope("dev"))


def test_an_environment_that_failed_keeps_its_whole_tree():
    existing = {"prod/main/ingest/a.yaml": state(), "_proof/prod/main/rules/a.yaml": state()}
    outcome = plan([rendered(POD)], existing, scope("dev", declared=["prod"], remove=True))
    assert outcome.diagnostics == ()
    assert outcome.value.delete == ()
    assert paths(outcome.value.create) == [POD]


def test_hand_edits_hold_the_environment_back_until_forced():
    existing = {POD: state(b"mine", Ownership.EDITED)}
    files = [rendered(POD), rendered("dev/main/ingest/b.yaml"), rendered("prod/main/ingest/a.yaml")]
    outcome = plan(files, existing, scope("dev", "prod"))
    assert told(outcome) == [
        ("PHX801", f"`generated/{POD}` was edited by hand", f"generated/{POD}:1:1"),
    ]
    assert outcome.value.held == ("dev",)
    assert outcome.value.conflicts == (POD,)
    assert paths(outcome.value.create) == ["prod/main/ingest/a.yaml"]
    assert outcome.value.update == ()
    forced = plan(files, existing, scope("dev", "prod"), force=True)
    assert forced.diagnostics == ()
    assert paths(forced.value.update) == [POD]


def test_a_hand_edit_of_a_file_that_would_go_is_reported_too():
    existing = {POD: state(b"mine", Ownership.EDITED)}
    other = rendered("dev/main/ingest/b.yaml")
    outcome = plan([other], existing, scope("dev"))
    assert told(outcome)[0][0] == "PHX801"
    assert outcome.value.changes == 0
    assert plan([other], existing, scope("dev"), force=True).value.delete == (POD,)


def test_bytes_equal_to_ours_are_never_a_hand_edit():
    outcome = plan([rendered(POD)], {POD: state(b"new", Ownership.EDITED)}, scope("dev"))
    assert outcome.diagnostics == ()
    assert outcome.value.unchanged == (POD,)


def test_merge_conflicts_are_repaired_without_force():
    stale = "dev/main/ingest/stale.yaml"
    existing = {POD: state(b"<<<<<<<", Ownership.CONFLICTED), stale: state(b"<<<", Ownership.CONFLICTED)}
    outcome = plan([rendered(POD)], existing, scope("dev"))
    assert outcome.diagnostics == ()
    assert paths(outcome.value.update) == [POD]
    assert outcome.value.delete == (stale,)


def test_many_hand_edits_are_counted():
    files = [rendered(f"dev/main/ingest/{n:02}.yaml") for n in range(13)]
    existing = {file.path: state(b"mine", Ownership.EDITED) for file in files}
    outcome = plan(files, existing, scope("dev"))
    assert len(outcome.diagnostics) == 11
    assert outcome.diagnostics[0].message == "3 more files of `dev` were edited by hand"


def test_foreign_files_stay_and_are_listed():
    existing = {"dev/main/ingest/notes.txt": state(b"", Ownership.FOREIGN), "README": state(b"", Ownership.FOREIGN)}
    outcome = plan([rendered(POD)], existing, scope("dev", remove=True))
    assert outcome.diagnostics == ()
    assert outcome.value.kept == ("README", "dev/main/ingest/notes.txt")
    assert outcome.value.delete == ()


@pytest.mark.parametrize(
    "foreign",
    [POD, "dev/main/ingest/POD-A.yaml", "dev/main/ingest", "DEV", f"{POD}/inside"],
    ids=["same", "case", "file-for-folder", "file-for-top", "folder-for-file"],
)
def test_foreign_files_in_the_way_are_errors(foreign):
    existing = {foreign: state(b"", Ownership.FOREIGN)}
    outcome = plan([rendered(POD)], existing, scope("dev"), force=True)
    assert told(outcome) == [
        (
            "PHX802",
            f"`generated/{foreign}` was not compiled by us and is in the way of `generated/{POD}` in environment `dev`",
            f"generated/{foreign}:1:1",
        )
    ]
    assert outcome.value.held == ("dev",)
    assert outcome.value.changes == 0


@pytest.mark.parametrize("second", [POD, "dev/main/ingest/Pod-a.yaml"], ids=["same", "case"])
def test_two_files_of_one_path_are_a_bug_of_ours(second):
    with pytest.raises(ValueError, match="two files of one path"):
        plan([rendered(POD), rendered(second, policy="b")], {}, scope("dev"))


def test_an_environment_without_files_is_an_error_and_keeps_its_tree():
    outcome = plan([], {POD: state()}, scope("dev"))
    assert told(outcome) == [("PHX804", "environment `dev` compiled to no file at all", "")]
    assert outcome.value.delete == ()


def test_no_environment_at_all_is_an_error():
    outcome = plan([], {POD: state()}, scope(remove=True))
    assert outcome.diagnostics[0].code == "PHX804"
    assert outcome.diagnostics[0].message == "no environment is declared: there is nothing to write"


def test_a_removed_environment_goes_only_when_asked_and_whole():
    existing = {"old/main/ingest/a.yaml": state(), "_proof/old/main/rules/a.yaml": state()}
    files = [rendered(POD)]
    assert plan(files, existing, scope("dev")).value.delete == ()
    outcome = plan(files, existing, scope("dev", remove=True))
    assert outcome.value.delete == ("_proof/old/main/rules/a.yaml", "old/main/ingest/a.yaml")


@pytest.mark.parametrize("ownership", [Ownership.FOREIGN, Ownership.EDITED])
def test_a_removed_environment_with_other_files_stays(ownership):
    ours, other = "old/main/ingest/a.yaml", "old/main/ingest/b.yaml"
    existing = {ours: state(), other: state(b"x", ownership)}
    outcome = plan([rendered(POD)], existing, scope("dev", remove=True))
    assert told(outcome) == [
        (
            "PHX805",
            "environment `old` is gone, but 1 of 2 files in `generated/old` are not as they were compiled",
            f"generated/{other}:1:1",
        )
    ]
    assert outcome.value.delete == ()
    assert outcome.value.held == ("old",)
    forced = plan([rendered(POD)], existing, scope("dev", remove=True), force=True)
    assert forced.diagnostics == ()
    assert forced.value.delete == ((ours, other) if ownership is Ownership.EDITED else (ours,))


def test_only_some_components_leave_the_others_and_the_proof():
    existing = {
        "dev/main/rules/a.yaml": state(),
        "dev/main/ingest/old.yaml": state(),
        "_proof/dev/main/rules/a.yaml": state(),
    }
    only = scope("dev", components=frozenset({"ingest"}))
    assert plan([rendered(POD)], existing, only).value.delete == ("dev/main/ingest/old.yaml",)


@pytest.mark.parametrize("path", ["dev/../etc/x", "/dev/main/a/b", "dev//a/b", "dev/main/a\\b/c", "dev/./a/b"])
def test_a_path_outside_the_folder_is_our_bug(path):
    file = RenderedFile(path=path, content=b"", unit=Unit("dev", "main", "a"), policy=PolicyRef("T", "a"))
    with pytest.raises(ValueError, match="not a path inside"):
        plan([file], {}, scope("dev"))


def test_a_file_of_another_environment_is_our_bug():
    with pytest.raises(ValueError, match="was rendered for 'prod'"):
        plan([rendered("prod/main/a/b.yaml")], {}, scope("dev"))


def test_names_that_are_not_utf8_can_be_printed():
    existing = {"dev/main/ingest/\udcff": state(), "dev/x/\udcff": state(b"", Ownership.EDITED)}
    outcome = plan([rendered(POD)], existing, scope("dev"))
    assert outcome.diagnostics[0].message == "`generated/dev/x/?` was edited by hand"


def test_drift_names_each_file_and_what_is_wrong():
    files = [rendered(POD), rendered("dev/main/ingest/b.yaml")]
    existing = {POD: state(), "dev/main/z/z.yaml": state()}
    found = drift(plan(files, existing, scope("dev")).value)
    assert [(d.code, d.message) for d in found] == [
        ("PHX810", "`generated/dev/main/ingest/b.yaml` is missing"),
        ("PHX810", f"`generated/{POD}` is out of date"),
        ("PHX810", "`generated/dev/main/z/z.yaml` is no longer compiled"),
    ]
    assert all(d.severity is Severity.ERROR for d in found)
    assert drift(plan([rendered(POD)], {POD: state(b"new")}, scope("dev")).value) == ()


def test_a_manifest_that_argo_cd_would_apply_beside_ours_is_drift():
    strays = ("dev/main/ingest/evil.yaml", "dev/main/ingest/deep/evil.json")
    harmless = ("dev/main/ingest/notes.txt", "dev/notes.yaml", "dev/main/other/a.yaml", "prod/main/ingest/a.yaml")
    existing = {POD: state(b"new"), **{path: state(b"", Ownership.FOREIGN) for path in (*strays, *harmless)}}
    found = drift(plan([rendered(POD)], existing, scope("dev")).value)
    assert [(d.code, d.message) for d in found] == [
        ("PHX810", f"`generated/{path}` is compiled from no policy, yet would be applied") for path in sorted(strays)
    ]
    assert (
        found[0].help == "delete it, or keep it outside the folder: a policy or an override is the way into a cluster"
    )


@pytest.mark.parametrize(
    ("path", "environment", "component"),
    [
        (POD, "dev", "ingest"),
        ("_proof/dev/main/rules/a.yaml", "dev", ""),
        ("README.md", "", ""),
        ("_proof/README.md", "", ""),
        ("dev/notes", "dev", ""),
        ("dev/main/notes", "dev", ""),
    ],
)
def test_what_a_path_belongs_to(path, environment, component):
    assert environment_of(path) == environment
    assert component_of(path) == component


def test_a_hold_keeps_what_was_edited_by_hand_and_holds_nothing_back():
    held, free = "dev/main/ingest/a.yaml", "dev/main/rules/a.yaml"
    stale = "dev/main/ingest/gone.yaml"
    existing = {
        held: state(b"by hand", Ownership.EDITED),
        stale: state(b"by hand", Ownership.EDITED),
        free: state(b"old"),
        "dev/main/ingest/b.yaml": state(b"old"),
    }
    files = [rendered(held), rendered(free), rendered("dev/main/ingest/b.yaml")]
    outcome = plan(files, existing, scope("dev", held=frozenset({"dev/main/ingest/"})))
    assert paths(outcome.value.update) == ["dev/main/ingest/b.yaml", free]
    assert (outcome.value.delete, outcome.value.held) == ((), ())
    assert outcome.value.edited == (held, stale)
    assert drift(outcome.value) != ()
    assert not any(held in d.message for d in drift(outcome.value))
    assert [(d.code, d.severity) for d in outcome.diagnostics] == [("PHX814", Severity.NOTE)] * 2
    assert told(outcome)[0][1] == f"`generated/{held}` was edited by hand and stays so while it is held"


def test_a_hold_of_another_component_keeps_nothing():
    existing = {POD: state(b"by hand", Ownership.EDITED)}
    outcome = plan([rendered(POD)], existing, scope("dev", held=frozenset({"dev/main/rules/", "dev/main/inges/"})))
    assert [d.code for d in outcome.diagnostics] == ["PHX801"]
    assert outcome.value.held == ("dev",)


def test_force_drops_an_edit_that_is_held():
    existing = {POD: state(b"by hand", Ownership.EDITED)}
    outcome = plan([rendered(POD)], existing, scope("dev", held=frozenset({"dev/main/ingest/"})), force=True)
    assert paths(outcome.value.update) == [POD]
    assert outcome.diagnostics == ()
