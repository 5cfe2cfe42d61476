"""`phoenix import`: policies from what others wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.drafted import compiled_with, contents, exists, is_env, judged, write
from phoenix_gitops.cli.options import Common, common, current

if TYPE_CHECKING:
    from phoenix_gitops.diagnostics import Diagnostic
    from phoenix_gitops.front import Front
    from phoenix_gitops.importing.drafts import Draft, Taken
    from phoenix_gitops.importing.reading import Node
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
@click.option("--memory", metavar="SIZE", help="Memory limit of a collector's container, as 2Gi, where it is not said.")
@click.option("--update", is_flag=True, help="Edit policies that exist already; their comments stay.")
@click.option(
    "--check", "checking", is_flag=True, help="Write nothing; show how what comes out differs; exit 1 if it does."
)
@click.option("--print", "printing", is_flag=True, help="Print the files, and what would be edited; write nothing.")
@common
def command(
    *,
    sources: tuple[str, ...],
    tenant: str | None,
    owner: str | None,
    folder: str | None,
    severities: tuple[str, ...],
    memory: str | None,
    update: bool,
    checking: bool,
    printing: bool,
) -> int:
    """Make policies from Prometheus rule files, PrometheusRules, VMRules, objects of namespaces, OpenSLO documents and
    collector configs.

    Files are written, all of them or, where the repository would not compile with them, none; a file that exists is
    changed only with --update. What cannot be carried over is listed with its place. A folder stands for the YAML
    files below it, `-` for standard input.

    \b
    Examples:
      phoenix import rules/ --tenant example
      kubectl get ns,resourcequota,limitrange,networkpolicy,rolebinding -A -o yaml | phoenix import - --print
    """
    options = current()
    if checking and printing:
        raise click.UsageError("--check and --print exclude each other")
    wish = _Wish(tenant, owner, folder, _meanings(severities), _mebibytes(memory), update or checking)
    return run(options, sources, wish, checking=checking, printing=printing)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the user said about the policies that are to come."""

    tenant: str | None
    owner: str | None
    folder: str | None
    severities: Mapping[str, str]
    memory: int | None
    update: bool

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
            memory=self.memory,
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


def _mebibytes(text: str | None) -> int | None:
    from phoenix_gitops.importing.collectors.configs import mebibytes_of

    found = mebibytes_of(text) if text is not None else None
    if text is not None and found is None:
        raise click.BadParameter(f"'{text}' is not as in '512Mi' or '2Gi'", param_hint="'--memory'")
    return found


