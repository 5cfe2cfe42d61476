"""Git over a network: within a time limit, and what its complaints mean to a user."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from phoenix_gitops.addresses import redacted
from phoenix_gitops.vcs import Answer, GitRefusedError, last_line, refused

if TYPE_CHECKING:
    from git import Repo

LIMIT: Final = "PHOENIX_GIT_TIMEOUT"
"""The variable that says how many seconds one fetch or push may take."""
_SECONDS = 300.0
_GRACE = 5.0
"""Seconds that git has to end its helpers when it is told to stop."""


def ask(repo: Repo, remote: str, *command: str) -> Answer:
    """A git command that talks to `remote`, whatever its exit status; GitRefusedError (PHX916) if it takes too long."""
    seconds = _limit()
    # Its wrapper ends the process when nobody holds it any more.
    running = repo.git.execute([repo.git.GIT_PYTHON_GIT_EXECUTABLE or "git", *command], as_process=True)
    process = running.proc
    assert process is not None
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise refused(
            "PHX916",
            f"`{redacted(remote)}` did not answer within {seconds:g} seconds",
            f"run the same again: it goes on from what the remote has; a slow link or hook needs a larger `{LIMIT}`",
        ) from error
    finally:
        _end(process)
    return Answer(process.returncode, out.decode(errors="replace"), redacted(err.decode(errors="replace")).rstrip("\n"))


def _limit() -> float:
    text = os.environ.get(LIMIT, "").strip()
    try:
        seconds = float(text) if text else _SECONDS
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise refused("PHX916", f"`{LIMIT}` is `{text}`, which is no number of seconds", "set it to `600`, or unset it")
    return seconds


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends git, if it runs; it ends its helpers where it is asked and not killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdout, process.stderr):
        # Not read to their end: a helper that outlived git would hold them open.
        if stream is not None:
            stream.close()


_REJECTED = ("[remote rejected]", "hook declined")
_DENIED = (
    *("authentication failed", "permission denied", "could not read username", "could not read password"),
    *("returned error: 401", "returned error: 403", "access denied", "service not enabled"),
)
_BROKEN = (
    *("hung up unexpectedly", "early eof", "unexpected disconnect", "connection reset", "rpc failed"),
    *("broken pipe", "empty reply from server", "transfer closed with", "returned error: 5", "send-pack: unexpected"),
)
_UNREACHABLE = (
    *("does not appear to be a git repository", "could not resolve host", "not found", "does not exist"),
    *("could not read from remote", "unable to access", "no such remote", "not exported", "unable to connect"),
)


def why(answer: Answer, remote: str, branch: str) -> GitRefusedError:
    """What git's complaint about a fetch or push of `branch` means to a user."""
    where = redacted(remote)
    text = (answer.out + "\n" + answer.err).lower()
    said = [line.removeprefix("remote:").strip() for line in answer.err.splitlines() if line.startswith("remote:")]
    notes = [f"the remote says: {line}" for line in said if line]

    def has(words: tuple[str, ...]) -> bool:
        return any(word in text for word in words)

    if "unpacker error" in text or "unpack failed" in text:
        return refused(
            "PHX905",
            f"`{where}` could not store the push to `{branch}`",
            "make room on the server or raise its size limit, then publish again: nothing was taken",
            *notes,
        )
    if "; cannot create" in text:
        return refused(
            "PHX911",
            f"`{where}` has a branch whose name stands in the way of `{branch}`",
            "rename that branch, or correct `output.branch` in `phoenix.yaml`: no branch lies below another",
            *notes,
        )
    if has(_REJECTED):
        return refused(
            "PHX905",
            f"`{where}` does not accept the push to `{branch}`",
            "let the publishing identity past the branch protection or hook, or publish to another branch",
            *notes,
        )
    if has(_DENIED):
        return refused(
            "PHX904",
            f"no right to use `{where}`: {last_line(answer.err)}",
            "give git credentials that may push there: a token in CI, an SSH key or a credential helper",
            *notes,
        )
    if has(_UNREACHABLE) and "returned error: 5" not in text:
        return refused(
            "PHX906",
            f"cannot reach `{where}`: {last_line(answer.err)}",
            "check `output.url` in `phoenix.yaml`, or the address that `git remote -v` shows",
            *notes,
        )
    if has(_BROKEN):
        return refused(
            "PHX913",
            f"the connection to `{where}` broke off: {last_line(answer.err)}",
            "publish again when the server is well: it goes on from what the remote has",
            *notes,
        )
    return refused("PHX914", f"git failed with `{where}`: {last_line(answer.err)}", "try the same with git", *notes)
