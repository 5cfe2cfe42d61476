"""Documentation that cannot rot: every command block is run, every link leads somewhere, every code has its page.

A page's ```sh blocks run in order, each in a shell of its own, in a committed and compiled copy of this repository.
A ```text block right after one is its whole output. In it, a line `...` stands for any number of lines, `…` for any
text in a line; in a line that ends in seconds no figure is compared. ```sh exits=1 is a command that finds something,
```sh proof one that needs the judges of `make proof`: tests/proof/test_docs.py runs it.
Lines `make TARGET` are run as `make -n`: the tests do not start themselves. `--snapshot-update` writes the outputs
that changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from phoenix_gitops.cli import phoenix
from phoenix_gitops.codes import CODES
from phoenix_gitops.kindref import kind_pages, page_name
from phoenix_gitops.model import KINDS
from phoenix_gitops.schemas import resolved_schema

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = ["What it means", "Why it matters", "Wrong", "Right"]
TOP = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*(ROOT / name for name in TOP), *(ROOT / "docs").rglob("*.md"))
    if path.exists()
)
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
MEASURED = re.compile(r" [0-9]+[.][0-9]{2}( s)?$")
FIGURE = re.compile(r" *[0-9]+([.][0-9]+)?")
GENERATED_BY_MAKE = re.compile(r"^make (?=[a-z])", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A command block of a page, and the span of the output that the page shows."""

    line: int
    script: str
    exits: int
    proof: bool
    expected: str | None
    span: tuple[int, int]


def blocks_of(text: str) -> Iterator[Block]:
    """The command blocks of a page, in order."""
    fences = list(FENCE.finditer(text))
    for i, fence in enumerate(fences):
        language, *options = fence["info"].split() or [""]
        if language != "sh":
            continue
        after = fences[i + 1] if i + 1 < len(fences) else None
        shown = after is not None and after["info"] == "text" and not text[fence.end() : after.start()].strip()
        exits = next((int(o.removeprefix("exits=")) for o in options if o.startswith("exits=")), 0)
        yield Block(
            line=text.count("\n", 0, fence.start()) + 1,
            script=fence["body"],
            exits=exits,
            proof="proof" in options,
            expected=after["body"] if shown and after else None,
            span=after.span("body") if shown and after else (0, 0),
        )


def matches(expected: str, actual: str) -> bool:
    """Whether an output is the one that a page shows, placeholders filled."""
    pattern = []
    for line in expected.splitlines():
        if line.strip() == "...":
            pattern.append(r"(?:[^\n]*\n)*?")
        else:
            pattern.append(".*?".join(re.escape(part) for part in _comparable(line).split("…")) + r"\n")
    lines = [_comparable(line) + "\n" for line in actual.splitlines()]
    return re.fullmatch("".join(pattern), "".join(lines)) is not None


def _comparable(line: str) -> str:
    line = line.rstrip()
    return FIGURE.sub(" 0", line) if MEASURED.search(line) else line


def environment() -> dict[str, str]:
    """What the commands of a page may depend on: the program, no colours, and a git without anybody's settings."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PHOENIX_"))},
        **{name: value for name, value in os.environ.items() if name == "PHOENIX_CACHE"},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_{what}": "docs" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script as a reader would, standard output and error in one."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as a fresh clone has it: what git would take, compiled and committed."""
    copy = tmp_path_factory.mktemp("docs") / "phoenix"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and not name.startswith("generated/") and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy / name)
    made = shell("phoenix compile -q && git init -q && git add . && git commit -qm start", copy)
    assert made.returncode == 0, made.stdout
    return copy


def page_with_commands() -> list[str]:
    """The pages that have command blocks."""
    return [page for page in PAGES if any(blocks_of((ROOT / page).read_text(encoding="utf-8")))]


FIRST = ("README.md", "CONTRIBUTING.md")
"""The pages that a newcomer follows; the others take minutes, and `make proof` runs them with its judges."""


def pages_with_proof() -> list[str]:
    """The pages that `make proof` runs: those that need judges, and the long ones."""
    return [
        page
        for page in page_with_commands()
        if page not in FIRST or any(block.proof for block in blocks_of((ROOT / page).read_text("utf-8")))
    ]


