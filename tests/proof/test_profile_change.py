"""A change of profile is a change of config, which running collectors take without losing what is in their queues.

Which profile a control policy advises is in rules alone: no collector's config depends on it. What carries a profile
out is a change of the environment's pipelines, and with it of the gateway's config. Delivery replaces pods: the old
process gets SIGTERM and as much time as its pod says, a new one starts from the new config, with the same folder on
the node's disk where there is one. That is done here, point by point: each sent point has a number of its own, so
that what is lost is missed and what comes twice is counted twice.
"""

from __future__ import annotations

import functools
import json
import re
import time
import urllib.request
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.ports import AGENTS, OTLP_HTTP, TELEMETRY
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.judges.otelcol import CollectorError, Local, Running, local, running
from phoenix_gitops.model.control import ControlPolicy
from phoenix_gitops.resources import presets_dir
from phoenix_gitops.rules import control
from phoenix_gitops.scope import EnvironmentScope
from tests.proof.collectors import binary
from tests.proof.judge import GENERATED, Judge, free_ports
from tests.proof.test_collector_interpreter import get
from tests.unit.collector.scopes import decode, environment, preset

pytestmark = pytest.mark.proof

SECONDS = 30
BATCH = "100ms"
PER_REQUEST = 50
SINK: dict[str, Any] = {
    "receivers": {
        "otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{AGENTS}"}, "http": {"endpoint": "0.0.0.0:4318"}}}
    },
    "exporters": {"prometheus": {"endpoint": "0.0.0.0:8888", "metric_expiration": "1h"}},
    "extensions": {"health_check": {"endpoint": "0.0.0.0:13133"}},
    "service": {
        "extensions": ["health_check"],
        "pipelines": {"metrics": {"receivers": ["otlp"], "exporters": ["prometheus"]}},
        "telemetry": {
            "metrics": {"readers": [{"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": TELEMETRY}}}}]}
        },
    },
}
"""A backend that shows every point that it got."""


def send(collector: Running, first: int, number: int) -> None:
    """Points `first` and on, each a series of its own, in requests of a few."""
    for start in range(first, first + number, PER_REQUEST):
        points = [
            {
                "attributes": [{"key": "n", "value": {"stringValue": str(n)}}],
                "timeUnixNano": str(time.time_ns()),
                "asDouble": 1,
            }
            for n in range(start, min(start + PER_REQUEST, first + number))
        ]
        metric = {"name": "sent", "gauge": {"dataPoints": points}}
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
        body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}
        request = urllib.request.Request(
            collector.url(OTLP_HTTP, "/v1/metrics"), json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200


def own(collector: Running, series: str) -> float:
    """The sum of one of the collector's own metrics, over the series that match."""
    text = get(collector.url(TELEMETRY, "/metrics"))
    return sum(float(value) for value in re.findall(rf"(?m)^{series}.* (\S+)$", text))


def accepted(collector: Running, receiver: str) -> float:
    return own(collector, rf'otelcol_receiver_accepted_metric_points\w*{{.*receiver="{receiver}"')


def batched(collector: Running) -> float:
    """Points that left the batch: they were sent, or are in the queue."""
    return own(collector, r"otelcol_processor_batch_batch_send_size_sum{")


def shown(collector: Running, port: int) -> set[int]:
    """The numbers of the points that a backend shows."""
    text = get(collector.url(port, "/metrics"))
    return {int(number) for number in re.findall(r'(?m)^\w*sent\{.*\bn="(\d+)"', text)}


def until(what: Callable[[], float], wanted: float) -> float:
    """What is measured, as soon as it is what is wanted; after a while whatever it is."""
    deadline = time.monotonic() + SECONDS
    while (found := what()) < wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def grace(kind: str) -> int:
    """The seconds that a pod of ours has between SIGTERM and SIGKILL."""
    (file,) = (GENERATED / "reference" / "reference" / "ingest").glob(f"phoenix-*/{kind}-*.yaml")
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    return int(body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])


def policy() -> Any:
    return yaml.safe_load((presets_dir() / "control" / "standard.yaml").read_text(encoding="utf-8"))


def profiles() -> dict[str, list[str]]:
    """The pipelines that run in each profile, from the most faithful to the thriftiest."""
    return {profile["name"]: profile["pipelines"] for profile in policy()["spec"]["profiles"]}


