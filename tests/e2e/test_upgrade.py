"""`phoenix upgrade`: another compiler against this one, and the next ring for another collector."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from phoenix_gitops import __version__
from phoenix_gitops.__main__ import run
from phoenix_gitops.collector.versions import V0_152, V0_159
from phoenix_gitops.compilers import compiler

pytestmark = pytest.mark.proof

REPOSITORY = Path(__file__).parents[2]
PATCH, NEXT = "0.1.1", "0.2.0"
DIGEST = "sha256:" + "d" * 64


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def second_checkout(folder: Path, version: str, *changes: tuple[str, str, str]) -> Path:
    """Our sources once more as another version, with something changed in them; gives its program."""
    for part in ("phoenix_gitops", "templates", "schemas", "docs/codes"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "crds"))
    for path, old, new in (("phoenix_gitops/__init__.py", f'"{__version__}"', f'"{version}"'), *changes):
        text = (folder / path).read_text()
        assert old in text, f"{path} has no {old!r}"
        (folder / path).write_text(text.replace(old, new))
    run = f'exec "{sys.executable}" -P -m phoenix_gitops "$@"'
    return program(folder / "bin/phoenix", f'PYTHONPATH="{folder}" {run}')


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A patch release whose output is that of this version."""
    return second_checkout(tmp_path_factory.mktemp("patch"), PATCH)


@pytest.fixture(scope="module")
def restarting(tmp_path_factory):
    """A patch release whose gateway has another grace period, so that its pods restart."""
    template = REPOSITORY / "templates/ingest/deployment.yaml.j2"
    (line,) = (one for one in template.read_text().splitlines() if "terminationGracePeriodSeconds" in one)
    key = line[: line.index("termination")] + "terminationGracePeriodSeconds: 77"
    return second_checkout(
        tmp_path_factory.mktemp("restarting"), PATCH, ("templates/ingest/deployment.yaml.j2", line, key)
    )


def test_a_release_that_changes_nothing(checkout, other):
    before = (checkout.root / "phoenix.yaml").read_text()
    said = checkout.phoenix("upgrade", "--to", PATCH, "--compiler", str(other))
    assert said.code == 0, said.err
    assert said.out.splitlines()[:3] == [f"compiler {__version__} -> {PATCH}", "", "nothing changes in meaning"]
    assert f"+  version: {PATCH}" in said.out
    assert (checkout.root / "phoenix.yaml").read_text() == before, "nothing is written unasked"
    assert not (checkout.root / "generated").exists()


def test_a_patch_release_that_restarts_pods_is_told_so(checkout, restarting):
    said = checkout.phoenix("upgrade", "--to", PATCH, "--compiler", str(restarting))
    assert said.code == 0, said.err
    assert "a patch release should restart no pod, and this one restarts 2: report it\n" in said.out
    assert "2 workloads will restart" in said.out
    lines = said.out.splitlines()
    groups = [line for line in lines if line.startswith("~ ") and "changed (" in line]
    assert groups[0].endswith("restarts")
    assert any("terminationGracePeriodSeconds" in line and "-> 77" in line for line in lines)
    machine = json.loads(
        checkout.phoenix("upgrade", "--to", PATCH, "--compiler", str(restarting), "--format", "json").out
    )
    assert machine["summary"]["restarts"] == 2
    comment = checkout.phoenix("upgrade", "--to", PATCH, "--compiler", str(restarting), "--format", "markdown")
    assert comment.out.startswith("<!-- phoenix diff -->\n")
    assert f"compiler {__version__} -> {PATCH}" in comment.err


