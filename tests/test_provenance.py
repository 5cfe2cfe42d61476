"""Provenance by perturbation: what policies set can be traced, and nothing that policies say is without effect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from phoenix_gitops.artifact import Unit
from phoenix_gitops.cli.session import stages
from phoenix_gitops.emit import Stage, Summary, UnitOutput, summarise
from phoenix_gitops.explaining import value_at
from phoenix_gitops.front import Front, run_front
from phoenix_gitops.paths import parse_path, show_path
from phoenix_gitops.provenance import Influence, influence, locations, trace
from phoenix_gitops.trials import Field

ROOT = Path(__file__).parent.parent

UNITS = (
    *(Unit("reference", "reference", component) for component in ("tenancy", "ingest", "rules")),
    *(Unit("reference", "reference", component, "benchmark") for component in ("tenancy", "ingest", "rules")),
    Unit("reference", "management", "gitops"),
    Unit("prod-us", "us-east-1", "tenancy", "payments"),
    Unit("prod-us", "us-east-1", "tenancy", "identity"),
    Unit("prod-us", "us-east-1", "ingest", "payments"),
    Unit("prod-us", "us-east-1", "rules", "pricing"),
    Unit("dev", "dev", "rules"),
    Unit("prod-us", "us-east-1", "tenancy"),
    Unit("prod-us", "us-east-1", "rules"),
    Unit("prod-us", "us-east-1", "rules", "catalog"),
    Unit("prod-us", "us-east-1", "rules", "checkout"),
)
"""Units that between them use every field: an environment of its own numbers, one with inheritance and classes."""

NO_OUTPUT = {
    # Facts and limits that are only checked; what breaks them does not compile.
    "Environment.spec.budget.overcommit": "guardrail policies/guardrails/quotas.cue",
    "Environment.spec.catalogs": "what rules may read: tests/unit/test_builtin_catalogues.py",
    "Environment.spec.telemetry.maxSeriesPerRule": "PHX684",
    "Environment.spec.clusters.*.provides.prometheusOperator": "PHX646: without it no rule has a reader",
    "MetricCatalog.spec": "what rules may read: tests/unit/test_catalogue.py",
    "Pipeline.spec.stage": "PHX507",
    "Platform.metadata.name": "owns no object",
    "Platform.metadata.labels": "owns no object; `conventions.labels` are on every object",
    "Platform.spec.version": "PHX504",
    "Platform.spec.rings": "PHX505",
    "Platform.spec.emitters": "PHX690",
    "Platform.spec.flux": "only with reconciler flux: tests/unit/emitters/test_flux.py",
    "Environment.spec.clusters.*.kubeConfig": "only with reconciler flux: tests/unit/emitters/test_flux.py",
    "Platform.spec.review": "who is asked: tests/unit/test_diff_approvals.py",
    "Platform.spec.output": "only with output modes branch and repo: tests/unit/emitters/test_gitops.py",
    # What others run: every field of it is tried in tests/unit/test_adoption.py.
    "Environment.spec.external": "no environment here sends to what others run",
    "Pipeline.spec.export.*.metricsStore": "no environment here sends to what others run",
    "Pipeline.spec.export.*.kafka": "no environment here sends to what others run",
    "Platform.spec.conventions.names.config": "others run no collectors here",
    "Platform.spec.conventions.names.configKey": "others run no collectors here",
    "Environment.spec.clusters.*.alertmanager.matcherStrategy": "PHX697",
    "Environment.spec.routing.owners": "nobody else owns rules of the platform: tests/unit/rules/test_routing.py",
    **{
        f"{kind}.info.{way}": "of information nobody is told here: PHX698 where both are said"
        for kind in ("Environment.spec.routing.contacts", "Tenant.spec.contacts")
        for way in ("pagerDuty", "slack", "webhook")
    },
    "Environment.spec.holds": "nothing is held here: tests/unit/emitters/test_gitops.py",
    "Tenant.spec.movedFrom": "where the reconciler may prune: tests/e2e/test_tenant_life.py",
    # Keys of lists that are merged by name: what they name moves the output.
    "Pipeline.spec.inputs.hostmetrics.exclude.*.name": "key of a merged list",
    "SecurityPolicy.spec.egress.*.name": "key of a merged list",
    # Kinds that own no object of their own.
    **dict.fromkeys(
        (
            f"{kind}.metadata"
            for kind in (
                "SecurityPolicy",
                "TenantClass",
                "MetricCatalog",
                "ControlPolicy",
                "RuleSet",
                "SLO",
            )
        ),
        "owns no object",
    ),
}
"""Fields, or parts of kinds, that change no output, with what they do instead."""


@dataclass(frozen=True)
class Emitted:
    stage: Stage
    output: UnitOutput
    summary: Summary


@cache
def front() -> Front:
    return run_front(ROOT)


@cache
def emitted() -> tuple[Emitted, ...]:
    found = []
    for stage in stages(front(), sorted({unit.environment for unit in UNITS}))[0]:
        outputs = {unit: stage.emit_unit(unit) for unit in stage.units()}
        summary = summarise(outputs.values())
        outputs |= {unit: stage.emit_unit(unit, summary) for unit in stage.gitops_units}
        found += [Emitted(stage, outputs[unit], summary) for unit in UNITS if unit.environment == stage.environment]
    return tuple(found)


@cache
def influences() -> tuple[tuple[Emitted, Influence], ...]:
    policies = front().policies
    return tuple((one, influence(one.stage, policies, one.output, one.summary)) for one in emitted())


def generic(field: Field) -> str:
    """A field of a kind, whatever the policy and the list item."""
    return ".".join([field.key[0], *("*" if isinstance(step, int) else step for step in field.path)])


@cache
def our_own_words() -> frozenset[str]:
    """The words of templates and code: a value that stands there too may be ours and tells nothing."""
    files = [*(ROOT / "templates").rglob("*.j2"), *(ROOT / "phoenix_gitops").rglob("*.py")]
    return frozenset(word for file in files for word in re.split(r"[^A-Za-z0-9_.:/@-]+", file.read_text()))


def test_every_policy_field_changes_the_output():
    moved: set[str] = set()
    tried: set[str] = set()
    for _, found in influences():
        tried |= {generic(field) for field in found.fields}
        moved |= {generic(field) for fields in found.moves.values() for field in fields}
    without = {
        field
        for field in tried - moved
        # An optional part that is absent here and present elsewhere: its fields count.
        if not any(other.startswith(f"{field}.") for other in moved)
        and not any(field == known or field.startswith(f"{known}.") for known in NO_OUTPUT)
    }
    assert sorted(without) == []
    assert len(moved) > 200


def test_the_exceptions_are_not_moved_by_anything():
    moved = {generic(field) for _, found in influences() for fields in found.moves.values() for field in fields}
    stale = [known for known in NO_OUTPUT if known in moved]
    assert stale == []


def test_nine_of_ten_values_that_a_policy_set_are_traced_to_the_line_that_set_them(capsys):
    """The oracle is the value itself: where the output holds a telling value of a policy, that policy is behind it."""
    policies = front().policies
    held = explained = 0
    missed = []
    for one, found in influences():
        telling = {
            str(value_at(policies[field.key].data, field.path)): field
            for field in found.fields
            if field.given and len(str(value_at(policies[field.key].data, field.path))) >= 4
        }
        values = {text for text in telling if text not in our_own_words()}
        for (file, path), value in locations(one.output).items():
            if str(value) not in values:
                continue
            held += 1
            behind = found.moves.get((file, path), ())
            if any(str(value_at(policies[f.key].data, f.path)) == str(value) for f in behind if f.given):
                explained += 1
            else:
                missed.append(f"{file}:{show_path(path)} = {value}")
    with capsys.disabled():
        print(f"\n{explained} of {held} values that policies set are traced to their line ({explained / held:.1%})")
    assert held > 300
    assert explained / held >= 0.9, missed[:20]


def test_halving_finds_what_trying_every_field_finds():
    policies = front().policies
    for one, found in influences():
        if one.output.unit.component != "tenancy" or not one.output.unit.tenant:
            continue
        # Where items of a list shift, two changes at once can hide each other; objects without such lists are exact.
        plain = [at for at in found.moves if at[1] and re.search("/(resourcequota|limitrange|namespace)-", at[0])]
        for file, path in plain[::6]:
            exact = {field for field in found.behind(file, path) if field.given}
            halved = {f for f in trace(one.stage, policies, one.output, one.summary, (file, path)) if f.given}
            assert halved == exact, (file, path)


def test_paths_are_read_as_they_are_shown():
    for text in ("spec.containers[0].image", 'metadata.labels["app.kubernetes.io/name"]', 'data["a.b"][3]'):
        assert show_path(parse_path(text)) == text


def test_a_cause_that_another_change_would_hide_is_found_alone():
    """Ingest is not pruned because `keep` lists it; without automated syncing it would not be pruned either."""
    (one,) = [e for e in emitted() if e.output.unit == Unit("reference", "management", "gitops")]
    file = "reference/management/gitops/argocd/application-reference-reference-ingest.yaml"
    at = (file, ("spec", "syncPolicy", "automated", "prune"))
    fields = trace(one.stage, front().policies, one.output, one.summary, at, thorough=True)
    assert ("spec", "sync", "keep", 0) in {field.path for field in fields if field.given}
