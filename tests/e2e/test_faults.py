"""Runs that are refused, killed or out of room, and what the next run makes of it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from tests.e2e.conftest import QUOTA, TENANT
from tests.interrupts import interruptible

# Stops for ever at the Nth rename of a compile, and says so.
PAUSED = """
import sys, time
from phoenix_gitops.disk import Disk
renames = 0
plain = Disk.rename
def rename(self, *arguments):
    global renames
    renames += 1
    if renames == int(sys.argv[2]):
        print("paused", flush=True)
        time.sleep(600)
    plain(self, *arguments)
Disk.rename = rename
from phoenix_gitops.__main__ import run
sys.exit(run(["compile", "-C", sys.argv[1]]))
"""

HOLDING = """
import pathlib, sys
from phoenix_gitops.lock import acquire
with acquire(pathlib.Path(sys.argv[1])).value:
    print("paused", flush=True)
    sys.stdin.read()
"""


def started(script, *arguments):
    """A child that runs `script` and stands where it said `paused`."""
    child = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"paused\n"
    return child


def end(child, by=signal.SIGKILL):
    child.send_signal(by)
    child.communicate()
    return child.returncode


# The first rename commits the journal: before it the old tree is kept, from the second on the new one is promised.
@pytest.mark.parametrize(("at", "promised"), [(1, False), (2, True), (20, True)])
def test_a_killed_compile_leaves_a_tree_that_the_next_run_mends(checkout, tmp_path, at, promised):
    assert end(started(PAUSED, checkout.root, at)) == -signal.SIGKILL
    written = len([*(checkout.root / "generated").rglob("*.yaml")])
    assert written == max(at - 2, 0)
    said = checkout.phoenix("compile")
    assert said.code == 0, said.err
    assert ("note[PHX808]: finished an interrupted write" in said.err) is promised
    mended = checkout.tree()
    twin = tmp_path / "twin"
    subprocess.run(["git", "clone", "--quiet", str(checkout.root), str(twin)], check=True)
    fresh = type(checkout)(twin, checkout.capsys)
    fresh.phoenix("compile")
    assert mended == fresh.tree()
    assert not (checkout.root / ".phoenix/journal").exists()


def test_a_killed_change_of_a_tree_is_finished_too(checkout):
    checkout.phoenix("compile")
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    before = (checkout.root / QUOTA).read_bytes()
    end(started(PAUSED, checkout.root, 2))
    assert (checkout.root / QUOTA).read_bytes() == before
    # The policy went back meanwhile: the interrupted write is finished, then undone by a plain compile.
    checkout.git("checkout", "--quiet", TENANT)
    assert checkout.phoenix("compile").code == 0
    assert (checkout.root / QUOTA).read_bytes() == before


def test_an_interrupt_is_130_and_leaves_the_old_tree(checkout):
    child = subprocess.Popen(
        [sys.executable, "-c", PAUSED, str(checkout.root), "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=interruptible,  # noqa: PLW1509 - no threads here
    )
    assert child.stdout.readline() == b"paused\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"interrupted" in err
    assert b"Traceback" not in err
    assert not [*(checkout.root / "generated").rglob("*.yaml")]
    assert checkout.phoenix("compile").code == 0


@pytest.mark.parametrize("command", ["compile", "publish"])
def test_a_second_run_is_refused_while_one_writes(checkout, command):
    child = started(HOLDING, checkout.root)
    try:
        said = checkout.phoenix(command)
    finally:
        end(child)
    assert said.code == 1
    assert f"error[PHX809]: another phoenix is writing in this checkout (process `{child.pid}`)" in said.err
    assert not (checkout.root / "generated").exists()
    assert checkout.phoenix("compile").code == 0


def test_reading_commands_need_no_lock(checkout):
    child = started(HOLDING, checkout.root)
    try:
        assert checkout.phoenix("validate").code == 0
        assert checkout.phoenix("compile", "--check").code == 1
    finally:
        end(child)


def test_a_full_disk_is_said_and_leaves_the_old_tree(checkout, monkeypatch):
    from phoenix_gitops.disk import Disk

    checkout.phoenix("compile")
    before = checkout.tree()
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    with monkeypatch.context() as patch:

        def write(self, name, content, folder, *, flush):
            del self, content, folder, flush
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

        patch.setattr(Disk, "write", write)
        said = checkout.phoenix("compile")
    assert said.code == 1
    assert "error[PHX807]" in said.err
    assert "No space left on device" in said.err
    assert checkout.tree() == before
    assert checkout.phoenix("compile").code == 0


def test_a_file_system_that_is_read_only(checkout, monkeypatch):
    from phoenix_gitops.disk import Disk

    def mkdir(self, name, folder):
        del self, folder
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)

    monkeypatch.setattr(Disk, "mkdir", mkdir)
    said = checkout.phoenix("compile")
    assert said.code == 1
    assert "error[PHX807]" in said.err
    assert "Read-only file system" in said.err
    assert not [*(checkout.root / "generated").rglob("*.yaml")]


def test_an_output_folder_that_is_a_link_is_refused(checkout, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (checkout.root / "generated").symlink_to(outside)
    said = checkout.phoenix("compile")
    assert said.code == 1
    assert "error[PHX806]" in said.err
    assert not [*outside.iterdir()]