@pytest.mark.parametrize("page", FIRST)
def test_command_blocks_do_what_the_page_says(
    page: str, compiled: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run_page(page, compiled, tmp_path, update=request.config.getoption("update_snapshots", default=False))


def run_page(page: str, compiled: Path, folder: Path, *, update: bool, proof: bool = False) -> None:
    """Runs a page's command blocks in a copy of the repository; those that need judges only if `proof` says so."""
    work = folder / "phoenix"
    shutil.copytree(compiled, work, symlinks=True)
    text = (ROOT / page).read_text(encoding="utf-8")
    changed: list[tuple[tuple[int, int], str]] = []
    for block in blocks_of(text):
        if block.proof and not proof:
            continue
        done = shell(GENERATED_BY_MAKE.sub("make -n ", block.script), work)
        where = f"{page}:{block.line}: exit {done.returncode}\n{done.stdout}"
        assert done.returncode == block.exits, where
        if block.expected is None or matches(block.expected, done.stdout):
            continue
        assert update, f"{where}\nbut the page shows\n{block.expected}"
        changed.append((block.span, "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"))
    for (start, end), output in reversed(changed):
        text = text[:start] + output + text[end:]
    if changed:
        (ROOT / page).write_text(text, encoding="utf-8")


def test_there_are_pages_with_commands() -> None:
    assert set(FIRST) <= set(page_with_commands())


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a\n...\n", "a\nb\nc\n", True),
        ("a\n...\nc\n", "a\nc\n", True),
        ("a\n...\nd\n", "a\nb\nc\n", False),
        ("made in … files\n", "made in 12 files\n", True),
        ("x 1.40 s\n", "x 0.97 s\n", True),
        ("dev   67     0.16\n", "dev   67    10.20\n", True),
        ("dev   67     0.16\n", "dev  168     0.16\n", True),
        ("dev   67     0.16\n", "prod  68     0.16\n", False),
        ("dev   67\n", "dev   68\n", False),
        ("a.*b\n", "axxb\n", False),
    ],
)
def test_placeholders(expected: str, actual: str, same: bool) -> None:
    assert matches(expected, actual) is same


def test_readme_names_the_two_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page} links to {target}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, f"{page} links to {target}"


def test_every_code_has_its_page_and_every_page_its_code() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "codes").glob("*.md")) == sorted(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_page_of_a_code_says_what_why_wrong_and_right(code: str) -> None:
    text = (ROOT / "docs" / "codes" / f"{code}.md").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# {code}: {CODES[code].slug}"
    sections = re.split(r"^## (.+)\n", FENCE.sub("(code)", text), flags=re.MULTILINE)
    assert sections[1::2] == HEADINGS
    assert all(section.strip() for section in sections[2::2])


def test_kind_reference_is_what_the_models_say() -> None:
    folder = ROOT / "docs" / "kinds"
    committed = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert committed == kind_pages()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kind_reference_names_every_field_once(kind: str) -> None:
    page = kind_pages()[page_name(kind)]
    for definition in resolved_schema(kind)["$defs"].values():
        for name in definition["properties"]:
            assert f"| `{name}` | " in page
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert len(headings) == len(set(headings)) == len(resolved_schema(kind)["$defs"])


def test_kind_reference_tells_types_defaults_bounds_and_references() -> None:
    tenant = kind_pages()["tenant.md"]
    assert "| `class` | name of a [TenantClass](tenant-class.md) | **required** | Its TenantClass. |" in tenant
    assert "| `port` | TCP port | `443` | Its TCP port. |" in tenant
    environment = kind_pages()["environment.md"]
    assert "| `pipelines` | list of name of a [Pipeline](pipeline.md) | `[full, optimized]` |" in environment
    assert "| `limit` | integer | `5` | Attempts of Argo CD; Flux never gives up. Bounds: 0 to 100. |" in environment
    assert '`{cpuRequest: 500m, memoryRequest: 1Gi, cpuLimit: "1", memoryLimit: 1Gi}`' in environment
    assert "Presets: `dedicated`, `namespace`, `shared`." in kind_pages()["tenant-class.md"]


def test_docs_check_names_the_page_that_is_out_of_date(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(phoenix, ["schema", "docs", str(tmp_path / "kinds")]).exit_code == 0
    fresh = runner.invoke(phoenix, ["schema", "docs", "--check", str(tmp_path / "kinds")])
    assert (fresh.exit_code, fresh.output) == (0, "the kind reference is up to date\n")
    page = tmp_path / "kinds" / "tenant.md"
    page.write_text("edited\n", encoding="utf-8")
    stale = runner.invoke(phoenix, ["schema", "docs", "--check", str(tmp_path / "kinds")], standalone_mode=False)
    assert (stale.return_value, stale.output) == (1, f"out of date: {page}\n")
    assert page.read_text(encoding="utf-8") == "edited\n"
