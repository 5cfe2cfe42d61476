"""Rings: which version runs where, in which order it gets there, and that everything follows the environment's."""

from __future__ import annotations

import pytest

from phoenix_gitops import guardrails
from phoenix_gitops.__main__ import run
from phoenix_gitops.constraints import Violation
from phoenix_gitops.diagnostics import Severity, Span
from phoenix_gitops.document import Path as FieldPath
from phoenix_gitops.model.platform import Catalog, Image, Release, RingVersions
from phoenix_gitops.rings import rings, version
from tests.test_cases import CASES, lay_out
from tests.unit.test_world import environment, linked

DIGEST = "sha256:" + "d" * 64
PLATFORM = """\
kind: Platform
metadata: {{name: p, owner: team}}
spec:
  version: 0.1.0
  repository: {{url: "https://git.example.com/a.git"}}
  rings: [lab, canary, stable]
  catalog:
    collector: {{repository: r.example.com/otelcol, tag: {base}, digest: "sha256:{zeros}"}}
    byRing: {{{by_ring}}}
"""


def faults(monkeypatch, by_ring: str, *members: tuple[str, str], base: str = "0.152.1"):
    """The world of these environments (name, ring), and what is said of its rings."""
    text = PLATFORM.format(base=base, zeros="0" * 64, by_ring=by_ring)
    monkeypatch.setattr("tests.unit.test_world.PLATFORM", text)
    world, found = linked(*(environment(name, f"  ring: {ring}\n" if ring else "") for name, ring in members))
    return world, [d for d in found if d.code in ("PHX525", "PHX526", "PHX527")]


def test_a_ring_has_its_own_version_and_never_the_digest_of_another():
    catalog = Catalog(
        collector=Image(repository="r", tag="0.152.1", digest="sha256:0"),
        by_ring={
            "lab": RingVersions(collector=Release(tag="0.159.0")),
            "canary": RingVersions(collector=Release(tag="0.159.0", digest=DIGEST)),
            "stable": RingVersions(),
        },
    )
    assert {ring: catalog.in_ring(ring).collector.reference for ring in ("lab", "canary", "stable", "other", "")} == {
        "lab": "r:0.159.0",
        "canary": f"r:0.159.0@{DIGEST}",
        **dict.fromkeys(("stable", "other", ""), "r:0.152.1@sha256:0"),
    }
    assert catalog.in_ring("lab").by_ring == {}, "what another ring runs is no input of this one"


def test_scopes_and_rings_follow_the_order_of_the_platform(monkeypatch):
    world, found = faults(
        monkeypatch,
        "lab: {collector: {tag: 0.159.0}}",
        *(("none", ""), ("b", "stable"), ("z", "lab"), ("a", "lab")),
    )
    assert found == []
    assert [(ring.name, ring.environments, ring.collector.tag) for ring in rings(world)] == [
        ("lab", ("a", "z"), "0.159.0"),
        ("stable", ("b",), "0.152.1"),
        ("", ("none",), "0.152.1"),
    ]
    tags = {name: world.environment(name).platform.spec.catalog.collector.tag for name in world.environments}
    assert tags == {"a": "0.159.0", "z": "0.159.0", "b": "0.152.1", "none": "0.152.1"}


@pytest.mark.parametrize(
    ("by_ring", "base", "message", "lines"),
    [
        (
            "stable: {collector: {tag: 0.159.0}}",
            "0.152.1",
            "ring `stable` runs collector `0.159.0` before ring `lab`, which comes first and runs `0.152.1`",
            (10, 9),
        ),
        (
            "lab: {collector: {tag: 0.152.1}}",
            "0.159.0",
            "ring `stable` runs collector `0.159.0` before ring `lab`, which comes first and runs `0.152.1`",
            (9, 10),
        ),
        (
            "lab: {collector: {tag: 0.159.0}}, stable: {collector: {tag: 0.160.0}}",
            "0.152.1",
            "ring `stable` runs collector `0.160.0` before ring `lab`, which comes first and runs `0.159.0`",
            (10, 10),
        ),
    ],
)
def test_a_later_ring_is_never_ahead(monkeypatch, by_ring, base, message, lines):
    # Nobody is in `canary`: it has no say.
    _, (found,) = faults(monkeypatch, by_ring, ("a", "lab"), ("b", "stable"), base=base)
    assert (found.code, found.message) == ("PHX526", message)
    assert (found.primary.span.line, found.secondary[0].span.line) == lines
    assert found.help.startswith("move ring `lab` first: `phoenix upgrade collector --to 0.1")


def test_environments_in_no_ring_come_last(monkeypatch):
    _, (found,) = faults(monkeypatch, "lab: {collector: {tag: 0.152.1}}", ("a", "lab"), ("b", ""), base="0.159.0")
    assert found.message.startswith("what is in no ring runs collector `0.159.0` before ring `lab`")
    _, found = faults(monkeypatch, "lab: {collector: {tag: 0.159.0}}", ("a", "lab"), ("b", ""))
    assert found == []


def test_a_version_is_compared_by_its_numbers(monkeypatch):
    assert version("v0.159.0-r3") == (0, 159, 0)
    assert version("prod") is None
    _, found = faults(monkeypatch, "lab: {collector: {tag: 0.10.0}}", ("a", "lab"), ("b", "stable"), base="0.9.0")
    assert found == []
    _, found = faults(monkeypatch, "stable: {collector: {tag: prod}}", ("a", "lab"), ("b", "stable"))
    assert found == [], "what tells no version cannot be ahead"


