"""The guardrails of policies/guardrails/, each shown to object and to be content."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops import tools
from phoenix_gitops.constraints import ConstraintInput, GuardrailFile, run

FOLDER = Path(__file__).resolve().parents[2] / "policies" / "guardrails"
FILES = sorted(FOLDER.glob("*.cue"))

GOOD: dict[str, Any] = {
    "platform": {
        "name": "acme",
        "catalog": {"collector": {"repository": "otel/collector", "tag": "1.0.0", "digest": "sha256:" + "0" * 64}},
        "prices": {"currency": "EUR"},
        "conventions": {"namespacePrefix": "phoenix"},
    },
    "environment": {
        "name": "prod-eu",
        "owner": "team-metrics",
        "labels": {},
        "class": "prod",
        "residency": "eu",
        "gateway": {"replicas": {"min": 2, "max": 4}},
        "budget": {"activeSeries": 1000, "overcommit": 1.5, "monthlyCost": "25000"},
    },
    "clusters": [
        {"name": "west", "zones": ["a", "b"], "capacity": {"activeSeries": 2000}},
        {"name": "east", "zones": ["a", "b", "c"], "capacity": None},
    ],
    "pipelines": {},
    "control": {
        "name": "calm",
        "hysteresis": 0.1,
        "profiles": [
            {"name": "faithful", "above": 0, "pipelines": ["full"]},
            {"name": "balanced", "above": 15000, "pipelines": ["optimized"]},
            {"name": "thrifty", "above": 25000, "pipelines": ["experimental"]},
        ],
        "oscillation": {"max": 3, "window": "10m", "fallback": "balanced"},
        "explosion": {"limit": 1000000},
    },
    "security": {},
    "tenantClasses": {
        "shared": {"isolation": "shared", "retention": "30d"},
        "own": {"isolation": "dedicated", "retention": "1y"},
    },
    "tenants": {
        "cart": {
            "owner": "team-cart",
            "class": "shared",
            "residency": "eu",
            "costCenter": "CC-1001",
            "quotas": {"activeSeries": 500, "ingestRate": 10},
            "access": {"viewers": ["cart-devs"], "editors": ["cart-leads"]},
        },
        "search": {
            "owner": "team-search",
            "class": "own",
            "residency": "",
            "costCenter": "CC-1002",
            "quotas": {"activeSeries": None, "ingestRate": None},
            "access": {"viewers": [], "editors": []},
        },
    },
    "sums": {"activeSeries": 1500, "ingestRate": 10, "tenants": 2},
}

# File, where the good input is changed, to what, and the objection: its name, path and message.
OBJECTIONS: list[tuple[str, str, Any, str, str, str]] = [
    (
        "quotas",
        "sums.activeSeries",
        1501,
        "quota-sum-exceeds-budget",
        "Environment.prod-eu.spec.budget.activeSeries",
        "tenants of `prod-eu` are promised 1501 active series, the budget is 1000 with overcommit 1.5",
    ),
    (
        "quotas",
        "clusters.0.capacity.activeSeries",
        999,
        "quota-sum-exceeds-cluster-west",
        "Environment.prod-eu.spec.clusters.0.capacity.activeSeries",
        "tenants of `prod-eu` are promised 1500 active series, cluster `west` holds 999 with overcommit 1.5",
    ),
    (
        "quotas",
        "tenants.cart.quotas.activeSeries",
        501,
        "quota-above-half-of-budget-cart",
        "Tenant.cart.spec.quotas.activeSeries",
        "tenant `cart` alone would take more than half of the 1000 active series of `prod-eu`",
    ),
    (
        "residency",
        "tenants.cart.residency",
        "us",
        "residency-cart",
        "Tenant.cart.spec.residency",
        "tenant `cart` must stay in `us`, but is selected into `prod-eu`, which lies in `eu`",
    ),
    (
        "production",
        "environment.owner",
        "",
        "production-owner",
        "Environment.prod-eu.metadata.owner",
        "production environment `prod-eu` has no owner",
    ),
    (
        "production",
        "environment.gateway.replicas.min",
        1,
        "production-replicas",
        "Environment.prod-eu.spec.gateway.replicas.min",
        "the gateway of production environment `prod-eu` may run as a single replica",
    ),
    (
        "production",
        "clusters.1.zones",
        ["a"],
        "production-zones-east",
        "Environment.prod-eu.spec.clusters.1.zones",
        "production cluster `east` has 1 zones, and needs two",
    ),
    (
        "production",
        "clusters.1.zones",
        ["a", "a"],
        "production-zones-distinct-east",
        "Environment.prod-eu.spec.clusters.1.zones",
        "production cluster `east` names the same zone twice",
    ),
    (
        "images",
        "platform.catalog.collector.repository",
        "docker.example.net/otel/x",
        "image-registry",
        "Platform.acme.spec.catalog.collector.repository",
        "image `docker.example.net/otel/x` is from none of the allowed registries: registry.example.com/, otel/",
    ),
    (
        "images",
        "platform.catalog.collector.digest",
        None,
        "image-digest",
        "Platform.acme.spec.catalog.collector",
        "production environment `prod-eu` runs `otel/collector` without a digest",
    ),
    (
        "budgets",
        "environment.budget.monthlyCost",
        "25000.01",
        "budget-ceiling",
        "Environment.prod-eu.spec.budget.monthlyCost",
        "environment `prod-eu` has a monthly budget of 25000.01 EUR, class `prod` may have 25000",
    ),
    (
        "budgets",
        "environment.budget.monthlyCost",
        None,
        "budget-missing",
        "Environment.prod-eu.spec.budget.monthlyCost",
        "production environment `prod-eu` has no monthly budget",
    ),
    (
        "naming",
        "environment.name",
        "eu-prod",
        "naming-environment",
        "Environment.eu-prod.metadata.name",
        "the name of environment `eu-prod` does not begin with its class, `prod`",
    ),
    (
        "naming",
        "tenants.phoenix-x",
        GOOD["tenants"]["search"],
        "naming-tenant-phoenix-x",
        "Tenant.phoenix-x.metadata.name",
        "tenant `phoenix-x` has a name that begins like the platform's own, `phoenix`",
    ),
    (
        "naming",
        "tenants.cart.owner",
        "bob",
        "naming-owner-cart",
        "Tenant.cart.metadata.owner",
        "tenant `cart` is owned by `bob`, which is no team (`team-...`)",
    ),
    (
        "naming",
        "tenants.cart.costCenter",
        "",
        "naming-cost-center-cart",
        "Tenant.cart.spec.costCenter",
        "tenant `cart` is in production with cost centre ``, which is not of the form CC-1234",
    ),
    (
        "retention",
        "tenantClasses.shared.retention",
        "4w2d1s",
        "retention-too-long-shared",
        "TenantClass.shared.spec.retention",
        "class `shared` keeps series for 4w2d1s, isolation `shared` may for 30d",
    ),
    (
        "retention",
        "tenantClasses.shared.retention",
        "6d23h",
        "retention-too-short-shared",
        "TenantClass.shared.spec.retention",
        "class `shared` keeps series for 6d23h, production needs a week to look back on",
    ),
    (
        "control",
        "control.profiles.0.above",
        5,
        "control-first-threshold",
        "ControlPolicy.calm.spec.profiles.0.above",
        "profile `faithful` is the first and must hold from 0 series, not from 5",
    ),
    (
        "control",
        "control.profiles.2.above",
        15000,
        "control-order-thrifty",
        "ControlPolicy.calm.spec.profiles.2.above",
        "profile `thrifty` begins above 15000 series, not above `balanced` (15000)",
    ),
    (
        "control",
        "control.hysteresis",
        0.25,
        "control-bands-thrifty",
        "ControlPolicy.calm.spec.hysteresis",
        "hysteresis 0.25 makes the bands of `balanced` and `thrifty` overlap",
    ),
    (
        "control",
        "control.explosion.limit",
        25000,
        "control-explosion",
        "ControlPolicy.calm.spec.explosion.limit",
        "the emergency limit of 25000 series does not lie beyond the last profile's threshold, 25000",
    ),
    (
        "control",
        "control.oscillation.fallback",
        "middle",
        "control-fallback",
        "ControlPolicy.calm.spec.oscillation.fallback",
        "the fallback `middle` is none of the profiles",
    ),
    (
        "access",
        "tenants.cart.access.editors",
        ["cart-leads", "system:authenticated"],
        "access-system-group-cart-editors-1",
        "Tenant.cart.spec.access.editors.1",
        "tenant `cart` gives the cluster's own group `system:authenticated` the rights of editors",
    ),
    (
        "access",
        "tenants.cart.access.viewers",
        ["cart-leads"],
        "access-twice-cart-0",
        "Tenant.cart.spec.access.viewers.0",
        "group `cart-leads` of tenant `cart` is viewer and editor; say the stronger one only",
    ),
]

# Changes that turn a rule off: what it asks does not hold there.
CONTENT: list[tuple[str, dict[str, Any]]] = [
    ("quotas", {"environment.budget.activeSeries": None, "clusters.0.capacity": None, "sums.activeSeries": 10**9}),
    ("residency", {"environment.class": "dev", "environment.residency": "", "tenants.cart.residency": ""}),
    ("production", {"environment.class": "dev", "environment.owner": "", "clusters.1.zones": []}),
    ("images", {"environment.class": "dev", "platform.catalog.collector.digest": None}),
    ("budgets", {"environment.class": "dev", "environment.budget.monthlyCost": None}),
    ("naming", {"environment.class": "dev", "environment.name": "dev", "tenants.cart.costCenter": ""}),
    ("retention", {"environment.class": "dev", "tenantClasses.shared.retention": "1h"}),
    ("control", {"control": None}),
    ("access", {"tenants": {}}),
]


@pytest.fixture(scope="module")
def cue() -> Path:
    tool = tools.require("cue")
    assert tool.value is not None, tool.diagnostics
    return tool.value.path


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *steps, last = path.split(".")
        target: Any = data
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target[step]
        target[int(last) if isinstance(target, list) else last] = value
    return data


def guardrail(name: str) -> GuardrailFile:
    path = FOLDER / f"{name}.cue"
    return GuardrailFile(file=f"policies/guardrails/{path.name}", text=path.read_text(encoding="utf-8"))


def test_there_are_at_least_eight() -> None:
    assert len(FILES) >= 8


def test_each_is_tested_in_both_directions() -> None:
    names = {path.stem for path in FILES}
    assert {row[0] for row in OBJECTIONS} == names
    assert {row[0] for row in CONTENT} == names


def test_all_are_content_with_the_good_input(cue: Path) -> None:
    outcome = run([guardrail(p.stem) for p in FILES], [ConstraintInput(id="prod-eu", data=GOOD)], cue=cue)
    assert outcome.diagnostics == ()
    assert outcome.value.violations == ()
    assert outcome.value.unjudged == frozenset()


def test_each_objects(cue: Path) -> None:
    """All in one process: an input for each row, and the row's own guardrail must object exactly once."""
    inputs = [
        ConstraintInput(id=str(n), data=changed({path: value})) for n, (_, path, value, *_) in enumerate(OBJECTIONS)
    ]
    outcome = run([guardrail(p.stem) for p in FILES], inputs, cue=cue)
    assert outcome.diagnostics == ()
    for n, (file, _, _, name, path, message) in enumerate(OBJECTIONS):
        own = [v for v in outcome.value.violations if v.input == str(n) and v.span.file.endswith(f"/{file}.cue")]
        assert [(v.name, ".".join(map(str, v.path)), v.message) for v in own] == [(name, path, message)]
        line = (FOLDER / f"{file}.cue").read_text(encoding="utf-8").splitlines()[own[0].span.line - 1]
        label = line[own[0].span.col - 1 : own[0].span.end_col - 1]
        static = label.strip('"').partition("\\(")[0]
        assert static
        assert name.startswith(static)


@pytest.mark.parametrize(("file", "changes"), CONTENT, ids=[row[0] for row in CONTENT])
def test_each_is_content(cue: Path, file: str, changes: dict[str, Any]) -> None:
    outcome = run([guardrail(file)], [ConstraintInput(id="x", data=changed(changes))], cue=cue)
    assert outcome.diagnostics == ()
    assert [v.name for v in outcome.value.violations] == []


def test_residency_of_production_must_be_declared(cue: Path) -> None:
    data = changed({"environment.residency": "", "tenants.cart.residency": ""})
    outcome = run([guardrail("residency")], [ConstraintInput(id="x", data=data)], cue=cue)
    assert [v.message for v in outcome.value.violations] == [
        "production environment `prod-eu` does not say in which jurisdiction it lies"
    ]
