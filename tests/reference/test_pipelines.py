"""Items 5, 8 and 23: what comes out of each pipeline of the generated configs, and where it is sent.

Processes go through the agent's config and then through the gateway's, by the interpreter that a real collector is
held to in `tests/unit/collector/test_real.py`.
"""

from __future__ import annotations

import pytest

from tests.reference.platform import Output
from tests.unit.collector.otel import Metric, Point, Resource, through, values

PIPELINES = ("full", "optimized", "experimental", "observatory")
KEY = "process.executable.name"

HOST = {
    "billing-critical-java": "critical",
    "java_app": "high",
    "nginx": "medium",
    "postgres_primary": "medium",
    "data_pipeline_a": "medium",
    "data_pipeline_b": "medium",
    "bash": "low",
    "vim": "low",
    "less": "low",
}


def read(pid: int, name: str) -> Resource:
    """A process as the host scraper reads it."""
    attributes = {
        "host.name": "h1",
        "tenant.id": "platform",
        KEY: name,
        "process.pid": str(pid),
        "process.command_line": f"/usr/bin/{name} --worker={pid}",
        "process.owner": f"user{pid}",
        "container.id": f"c{pid}",
    }
    cpu = [Point(10.0 * pid, {"state": "user"}, 1000 + pid), Point(1.0 * pid, {"state": "system"}, 1000 + pid)]
    return Resource(
        attributes,
        [Metric("process.cpu.time", cpu), Metric("process.memory.usage", [Point(100.0 * pid, {}, 1000 + pid)])],
    )


DATA = [read(pid, name) for pid, name in enumerate(HOST, start=1)]


@pytest.fixture(scope="module")
def out(reference: Output) -> dict[str, list[Resource]]:
    """What each pipeline lets out of one reading of a host."""
    collected = through(reference.agent, "edge", DATA)
    return {name: through(reference.gateway, name, collected) for name in PIPELINES}


def named(data: list[Resource], executable: str) -> dict[str, str]:
    (found,) = (resource.attributes for resource in data if resource.attributes[KEY] == executable)
    return found


def with_attribute(data: list[Resource], attribute: str) -> set[str]:
    return {resource.attributes[KEY] for resource in data if attribute in resource.attributes}


def test_each_pipeline_shows_what_it_is_said_to(out):
    assert {name: set(values(data, "process.cpu.time")) for name, data in out.items()} == {
        "full": set(HOST),
        "optimized": {
            *("billing-critical-java", "java_app", "nginx", "postgres_primary"),
            *("medium_others_optimized", "low_others_optimized"),
        },
        "experimental": {"billing-critical-java", "postgres_primary", "phoenix.others.experimental_aggressive"},
        "observatory": {name for name, priority in HOST.items() if priority != "low"},
    }


@pytest.mark.parametrize("metric", ["process.cpu.time", "process.memory.usage"])
def test_what_is_rolled_up_is_summed_and_not_lost(out, metric):
    before = sum(point.value for r in DATA for m in r.metrics if m.name == metric for point in m.points)
    for name in ("full", "optimized", "experimental"):
        assert sum(values(out[name], metric).values()) == before


def test_the_processes_behind_a_sum_are_counted(out):
    assert values(out["optimized"], "rollup.process.count") == {
        "medium_others_optimized": 2,
        "low_others_optimized": 3,
    }
    assert values(out["experimental"], "rollup.process.count") == {"phoenix.others.experimental_aggressive": 7}


def test_the_process_id_is_dropped_everywhere(out):
    assert [name for name in PIPELINES if with_attribute(out[name], "process.pid")] == []


def test_the_command_line_stays_for_critical_only(out):
    assert with_attribute(out["optimized"], "process.command_line") == {"billing-critical-java"}
    assert with_attribute(out["full"], "process.command_line") == set(HOST)


def test_the_owner_is_dropped_for_low(reference, out):
    kept = {"billing-critical-java", "java_app", "nginx", "postgres_primary"}
    assert with_attribute(out["optimized"], "process.owner") == kept
    # What is low is rolled up before; the statement itself must not spare it.
    shape = reference.gateway["processors"]["transform/optimized_attributes"]["metric_statements"]
    (line,) = [s for group in shape for s in group["statements"] if "process.owner" in s]
    assert [c for c in ("critical", "high", "medium", "low") if f'"{c}"' in line] == ["critical", "high", "medium"]


def test_the_container_is_dropped_in_optimized(out):
    assert with_attribute(out["optimized"], "container.id") == set()
    assert with_attribute(out["full"], "container.id") == set(HOST)