def under(profile: str, version: str, edge: dict[str, Any] | None = None) -> EnvironmentScope:
    image = {"repository": "registry.example.com/otelcol", "tag": version}
    return environment(
        edge=preset("edge", edge),
        pipelines=tuple(preset(name) for name in profiles()[profile]),
        platform={"catalog": {"collector": image}},
    )


def here(config: Any, folder: Path, **options: Any) -> Local:
    """In a folder that each process of one place shares: what was on its disk is there for the next."""
    folder.mkdir(exist_ok=True)
    return local(config, folder, batch_timeout=BATCH, **options)


def test_the_advised_profile_is_in_rules_and_in_no_config() -> None:
    env = under("conservative", "0.159.0")
    spec = policy()["spec"]
    for profile in spec["profiles"][1:]:
        profile["above"] += 1000
    laws = [None, decode(ControlPolicy, policy()["spec"], "standard"), decode(ControlPolicy, spec, "standard")]
    scopes = [replace(env, control=law) for law in laws]
    rules = [list(control.groups(scope)) for scope in scopes]
    assert rules[0] == []
    assert rules[1] != rules[2]
    for build in (agent, gateway):
        assert [build(scope)[0] for scope in scopes] == [build(env)[0]] * len(scopes)


def test_what_carries_a_profile_out_is_the_gateways_config() -> None:
    """The agents' stays as it is, and so does the gateway's between profiles of the same pipelines."""
    configs = {name: gateway(under(name, "0.159.0"))[0] for name in profiles()}
    assert configs["conservative"] == configs["balanced"] != configs["aggressive"]
    agents = [agent(under(name, "0.159.0"))[0] for name in profiles()]
    assert agents == [agents[0]] * len(agents)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_gateway_changes_its_profile_and_the_agents_lose_nothing(
    version: str, tmp_path: Path, judge: Judge
) -> None:
    """Each time points come while there is no gateway at all, which is worse than what a rolling update does."""
    address = free_ports(1)[0]
    each, sent, got, slowest = 200, 0, 0.0, 0.0
    changes = ("conservative", "aggressive", "balanced")
    relay = here(agent(under(changes[0], version))[0], tmp_path / "agent", redirect=to(address))
    with running(binary(version), relay) as sender:
        for profile in changes:
            send(sender, sent, each)
            sent += each
            assert until(lambda: batched(sender), sent) == sent
            config = here(gateway(under(profile, version))[0], tmp_path / "gateway", ports={AGENTS: address})
            with running(binary(version), config) as receiver:
                assert until(lambda: accepted(receiver, "otlp/agents"), sent - got) == sent - got
                send(sender, sent, each)
                sent += each
                assert until(lambda: accepted(receiver, "otlp/agents"), sent - got) == sent - got
                got = sent
                slowest = max(slowest, receiver.stop())
    assert slowest < grace("deployment")
    print(f"\ngateway {version}, {' -> '.join(changes)}: {sent} points sent, {got:.0f} received, none twice")
    judge.took("otelcol", sent, f"points over changes of profile, {version}")


def to(address: int) -> dict[str, str]:
    return dict.fromkeys(("load_balancing/gateway", "loadbalancing/gateway"), f"127.0.0.1:{address}")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("killed", [False, True])
def test_the_agent_changes_its_config_while_no_gateway_answers(
    version: str, killed: bool, tmp_path: Path, judge: Judge
) -> None:
    """What is in the queue is on the node's disk, and the next process sends it, however the former one ended."""
    address, number = free_ports(1)[0], 1000
    former, new = (agent(under("balanced", version, edge))[0] for edge in (None, {"batch": {"size": 4096}}))
    assert former != new
    before = here(former, tmp_path / "agent", redirect=to(address))
    ends = pytest.raises(CollectorError, match="status -9") if killed else nullcontext()
    with ends, running(binary(version), before) as sender:
        send(sender, 0, number)
        assert until(lambda: batched(sender), number) == number
        if killed:
            sender.process.kill()
        took = sender.stop()
    assert took < grace("daemonset")
    assert sender.process.returncode == (-9 if killed else 0)
    after = here(new, tmp_path / "agent", redirect=to(address))
    sink = here(SINK, tmp_path / "sink", ports={AGENTS: address})
    with running(binary(version), sink) as backend, running(binary(version), after) as sender:
        send(sender, number, number)
        assert until(lambda: len(shown(backend, 8888)), 2 * number) == 2 * number
        received = accepted(backend, "otlp")
    assert received == 2 * number
    signal = "SIGKILL" if killed else "SIGTERM"
    print(f"\nagent {version}: {number} points in the queue at {signal}, all received, each once")
    judge.took("otelcol", 2 * number, f"points over a restart of the agent, {version}")


