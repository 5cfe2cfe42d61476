"""The small world put together: who is in it, what runs, and what everybody sends."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.proof.cluster import running
from tests.proof.world import load, scraping
from tests.proof.world.load import Process, Workload, order
from tests.proof.world.places import KUBERNETES, RULES, Object, Place, address, collector_config, emitted
from tests.proof.world.plane import Plane
from tests.proof.world.running import STORE_PORT, Programs, Store, programs, ruler, scraper, store

A, B, LOOTED = "cart", "checkout", "payments"
"""A shared tenant, a tenant with an own gateway, and one that sends nothing itself."""
NODES = ("node-1", "node-2", "node-3")
WAVES = 3
EXECUTABLES = {
    "cart-critical-db": (7_000_000,),
    "java_app": (5_000_000, 1_000_000),
    "nginx": (300_000, 20_000),
    "data_pipeline": (40_000, 2_000, 100),
    "bash": (900, 80, 7),
}
"""Memory of processes by name; there are two or three of some."""
HOST_EXECUTABLE = "java_app_of_host"
_WAVE_SECONDS = 30
SCRAPED_PORT, TENANTS_PORT = 9100, 4320
EXPOSED = f'shop_scraped{{tenant_id="{B}",route="a"}} 41\nshop_scraped{{tenant_id="{B}",route="b"}} 1\n'

GATEWAYS = (address(11), address(12))
AGENTS = (address(21), address(22), address(23))
TENANT_GATEWAY, IMPOSTOR = address(31), address(32)
STORE = address(41)
PASSAGES = {TENANT_GATEWAY: address(33), IMPOSTOR: address(34)}


def _processes(scale: int) -> tuple[Process, ...]:
    named = [(name, memory) for name, all_of_it in EXECUTABLES.items() for memory in all_of_it]
    return tuple(Process(name, 100 + i, scale * memory) for i, (name, memory) in enumerate(named))


BIG_A = Workload(name="cart-1", address=address(101), claims=B, routes=40, processes=_processes(1))
BIG_B = Workload(name="checkout-1", address=address(102), claims=A, routes=25, processes=_processes(3))
OTHER_NODE = Workload(name="cart-2", address=address(103), claims=B)
DIRECT = Workload(name="cart-3", address=address(104), claims=B, routes=3)
BY_GATEWAY = Workload(name="checkout-2", address=address(105), claims=A, routes=5)
BY_IMPOSTOR = Workload(name="cart-4", address=address(106), claims=B, routes=2)
NOBODY = Workload(name="nobody", address=address(190), claims=A)
STRANGER = Workload(name="stranger", address=address(191), claims=A)
THIEF = Workload(name="thief", address=address(107), claims=LOOTED, routes=4, blunt=True)
"""Sends to the agent whose config has been spoilt."""
SCRAPED = address(108)

TO = {
    AGENTS[0]: (BIG_A, BIG_B, NOBODY, STRANGER),
    AGENTS[1]: (OTHER_NODE,),
    AGENTS[2]: (THIEF,),
    GATEWAYS[0]: (DIRECT,),
    TENANT_GATEWAY: (BY_GATEWAY,),
    IMPOSTOR: (BY_IMPOSTOR,),
}
OF = {A: (BIG_A, OTHER_NODE, DIRECT, BY_IMPOSTOR), B: (BIG_B, BY_GATEWAY)}
"""Whose each workload is, by the namespace of its pod or of the gateway that it really came through."""


@dataclass(frozen=True, slots=True)
class World:
    """The world after all waves have come through."""

    plane: Plane
    store: Store
    moments: tuple[int, ...]
    """When each wave was, in milliseconds since 1970."""
    settled: Callable[[str, Callable[[], bool]], None]
    """Waits until something that still moves is as it will stay."""
    host_process: int
    """A real process of this machine, whose executable is `HOST_EXECUTABLE`."""


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Everything runs, and every wave is stored, in the exact pipeline at least."""
    with running(folder / "plane", version=KUBERNETES, controllers=False) as cluster, programs(folder) as started:
        plane = Plane(cluster)
        _people(plane)
        process = _host_process(started)
        kept = store(started, STORE)
        _watch(started, plane, kept)
        started.stack.enter_context(load.exposing(SCRAPED, SCRAPED_PORT, EXPOSED))
        _gateways(started, plane)
        _senders(started, plane)
        moments = tuple(_wave(started, kept, number) for number in range(1, WAVES + 1))
        yield World(plane, kept, moments, started.wait, process)


def _host_process(started: Programs) -> int:
    """A process that does nothing, under a name of class `high`."""
    executable = started.folder / HOST_EXECUTABLE
    shutil.copyfile(shutil.which("sleep") or "sleep", executable)
    executable.chmod(0o700)
    started.start(HOST_EXECUTABLE, executable, "600")
    return started.processes[-1].child.pid


