"""`phoenix upgrade`: what another compiler makes of the policies, and the next ring for another collector."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.diff import Side, Wanted, compiled_side, reached_fatal, review_of, show
from phoenix_gitops.cli.options import Common, common_and, current

if TYPE_CHECKING:
    from phoenix_gitops.diff_report import Review
    from phoenix_gitops.edits import Edit
    from phoenix_gitops.front import Front
    from phoenix_gitops.rings import Move

_PLATFORM = "phoenix.yaml"


@click.command(short_help="Show, and prepare, a change of the compiler or the collector.")
@click.argument("component", required=False, type=click.Choice(["collector"]))
@click.option("--to", "to", required=True, metavar="VERSION", help="The version to go to.")
@click.option("--compiler", type=click.Path(path_type=Path), help="The other compiler: a program or its environment.")
@click.option("--ring", default="", metavar="NAME", help="The ring to move.  [default: the next one]")
@click.option("--digest", metavar="sha256:…", help="The digest of the collector's image.")
@click.option(
    "--fail-on",
    "fatal",
    multiple=True,
    type=click.Choice(["destructive", "restart", "access", "labels"]),
    help="Exit 1 if something like that happens, and write nothing; repeatable.",
)
@click.option("--write", is_flag=True, help=f"Change {_PLATFORM}; comments stay.")
@common_and("markdown")
def command(
    *,
    component: str | None,
    to: str,
    compiler: Path | None,
    ring: str,
    digest: str | None,
    fatal: tuple[str, ...],
    write: bool,
) -> int:
    """Show what a change of version does to the output, restarts first, and with --write prepare it.

    Without COMPONENT it is the compiler's version: the other compiler (--compiler, else what `uvx` or `pip` brings)
    runs on a copy of the policies, and both trees are compared by meaning. `phoenix upgrade collector` moves the next
    ring of the Platform to another version of the collector. --fail-on is that of `phoenix diff`.

    \b
    Examples:
      phoenix upgrade --to 0.2.0 --fail-on restart
      phoenix upgrade collector --to 0.159.0 --ring canary
      phoenix upgrade collector --to 0.159.0 --write
    """
    options = current()
    markdown = options.format == "markdown"
    if markdown:
        options = replace(options, format="text")
    wanted = Wanted(ref="", environments=(), removable=(), fatal=fatal, markdown=markdown, approvers=False, output=None)
    asked = _Asked(options, wanted, to, write)
    if component is None:
        if ring or digest:
            raise click.UsageError("--ring and --digest are for `phoenix upgrade collector`")
        return _upgrade_compiler(asked, compiler)
    if compiler:
        raise click.UsageError("--compiler is for `phoenix upgrade --to VERSION`")
    return _upgrade_collector(asked, ring, digest)


@dataclass(frozen=True, slots=True)
class _Asked:
    options: Common
    wanted: Wanted
    to: str
    write: bool

    def say(self, text: str) -> None:
        """A line for people: beside a document for machines it would be in the way."""
        click.echo(text, err=self.options.format != "text" or self.wanted.markdown)


def _upgrade_collector(asked: _Asked, ring: str, digest: str | None) -> int:
    """The next ring to another version of the collector."""
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.rings import next_move

    options = asked.options
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    assert result.world is not None
    _check_ring(result, ring)
    move = next_move(result.world, asked.to, digest, ring)
    if move is None:
        asked.say(f"collector {asked.to} runs in {f'ring {ring}' if ring else 'every environment'}: nothing to do")
        return 0
    text = _edited(options.directory, [_edit(path, value) for path, value in move.changes])
    with _copy(options.directory, text) as folder:
        after, now = _compiled(asked, folder)
        if has_errors(after.diagnostics):
            return finish(options, after.diagnostics, after.sources)
        before = compiled_side(options, result, ())
        if has_errors(before.diagnostics):
            return finish(options, before.diagnostics, before.sources)
        review = review_of(before, after, (result, now), result.world.platform.spec.prices)
    _say_move(asked, move, before, after)
    return _conclude(asked, review, text)


def _check_ring(result: Front, ring: str) -> None:
    from phoenix_gitops.rings import rings
    from phoenix_gitops.suggest import closest

    assert result.world is not None
    known = [one.name for one in rings(result.world) if one.name]
    if ring and ring not in known:
        near = closest(ring, known)
        more = f"; did you mean '{near}'?" if near else f"; there are: {', '.join(known) or 'none'}"
        raise click.BadParameter(f"no environment is in a ring '{ring}'{more}", param_hint="'--ring'")


def _say_move(asked: _Asked, move: Move, before: Side, after: Side) -> None:
    """Whom it moves, which words of configs and rules are others there, and what is missing."""
    where = ", ".join(move.ring.environments)
    asked.say(f"{move.ring}: collector {move.ring.collector.tag} -> {asked.to} in {where}")
    for line in _renames(move.ring.collector.tag, asked.to, before.files, after.files):
        asked.say(line)
    if move.image.digest is None and move.ring.collector.digest is not None:
        asked.say("its image has no digest any more: --digest gives it")
    asked.say("")


def _renames(former: str, tag: str, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[str]:
    """The words of configs and rules that differ between two versions, as far as our output holds them."""
    import re

    from phoenix_gitops.collector.versions import table_of

    for word, other in table_of(tag).renames(table_of(former)).items():
        pattern = re.compile(rb"(?<![A-Za-z0-9_])%s(?![A-Za-z0-9_])" % re.escape(word.encode()))
        files = sum(bool(pattern.search(content)) and content != new.get(path) for path, content in old.items())
        if files:
            yield f"  `{word}` is `{other}`, in {files} file{'s' * (files != 1)}"


def _upgrade_compiler(asked: _Asked, given: Path | None) -> int:
    """The tree that one compiler makes against that of the other."""
    from phoenix_gitops import __version__
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.compilers import compile_with, compiler
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.edits import Set
    from phoenix_gitops.front import read_platform

    options = asked.options
    read = read_platform(options.directory)
    if read.platform is None:
        return finish(options, read.diagnostics, read.sources)
    old = read.platform.spec.version
    if asked.to == old:
        asked.say(f"{_PLATFORM} asks for compiler {old} already: nothing to do")
        return 0
    if __version__ not in (old, asked.to):
        raise click.ClickException(
            f"the platform asks for compiler {old}, you for {asked.to}, and this is {__version__}: run one of those two"
        )
    other = compiler(asked.to if old == __version__ else old, given)
    if other.value is None:
        return finish(options, other.diagnostics, {})
    version = ("spec", "version")
    with (
        _copy(options.directory, _edited(options.directory, [Set(version, __version__)])) as ours,
        _copy(options.directory, _edited(options.directory, [Set(version, other.value.version)])) as theirs,
    ):
        mine, _ = _compiled(asked, ours)
        if has_errors(mine.diagnostics):
            return finish(options, mine.diagnostics, mine.sources)
        tree = compile_with(other.value, theirs)
        if tree.diagnostics:
            return finish(options, tree.diagnostics, {})
    before, after = mine, Side(files=tree.value)
    if old != __version__:
        before, after = after, before
    review = review_of(before, after, (None, None), read.platform.spec.prices)
    asked.say(f"compiler {old} -> {asked.to}")
    if review.diff.restarts and old.rsplit(".", 1)[0] == asked.to.rsplit(".", 1)[0]:
        asked.say(f"a patch release should restart no pod, and this one restarts {review.diff.restarts}: report it")
    asked.say("")
    return _conclude(asked, review, _edited(options.directory, [Set(version, asked.to)]))


def _conclude(asked: _Asked, review: Review, text: str) -> int:
    """The difference, restarts first, then what is or would be written; gives the exit code."""
    groups = tuple(sorted(review.diff.groups, key=lambda group: not group.first.restarts))
    show(asked.options, replace(review, diff=replace(review.diff, groups=groups)), asked.wanted)
    reached = reached_fatal(review, asked.wanted.fatal)
    if reached:
        click.echo(
            f"the change is {' and '.join(reached)} (--fail-on)" + ", so nothing is written" * asked.write, err=True
        )
        return 1
    path = asked.options.directory / _PLATFORM
    if asked.write:
        _write(path, text)
        asked.say(f"\nwritten: {_PLATFORM}; look at it, compile and open a pull request")
    else:
        asked.say("\n" + "\n".join([*_lines(path.read_text(encoding="utf-8"), text), "", "--write does so"]))
    return 0


def _lines(old: str, new: str) -> Iterator[str]:
    """The lines of a file that change, as `diff -u` shows them."""
    import difflib

    return difflib.unified_diff(old.splitlines(), new.splitlines(), _PLATFORM, _PLATFORM, lineterm="", n=1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def _edit(path: tuple[str | int, ...], value: object) -> Edit:
    from phoenix_gitops.edits import Remove, Set

    return Remove(path) if value is None else Set(path, value)


def _edited(root: Path, edits: Sequence[Edit]) -> str:
    """The text of the Platform with values set; all else stays as it is."""
    from phoenix_gitops.edits import edited

    with (root / _PLATFORM).open(encoding="utf-8", newline="") as file:
        return edited(file.read(), edits)


@contextmanager
def _copy(root: Path, text: str) -> Iterator[Path]:
    """A folder with all that a compile reads, and another Platform; it is gone afterwards."""
    from phoenix_gitops.publish import INPUTS

    with tempfile.TemporaryDirectory(prefix="phoenix-upgrade-") as name:
        folder = Path(name)
        for part in INPUTS:
            if (root / part).is_dir():
                shutil.copytree(root / part, folder / part, symlinks=True)
        (folder / _PLATFORM).write_text(text, encoding="utf-8", newline="")
        yield folder


def _compiled(asked: _Asked, folder: Path) -> tuple[Side, Front]:
    """What this compiler makes of the policies in a folder, and what it knows of them."""
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain

    result = run_front(folder, constrain)
    return compiled_side(asked.options, result, (), results_of=asked.options.directory), result
