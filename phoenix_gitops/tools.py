"""External programs: where they are, which version they are, and how to get the ones that are missing.

A tool is looked for where its environment variable points, then in our own cache, then on PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Outcome

Version = tuple[int, ...]


OURS = "make proof"
"""What needs the programs that only the tests of Phoenix GitOps itself run; no user has to have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that we may run: what needs it, how it is asked for its version, and how to get it."""

    name: str
    purpose: str
    needed_for: str
    """The commands that run it."""
    minimum: Version
    version_arguments: tuple[str, ...] = ("--version",)
    get: str
    """How a user gets it, as a sentence without its end."""
    called: tuple[str, ...] = ()
    """What it may be called on PATH, the best first, if that is not its name."""
    silent: bool = False
    """Whether some builds do not know their version; such a one is taken as it is."""

    @property
    def variable(self) -> str:
        """The environment variable that names the program's file."""
        return variable_of(self.name)

    @property
    def hint(self) -> str:
        """What to do when it is missing, too old or broken."""
        return f"{self.get}, or set {self.variable} to one of at least {dotted(self.minimum)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that was found. `source` says where: the variable's name, `cache` or `PATH`."""

    program: Program
    path: Path
    source: str


def variable_of(name: str) -> str:
    """The environment variable that names the file of a program."""
    return f"PHOENIX_{name.upper().replace('-', '_')}"


def _ours(name: str, purpose: str, minimum: Version, *version_arguments: str, silent: bool = False) -> Program:
    return Program(
        name=name,
        purpose=purpose,
        needed_for=OURS,
        minimum=minimum,
        version_arguments=version_arguments or ("--version",),
        get=f"run `{OURS}` in this checkout",
        silent=silent,
    )


_PROGRAMS = (
    Program(
        name="cue",
        purpose="runs policies/guardrails/",
        needed_for="guardrails",
        minimum=(0, 17),
        version_arguments=("version",),
        get="run `go install cuelang.org/go/cmd/cue@v0.17.1`, in a checkout of Phoenix GitOps `make setup`",
    ),
    Program(
        name="git",
        purpose="finds changes and publishes trees",
        needed_for="diff, publish",
        minimum=(2, 30),
        get="install git with the system's package manager",
    ),
    Program(
        name="promtool",
        purpose="checks and tests Prometheus rules",
        needed_for="test",
        minimum=(2, 42),
        get="install Prometheus, which brings it",
    ),
    Program(
        name="vmalert",
        purpose="checks VictoriaMetrics rules",
        needed_for="test",
        minimum=(1, 79),
        version_arguments=("-version",),
        get="install the vmutils of VictoriaMetrics",
        silent=True,
    ),
    Program(
        name="vmalert-tool",
        purpose="tests VictoriaMetrics rules",
        needed_for="test",
        minimum=(1, 90),
        get="install the vmutils of VictoriaMetrics",
        silent=True,
    ),
    Program(
        name="otelcol",
        purpose="checks and boots collector configs",
        needed_for="test",
        minimum=(0, 150),
        get="install the distribution `otelcol-contrib` of the OpenTelemetry Collector",
        called=("otelcol-contrib", "otelcol"),
    ),
    _ours("prometheus", "evaluates rules over replayed data", (3, 0)),
    _ours("amtool", "routes alerts", (0, 25)),
    _ours("vmagent", "reads scrape configs", (1, 79), "-version", silent=True),
    _ours("vmauth", "reads users and their routes", (1, 79), "-version", silent=True),
    _ours("victoria-metrics", "stores data and answers queries", (1, 79), "-version", silent=True),
    _ours("sloth", "makes SLO rules to compare ours with", (0, 11), "version"),
    _ours("kube-apiserver", "accepts or refuses objects", (1, 33)),
    _ours("kube-controller-manager", "counts quotas, makes service accounts", (1, 33)),
    _ours("etcd", "keeps what kube-apiserver accepts", (3, 5)),
    _ours("flux-scan", "reads reconciled folders as Flux does", (1, 41)),
    _ours("kustomize-controller", "applies reconciled folders: it is Flux", (1, 9), "--help", silent=True),
)
PROGRAMS = {program.name: program for program in _PROGRAMS}

