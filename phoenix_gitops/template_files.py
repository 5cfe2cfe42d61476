"""Where templates are read from: the user's folder first, then packs', then the built-in one.

The user's folder may come with a stranger's pull request: links are not followed, and nothing outside the
folder is read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span
from phoenix_gitops.resources import templates_dir
from phoenix_gitops.template_lint import MAX_BYTES

MAX_FILES = 2_000
"""Entries of a user's `templates/` that are looked at."""

_NAME = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*\.yaml\.j2")
_ENDING = ".yaml.j2"


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text; `file` is its path as shown to the user."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class TemplateFiles:
    """The folders with templates, the strongest first; each holds `<capability>/<kind>.yaml.j2`."""

    user: Path | None
    """The repository's own `templates/`, if there is one."""
    packs: Sequence[tuple[str, Path]] = ()
    """Template packs of third parties: name and folder."""
    builtin: Path | None = None

    @classmethod
    def of_repository(cls, root: Path, packs: Sequence[tuple[str, Path]] = ()) -> TemplateFiles:
        """A repository's `templates/`, template packs by name, and the built-in templates."""
        return cls(user=root / "templates", packs=packs, builtin=templates_dir())

    def read(self, name: str) -> Source | Diagnostic:
        """The template from the first folder that has it, or why it cannot be read.

        Raises LookupError if no folder has it, ValueError for a name that no template can have.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a template's name: {name!r}")
        if self.user is not None:
            found = _read_user(self.user, name, f"templates/{name}")
            if found is not None:
                return found
        for prefix, folder in self._installed():
            if (folder / name).is_file():
                return _read(folder / name, prefix + name)
        raise LookupError(f"no template {name}")

    def user_template(self, file: str) -> Source | Diagnostic | None:
        """A template of the user's by its path as shown; None if there is none of this name."""
        name = file.removeprefix("templates/")
        return _read_user(self.user, name, file) if self.user and _NAME.fullmatch(name) else None

    def is_users(self, source: Source) -> bool:
        """Whether a template lies in the user's folder."""
        return source.file.startswith("templates/")

    def user_templates(self) -> Iterator[Source | Diagnostic]:
        """All of the user's own templates in the order of their paths, and what is wrong with the others."""
        if self.user is not None and self.user.is_symlink():
            yield _linked("templates")
            return
        if self.user is None or not self.user.is_dir():
            return
        for count, (name, linked) in enumerate(_walk(self.user, ""), 1):
            file = f"templates/{name}"
            if count > MAX_FILES:
                yield _unreadable("templates", f"`templates/` has more than {MAX_FILES} entries", "remove some")
                return
            if linked:
                yield _linked(file)
            elif name.endswith(_ENDING):
                found = _read_user(self.user, name, file)
                if found is not None:
                    yield found
                if not self._overrides(name):
                    yield _unused(file)

    def _installed(self) -> Iterator[tuple[str, Path]]:
        """The folders that are not the user's, each with what stands before a template's name when it is shown."""
        for pack, folder in self.packs:
            yield f"pack:{pack}/", folder
        if self.builtin is not None:
            yield "builtin:templates/", self.builtin

    def _overrides(self, name: str) -> bool:
        """Whether a user's template takes the place of another (in our own repository: is that other)."""
        return any((folder / name).is_file() for _, folder in self._installed())


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, bool]]:
    """Files and links below a folder, sorted: name relative to the top, and whether it is a link."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/")
        else:
            yield name, entry.is_symlink()


def _read_user(folder: Path, name: str, file: str) -> Source | Diagnostic | None:
    """The text of a user's template; None if it does not exist. No part of its path may be a link."""
    path = folder
    for part in ("", *name.split("/")):
        path = path / part
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(mode):
            return _linked(file)
    if not stat.S_ISREG(mode):
        return _unreadable(file, f"`{file}` is no regular file", "put a text file there")
    return _read(path, file)


def _read(path: Path, file: str) -> Source | Diagnostic:
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    # The linter refuses a larger one for its size, so it does not matter what the cut did to its last character.
    errors = "replace" if len(content) > MAX_BYTES else "strict"
    try:
        return Source(file, content.decode(errors=errors).replace("\r\n", "\n"))
    except UnicodeDecodeError:
        return _unreadable(file, f"`{file}` is not UTF-8", "save it as UTF-8")


def _linked(file: str) -> Diagnostic:
    return _unreadable(file, f"`{file}` is a symbolic link", "put the template itself there")


def _unreadable(file: str, message: str, help_text: str) -> Diagnostic:
    return Diagnostic(code="PHX610", message=message, primary=Label(Span(file, 1, 1, 1, 1)), help=help_text)


def _unused(file: str) -> Diagnostic:
    return Diagnostic(
        code="PHX611",
        message=f"`{file}` takes the place of no template",
        primary=Label(Span(file, 1, 1, 1, 1)),
        help="give it the path of the built-in template that it is to replace, or remove it",
        severity=Severity.WARNING,
    )
