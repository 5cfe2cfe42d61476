"""verify: generated objects of one cluster -> findings.

Two halves: `check` looks at one object and is pure, so its outcome can be cached by the object's content;
`check_cluster` looks at the summaries of all objects. Neither knows of policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.verify.access import Mapping, text
from phoenix_gitops.verify.availability import check_availability
from phoenix_gitops.verify.delivery import check_delivery
from phoenix_gitops.verify.finding import Facts, Fault, Finding, Located
from phoenix_gitops.verify.flux import check_flux
from phoenix_gitops.verify.index import Index, Item
from phoenix_gitops.verify.kubernetes import supported_minors
from phoenix_gitops.verify.objects import check_object
from phoenix_gitops.verify.references import check_references
from phoenix_gitops.verify.schemas import Schemas
from phoenix_gitops.verify.summary import Summary, summarise


@dataclass(frozen=True, slots=True)
class Checked:
    """All that one object alone says: its faults, its summary, and whether no schema was there for it."""

    faults: tuple[Fault, ...]
    summary: Summary
    unchecked: bool = False


def check(body: Mapping, schemas: Schemas) -> Checked:
    """Check one object. Pure: the same body, minor and schemas give an equal outcome."""
    group, slash, _ = text(body.get("apiVersion")).rpartition("/")
    group, kind = group if slash else "", text(body.get("kind"))
    verdict = schemas.check(body)
    own = tuple(check_object(group, kind, body))
    summary = summarise(group, kind, body)
    if not own and not verdict.faults:
        return Checked((), summary, verdict.unchecked)
    refused = {(fault.at, fault.code) for fault in verdict.faults}
    found = [*verdict.faults, *(fault for fault in own if (fault.at, fault.code) not in refused)]
    faults = tuple(sorted(dict.fromkeys(found), key=lambda fault: fault.sort_key))
    return Checked(faults, summary, verdict.unchecked)


def check_cluster(
    objects: Iterable[tuple[str, Checked]], facts: Facts, delivered: Sequence[Item] = ()
) -> tuple[Finding, ...]:
    """What all objects of one cluster say together, and each one's own faults.

    `objects` are files with the outcome of `check`; `delivered` are objects of other clusters that this
    one's Applications or Kustomizations bring (`items` makes them).
    """
    checked = sorted(objects, key=lambda pair: pair[0])
    index = Index.of((Item(path, outcome.summary) for path, outcome in checked), facts)
    findings = [
        Finding(path="" if fault.file else path, fault=fault) for path, outcome in checked for fault in outcome.faults
    ]
    findings += check_references(index)
    findings += check_availability(index)
    findings += check_delivery(index, (*index.items, *delivered))
    findings += check_flux(index, (*index.items, *delivered))
    findings += _unchecked(checked)
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: finding.sort_key))


def items(objects: Iterable[tuple[str, Checked]]) -> tuple[Item, ...]:
    """The summaries of a cluster's objects, as `delivered` for the cluster that runs the reconciler."""
    return tuple(Item(path, outcome.summary) for path, outcome in objects)


def verify(
    objects: Sequence[Located], facts: Facts, schemas: Schemas | None, delivered: Sequence[Item] = ()
) -> tuple[Finding, ...]:
    """All findings on the objects of one cluster (every component and tenant of it), in a fixed order.

    `schemas` are those of the cluster's minor, None if `Schemas.knows` says that there are none;
    `delivered` is that of `check_cluster`.
    """
    if schemas is None:
        return (unsupported(facts.kubernetes),)
    outcomes = [(located.path, check(located.artifact.body, schemas)) for located in objects]
    return check_cluster(outcomes, facts, delivered)


def unsupported(minor: str) -> Finding:
    """That no schemas are there for a cluster's version."""
    known = supported_minors()
    return Finding(
        path="",
        fault=Fault(
            at=(),
            code="PHX750",
            message=f"no schemas of Kubernetes `{minor}` to check objects against",
            help=f"`{known[0]}` to `{known[-1]}` are known",
        ),
    )


def _unchecked(checked: Sequence[tuple[str, Checked]]) -> list[Finding]:
    """A note for each kind that has no schema, of no file and alike but for the kind, so that they are told as one."""
    kinds = {(outcome.summary.group, outcome.summary.kind) for _, outcome in checked if outcome.unchecked}
    return [
        Finding(
            path="",
            fault=Fault(
                at=(),
                code="PHX700",
                message="some kinds of resources are not checked: no schema",
                notes=(f"{kind} of `{group}`",),
                help="`phoenix schema fetch` takes them from a cluster, a directory or a URL",
                severity=Severity.NOTE,
            ),
        )
        for group, kind in sorted(kinds)
    ]
