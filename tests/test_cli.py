"""What a person or a script meets at the command line: help, formats, colours, exit codes, completion."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from phoenix_gitops.__main__ import run
from phoenix_gitops.cli import phoenix
from phoenix_gitops.cli.options import FORMATS

SMALL = Path(__file__).parent / "cases" / "good" / "small"
TENANT = "policies/shop.yaml"


@pytest.fixture
def root(tmp_path):
    """The case `small` with a tenant of a class that does not exist."""
    made = copied(tmp_path / "broken")
    file = made / TENANT
    file.write_text(file.read_text().replace("class: namespace", "class: nonsense"))
    return made


@pytest.fixture
def sound(tmp_path):
    return copied(tmp_path / "sound")


def copied(target):
    shutil.copytree(SMALL, target, ignore=shutil.ignore_patterns("expected"))
    return target


def commands(group=phoenix, path=()):
    """Every command, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_that_parses(words, capsys):
    assert run([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    examples = re.findall(r"^ +(?:.*\| )?phoenix (.+)$", shown.partition("Example")[2], re.MULTILINE)
    assert examples, "no example"
    assert any(example.split()[: len(words)] == list(words) for example in examples), examples
    if not isinstance(COMMANDS[words], click.Group):
        own = next(example for example in examples if example.split()[: len(words)] == list(words))
        arguments = re.split(r" +(?:[#>]|>>|&&) ", own)[0].split()[len(words) :]
        COMMANDS[words].make_context(words[-1], arguments)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_takes_the_common_options(words):
    if isinstance(COMMANDS[words], click.Group):
        return
    options = {name for parameter in COMMANDS[words].params for name in parameter.opts}
    assert {"--root", "--format", "--color", "--verbose", "--quiet"} <= options


def test_the_list_of_commands_says_what_each_does(capsys):
    run(["--help"])
    listed = capsys.readouterr().out.split("Commands:\n")[1]
    for words, command in COMMANDS.items():
        if len(words) == 1:
            assert re.search(rf"^  {words[0]} +{re.escape(command.short_help[:30])}", listed, re.MULTILINE), words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["complie"], "There is no command 'complie'. Did you mean 'compile'?"),
        (["qqq"], "There is no command 'qqq'."),
        (["compile", "--chek"], "No such option '--chek'. (Did you mean one of: '--check'"),
        (["compile", "--format", "xml"], "'xml' is not one of 'text'"),
        (["explain", "PHX999"], "there is no code PHX999"),
        (["schema", "show", "Tennant"], "there is no kind 'Tennant'; did you mean 'Tenant'?"),
        (["compile", "--only"], "Option '--only' requires an argument"),
        (["init", "--name", "a: b"], "a name has lower-case letters, digits and '-', at most 40"),
        (["init", "--url", "nowhere"], "'nowhere' is no address of a git repository"),
    ],
)
def test_a_mistyped_call_is_2_and_says_what_was_meant(arguments, said, capsys):
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def started_in(folder, *arguments):
    command = [sys.executable, "-m", "phoenix_gitops", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_outside_a_repository(tmp_path):
    done = started_in(tmp_path, "validate")
    assert done.returncode == 2
    assert "there is no phoenix.yaml here or in a folder above; `phoenix init` makes" in done.stderr


def test_the_root_is_found_from_a_folder_below(sound):
    done = started_in(sound / "policies", "show", "documents")
    assert done.returncode == 0
    assert "policies/shop.yaml" in done.stdout


def test_options_stand_before_or_after_the_command(root, capsys):
    assert run(["-C", str(root), "--format", "concise", "validate"]) == 1
    before = capsys.readouterr().err
    assert run(["validate", "-C", str(root), "--format", "concise"]) == 1
    assert capsys.readouterr().err == before
    assert before.startswith(f"{TENANT}:5:10: error[PHX")


@pytest.mark.parametrize("command", ["validate", "compile", "publish", "diff"])
@pytest.mark.parametrize("style", FORMATS)
def test_findings_come_in_every_format(root, capsys, command, style):
    assert run([command, "-C", str(root), "--format", style]) == 1
    out, err = capsys.readouterr()
    machine, person = (out, err) if style in ("json", "github", "sarif") else (err, out)
    assert person == ""
    if style == "json":
        (found,) = json.loads(machine)["diagnostics"]
        assert (found["primary"]["file"], found["primary"]["line"]) == (TENANT, 5)
    elif style == "sarif":
        (result,) = json.loads(machine)["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == TENANT
    elif style == "github":
        assert machine.startswith(f"::error file={TENANT},line=5,")
    else:
        assert f"{TENANT}:5:10" in machine


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate"],
        ["compile"],
        ["compile", "--check"],
        ["show", "documents"],
        ["show", "preset"],
        ["show", "artifacts"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_json_is_one_document(sound, capsys, arguments):
    run([*arguments, "-C", str(sound), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert {"diagnostics", "summary"} <= document.keys()


def test_sarif_is_all_that_stands_on_standard_output(sound, capsys):
    assert run(["compile", "-C", str(sound), "--format", "sarif"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "2.1.0"


def test_json_of_a_compile_tells_what_was_written(sound, capsys):
    run(["compile", "-C", str(sound), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    (environment,) = document["environments"]
    assert environment["name"] == "main"
    assert environment["ok"] is True
    assert environment["files"] == len(document["tree"]["created"]) == len([*sound.glob("generated/**/*.yaml")])


def test_quiet_says_errors_only_and_verbose_each_file(sound, root, capsys):
    assert run(["compile", "-C", str(sound), "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(["compile", "-C", str(root), "-q"]) == 1
    assert "error[PHX" in capsys.readouterr().err
    file = sound / TENANT
    file.write_text(file.read_text().replace("class: namespace", "class: shared"))
    assert run(["compile", "-C", str(sound), "-v"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "- generated/main/main/tenancy/shop/resourcequota-tenant.yaml" in lines
    assert any(line.startswith("~ generated/main/main/rules/") for line in lines)


def test_a_bug_of_ours_is_3_with_a_log(sound, capsys, monkeypatch, tmp_path):
    def explode(*_):
        raise ZeroDivisionError("a planted bug")

    monkeypatch.setattr("phoenix_gitops.front.run_front", explode)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(["validate", "-C", str(sound)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("phoenix has a bug: ZeroDivisionError: a planted bug\n")
    assert "Traceback" not in err
    (log,) = tmp_path.glob("phoenix-crash-*.log")
    assert str(log) in err
    text = log.read_text()
    assert "Traceback" in text
    assert "in explode" in text
    assert text.startswith("phoenix-gitops 0.1.0, Python 3.")


def test_an_interrupt_is_130(sound, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("phoenix_gitops.front.run_front", interrupted)
    assert run(["validate", "-C", str(sound)]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_a_reader_that_goes_away_is_no_fault(sound):
    child = subprocess.Popen(
        [sys.executable, "-m", "phoenix_gitops", "show", "resolved", "Environment/main", "-C", str(sound)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait() == 0
    assert err == b""


def on_a_terminal(arguments, **environ):
    """What `phoenix` writes to a terminal that is both its outputs, and its exit code."""
    ours, its = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    child = subprocess.Popen(
        [sys.executable, "-m", "phoenix_gitops", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        env={**kept, "TERM": "xterm", **environ},
    )
    os.close(its)
    shown = b""
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    finally:
        os.close(ours)
    return shown.decode(), child.wait()


def test_colours_and_progress_only_on_a_terminal(root, sound, capfd):
    shown, code = on_a_terminal(["validate", "-C", root])
    assert code == 1
    assert "\x1b[1;31merror[PHX" in shown
    shown, code = on_a_terminal(["compile", "-C", sound])
    assert code == 0
    assert "compiling main: 0 %" in shown
    assert shown.rindex("\x1b[K") > shown.rindex("compiling main"), "the line of progress is wiped"
    for arguments in (["validate", "-C", root], ["compile", "-C", sound]):
        child = subprocess.run([sys.executable, "-m", "phoenix_gitops", *arguments], capture_output=True, check=False)
        assert b"\x1b" not in child.stdout + child.stderr
        assert b"compiling main" not in child.stdout + child.stderr


@pytest.mark.parametrize(
    ("environ", "arguments", "colored"),
    [
        ({"NO_COLOR": "1"}, [], False),
        ({"TERM": "dumb"}, [], False),
        ({}, ["--color", "never"], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
    ],
)
def test_colours_can_be_refused(root, environ, arguments, colored):
    shown, _ = on_a_terminal(["validate", "-C", root, *arguments], **environ)
    assert "error" in shown
    assert ("\x1b[1;31m" in shown) is colored


def test_colours_can_be_asked_for_in_a_pipe(root, capsys):
    run(["validate", "-C", str(root), "--color", "always"])
    assert "\x1b[1;31merror[PHX" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell, capsys):
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_PHOENIX_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("phoenix com", {"compile", "completion"}),
        ("phoenix compile --ch", {"--check"}),
        ("phoenix validate --format s", {"sarif"}),
        ("phoenix schema sh", {"show"}),
    ],
)
def test_completion_offers_what_fits(words, offered):
    environ = {
        **os.environ,
        "_PHOENIX_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "phoenix_gitops"], env=environ, capture_output=True, text=True, check=True
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered


def test_bash_takes_the_completion_script(capsys):
    run(["completion", "bash"])
    script = capsys.readouterr().out
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\ncomplete -p phoenix"], capture_output=True, text=True, check=False
    )
    assert "-F _phoenix_completion phoenix" in done.stdout, done.stderr


def test_hooks_of_pre_commit_are_commands_of_ours():
    hooks = yaml.safe_load((Path(__file__).parent.parent / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["phoenix-fmt", "phoenix-validate", "phoenix-compile"]
    for hook in hooks:
        program, word, *arguments = hook["entry"].split()
        assert program == "phoenix"
        COMMANDS[word,].make_context(word, arguments)
        touched = re.compile(hook["files"])
        assert all(touched.search(path) for path in ("phoenix.yaml", "environments/a.yaml", "policies/t/a.yaml"))
        assert not touched.search("docs/phoenix.yaml.md")


def test_committed_schemas_are_what_the_models_say(capsys):
    folder = Path(__file__).parent.parent / "schemas"
    assert run(["schema", "write", str(folder), "--check"]) == 0
    assert capsys.readouterr().out == "the schemas are up to date\n"


def test_init_keeps_files_and_says_what_it_cannot_write(tmp_path, capsys):
    (tmp_path / "README.md").write_text("mine\n")
    assert run(["init", str(tmp_path)]) == 0
    assert "1 files were there already" in capsys.readouterr().out
    assert (tmp_path / "README.md").read_text() == "mine\n"
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "environments").write_text("a file\n")
    assert run(["init", str(blocked)]) == 2
    assert f"cannot write {blocked}/environments/main.yaml" in capsys.readouterr().err


def test_show_input_and_writes(tmp_path, capsys):
    """The two stages that stand between policies and files: what guardrails see, and what would be written."""
    root = Path(shutil.copytree(SMALL, tmp_path / "small", ignore=shutil.ignore_patterns("expected")))
    assert run(["show", "input", "-e", "main", "-C", str(root), "-q"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["environment"]["name"], sorted(seen["tenants"])) == ("main", ["billing", "search", "shop"])
    assert run(["show", "writes", "-C", str(root), "-q"]) == 0
    before = capsys.readouterr().out.splitlines()[1:]
    assert len(before) > 50
    assert all(line.startswith("create  generated/") for line in before)
    assert run(["compile", "-C", str(root), "-q"]) == 0
    capsys.readouterr()
    assert run(["show", "writes", "-C", str(root), "-q"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == []
