"""Compilers of other versions: found or installed, asked who they are, and run on a copy of the policies."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Outcome
from phoenix_gitops.processes import Children, Done, Limits, run
from phoenix_gitops.tools import cache_dir

PACKAGE = "phoenix-gitops"
_LIMITS = Limits(seconds=900, memory=16384, output=256)
_VERSION = re.compile(r"\bversion ([0-9]+\.[0-9]+\.[0-9]+)\b")
_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""What leads a Python to our own modules: another compiler has its own."""
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Compiler:
    """A `phoenix` that can be run."""

    command: tuple[str, ...]
    version: str

    @property
    def name(self) -> str:
        """How a person would run it."""
        return " ".join(self.command)


def compiler(
    version: str, given: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Outcome[Compiler | None]:
    """The compiler of a version: the given one, or one that `uvx` or `pip` brings.

    None with PHX918 where there is none, with PHX920 where it is of another version.
    """
    if given is not None:
        program = _program(given)
        if program is None:
            message = f"`{given}` is neither a program nor a virtual environment with `phoenix` in it"
            return Outcome(None, (_missing(version, message),))
        return _asked((str(program),), version, environ)
    if uvx := shutil.which("uvx", path=environ.get("PATH")):
        return _asked((uvx, "--from", f"{PACKAGE}=={version}", "phoenix"), version, environ)
    return _installed(version, environ)


def compile_with(
    found: Compiler, folder: Path, environ: Mapping[str, str] = os.environ
) -> Outcome[Mapping[str, bytes]]:
    """The tree that a compiler makes of the policies in `folder`, by path below `generated/`; PHX919 if it refuses."""
    done = _run((*found.command, "compile", "-C", str(folder), "--color", "never", "-q"), environ)
    if not done.ok:
        said = (done.errors or done.output).decode(errors="replace").strip()
        lines = said.splitlines()[:_SHOWN] or [f"it ended with status {done.code}"]
        if done.stopped:
            lines = [f"it was stopped: too much {done.stopped}"]
        return Outcome({}, (_refused(found, lines),))
    top = folder / "generated"
    return Outcome({path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()})


def _refused(found: Compiler, lines: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        code="PHX919",
        message=f"compiler `{found.version}` does not compile these policies",
        help="change the policies so that both versions take them, or change them with the version, by hand",
        notes=tuple(f"it said: {line}" for line in lines if line.strip()),
    )


def _program(given: Path) -> Path | None:
    """The program itself, or the one of a virtual environment."""
    for candidate in (given, given / "bin" / "phoenix", given / "Scripts" / "phoenix.exe"):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.absolute()
    return None


def _asked(command: tuple[str, ...], version: str, environ: Mapping[str, str]) -> Outcome[Compiler | None]:
    """A command that says it is the compiler of this version."""
    done = _run((*command, "--version"), environ)
    told = _VERSION.search(done.output.decode(errors="replace")) if done.ok else None
    if told is None:
        said = _last(done)
        message = f"`{' '.join(command)}` does not say which compiler it is"
        return Outcome(None, (_missing(version, message, *([f"it said: {said}"] if said else [])),))
    if told[1] != version:
        return Outcome(
            None,
            (
                Diagnostic(
                    code="PHX920",
                    message=f"`{' '.join(command)}` is compiler `{told[1]}`, and `{version}` is asked for",
                    help="give the path of that version with `--compiler`, or ask for the one that it is with `--to`",
                ),
            ),
        )
    return Outcome(Compiler(command, version))


def _installed(version: str, environ: Mapping[str, str]) -> Outcome[Compiler | None]:
    """A compiler in a virtual environment of our cache; made once, by pip."""
    home = cache_dir(environ) / "compilers" / version
    # Its script names the folder that it was made in, so its Python is asked.
    command = (str(home / "bin" / "python"), "-m", "phoenix_gitops")
    if Path(command[0]).is_file():
        return _asked(command, version, environ)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{version}-", dir=home.parent) as scratch:
        new = Path(scratch) / "new"
        wanted = f"{PACKAGE}=={version}"
        steps: tuple[tuple[str, ...], ...] = (
            (sys.executable, "-m", "venv", str(new)),
            (str(new / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted),
        )
        for step in steps:
            done = _run(step, environ)
            if not done.ok:
                message = f"compiler `{version}` is not at hand, and cannot be installed"
                return Outcome(None, (_missing(version, message, f"it said: {_last(done)}"),))
        shutil.rmtree(home, ignore_errors=True)
        new.rename(home)
    return _asked(command, version, environ)


def _missing(version: str, message: str, *notes: str) -> Diagnostic:
    hint = f"`python -m venv other && other/bin/pip install {PACKAGE}=={version}`, then `--compiler other`"
    return Diagnostic(code="PHX918", message=message, help=hint, notes=notes)


def _last(done: Done) -> str:
    lines = (done.errors or done.output).decode(errors="replace").strip().splitlines()
    return " ".join(lines[-1].split()) if lines else ""


def _run(command: Sequence[str], environ: Mapping[str, str]) -> Done:
    own = {name: value for name, value in environ.items() if name not in _OURS}
    with tempfile.TemporaryDirectory(prefix="phoenix-compiler-") as folder, Children() as children:
        try:
            return run(children, command, folder=Path(folder), environment=own, limits=_LIMITS)
        except OSError as error:
            return Done(code=-1, errors=str(error.strerror).encode())
