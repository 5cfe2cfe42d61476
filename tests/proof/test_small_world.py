"""A small world of real programs, run from what we emit for one cluster of the reference platform.

OTLP load and this machine's processes come through node agents, the gateway's two pods and a tenant's own gateway into
VictoriaMetrics, and the generated rules run over it. Collectors know pods and namespaces from a real API server, with
the rights that we emit. Everybody who sends says that it is somebody else.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.cluster import Client
from tests.proof.judge import Judge
from tests.proof.world import model
from tests.proof.world.assembly import (
    AGENTS,
    BY_GATEWAY,
    BY_IMPOSTOR,
    DIRECT,
    EXECUTABLES,
    GATEWAYS,
    HOST_EXECUTABLE,
    LOOTED,
    NOBODY,
    NODES,
    OF,
    STRANGER,
    THIEF,
    TO,
    A,
    B,
    World,
    world,
)
from tests.proof.world.load import Workload, now, order, send_one
from tests.proof.world.places import ENVIRONMENT
from tests.proof.world.running import counted

pytestmark = pytest.mark.proof

ORDERS = "phoenix_full_final_output_shop_orders"
ACCEPTED = "otelcol_receiver_accepted_metric_points_total"
MEMORY = "process_memory_usage_bytes"
SCRAPED_SERIES = 2
PAGE = os.sysconf("SC_PAGE_SIZE")
EVERYBODY = [workload for workloads in TO.values() for workload in workloads]


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as started:
        yield started


def whose(workload: Workload) -> str:
    """The tenant that a workload really is."""
    owners = [tenant for tenant, workloads in OF.items() if workload in workloads]
    return owners[0] if owners else "unassigned"


# --- nothing lost, nothing doubled ---------------------------------------------------------------------------------


def expected_points(moments: tuple[int, ...]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """What was sent, by sender and route."""
    return {
        (workload.name, f"r{i}"): [(moment, order(wave, i)) for wave, moment in enumerate(moments, 1)]
        for workload in EVERYBODY
        for i in range(workload.routes)
    }


def test_every_point_is_stored_once_by_scraping(small_world: World, judge: Judge) -> None:
    stored = {
        (labels["service_name"], labels["route"]): list(zip(times, values, strict=True))
        for labels, values, times in small_world.store.samples(ORDERS)
    }
    assert stored == expected_points(small_world.moments)
    judge.took("victoria-metrics", sum(map(len, stored.values())), "points that scraping stored once")


def test_every_point_is_stored_once_by_otlp(small_world: World, judge: Judge) -> None:
    def stored() -> dict[tuple[str, str], list[tuple[int, float]]]:
        return {
            (labels["service.name"], labels["route"]): list(zip(times, values, strict=True))
            for labels, values, times in small_world.store.samples('{__name__="shop.orders"}')
            if labels["phoenix.pipeline.strategy"] == "full"
        }

    expected = expected_points(small_world.moments)
    small_world.settled("stored: all that was sent", lambda: stored() == expected)
    judge.took("victoria-metrics", sum(map(len, expected.values())), "points that OTLP stored once")


def test_the_gateways_take_what_the_agents_send(small_world: World, judge: Judge) -> None:
    """The collectors' own count of points, over the hop between them and both pods of the gateway."""

    def level() -> bool:
        sent = sum(counted(agent, "otelcol_exporter_sent_metric_points_total") for agent in AGENTS)
        taken = (counted(gateway, ACCEPTED, 'receiver="otlp/agents"') for gateway in GATEWAYS)
        return 0 < sent == sum(taken)

    small_world.settled("equal: what agents sent and what gateways took", level)
    assert all(counted(gateway, ACCEPTED, 'receiver="otlp/agents"') for gateway in GATEWAYS)
    judge.took("otelcol", len(AGENTS) + len(GATEWAYS), "collectors between which no point is lost")


def test_no_series_is_in_two_pods_of_the_gateway(small_world: World) -> None:
    found = small_world.store.query('{__name__=~"phoenix_.+_final_output_.+",__name__!~".+_output_target_info"}')
    apart = Counter(tuple(sorted(labels.items() - pods(labels))) for labels, _ in found)
    assert len(apart) > len(expected_points((0,)))
    assert [labels for labels, times in apart.items() if times > 1] == []


def pods(labels: dict[str, str]) -> set[tuple[str, str]]:
    """What the scraper adds to tell pods apart."""
    return {(name, labels[name]) for name in ("pod", "instance") if name in labels}


# --- whose it is ---------------------------------------------------------------------------------------------------


