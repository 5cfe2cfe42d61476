"""`phoenix import`: policies from what others wrote."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common, common, current

if TYPE_CHECKING:
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.front import Front
    from phoenix_gitops.importing.drafts import Draft, Taken
    from phoenix_gitops.importing.rules import Aim


@click.command("import", short_help="Make policies from rules, namespaces and SLOs that there are.")
@click.argument("sources", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--tenant", metavar="NAME", help="Whose the rules and SLOs are.  [default: the platform's]")
@click.option(
    "--owner", metavar="TEAM", help="Who answers for the policies.  [default: the tenant's, else the platform's]"
)
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    help="Where rules, metrics and SLOs are written.  [default: policies, or the tenant's folder]",
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    metavar="THEIRS=OURS",
    help="What a severity means here: critical, warning or info; repeatable. `=info` is for alerts without one.",
)
@click.option("--print", "printing", is_flag=True, help="Print the files; write nothing.")
@common
def command(
    *,
    sources: tuple[str, ...],
    tenant: str | None,
    owner: str | None,
    folder: str | None,
    severities: tuple[str, ...],
    printing: bool,
) -> int:
    """Make policies from Prometheus rule files, PrometheusRules, VMRules, objects of namespaces and OpenSLO documents.

    New files are written, all of them or, where the repository would not compile with them, none; no file is
    changed. What cannot be carried over is listed with its place. A folder stands for the YAML files below it, `-`
    for standard input.

    \b
    Examples:
      phoenix import rules/ --tenant example
      kubectl get ns,resourcequota,limitrange,networkpolicy,rolebinding -A -o yaml | phoenix import - --print
    """
    options = current()
    wish = _Wish(tenant, owner, folder, _meanings(severities))
    return run(options, sources, wish, printing=printing)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the user said about the policies that are to come."""

    tenant: str | None
    owner: str | None
    folder: str | None
    severities: Mapping[str, str]

    def aim(self, result: Front) -> Aim:
        """Where drafts go and whose they are."""
        from phoenix_gitops.importing.rules import Aim

        world = result.world
        assert world is not None
        tenants = {name: policy for (kind, name), policy in world.policies.items() if kind == "Tenant"}
        if self.tenant is not None and self.tenant not in tenants:
            known = ", ".join(sorted(tenants)) or "none"
            raise click.BadParameter(f"there is no tenant '{self.tenant}'; there are: {known}", param_hint="'--tenant'")
        owning = tenants[self.tenant] if self.tenant else world.platform
        default = f"policies/tenants/{self.tenant}" if self.tenant else "policies"
        return Aim(
            folder=_inside(self.folder) if self.folder else default,
            owner=self.owner or owning.metadata.owner,
            tenant=self.tenant,
            severities=self.severities,
        )


def _inside(folder: str) -> str:
    """A folder below `policies/`, where alone policies are read."""
    path = Path(folder)
    if path.is_absolute() or ".." in path.parts or path.parts[:1] != ("policies",):
        raise click.BadParameter(f"'{folder}' does not lie below policies/", param_hint="'--to'")
    return path.as_posix()


def _meanings(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        theirs, sign, ours = pair.rpartition("=")
        if not sign or ours not in {"critical", "warning", "info"}:
            raise click.BadParameter(f"'{pair}' is not as in 'page=critical'", param_hint="'--severity'")
        found[theirs] = ours
    return found


def run(options: Common, sources: Sequence[str], wish: _Wish, *, printing: bool) -> int:
    """Read, draft, try, write or print; gives the exit code."""
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.diagnostics import Outcome, has_errors
    from phoenix_gitops.importing.reading import read
    from phoenix_gitops.importing.settings import read_env
    from phoenix_gitops.importing.sorting import take

    contents = _contents(sources)
    outcomes = [
        Outcome((read_env(name, content),)) if _is_env(name) else read(name, content)
        for name, content in contents.items()
    ]
    faults = [d for outcome in outcomes for d in outcome.diagnostics]
    # Lines of a `.env` file are never shown: they hold keys.
    texts = {name: content.decode(errors="replace") for name, content in contents.items() if not _is_env(name)}
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, [*faults, *result.diagnostics], {**result.sources, **texts})
    if faults:
        return finish(options, faults, texts)
    aim = wish.aim(result)
    documents = [document for outcome in outcomes for document in outcome.value]
    drawn = {**result.sources, **texts}
    assert result.world is not None
    taken = take(documents, aim, result.world)
    return _settled(options, replace(result, sources=drawn), aim, taken, printing=printing)


