import errno
import hashlib
import json
import os

import pytest

from phoenix_gitops import journal
from phoenix_gitops.artifact import PolicyRef, RenderedFile, Unit
from phoenix_gitops.disk import Disk
from phoenix_gitops.files import apply, read_tree
from phoenix_gitops.journal import recover
from phoenix_gitops.tree import Ownership
from phoenix_gitops.writes import Scope, plan

SCOPE = Scope(declared=frozenset({"dev"}), compiled=frozenset({"dev"}))


def sealed(path, body):
    mark = hashlib.sha256(path.encode() + body).hexdigest().encode()
    return b"# Compiled by Phoenix GitOps from Tenant/a. phoenix:" + mark + b"\n" + body


def classify(path, content):
    body = content.partition(b"\n")[2]
    return Ownership.INTACT if content == sealed(path, body) else Ownership.EDITED


def rendered(tree):
    return [
        RenderedFile(p, sealed(p, b.encode()), Unit("dev", "main", p.split("/")[2]), PolicyRef("Tenant", "a"))
        for p, b in tree.items()
    ]


def prepare(root, tree, **options):
    existing = read_tree(root, classify)
    assert existing.ok
    return plan(rendered(tree), existing.value, SCOPE, **options)


def write(root, tree, disk=None):
    planned = prepare(root, tree)
    assert planned.ok
    return apply(root, planned.value, **({"disk": disk} if disk else {}))


def on_disk(root):
    top = root / "generated"
    return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()}


def expected(tree):
    return {path: sealed(path, body.encode()) for path, body in tree.items()}


def folders(root):
    top = root / "generated"
    return sorted(str(p.relative_to(top)) for p in top.rglob("*") if p.is_dir())


OLD = {
    "dev/main/ingest/a.yaml": "a: 1",
    "dev/main/ingest/b.yaml": "b: 1",
    "dev/main/rules/gone/c.yaml": "c: 1",
    "dev/main/rules/d.yaml": "d: 1",
}
NEW = {
    "dev/main/ingest/a.yaml": "a: 2",
    "dev/main/ingest/b.yaml": "b: 1",
    "dev/main/rules/d.yaml": "d: 2",
    "dev/main/storage/e.yaml": "e: 1",
    "dev/other/storage/f.yaml": "f: 1",
}


def test_a_tree_is_written_changed_and_emptied_folders_go(tmp_path):
    assert write(tmp_path, OLD).ok
    assert on_disk(tmp_path) == expected(OLD)
    before = (tmp_path / "generated/dev/main/ingest/b.yaml").stat()
    assert write(tmp_path, NEW).ok
    assert on_disk(tmp_path) == expected(NEW)
    assert "dev/main/rules/gone" not in folders(tmp_path)
    after = (tmp_path / "generated/dev/main/ingest/b.yaml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not (tmp_path / ".phoenix/journal").exists()


def test_the_states_returned_are_the_states_read(tmp_path):
    write(tmp_path, OLD)
    states = write(tmp_path, NEW).value
    assert states == read_tree(tmp_path, classify).value
    assert all(state.ownership is Ownership.INTACT for state in states.values())


def test_nothing_to_do_touches_nothing(tmp_path):
    write(tmp_path, OLD)
    planned = prepare(tmp_path, OLD).value
    assert planned.changes == 0
    disk = Faulty(1, Killed())
    assert apply(tmp_path, planned, disk=disk).ok
    assert disk.calls == 0


def test_new_files_follow_the_umask(tmp_path):
    write(tmp_path, OLD)
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "generated/dev/main/ingest/a.yaml").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dev/main/ingest/x", "dev/main/ingest/x/y.yaml"),
        ("dev/main/ingest/x/y.yaml", "dev/main/ingest/x"),
        ("dev/main/ingest/Pod.yaml", "dev/main/ingest/pod.yaml"),
    ],
    ids=["file-to-folder", "folder-to-file", "case"],
)
def test_files_folders_and_cases_change_places(tmp_path, old, new):
    write(tmp_path, {old: "a: 1"})
    assert write(tmp_path, {new: "a: 2"}).ok
    assert on_disk(tmp_path) == expected({new: "a: 2"})


# Faults


class Killed(BaseException):
    """The process ends here: nothing after it runs, no clean-up either."""


