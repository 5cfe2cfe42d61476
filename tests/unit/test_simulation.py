"""`phoenix simulate`: shapes, files, what the law does along them, and how it is shown."""

from __future__ import annotations

import json
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from phoenix_gitops.rules import control, control_law
from phoenix_gitops.simulation import samples, shapes, words
from phoenix_gitops.simulation.data import data
from phoenix_gitops.simulation.run import Firing, Setting, alerts, simulate
from phoenix_gitops.simulation.svg import svg
from phoenix_gitops.simulation.text import PLAIN, UNICODE, text
from tests.unit.rules import support

MINUTE = 60_000
PLATEAUS = [v for v in (10e3, 16e3, 17e3, 26e3, 23e3, 22e3, 16e3, 14e3) for _ in range(5)]


def setting(*, used=True, **spec):
    policy = support.control(**spec)
    env = support.environment(law=policy)
    pipelines = {name: support.pipeline(name) for name in support.PIPELINES}
    scope = env if used else None
    return Setting(
        name="law", spec=policy.spec, pipelines=pipelines, prices=env.platform.spec.prices, environment=scope
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("constant:5/3m", [5, 5, 5]),
        ("constant:1.5/1m", [1.5]),
        ("step:1..2/4m", [1, 1, 2, 2]),
        ("ramp:0..30/4m", [0, 10, 20, 30]),
        ("ramp:30..0/4m", [30, 20, 10, 0]),
        ("spike:1..9/5m/1m", [1, 1, 9, 1, 1]),
        ("wave:1..3/8m/4m", [1, 1, 3, 3, 1, 1, 3, 3]),
        ("sine:0..10/4m/4m", [0, 5, 10, 5]),
        ("gap:7/5m/1m", [7, 7, None, 7, 7]),
        ("constant:1/1m+ramp:2..4/3m", [1, 2, 3, 4]),
    ],
)
def test_shapes(shape, expected):
    assert list(shapes.trace(shape, MINUTE, 100)) == expected


def test_the_load_shapes_are_relative_to_the_set_point():
    assert set(shapes.trace("baseline_steady_state", MINUTE, 20_000)) == {20_000}
    spike = shapes.trace("cardinality_spike", MINUTE, 20_000)
    assert (spike[0], spike[-1], len(spike)) == (20_000, 100_000, 15)
    growth = shapes.trace("gradual_growth", MINUTE, 20_000)
    assert (growth[0], growth[-1], len(growth)) == (10_000, 60_000, 20)
    wave = shapes.trace("wave_pattern", MINUTE, 20_000)
    assert (min(wave), max(wave), len(wave)) == (20_000, 50_000, 35)


def test_the_load_shapes_do_what_their_benchmarks_expect():
    steady = simulate(setting(), shapes.trace("baseline_steady_state", MINUTE, 20_000))
    assert steady.durations["aggressive"] == 0
    spike = simulate(setting(), shapes.trace("cardinality_spike", MINUTE, 20_000))
    assert spike.profiles[spike.switches[-1][2]] == "aggressive"
    assert len(simulate(setting(), shapes.trace("gradual_growth", MINUTE, 20_000)).switches) <= 3


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("rampp:1..2/3m", "there is no shape `rampp`; did you mean `ramp`?"),
        ("ramp:5/3m", "`ramp:5/3m` needs two levels, FROM..TO, as in `ramp:17000..26000/30m`"),
        ("constant:1..2/3m", "`constant:1..2/3m` needs one level, as in `constant:20000/30m`"),
        ("constant:many/3m", "`constant:many/3m` needs one level, as in `constant:20000/30m`"),
        ("constant:5/3", "`3` in `constant:5/3` is no duration; write it as in `30m`"),
        ("constant:5/0m", "`0m` in `constant:5/0m` is no duration; write it as in `30m`"),
        ("constant:5/3m/1m", "`constant:5/3m/1m` has one length too many; as in `constant:20000/30m`"),
        ("constant:5/15d", "`constant:5/15d` makes the trace longer than 20000 steps of `1m`"),
        ("constant:5/7d+constant:5/7d", "`constant:5/7d` makes the trace longer than 20000 steps of `1m`"),
    ],
)
def test_what_is_no_shape(shape, message):
    with pytest.raises(shapes.ShapeError) as error:
        shapes.trace(shape, MINUTE, 100)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("table", "inputs"),
    [
        ("time,value\n0,1\n60,2\n120,3\n", [1, 2, 3]),
        ("0,1\n30,9\n60,2\n", [1, 2]),
        ("\ufeff0,1\r\n60,\r\n120,3\r\n", [1, None, 3]),
        ("2026-01-05T00:00:00Z,1\n2026-01-05T00:01:00Z,NaN\n2026-01-05T00:02:00Z,3\n", [1, None, 3]),
        # A value holds for five minutes, then there is a gap.
        ("0,1\n60,1\n600,5\n", [1, 1, 1, 1, 1, 1, None, None, None, None, 5]),
        # Hourly values hold until the next.
        ("0,1\n3600,2\n7200,3\n", [1] * 60 + [2] * 60 + [3]),
    ],
)
def test_tables(table, inputs):
    read = samples.read("t.csv", table, MINUTE)
    assert read.diagnostics == ()
    assert list(read.value.inputs(MINUTE)) == inputs


