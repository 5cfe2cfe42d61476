"""Golden data without a collector: fixtures, what is expected of them, and what a comparison says."""

from __future__ import annotations

import json
import re
import struct
from typing import Any

import pytest

from phoenix_gitops.golden import fixture
from phoenix_gitops.golden.compare import breaches, differences
from phoenix_gitops.golden.expect import Expected, expected
from phoenix_gitops.golden.exposition import Shown, TwiceError, parsed, shown
from phoenix_gitops.golden.metrics import HOST, LOAD, Kind
from phoenix_gitops.golden.otlp import request
from phoenix_gitops.golden.predicates import Fact, conditions, missed
from phoenix_gitops.golden.protobuf import points
from phoenix_gitops.golden.subjects import Series, Subject
from phoenix_gitops.model.export import PrometheusExport
from phoenix_gitops.model.pipeline import Contract
from phoenix_gitops.samples import full_match, near_misses, samples
from tests.unit.collector.scopes import environment, pipeline, preset

MEMORY, CPU = HOST["process.memory.usage"], HOST["process.cpu.time"]
NONE: frozenset[tuple[str, str]] = frozenset()


@pytest.mark.parametrize(
    ("pattern", "some"),
    [
        (".*(nginx|postgres).*", {"xnginxx", "postgres"}),
        ("a{2,3}b?[0-9]+", {"aab0", "aa0"}),
        (r"x\.y(?:z|w)", {"x.yz", "x.yw"}),
        ("[^a-z]k", {"0k"}),
        (r"\d\w-", {"0x-"}),
        ("", set()),
    ],
)
def test_samples_match_each_alternative(pattern: str, some: set[str]):
    found = samples(pattern)
    assert some <= set(found)
    assert all(full_match(pattern, text) for text in found)


@pytest.mark.parametrize("pattern", ["nginx", "(java|python)_api", "[a-c]x+"])
def test_near_misses_do_not_match(pattern: str):
    found = near_misses(pattern)
    assert found
    assert not [text for text in found if full_match(pattern, text)]


def test_every_condition_of_the_presets_is_met_by_some_and_not_by_all():
    env = environment()
    processes = fixture.processes(env)
    assert len(conditions(env)) == 26
    assert missed(env, fixture.facts(env, processes)) == []
    assert 48 <= len(processes) <= 60


def test_a_condition_that_no_process_can_meet_is_told_by_name():
    dead = pipeline("p", {"keep": [{"classes": ["critical"], "executables": "nginx"}], "export": []})
    env = environment(pipelines=(dead,))
    assert missed(env, fixture.facts(env, fixture.processes(env))) == ["p: keep[0] is met by none"]
    assert missed(env, [Fact("nginx", "medium", "m")])[-3:] == [
        "p: keep[0] is met by none",
        "p: keep[0].classes is met by none",
        "p: keep[0].executables is met by all",
    ]


def test_two_runs_make_the_same_processes_and_a_salt_sets_them_apart():
    env = environment()
    assert fixture.processes(env) == fixture.processes(env)
    nodes = {s.attributes["host.name"] for s in fixture.processes(env, salt="-x")}
    assert nodes == {"node-a-x", "node-b-x", "node-c-x"}


def one(pid: int, name: str, **more: Any) -> Subject:
    made = fixture.process(pid, name, "n", [MEMORY, CPU, LOAD], 3)
    return Subject(attributes=made.attributes, values=made.values, **more)


def out(name: str, subjects: list[Subject], readings: int, patch: dict[str, Any] | None = None) -> Expected:
    return expected(environment(), preset(name, patch), subjects, node="k", readings=readings)


def of(values: Any, metric: str, executable: str) -> dict[str, float]:
    return {
        ",".join(value for _, value in series.points): value
        for series, value in values.items()
        if series.metric == metric and ("process.executable.name", executable) in series.resource
    }


def test_levels_show_the_last_reading_and_counters_what_they_grew():
    subjects = [one(1, "bash"), one(2, "vim")]
    first, third = out("optimized", subjects, 1), out("optimized", subjects, 3)
    assert of(first.values, "process.cpu.time", "low_others_optimized") == {}
    # A process of id 1 begins with 1024 / 4 and grows by 8 + 1 in state user, one of id 2 by 16 + 1.
    assert of(third.values, "process.cpu.time", "low_others_optimized")["user"] == 2 * (9 + 17)
    assert of(first.values, "process.memory.usage", "low_others_optimized") == {"": 256 + 512}
    assert of(third.values, "process.memory.usage", "low_others_optimized") == {"": 256 + 512}
    assert of(third.values, "rollup.process.count", "low_others_optimized") == {"": 2}
    assert of(third.values, "golden.load", "low_others_optimized") == {"": 512}


def test_what_a_process_grew_stays_when_it_ends_and_its_level_goes():
    third = out("optimized", [one(1, "bash"), one(2, "vim", ends=2)], 3)
    assert of(third.values, "process.cpu.time", "low_others_optimized")["user"] == 2 * 9 + 17
    assert of(third.values, "process.memory.usage", "low_others_optimized") == {"": 256}
    assert of(third.values, "rollup.process.count", "low_others_optimized") == {"": 1}


def test_where_ids_stay_counters_show_what_was_read():
    found = out("full", [one(1, "bash")], 1, {"attributes": {"drop": []}})
    assert of(found.values, "process.cpu.time", "bash")["user"] == 256


