"""Items 1 to 4, 6 and 7: what is collected, where it listens, how it is marked and bounded."""

from __future__ import annotations

import re

import pytest

from tests.reference.platform import Output
from tests.unit.collector.otel import Metric, Point, Resource, process, through

PIPELINES = ("full", "optimized", "experimental", "observatory")

PROMETHEUS = {
    "full": ("0.0.0.0:8888", "phoenix_full_final_output", "5m"),
    "optimized": ("0.0.0.0:8889", "phoenix_opt_final_output", "5m"),
    "experimental": ("0.0.0.0:8890", "phoenix_exp_final_output", "5m"),
    "observatory": ("0.0.0.0:8891", "phoenix_cardinality_observatory", "10m"),
}


def exporters(reference: Output, pipeline: str, kind: str) -> list[dict]:
    """The exporters of a kind that a pipeline of the gateway really sends to."""
    used = reference.gateway["service"]["pipelines"][f"metrics/{pipeline}"]["exporters"]
    return [reference.gateway["exporters"][name] for name in used if name.startswith(f"{kind}/")]


def ports(container: dict) -> set[int]:
    return {port["containerPort"] for port in container["ports"]}


def classified(reference: Output, executable: str) -> str:
    """The class that the agent gives a process."""
    data = [Resource({"process.executable.name": executable}, [Metric("m", [Point(1)])])]
    (out,) = through(reference.agent, "edge", data)
    return out.attributes["phoenix.priority"]


def test_each_pipeline_has_its_port_and_namespace(reference):
    found = {}
    for name in PIPELINES:
        (settings,) = exporters(reference, name, "prometheus")
        found[name] = (settings["endpoint"], settings["namespace"], settings["metric_expiration"])
        assert settings["send_timestamps"] is True
        assert settings["enable_open_metrics"] is True
    assert found == PROMETHEUS
    assert {8888, 8889, 8890, 8891} <= ports(reference.container("Deployment", "gateway"))


def test_every_pipeline_gets_all_that_comes_in(reference):
    pipelines = reference.gateway["service"]["pipelines"]
    intakes = {name: part["exporters"] for name, part in pipelines.items() if name.startswith("metrics/intake_")}
    assert intakes
    for sent_to in intakes.values():
        assert sent_to == [f"forward/{name}" for name in PIPELINES]
    for name in PIPELINES:
        assert pipelines[f"metrics/{name}"]["receivers"] == [f"forward/{name}"]