def test_what_prometheus_answers():
    result = [{"metric": {"a": "b"}, "values": [[1767571200, "17000"], [1767571260, "26000"]]}]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    found = samples.read("q.json", json.dumps(answer), MINUTE).value
    assert (found.inputs(MINUTE), found.start) == ((17000, 26000), 1767571200)


@pytest.mark.parametrize(
    ("content", "where", "message"),
    [
        ("time,value\n0,1\n60,many\n", "3:4", "`many` is no number"),
        ("0,1\n60\n", "2:1", "a line is `time,value`, and this one has 1 parts"),
        ("0,1\n60,1,2\n", "2:1", "a line is `time,value`, and this one has 3 parts"),
        ("60,1\n60,2\n", "2:1", "time `60` is not after the one before it"),
        ("0,-1\n", "1:3", "`-1` is no count of series"),
        ("0,inf\n", "1:3", "`inf` is no count of series"),
        ("0,1\nsoon,2\n", "2:1", "`soon` is no time, neither seconds nor ISO 8601"),
        ("time,value\n", "1:1", "no sample is in it"),
        ("", "1:1", "no sample is in it"),
        ("0,1\n9999999,1\n", "1:1", "it is longer than 20000 steps of the law or 500000 samples"),
        ('{"status":\n oops}', "2:2", "not JSON: expecting value"),
        ('{"status": "error"}', "1:1", "it is no successful answer to a range query, whose `resultType` is `matrix`"),
        (
            '{"status": "success", "data": {"resultType": "matrix", "result": []}}',
            "1:1",
            "it holds 0 series, and must hold one; ask for a `sum`",
        ),
    ],
)
def test_what_cannot_be_read(content, where, message):
    read = samples.read("t", content, MINUTE)
    (fault,) = read.diagnostics
    assert (fault.code, fault.message, str(fault.primary.span)) == ("PHX696", message, f"t:{where}")
    assert read.value is None


def test_it_is_the_law():
    run = simulate(setting(), PLATEAUS)
    states = list(control_law.run(control_law.law(setting().spec), PLATEAUS))
    assert list(run.lines[control.PROFILE]) == [state.profiles[-1] for state in states]
    assert [(i, run.profiles[now]) for i, _, now in run.switches] == [
        (10, "balanced"),
        (15, "aggressive"),
        (25, "balanced"),
        (35, "conservative"),
    ]
    assert run.durations == {"conservative": 15 * 60, "balanced": 15 * 60, "aggressive": 10 * 60}


def test_alerts_fire_after_their_time_and_end():
    run = simulate(setting(mode="advisory"), PLATEAUS)
    advised = [(f.labels["profile"], f.start, f.end) for f in run.firings if f.alert == control.ADVISED]
    # Held for two minutes; experimental runs here, so the last profile needs nothing.
    assert advised == [("conservative", 2, 10), ("balanced", 12, 15), ("balanced", 27, 35), ("conservative", 37, None)]
    gap = simulate(setting(mode="advisory"), [10e3] * 3 + [None] * 9 + [2e6] * 2 + [10e3])
    rest = [(f.alert, f.start, f.end) for f in gap.firings if f.alert != control.ADVISED]
    assert rest == [("PhoenixControlStale", 8, 12), ("PhoenixControlEmergency", 12, 14)]