def _people(plane: Plane) -> None:
    plane.populate()
    plane.namespace("stranger")
    for i, gateway in enumerate(GATEWAYS):
        parts = ("ingest", "phoenix-gateway", "deployment-gateway.yaml")
        plane.collector(gateway, *parts, node=NODES[i], name=f"gateway-{i + 1}")
    for i, agent in enumerate(AGENTS):
        parts = ("ingest", "phoenix-agents", "daemonset-agent.yaml")
        plane.collector(agent, *parts, node=NODES[i], name=f"agent-{i + 1}")
    own = ("ingest", B, "deployment-tenant-gateway.yaml")
    plane.collector(TENANT_GATEWAY, *own, node=NODES[0], name="tenant-gateway-1")
    plane.workload(A, "impostor", IMPOSTOR, NODES[0], labels=emitted(*own)["spec"]["template"]["metadata"]["labels"])
    for tenant, workloads in OF.items():
        for workload in workloads:
            plane.workload(tenant, workload.name, workload.address, NODES[1 if workload is OTHER_NODE else 0])
    plane.workload("stranger", STRANGER.name, STRANGER.address, NODES[0])
    plane.workload(A, THIEF.name, THIEF.address, NODES[2])
    asking = {"prometheus.io/scrape": "true", "prometheus.io/port": str(SCRAPED_PORT)}
    plane.workload(A, "scraped", SCRAPED, NODES[0], annotations=asking)


def _watch(started: Programs, plane: Plane, kept: Store) -> None:
    """Scraping and rules, as the emitted objects ask for them."""
    administrator = json.loads((plane.cluster.folder / "kubeconfig").read_text(encoding="utf-8"))["users"][0]["user"]
    discovery = {
        "api_server": plane.server,
        "tls_config": {"ca_file": str(plane.cluster.folder / "certificates" / "apiserver.crt")},
        "bearer_token": administrator["token"],
    }
    monitors = (("phoenix-gateway", "podmonitor-gateway.yaml"), ("phoenix-agents", "podmonitor-agent.yaml"))
    jobs = [
        job
        for namespace, file in monitors
        for job in scraping.scrape_configs(emitted("ingest", namespace, file), discovery)
    ]
    scraper(started, STORE, kept, jobs)
    ruler(started, STORE, kept, "quotas", "pipelines", *(path.stem for path in sorted(RULES.glob("tenants-*.yaml"))))


def _gateways(started: Programs, plane: Plane) -> None:
    known = plane.kubeconfig("phoenix-gateway", "gateway")
    config = collector_config("phoenix-gateway", "gateway")
    abroad = [name for name in config["exporters"] if name.startswith("otlp_http/")]
    otlp = dict.fromkeys(abroad, f"http://{STORE}:{STORE_PORT}/opentelemetry")
    secrets = {env["name"]: "key" for env in _environment("phoenix-gateway", "deployment-gateway.yaml")}
    for i, gateway in enumerate(GATEWAYS):
        started.collector(f"gateway-{i + 1}", config, Place(address=gateway, kubeconfig=known, otlp=otlp), secrets)
    started.healthy(*GATEWAYS)


def _senders(started: Programs, plane: Plane) -> None:
    known = plane.kubeconfig("phoenix-agents", "agent")
    config = collector_config("phoenix-agents", "agent")
    for i, agent in enumerate(AGENTS):
        place = Place(
            address=agent,
            node=NODES[i],
            kubeconfig=known,
            gateways=GATEWAYS if i == 0 else GATEWAYS[:1],
            host_interval="2s" if i == 0 else "1h",
        )
        started.collector(f"agent-{i + 1}", spoilt(config) if i == 2 else config, place)
    config = collector_config(B, "tenant-gateway")
    for name, at in (("tenant-gateway", TENANT_GATEWAY), ("impostor", IMPOSTOR)):
        started.stack.enter_context(load.passage(PASSAGES[at], TENANTS_PORT, at, GATEWAYS[0]))
        started.collector(name, config, Place(address=at, gateways=(PASSAGES[at],)))
    started.healthy(*AGENTS, TENANT_GATEWAY, IMPOSTOR)


def _environment(namespace: str, file: str) -> list[Object]:
    (container,) = emitted("ingest", namespace, file)["spec"]["template"]["spec"]["containers"]
    return [env for env in container["env"] if "valueFrom" in env]


def spoilt(config: Object) -> Object:
    """A config that believes what senders say of themselves."""
    changed = copy.deepcopy(config)
    changed["service"]["pipelines"]["metrics/workloads"]["processors"].remove("transform/workloads_strip")
    return changed


def _wave(started: Programs, kept: Store, number: int) -> int:
    """Send a wave, and wait until the scraper has stored it, wherever it came out. Gives its moment in ms."""
    nanoseconds = load.now()
    for to, workloads in TO.items():
        for workload in workloads:
            load.send(workload, to, number, nanoseconds)
    points = sum(workload.routes for workloads in TO.values() for workload in workloads)
    orders = f"phoenix_full_final_output_shop_orders >= {order(number, 0)}"
    started.wait(f"stored: the orders of wave {number}", lambda: len(kept.query(orders)) >= points, _WAVE_SECONDS)
    since = f"> {nanoseconds / 1e9 - 0.0005:.4f}"
    names = len(EXECUTABLES) * len(OF)
    for prefix in ("full", "opt"):
        memory = f'timestamp(phoenix_{prefix}_final_output_process_memory_usage_bytes{{tenant_id!="platform"}}) {since}'
        started.wait(f"stored: {memory}", lambda memory=memory: len(kept.query(memory)) >= names, _WAVE_SECONDS)
    return nanoseconds // 1_000_000