_VERSION = re.compile(r"\bv?([0-9]+\.[0-9]+(?:\.[0-9]+)*)")
_VERSION_SECONDS = 10


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where set-up keeps tools: `$PHOENIX_CACHE`, else `phoenix-gitops` in the user's cache directory."""
    if environ.get("PHOENIX_CACHE"):
        return Path(environ["PHOENIX_CACHE"])
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(environ.get("HOME", "~")).expanduser() / ".cache") / "phoenix-gitops"


def find(name: str, environ: Mapping[str, str] = os.environ, *, wanted: Version | None = None) -> Tool | None:
    """The tool that would be run, or None. A variable that points at no program finds nothing. Of those that set-up
    keeps it is the `wanted` version, else the newest.

    Raises `KeyError` for a name that is none of `PROGRAMS`.
    """
    program = PROGRAMS[name]
    given = environ.get(program.variable)
    if given:
        path = Path(given)
        found = path.is_file() and os.access(path, os.X_OK)
        return Tool(program=program, path=path.absolute(), source=program.variable) if found else None
    cached = _newest(cache_dir(environ) / "tools" / name, name, wanted)
    if cached is not None:
        return Tool(program=program, path=cached, source="cache")
    for command in program.called or (name,):
        on_path = shutil.which(command, path=environ.get("PATH", ""))
        if on_path:
            return Tool(program=program, path=Path(on_path).absolute(), source="PATH")
    return None


def version_of(tool: Tool) -> Version | None:
    """The version that a tool says it is, None if it does not run or says nothing like one.

    Of a build that does not know it: the version that set-up filed it under, in the cache, else `()`.
    """
    try:
        done = subprocess.run(
            [tool.path, *tool.program.version_arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    said = _VERSION.search(done.stdout.decode(errors="replace"))
    if said is None and tool.program.silent:
        said = _VERSION.fullmatch(tool.path.parent.name)
        return _numbers(said[1]) if said else ()
    return _numbers(said[1]) if said else None


def require(name: str, environ: Mapping[str, str] = os.environ) -> Outcome[Tool | None]:
    """The tool, or what to do to have it: PHX931 missing, PHX932 too old, PHX933 does not run."""
    tool = find(name, environ)
    wrong = fault(PROGRAMS[name], tool, version_of(tool) if tool else None, environ)
    return Outcome(None, (wrong,)) if wrong else Outcome(tool)


def fault(
    program: Program, tool: Tool | None, version: Version | None, environ: Mapping[str, str] = os.environ
) -> Diagnostic | None:
    """What keeps the program from being run: `tool` is what `find` found, and `version` what that says it is."""
    if tool is None:
        given = environ.get(program.variable)
        message = (
            f"`{program.variable}` names `{given}`, which is no program"
            if given
            else f"`{program.name}`, which {program.purpose}, is not installed"
        )
        return Diagnostic(code="PHX931", message=message, help=program.hint)
    if version is None:
        message = f"`{tool.path}` does not run, or does not say its version"
        return Diagnostic(code="PHX933", message=message, help=program.hint)
    if version and version < program.minimum:
        least = dotted(program.minimum)
        message = f"`{tool.path}` is {program.name} {dotted(version)}, and at least {least} is needed"
        return Diagnostic(code="PHX932", message=message, help=program.hint)
    return None


def _newest(folder: Path, name: str, wanted: Version | None) -> Path | None:
    """The wanted, else the highest version of a tool that set-up keeps in `folder/VERSION/name`."""
    kept = [
        (_numbers(version[1]), path)
        for path in folder.glob(f"*/{name}")
        if (version := _VERSION.match(path.parent.name)) and os.access(path, os.X_OK)
    ]
    return max(kept, key=lambda each: (each[0] == wanted, each[0]))[1] if kept else None


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in version.split("."))


def dotted(version: Version) -> str:
    """A version as people write it."""
    return ".".join(str(part) for part in version)