def test_every_alert_of_a_policy_has_a_condition():
    full = setting(
        mode="advisory",
        override={"profile": "balanced", "reason": "load test", "until": "2026-12-01"},
        forecast={"horizon": "5m", "range": "20m"},
        anomaly={"window": "20m"},
    )
    assert len({alert.alert for alert in alerts(full)}) == 8
    rising = simulate(full, [500.0 * i for i in range(60)] + [0.0] * 20)
    fired = {f.alert for f in rising.firings}
    assert fired == {control.ADVISED, "PhoenixControlOverridden", "PhoenixControlLimitNear", "PhoenixControlAnomaly"}
    assert [f.alert for f in simulate(setting(), PLATEAUS).firings] == []


def test_an_override_ends_by_the_clock_of_the_trace():
    policy = {"override": {"profile": "aggressive", "reason": "load test", "until": "2026-12-01T00:02Z"}}
    run = simulate(setting(**policy), [10e3] * 8, start=1_796_083_200)
    assert list(run.lines[control.PROFILE]) == [2, 2, 0, 0, 0, 0, 0, 0]
    assert words.moment(run, 4) == "4m (2026-12-01T00:04:00Z)"


def test_what_it_saves_follows_from_contracts_and_prices():
    run = simulate(setting(), [10e3] + [34e3] * 9)
    # Nine of ten steps: 34000 of the optimized pipeline are 40000 in full, of which experimental keeps 24000.
    assert run.saved.series == pytest.approx(9 * 10_000 / 10)
    # 9000 series / 15 s for 30 days: 1555.2 million points at 0.10, and 1.5552 GB at 0.05.
    assert run.saved.per_month == Decimal("155.60")
    assert simulate(setting(), [10e3] * 5).saved.series == 0


def full_run():
    shape = "constant:9000/30m+ramp:9000..30000/40m+gap:30000/20m/4m+spike:24000..45000/30m/6m"
    policy = setting(
        mode="advisory",
        forecast={"horizon": "10m", "range": "40m", "drives": True},
        anomaly={"method": "robust", "window": "20m"},
    )
    return simulate(policy, shapes.trace(shape, MINUTE, 20_000))


def test_the_text_fits_and_has_every_part():
    run = full_run()
    for width in (40, 80, 100, 200):
        lines = text(run, run, trace="x", width=width, marks=UNICODE, other="HEAD").splitlines()
        plot = lines[3 : lines.index("● series, ╌ thresholds, ○ forecast, · band") - 1]
        assert max(map(len, plot)) <= width
    shown = text(run, None, trace="x", width=100, marks=PLAIN)
    assert shown.isascii()
    for part in ("* series, - thresholds, o forecast, . band", " profile 0", "2 switches: conservative > balanced"):
        assert part in shown
    assert "before" not in shown


def test_the_picture_is_one_sound_file_and_needs_nothing_else():
    run = full_run()
    picture = svg(run, run, trace="a<b&c", other="HEAD")
    root = ET.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "a&lt;b&amp;c" in picture
    assert "href" not in picture
    assert "url(" not in picture
    styles = [element.get("class") for element in root.iter() if element.get("class")]
    for style in ("line count", "line forecast", "band", "threshold", "line profile", "line before", "line output"):
        assert style in styles, style
    assert "warning" in styles, "an alert that fires"
    assert svg(run, run, trace="a<b&c", other="HEAD") == picture


def test_the_data_say_what_the_text_says():
    run = full_run()
    found = data(run, run, trace="x")
    assert json.loads(json.dumps(found)) == found
    assert [switch["to"] for switch in found["switches"]] == ["balanced", "aggressive"]
    assert found["switches"][0]["at"] == run.switches[0][0] * 60
    assert len(found["steps"]) == run.count == 120
    assert found["steps"][0]["series"] == 9000
    assert found["against"]["profiles"] == found["profiles"]


def test_a_trace_of_one_step_can_be_shown():
    run = simulate(setting(), [10e3])
    assert "0 switches" in text(run, None, trace="x", width=80, marks=UNICODE)
    ET.fromstring(svg(run, None, trace="x"))
    nothing = simulate(setting(), [None, None])
    assert "saves 0 series" in text(nothing, None, trace="x", width=80, marks=UNICODE)
    ET.fromstring(svg(nothing, None, trace="x"))


def test_an_alert_is_told_with_its_labels():
    firing = Firing(alert="A", severity="info", labels={"b": "2", "a": "1"}, start=0, end=None)
    assert words.alert(firing) == "A{a=1, b=2}"
