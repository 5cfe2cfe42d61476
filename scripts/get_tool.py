"""Builds Go programs into the cache, each from a module of ours in tools/, unless they are there.

`get_tool.py cue etcd` prints a path a line. `get_tool.py --exports` gets everything and prints shell lines that name
each program by its variable, so that no other version in the cache or on PATH can take its place.

A program is kept as `$PHOENIX_CACHE/tools/NAME/VERSION/NAME`. Beside it lies the digest of what it was built from, so
another lock file of the same version builds it anew. It appears in one step: an interrupted build leaves nothing that
looks installed. One build runs at a time, of all processes: linking some of these takes gigabytes.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.tools import cache_dir, variable_of

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
MANIFEST = "manifest.yaml"
ATTEMPTS = 2
"""Of a thousand modules to fetch one may fail once; what was fetched and compiled before is not lost."""


class UnbuiltError(Exception):
    """What could not be had, as lines for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a program is built: the main package `package`, in the Go module of the folder `folder` of tools/.

    Its version is that of `module` in the lock file, and `linked` are the linker's flags that tell it to the program.
    A folder with a manifest holds a collector: the collector builder writes the main package from the manifest.
    """

    name: str
    folder: str
    package: str
    module: str
    linked: str = ""

    @property
    def version(self) -> str:
        """As the program's makers call it."""
        locked = _text(TOOLS / self.folder / "go.mod")
        found = re.search(rf"^(?:require |\t){re.escape(self.module)} v([0-9.]+)", locked, re.MULTILINE)
        if found is None:
            raise UnbuiltError(f"tools/{self.folder}/go.mod names no version of {self.module}")
        major, minor, *patch = found[1].split(".")
        if self.folder == "prometheus":  # 0.316.0 as a module is 3.16.0 as a program.
            major, minor = str(int(minor) // 100), str(int(minor) % 100)
        return ".".join((major, minor, *patch))

    @property
    def kept(self) -> Path:
        """Where the finished program lies."""
        return cache_dir() / "tools" / self.name / self.version / self.name

    @property
    def flags(self) -> str:
        """The linker's flags, `-s` (no symbol table) among them."""
        major, minor, *_ = self.version.split(".")
        return f"-s {self.linked.format(version=self.version, major=major, minor=minor)}".rstrip()

    @property
    def generated(self) -> bool:
        """Whether a manifest decides on the main package."""
        return (TOOLS / self.folder / MANIFEST).is_file()

    def digest(self) -> str:
        """Of all that decides what is built, the Go toolchain excepted."""
        files = (_text(TOOLS / self.folder / name) for name in ("go.mod", "go.sum", "main.go", MANIFEST))
        builder = BUILDER.digest() if self.generated else ""
        return hashlib.sha256("\0".join((self.package, self.flags, builder, *files)).encode()).hexdigest()

    def ready(self) -> bool:
        """Whether the cache holds this very build."""
        return os.access(self.kept, os.X_OK) and _text(_origin(self)) == self.digest()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _origin(recipe: Recipe) -> Path:
    return recipe.kept.with_name("built-from")


def _command(name: str, folder: str, module: str, linked: str = "", parent: str = "cmd") -> Recipe:
    return Recipe(name=name, folder=folder, package=f"{module}/{parent}/{name}", module=module, linked=linked)


def _set(variables: dict[str, str]) -> str:
    return " ".join(f"-X {variable}={value}" for variable, value in variables.items())


def _victoria(name: str) -> Recipe:
    module = "github.com/VictoriaMetrics/VictoriaMetrics"
    told = _set({f"{module}/lib/buildinfo.Version": f"{name}-v{{version}}"})
    return _command(name, "victoria-metrics", module, told, parent="app")


def collector_versions() -> list[str]:
    """The versions of the collector that tools/ pins, the newest last."""
    folders = (path.name for path in (TOOLS / "otelcol").iterdir())
    return sorted(folders, key=lambda version: [int(part) for part in version.split(".")])


def _collector(version: str) -> Recipe:
    module = "go.opentelemetry.io/collector/otelcol"
    return Recipe(name="otelcol", folder=f"otelcol/{version}", package=".", module=module)


_PROMETHEUS = _set({"github.com/prometheus/common/version.Version": "{version}"})
_KUBERNETES = _set(
    {
        "k8s.io/component-base/version.gitVersion": "v{version}",
        "k8s.io/component-base/version.gitMajor": "{major}",
        "k8s.io/component-base/version.gitMinor": "{minor}",
    }
)
_BUILDER_MODULE = "go.opentelemetry.io/collector/cmd/builder"
_ETCD_MODULE = "go.etcd.io/etcd/server/v3"
_FLUX_MODULE = "github.com/fluxcd/kustomize-controller"

BUILDER = Recipe(name="builder", folder="collector-builder", package=_BUILDER_MODULE, module=_BUILDER_MODULE)
RECIPES = (
    _command("cue", "cue", "cuelang.org/go"),
    _command("promtool", "prometheus", "github.com/prometheus/prometheus", _PROMETHEUS),
    _command("prometheus", "prometheus", "github.com/prometheus/prometheus", _PROMETHEUS),
    _command("amtool", "alertmanager", "github.com/prometheus/alertmanager", _PROMETHEUS),
    *(_victoria(name) for name in ("vmalert", "vmalert-tool", "vmagent", "vmauth", "victoria-metrics")),
    _command(
        "sloth", "sloth", "github.com/slok/sloth", _set({"github.com/slok/sloth/internal/info.Version": "v{version}"})
    ),
    Recipe(name="etcd", folder="etcd", package=_ETCD_MODULE, module=_ETCD_MODULE),
    Recipe(name="flux-scan", folder="flux-scan", package=".", module="github.com/fluxcd/pkg/kustomize"),
    Recipe(name="kustomize-controller", folder="kustomize-controller", package=_FLUX_MODULE, module=_FLUX_MODULE),
    _command("kube-apiserver", "kubernetes", "k8s.io/kubernetes", _KUBERNETES),
    _command("kube-controller-manager", "kubernetes", "k8s.io/kubernetes", _KUBERNETES),
    *(_collector(version) for version in collector_versions()),
)
"""Every program, in the order in which they are built."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 if something cannot be had."""
    parser = argparse.ArgumentParser(prog="get_tool.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--exports", action="store_true", help="get everything; print `export PHOENIX_NAME=PATH` lines")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(dict.fromkeys(r.name for r in RECIPES)))
    asked = parser.parse_args(arguments)
    unknown = set(asked.names) - {recipe.name for recipe in RECIPES}
    if unknown or bool(asked.names) == asked.exports:
        parser.error(f"no such program: {', '.join(sorted(unknown))}" if unknown else "name programs, or say --exports")
    try:
        had = get([recipe for recipe in RECIPES if asked.exports or recipe.name in asked.names])
    except UnbuiltError as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    for name, path in had.items():
        print(f"export {variable_of(name)}={shlex.quote(str(path))}" if asked.exports else path)
    return 0


