"""Publishing to real servers: what is said when they refuse, lose a race, die or are silent; nothing is half done."""

from __future__ import annotations

import contextlib
import time
from urllib.parse import quote

import pytest

from tests.e2e.conftest import QUOTA, TENANT
from tests.e2e.servers import PASSWORD, USER, Fault, daemon, smart_http
from tests.e2e.test_publish import ask, bare, set_mode

pytestmark = pytest.mark.proof

SECRET = quote(PASSWORD, safe="")


class Server:
    """A repository `origin.git` behind a server."""

    def __init__(self, repository, address, fault):
        self.repository = repository
        self.address = address
        self.fault = fault

    def hook(self, name, script):
        file = self.repository / "hooks" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    def refs(self):
        return ask(self.repository, "for-each-ref")


@pytest.fixture(params=["path", "daemon", "http"])
def server(request, tmp_path):
    base = tmp_path / "srv"
    repository = bare(base / "origin.git")
    fault = Fault()
    with contextlib.ExitStack() as stack:
        if request.param == "path":
            address = str(repository)
        elif request.param == "daemon":
            address = f"git://127.0.0.1:{stack.enter_context(daemon(base, fault))}/origin.git"
        else:
            port = stack.enter_context(smart_http(base, fault))
            ask(repository, "config", "http.receivepack", "true")
            address = f"http://{USER}:{SECRET}@127.0.0.1:{port}/origin.git"
        yield Server(repository, address, fault)


@pytest.fixture
def published(checkout, server):
    """The checkout, published once, with a change that waits; and what must not change when a publish fails."""
    checkout.git("remote", "add", "origin", server.address)
    set_mode(checkout, "mode: branch")
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    checkout.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    checkout.commit("six")
    return checkout


def state(checkout, server):
    """All that a failed publish must leave alone: the remote's refs, ours, the index, the work tree."""
    ours = [row for row in checkout.git("for-each-ref").splitlines() if "refs/phoenix/published/" not in row]
    index = (checkout.root / ".git/index").read_bytes()
    return server.refs(), ours, index, checkout.git("status", "--porcelain"), checkout.git("rev-parse", "HEAD")


def one_error(said, code):
    """The one error that was said, with what to do; no secret in it, no crash."""
    assert said.code == 2, said.err
    errors = [line for line in said.err.splitlines() if line.startswith("error[")]
    assert [line.partition(":")[0] for line in errors] == [f"error[{code}]"], said.err
    assert "= help: " in said.err
    for secret in (PASSWORD, SECRET, "s3cr"):
        assert secret not in said.out + said.err
    return errors[0]


def goes_on(checkout, server):
    """The next publish makes good what the failed one did not do."""
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    assert 'requests.cpu: "6"' in ask(server.repository, "show", f"env/main:{QUOTA}")
    assert ask(server.repository, "fsck", "--connectivity-only", "--no-dangling") == ""


def test_each_way_to_a_repository_publishes_the_same(published, server):
    before = ask(server.repository, "rev-parse", "env/main")
    said = published.phoenix("publish", "--format", "json")
    assert said.code == 0, said.err
    assert ask(server.repository, "rev-parse", "env/main~1") == before
    assert ask(server.repository, "diff", "--name-only", "env/main~1", "env/main") == QUOTA
    assert "nothing to commit" in published.phoenix("publish").out
    assert "s3cr" not in said.out + said.err


@pytest.mark.parametrize("server", ["daemon"], indirect=True)
def test_another_repository_behind_a_server(published, server):
    published.git("remote", "set-url", "origin", "https://elsewhere.invalid/x.git")
    published.replace("phoenix.yaml", "mode: branch", f'mode: repo, branch: live, url: "{server.address}"')
    published.commit("another repository")
    said = published.phoenix("publish")
    assert said.code == 0, said.err
    assert f"main: live of {server.address}: " in said.out
    assert QUOTA in ask(server.repository, "ls-tree", "-r", "--name-only", "live")


@pytest.mark.parametrize("server", ["http"], indirect=True)
@pytest.mark.parametrize("user", [f"{USER}:wr%40ng@", ""], ids=["wrong", "none"])
def test_a_wrong_password(published, server, user):
    published.git("remote", "set-url", "origin", server.address.replace(f"{USER}:{SECRET}@", user))
    before = state(published, server)
    said = published.phoenix("publish")
    assert "no right to use `origin`: " in one_error(said, "PHX904")
    assert "wr" + "%40ng" not in said.err
    assert state(published, server) == before
    published.git("remote", "set-url", "origin", server.address)
    goes_on(published, server)


def test_a_hook_that_rejects(published, server):
    hook = server.hook("pre-receive", "echo 'only on weekdays' >&2; exit 1")
    before = state(published, server)
    said = published.phoenix("publish")
    assert one_error(said, "PHX905").endswith("`origin` does not accept the push to `env/main`")
    assert "= note: the remote says: only on weekdays" in said.err
    assert state(published, server) == before
    hook.unlink()
    goes_on(published, server)


