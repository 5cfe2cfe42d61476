"""What `phoenix explain ALERT` shows: when an alert fires, in words, and the generated test that shows each of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from phoenix_gitops.cli.options import Common

if TYPE_CHECKING:
    from phoenix_gitops.emit import Stage

_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="([^"]*)"')
_COMPUTED = re.compile(r"^fires .* of ([0-9.]+) % \(computed: ([0-9.e+]+) s\)")
_DIALECT = re.compile(r" \(Prometheus: .*\)$")
_TARGET = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(\{.*\})?")


def explain_alert(options: Common, target: str) -> int | None:
    """Prints what tests show of an alert, by name or with labels (`SLOBudgetBurn{burn="page"}`).

    None where no environment has such an alert.
    """
    from phoenix_gitops.cli.routes import told_of
    from phoenix_gitops.cli.session import finish, front, stages
    from phoenix_gitops.diagnostics import has_errors

    match = _TARGET.fullmatch(target)
    if match is None:
        return None
    result = front(options)
    if has_errors(result.diagnostics):
        return finish(options, result.diagnostics, result.sources)
    assert result.world is not None
    wanted = set(_LABEL.findall(match[2] or ""))
    shown: dict[str, list[str]] = {}
    for environment in sorted(result.world.environments):
        (stage,), _ = stages(result, [environment])
        for line, name in _tests(stage, match[1], wanted):
            shown.setdefault(name, []).append(line)
    for key in dict.fromkeys(name.partition("} ")[0] for name in shown):
        click.echo(f"{key}}}")
        mine = {name.partition("} ")[2]: places for name, places in shown.items() if name.startswith(f"{key}}} ")}
        times = [found for says in mine for found in _COMPUTED.findall(says)]
        if times:
            told = ", ".join(f"{seconds} s at {share} % errors" for share, seconds in times)
            click.echo(f"  fires after {told}; one scrape and one evaluation may come on top")
        for line in told_of(result.world, match[1], dict(_LABEL.findall(key))):
            click.echo(f"  {line}")
        for says, places in mine.items():
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            click.echo(f"  {_DIALECT.sub('', says)}\n    {places[0]}{more}")
    return 0 if shown else None


def _tests(stage: Stage, alert: str, wanted: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The file and the name of each test of an alert in an environment."""
    from phoenix_gitops.artifact import ProofFile
    from phoenix_gitops.serialise import proof_path

    for unit in stage.units():
        if unit.component != "rules":
            continue
        for proof in stage.emit_unit(unit).further_proofs():
            for test in proof.body["tests"] if isinstance(proof, ProofFile) else ():
                name = str(test["name"])
                if name.startswith(f"{alert}{{") and wanted <= set(_LABEL.findall(name.partition("} ")[0])):
                    assert isinstance(proof, ProofFile)
                    yield f"generated/{proof_path(unit, proof)}", name
