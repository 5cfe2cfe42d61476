"""Finding external programs: order, versions, and what is said when one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_gitops import tools
from phoenix_gitops.diagnostics import Diagnostic, Outcome


def program(path: Path, says: str = "cue version v0.17.1", code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"PHOENIX_CACHE": str(tmp_path / "cache"), "PATH": str(tmp_path / "bin"), **more}


def refusal(outcome: Outcome[tools.Tool | None]) -> Diagnostic:
    assert outcome.value is None
    (diagnostic,) = outcome.diagnostics
    assert diagnostic.help == tools.PROGRAMS["cue"].hint
    return diagnostic


def test_variable_beats_cache_beats_path(tmp_path: Path) -> None:
    given = program(tmp_path / "given" / "any-name")
    cached = program(tmp_path / "cache/tools/cue/0.17.1/cue")
    on_path = program(tmp_path / "bin/cue")
    found = tools.find("cue", environ(tmp_path, PHOENIX_CUE=str(given)))
    assert found is not None
    assert (found.path, found.source) == (given, "PHOENIX_CUE")
    found = tools.find("cue", environ(tmp_path))
    assert found is not None
    assert (found.path, found.source) == (cached, "cache")
    cached.unlink()
    found = tools.find("cue", environ(tmp_path))
    assert found is not None
    assert (found.path, found.source) == (on_path, "PATH")
    on_path.unlink()
    assert tools.find("cue", environ(tmp_path)) is None


def test_the_newest_of_the_cache_wins_by_number(tmp_path: Path) -> None:
    for version in ("0.9.2", "0.17.1", "0.17"):
        program(tmp_path / f"cache/tools/cue/{version}/cue")
    (tmp_path / "cache/tools/cue/0.99.0").mkdir()
    program(tmp_path / "cache/tools/cue/0.98.0/cue").chmod(0o644)
    program(tmp_path / "cache/tools/cue/newest/cue")
    found = tools.find("cue", environ(tmp_path))
    assert found is not None
    assert found.path == tmp_path / "cache/tools/cue/0.17.1/cue"


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"PHOENIX_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/phoenix-gitops"),
        ({"XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/phoenix-gitops"),
    ],
)
def test_the_cache_is_where_set_up_puts_it(variables: dict[str, str], folder: str) -> None:
    assert tools.cache_dir(variables) == Path(folder)


def test_what_is_there_and_new_enough_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "bin/cue", "cue version v0.17.0\n\nGo version go1.26.8")
    outcome = tools.require("cue", environ(tmp_path))
    assert outcome.diagnostics == ()
    assert outcome.value is not None
    assert tools.version_of(outcome.value) == (0, 17, 0)


def test_missing(tmp_path: Path) -> None:
    diagnostic = refusal(tools.require("cue", environ(tmp_path)))
    assert diagnostic.code == "PHX931"
    assert diagnostic.message == "`cue`, which runs policies/guardrails/, is not installed"


def test_a_variable_that_names_nothing_is_not_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin/cue")
    diagnostic = refusal(tools.require("cue", environ(tmp_path, PHOENIX_CUE="/nowhere/cue")))
    assert (diagnostic.code, diagnostic.message) == (
        "PHX931",
        "`PHOENIX_CUE` names `/nowhere/cue`, which is no program",
    )


def test_too_old(tmp_path: Path) -> None:
    path = program(tmp_path / "bin/cue", "cue version v0.9.2")
    diagnostic = refusal(tools.require("cue", environ(tmp_path)))
    assert (diagnostic.code, diagnostic.message) == (
        "PHX932",
        f"`{path}` is cue 0.9.2, and at least 0.17 is needed",
    )


@pytest.mark.parametrize(("says", "code"), [("an accounting program", 0), ("cue version v0.17.1", 1)])
def test_broken(tmp_path: Path, says: str, code: int) -> None:
    path = program(tmp_path / "bin/cue", says, code)
    diagnostic = refusal(tools.require("cue", environ(tmp_path)))
    assert (diagnostic.code, diagnostic.message) == (
        "PHX933",
        f"`{path}` does not run, or does not say its version",
    )


def test_what_cannot_be_executed_is_broken(tmp_path: Path) -> None:
    path = program(tmp_path / "bin/cue")
    path.write_bytes(b"\x7fELF nonsense")
    assert refusal(tools.require("cue", environ(tmp_path))).code == "PHX933"


@pytest.mark.parametrize(
    ("name", "says", "version"),
    [
        ("git", "git version 2.39.5", (2, 39, 5)),
        ("promtool", "promtool, version 2.42.0+ds (branch: debian/sid)\n  go version: go1.19.8", (2, 42, 0)),
        ("vmalert", "vmalert-20230114-005523-tags-v1.79.5-0-gc9f5b2e", (1, 79, 5)),
        ("vmalert", "", ()),
    ],
)
def test_versions_as_the_programs_say_them(tmp_path: Path, name: str, says: str, version: tuple[int, ...]) -> None:
    program(tmp_path / "bin" / name, says)
    outcome = tools.require(name, environ(tmp_path))
    assert outcome.value is not None
    assert tools.version_of(outcome.value) == version


def test_a_silent_build_in_the_cache_is_of_the_version_it_is_filed_under(tmp_path: Path) -> None:
    program(tmp_path / "cache/tools/vmalert/1.79.5/vmalert", "")
    outcome = tools.require("vmalert", environ(tmp_path))
    assert outcome.value is not None
    assert tools.version_of(outcome.value) == (1, 79, 5)


def test_the_hint_names_the_pinned_cue() -> None:
    pinned = Path(__file__).resolve().parents[2] / "tools" / "cue" / "go.mod"
    (line,) = [line for line in pinned.read_text().splitlines() if "cuelang.org/go v" in line]
    assert f"cuelang.org/go/cmd/cue@{line.split()[1 if line.startswith(chr(9)) else 2]}" in tools.PROGRAMS["cue"].hint


def test_what_is_called_otherwise_on_path_is_found_the_better_one_first(tmp_path: Path) -> None:
    core = program(tmp_path / "bin/otelcol", "otelcol version 0.159.0")
    found = tools.find("otelcol", environ(tmp_path))
    assert found is not None
    assert found.path == core
    contrib = program(tmp_path / "bin/otelcol-contrib", "otelcol-contrib version 0.159.0")
    found = tools.find("otelcol", environ(tmp_path))
    assert found is not None
    assert (found.path, found.source) == (contrib, "PATH")


def test_a_hint_says_how_and_how_else() -> None:
    assert tools.PROGRAMS["vmalert-tool"].hint == (
        "install the vmutils of VictoriaMetrics, or set PHOENIX_VMALERT_TOOL to one of at least 1.90"
    )