def test_what_a_sender_says_of_itself_is_not_expected():
    (liar,) = [p for p in fixture.processes(environment()) if p.attributes.get("process.pid") == 7]
    assert liar.attributes["tenant.id"] == "somebody-else"
    for series in out("full", [liar], 1).values:
        assert ("tenant.id", "unassigned") in series.resource
        assert not [value for name, value in series.resource if name == "phoenix.rollup"]


def test_keep_drop_grades_and_unless():
    names = ["critical", "python_api", "nginx", "bash"]
    subjects = [one(pid, name) for pid, name in enumerate(names, start=1)]
    left = {
        dict(s.resource)["process.executable.name"]: dict(s.resource) for s in out("observatory", subjects, 1).values
    }
    assert set(left) == {"critical", "python_api", "nginx"}
    assert left["critical"]["phoenix.cardinality.severity"] == "high"
    assert left["nginx"]["phoenix.cardinality.risk"] == "0.5"
    kept = {dict(s.resource)["process.executable.name"]: dict(s.resource) for s in out("optimized", subjects, 1).values}
    assert "process.command_line" in kept["critical"]
    assert "process.command_line" not in kept["python_api"]
    gone = out("full", subjects, 1, {"drop": [{"metrics": "process[.].*", "classes": ["low"]}]}).values
    assert {series.metric for series in gone if ("process.executable.name", "bash") in series.resource} == {LOAD.name}


def test_each_difference_is_a_line():
    assert differences({"a": 1, "b": 2, "c": 3}, {"b": 2.0, "c": 4, "d": 5}) == [
        "4 instead of 3: c",
        "missing: a",
        "not expected: d",
    ]


def test_breaches_of_a_contract():
    series = Shown("m", frozenset({("host_name", "n"), ("process_executable_name", "bash")}))
    wanted = Expected(values={}, grown={}, named={"low": frozenset({("n", "bash"), ("n", "vim")})})
    contract = Contract(reduction_min=0.6, preserve=["low"])
    assert list(breaches(contract, wanted, {series: 1.0}, 2)) == [
        "0.50 of the series are saved, and the contract says at least 0.6",
        "process vim of n is of class low, which is preserved, and not shown by its name",
    ]
    assert list(breaches(Contract(reduction_max=0.4), wanted, {series: 1.0}, 2)) == [
        "0.50 of the series are saved, and the contract says at most 0.4"
    ]


def test_a_series_is_shown_under_the_names_of_the_exporter():
    export = PrometheusExport(port=1, namespace="ns")
    series = Series(
        metric="process.cpu.time",
        resource=frozenset({("service.name", "a"), ("service.instance.id", "i")}),
        points=frozenset({("state", "user")}),
    )
    assert str(shown(series, Kind.COUNTER, "s", export, {"pipeline_alias": "x"})) == (
        "ns_process_cpu_time_seconds_total{instance=i, job=a, pipeline_alias=x, service_instance_id=i, service_name=a,"
        " state=user}"
    )
    assert shown(series, Kind.LEVEL, "{x}", export, {}).name == "ns_process_cpu_time"


def test_a_scrape_is_read_with_its_escapes_and_a_series_stands_in_it_once():
    text = '# TYPE m gauge\nm{a="x\\"y\\\\n\\n"} 1.5 1700\nm 2\n'
    assert parsed(text) == {Shown("m", frozenset({("a", 'x"y\\n\n')})): 1.5, Shown("m", NONE): 2.0}
    with pytest.raises(TwiceError, match=re.escape("m{} is shown twice")):
        parsed("m 1\nm 2\n")


def test_a_request_holds_the_processes_that_a_reading_sees():
    body = json.loads(request([one(1, "a", born=1), one(2, "b", ends=1), one(3, "c")], 1, 1000, 10))
    first, second = body["resourceMetrics"]
    assert {p["key"]: p["value"] for p in first["resource"]["attributes"]}["process.pid"] == {"intValue": "1"}
    (memory, cpu, load) = second["scopeMetrics"][0]["metrics"]
    assert memory["sum"]["isMonotonic"] is False
    assert (cpu["sum"]["isMonotonic"], cpu["sum"]["aggregationTemporality"]) == (True, 2)
    assert "gauge" in load
    (point, *_) = memory["sum"]["dataPoints"]
    assert (point["timeUnixNano"], point["startTimeUnixNano"], point["asDouble"]) == ("1002", "12", 793.0)


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message: bytes with their length, or a number in so many bytes as it takes."""
    if isinstance(value, bytes):
        return bytes([number << 3 | 2, len(value)]) + value
    return bytes([number << 3, value])


def test_protobuf_is_read():
    pair = field(1, b"k") + field(2, field(1, b"v"))
    number = field(1, b"n") + field(2, field(3, 7))
    double = bytes([4 << 3 | 1]) + struct.pack("<d", 2.5) + field(7, pair)
    integer = bytes([6 << 3 | 1]) + struct.pack("<q", -3)
    delta = field(1, b"s") + field(7, field(1, double) + field(2, 1))
    gauge = field(1, b"g") + field(5, field(1, integer))
    resource = field(1, field(1, number))
    body = field(1, resource + field(2, field(1, b"") + field(2, delta) + field(2, gauge)))
    about = frozenset({("n", "7")})
    assert [(p.series, p.value, p.delta) for p in points(body)] == [
        (Series(metric="s", resource=about, points=frozenset({("k", "v")})), 2.5, True),
        (Series(metric="g", resource=about), -3.0, False),
    ]
    with pytest.raises(ValueError, match="wire type 3"):
        list(points(bytes([1 << 3 | 3])))
