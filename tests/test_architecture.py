"""ARCHITECTURE.md is the map, and this holds the code to it: every module once, imports along the arrows, few edges."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "phoenix_gitops"
PREFIX = "phoenix_gitops"
ROW = re.compile(r"^\| `([a-z_0-9.]+)` \|", re.MULTILINE)
NEVER_AT_THE_TOP = {"git", "rich", "jsonschema", "kubernetes_validate", "ruamel"}
NOT_FOR_HELP = {*NEVER_AT_THE_TOP, "yaml", "msgspec", "jinja2", "jsonschema_rs", "promql_parser"}
OUTSIDE = {"subprocess", "git", "urllib.request", "socket", "shutil", "tempfile", "http"}
EFFECTS = {
    *("open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes", "scandir", "listdir", "iterdir"),
    *("glob", "rglob", "mkdir", "unlink", "rmdir", "symlink_to", "rmtree", "copytree", "mkdtemp", "mkstemp"),
    *("NamedTemporaryFile", "TemporaryDirectory", "Popen", "urlopen", "system", "popen", "fork"),
}


@dataclass(frozen=True)
class Layer:
    """A section of the map: its modules, and the layers that they may import."""

    name: str
    modules: tuple[str, ...]
    may_import: tuple[str, ...]


@cache
def page() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@cache
def layers() -> dict[str, Layer]:
    """The layers of the page, in its order."""
    section = page().split("\n## Layers\n")[1].split("\n## ")[0]
    found = {}
    for part in section.split("\n### ")[1:]:
        name = part.splitlines()[0]
        allowed = re.search(r"^May import: (.+)\.$", part, re.MULTILINE)
        assert allowed, name
        found[name] = Layer(name, tuple(ROW.findall(part)), tuple(re.findall(r"`([a-z]+)`", allowed[1])))
    return found


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the package, by its name on the page."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or PREFIX
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def layer_of(module: str) -> str:
    return next(layer.name for layer in layers().values() if module in layer.modules)


def imported(node: ast.AST) -> list[str]:
    """The absolute names that an import statement binds, modules and their members alike."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def own_imports(tree: ast.Module) -> Iterator[str]:
    """The modules of the package that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        for name in imported(node):
            if name != PREFIX and not name.startswith(f"{PREFIX}."):
                continue
            inner = name.removeprefix(PREFIX).lstrip(".")
            while inner and inner not in trees():
                inner = inner.rpartition(".")[0]
            yield inner or PREFIX


def test_the_map_names_every_module_once() -> None:
    named = [module for layer in layers().values() for module in layer.modules]
    assert sorted(named) == sorted(trees())


def test_the_arrows_have_no_cycle() -> None:
    order = list(TopologicalSorter({layer.name: layer.may_import for layer in layers().values()}).static_order())
    assert sorted(order) == sorted(layers())


def test_types_know_no_stage_and_nothing_knows_the_command_line() -> None:
    assert layers()["values"].may_import == ()
    assert layers()["model"].may_import == ()
    assert set(layers()["verify"].may_import) == {"values"}
    assert not {"source", "front", "verify", "back", "writing", "git"} & set(layers()["emitters"].may_import)
    assert all("cli" not in layer.may_import for layer in layers().values())


@pytest.mark.parametrize("module", sorted(trees()))
def test_imports_follow_the_arrows(module: str) -> None:
    home = layers()[layer_of(module)]
    for target in own_imports(trees()[module]):
        assert layer_of(target) in (home.name, *home.may_import), f"{module} imports {target}"


def test_every_arrow_is_used() -> None:
    used = {(layer_of(module), layer_of(target)) for module, tree in trees().items() for target in own_imports(tree)}
    drawn = {(layer.name, other) for layer in layers().values() for other in layer.may_import}
    assert drawn - used == set()


def touches_the_outside(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        names = [name for name in imported(node) for outside in OUTSIDE if f"{name}.".startswith(f"{outside}.")]
        if names or (isinstance(node, ast.Attribute) and node.attr in EFFECTS):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "exec", "eval"}:
            return True
    return False


def test_only_edges_touch_the_outside() -> None:
    edges = ROW.findall(page().split("\n## Edges\n")[1])
    assert edges == sorted(module for module, tree in trees().items() if touches_the_outside(tree))


@pytest.mark.parametrize("module", sorted(trees()))
def test_heavy_packages_are_never_imported_at_the_top(module: str) -> None:
    top = {name.split(".")[0] for node in trees()[module].body for name in imported(node)}
    assert top & NEVER_AT_THE_TOP == set()


def test_help_imports_the_command_line_and_nothing_else() -> None:
    script = (
        "import sys\n"
        "from phoenix_gitops.__main__ import run\n"
        "assert run(['--help']) == 0\n"
        "print('loaded:', *sorted(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: phoenix")
    loaded = done.stdout.splitlines()[-1].removeprefix("loaded: ").split()
    assert {name for name in loaded if name.split(".")[0] == PREFIX} == {
        PREFIX,
        f"{PREFIX}.__main__",
        f"{PREFIX}.cli",
        f"{PREFIX}.cli.options",
    }
    assert {name.split(".")[0] for name in loaded} & NOT_FOR_HELP == set()


@pytest.mark.parametrize(
    ("source", "outside"),
    [
        ("import subprocess", True),
        ("from urllib.request import urlopen", True),
        ("from urllib.parse import quote", False),
        ("def f(path):\n    return path.read_text()", True),
        ("def f():\n    return open('x')", True),
        ("def f(text):\n    return text.replace('a', 'b')", False),
    ],
)
def test_effects_are_seen(source: str, outside: bool) -> None:
    assert touches_the_outside(ast.parse(source)) is outside
