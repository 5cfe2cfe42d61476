import os
import subprocess
import sys

from phoenix_gitops.lock import acquire

HOLD = """
import pathlib, sys
from phoenix_gitops.lock import acquire
lock = acquire(pathlib.Path(sys.argv[1])).value
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_refused_and_told_the_process(tmp_path):
    with acquire(tmp_path).value:
        outcome = acquire(tmp_path)
        assert outcome.value is None
        (fault,) = outcome.diagnostics
        assert fault.code == "PHX809"
        assert fault.message == f"another phoenix is writing in this checkout (process `{os.getpid()}`)"
    again = acquire(tmp_path)
    assert again.ok
    again.value.release()
    again.value.release()


def test_the_lock_goes_with_a_killed_process(tmp_path):
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=pipe, stdout=pipe) as child:
        assert child.stdout.readline() == b"held\n"
        refused = acquire(tmp_path)
        assert f"(process `{child.pid}`)" in refused.diagnostics[0].message
        child.kill()
        child.wait()
    outcome = acquire(tmp_path)
    assert outcome.ok
    outcome.value.release()


def test_a_linked_state_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".phoenix").symlink_to(tmp_path / "elsewhere")
    outcome = acquire(tmp_path)
    assert outcome.diagnostics[0].message == "`.phoenix` is a symbolic link"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_linked_lock_file_is_refused(tmp_path):
    (tmp_path / ".phoenix").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".phoenix" / "lock").symlink_to(victim)
    assert acquire(tmp_path).diagnostics[0].message.startswith("cannot open `.phoenix/lock`")
    assert victim.read_text() == "precious"


def test_a_file_in_the_way_of_the_state_folder(tmp_path):
    (tmp_path / ".phoenix").write_text("")
    assert acquire(tmp_path).diagnostics[0].code == "PHX809"