def test_without_the_disk_the_queue_would_be_lost(tmp_path: Path, judge: Judge) -> None:
    """The same agent with its queue in memory: the count shows the loss."""
    address, number = free_ports(1)[0], 500
    config = agent(under("balanced", "0.159.0"))[0]
    del config["exporters"]["load_balancing/gateway"]["sending_queue"]["storage"]
    relay = here(config, tmp_path / "agent", redirect=to(address))
    with running(binary("0.159.0"), relay) as sender:
        send(sender, 0, number)
        assert until(lambda: batched(sender), number) == number
    sink = here(SINK, tmp_path / "sink", ports={AGENTS: address})
    with running(binary("0.159.0"), sink) as backend, running(binary("0.159.0"), relay) as sender:
        send(sender, number, 1)
        assert until(lambda: len(shown(backend, 8888)), 1) == 1
        assert shown(backend, 8888) == {number}
    judge.refused("otelcol", number, "points that a queue in memory lost")


def exporting(version: str, folder: Path, backend: int) -> Local:
    """A gateway whose full pipeline sends over HTTP, to a port of this machine."""
    image = {"repository": "registry.example.com/otelcol", "tag": version}
    env = environment(
        pipelines=(preset("full"),), spec={"exports": ["newrelic"]}, platform={"catalog": {"collector": image}}
    )
    return here(gateway(env)[0], folder, redirect={"otlp_http/full_newrelic": f"http://127.0.0.1:{backend}"})


def test_the_gateway_hands_over_what_it_holds_for_a_backend(tmp_path: Path, judge: Judge) -> None:
    """The queue of an export is in memory: at SIGTERM what waits there is sent, and what waits for a retry is lost.

    So it is as the field `queue` of an export says: as many requests as there are consumers.
    """
    backend_port, requests = free_ports(1)[0], 10
    sink = here(SINK, tmp_path / "sink", ports={OTLP_HTTP: backend_port})
    config = exporting("0.159.0", tmp_path / "gateway", backend_port)
    consumers = config.document["exporters"]["otlp_http/full_newrelic"]["sending_queue"]["num_consumers"]
    with running(binary("0.159.0"), config) as sender:
        for request in range(requests):
            send(sender, request * PER_REQUEST, PER_REQUEST)
            # Out of the pipeline's batch and out of the export's: the backend was tried, and did not answer.
            sent = 2 * (request + 1) * PER_REQUEST
            assert until(functools.partial(batched, sender), sent) == sent
        with running(binary("0.159.0"), sink) as backend:
            took = sender.stop()
            received, times = shown(backend, 8888), accepted(backend, "otlp")
    assert received == set(range(consumers * PER_REQUEST, requests * PER_REQUEST))
    assert times == len(received)
    assert took < grace("deployment")
    print(
        f"\ngateway: {requests} requests in the queue of an export at SIGTERM (ended in {took:.1f} s), "
        f"{consumers} waited for a retry and are lost, {requests - consumers} received, each once"
    )
    judge.took("otelcol", len(received), "points over a restart of the gateway")
    judge.refused("otelcol", consumers * PER_REQUEST, "points that a queue in memory lost")


def test_what_no_backend_takes_until_the_gateway_has_ended_is_lost(tmp_path: Path, judge: Judge) -> None:
    """As the field `queue` of an export says. The gateway ends in time all the same."""
    backend_port, number = free_ports(1)[0], 500
    config = exporting("0.159.0", tmp_path / "gateway", backend_port)
    with running(binary("0.159.0"), config) as sender:
        send(sender, 0, number)
        assert until(lambda: batched(sender), 2 * number) == 2 * number
        assert sender.stop() < grace("deployment")
    sink = here(SINK, tmp_path / "sink", ports={OTLP_HTTP: backend_port})
    with running(binary("0.159.0"), sink) as backend, running(binary("0.159.0"), config) as sender:
        send(sender, number, 1)
        assert until(lambda: len(shown(backend, 8888)), 1) == 1
        assert shown(backend, 8888) == {number}
    judge.refused("otelcol", number, "points that a queue in memory lost")
