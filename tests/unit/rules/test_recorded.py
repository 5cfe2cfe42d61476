"""What rules record: labels, units, bounds and what was lost, looked at when somebody asks."""

from __future__ import annotations

import pytest

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.catalogue import TARGET_LABELS, Loss, Metric, of
from phoenix_gitops.rules import recorded
from phoenix_gitops.rules.group import Group, Record
from phoenix_gitops.rules.inventory import with_records

EARLIER = Loss(stage="edge", what="x")
BASE = of(
    [
        Metric(
            name="bytes_total",
            type="counter",
            unit="bytes",
            labels=frozenset({"code", "route"}) | TARGET_LABELS,
            values={"code": frozenset({"200", "500"})},
            most={"route": 10},
            targets=3,
            interval_ms=15_000,
            source="test",
            lost={"user": EARLIER},
        )
    ]
)


def recording(*records: tuple[str, str], **origins):
    group = Group(name="g", interval="30s", rules=tuple(Record(record=name, expr=expr) for name, expr in records))
    return with_records(BASE, [group], origins)


def test_a_record_has_the_unit_and_the_bound_of_its_expression():
    found = recording(("a", "sum by (code) (rate(bytes_total[5m]))")).get("a")
    assert found is not None
    assert (found.unit, found.series, found.labels) == ("bytes/second", 2, {"code"})


def test_what_it_does_not_keep_is_lost_by_its_rule():
    origin = (PolicyRef("RuleSet", "shop"), ("spec", "records", 0, "expr"))
    found = recording(("a", "sum by (code) (bytes_total)"), a=origin).get("a")
    assert found is not None
    what = "the rule that records `a` does not keep it"
    assert found.lost["route"] == Loss(stage="rules", what=what, policy=origin[0], path=origin[1])
    assert found.lost["user"] == EARLIER, "who took it first is told"
    assert "code" not in found.lost


def test_records_build_on_records_whatever_their_order():
    known = recording(("b", "sum by (code) (a)"), ("a", "sum by (code, route) (bytes_total)"))
    found = known.get("b")
    assert found is not None
    assert (found.unit, found.series) == ("bytes", 2)
    assert found.lost["pod"].what == "the rule that records `a` does not keep it"
    assert found.lost["route"].what == "the rule that records `b` does not keep it"


def test_a_rule_that_reads_its_own_last_value_knows_nothing_of_it():
    found = recording(("a", "a or sum(bytes_total)")).get("a")
    assert found is not None
    assert (found.labels, found.series, found.unit) == (None, None, "")


def test_two_rules_of_one_name_are_joined():
    known = recording(("a", "sum by (code) (bytes_total)"), ("a", "sum by (route) (rate(bytes_total[5m]))"))
    found = known.get("a")
    assert found is not None
    assert (found.labels, found.series, found.unit) == ({"code", "route"}, 12, "")
    assert not {"code", "route"} & found.lost.keys()


def test_a_record_is_looked_at_only_when_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        recorded, "recorded", lambda record, *_: asked.append(record.record) or BASE.metrics["bytes_total"]
    )
    known = recording(("a", "sum(bytes_total)"), ("b", "sum(bytes_total)"))
    assert {"a", "b"} <= known.names
    assert asked == []
    known.get("b")
    known.get("b")
    assert asked == ["b"]


def test_catalogues_with_the_same_records_are_equal():
    one = recording(("a", "sum(bytes_total)"))
    assert one == recording(("a", "sum(bytes_total)"))
    assert one != recording(("a", "max(bytes_total)"))
    assert one != BASE
    with pytest.raises(KeyError):
        one.metrics["c"]