class Faulty(Disk):
    """Fails at the n-th call; after a kill every further call is void too."""

    def __init__(self, at, fault, *, after=False):
        self.at, self.fault, self.after, self.calls, self.dead = at, fault, after, 0, False

    def _step(self, act, half=None):
        if self.dead:
            raise self.fault
        self.calls += 1
        if self.calls != self.at:
            return act()
        self.dead = isinstance(self.fault, Killed)
        if self.after:
            act()
        elif half:
            half()
        raise self.fault

    def write(self, name, content, folder, *, flush):
        def half():
            super(Faulty, self).write(name, content[: len(content) // 2], folder, flush=False)

        return self._step(lambda: super(Faulty, self).write(name, content, folder, flush=flush), half)

    def rename(self, *args):
        return self._step(lambda: super(Faulty, self).rename(*args))

    def unlink(self, *args):
        return self._step(lambda: super(Faulty, self).unlink(*args))

    def mkdir(self, *args):
        return self._step(lambda: super(Faulty, self).mkdir(*args))

    def rmdir(self, *args):
        return self._step(lambda: super(Faulty, self).rmdir(*args))

    def fsync(self, *args):
        return self._step(lambda: super(Faulty, self).fsync(*args))

    def sync(self):
        return self._step(lambda: super(Faulty, self).sync())


def steps(tmp_path):
    """How many system calls the change from OLD to NEW makes."""
    root = tmp_path / "count"
    root.mkdir()
    write(root, OLD)
    disk = Faulty(0, Killed())
    write(root, NEW, disk)
    return disk.calls


def crash_everywhere(tmp_path, fault, *, after):
    """Each step's tree after the fault, and the outcome if the process lived."""
    total = steps(tmp_path)
    assert total > 20
    for at in range(1, total + 1):
        root = tmp_path / f"{at}"
        root.mkdir()
        write(root, OLD)
        try:
            yield root, write(root, NEW, Faulty(at, fault, after=after))
        except Killed:
            yield root, None


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_step_leaves_the_old_tree_or_the_new_one(tmp_path, after, bulk, monkeypatch):
    if bulk:
        monkeypatch.setattr(journal, "_BULK", 1)
    seen = set()
    for root, outcome in crash_everywhere(tmp_path, Killed(), after=after):
        assert outcome is None
        torn = on_disk(root)
        repaired = recover(root)
        assert repaired.ok
        tree = on_disk(root)
        assert tree in (expected(OLD), expected(NEW))
        assert [d.code for d in repaired.diagnostics] == (["PHX808"] if repaired.value else [])
        if repaired.value:
            assert tree == expected(NEW)
        else:
            assert torn == tree
        assert not any(not any((root / "generated" / f).iterdir()) for f in folders(root))
        assert not (root / ".phoenix/journal").exists()
        assert write(root, NEW).ok
        assert on_disk(root) == expected(NEW)
        seen.add((repaired.value, tree == expected(NEW)))
    assert seen == {(False, False), (True, True), (False, True)}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_an_error_at_any_step_leaves_the_old_tree_or_says_who_finishes(tmp_path, number, after):
    words = set()
    for root, outcome in crash_everywhere(tmp_path, OSError(number, "no"), after=after):
        for fault in outcome.diagnostics:
            words.add(fault.message)
            assert fault.code == "PHX807"
        if "nothing was changed" in str(outcome.diagnostics):
            assert on_disk(root) == expected(OLD)
            assert not (root / ".phoenix/journal").exists()
        else:
            assert recover(root).ok
            assert on_disk(root) == expected(NEW)
        assert write(root, NEW).ok
        assert on_disk(root) == expected(NEW)
    assert words == {
        "cannot write `generated`: no; nothing was changed",
        "cannot write `generated`: no; the next run finishes the write",
    }


def test_recovery_itself_may_be_killed_at_any_step(tmp_path):
    for at in range(1, 40):
        root = tmp_path / f"{at}"
        root.mkdir()
        write(root, OLD)
        with pytest.raises(Killed):
            write(root, NEW, Faulty(steps_to_commit(root), Killed(), after=True))
        disk = Faulty(at, Killed())
        try:
            finished = recover(root, disk=disk)
        except Killed:
            assert recover(root).ok
        else:
            assert finished.value
            assert disk.calls < at
            assert on_disk(root) == expected(NEW)
            return
        assert on_disk(root) == expected(NEW)
    pytest.fail("recovery did not end")


def steps_to_commit(root):
    class Counting(Faulty):
        commit = 0

        def rename(self, name, folder, target, target_folder):
            super().rename(name, folder, target, target_folder)
            if target == journal.MARKER:
                self.commit = self.calls

    twin = root.with_name(root.name + "-twin")
    twin.mkdir()
    write(twin, OLD)
    disk = Counting(0, Killed())
    write(twin, NEW, disk)
    return disk.commit


def test_recovery_leaves_what_the_user_changed_since(tmp_path):
    write(tmp_path, OLD)
    with pytest.raises(Killed):
        write(tmp_path, NEW, Faulty(steps_to_commit(tmp_path), Killed(), after=True))
    mine = tmp_path / "generated/dev/main/ingest/a.yaml"
    mine.write_text("mine")
    deleted = tmp_path / "generated/dev/main/rules/gone/c.yaml"
    deleted.write_text("also mine")
    assert recover(tmp_path).value
    assert mine.read_text() == "mine"
    assert deleted.read_text() == "also mine"
    assert on_disk(tmp_path)["dev/main/storage/e.yaml"] == expected(NEW)["dev/main/storage/e.yaml"]


@pytest.mark.parametrize(
    "marker",
    [
        "{",
        "[]",
        '{"output": "generated"}',
        "[" * 100_000,
        json.dumps({"output": "generated", "installs": [], "deletes": [{"path": "../x", "old": ""}]}),
        json.dumps({"output": "..", "installs": [], "deletes": []}),
        json.dumps({"output": "policies", "installs": [], "deletes": []}),
        json.dumps(
            {
                "output": "generated",
                "installs": [{"staged": "../../x", "path": "a", "old": "", "new": ""}],
                "deletes": [],
            }
        ),
    ],
)
def test_a_journal_that_we_did_not_write_is_refused(tmp_path, marker):
    victim = tmp_path / "x"
    victim.write_text("precious")
    folder = tmp_path / ".phoenix/journal"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(marker)
    outcome = recover(tmp_path)
    assert [d.code for d in outcome.diagnostics] == ["PHX813"]
    assert victim.read_text() == "precious"


# Strangers


@pytest.mark.parametrize("link", ["generated", "generated/dev", "generated/dev/main/ingest"])
def test_nothing_is_written_through_symbolic_links(tmp_path, link):
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    planned = plan(rendered({"dev/main/ingest/a.yaml": "a: 1"}), {}, SCOPE).value
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside)
    outcome = apply(root, planned)
    assert not outcome.ok
    assert list(outside.iterdir()) == []
    read = read_tree(root, classify)
    if link == "generated":
        assert read.diagnostics[0].code == "PHX806"
    else:
        assert [s.ownership for s in read.value.values()] == [Ownership.FOREIGN]
        again = plan(rendered({"dev/main/ingest/a.yaml": "a: 1"}), read.value, SCOPE)
        assert [d.code for d in again.diagnostics] == ["PHX802"]


def test_a_linked_state_folder_is_refused(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / ".phoenix").symlink_to(tmp_path / "outside")
    outcome = write(tmp_path, OLD)
    assert [d.code for d in outcome.diagnostics] == ["PHX806"]
    assert list((tmp_path / "outside").iterdir()) == []
    assert on_disk(tmp_path) == {}


@pytest.mark.parametrize("act", ["edit", "create", "delete", "link"])
def test_a_file_that_changed_meanwhile_stops_the_write(tmp_path, act):
    write(tmp_path, OLD)
    planned = prepare(tmp_path, NEW).value
    file = tmp_path / "generated/dev/main/ingest/a.yaml"
    if act == "edit":
        file.write_text("mine")
    elif act == "delete":
        file.unlink()
    elif act == "link":
        file.unlink()
        file.symlink_to(tmp_path / "x")
    else:
        file = tmp_path / "generated/dev/main/storage/e.yaml"
        file.parent.mkdir()
        file.write_text("mine")
    before = on_disk(tmp_path)
    outcome = apply(tmp_path, planned)
    name = file.relative_to(tmp_path / "generated")
    assert [(d.code, d.message) for d in outcome.diagnostics] == [
        ("PHX812", f"`{name}` changed while it was being compiled; nothing was written")
    ]
    assert on_disk(tmp_path) == before


def test_special_files_are_not_opened(tmp_path):
    (tmp_path / "generated/dev").mkdir(parents=True)
    os.mkfifo(tmp_path / "generated/dev/pipe")
    (tmp_path / "generated/dev/link").symlink_to("/dev/zero")
    states = read_tree(tmp_path, classify).value
    assert {p: s.ownership for p, s in states.items()} == {
        "dev/pipe": Ownership.FOREIGN,
        "dev/link": Ownership.FOREIGN,
    }


def test_reading_tells_intact_edited_and_foreign(tmp_path):
    write(tmp_path, OLD)
    top = tmp_path / "generated/dev/main/ingest"
    with (top / "a.yaml").open("ab") as file:
        file.write(b"#")
    (top / "notes.md").write_text("foreign")
    states = read_tree(tmp_path, classify).value
    assert states["dev/main/ingest/a.yaml"].ownership is Ownership.EDITED
    assert states["dev/main/ingest/b.yaml"].ownership is Ownership.INTACT
    assert states["dev/main/ingest/notes.md"].ownership is Ownership.FOREIGN


@pytest.mark.parametrize("side", ["a: 2", ""])
def test_merge_conflicts_are_repaired(tmp_path, side):
    write(tmp_path, OLD)
    path = "dev/main/ingest/a.yaml"
    file = tmp_path / "generated" / path
    ours, theirs = file.read_bytes(), sealed(path, side.encode())
    file.write_bytes(b"<<<<<<< HEAD\n" + ours + b"\n=======\n" + theirs + b"\n>>>>>>> other\n")
    assert read_tree(tmp_path, classify).value[path].ownership is Ownership.CONFLICTED
    assert write(tmp_path, OLD).ok
    assert on_disk(tmp_path) == expected(OLD)


def test_markers_in_files_that_are_not_ours_stay(tmp_path):
    (tmp_path / "generated/dev").mkdir(parents=True)
    (tmp_path / "generated/dev/notes").write_bytes(b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n")
    states = read_tree(tmp_path, classify).value
    assert states["dev/notes"].ownership is Ownership.FOREIGN


def test_a_known_file_is_not_read_unless_it_is_racy_or_changed(tmp_path):
    write(tmp_path, OLD)
    known = read_tree(tmp_path, classify).value
    asked = []

    def asking(path, content):
        asked.append(path)
        return classify(path, content)

    later = max(s.mtime_ns for s in known.values()) + 1
    assert read_tree(tmp_path, asking, known=known, known_at_ns=later).value == known
    assert asked == []
    read_tree(tmp_path, asking, known=known, known_at_ns=later - 1)
    assert asked != []
    asked.clear()
    file = tmp_path / "generated/dev/main/ingest/a.yaml"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    stamp = file.stat().st_mtime_ns
    file.write_bytes(content)
    os.utime(file, ns=(stamp, stamp - 1))
    states = read_tree(tmp_path, asking, known=known, known_at_ns=later).value
    assert asked == ["dev/main/ingest/a.yaml"]
    assert states["dev/main/ingest/a.yaml"].ownership is Ownership.EDITED


def test_another_file_of_the_same_size_and_time_is_read(tmp_path):
    write(tmp_path, OLD)
    known = read_tree(tmp_path, classify).value
    path = "dev/main/ingest/a.yaml"
    file = tmp_path / "generated" / path
    stamp = file.stat().st_mtime_ns
    twin = tmp_path / "twin"
    twin.write_bytes(file.read_bytes().replace(b"a: 1", b"a: 9"))
    os.utime(twin, ns=(stamp, stamp))
    twin.replace(file)
    states = read_tree(tmp_path, classify, known=known, known_at_ns=stamp + 10**12).value
    assert states[path].ownership is Ownership.EDITED


def test_a_huge_file_with_our_header_is_not_read_through(tmp_path, monkeypatch):
    monkeypatch.setattr("phoenix_gitops.files._LIMIT", 200)
    top = tmp_path / "generated/dev"
    top.mkdir(parents=True)
    (top / "huge").write_bytes(sealed("dev/huge", b"x" * 1000))
    state = read_tree(tmp_path, classify).value["dev/huge"]
    assert (state.ownership, state.digest) == (Ownership.EDITED, b"")


def test_an_unreadable_folder_is_an_error(tmp_path, monkeypatch):
    write(tmp_path, OLD)

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    outcome = read_tree(tmp_path, classify)
    assert [d.code for d in outcome.diagnostics] == ["PHX811"]


def test_other_file_systems_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    real = os.fstat
    seen = []

    def other(fd):
        found = list(real(fd))
        seen.append(fd)
        found[2] = len(seen)
        return os.stat_result(found)

    planned = prepare(tmp_path, OLD).value
    monkeypatch.setattr(os, "fstat", other)
    outcome = apply(tmp_path, planned)
    monkeypatch.undo()
    assert "lie on different file systems; nothing was changed" in outcome.diagnostics[0].message
    assert on_disk(tmp_path) == {}