@pytest.mark.parametrize("server", ["http"], indirect=True)
def test_a_server_that_has_no_room(published, server):
    ask(server.repository, "config", "receive.maxInputSize", "100")
    before = state(published, server)
    said = published.phoenix("publish")
    assert one_error(said, "PHX905").endswith("`origin` could not store the push to `env/main`")
    assert "make room on the server" in said.err
    assert state(published, server) == before
    ask(server.repository, "config", "--unset", "receive.maxInputSize")
    goes_on(published, server)


def rival(published, server, times):
    """Somebody commits to the branch between our fetch and our push, so many times: git runs this hook in between."""
    counter = published.root / ".git/rivals"
    commit = (
        "git --git-dir=$BARE commit-tree -p env/main -m theirs "
        "$( (git --git-dir=$BARE ls-tree env/main | grep -v theirs; "
        "printf '100644 blob %s\\ttheirs\\n' $(echo $n | git --git-dir=$BARE hash-object -w --stdin)) "
        "| git --git-dir=$BARE mktree)"
    )
    hook = published.root / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nBARE={server.repository}\nn=$(cat {counter} 2>/dev/null || echo 0)\n"
        f"test $n -lt {times} || exit 0\nn=$((n + 1))\necho $n > {counter}\n"
        f"git --git-dir=$BARE update-ref refs/heads/env/main $({commit})\n"
    )
    hook.chmod(0o755)
    return hook


def test_a_lost_race_is_run_again_on_what_the_other_pushed(published, server):
    rival(published, server, 2)
    goes_on(published, server)
    assert ask(server.repository, "log", "--format=%s", "env/main").splitlines()[1:3] == ["theirs", "theirs"]
    assert ask(server.repository, "show", "env/main:theirs") == "2"


@pytest.mark.parametrize("server", ["http"], indirect=True)
def test_a_race_that_is_lost_again_and_again_ends(published, server):
    hook = rival(published, server, 99)
    said = published.phoenix("publish")
    assert one_error(said, "PHX908").endswith("`env/main` moved on 5 times while it was being published")
    assert 'requests.cpu: "4"' in ask(server.repository, "show", f"env/main:{QUOTA}")
    assert ask(server.repository, "show", "env/main:theirs") == "5"
    hook.unlink()
    goes_on(published, server)


@pytest.mark.parametrize("server", ["http"], indirect=True)
def test_a_branch_that_stands_in_the_way_is_no_race(published, server):
    ask(server.repository, "branch", "deploy", "env/main")
    published.replace("phoenix.yaml", "mode: branch", 'mode: branch, branch: "deploy/{environment}"')
    published.commit("another branch")
    said = published.phoenix("publish")
    assert "has a branch whose name stands in the way of `deploy/main`" in one_error(said, "PHX911")


@pytest.mark.parametrize("server", ["daemon", "http"], indirect=True)
def test_a_server_that_dies_while_it_receives(published, server):
    before = state(published, server)
    server.fault.cut_after = 400
    said = published.phoenix("publish")
    assert "the connection to `origin` broke off: " in one_error(said, "PHX913")
    assert "publish again" in said.err
    assert state(published, server) == before
    server.fault.cut_after = None
    goes_on(published, server)


@pytest.mark.parametrize("server", ["daemon", "http"], indirect=True)
def test_a_server_that_never_answers(published, server, monkeypatch):
    monkeypatch.setenv("PHOENIX_GIT_TIMEOUT", "1")
    before = state(published, server)
    server.fault.silent = True
    started = time.monotonic()
    said = published.phoenix("publish")
    assert time.monotonic() - started < 30
    assert one_error(said, "PHX916").endswith("`origin` did not answer within 1 seconds")
    assert "a larger `PHOENIX_GIT_TIMEOUT`" in said.err
    assert state(published, server) == before
    monkeypatch.delenv("PHOENIX_GIT_TIMEOUT")
    server.fault.silent = False
    goes_on(published, server)


@pytest.mark.parametrize("server", ["path"], indirect=True)
@pytest.mark.parametrize("value", ["soon", "0", "inf", "nan"])
def test_a_limit_that_is_no_number_of_seconds(published, server, monkeypatch, value):
    monkeypatch.setenv("PHOENIX_GIT_TIMEOUT", value)
    said = published.phoenix("publish")
    assert f"`PHOENIX_GIT_TIMEOUT` is `{value}`, which is no number of seconds" in one_error(said, "PHX916")


@pytest.mark.parametrize("server", ["path"], indirect=True)
def test_a_hook_that_takes_too_long(published, server, monkeypatch):
    """Git is stopped with all that it started; what it would have pushed is not there."""
    monkeypatch.setenv("PHOENIX_GIT_TIMEOUT", "1")
    before = state(published, server)
    hook = server.hook("pre-receive", "sleep 4; exit 1")
    one_error(published.phoenix("publish"), "PHX916")
    assert state(published, server) == before
    hook.unlink()
    monkeypatch.delenv("PHOENIX_GIT_TIMEOUT")
    goes_on(published, server)