def test_everybodys_data_is_its_own_whatever_it_says(small_world: World, judge: Judge) -> None:
    honest = [workload for workload in EVERYBODY if workload is not THIEF]
    stored = {
        (labels["service_name"], labels["tenant_id"])
        for labels, _ in small_world.store.query(ORDERS)
        if labels["service_name"] != THIEF.name
    }
    assert stored == {(workload.name, whose(workload)) for workload in honest}
    assert all(whose(workload) != workload.claims for workload in honest)
    judge.took("otelcol", len(honest), "senders known by their pods' addresses")


@pytest.mark.parametrize("workload", [NOBODY, STRANGER], ids=["no pod", "a pod in no tenant's namespace"])
def test_who_cannot_be_known_is_nobody(small_world: World, workload: Workload) -> None:
    found = small_world.store.query(f'{ORDERS}{{service_name="{workload.name}"}}')
    assert [labels["tenant_id"] for labels, _ in found] == ["unassigned"]


@pytest.mark.parametrize(
    ("workload", "tenant"),
    [(BY_GATEWAY, B), (BY_IMPOSTOR, A), (DIRECT, A)],
    ids=["the tenant's own gateway", "another tenant's pod with its config and labels", "past the agent"],
)
def test_the_gateway_asks_where_the_connection_comes_from(small_world: World, workload: Workload, tenant: str) -> None:
    found = small_world.store.by("tenant_id", f'count by (tenant_id) ({ORDERS}{{service_name="{workload.name}"}})')
    assert found == {tenant: workload.routes}


def test_what_is_scraped_from_a_pod_is_its_namespaces(small_world: World) -> None:
    scraped = "sum by (tenant_id) (phoenix_full_final_output_shop_scraped)"
    small_world.settled("scraped", lambda: small_world.store.query(scraped) != [])
    assert small_world.store.by("tenant_id", scraped) == {A: 42}


def test_a_config_that_believes_its_senders_is_robbed(small_world: World, judge: Judge) -> None:
    """One agent runs without the step that removes what senders say: so the tests above can fail."""
    found = small_world.store.by("tenant_id", f'count by (tenant_id) ({ORDERS}{{service_name="{THIEF.name}"}})')
    assert found == {LOOTED: THIEF.routes}
    judge.refused("otelcol", 1, "configs without the first step of identity")


# --- what it amounts to --------------------------------------------------------------------------------------------


def test_the_recorded_numbers_are_those_of_the_model(small_world: World, judge: Judge) -> None:
    store, seconds = small_world.store, model.scrape_seconds(ENVIRONMENT)
    series = {A: model.series(OF[A], SCRAPED_SERIES), B: model.series(OF[B], 0)}
    recorded = 'phoenix:tenant_active_series{tenant_id=~"cart|checkout"}'
    small_world.settled("recorded: the series", lambda: store.by("tenant_id", recorded) == series)
    rates = {tenant: pytest.approx(number / seconds) for tenant, number in series.items()}
    small_world.settled(
        "recorded: the rates",
        lambda: store.by("tenant_id", 'phoenix:tenant_ingest_rate{tenant_id=~"cart|checkout"}') == rates,
    )
    for resource, name, use in (
        ("activeSeries", "active_series", series),
        ("ingestRate", "ingest_rate", {tenant: number / seconds for tenant, number in series.items()}),
    ):
        ratio = f'phoenix:tenant_{name}{{tenant_id=~"{A}|{B}"}} / on (tenant_id) phoenix:tenant_quota_{name}'
        assert store.by("tenant_id", ratio) == {
            tenant: pytest.approx(use[tenant] / model.quota(tenant, resource)) for tenant in OF
        }
    judge.took("victoria-metrics", 4 * len(OF), "numbers of tenants as predicted")


def test_the_model_notices_what_was_stolen(small_world: World, judge: Judge) -> None:
    """The thief's series are a tenant's whose pod it is; they are missing there, and the model says so."""
    owed = model.series((*OF[A], THIEF), SCRAPED_SERIES)
    (missing,) = small_world.store.by("", f"{owed} - phoenix:tenant_active_series{{tenant_id='{A}'}}").values()
    assert missing == model.series((THIEF,), 0)
    judge.refused("victoria-metrics", 1, "sums with a thief in them")


def test_data_of_nobody_is_told_and_the_platforms_own_is_not(small_world: World) -> None:
    alerts = 'count by (tenant_id) (ALERTS{alertname="PhoenixTenantUnknown"})'
    small_world.settled("told", lambda: small_world.store.query(alerts) != [])
    assert set(small_world.store.by("tenant_id", alerts)) == {"unassigned"}