def _settled(options: Common, result: Front, aim: Aim, taken: Taken, *, printing: bool) -> int:
    """Try the drafts, then write or print them; gives the exit code."""
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.importing.drafts import unique
    from phoenix_gitops.importing.known import known_metrics
    from phoenix_gitops.importing.metrics import catalog
    from phoenix_gitops.importing.settling import in_the_way, settle
    from phoenix_gitops.importing.tenants import needed

    assert result.world is not None
    known = known_metrics(result.world, aim.tenant)
    name = unique("imported", {name for kind, name in result.policies or () if kind == "MetricCatalog"})

    def complete(drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
        found = catalog(drafts, known, aim, name)
        return (*needed(drafts), *((found,) if found else ()))

    settled, errors = settle(taken, complete, lambda files: _judged(options, result.root, files))
    drawn = {**result.sources, **{draft.file: draft.text() for draft in settled.drafts}}
    in_place = [in_the_way(draft) for draft in settled.drafts if _exists(result.root / draft.file)]
    found = [*settled.notes, *errors, *in_place]
    if not settled.drafts:
        found.append(_nothing())
    if errors or in_place or not settled.drafts:
        return finish(options, found, drawn)
    if printing:
        for draft in settled.drafts:
            click.echo(f"# {draft.file}\n{draft.text()}", nl=False)
        return finish(options, found, drawn)
    _write(result.root, settled.drafts)
    return finish(options, found, drawn, lambda: _told(settled.drafts, len(settled.notes)))


def _nothing() -> Diagnostic:
    from phoenix_gitops.diagnostics import Diagnostic

    help_ = "phoenix import reads rule groups, objects of namespaces and OpenSLO documents"
    return Diagnostic(code="PHX824", message="there is nothing here that can be imported", help=help_)


def _told(drafts: Sequence[Draft], notes: int) -> None:
    for draft in drafts:
        click.echo(f"  {draft.file}")
    listed = f"; {notes} finding{'s say' if notes > 1 else ' says'} what is not as it was" if notes else ""
    click.echo(f"{len(drafts)} polic{'ies' if len(drafts) > 1 else 'y'} written{listed}")


def _contents(sources: Sequence[str]) -> dict[str, bytes]:
    """The inputs by the names that findings give them, folders opened, in the order in which they were named."""
    from phoenix_gitops.importing.reading import MAX_BYTES

    found: dict[str, bytes] = {}
    for source in sources:
        if source == "-":
            found["<stdin>"] = sys.stdin.buffer.read(MAX_BYTES + 1)
            continue
        path = Path(source)
        below = (p for p in path.rglob("*") if p.suffix in {".yaml", ".yml"} or _is_env(p.name))
        paths = sorted(below) if path.is_dir() else [path]
        for one in paths:
            try:
                with one.open("rb") as file:
                    found[one.as_posix()] = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise click.ClickException(f"cannot read {one}: {error.strerror}") from error
    return found


def _is_env(name: str) -> bool:
    return name.endswith(".env") or Path(name).name.startswith(".env.")


def _judged(options: Common, root: Path, files: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """What the compiler says of the repository with these files, tried in a folder that is gone afterwards."""
    from phoenix_gitops.cli.session import compile_all
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain
    from phoenix_gitops.publish import INPUTS

    with tempfile.TemporaryDirectory(prefix="phoenix-import-") as name:
        folder = Path(name)
        for part in INPUTS:
            if (root / part).is_dir():
                shutil.copytree(root / part, folder / part, symlinks=True)
            elif (root / part).exists():
                shutil.copy2(root / part, folder / part)
        _put(folder, files)
        result = run_front(folder, constrain)
        if has_errors(result.diagnostics):
            return result.diagnostics
        compiled, faults = compile_all(replace(options, verbosity=-1), result, (), cache=False)
        return (*result.diagnostics, *faults, *(d for one in compiled for d in one.diagnostics))


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _put(root: Path, files: Mapping[str, str]) -> None:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        if not _exists(root / file):
            (root / file).write_text(text, encoding="utf-8")


def _write(root: Path, drafts: Sequence[Draft]) -> None:
    """Write new files; where the system refuses one, those before it go again."""
    written: list[Path] = []
    try:
        for draft in drafts:
            target = root / draft.file
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                written.append(target)
                file.write(draft.text())
    except OSError as error:
        for target in written:
            target.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
