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


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that we may run: how it is named, asked for its version, and installed."""

    name: str
    purpose: str
    minimum: Version
    version_arguments: tuple[str, ...]
    hint: str
    silent: bool = False
    """Whether some builds do not know their version; such a one is taken as it is."""

    @property
    def variable(self) -> str:
        """The environment variable that names the program's file."""
        return f"PHOENIX_{self.name.upper().replace('-', '_')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that was found. `source` says where: the variable's name, `cache` or `PATH`."""

    program: Program
    path: Path
    source: str


PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        Program(
            name="cue",
            purpose="runs the guardrails of policies/guardrails/",
            minimum=(0, 17),
            version_arguments=("version",),
            hint="run `go install cuelang.org/go/cmd/cue@v0.17.1`, in a checkout of Phoenix GitOps `make setup`, "
            "or set PHOENIX_CUE to a cue of that version",
        ),
        Program(
            name="git",
            purpose="publishes the compiled trees and finds what changed",
            minimum=(2, 30),
            version_arguments=("--version",),
            hint="install git 2.30 or newer with the system's package manager, or set PHOENIX_GIT",
        ),
        Program(
            name="promtool",
            purpose="judges generated Prometheus rules and runs their tests",
            minimum=(2, 42),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install Prometheus, or set PHOENIX_PROMTOOL",
        ),
        Program(
            name="prometheus",
            purpose="evaluates generated rules over replayed data",
            minimum=(3, 0),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install Prometheus, or set PHOENIX_PROMETHEUS",
        ),
        Program(
            name="amtool",
            purpose="judges routes of alerts",
            minimum=(0, 25),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install Alertmanager, or set PHOENIX_AMTOOL",
        ),
        Program(
            name="vmalert",
            purpose="judges generated VictoriaMetrics rules",
            minimum=(1, 79),
            version_arguments=("-version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install VictoriaMetrics, or set PHOENIX_VMALERT",
            silent=True,  # Some builds print an empty line.
        ),
        Program(
            name="vmalert-tool",
            purpose="runs tests of generated VictoriaMetrics rules",
            minimum=(1, 90),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install VictoriaMetrics, or set PHOENIX_VMALERT_TOOL",
            silent=True,  # Some builds print an empty line.
        ),
        Program(
            name="vmagent",
            purpose="judges scrape configs",
            minimum=(1, 79),
            version_arguments=("-version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install VictoriaMetrics, or set PHOENIX_VMAGENT",
            silent=True,  # Some builds print an empty line.
        ),
        Program(
            name="vmauth",
            purpose="judges users and their routes",
            minimum=(1, 79),
            version_arguments=("-version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install VictoriaMetrics, or set PHOENIX_VMAUTH",
            silent=True,  # Some builds print an empty line.
        ),
        Program(
            name="victoria-metrics",
            purpose="stores replayed data and evaluates generated rules over it",
            minimum=(1, 79),
            version_arguments=("-version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install VictoriaMetrics, or set PHOENIX_VICTORIA_METRICS",
            silent=True,  # Some builds print an empty line.
        ),
        Program(
            name="otelcol",
            purpose="boots generated collector configs",
            minimum=(0, 150),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install an OpenTelemetry Collector with the components of ours, or set PHOENIX_OTELCOL",
        ),
        Program(
            name="kube-apiserver",
            purpose="judges generated objects",
            minimum=(1, 33),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install Kubernetes, or set PHOENIX_KUBE_APISERVER",
        ),
        Program(
            name="kube-controller-manager",
            purpose="counts quotas and makes service accounts beside kube-apiserver",
            minimum=(1, 33),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install Kubernetes, or set PHOENIX_KUBE_CONTROLLER_MANAGER",
        ),
        Program(
            name="etcd",
            purpose="stores the objects of kube-apiserver",
            minimum=(3, 5),
            version_arguments=("--version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install etcd, or set PHOENIX_ETCD",
        ),
        Program(
            name="sloth",
            purpose="is the peer whose SLO rules ours are compared with",
            minimum=(0, 11),
            version_arguments=("version",),
            hint="run `make proof` in a checkout of Phoenix GitOps, install sloth, or set PHOENIX_SLOTH",
        ),
    )
}

_VERSION = re.compile(r"\bv?([0-9]+\.[0-9]+(?:\.[0-9]+)*)")
_VERSION_SECONDS = 10


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where set-up keeps tools: `$PHOENIX_CACHE`, else `phoenix-gitops` in the user's cache directory."""
    if environ.get("PHOENIX_CACHE"):
        return Path(environ["PHOENIX_CACHE"])
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(environ.get("HOME", "~")).expanduser() / ".cache") / "phoenix-gitops"


def find(name: str, environ: Mapping[str, str] = os.environ) -> Tool | None:
    """The tool that would be run, or None. A variable that points at no program finds nothing.

    Raises `KeyError` for a name that is none of `PROGRAMS`.
    """
    program = PROGRAMS[name]
    given = environ.get(program.variable)
    if given:
        path = Path(given)
        found = path.is_file() and os.access(path, os.X_OK)
        return Tool(program=program, path=path.absolute(), source=program.variable) if found else None
    cached = _newest(cache_dir(environ) / "tools" / name, name)
    if cached is not None:
        return Tool(program=program, path=cached, source="cache")
    on_path = shutil.which(name, path=environ.get("PATH", ""))
    return Tool(program=program, path=Path(on_path).absolute(), source="PATH") if on_path else None


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
    program = PROGRAMS[name]
    tool = find(name, environ)
    if tool is None:
        given = environ.get(program.variable)
        message = (
            f"`{program.variable}` names `{given}`, which is no program"
            if given
            else f"`{name}`, which {program.purpose}, is not installed"
        )
        return Outcome(None, (Diagnostic(code="PHX931", message=message, help=program.hint),))
    version = version_of(tool)
    if version is None:
        message = f"`{tool.path}` does not run, or does not say its version"
        return Outcome(None, (Diagnostic(code="PHX933", message=message, help=program.hint),))
    if version and version < program.minimum:
        message = f"`{tool.path}` is {name} {_dotted(version)}, and at least {_dotted(program.minimum)} is needed"
        return Outcome(None, (Diagnostic(code="PHX932", message=message, help=program.hint),))
    return Outcome(tool)


def _newest(folder: Path, name: str) -> Path | None:
    """The highest version of a tool that set-up keeps in `folder/VERSION/name`."""
    kept = [
        (_numbers(version[1]), path)
        for path in folder.glob(f"*/{name}")
        if (version := _VERSION.match(path.parent.name)) and os.access(path, os.X_OK)
    ]
    return max(kept)[1] if kept else None


def _numbers(version: str) -> Version:
    return tuple(int(part) for part in version.split("."))


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)