@pytest.mark.parametrize("tenant", OF)
def test_the_exact_pipeline_shows_every_process(small_world: World, tenant: str) -> None:
    found = small_world.store.by(
        "process_executable_name", f'phoenix_full_final_output_{MEMORY}{{tenant_id="{tenant}"}}'
    )
    assert found == model.shown_in_full(OF[tenant])
    assert set(found) == set(EXECUTABLES)


@pytest.mark.parametrize("tenant", OF)
def test_roll_ups_are_the_sums_of_what_they_stand_for(small_world: World, tenant: str) -> None:
    memory, behind = model.shown_in_optimized(OF[tenant])
    by = "process_executable_name"
    assert small_world.store.by(by, f'phoenix_opt_final_output_{MEMORY}{{tenant_id="{tenant}"}}') == memory
    counted = small_world.store.by(by, f'phoenix_opt_final_output_rollup_process_count{{tenant_id="{tenant}"}}')
    assert counted == behind
    assert sum(memory.values()) == sum(model.shown_in_full(OF[tenant]).values())
    assert min(behind.values()) > 1


def test_a_process_of_this_machine_is_the_platforms(small_world: World) -> None:
    statm = Path(f"/proc/{small_world.host_process}/statm")
    where = f'process_executable_name="{HOST_EXECUTABLE}",host_name="{NODES[0]}"'
    for prefix in ("full", "opt"):
        name = f"phoenix_{prefix}_final_output_{MEMORY}{{{where}}}"

        def shown(name: str = name) -> bool:
            resident = int(statm.read_text(encoding="ascii").split()[1]) * PAGE
            return [value for _, value in small_world.store.query(name)] == [resident]

        small_world.settled(f"as /proc says: {name}", shown)
        ((labels, _),) = small_world.store.query(name)
        assert (labels["tenant_id"], labels["phoenix_priority"]) == ("platform", "high")


# --- what stays open ---------------------------------------------------------------------------------------------


def test_one_name_has_one_type_for_all_tenants(small_world: World) -> None:
    """A limit: of two tenants that give one name to a gauge and to a histogram, the second is not shown."""
    point = {"timeUnixNano": str(now()), "count": "1", "sum": 1, "bucketCounts": ["1", "0"], "explicitBounds": [1]}
    histogram = {"name": "shop.clash", "histogram": {"aggregationTemporality": 2, "dataPoints": [point]}}
    send_one(THIEF, AGENTS[2], histogram)
    clash = 'count by (tenant_id) ({__name__=~"phoenix_full_final_output_shop_clash(_count)?"})'
    small_world.settled("stored: the histogram", lambda: small_world.store.query(clash) != [])
    for metric in ("shop.clash", "shop.no_clash"):
        gauge = {"dataPoints": [{"timeUnixNano": str(now()), "asDouble": 1}]}
        send_one(NOBODY, AGENTS[1], {"name": metric, "gauge": gauge})
    other = "phoenix_full_final_output_shop_no_clash"
    small_world.settled("stored: the other gauge", lambda: small_world.store.query(other) != [])
    assert set(small_world.store.by("tenant_id", clash)) == {A}
    assert [labels["tenant_id"] for labels, _ in small_world.store.query(other)] == ["unassigned"]


# --- with which rights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("namespace", "account"), [("phoenix-agents", "agent"), ("phoenix-gateway", "gateway")])
def test_collectors_may_read_pods_and_namespaces_and_nothing_else(
    small_world: World, judge: Judge, namespace: str, account: str
) -> None:
    """All of the above was done with these accounts' tokens."""
    client = Client(small_world.plane.client.server, user=f"system:serviceaccount:{namespace}:{account}")
    read = [client.request("GET", f"/api/v1/{plural}").status for plural in ("pods", "namespaces")]
    assert read == [200, 200]
    denied = ["secrets", "configmaps", "nodes", "services", "serviceaccounts"]
    answers = [client.request("GET", f"/api/v1/{plural}") for plural in denied]
    assert [answer.reason for answer in answers] == ["Forbidden"] * len(denied)
    stranger = Client(client.server, user=f"system:serviceaccount:{namespace}:default")
    assert stranger.request("GET", "/api/v1/pods").reason == "Forbidden"
    judge.took("kube-apiserver", len(read), "reads of collectors")
    judge.refused("kube-apiserver", len(denied) + 1, "reads that collectors have no business with")