def run(options: Common, sources: Sequence[str], wish: _Wish, *, checking: bool, printing: bool) -> int:
    """Read, draft, try, then write, print or check; gives the exit code."""
    from phoenix_gitops.cli.session import finish, front
    from phoenix_gitops.diagnostics import Outcome, has_errors
    from phoenix_gitops.importing.collectors.exporters import masked
    from phoenix_gitops.importing.drafts import Taken
    from phoenix_gitops.importing.reading import read
    from phoenix_gitops.importing.settings import read_env
    from phoenix_gitops.importing.sorting import opened, take
    from phoenix_gitops.importing.updating import revised

    inputs = contents(sources)
    outcomes = [
        Outcome((read_env(name, content),)) if is_env(name) else read(name, content) for name, content in inputs.items()
    ]
    faults = [d for outcome in outcomes for d in outcome.diagnostics]
    # Lines of a `.env` file are never shown: they hold keys.
    texts = {name: content.decode(errors="replace") for name, content in inputs.items() if not is_env(name)}
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, [*faults, *result.diagnostics], {**result.sources, **texts})
    if faults:
        return finish(options, faults, texts)
    aim = wish.aim(result)
    documents = [document for outcome in outcomes for document in outcome.value]
    assert result.world is not None
    taken = take(documents, aim, result.world)
    drafts = taken.drafts
    unchanged: tuple[Draft, ...] = ()
    if wish.update:
        edits, unchanged = revised(drafts, result.policies or {}, result.sources)
        taken = Taken(edits.drafts, (*taken.notes, *edits.notes))
    drawn = {**result.sources, **masked(texts, taken.notes)}
    work = _Work(aim, taken, unchanged, drafts, tuple(opened(documents)) if checking else (), checking, printing)
    return _settled(options, replace(result, sources=drawn), work)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is imported, and what is to be done with it."""

    aim: Aim
    taken: Taken
    unchanged: Sequence[Draft]
    """Drafts that say what a policy says already."""
    drafts: Sequence[Draft]
    """All drafts, as if there were no policies yet."""
    documents: Sequence[Node]
    checking: bool
    printing: bool


def _settled(options: Common, result: Front, work: _Work) -> int:
    """Try the drafts, then write, print or check them; gives the exit code."""
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.importing.drafts import unique
    from phoenix_gitops.importing.known import known_metrics
    from phoenix_gitops.importing.metrics import catalog
    from phoenix_gitops.importing.settling import in_the_way, settle
    from phoenix_gitops.importing.tenants import needed

    assert result.world is not None
    aim, unchanged = work.aim, work.unchanged
    known = known_metrics(result.world, aim.tenant)
    name = unique("imported", {name for kind, name in result.policies or () if kind == "MetricCatalog"})

    def complete(drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
        found = catalog(drafts, known, aim, name)
        return (*needed(drafts), *((found,) if found else ()))

    settled, errors = settle(work.taken, complete, lambda files: judged(options, result.root, files))
    drawn = {**result.sources, **{draft.file: draft.text() for draft in settled.drafts if draft.standing is None}}
    new = [draft for draft in settled.drafts if draft.standing is None]
    in_place = [in_the_way(draft) for draft in new if exists(result.root / draft.file)]
    found = [*settled.notes, *errors, *in_place]
    if not settled.drafts and not unchanged:
        found.append(_nothing())
    if errors or in_place or not (settled.drafts or unchanged):
        return finish(options, found, drawn)
    if work.checking:
        return _checked(options, replace(result, sources=drawn), work, settled)
    if work.printing:
        click.echo("".join(map(_printed, settled.drafts)), nl=False)
        return finish(options, found, drawn)
    write(result.root, settled.drafts)
    return finish(options, found, drawn, lambda: _told(settled.drafts, len(unchanged), len(settled.notes)))


def _checked(options: Common, result: Front, work: _Work, settled: Taken) -> int:
    """How what comes out of the drafts differs from what was imported."""
    from phoenix_gitops.cli.session import finish
    from phoenix_gitops.importing.comparing import compare
    from phoenix_gitops.importing.reading import read

    assert result.world is not None
    _, files = compiled_with(options, result.root, {draft.file: draft.text() for draft in settled.drafts})
    compiled = [document for file in files for document in read(file.path, file.content).value]
    gone = {(draft.kind, draft.name) for draft in work.taken.drafts} - {(d.kind, d.name) for d in settled.drafts}
    drafts = [draft for draft in work.drafts if (draft.kind, draft.name) not in gone]
    found = compare(work.documents, drafts, compiled, result.world, work.aim)
    compared = f"{found.rules} rules, {found.objects} objects and {found.pipelines} pipelines"
    said = f"{compared} were compared; {len(found.differences) or 'none'} of them come out otherwise"
    return finish(options, [*settled.notes, *found.differences], result.sources, lambda: click.echo(said))


def _printed(draft: Draft) -> str:
    """A new file, or what is edited in one that exists."""
    if draft.standing is None:
        return f"# {draft.file}\n{draft.text()}"
    before, after = draft.standing.text.splitlines(keepends=True), draft.text().splitlines(keepends=True)
    return "".join(unified_diff(before, after, draft.file, draft.file))


def _nothing() -> Diagnostic:
    from phoenix_gitops.diagnostics import Diagnostic

    help_ = "phoenix import reads rule groups, objects of namespaces, OpenSLO documents and collector configs"
    return Diagnostic(code="PHX824", message="there is nothing here that can be imported", help=help_)


def _told(drafts: Sequence[Draft], unchanged: int, notes: int) -> None:
    for draft in drafts:
        click.echo(f"  {draft.file}{' (edited)' if draft.standing else ''}")
    listed = f"; {notes} finding{'s say' if notes > 1 else ' says'} what is not as it was" if notes else ""
    said = f"{_policies(len(drafts))} written" if drafts or not unchanged else ""
    same = f"{_policies(unchanged)} {'say' if unchanged > 1 else 'says'} it already" if unchanged else ""
    click.echo(", ".join(part for part in (said, same) if part) + listed)


def _policies(count: int) -> str:
    return f"{count} polic{'ies' if count > 1 else 'y'}"