def test_unknown_rings_and_rings_of_nobody(monkeypatch):
    entry = "{collector: {tag: 0.159.0}}"
    _, found = faults(monkeypatch, f"labb: {entry}, canary: {entry}, zzz: {entry}", ("a", "lab"))
    assert [(d.code, d.message, d.help, d.severity) for d in found] == [
        (
            "PHX527",
            "no environment is in ring `canary`, so its versions run nowhere",
            "put an environment into it (`ring: canary`), or remove the entry",
            Severity.WARNING,
        ),
        (
            "PHX525",
            "the catalog has versions of ring `labb`, and there is none of that name",
            "did you mean `lab`?",
            Severity.ERROR,
        ),
        (
            "PHX525",
            "the catalog has versions of ring `zzz`, and there is none of that name",
            "the rings of the Platform are: `lab`, `canary`, `stable`",
            Severity.ERROR,
        ),
    ]


def test_maturity_and_guardrails_see_what_the_environment_runs(monkeypatch):
    level = "  ring: lab\n  maturity: production\n  gateway: {replicas: {min: 2}}\n  budget: {activeSeries: 1}\n"
    monkeypatch.setattr(
        "tests.unit.test_world.PLATFORM",
        PLATFORM.format(base="0.152.1", zeros="0" * 64, by_ring="lab: {collector: {tag: 0.159.0}}"),
    )
    world, found = linked(environment("a", level), environment("b", level.replace("lab", "stable")))
    immature = [d for d in found if d.code == "PHX514" and "digest" in d.message]
    assert [(d.message, d.help) for d in immature] == [
        (
            "environment `a` is not `production`: its collector image is not pinned by a digest",
            "give `catalog.byRing.lab.collector` of the Platform its `digest`",
        )
    ]
    seen = {name: guardrails.guardrail_input(world, world.environments[name])["platform"] for name in "ab"}
    assert [seen[name]["catalog"]["collector"]["tag"] for name in "ab"] == ["0.159.0", "0.152.1"]

    def blamed(name: str, *rest: str) -> FieldPath:
        path = ("Platform", "p", "spec", "catalog", "collector", *rest)
        violation = Violation(input=name, span=Span("g.cue", 1, 1, 1, 2), name="images", path=path, message="no")
        return guardrails._placed(world, violation)[4:]

    assert blamed("a") == ("byRing", "lab", "collector")
    assert blamed("a", "digest") == ("byRing", "lab", "collector", "digest")
    assert blamed("a", "repository") == ("collector", "repository"), "a ring has no repository of its own"
    assert blamed("b", "digest") == ("collector", "digest")


@pytest.fixture
def two(tmp_path):
    """A repository whose environment `main` is ahead of `second`."""
    root = lay_out(CASES / "bad" / "PHX526-ring-out-of-order", tmp_path / "repository")
    for name, ring in (("main", "canary"), ("second", "stable")):
        file = root / f"environments/{name}.yaml"
        lines = [f"  ring: {ring}" if line.startswith("  ring:") else line for line in file.read_text().splitlines()]
        file.write_text("\n".join(lines) + "\n")
    file = root / "phoenix.yaml"
    file.write_text(file.read_text().replace("stable: {collector", "canary: {collector"))
    return root


def test_each_environment_is_compiled_for_its_version(two, capsys):
    assert run(["compile", "-C", str(two), "-q"]) == 0, capsys.readouterr()
    capsys.readouterr()
    seen = {}
    for name in ("main", "second"):
        tree = two / "generated" / name
        text = "".join(file.read_text() for file in sorted(tree.rglob("*.yaml")))
        proof = two / "generated/_proof" / name
        texts = "".join(file.read_text() for file in sorted(proof.rglob("*.yaml")))
        seen[name] = [
            word in where
            for word, where in (
                ("otel/opentelemetry-collector-contrib:0.159.0", text),
                ("otel/opentelemetry-collector-contrib:0.152.1", text),
                ("otelcol_processor_memory_limiter_refused_metric_points_total", texts),
                ("otelcol_processor_refused_metric_points_total", texts),
            )
        ]
    assert seen["main"] == [True, False, True, False]
    assert seen["second"] == [False, True, False, True]


def test_show_versions(two, capsys):
    assert run(["show", "versions", "-C", str(two)]) == 0
    image = "otel/opentelemetry-collector-contrib"
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["environment", "ring", "component", "version", "image"],
        ["main", "canary", "collector", "0.159.0", f"{image}:0.159.0"],
        ["second", "stable", "collector", "0.152.1", f"{image}:0.152.1"],
    ]


def test_a_version_without_a_table_is_told_where_the_ring_says_it(two, capsys):
    file = two / "phoenix.yaml"
    file.write_text(file.read_text().replace("canary: {collector: {tag: 0.159.0", "canary: {collector: {tag: 0.1.0"))
    file.write_text(file.read_text().replace("0.152.1", "0.0.1"))
    assert run(["validate", "-C", str(two), "--format", "concise"]) == 1
    told = {line.split(" ")[0] for line in capsys.readouterr().err.splitlines() if "PHX630" in line}
    assert told == {"phoenix.yaml:9:72:", "phoenix.yaml:11:33:"}


def test_the_oldest_version_before_it_is_what_a_ring_is_held_against(monkeypatch):
    by_ring = "canary: {collector: {tag: 0.150.0}}"
    _, (found,) = faults(monkeypatch, by_ring, ("a", "lab"), ("b", "canary"), ("c", "stable"))
    assert found.message == (
        "ring `stable` runs collector `0.152.1` before ring `canary`, which comes first and runs `0.150.0`"
    )
