"""Cases are folders: a good one compiles, a bad one prints its golden text.

A bad case holds only what differs from `tests/cases/bad/_base`, a small sound platform; `expected.txt` is what a
person sees. `DELETE` lists files of the base that the case does without, `LINKS` symbolic links (`path -> target`)
that the test makes (names with escapes as in Python). A new case is a new folder, named after its code.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from phoenix_gitops import report
from phoenix_gitops.__main__ import run
from phoenix_gitops.codes import CODES
from phoenix_gitops.report import REPORTERS
from phoenix_gitops.tools import cache_dir

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases"
BAD = sorted(path for path in (CASES / "bad").iterdir() if path.name != "_base")
GOOD = sorted((CASES / "good").iterdir())
_OF_TEST = ("expected.txt", "DELETE", "LINKS")


def lay_out(case: Path, target: Path) -> Path:
    """The base with the case's files over it."""
    shutil.copytree(CASES / "bad" / "_base", target)
    for name in _lines(case / "DELETE"):
        (target / name).unlink()
        with contextlib.suppress(OSError):
            (target / name).parent.rmdir()
    shutil.copytree(case, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_OF_TEST))
    for line in _lines(case / "LINKS"):
        path, _, goal = line.encode().decode("unicode_escape").partition(" -> ")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).symlink_to(goal)
    return target


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    """Results of other runs are out of reach; the tools that set-up installed are not."""
    folder = tmp_path_factory.mktemp("cache")
    installed = cache_dir() / "tools"
    if installed.is_dir():
        (folder / "tools").symlink_to(installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOENIX_CACHE", str(folder))
        yield


class _Text(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def _location(path: Path):
    class Expected(_Text):
        @classmethod
        def get_location(cls, *, test_location, index):
            return str(path)

    return Expected


def _validate(root: Path, capsys, *options: str) -> tuple[int, str, str]:
    code = run(["validate", "-C", str(root), "--color", "never", *options])
    return (code, *capsys.readouterr())


_DRAWN = re.compile(r"^(error|warning|note)\[(PHX[0-9]{3})\]", re.MULTILINE)


@pytest.mark.parametrize("case", BAD, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore:(?s).*Can not relate snapshot")
def test_bad_case(case, tmp_path, capsys, snapshot, monkeypatch):
    root = lay_out(case, tmp_path / "repository")
    told = _listen(monkeypatch)
    code, _, shown = _validate(root, capsys)
    found = _DRAWN.findall(shown)
    assert code in ((1, 2) if "error" in dict(found) else (0,)), "an error must fail, a warning must not"
    assert case.name.split("-")[0] in [found_code for _, found_code in found], "the code that the case is named after"
    assert str(tmp_path) not in shown, "messages name files relative to the root"
    for name, codes in _CODES_OF.items():
        assert codes(REPORTERS[name](*told)) == [found_code for _, found_code in found], name
    assert shown == snapshot(extension_class=_location(case / "expected.txt"))


def _listen(monkeypatch) -> list[object]:
    """The diagnostics and sources that the next run shows, once it has."""
    told: list[object] = []

    def text(diagnostics, sources, *, color):
        told.extend((diagnostics, sources))
        return report.text.render(diagnostics, sources, color=color)

    monkeypatch.setitem(REPORTERS, "text", text)
    return told


_CODES_OF = {
    "concise": lambda text: re.findall(r"^(?:.*?: )?(?:error|warning|note)\[(PHX[0-9]{3})\]: ", text, re.MULTILINE),
    "json": lambda text: [d["code"] for d in json.loads(text)["diagnostics"]],
    "github": lambda text: re.findall(r"^::(?:error|warning|notice) .*?title=(PHX[0-9]{3}) ", text, re.MULTILINE),
    "sarif": lambda text: [result["ruleId"] for result in json.loads(text)["runs"][0]["results"]],
}
"""The codes in each format, in their order."""


@pytest.mark.parametrize("name", ["PHX105-not-a-mapping", "PHX711-invalid-label", "PHX611-template-unused"])
def test_every_format_is_written_where_its_reader_looks(name, tmp_path, capsys):
    root = lay_out(CASES / "bad" / name, tmp_path / "repository")
    code, _, shown = _validate(root, capsys)
    expected = [found_code for _, found_code in _DRAWN.findall(shown)]
    for form, codes in _CODES_OF.items():
        other, out, err = _validate(root, capsys, "--format", form)
        assert (other, codes(err if form == "concise" else out)) == (code, expected), form


@pytest.mark.parametrize("case", BAD, ids=lambda path: path.name)
def test_a_bad_case_is_not_written(case, tmp_path, capsys):
    root = lay_out(case, tmp_path / "repository")
    before = _tree(root)
    code = run(["compile", "-C", str(root), "--color", "never"])
    capsys.readouterr()
    written = {name for name in _tree(root) - before if not name.startswith(".phoenix/")}
    assert (written == set()) == (code != 0), "an error writes nothing, a warning is no hindrance"


def _tree(root: Path) -> set[str]:
    return {str(Path(folder, name).relative_to(root)) for folder, _, names in os.walk(root) for name in names}


def test_every_code_has_a_page_and_a_bad_case():
    pages = {path.stem for path in (ROOT / "docs" / "codes").glob("PHX*.md")}
    cases = {path.name for path in BAD}
    assert pages == set(CODES)
    slugs = {f"{row.code}-{row.slug}" for row in CODES.values()}
    assert sorted(slugs - cases - set(NO_CASE)) == []
    assert sorted(set(NO_CASE) & cases) == [], "shown by a case by now"
    assert sorted(set(NO_CASE) - slugs) == [], "no such code"


NO_CASE: dict[str, str] = {
    "PHX115-file-too-large": "tests/unit/test_source.py",
    "PHX116-too-many-values": "tests/unit/test_source.py",
    "PHX122-unreadable-file": "tests/unit/test_source_reading.py",
    "PHX124-too-many-files": "tests/unit/test_source_reading.py",
    "PHX126-not-in-normal-form": "tests/e2e/test_fmt.py",
    "PHX305-name-alike": "tests/unit/test_beginnings.py",
    "PHX408-guardrail-limit": "tests/unit/test_constraints.py",
    "PHX516-hold-is-over": "tests/unit/test_holds.py",
    "PHX693-override-is-over": "tests/unit/test_holds.py",
    "PHX696-trace-unreadable": "tests/unit/test_simulation.py",
    "PHX518-tenant-not-retired": "tests/unit/test_removals.py",
    "PHX519-environment-removed": "tests/unit/test_removals.py",
    "PHX533-component-given-up": "tests/unit/test_adoption.py",
    "PHX522-removed-too-early": "tests/unit/test_removals.py",
    "PHX523-account-lost": "tests/unit/test_removals.py",
    "PHX621-path-prefix": "tests/unit/test_serialise.py",
    "PHX631-unknown-collector-component": "tests/unit/collector/test_check.py",
    "PHX632-unknown-collector-key": "tests/unit/collector/test_check.py",
    "PHX633-collector-reference": "tests/unit/collector/test_check.py",
    "PHX634-collector-wrong-kind": "tests/unit/collector/test_check.py",
    "PHX635-collector-cycle": "tests/unit/collector/test_check.py",
    "PHX636-collector-order": "tests/unit/collector/test_check.py",
    "PHX638-queue-storage-missing": "tests/unit/collector/test_check.py",
    "PHX639-bare-dollar": "tests/unit/collector/test_check.py",
    "PHX641-probe-without-health-check": "tests/unit/collector/test_check.py",
    "PHX720-object-too-large": "tests/unit/verify/test_faults.py",
    "PHX745-name-clash": "tests/unit/verify/test_faults.py",
    "PHX751-damaged-schema": "tests/unit/verify/test_faults.py",
    "PHX760-crd-source-unreadable": "tests/unit/test_crds.py",
    "PHX761-no-crd-found": "tests/unit/test_crds.py",
    "PHX762-pattern-not-checked": "tests/unit/verify/test_faults.py",
    "PHX763-rule-not-evaluated": "tests/unit/test_crds.py",
    "PHX780-judge-refuses-rules": "tests/unit/judging/test_stage.py",
    "PHX781-rule-test-failed": "tests/unit/judging/test_stage.py",
    "PHX782-collector-does-not-start": "tests/unit/judging/test_stage.py",
    "PHX783-pipeline-breaks-policy": "tests/proof/test_phoenix_test.py",
    "PHX784-rule-test-proves-nothing": "tests/unit/judging/test_rule_tests.py",
    "PHX785-rule-without-test": "tests/unit/ruletests/test_files.py",
    "PHX801-edited-by-hand": "tests/unit/test_writes.py",
    "PHX802-foreign-file-in-the-way": "tests/unit/test_writes.py",
    "PHX804-empty-output": "tests/unit/test_writes.py",
    "PHX805-removed-environment-changed": "tests/unit/test_writes.py",
    "PHX806-not-a-folder": "tests/unit/test_files.py",
    "PHX807-write-failed": "tests/unit/test_files.py",
    "PHX808-interrupted-write-finished": "tests/unit/test_files.py",
    "PHX809-locked": "tests/unit/test_lock.py",
    "PHX810-out-of-date": "tests/unit/test_writes.py",
    "PHX811-output-unreadable": "tests/unit/test_files.py",
    "PHX812-changed-meanwhile": "tests/unit/test_files.py",
    "PHX813-journal-unreadable": "tests/unit/test_files.py",
    "PHX814-edit-kept": "tests/unit/test_writes.py",
    "PHX820-import-unreadable": "tests/e2e/test_import.py",
    "PHX821-not-carried-over": "tests/e2e/test_import.py",
    "PHX822-carried-over-changed": "tests/e2e/test_import.py",
    "PHX823-import-in-the-way": "tests/e2e/test_import.py",
    "PHX824-nothing-to-import": "tests/e2e/test_import.py",
    "PHX825-secret-in-clear-text": "tests/e2e/test_import_collectors.py",
    "PHX826-not-in-the-import": "tests/e2e/test_import_collectors.py",
    "PHX827-comes-out-otherwise": "tests/e2e/test_import_check.py",
    "PHX901-not-a-repository": "tests/unit/test_vcs.py",
    "PHX902-uncommitted-policies": "tests/unit/test_publish.py",
    "PHX903-no-commit": "tests/unit/test_publish.py",
    "PHX904-no-right-to-push": "tests/unit/test_publish.py",
    "PHX905-push-rejected": "tests/unit/test_publish.py",
    "PHX906-remote-unreachable": "tests/unit/test_publish.py",
    "PHX907-detached-head": "tests/unit/test_publish.py",
    "PHX908-branch-moved-on": "tests/unit/test_publish.py",
    "PHX909-already-newer": "tests/unit/test_publish.py",
    "PHX910-unknown-ref": "tests/unit/test_vcs.py",
    "PHX911-bad-branch-name": "tests/unit/test_publish.py",
    "PHX912-rolled-back": "tests/e2e/test_incidents.py",
    "PHX913-connection-lost": "tests/e2e/test_servers.py",
    "PHX914-git-failed": "tests/unit/test_vcs.py",
    "PHX916-remote-silent": "tests/e2e/test_servers.py",
    "PHX917-no-way-back": "tests/e2e/test_incidents.py",
    "PHX918-no-such-compiler": "tests/e2e/test_upgrade.py",
    "PHX919-other-compiler-refuses": "tests/e2e/test_upgrade.py",
    "PHX920-compiler-of-another-version": "tests/e2e/test_upgrade.py",
    "PHX921-argocd-unreachable": "tests/e2e/test_status_argocd.py",
    "PHX922-no-applications": "tests/e2e/test_status_argocd.py",
    "PHX931-missing-tool": "tests/unit/test_tools.py",
    "PHX932-tool-too-old": "tests/unit/test_tools.py",
    "PHX933-tool-broken": "tests/unit/test_tools.py",
    "PHX934-judge-without-verdict": "tests/unit/judging/test_stage.py",
    "PHX935-judge-of-another-version": "tests/unit/judging/test_stage.py",
    "PHX936-judge-lacks-component": "tests/unit/judging/test_stage.py",
}
"""Codes that no folder of policies can show, with the test that shows them instead."""


@pytest.mark.parametrize(("name", "file"), NO_CASE.items())
def test_a_code_without_a_case_is_in_a_test(name, file):
    assert re.search(rf'["\[]{name.partition("-")[0]}["\]]', (ROOT / file).read_text())