def test_the_collectors_own_metrics_are_on_8887(reference):
    for config, (kind, name) in (
        (reference.agent, ("DaemonSet", "agent")),
        (reference.gateway, ("Deployment", "gateway")),
    ):
        (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
        assert reader["pull"]["exporter"]["prometheus"]["port"] == 8887
        assert 8887 in ports(reference.container(kind, name))


def test_otlp_is_taken_on_4317_and_4318(reference):
    for config, (kind, name) in (
        (reference.agent, ("DaemonSet", "agent")),
        (reference.gateway, ("Deployment", "gateway")),
    ):
        protocols = config["receivers"]["otlp/workloads"]["protocols"]
        assert {p: s["endpoint"] for p, s in protocols.items()} == {"grpc": "0.0.0.0:4317", "http": "0.0.0.0:4318"}
        assert any("otlp/workloads" in part["receivers"] for part in config["service"]["pipelines"].values())
        assert {4317, 4318} <= ports(reference.container(kind, name))
        assert {4317, 4318} <= {port["port"] for port in reference.one("Service", name)["spec"]["ports"]}


def test_health_is_served_and_asked_on_13133(reference):
    for config, (kind, name) in (
        (reference.agent, ("DaemonSet", "agent")),
        (reference.gateway, ("Deployment", "gateway")),
    ):
        assert config["extensions"]["health_check"]["endpoint"] == "0.0.0.0:13133"
        assert "health_check" in config["service"]["extensions"]
        container = reference.container(kind, name)
        named = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert named[container[probe]["httpGet"]["port"]] == 13133
        assert (container["livenessProbe"]["periodSeconds"], container["livenessProbe"]["timeoutSeconds"]) == (20, 5)
        assert container["livenessProbe"]["failureThreshold"] == 3


def test_processes_are_read_every_15_s_from_the_host(reference):
    receiver = reference.agent["receivers"]["host_metrics"]
    assert receiver["collection_interval"] == "15s"
    assert receiver["root_path"] == "/hostfs"
    mounts = reference.container("DaemonSet", "agent")["volumeMounts"]
    (mount,) = (m for m in mounts if m["mountPath"] == "/hostfs")
    assert mount["readOnly"] is True
    assert reference.one("DaemonSet", "agent")["spec"]["template"]["spec"]["hostPID"] is True


def switched_on(reference: Output, what: str) -> set[str]:
    scraper = reference.agent["receivers"]["host_metrics"]["scrapers"]["process"]
    return {name for name, setting in scraper[what].items() if setting["enabled"]}


def test_five_metrics_of_processes_are_read(reference):
    assert switched_on(reference, "metrics") == {
        "process.cpu.time",
        "process.memory.usage",
        "process.disk.io",
        "process.threads",
        "process.open_file_descriptors",
    }


def test_four_attributes_of_processes_are_read(reference):
    assert switched_on(reference, "resource_attributes") == {
        "process.executable.name",
        "process.command_line",
        "process.owner",
        "process.pid",
    }


EXCLUDED = {
    "kernel threads": ["kworker/0:1", "ksoftirqd/3", "rcu_preempt", "migration/0"],
    "systemd": ["systemd", "systemd-journald", "dbus-daemon"],
    "desktop": ["gnome-shell", "Xorg", "pipewire"],
    "tooling": ["otelcol-contrib", "prometheus", "grafana-server"],
    "container shims": ["containerd-shim-runc-v2", "conmon", "runc"],
    "network managers": ["NetworkManager", "wpa_supplicant"],
    "cron": ["cron", "crond", "atd"],
}


def test_seven_groups_of_processes_are_left_out(reference):
    exclude = reference.agent["receivers"]["host_metrics"]["scrapers"]["process"]["exclude"]
    assert exclude["match_type"] == "regexp"
    patterns = [re.compile(name.replace("$$", "$")) for name in exclude["names"]]
    assert len(patterns) == len(EXCLUDED) == 7
    left_out_by = {
        group: {p.pattern for p in patterns for name in names if p.search(name)} for group, names in EXCLUDED.items()
    }
    assert all(len(found) == 1 for found in left_out_by.values()), left_out_by
    assert len(set.union(*left_out_by.values())) == 7
    wanted = ("java_app", "nginx", "postgres_primary", "my-critical-java", "bash", "cronicle")
    assert not [name for name in wanted for p in patterns if p.search(name)]


@pytest.mark.parametrize(
    ("executable", "priority"),
    [
        ("billing-critical-java", "critical"),
        ("critical_nginx", "critical"),
        ("java_app", "high"),
        ("python_api_2", "high"),
        ("node_gateway", "high"),
        ("nginx", "medium"),
        ("postgres_primary", "medium"),
        ("data_pipeline", "medium"),
        ("sshd", "low"),
    ],
)
def test_processes_get_the_class_of_the_first_pattern_that_matches(reference, executable, priority):
    assert classified(reference, executable) == priority


def test_all_that_nodes_collect_bears_the_benchmark(reference, dev):
    (out,) = through(reference.agent, "edge", [Resource({}, [Metric("m", [Point(1)])])])
    assert out.attributes["benchmark.id"] == "phoenix-v3-ultra-spec"
    (out,) = through(dev.agent, "edge", [Resource({}, [Metric("m", [Point(1)])])])
    assert "benchmark.id" not in out.attributes


def test_every_pipeline_says_its_environment_and_itself(reference):
    for name in PIPELINES:
        claimed = {"phoenix.pipeline.strategy": "mine", "deployment.environment": "prod"}
        (out,) = process("resource", reference.gateway["processors"][f"resource/{name}"], [Resource(dict(claimed), [])])
        assert out.attributes == {"phoenix.pipeline.strategy": name, "deployment.environment": "reference"}


def test_the_memory_limiter_comes_first_with_512_and_128_mib(reference):
    for name, part in reference.gateway["service"]["pipelines"].items():
        first = part["processors"][0]
        assert first.startswith("memory_limiter/"), name
        assert reference.gateway["processors"][first] == {
            "check_interval": "1s",
            "limit_mib": 512,
            "spike_limit_mib": 128,
        }


def test_the_batch_comes_last_with_8192_in_10_s(reference):
    for name in PIPELINES:
        last = reference.gateway["service"]["pipelines"][f"metrics/{name}"]["processors"][-1]
        assert reference.gateway["processors"][last] == {
            "send_batch_size": 8192,
            "timeout": "10s",
            "send_batch_max_size": 16384,
        }
        assert last.startswith("batch/")