def test_fail_on_writes_nothing_and_write_keeps_comments(checkout, restarting):
    checkout.replace("phoenix.yaml", f"  version: {__version__}", f"  version: {__version__}  # the compiler")
    before = (checkout.root / "phoenix.yaml").read_text()
    arguments = ("upgrade", "--to", PATCH, "--compiler", str(restarting), "--write")
    failed = checkout.phoenix(*arguments, "--fail-on", "restart")
    assert (failed.code, "the change is restart (2) (--fail-on), so nothing is written" in failed.err) == (1, True)
    assert (checkout.root / "phoenix.yaml").read_text() == before
    done = checkout.phoenix(*arguments, "--fail-on", "destructive")
    assert done.code == 0, done.err
    assert done.out.endswith("\nwritten: phoenix.yaml; look at it, compile and open a pull request\n")
    after = (checkout.root / "phoenix.yaml").read_text()
    assert after == before.replace(f"version: {__version__}  #", f"version: {PATCH}  #")
    refused = checkout.phoenix("validate")
    assert (refused.code, "PHX504" in refused.err) == (1, True), "from now on the other one compiles"


def test_the_newer_compiler_may_be_the_one_that_asks(checkout, tmp_path):
    """A platform of an older version, this compiler, and the former one: what is old and new is the same."""
    template = "templates/tenancy/resourcequota.yaml.j2"
    former = second_checkout(tmp_path / "former", "0.0.9", (template, "spec:\n", "spec:\n  scopes: [NotTerminating]\n"))
    checkout.replace("phoenix.yaml", f"version: {__version__}", "version: 0.0.9")
    said = checkout.phoenix("upgrade", "--to", __version__, "--compiler", str(former))
    assert said.code == 0, said.err
    assert said.out.startswith(f"compiler 0.0.9 -> {__version__}\n")
    assert f"+  version: {__version__}" in said.out
    assert "    - spec.scopes" in said.out, "what the former one has and this one has not goes"
    neither = checkout.phoenix("upgrade", "--to", NEXT, "--compiler", str(former))
    assert neither.code == 2
    assert f"asks for compiler 0.0.9, you for {NEXT}, and this is {__version__}: run one of those two" in neither.err


def test_what_is_added_and_what_is_taken_away_is_not_mixed_up(checkout, tmp_path):
    template = "templates/tenancy/resourcequota.yaml.j2"
    more = second_checkout(tmp_path / "more", NEXT, (template, "spec:\n", "spec:\n  scopes: [NotTerminating]\n"))
    said = checkout.phoenix("upgrade", "--to", NEXT, "--compiler", str(more))
    assert said.code == 0, said.err
    assert "    + spec.scopes" in said.out, said.out
    assert "a patch release" not in said.out


def test_a_compiler_that_refuses_and_one_of_another_version(checkout, other, tmp_path):
    refusing = program(
        tmp_path / "refusing",
        f'[ "$1" = --version ] && {{ echo "phoenix, version {NEXT}"; exit; }}\n'
        'echo "error[PHX202]: no such field" >&2; exit 1',
    )
    said = checkout.phoenix("upgrade", "--to", NEXT, "--compiler", str(refusing))
    assert (said.code, said.out) == (2, "")
    assert f"error[PHX919]: compiler `{NEXT}` does not compile these policies\n" in said.err
    assert "it said: error[PHX202]: no such field" in said.err
    wrong = checkout.phoenix("upgrade", "--to", NEXT, "--compiler", str(other))
    assert wrong.code == 2
    assert f"error[PHX920]: `{other}` is compiler `{PATCH}`, and `{NEXT}` is asked for\n" in wrong.err
    for given, message in (
        (tmp_path / "nothing", f"`{tmp_path / 'nothing'}` is neither a program nor a virtual environment with"),
        (program(tmp_path / "mute", "exit 3"), f"`{tmp_path / 'mute'}` does not say which compiler it is"),
    ):
        missing = checkout.phoenix("upgrade", "--to", NEXT, "--compiler", str(given))
        assert (missing.code, f"error[PHX918]: {message}" in missing.err) == (2, True), missing.err
        assert f"other/bin/pip install phoenix-gitops=={NEXT}" in missing.err