def test_experimental_keeps_seven_attributes(reference, out):
    shape = reference.gateway["processors"]["transform/experimental_attributes"]["metric_statements"]
    (line,) = [s for g in shape for s in g["statements"] if s.startswith("keep_keys") and '"benchmark.id"' in s]
    seven = {
        *("host.name", "service.name", KEY, "phoenix.pipeline.strategy"),
        *("phoenix.optimisation_profile", "deployment.environment", "benchmark.id"),
    }
    needed = {"tenant.id", "phoenix.priority", "phoenix.rollup", "phoenix.member", "service.instance.id"}
    assert {part for part in line.split('"') if "." in part and " " not in part} - needed == seven
    assert set(named(out["experimental"], "billing-critical-java")) <= seven | needed


def test_roll_up_comes_before_selection(reference):
    for name in ("optimized", "experimental"):
        kinds = [p.split("/")[0] for p in reference.gateway["service"]["pipelines"][f"metrics/{name}"]["processors"]]
        assert kinds.index("groupbyattrs") < kinds.index("filter")


def test_every_risk_and_severity_is_reached(out):
    grades = {
        resource.attributes[KEY]: (
            resource.attributes["phoenix.cardinality.risk"],
            resource.attributes["phoenix.cardinality.severity"],
        )
        for resource in out["observatory"]
    }
    assert grades["billing-critical-java"] == ("0.9", "critical")
    assert grades["java_app"] == ("0.7", "high")
    assert grades["nginx"] == ("0.5", "moderate")


NEW_RELIC = {
    "full": ("full", 2000, 3, "10s", "90s", "15m"),
    "optimized": ("optimized", 2000, 3, "5s", "60s", "10m"),
    "experimental": ("experimental", 1000, 2, "5s", "30s", "5m"),
}


def test_three_pipelines_export_to_new_relic_with_their_own_key_and_queue(reference):
    keys = {
        variable["name"]: variable["valueFrom"]["secretKeyRef"]
        for variable in reference.container("Deployment", "gateway")["env"]
        if "valueFrom" in variable
    }
    found = {}
    for name, settings in reference.gateway["exporters"].items():
        if not name.startswith("otlp_http/"):
            continue
        queue, retry = settings["sending_queue"], settings["retry_on_failure"]
        variable = settings["headers"]["api-key"].removeprefix("${env:").removesuffix("}")
        assert settings["endpoint"] == "https://otlp.nr-data.net:4318"
        assert settings["compression"] == "gzip"
        assert keys[variable]["name"] == "newrelic"
        pipeline = name.removeprefix("otlp_http/").removesuffix("_newrelic")
        found[pipeline] = (
            *(keys[variable]["key"], queue["queue_size"], queue["num_consumers"]),
            *(retry["initial_interval"], retry["max_interval"], retry["max_elapsed_time"]),
        )
    assert found == NEW_RELIC


def test_only_the_export_to_new_relic_sends_differences(reference):
    for name in NEW_RELIC:
        pipelines = reference.gateway["service"]["pipelines"]
        sends = pipelines[f"metrics/{name}_newrelic"]
        assert f"cumulative_to_delta/{name}_newrelic" in sends["processors"]
        assert sends["exporters"] == [f"otlp_http/{name}_newrelic"]
        # Differences within the pipeline are sums again before it ends.
        within = [p.partition("/")[0] for p in pipelines[f"metrics/{name}"]["processors"]]
        assert within.index("cumulative_to_delta") < within.index("delta_to_cumulative")


def test_exports_are_off_in_dev(dev):
    assert {name.split("/")[0] for name in dev.gateway["exporters"]} == {"prometheus"}
    assert not [v for v in dev.container("Deployment", "gateway")["env"] if "valueFrom" in v]


def test_the_canonical_name_is_optimized_and_the_british_one_an_alias(reference):
    aliases = {
        name.removeprefix("prometheus/").removesuffix("_prometheus"): settings["const_labels"]["pipeline_alias"]
        for name, settings in reference.gateway["exporters"].items()
        if name.startswith("prometheus/")
    }
    assert aliases == {
        "full": "full_fidelity",
        "optimized": "optimised",
        "experimental": "experimental_topk",
        "observatory": "cardinality_observatory",
    }
    rules = [str(rule) for group in reference.groups for rule in group["rules"]]
    assert [rule for rule in rules if "optimised" in rule] == []
    assert [rule for rule in rules if 'phoenix_pipeline="optimized"' in rule]
