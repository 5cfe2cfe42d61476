"""Which files hold policies: the walk through a repository's input folders.

Links are never followed, whatever they point to: a policy may come in a stranger's pull request, and what
is reviewed must be what is read. What looks like a policy and is not read is said, never skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from phoenix_gitops.diagnostics import Diagnostic, Outcome, ordered
from phoenix_gitops.source.text import at_top

PATTERNS = ("phoenix.yaml", "environments/**/*.yaml", "policies/**/*.yaml")
"""Where policies are: a file at the root, or every `.yaml` file below a folder."""

MAX_FILES = 50_000
"""Most policy files of a repository."""

MAX_ENTRIES = 500_000
"""Most files and folders of any kind below the input folders."""

GUARDRAILS = "policies/guardrails"
"""Where guardrails are: every `.cue` file that lies in this folder itself."""

_BELOW = "/**/*.yaml"
_NEARLY_YAML = re.compile(r".*\.ya?ml", re.IGNORECASE | re.DOTALL)
_BAD_IN_PATH = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class _TooMany(Exception):  # noqa: N818 (control flow, not an error)
    """A limit of the walk is reached."""


def list_policies(root: Path, patterns: Sequence[str] = PATTERNS) -> Outcome[tuple[str, ...]]:
    """The policy files below `root`, sorted, relative to it and with `/`. What does not exist has no files.

    A pattern is `FILE.yaml` or `FOLDER/**/*.yaml`; another one, or one that leads out, is a ValueError.
    """
    walk = _Walk(root)
    try:
        for pattern in patterns:
            walk.add(pattern)
    except _TooMany as limit:
        help_ = "split the repository, or move what is no policy out of its input folders"
        walk.found.append(Diagnostic(code="PHX124", message=str(limit), help=help_))
    return Outcome(tuple(sorted(walk.files)), ordered(walk.found))


class _Walk:
    """Collects policy files and what is wrong with files and folders on the way."""

    def __init__(self, root: Path) -> None:
        self.files: set[str] = set()
        self.found: list[Diagnostic] = []
        self._root = root
        self._entries = 0

    def add(self, pattern: str) -> None:
        """Take in the files of one pattern."""
        base = pattern.removesuffix(_BELOW)
        parts = PurePosixPath(base).parts
        if not parts or base.startswith("/") or ".." in parts or "*" in base:
            raise ValueError(f"not a pattern for policies: {pattern!r}")
        if base != pattern:
            self._add_below(parts)
        elif len(parts) == 1 and base.endswith(".yaml"):
            wanted = {base.casefold(), base.removesuffix("yaml").casefold() + "yml"}
            for entry in self._scan(""):
                if entry.name.casefold() in wanted:
                    self._take(entry, entry.name)
        else:
            raise ValueError(f"a single file lies at the root and ends in .yaml: {pattern!r}")

    def _add_below(self, parts: tuple[str, ...]) -> None:
        folder = ""
        for part in parts:
            inside = [entry for entry in self._scan(folder) if entry.name == part]
            folder = f"{folder}/{part}" if folder else part
            if not inside:
                return
            said = len(self.found)
            if not self._take(inside[0], folder):
                if len(self.found) == said:
                    self._say("PHX121", folder, "not a folder", "make it a folder, or remove it")
                return
        folders = [folder]
        while folders:
            folder = folders.pop()
            entries = self._scan(folder)
            self._count(len(entries))
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if self._take(entry, path):
                    folders.append(path)

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            message = f"folder cannot be read: {reason(error)}"
            self._say("PHX122", folder or ".", message, "make it readable")
            return []

    def _count(self, entries: int) -> None:
        self._entries += entries
        if self._entries > MAX_ENTRIES:
            raise _TooMany(f"the input folders hold more than {MAX_ENTRIES:,} files and folders")

    def _take(self, entry: os.DirEntry[str], path: str) -> bool:
        """Take a policy file in, or say why not; whether `path` is a folder to go down."""
        if _BAD_IN_PATH.search(entry.name):
            help_ = "rename it; use letters, digits, `-`, `_` and `.`"
            self._say("PHX125", path, "name holds a character that no path may hold", help_)
        elif entry.is_symlink():
            self._say("PHX120", path, "symbolic links are not followed", "put the file or folder itself here")
        elif entry.is_dir(follow_symlinks=False):
            return True
        elif _NEARLY_YAML.fullmatch(entry.name):
            if not entry.is_file(follow_symlinks=False):
                self._say("PHX121", path, "not a regular file", "put a regular file here, or remove it")
            elif not entry.name.endswith(".yaml"):
                self._say(
                    "PHX123", path, "policy file does not end in `.yaml`", f"rename it to `{_renamed(entry.name)}`"
                )
            else:
                self.files.add(path)
                if len(self.files) > MAX_FILES:
                    raise _TooMany(f"there are more than {MAX_FILES:,} policy files")
        elif _is_lost_guardrail(path):
            help_ = f"move it to `{GUARDRAILS}/{PurePosixPath(entry.name).stem}.cue`"
            self._say("PHX407", path, f"guardrail is read by nobody: it is not `{GUARDRAILS}/*.cue`", help_)
        return False

    def _say(self, code: str, path: str, message: str, help_: str) -> None:
        self.found.append(at_top(code, printable(path), message, help=help_))


def _is_lost_guardrail(path: str) -> bool:
    """Whether a file is written as a guardrail, but lies or ends so that none is read there."""
    file = PurePosixPath(path)
    if file.suffix.lower() != ".cue" or "cue.mod" in file.parts:
        return False
    return file.suffix != ".cue" or str(file.parent) != GUARDRAILS


def _renamed(name: str) -> str:
    return f"{name.rpartition('.')[0]}.yaml"


def printable(path: str) -> str:
    """A path with bytes that are no UTF-8 written as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def reason(error: OSError) -> str:
    """Why the operating system refused, in lower case."""
    return (error.strerror or type(error).__name__).lower()