def get(recipes: Sequence[Recipe]) -> dict[str, Path]:
    """Build what is missing; where each program is, and of several versions of one the newest.

    A program whose variable is set is not ours to get: it is taken as it is. Raises `UnbuiltError`.
    """
    newest = {recipe.name: recipe for recipe in recipes}
    given = {name: path for name in newest if (path := _given(name))}
    wanted = [recipe for recipe in recipes if recipe.name not in given or recipe != newest[recipe.name]]
    if not all(recipe.ready() for recipe in wanted):
        with _alone():
            missing = [recipe for recipe in wanted if not recipe.ready()]
            if any(recipe.generated for recipe in missing) and not BUILDER.ready():
                missing.insert(0, BUILDER)
            for number, recipe in enumerate(missing, 1):
                _build(recipe, f"{number} of {len(missing)}")
    return {name: given.get(name, recipe.kept) for name, recipe in newest.items()}


def _given(name: str) -> Path | None:
    path = os.environ.get(variable_of(name))
    if not path:
        return None
    if not (Path(path).is_file() and os.access(path, os.X_OK)):
        raise UnbuiltError(f"{variable_of(name)} names {path}, which is no program")
    return Path(path).absolute()


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of builds; another process's builds are waited for, and then found."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "builds.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, place: str) -> None:
    began = time.monotonic()
    go = Path(_output([ROOT / "scripts" / "get-go"]))
    # -mod=readonly: the lock files decide what is built. GOTOOLCHAIN=local: no other Go is downloaded.
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    print(f"building {recipe.name} {recipe.version} ({place})", file=sys.stderr, flush=True)
    recipe.kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=recipe.kept.parent, prefix=".part-") as part:
        folder = _sources(recipe, Path(part), environment) if recipe.generated else TOOLS / recipe.folder
        made = Path(part, "program")
        command: list[str | Path] = [go, "build", "-trimpath", f"-ldflags={recipe.flags}", "-o", made, recipe.package]
        if not any(_runs(command, folder, environment) for _ in range(ATTEMPTS)):
            raise UnbuiltError(
                f"{recipe.name} {recipe.version} could not be built\n"
                "  Go's message stands above; is a Go module proxy reachable?\n"
                f"  or set {variable_of(recipe.name)} to a program of that version"
            )
        made.replace(recipe.kept)
    _origin(recipe).write_text(recipe.digest(), encoding="utf-8")
    print(f"{recipe.name} {recipe.version}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _sources(recipe: Recipe, part: Path, environment: dict[str, str]) -> Path:
    """The collector builder's sources for the manifest, with our lock files instead of its choice of versions."""
    command: list[str | Path] = [
        BUILDER.kept,
        "--config",
        TOOLS / recipe.folder / MANIFEST,
        "--skip-compilation",
        "--skip-get-modules",
    ]
    written = subprocess.run(command, cwd=part, env=environment, check=False, capture_output=True, text=True)
    if written.returncode != 0:
        raise UnbuiltError(f"the collector builder refused tools/{recipe.folder}/{MANIFEST}\n{written.stderr}")
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(TOOLS / recipe.folder / name, part / name)
    return part


def _runs(command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> bool:
    """Whether it went well; if not, what it said, without the thousand modules that it fetched."""
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading ")]
    if done.returncode != 0:
        print(*said, sep="\n", file=sys.stderr, flush=True)
    return done.returncode == 0


def _output(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise UnbuiltError(f"{Path(command[0]).name} found no Go toolchain")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
