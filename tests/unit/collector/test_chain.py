"""What pipelines do to data, judged by an interpreter of their processors."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from tests.unit.collector import otel
from tests.unit.collector.otel import GAUGE, Metric, Point, Resource, through, values
from tests.unit.collector.scopes import environment, pipeline, preset

CLASSES = {
    "my-critical-java": "critical",
    "java_app": "high",
    "nginx": "medium",
    "postgres_primary": "medium",
    "data_pipeline_a": "medium",
    "data_pipeline_b": "medium",
    "bash": "low",
    "vim": "low",
}


def process(pid: int, name: str, host: str = "h1", tenant: str = "platform", **more: str) -> Resource:
    """A process that was read `pid` nanoseconds after the first: the agent stamps each one for itself."""
    attributes = {
        "host.name": host,
        "tenant.id": tenant,
        "process.executable.name": name,
        "process.pid": str(pid),
        "process.command_line": f"/usr/bin/{name} --worker={pid}",
        "process.owner": f"user{pid}",
        "container.id": f"c{pid}",
        "phoenix.priority": CLASSES[name],
        **more,
    }
    return Resource(
        attributes,
        [
            Metric(
                "process.cpu.time",
                [Point(pid * 10, {"state": "user"}, 1000 + pid), Point(pid, {"state": "system"}, 1000 + pid)],
            ),
            Metric("process.memory.usage", [Point(pid * 100, {}, 1000 + pid)]),
            Metric("process.load", [Point(pid / 10, {}, 1000 + pid)], GAUGE),
        ],
    )


DATA = [
    process(pid, name)
    for pid, name in enumerate(
        [
            "my-critical-java",
            "java_app",
            "nginx",
            "nginx",
            "postgres_primary",
            "data_pipeline_a",
            "data_pipeline_b",
            "bash",
            "vim",
            "vim",
        ],
        start=1,
    )
]
APP = Resource(
    {"tenant.id": "shop", "service.name": "cart", "service.instance.id": "i1", "container.id": "c"},
    [Metric("http.requests", [Point(7, {"code": "200"}, 5), Point(9, {"code": "200"}, 6)])],
)


def config(*pipelines: Any, **parts: Any) -> dict[str, Any]:
    document, _ = gateway(environment(pipelines=pipelines, **parts))
    return document


def after(name: str, patch: dict[str, Any] | None = None, data: list[Resource] | None = None) -> list[Resource]:
    return through(config(preset(name, patch)), name, DATA if data is None else data)


def attributes(data: list[Resource], executable: str) -> dict[str, Any]:
    (found,) = [r.attributes for r in data if r.attributes.get("process.executable.name") == executable]
    return found


def test_full_shows_every_process_and_loses_nothing():
    out = after("full")
    assert set(values(out, "process.cpu.time")) == set(CLASSES)
    assert sum(values(out, "process.cpu.time").values()) == 11 * sum(range(1, 11))
    assert not [r for r in out if "process.pid" in r.attributes]


def test_optimized_keeps_what_matters_and_sums_the_rest():
    memory = values(after("optimized"), "process.memory.usage")
    assert memory == {
        "my-critical-java": 100,
        "java_app": 200,
        "nginx": 700,
        "postgres_primary": 500,
        "medium_others_optimized": 1300,
        "low_others_optimized": 2700,
    }


@pytest.mark.parametrize("name", ["full", "optimized", "experimental"])
@pytest.mark.parametrize("metric", ["process.cpu.time", "process.memory.usage"])
def test_sums_before_and_after_are_equal(name: str, metric: str):
    before = sum(point.value for r in DATA for m in r.metrics if m.name == metric for point in m.points)
    assert sum(values(after(name), metric).values()) == before


def test_processes_behind_each_sum_are_counted_once_each():
    count = {"rollup": {"countFrom": "process.cpu.time"}}
    expected = {"medium_others_optimized": 2, "low_others_optimized": 3}
    assert values(after("optimized"), "rollup.process.count") == expected
    assert values(after("optimized", count), "rollup.process.count") == expected
    assert values(after("experimental"), "rollup.process.count") == {"phoenix.others.experimental_aggressive": 8}


def test_no_count_unless_it_is_asked_for():
    assert values(after("optimized", {"rollup": {"countMetric": None}}), "rollup.process.count") == {}


@pytest.mark.parametrize(("how", "expected"), [("max", 1.0), ("mean", 0.9), ("sum", 2.7)])
def test_gauges_are_combined_as_the_policy_says(how: str, expected: float):
    load = values(after("optimized", {"combineGauges": how}), "process.load")
    assert load["low_others_optimized"] == pytest.approx(expected)


def test_sums_do_not_mix_hosts_or_tenants():
    data = [process(1, "bash"), process(2, "bash", host="h2"), process(3, "bash", tenant="shop")]
    out = after("optimized", data=data)
    found = {(r.attributes["host.name"], r.attributes["tenant.id"]) for r in out}
    assert found == {("h1", "platform"), ("h2", "platform"), ("h1", "shop")}


def test_experimental_keeps_critical_alone_by_name_and_seven_attributes():
    out = after("experimental", {"attributes": {"set": {"benchmark.id": "b", "phoenix.optimisation_profile": "x"}}})
    assert set(values(out, "process.memory.usage")) == {
        "my-critical-java",
        "postgres_primary",
        "phoenix.others.experimental_aggressive",
    }
    assert set(attributes(out, "my-critical-java")) == {
        "host.name",
        "process.executable.name",
        "phoenix.pipeline.strategy",
        "phoenix.optimisation_profile",
        "deployment.environment",
        "benchmark.id",
        "tenant.id",
    }


def test_sums_by_class_stay_apart_where_processes_lose_their_class():
    out = after("experimental", {"rollup": {"by": ["host.name", "phoenix.priority"]}})
    sums = [r.attributes for r in out if r.attributes["process.executable.name"].startswith("phoenix.others")]
    assert sorted(found["phoenix.priority"] for found in sums) == ["high", "low", "medium"]
    assert "phoenix.priority" not in attributes(out, "my-critical-java")


def test_no_sum_spans_senders():
    data = [process(pid, "bash", **{"service.instance.id": f"i{pid}"}) for pid in (1, 2)]
    for name in ("optimized", "experimental"):
        found = {r.attributes["service.instance.id"] for r in after(name, data=data)}
        assert found == {"i1", "i2"}


def test_attributes_are_dropped_for_the_classes_that_may_lose_them():
    out = after("optimized")
    critical, high = attributes(out, "my-critical-java"), attributes(out, "java_app")
    assert critical["process.command_line"] == "/usr/bin/my-critical-java --worker=1"
    assert "process.command_line" not in high
    assert high["process.owner"] == "user2"
    assert not [r for r in out if "container.id" in r.attributes or "process.pid" in r.attributes]


def test_nothing_of_our_bookkeeping_comes_out():
    for name in ("full", "optimized", "experimental", "observatory"):
        assert not [r for r in after(name) if set(r.attributes) & {"phoenix.rollup", "phoenix.rollup.time"}]


def test_a_rolled_up_sum_bears_the_latest_time_of_its_reading():
    (low,) = [r for r in after("optimized") if r.attributes["process.executable.name"] == "low_others_optimized"]
    assert {p.time for m in low.metrics for p in m.points} == {1010}


def test_what_is_no_process_passes_untouched():
    for name in ("full", "optimized", "experimental", "observatory"):
        (out,) = after(name, data=[APP])
        assert [(p.value, p.time) for p in out.metrics[0].points] == [(7, 5), (9, 6)]
        assert out.attributes["phoenix.pipeline.strategy"] == name


def test_observatory_can_reach_every_risk_and_severity():
    out = after("observatory", {"keep": []})
    grades = {
        r.attributes["process.executable.name"]: (
            r.attributes["phoenix.cardinality.risk"],
            r.attributes["phoenix.cardinality.severity"],
        )
        for r in out
    }
    assert grades["my-critical-java"] == ("0.9", "critical")
    assert grades["java_app"] == ("0.7", "high")
    assert grades["nginx"] == ("0.5", "moderate")
    assert grades["bash"] == ("0.2", "moderate")


def test_a_client_cannot_grade_itself():
    (out,) = after("observatory", data=[process(1, "nginx", **{"phoenix.cardinality.risk": "0.0"})])
    assert out.attributes["phoenix.cardinality.risk"] == "0.5"


def test_drop_goes_and_keep_wins_over_it():
    spec = {"drop": [{"classes": ["low"]}, {"metrics": "process[.]load"}], "export": []}
    out = through(config(pipeline("p", spec)), "p", DATA)
    assert not {"bash", "vim"} & set(values(out, "process.cpu.time"))
    assert values(out, "process.load") == {}
    spec["keep"] = [{"executables": "vim"}]
    assert set(values(through(config(pipeline("p", spec)), "p", DATA), "process.load")) == {"vim"}


def test_patterns_are_anchored_at_both_ends():
    spec = {"keep": [{"executables": "ngin"}], "export": []}
    assert through(config(pipeline("p", spec)), "p", DATA) == []


def test_redacted_attributes_leave_no_pipeline():
    secret = Resource({"process.environment": "K=V"}, [Metric("m", [Point(1, {"auth": "x", "ok": "y"})])])
    parts: dict[str, Any] = {"security": {"redact": ["process.environment", "auth"]}}
    (out,) = through(config(preset("full"), **parts), "full", [secret])
    assert "process.environment" not in out.attributes
    assert out.metrics[0].points[0].attributes == {"ok": "y"}
    edge, _ = agent(environment(**parts))
    (out,) = through(edge, "edge", [secret])
    assert "process.environment" not in out.attributes


def test_text_of_policies_survives_quoting():
    name = 'a"b\\c$d{x}'
    data = [Resource({"process.executable.name": name, "phoenix.priority": "low", "n": "1"}, [Metric("m", [Point(1)])])]
    spec = {"attributes": {"grade": [{"name": "g", "grades": [{"match": {"classes": ["low"]}, "value": name}]}]}}
    (out,) = through(config(pipeline("p", {**spec, "export": []})), "p", data)
    assert out.attributes["g"] == name


@pytest.mark.parametrize(
    ("executable", "expected"),
    [
        ("my-critical-java", "critical"),
        ("python_api", "high"),
        ("postgres", "medium"),
        ("sshd", "low"),
    ],
)
def test_the_edge_classifies_the_first_match_first(executable: str, expected: str):
    document, _ = agent(environment())
    data = [Resource({"process.executable.name": executable}, [Metric("m", [Point(1)])])]
    (out,) = through(document, "edge", data)
    assert out.attributes["phoenix.priority"] == expected


def test_a_resource_without_the_attribute_has_no_class():
    document, _ = agent(environment())
    (out,) = through(document, "edge", [APP])
    assert "phoenix.priority" not in out.attributes


def test_the_interpreter_itself_rejects_what_it_does_not_know():
    with pytest.raises(AssertionError):
        otel.run('merge_maps(resource.attributes, "x")', otel.Scope(APP))
