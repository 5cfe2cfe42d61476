"""Each fault of a config is found, where it stands; sound configs have none."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.check import check_config
from phoenix_gitops.collector.findings import Finding
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.relay import tenant_gateway
from phoenix_gitops.collector.table import Component, Kind, keys
from phoenix_gitops.collector.versions import V0_159, VERSIONS
from phoenix_gitops.model.environment import Gateway
from phoenix_gitops.model.platform import Catalog
from tests.unit.collector.scopes import environment

VERSION = "0.159.0"


def sound() -> dict[str, Any]:
    return {
        "receivers": {"otlp/a": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_mib": 100, "spike_limit_mib": 20},
            "batch": {"timeout": "1s", "send_batch_size": 10, "send_batch_max_size": 20},
        },
        "connectors": {"forward/x": {}},
        "exporters": {
            "otlp_http": {
                "endpoint": "https://x.example.com",
                "retry_on_failure": {"initial_interval": "5s", "max_interval": "30s", "max_elapsed_time": "5m"},
                "sending_queue": {"enabled": True, "queue_size": 10},
            },
            "prometheus": {"endpoint": "0.0.0.0:8888"},
        },
        "extensions": {"health_check": {"endpoint": "0.0.0.0:13133"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"readers": [{"pull": {"exporter": {"prometheus": {"port": 8887}}}}]}},
            "pipelines": {
                "metrics/a": {
                    "receivers": ["otlp/a"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["forward/x", "prometheus"],
                },
                "metrics/b": {
                    "receivers": ["forward/x"],
                    "processors": ["memory_limiter"],
                    "exporters": ["otlp_http"],
                },
            },
        },
    }


def broken(path: str, value: Any) -> dict[str, Any]:
    """The sound config with one thing changed; None takes it away."""
    config = sound()
    *parents, last = path.split("|")
    node: Any = config
    for key in parents:
        node = node[key]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return config


A = "service|pipelines|metrics/a"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "exporters|logging",
            {},
            [
                ("PHX631", "exporters.logging", "collector 0.159.0 has no `logging` among its exporters"),
                ("PHX633", "exporters.logging", "`logging` is defined but not used"),
            ],
        ),
        (
            "processors|batch",
            {"send_batch_size": 1, "size": 2},
            [("PHX632", "processors.batch.size", "unknown key `size` in `processors.batch`")],
        ),
        ("config_sources", {}, [("PHX632", "config_sources", "unknown key `config_sources` in the top of a config")]),
        (
            "service|telemetry|metrics|address",
            ":8888",
            [("PHX632", "service.telemetry.metrics.address", "unknown key `address` in `service.telemetry.metrics`")],
        ),
        (
            f"{A}|processors",
            ["memory_limiter", "attributes/optimize", "batch"],
            [
                (
                    "PHX633",
                    "service.pipelines.metrics/a.processors",
                    "`attributes/optimize` is not defined under `processors`",
                )
            ],
        ),
        (
            "service|extensions",
            ["health_check", "pprof"],
            [("PHX633", "service.extensions", "`pprof` is not defined under `extensions`")],
        ),
        (
            f"{A}|exporters",
            ["forward/x", "prometheus", "prometheus"],
            [("PHX633", "service.pipelines.metrics/a.exporters", "`prometheus` is listed twice in `metrics/a`")],
        ),
        (
            f"{A}|receivers",
            ["otlp/a", "batch"],
            [
                (
                    "PHX634",
                    "service.pipelines.metrics/a.receivers",
                    "`batch` is one of the processors and cannot stand among the receivers",
                )
            ],
        ),
        (
            f"{A}|exporters",
            ["prometheus"],
            [("PHX634", "connectors.forward/x", "no pipeline has connector `forward/x` as exporter")],
        ),
        (
            "service|pipelines|metrics/b|exporters",
            ["otlp_http", "forward/x"],
            [("PHX635", "service.pipelines.metrics/b", "pipeline `metrics/b` feeds itself")],
        ),
        (
            f"{A}|processors",
            ["batch", "memory_limiter"],
            [
                (
                    "PHX636",
                    "service.pipelines.metrics/a.processors",
                    "`batch` is not the last processor of `metrics/a`",
                ),
                (
                    "PHX636",
                    "service.pipelines.metrics/a.processors",
                    "`memory_limiter` is not the first processor of `metrics/a`",
                ),
            ],
        ),
        (
            "processors|memory_limiter|spike_limit_mib",
            100,
            [("PHX637", "processors.memory_limiter", "spike limit `100` MiB is not below the limit of `100` MiB")],
        ),
        (
            "processors|memory_limiter|limit_mib",
            0,
            [("PHX637", "processors.memory_limiter", "a memory limit of `0` MiB leaves no memory")],
        ),
        (
            "processors|batch|send_batch_max_size",
            9,
            [("PHX637", "processors.batch", "largest batch `9` is below the batch size `10`")],
        ),
        (
            "exporters|otlp_http|retry_on_failure|max_elapsed_time",
            "4s",
            [
                (
                    "PHX637",
                    "exporters.otlp_http.retry_on_failure",
                    "data is given up after `4s`, before the first retry at `5s`",
                )
            ],
        ),
        (
            "exporters|otlp_http|retry_on_failure|max_interval",
            "4999ms",
            [
                (
                    "PHX637",
                    "exporters.otlp_http.retry_on_failure",
                    "longest wait `4999ms` is below the first wait `5s`",
                )
            ],
        ),
        (
            "exporters|otlp_http|sending_queue|storage",
            "file_storage",
            [
                (
                    "PHX638",
                    "exporters.otlp_http.sending_queue.storage",
                    "the queue's storage `file_storage` is no enabled extension",
                )
            ],
        ),
        (
            "exporters|otlp_http|endpoint",
            "https://${HOST}",
            [("PHX639", "exporters.otlp_http.endpoint", "bare `$` in `https://${HOST}`")],
        ),
        (
            "exporters|prometheus|endpoint",
            "0.0.0.0:8887",
            [
                (
                    "PHX640",
                    "service.telemetry.metrics.readers.0",
                    "port `8887` is taken by `exporters.prometheus`",
                )
            ],
        ),
        (
            "extensions|health_check|endpoint",
            "0.0.0.0:13134",
            [
                (
                    "PHX641",
                    "service.extensions",
                    "probes ask port `13133`, where no `health_check` extension listens",
                )
            ],
        ),
    ],
)
def test_a_fault_is_found_where_it_stands(path: str, value: Any, expected: list[tuple[str, str, str]]):
    found = check_config(broken(path, value), VERSION, probe_port=13133)
    assert [(f.code, f.path, f.message) for f in found] == expected


def test_a_sound_config_has_no_fault():
    assert check_config(sound(), VERSION, probe_port=13133) == []


def test_the_limits_of_what_is_sound():
    config = sound()
    config["processors"]["batch"]["send_batch_max_size"] = 10
    config["processors"]["memory_limiter"]["spike_limit_mib"] = 99
    retry = config["exporters"]["otlp_http"]["retry_on_failure"]
    retry |= {"max_interval": "5s", "max_elapsed_time": "0s"}
    assert check_config(config, VERSION) == []


@pytest.mark.parametrize("text", ["${env:KEY}", "${env:KEY:-x}", "${file:/etc/key}", "a$$b", "$${KEY}"])
def test_references_and_doubled_dollars_are_sound(text: str):
    assert check_config(broken("exporters|otlp_http|headers", {"k": text}), VERSION) == []


@pytest.mark.parametrize("text", ["$KEY", "${KEY}", "${1}", "$1", "${KEY:-x}", "a$", "$$$", "${env:a b}"])
def test_bare_dollars_are_not(text: str):
    (found,) = check_config(broken("exporters|otlp_http|headers", {"k": text}), VERSION)
    assert (found.code, found.path) == ("PHX639", "exporters.otlp_http.headers.k")


def test_a_former_name_is_refused_with_todays():
    config = broken("processors|k8sattributes", {})
    found = next(f for f in check_config(config, VERSION) if f.code == "PHX631")
    assert found.help == "it is called `k8s_attributes` in this version"


def test_a_later_name_is_refused_with_the_one_of_the_version():
    config = broken("exporters|load_balancing/x", {})
    found = next(f for f in check_config(config, "0.152.1") if f.code == "PHX631")
    assert found.message == "collector 0.152.1 has no `load_balancing` among its exporters"
    assert found.help == "it is called `loadbalancing` in this version"


def test_a_component_in_another_section_is_told_where_it_belongs():
    found = next(f for f in check_config(broken("receivers|batch", {}), VERSION) if f.code == "PHX631")
    assert found.help == "`batch` belongs under `processors`"


def test_an_unknown_version_is_refused():
    assert check_config(sound(), "0.91.0") == [
        Finding("PHX630", "", "no component table for collector version `0.91.0`", "use one of `0.152.1`, `0.159.0`")
    ]


def test_the_default_image_has_the_newest_table():
    assert Catalog().collector.tag == list(VERSIONS)[-1]


def test_people_are_told_which_versions_there_are():
    listed = " and ".join(VERSIONS)
    described = msgspec.json.schema(Catalog)["$defs"]["Catalog"]["properties"]["collector"]
    assert f"there is one for {listed}" in described["description"]
    page = (Path(__file__).parents[3] / "docs" / "codes" / "PHX630.md").read_text(encoding="utf-8")
    assert " or ".join(f"`{version}`" for version in VERSIONS) in page


def test_another_version_is_a_difference():
    newer = V0_159.changed(
        "0.160.0", Component(Kind.CONNECTOR, "sum", keys("metrics")), removed=((Kind.CONNECTOR, "forward"),)
    )
    assert (Kind.CONNECTOR, "sum") in newer.components
    assert (Kind.CONNECTOR, "forward") not in newer.components
    assert (Kind.CONNECTOR, "forward") in V0_159.components


@pytest.mark.parametrize("exports", [[], ["newrelic"]])
def test_what_we_build_has_no_fault(exports: list[str]):
    env = environment(spec={"exports": exports})
    for document, builder in (agent(env), gateway(env), tenant_gateway(env, "checkout", Gateway())):
        assert check_config(document, VERSION, probe_port=13133) == []
        assert builder.ports.clashes == []


def test_the_check_reads_the_whole_of_what_we_build():
    """Each component of a real config, taken away, is missed; each key, misspelt, is unknown."""
    document, _ = gateway(environment(spec={"exports": ["newrelic"]}))
    for section in ("receivers", "processors", "exporters", "connectors", "extensions"):
        for name in document[section]:
            changed = copy.deepcopy(document)
            del changed[section][name]
            assert check_config(changed, VERSION), name
            for key in document[section][name]:
                misspelt = copy.deepcopy(document)
                misspelt[section][name][key + "_x"] = 1
                assert [f.code for f in check_config(misspelt, VERSION)] == ["PHX632"], (name, key)
