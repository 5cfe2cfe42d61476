"""Options that every command takes, before or after its name, and what they amount to."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")

FORMATS = ("text", "concise", "json", "github", "sarif")


@dataclass
class Common:
    """The common options: the last one given wins, wherever it stands."""

    root: Path | None = None
    format: str = "text"
    color: str = "auto"
    verbosity: int = 0
    now: str = ""
    """Today, as YYYY-MM-DD; empty where nobody said it: no clock is read."""
    _directory: Path = field(default_factory=Path.cwd)

    @property
    def directory(self) -> Path:
        """The repository's root: `--root`, else the nearest folder upwards that has a phoenix.yaml."""
        if self.root is not None:
            return self.root
        for folder in (self._directory, *self._directory.parents):
            if (folder / "phoenix.yaml").exists():
                return folder
        raise click.ClickException(
            "there is no phoenix.yaml here or in a folder above; `phoenix init` makes a repository, `--root` names one"
        )

    def colored(self, *, err: bool = False) -> bool:
        """Whether a stream gets colours: only a terminal does, unless asked."""
        if self.color != "auto":
            return self.color == "always"
        stream = sys.stderr if err else sys.stdout
        return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def day(function: Callable[P, R]) -> Callable[P, R]:
    """Adds `--now`, by which alone time reaches us; it is kept in `Common.now`."""
    return click.option(
        "--now",
        metavar="YYYY-MM-DD",
        callback=_take_day,
        expose_value=False,
        help="Today: by it holds end and the data of retired tenants may go.  [default: no day]",
    )(function)


def _take_day(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    from datetime import date

    if value is None:
        return
    try:
        current().now = date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no day; write it as 2026-12-01") from error


def common(function: Callable[P, R]) -> Callable[P, R]:
    """Adds the common options; the command finds them by `current()`."""
    return common_and()(function)


def common_and(*formats: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `common`, for a command that knows more formats."""
    return functools.partial(_with_options, formats=(*FORMATS, *formats))


def _with_options(function: Callable[P, R], formats: Sequence[str]) -> Callable[P, R]:

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        options = current()
        if (root := kwargs.pop("root_", None)) is not None:
            options.root = Path(str(root))
        if (chosen := kwargs.pop("format_", None)) is not None:
            options.format = str(chosen)
        if (color := kwargs.pop("color_", None)) is not None:
            options.color = str(color)
        verbose, quiet = kwargs.pop("verbose_", 0), kwargs.pop("quiet_", 0)
        if isinstance(verbose, int) and isinstance(quiet, int):
            options.verbosity += verbose - quiet
        return function(*args, **kwargs)

    decorators = [
        click.option(
            "-C",
            "--root",
            "root_",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The repository's root.  [default: the nearest folder upwards with a phoenix.yaml]",
        ),
        click.option(
            "--format", "format_", type=click.Choice(formats), help="How findings are shown.  [default: text]"
        ),
        click.option(
            "--color", "color_", type=click.Choice(["auto", "always", "never"]), help="Colours.  [default: auto]"
        ),
        click.option("-v", "--verbose", "verbose_", count=True, help="Say more: each file that is written."),
        click.option("-q", "--quiet", "quiet_", count=True, help="Say less."),
    ]
    result: Callable[..., R] = wrapper
    for decorate in reversed(decorators):
        result = decorate(result)
    return result


def current() -> Common:
    """The common options of this run."""
    root = click.get_current_context().find_root()
    if not isinstance(root.obj, Common):
        root.obj = Common()
    return root.obj
