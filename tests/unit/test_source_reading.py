"""The walk and the reads: what is found, what is refused and said, and that nothing leads out of the root."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.source import folders as folders_module
from phoenix_gitops.source import list_policies, read_file, read_policies
from phoenix_gitops.source import reading as reading_module
from phoenix_gitops.source.text import MAX_BYTES


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def said(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str, str]]:
    return [(d.code, str(d.primary.span) if d.primary else "", d.message) for d in diagnostics]


def test_policies_are_read_sorted_with_their_texts(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "policies/b.yaml": "kind: B\n",
            "policies/a/z.yaml": "kind: Z\n",
            "policies/a.yaml": "kind: A\n",
            "policies/.hidden/h.yaml": "kind: H\n",
            "environments/dev.yaml": "\ufeff# é\n",
            "phoenix.yaml": "kind: Platform\r\n",
            "policies/guardrails/x.cue": "x: 1\n",
            "policies/README.md": "text\n",
            "other/o.yaml": "kind: O\n",
            "generated/g.yml": "kind: G\n",
        },
    )
    outcome = read_policies(tmp_path)
    files = [
        "environments/dev.yaml",
        "phoenix.yaml",
        "policies/.hidden/h.yaml",
        "policies/a.yaml",
        "policies/a/z.yaml",
        "policies/b.yaml",
    ]
    assert list(outcome.value.sources) == sorted(files)
    assert [document.file for document in outcome.value.documents] == [f for f in sorted(files) if "dev" not in f]
    assert outcome.value.sources["environments/dev.yaml"] == "# é\n"
    assert outcome.value.sources["phoenix.yaml"] == "kind: Platform\r\n"
    assert [d.code for d in outcome.diagnostics] == ["PHX102"]


def test_a_file_that_is_no_utf8_still_has_a_text_for_its_caret(tmp_path: Path) -> None:
    (tmp_path / "phoenix.yaml").write_bytes(b"a: 1\nb: \xff\n")
    outcome = read_policies(tmp_path)
    assert outcome.value.documents == ()
    assert outcome.value.sources == {"phoenix.yaml": "a: 1\nb: \ufffd\n"}
    assert said(outcome.diagnostics) == [
        ("PHX101", "phoenix.yaml:2:4", "file is not UTF-8: byte `0xff` does not belong here")
    ]


def test_an_empty_repository_has_no_policies_and_no_faults(tmp_path: Path) -> None:
    outcome = read_policies(tmp_path)
    assert (outcome.value.documents, outcome.value.sources, outcome.diagnostics) == ((), {}, ())


def test_other_endings_of_yaml_are_said(tmp_path: Path) -> None:
    names = ["phoenix.yml", "policies/a.yml", "policies/b.YAML", "policies/c.yaml.bak", "policies/d.json"]
    write(tmp_path, **dict.fromkeys(names, "kind: A\n"))
    outcome = list_policies(tmp_path)
    assert outcome.value == ()
    message = "policy file does not end in `.yaml`"
    assert said(outcome.diagnostics) == [
        ("PHX123", "phoenix.yml:1:1", message),
        ("PHX123", "policies/a.yml:1:1", message),
        ("PHX123", "policies/b.YAML:1:1", message),
    ]
    assert [d.help for d in outcome.diagnostics][1:] == ["rename it to `a.yaml`", "rename it to `b.yaml`"]


def test_guardrails_where_nobody_reads_them_are_said(tmp_path: Path) -> None:
    read = ["policies/guardrails/a.cue", "policies/guardrails/cue.mod/module.cue", "policies/guardrails/b.cue.bak"]
    lost = ["environments/d.cue", "policies/c.cue", "policies/guardrails/b.CUE", "policies/guardrails/sub/a.cue"]
    write(tmp_path, **dict.fromkeys([*read, *lost], "violations: {}\n"))
    outcome = list_policies(tmp_path)
    assert outcome.value == ()
    message = "guardrail is read by nobody: it is not `policies/guardrails/*.cue`"
    assert said(outcome.diagnostics) == [("PHX407", f"{path}:1:1", message) for path in lost]
    assert [d.help for d in outcome.diagnostics] == [f"move it to `policies/guardrails/{n}.cue`" for n in "dcba"]


def test_links_are_refused_whatever_they_point_to(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(outside, **{"x.yaml": "kind: X\n", "deep/y.yaml": "kind: Y\n"})
    write(root, **{"policies/a.yaml": "kind: A\n"})
    for link, target in {
        "phoenix.yaml": outside / "x.yaml",
        "environments": outside,
        "policies/file.yaml": outside / "x.yaml",
        "policies/folder": outside / "deep",
        "policies/inside.yaml": Path("a.yaml"),
        "policies/lost.yaml": Path("nowhere"),
        "policies/round": Path(),
    }.items():
        (root / link).symlink_to(target)
    outcome = read_policies(root)
    assert [document.file for document in outcome.value.documents] == ["policies/a.yaml"]
    assert said(outcome.diagnostics) == [
        ("PHX120", f"{path}:1:1", "symbolic links are not followed")
        for path in (
            "environments",
            "phoenix.yaml",
            "policies/file.yaml",
            "policies/folder",
            "policies/inside.yaml",
            "policies/lost.yaml",
            "policies/round",
        )
    ]


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", **{"phoenix.yaml": "kind: A\n"})
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert list_policies(tmp_path / "root").value == ("phoenix.yaml",)


def test_pipes_sockets_and_folders_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    os.mkfifo(tmp_path / "policies" / "pipe.yaml")
    os.mkfifo(tmp_path / "policies" / "pipe.txt")
    (tmp_path / "environments").write_text("no folder")
    with socket.socket(socket.AF_UNIX) as sock:
        folder = os.open(tmp_path / "policies", os.O_RDONLY)
        sock.bind(f"/proc/self/fd/{folder}/s.yaml")
        os.close(folder)
        outcome = read_policies(tmp_path)
    assert said(outcome.diagnostics) == [
        ("PHX121", "environments:1:1", "not a folder"),
        ("PHX121", "policies/pipe.yaml:1:1", "not a regular file"),
        ("PHX121", "policies/s.yaml:1:1", "not a regular file"),
    ]


def test_a_file_exchanged_after_listing_neither_blocks_nor_leads_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    (tmp_path / "folder.yaml").mkdir()
    results = [read_file(tmp_path, f"{name}.yaml") for name in ("pipe", "link", "folder", "gone")]
    assert all(isinstance(result, Diagnostic) for result in results)
    assert [result.code for result in results if isinstance(result, Diagnostic)] == [
        "PHX121",
        "PHX122",
        "PHX121",
        "PHX122",
    ]


@pytest.mark.parametrize(("size", "code"), [(MAX_BYTES, None), (MAX_BYTES + 1, "PHX115"), (1 << 40, "PHX115")])
def test_a_large_file_is_not_read(tmp_path: Path, size: int, code: str | None) -> None:
    with (tmp_path / "big.yaml").open("wb") as stream:
        stream.truncate(size)
    result = read_file(tmp_path, "big.yaml")
    assert (result.code if isinstance(result, Diagnostic) else None) == code


def test_names_that_no_path_may_hold(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a\nb.yaml").write_text("kind: A\n")
    (folder / "\x1b[31m").mkdir()
    (folder / "x\u202eyaml").write_text("")
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml"))).write_text("kind: A\n")
    outcome = read_policies(tmp_path)
    assert outcome.value.documents == ()
    assert [code for code, _, _ in said(outcome.diagnostics)] == ["PHX125"] * 4
    assert {str(d.primary.span.file) for d in outcome.diagnostics if d.primary} == {
        "policies/a\nb.yaml",
        "policies/\x1b[31m",
        "policies/x\u202eyaml",
        "policies/\\udcff.yaml",
    }


def test_what_the_system_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, **{"policies/a.yaml": "kind: A\n", "policies/b/c.yaml": "kind: C\n"})
    scan, open_ = os.scandir, os.open

    def refuse_scan(path: Path) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    def refuse_open(path: Path, flags: int) -> int:
        if Path(path).name == "a.yaml":
            raise PermissionError(13, "Permission denied")
        return open_(path, flags)

    monkeypatch.setattr(folders_module.os, "scandir", refuse_scan)
    monkeypatch.setattr(reading_module.os, "open", refuse_open)
    outcome = read_policies(tmp_path)
    assert said(outcome.diagnostics) == [
        ("PHX122", "policies/a.yaml:1:1", "file cannot be read: permission denied"),
        ("PHX122", "policies/b:1:1", "folder cannot be read: permission denied"),
    ]


def test_limits_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, **{f"policies/{n}/{m}.yaml": "kind: A\n" for n in range(3) for m in range(2)})
    assert len(read_policies(tmp_path).value.documents) == 6
    monkeypatch.setattr(reading_module, "MAX_TOTAL_BYTES", 20)
    outcome = read_policies(tmp_path)
    assert len(outcome.value.documents) == 2
    assert said(outcome.diagnostics) == [("PHX124", "", "policies have more than 20 bytes in all")]
    monkeypatch.setattr(folders_module, "MAX_FILES", 5)
    assert said(list_policies(tmp_path).diagnostics) == [("PHX124", "", "there are more than 5 policy files")]
    monkeypatch.setattr(folders_module, "MAX_ENTRIES", 4)
    assert said(list_policies(tmp_path).diagnostics) == [
        ("PHX124", "", "the input folders hold more than 4 files and folders")
    ]


@pytest.mark.parametrize(
    "pattern", ["/etc/**/*.yaml", "../**/*.yaml", "a/../../**/*.yaml", "*.yaml", "a/*.yaml", "a/b.yaml", "a.txt", ""]
)
def test_patterns_stay_inside_the_root(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|single file"):
        list_policies(tmp_path, [pattern])


def test_a_pattern_may_name_a_deeper_folder(tmp_path: Path) -> None:
    write(tmp_path, **{"policies/ids/a.yaml": "kind: A\n", "policies/b.yaml": "kind: B\n"})
    assert list_policies(tmp_path, ["policies/ids/**/*.yaml"]).value == ("policies/ids/a.yaml",)
    assert list_policies(tmp_path, ["policies/none/**/*.yaml"]).value == ()
