"""The programs that we build: what is pinned, and that a build is done once, whole, and again when its lock changes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.tools import PROGRAMS
from scripts import get_tool

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "get_tool.py"
FAKE_GO = """#!/bin/sh
# Go as far as our scripts see it: `go env GOVERSION`, and `go build ... -o FILE PACKAGE`.
if [ "$1" = env ]; then echo go1.99.0; exit 0; fi
echo "$CGO_ENABLED $GOTOOLCHAIN $GOFLAGS $(cksum <go.sum): $@" >>"$LOG"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho part' >"$2"
[ -z "$SLOW" ] || { touch "$SLOW"; sleep 60; }
[ -z "$FAILS" ] || { echo "go: downloading a v1.0.0" >&2; echo "a.go:1: no such thing" >&2; exit 1; }
chmod +x "$2"
"""


def minimum_go() -> tuple[int, ...]:
    (said,) = re.findall(r"^MINIMUM=([0-9.]+)$", (ROOT / "scripts" / "get-go").read_text(), re.MULTILINE)
    return numbers(said)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def modules() -> list[Path]:
    return sorted(get_tool.TOOLS.glob("**/go.mod"))


def test_what_is_built_is_what_is_looked_for() -> None:
    assert {recipe.name for recipe in get_tool.RECIPES} == set(PROGRAMS) - {"git"}


def test_every_module_is_built_from_and_has_its_lock_file() -> None:
    used = {get_tool.TOOLS / recipe.folder / "go.mod" for recipe in (*get_tool.RECIPES, get_tool.BUILDER)}
    assert used == set(modules())
    assert all(path.with_name("go.sum").is_file() for path in modules())


def test_versions_are_those_that_the_makers_count() -> None:
    versions = {recipe.name: recipe.version for recipe in get_tool.RECIPES}
    assert versions["promtool"] == versions["prometheus"] == "3.16.0"
    assert versions["kube-apiserver"] == versions["kube-controller-manager"]
    for recipe in get_tool.RECIPES:
        assert numbers(recipe.version) >= PROGRAMS[recipe.name].minimum, recipe.name


def test_the_go_that_is_taken_can_build_every_module() -> None:
    needed = [numbers(re.search(r"^go ([0-9.]+)$", path.read_text(), re.MULTILINE)[1]) for path in modules()]
    assert minimum_go() == max(needed)


@pytest.mark.parametrize("version", get_tool.collector_versions())
def test_a_collector_has_the_components_of_its_table_and_no_other(version: str) -> None:
    manifest = yaml.safe_load((get_tool.TOOLS / "otelcol" / version / "manifest.yaml").read_text())
    built = {
        (kind, line["gomod"].split()[0].rpartition("/")[2].removesuffix(kind.removesuffix("s")))
        for kind in Kind
        for line in manifest[kind]
    }
    assert built == {(kind, type_.replace("_", "")) for kind, type_ in VERSIONS[version].components}
    assert manifest["dist"]["version"] == version


def test_there_is_a_collector_for_each_table() -> None:
    assert get_tool.collector_versions() == sorted(VERSIONS, key=numbers)


@pytest.mark.parametrize("version", get_tool.collector_versions())
def test_the_lock_file_of_a_collector_has_the_versions_of_its_manifest(version: str) -> None:
    folder = get_tool.TOOLS / "otelcol" / version
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    wanted = {line["gomod"] for lines in manifest.values() if isinstance(lines, list) for line in lines}
    required = set(re.findall(r"^\t(\S+ v\S+)", (folder / "go.mod").read_text(), re.MULTILINE))
    assert wanted - required == set()
    assert not (folder / "go.mod").read_text().count("replace")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a Go that only pretends."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(0o755)
    for name, value in {
        "PATH": f"{go.parent}{os.pathsep}{os.environ['PATH']}",
        "PHOENIX_CACHE": str(tmp_path / "cache"),
        "LOG": str(tmp_path / "log"),
        "SLOW": "",
        "FAILS": "",
    }.items():
        monkeypatch.setenv(name, value)
    for program in PROGRAMS.values():
        monkeypatch.delenv(program.variable, raising=False)
    return tmp_path


def builds(machine: Path) -> list[str]:
    log = machine / "log"
    return log.read_text().splitlines() if log.is_file() else []


def files(machine: Path, name: str) -> list[str]:
    return sorted(path.name for path in (machine / "cache" / "tools" / name).glob("*/*"))


def test_a_program_is_built_once(machine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    version = next(recipe.version for recipe in get_tool.RECIPES if recipe.name == "kube-apiserver")
    path = machine / "cache/tools/kube-apiserver" / version / "kube-apiserver"
    for _ in range(2):
        assert get_tool.main(["kube-apiserver"]) == 0
        assert capfd.readouterr().out == f"{path}\n"
    (build,) = builds(machine)
    major, minor, _ = version.split(".")
    assert (
        f"-ldflags=-s -X k8s.io/component-base/version.gitVersion=v{version}"
        f" -X k8s.io/component-base/version.gitMajor={major} -X k8s.io/component-base/version.gitMinor={minor} -o"
    ) in build
    assert files(machine, "kube-apiserver") == ["built-from", "kube-apiserver"]


def test_another_lock_of_the_same_version_builds_anew(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(get_tool.TOOLS / "etcd", machine / "tools" / "etcd")
    monkeypatch.setattr(get_tool, "TOOLS", machine / "tools")
    for number in (1, 2):
        assert get_tool.main(["etcd"]) == 0
        assert get_tool.main(["etcd"]) == 0
        assert len(builds(machine)) == number
        with (machine / "tools" / "etcd" / "go.sum").open("a") as lock:
            lock.write("example.com/another v1.0.0 h1:AAAA=\n")


def test_a_program_that_vanished_is_built_anew(machine: Path) -> None:
    assert get_tool.main(["etcd"]) == 0
    next((machine / "cache/tools/etcd").glob("*/etcd")).unlink()
    assert get_tool.main(["etcd"]) == 0
    assert len(builds(machine)) == 2


def test_a_build_that_fails_is_tried_twice_and_leaves_nothing(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAILS", "1")
    assert get_tool.main(["sloth"]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert re.sub(r"\b\d+(\.\d+)*", "N", said.err.partition("  Go's")[0]) == (
        "building sloth N (N of N)\na.go:N: no such thing\na.go:N: no such thing\nerror: sloth N could not be built\n"
    )
    assert "or set PHOENIX_SLOTH to a program of that version" in said.err
    assert len(builds(machine)) == 2
    assert files(machine, "sloth") == []


def test_a_killed_build_leaves_nothing_that_looks_installed(machine: Path) -> None:
    started = machine / "started"
    child = subprocess.Popen(
        [sys.executable, SCRIPT, "etcd"],
        env=os.environ | {"SLOW": str(started)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not started.exists():
        assert time.monotonic() < deadline, "the build did not start"
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    (left,) = files(machine, "etcd")
    assert left.startswith(".part-")
    assert get_tool.main(["etcd"]) == 0
    assert {"built-from", "etcd"} <= set(files(machine, "etcd"))


def test_a_collector_is_built_from_generated_sources_and_our_lock(machine: Path) -> None:
    """Every version of it, and first the program that generates them."""
    assert get_tool.main(["otelcol"]) == 0
    versions = get_tool.collector_versions()
    locks = [get_tool.TOOLS / "collector-builder", *(get_tool.TOOLS / "otelcol" / version for version in versions)]
    sums = [subprocess.check_output(["cksum"], input=(lock / "go.sum").read_bytes()).decode().strip() for lock in locks]
    done = builds(machine)
    assert [line.partition(": ")[0] for line in done] == [
        f"0 local -mod=readonly -buildvcs=false {sum_}" for sum_ in sums
    ]
    assert [line.rpartition(" ")[2] for line in done] == [get_tool.BUILDER.package, *("." for _ in versions)]
    assert files(machine, "otelcol") == sorted(["built-from", "otelcol"] * len(versions))


def test_a_program_that_is_named_is_taken_as_it_is(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PHOENIX_ETCD", str(machine / "bin" / "go"))
    assert get_tool.main(["etcd"]) == 0
    assert capsys.readouterr().out == f"{machine / 'bin' / 'go'}\n"
    monkeypatch.setenv("PHOENIX_ETCD", str(machine))
    assert get_tool.main(["etcd"]) == 2
    assert f"PHOENIX_ETCD names {machine}, which is no program" in capsys.readouterr().err
    assert builds(machine) == []


def test_all_programs_are_named_by_their_variables(machine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert get_tool.main(["--exports"]) == 0
    cache = machine / "cache" / "tools"
    newest = {recipe.name: recipe.version for recipe in get_tool.RECIPES}
    assert capfd.readouterr().out.splitlines() == [
        f"export {PROGRAMS[name].variable}={cache}/{name}/{version}/{name}" for name, version in newest.items()
    ]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        get_tool.main(["etdc"])
    assert end.value.code == 2
    assert "no such program: etdc" in capsys.readouterr().err
