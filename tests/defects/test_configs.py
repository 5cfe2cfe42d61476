"""What defects of collector configs and workloads would look like in our own output, of every environment."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

import pytest

from phoenix_gitops.collector.check import check_config
from phoenix_gitops.model.pipeline import Predicate, ProcessMatch
from tests.reference.platform import Output, front, output, read
from tests.reference.test_pipelines import HOST

ENVIRONMENTS = ("dev", "prod-eu", "prod-us", "reference")
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")

pytestmark = pytest.mark.parametrize("environment", ENVIRONMENTS)


def workloads(found: Output) -> Iterator[dict]:
    for kind in WORKLOADS:
        yield from found.of_kind(kind)


def placed(environment: str) -> Iterator[tuple[Output, dict]]:
    """Each workload with all that its cluster gets."""
    clusters = output(environment).clusters
    assert clusters
    return ((cluster, workload) for cluster in clusters for workload in workloads(cluster))


def configs(found: Output) -> Iterator[dict]:
    """Every config of a collector that is different, out of the ConfigMaps that pods mount."""
    texts = {config_map["data"].get("config.yaml", "") for config_map in found.of_kind("ConfigMap")} - {""}
    assert texts
    return (read(text) for text in sorted(texts))


def scalars(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from scalars(key)
            yield from scalars(value)
    elif isinstance(node, list):
        for value in node:
            yield from scalars(value)
    elif isinstance(node, str):
        yield node


FORMER = {
    "config_sources": lambda c: c.update(config_sources={"file": {}}),
    "memory_ballast": lambda c: c["extensions"].update(memory_ballast={"size_mib": 64}),
    "logging": lambda c: c["exporters"].update(logging={"loglevel": "info"}),
    "telemetry address": lambda c: c["service"]["telemetry"]["metrics"].update(address=":8888"),
    "persistent_storage_enabled": lambda c: next(
        s for n, s in c["exporters"].items() if n.startswith(("otlp", "prometheus", "load_balancing"))
    ).update(persistent_storage_enabled=True),
    "top-level telemetry": lambda c: c.update(telemetry={"logs": {"level": "info"}}),
}


def test_no_config_has_what_its_version_does_not_know(environment):
    """And each of the keys that used to be there is refused, wherever we would put it (1)."""
    checked = 0
    for config in configs(output(environment)):
        assert not check_config(config, "0.159.0")
        for plant in FORMER.values():
            broken = copy.deepcopy(config)
            plant(broken)
            assert check_config(broken, "0.159.0"), plant
            checked += 1
    assert checked >= 2 * len(FORMER)


def test_what_is_used_is_there(environment):
    """5, 6: a processor that nothing defines, an extension that is not enabled, a queue on one that is missing."""
    for config in configs(output(environment)):
        for name in config["service"]["pipelines"]:
            broken = copy.deepcopy(config)
            broken["service"]["pipelines"][name]["processors"].insert(1, "attributes/optimize")
            assert "PHX633" in {finding.code for finding in check_config(broken, "0.159.0")}
        broken = copy.deepcopy(config)
        broken["service"]["extensions"].append("pprof")
        assert [finding.code for finding in check_config(broken, "0.159.0")] == ["PHX633"]
        for name, exporter in config["exporters"].items():
            if "sending_queue" in exporter:
                broken = copy.deepcopy(config)
                broken["exporters"][name]["sending_queue"]["storage"] = "file_storage/nowhere"
                assert [finding.code for finding in check_config(broken, "0.159.0")] == ["PHX638"]


def test_every_dollar_is_a_reference_or_doubled(environment):
    """2."""
    seen = 0
    for config in configs(output(environment)):
        for value in scalars(config):
            bare = re.sub(r"[$][$]|[$][{]env:[A-Z][A-Z0-9_]*[}]", "", value)
            assert "$" not in bare, value
            seen += "$" in value
    assert seen


def test_what_a_config_reads_its_pod_sets_and_nothing_else(environment):
    """12."""
    for found, workload in placed(environment):
        pod = workload["spec"]["template"]["spec"]
        (volume,) = (v for v in pod["volumes"] if "configMap" in v)
        config = found.one("ConfigMap", volume["configMap"]["name"], workload["metadata"]["namespace"])
        reads = set(re.findall(r"[$][{]env:(\w+)[}]", config["data"]["config.yaml"]))
        uses = {"K8S_NODE_NAME"} & {
            p.get("filter", {}).get("node_from_env_var", "")
            for p in read(config["data"]["config.yaml"])["processors"].values()
            if isinstance(p, dict)
        }
        sets = {variable["name"] for variable in pod["containers"][0]["env"]}
        # Go itself reads the one variable that no config does.
        assert sets - {"GOMEMLIMIT"} == reads | uses


def test_what_a_collector_sends_to_is_a_service_of_ours(environment):
    """12, 28: names are computed, so an address leads somewhere, and to a port that is served."""
    sent = 0
    for found in output(environment).clusters:
        sent += relays(found)
    assert sent


def relays(found: Output) -> int:
    services = {
        f"{s['metadata']['name']}.{s['metadata']['namespace']}.svc": {p["port"] for p in s["spec"]["ports"]}
        for s in found.of_kind("Service")
    }
    sent = 0
    for config in configs(found):
        for name, exporter in config["exporters"].items():
            if name.startswith("load_balancing"):
                dns = exporter["resolver"]["dns"]
                assert int(dns["port"]) in services[dns["hostname"]]
                sent += 1
            elif name.startswith("otlp/"):
                host, _, port = exporter["endpoint"].rpartition(":")
                assert int(port) in services[host]
                sent += 1
    return sent


def test_every_path_that_is_named_is_mounted(environment):
    """41, 30: and no ConfigMap can be written to."""
    for found, workload in placed(environment):
        pod = workload["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        volumes = {v["name"]: v for v in pod["volumes"]}
        mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
        (argument,) = container["args"]
        folder, _, name = argument.removeprefix("--config=").rpartition("/")
        config_map = found.one(
            "ConfigMap", volumes[mounts[folder]["name"]]["configMap"]["name"], workload["metadata"]["namespace"]
        )
        config = read(config_map["data"][name])
        if "host_metrics" in config["receivers"]:
            assert config["receivers"]["host_metrics"]["root_path"] in mounts
        written = {path for path, mount in mounts.items() if not mount.get("readOnly")}
        extensions = config["extensions"].items()
        assert written == {s["directory"] for name, s in extensions if name.startswith("file_storage/")}
        assert config_map["immutable"] is True


def test_no_go_limit_lacks_its_unit(environment):
    """9."""
    for workload in workloads(output(environment)):
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        (value,) = (v["value"] for v in container["env"] if v["name"] == "GOMEMLIMIT")
        limit = container["resources"]["limits"]["memory"]
        mebibytes = int(limit[:-2]) * {"Mi": 1, "Gi": 1024}[limit[-2:]]
        assert value == f"{mebibytes * 8 // 10}MiB"


def test_two_listeners_of_a_pod_never_share_a_port(environment):
    """8."""
    for config in configs(output(environment)):
        listening = [port for text in scalars(config) for port in re.findall(r"^0\.0\.0\.0:([0-9]+)$", text)]
        listening += [
            str(reader["pull"]["exporter"]["prometheus"]["port"])
            for reader in config["service"]["telemetry"]["metrics"]["readers"]
        ]
        assert len(listening) > 3
        assert len(listening) == len(set(listening))


def test_one_image_runs_by_digest(environment):
    """35."""
    images = {c["image"] for w in workloads(output(environment)) for c in w["spec"]["template"]["spec"]["containers"]}
    (image,) = images
    assert re.fullmatch(r"[^ :]+/[^ :]+:[0-9]+[.][0-9]+[.][0-9]+@sha256:[0-9a-f]{64}", image)


def test_every_condition_holds_for_some_processes_and_not_for_others(environment):
    """39, 22: of each kept class, roll-up and grade there is an example, and a counterexample."""
    world = front().world
    assert world is not None
    judged = 0
    for pipeline in world.environment(environment).pipelines:
        spec = pipeline.spec
        conditions: list[Predicate | ProcessMatch] = [*spec.keep, *spec.drop]
        conditions += [spec.rollup.match, *spec.rollup.unless] if spec.rollup else []
        conditions += [grade.match for graded in spec.attributes.grade for grade in graded.grades]
        for condition in conditions:
            verdicts = {holds(condition, name, priority) for name, priority in HOST.items()}
            assert verdicts == {True, False}, (pipeline.metadata.name, condition)
            judged += 1
    assert judged >= 10


def holds(condition: Predicate | ProcessMatch, executable: str, priority: str) -> bool:
    return (not condition.classes or priority in condition.classes) and (
        condition.executables is None or re.fullmatch(condition.executables, executable) is not None
    )
