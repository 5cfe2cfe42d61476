"""What the configs say: receivers, identity, scraping, exports, memory, ports, names."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_gitops.collector import names
from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.ports import Listener, PortAllocator
from phoenix_gitops.collector.relay import tenant_gateway
from phoenix_gitops.collector.values import Env, document, text
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.pipeline import Memory
from tests.unit.collector.otel import Metric, Point, Resource, process
from tests.unit.collector.scopes import environment, pipeline, preset


def the_agent(patch: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    return agent(environment(edge=preset("edge", patch), **parts))[0]


def the_gateway(**parts: Any) -> dict[str, Any]:
    return gateway(environment(**parts))[0]


def test_literal_dollars_are_doubled_and_references_are_not():
    node = {"a$b": ["$1", text("x=$", Env("NODE"), ":1")], "n": None, "t": True, "i": 1}
    assert document(node) == {"a$$b": ["$$1", "x=$$${env:NODE}:1"], "n": None, "t": True, "i": 1}


def test_the_same_component_may_be_added_twice_but_not_another_of_its_name():
    builder = Builder("1Gi")
    builder.processor("batch/a", {"timeout": "1s"})
    assert builder.processor("batch/a", {"timeout": "1s"}) == "batch/a"
    with pytest.raises(ValueError, match="batch/a"):
        builder.processor("batch/a", {"timeout": "2s"})


def test_a_port_claimed_twice_is_reported():
    ports = PortAllocator()
    ports.claim("a", 1, "first")
    ports.claim("b", 1, "second")
    assert ports.listeners == [Listener("a", 1, "first")]
    assert ports.clashes == [(Listener("a", 1, "first"), Listener("b", 1, "second"))]


def test_host_metrics_are_the_reference_platforms():
    host = the_agent()["receivers"]["host_metrics"]
    scraper = host["scrapers"]["process"]
    assert (host["collection_interval"], host["root_path"]) == ("15s", "/hostfs")
    on = {name for name, switch in scraper["metrics"].items() if switch["enabled"]}
    assert on == {
        "process.cpu.time",
        "process.memory.usage",
        "process.disk.io",
        "process.threads",
        "process.open_file_descriptors",
    }
    attributes = {name for name, switch in scraper["resource_attributes"].items() if switch["enabled"]}
    assert attributes == {"process.executable.name", "process.command_line", "process.owner", "process.pid"}
    assert scraper["exclude"]["match_type"] == "regexp"
    assert len(scraper["exclude"]["names"]) == 7


def test_what_the_scraper_reads_by_itself_is_switched_off():
    metrics = the_agent()["receivers"]["host_metrics"]["scrapers"]["process"]["metrics"]
    assert metrics["process.memory.virtual"] == {"enabled": False}


def test_without_groups_nothing_is_excluded():
    process_scraper = the_agent({"inputs": {"hostmetrics": {"exclude": []}}})["receivers"]["host_metrics"]["scrapers"]
    assert "exclude" not in process_scraper["process"]


def test_both_otlp_ports_listen_where_the_policy_says():
    protocols = the_agent({"inputs": {"otlp": {"grpcPort": 5317}}})["receivers"]["otlp/workloads"]["protocols"]
    assert protocols == {"grpc": {"endpoint": "0.0.0.0:5317"}, "http": {"endpoint": "0.0.0.0:4318"}}


@pytest.mark.parametrize(
    ("inputs", "receivers", "pipelines"),
    [
        ({"hostmetrics": None, "prometheus": None}, {"otlp/workloads"}, {"workloads", "edge"}),
        ({"otlp": None, "prometheus": None}, {"host_metrics"}, {"node", "edge"}),
        (
            {"otlp": None, "hostmetrics": None, "prometheus": {"pods": False}},
            {"prometheus/node"},
            {"node", "edge"},
        ),
        (
            {"otlp": None, "hostmetrics": None, "prometheus": {"kubelet": False, "cadvisor": False}},
            {"prometheus/pods"},
            {"scraped", "edge"},
        ),
    ],
)
def test_an_absent_input_is_off(inputs: dict[str, Any], receivers: set[str], pipelines: set[str]):
    config = the_agent({"inputs": inputs})
    assert set(config["receivers"]) == receivers
    assert set(config["service"]["pipelines"]) == {f"metrics/{name}" for name in pipelines}


def test_pods_are_scraped_on_the_own_node_only():
    (job,) = the_agent()["receivers"]["prometheus/pods"]["config"]["scrape_configs"]
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery["selectors"] == [{"role": "pod", "field": "spec.nodeName=${env:K8S_NODE_NAME}"}]
    assert [rule["replacement"] for rule in job["relabel_configs"] if "replacement" in rule] == ["$$1:$$2", "[$$1]:$$2"]
    assert job["metric_relabel_configs"][0] == {
        "source_labels": ["__name__"],
        "action": "drop",
        "regex": "target_info",
    }


def test_the_kubelet_is_that_of_the_own_node():
    kubelet, cadvisor = the_agent()["receivers"]["prometheus/node"]["config"]["scrape_configs"]
    assert (kubelet["metrics_path"], cadvisor["metrics_path"]) == ("/metrics", "/metrics/cadvisor")
    assert kubelet["static_configs"][0]["targets"] == ["${env:K8S_NODE_IP}:10250"]


FORGED = Resource(
    {"tenant.id": "victim", "tenant_id": "victim", "phoenix.priority": "critical", "k8s.pod.uid": "u", "a": "b"},
    [Metric("m", [Point(1, {"tenant.id": "victim", "tenant-id": "victim", "x": "y"})])],
)


@pytest.mark.parametrize(
    ("config", "name", "pod"),
    [
        (the_agent(), "workloads_strip", False),
        (the_agent(), "scraped_strip", True),
        (the_gateway(), "intake_workloads_strip", False),
        (the_gateway(), "intake_tenants_strip", True),
        (tenant_gateway(environment(), "checkout", Gateway())[0], "tenant_strip", True),
    ],
)
def test_what_senders_say_of_themselves_is_removed(config: dict[str, Any], name: str, pod: bool):
    import copy

    (out,) = process("transform", config["processors"][f"transform/{name}"], [copy.deepcopy(FORGED)])
    assert set(out.attributes) == ({"a", "k8s.pod.uid"} if pod else {"a"})
    assert out.metrics[0].points[0].attributes == {"x": "y"}


def test_the_tenant_is_a_label_of_the_senders_namespace():
    for config, name in ((the_agent(), "workloads"), (the_gateway(), "intake_workloads")):
        settings = config["processors"][f"k8s_attributes/{name}"]
        assert settings["pod_association"] == [{"sources": [{"from": "connection"}]}]
        assert settings["extract"]["labels"] == [
            {"tag_name": "tenant.id", "key": "policy.phoenix.io/tenant", "from": "namespace"}
        ]


@pytest.mark.parametrize(
    ("config", "pipeline", "strip", "lookup"),
    [
        (the_agent(), "workloads", "workloads_strip", "workloads"),
        (the_gateway(), "intake_workloads", "intake_workloads_strip", "intake_workloads"),
        (the_gateway(), "intake_tenants", "intake_tenants_strip", "intake_tenants"),
    ],
)
def test_what_is_said_is_removed_before_the_truth_is_looked_up(
    config: dict[str, Any], pipeline: str, strip: str, lookup: str
):
    """The lookup does not overwrite: whatever stands there already would win."""
    chain = config["service"]["pipelines"][f"metrics/{pipeline}"]["processors"]
    assert chain.index(f"transform/{strip}") < chain.index(f"k8s_attributes/{lookup}")


def test_agents_are_trusted_and_nobody_else():
    config = the_gateway()
    chain = config["service"]["pipelines"]["metrics/intake_agents"]["processors"]
    assert chain == ["memory_limiter/intake_all", "transform/intake_default"]
    grpc = {"endpoint": "0.0.0.0:4319", "max_recv_msg_size_mib": 64}
    assert config["receivers"]["otlp/agents"] == {"protocols": {"grpc": grpc}}


def test_a_tenants_gateway_overwrites_the_tenant():
    config, _ = tenant_gateway(environment(), "checkout", Gateway())
    assert config["processors"]["resource/tenant"]["attributes"] == [
        {"key": "tenant.id", "value": "checkout", "action": "upsert"}
    ]
    (exporter,) = config["exporters"].values()
    assert exporter["resolver"]["dns"] == {"hostname": "gateway-headless.phoenix-gateway.svc", "port": "4320"}


def test_all_of_a_host_goes_to_one_pod_of_the_gateway():
    config = the_agent(platform={"conventions": {"namespacePrefix": "acme"}})
    exporter = config["exporters"]["load_balancing/gateway"]
    assert (exporter["routing_key"], exporter["routing_attributes"]) == ("attributes", ["phoenix.sender"])
    assert config["service"]["pipelines"]["metrics/edge"]["processors"][-2:] == ["transform/edge_route", "batch/edge"]
    (group,) = config["processors"]["transform/edge_route"]["metric_statements"]
    parts = ", ".join(f'resource.attributes["{name}"]' for name in ("host.name", "service.name", "service.instance.id"))
    assert group["statements"] == [f'set(resource.attributes["phoenix.sender"], Concat([{parts}], "/"))']
    assert exporter["resolver"]["dns"]["hostname"] == "gateway-headless.acme-gateway.svc"


def test_every_pipeline_gets_everything():
    config = the_gateway()
    forwards = ["forward/full", "forward/optimized", "forward/experimental", "forward/observatory"]
    for intake in ("agents", "tenants", "workloads"):
        assert config["service"]["pipelines"][f"metrics/intake_{intake}"]["exporters"] == forwards


@pytest.mark.parametrize(
    ("name", "port", "namespace", "alias", "expiration"),
    [
        ("full", 8888, "phoenix_full_final_output", "full_fidelity", "5m"),
        ("optimized", 8889, "phoenix_opt_final_output", "optimised", "5m"),
        ("experimental", 8890, "phoenix_exp_final_output", "experimental_topk", "5m"),
        ("observatory", 8891, "phoenix_cardinality_observatory", "cardinality_observatory", "10m"),
    ],
)
def test_exports_are_the_reference_platforms(name: str, port: int, namespace: str, alias: str, expiration: str):
    export = the_gateway()["exporters"][f"prometheus/{name}_prometheus"]
    assert (export["endpoint"], export["namespace"]) == (f"0.0.0.0:{port}", namespace)
    assert (export["metric_expiration"], export["const_labels"]) == (expiration, {"pipeline_alias": alias})


@pytest.mark.parametrize(
    ("name", "queue", "consumers", "retry"),
    [
        ("full", 2000, 3, ("10s", "90s", "15m")),
        ("optimized", 2000, 3, ("5s", "60s", "10m")),
        ("experimental", 1000, 2, ("5s", "30s", "5m")),
    ],
)
def test_new_relic_gets_differences_with_its_own_key(name: str, queue: int, consumers: int, retry: tuple[str, ...]):
    config = the_gateway(spec={"exports": ["newrelic"]})
    export = config["exporters"][f"otlp_http/{name}_newrelic"]
    assert export["headers"] == {"api-key": f"${{env:EXPORT_{name.upper()}__NEWRELIC}}"}
    assert (export["sending_queue"]["queue_size"], export["sending_queue"]["num_consumers"]) == (queue, consumers)
    waits = export["retry_on_failure"]
    assert (waits["initial_interval"], waits["max_interval"], waits["max_elapsed_time"]) == retry
    assert export["compression"] == "gzip"
    pipelines = config["service"]["pipelines"]
    assert f"cumulative_to_delta/{name}_newrelic" in pipelines[f"metrics/{name}_newrelic"]["processors"]
    assert f"delta_to_cumulative/{name}" in pipelines[f"metrics/{name}"]["processors"]


def test_what_one_reading_says_stays_in_one_piece_and_in_order():
    for config in (the_agent(), tenant_gateway(environment(), "checkout", Gateway())[0]):
        (batch,) = (settings for name, settings in config["processors"].items() if name.startswith("batch/"))
        assert "send_batch_max_size" not in batch
        assert config["exporters"]["load_balancing/gateway"]["sending_queue"]["num_consumers"] == 1
    ports = ("agents", "tenants")
    sizes = [the_gateway()["receivers"][f"otlp/{name}"]["protocols"]["grpc"]["max_recv_msg_size_mib"] for name in ports]
    assert sizes == [64, 64]


def test_what_is_not_sent_yet_outlives_the_pods_of_the_gateway_and_on_nodes_the_agents():
    """One queue before the choice of a pod: one of each pod would go with it."""
    agents, tenants = the_agent(), tenant_gateway(environment(), "checkout", Gateway())[0]
    for config in (agents, tenants):
        exporter = config["exporters"]["load_balancing/gateway"]
        inner = exporter["protocol"]["otlp"]
        assert (inner["sending_queue"], inner["retry_on_failure"]) == ({"enabled": False}, {"enabled": False})
        assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
    queues = [config["exporters"]["load_balancing/gateway"]["sending_queue"] for config in (agents, tenants)]
    assert [queue["sizer"] for queue in queues] == ["bytes", "bytes"]
    assert [queue["queue_size"] for queue in queues] == [256 * 2**20, 64 * 2**20]
    assert [queue.get("storage") for queue in queues] == ["file_storage/queue", None]
    storage = agents["extensions"]["file_storage/queue"]
    assert storage["directory"] == storage["compaction"]["directory"] == "/var/lib/otelcol"
    assert agents["service"]["extensions"] == ["file_storage/queue", "health_check"]
    assert list(tenants["extensions"]) == ["health_check"]


def test_counters_are_merged_as_differences_while_processes_can_be_told_apart():
    chain = the_gateway()["service"]["pipelines"]["metrics/optimized"]["processors"]
    assert [name.partition("/")[0] for name in chain] == [
        *("memory_limiter", "resource", "transform", "cumulative_to_delta", "resource", "groupbyattrs", "transform"),
        *("delta_to_cumulative", "filter", "transform", "batch"),
    ]
    limits = the_gateway()["processors"]["delta_to_cumulative/observatory"]
    assert limits == {"max_stale": "10m", "max_streams": 104857}
    assert the_gateway()["processors"]["cumulative_to_delta/observatory"]["max_staleness"] == "10m"


def test_where_processes_keep_their_ids_nothing_is_merged():
    dropped = {"attributes": {"drop": [{"name": "process.owner"}]}, "export": []}
    config = the_gateway(pipelines=(pipeline("p", dropped),))
    chain = config["service"]["pipelines"]["metrics/p"]["processors"]
    assert [name.partition("/")[0] for name in chain] == ["memory_limiter", "resource", "transform", "batch"]


def test_optional_exports_are_off_unless_switched_on():
    assert not [name for name in the_gateway()["exporters"] if name.startswith("otlp_http")]


def test_an_export_that_is_no_difference_needs_no_branch():
    export = {"name": "b", "otlpHttp": {"endpoint": "https://x.example.com"}}
    config = the_gateway(pipelines=(preset("full", {"export": [export]}),))
    assert config["service"]["pipelines"]["metrics/full"]["exporters"] == ["otlp_http/full_b"]
    assert "headers" not in config["exporters"]["otlp_http/full_b"]


def test_memory_and_batch_are_the_reference_platforms():
    config = the_gateway()
    assert config["processors"]["memory_limiter/full"] == {
        "check_interval": "1s",
        "limit_mib": 512,
        "spike_limit_mib": 128,
    }
    assert config["processors"]["batch/full"] == {
        "timeout": "10s",
        "send_batch_size": 8192,
        "send_batch_max_size": 16384,
    }


def test_limits_follow_from_the_container_alone():
    builder = Builder("2Gi")
    builder.memory_limiter("a", Memory(limit=0.75, spike=0.25))
    assert builder.build()["processors"]["memory_limiter/a"]["limit_mib"] == 1536


def test_names_that_a_policy_may_have_never_meet_ours():
    """A pipeline may be called like a way in, or like another's export."""
    pipelines = tuple(preset(name) for name in ("full", "optimized"))
    renamed = [
        type(p)(metadata=type(p.metadata)(name=name, owner="o"), spec=p.spec)
        for p, name in zip(pipelines, ("agents", "workloads"), strict=True)
    ]
    config = the_gateway(pipelines=tuple(renamed))
    assert set(config["service"]["pipelines"]) == {
        *(f"metrics/intake_{name}" for name in ("agents", "tenants", "workloads")),
        "metrics/agents",
        "metrics/workloads",
    }


def test_the_collectors_own_metrics_have_a_port_and_names_of_their_own():
    for config in (the_agent(), the_gateway()):
        (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
        assert reader["pull"]["exporter"]["prometheus"] == {
            "host": "0.0.0.0",
            "port": 8887,
            "without_type_suffix": False,
            "without_units": False,
            "without_scope_info": True,
        }


def test_variables_of_secrets_are_legal_names():
    assert names.secret_variable("my-pipe", "new-relic") == "EXPORT_MY_PIPE__NEW_RELIC"