def test_an_environment_is_a_compiler_too_and_uvx_brings_one(checkout, other, tmp_path, monkeypatch):
    environment = checkout.phoenix("upgrade", "--to", PATCH, "--compiler", str(other.parent.parent))
    assert environment.code == 0, environment.err
    log = tmp_path / "asked"
    program(tmp_path / "path/uvx", f'echo "$1 $2 $3" >> "{log}"; shift 3; exec "{other}" "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}{os.environ['PATH']}")
    assert checkout.phoenix("upgrade", "--to", PATCH).code == 0
    assert set(log.read_text().splitlines()) == {f"--from phoenix-gitops=={PATCH} phoenix"}


def test_pip_brings_one_and_it_is_kept(other, tmp_path):
    """From a folder of wheels in place of a registry, and without any."""
    environ = {**os.environ, "PATH": "/usr/bin:/bin", "PHOENIX_CACHE": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"}
    none = compiler(PATCH, environ=environ)
    (found,) = none.diagnostics
    assert (found.code, found.message) == ("PHX918", f"compiler `{PATCH}` is not at hand, and cannot be installed")
    assert f"No matching distribution found for phoenix-gitops=={PATCH}" in found.notes[0]
    assert list((tmp_path / "cache/compilers").iterdir()) == [], "what failed leaves nothing"
    info = f"phoenix_gitops-{PATCH}.dist-info"
    start = f"import os, sys\nos.execv({str(other)!r}, [{str(other)!r}, *sys.argv[1:]])\n"
    with zipfile.ZipFile(tmp_path / f"phoenix_gitops-{PATCH}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("phoenix_gitops/__init__.py", "")
        wheel.writestr("phoenix_gitops/__main__.py", start)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: phoenix-gitops\nVersion: {PATCH}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    brought = compiler(PATCH, environ={**environ, "PIP_FIND_LINKS": str(tmp_path)})
    assert brought.value is not None, brought.diagnostics
    assert brought.value.version == PATCH
    kept = compiler(PATCH, environ=environ)
    assert kept.value == brought.value, "the second time nothing is installed"


RINGS = """\
  rings: [canary, stable]
  catalog:
    collector: {repository: r.example.com/otelcol, tag: 0.152.1}  # all of them
"""


@pytest.fixture
def fleet(pair):
    """Two environments in two rings, on the older collector."""
    with (pair.root / "phoenix.yaml").open("a") as file:
        file.write(RINGS)
    for name, ring in (("main", "stable"), ("other", "canary")):
        pair.replace(f"environments/{name}.yaml", "spec:\n", f"spec:\n  ring: {ring}\n")
    pair.commit("rings")
    return pair


def versions(checkout):
    checkout.capsys.readouterr()
    assert run(["-C", str(checkout.root), "show", "versions", "--format", "json"]) == 0
    shown = json.loads(checkout.capsys.readouterr().out)["versions"]
    return {row["environment"]: row["image"].removeprefix("r.example.com/otelcol:") for row in shown}


def test_one_pull_request_a_ring_and_the_last_one_tidies_up(fleet):
    first = fleet.phoenix("upgrade", "collector", "--to", "0.159.0", "--digest", DIGEST, "--write")
    assert first.code == 0, first.err
    lines = first.out.splitlines()
    assert lines[0] == "ring `canary`: collector 0.152.1 -> 0.159.0 in other"
    renamed = dict(line.strip().replace("`", "").partition(",")[0].split(" is ") for line in lines if "` is `" in line)
    assert renamed["loadbalancing"] == "load_balancing"
    old = "otelcol_processor_refused_metric_points_total"
    assert renamed[old] == old.replace("processor", "processor_memory_limiter")
    assert renamed.keys() <= set(V0_159.renames(V0_152)), "words of configs and rules, as far as they are in use"
    assert "in main" not in first.out, "the other ring stays as it is"
    assert versions(fleet) == {"other": f"0.159.0@{DIGEST}", "main": "0.152.1"}
    assert "# all of them" in (fleet.root / "phoenix.yaml").read_text()

    second = fleet.phoenix("upgrade", "collector", "--to", "0.159.0", "--write")
    assert second.out.startswith("ring `stable`: collector 0.152.1 -> 0.159.0 in main\n")
    assert versions(fleet) == dict.fromkeys(("other", "main"), f"0.159.0@{DIGEST}"), "with the digest that was tried"
    text = (fleet.root / "phoenix.yaml").read_text()
    assert "byRing" not in text
    assert "# all of them" in text
    assert fleet.phoenix("validate").code == 0
    third = fleet.phoenix("upgrade", "collector", "--to", "0.159.0", "--write")
    assert (third.code, third.out) == (0, "collector 0.159.0 runs in every environment: nothing to do\n")


def test_back_goes_the_last_ring_first(fleet):
    fleet.replace("phoenix.yaml", "0.152.1", "0.159.0")
    for ring, expected in (
        ("stable", {"other": "0.159.0", "main": "0.152.1"}),
        ("canary", {"other": "0.152.1", "main": "0.152.1"}),
    ):
        said = fleet.phoenix("upgrade", "collector", "--to", "0.152.1", "--write")
        assert said.out.startswith(f"ring `{ring}`: collector 0.159.0 -> 0.152.1 in "), said.err
        assert versions(fleet) == expected
    assert "byRing" not in (fleet.root / "phoenix.yaml").read_text()


def test_environments_in_no_ring_go_last_and_move_nobody_else(fleet):
    fleet.replace("environments/main.yaml", "  ring: stable\n", "")
    fleet.phoenix("upgrade", "collector", "--to", "0.159.0", "--write")
    assert versions(fleet) == {"other": "0.159.0", "main": "0.152.1"}
    back = fleet.phoenix("upgrade", "collector", "--to", "0.152.1", "--write")
    assert back.out.startswith("ring `canary`: "), back.err
    fleet.replace("phoenix.yaml", "0.152.1", "0.159.0")
    last = fleet.phoenix("upgrade", "collector", "--to", "0.152.1", "--write")
    assert last.out.startswith("what is in no ring: collector 0.159.0 -> 0.152.1 in main\n"), last.err
    assert versions(fleet) == {"other": "0.159.0", "main": "0.152.1"}


def test_what_cannot_be_is_refused_before_anything_is_written(fleet):
    before = (fleet.root / "phoenix.yaml").read_text()

    def said(*arguments):
        one = fleet.phoenix("upgrade", *arguments)
        assert (fleet.root / "phoenix.yaml").read_text() == before
        return one.code, one.err

    code, err = said("collector", "--to", "0.159.0", "--ring", "stable", "--write")
    assert (code, "PHX526" in err) == (1, True)
    code, err = said("collector", "--to", "0.160.0", "--write")
    assert (code, "PHX630" in err) == (1, True)
    code, err = said("collector", "--to", "0.159.0", "--ring", "canray")
    assert (code, "no environment is in a ring 'canray'; did you mean 'canary'?" in err) == (2, True)
    code, err = said("collector", "--to", "0.159.0", "--fail-on", "restart", "--write")
    assert (code, "(--fail-on), so nothing is written" in err) == (1, True)
    assert said("collector", "--to", "0.159.0", "--compiler", "x")[0] == 2
    assert said("--to", NEXT, "--ring", "canary")[0] == 2
    assert said("--to", __version__) == (0, "")
    assert said("collector", "--to", "0.159.0", "--ring", "canary")[0] == 0, "a look writes nothing"


def test_the_digest_of_another_version_is_not_taken_over(fleet):
    fleet.replace("phoenix.yaml", "tag: 0.152.1}", f'tag: 0.152.1, digest: "{DIGEST}"}}')
    said = fleet.phoenix("upgrade", "collector", "--to", "0.159.0", "--write")
    assert "its image has no digest any more: --digest gives it\n" in said.out, said.err
    assert versions(fleet) == {"other": "0.159.0", "main": f"0.152.1@{DIGEST}"}
