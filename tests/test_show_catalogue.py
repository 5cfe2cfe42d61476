"""`phoenix show catalogue` as a person and a program see it, over the reference platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.__main__ import run

ROOT = Path(__file__).parent.parent


@pytest.fixture
def show(capsys):
    def call(*options: str) -> tuple[int, str, str]:
        code = run(["show", "catalogue", "-C", str(ROOT), "--color", "never", *options])
        return (code, *capsys.readouterr())

    return call


def metrics(show, *options: str) -> list[dict[str, Any]]:
    code, out, _ = show("--format", "json", *options)
    assert code == 0
    return list(json.loads(out)["metrics"])


def test_what_is_stored_has_the_pipelines_namespace_and_labels(show):
    code, out, err = show("-e", "reference", "--metric", "phoenix_opt_final_output_process_threads")
    assert (code, err) == (0, "")
    heads, row = out.splitlines()
    assert heads.split() == ["metric", "type", "unit", "seconds", "series", "source", "labels"]
    assert row.split()[:5] == ["phoenix_opt_final_output_process_threads", "gauge", "threads", "15", "-"]
    assert "phoenix_pipeline_strategy=optimized" in row
    assert "process_pid" not in row
    assert row.endswith("...")


def test_before_the_export_names_are_those_of_opentelemetry_and_pipelines_are_told_apart(show):
    found = metrics(show, "-e", "reference", "--stage", "gateway", "--metric", "process[.]threads")
    assert {one["metric"] for one in found} >= {"full: process.threads", "optimized: process.threads"}
    (one,) = metrics(
        show, "-e", "reference", "--stage", "gateway", "--pipeline", "optimized", "--metric", "process[.]threads"
    )
    assert one["metric"] == "process.threads"
    assert one["labels"]["lost"]["process.pid"] == {
        "stage": "gateway",
        "what": "`attributes.drop` of pipeline `optimized` takes it away",
        "policy": "Pipeline/optimized",
        "path": "spec.attributes.drop[0].name",
    }
    assert one["labels"]["open"] is True


@pytest.mark.parametrize(("stage", "number"), [("collected", 298), ("edge", 298), ("gateway", 1194), ("export", 1198)])
def test_every_stage_has_its_metrics(show, stage, number):
    code, out, _ = show("-e", "prod-us", "--stage", stage)
    assert code == 0
    assert len(out.splitlines()) - 1 == number


def test_a_tenants_view_has_its_own_records_and_bounds(show):
    found = {one["metric"]: one for one in metrics(show, "-e", "prod-us", "--stage", "rules", "--tenant", "checkout")}
    record = found["checkout:http_requests:rate5m"]
    assert (record["unit"], record["series"], record["source"]) == ("requests/second", 60, "a recording rule")
    assert record["labels"]["known"] == {"route": {}, "tenant_id": {"values": ["checkout"]}}
    requests = found["phoenix_full_final_output_http_server_requests_total"]
    assert requests["series"] == 24 * 60 * 40
    assert "phoenix:pipeline_active_series" not in found


def test_what_was_lost_is_told_with_who_took_it(show):
    code, out, _ = show("-e", "prod-us", "--tenant", "checkout", "--lost", "--metric", ".*_full_.*container_threads")
    assert code == 0
    assert out.splitlines()[1].split(None, 3) == [
        "phoenix_full_final_output_container_threads",
        "-",
        "tenant",
        "its series bear no tenant's `tenant_id`, and a tenant sees only its own",
    ]


def test_totals_by_tenant_and_pipeline(show):
    code, out, _ = show("-e", "prod-us", "--totals", "--format", "json")
    totals = {one["of"]: one for one in json.loads(out)["totals"]}
    assert code == 0
    assert totals["tenant checkout"] == {
        "of": "tenant checkout",
        "metrics": 2,
        "with a bound": 2,
        "series at most": 24 * 60 * 40 + 24,
    }
    assert totals["pipeline full"]["with a bound"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-e", "prod"), "there is no environment 'prod'; there are: dev, prod-eu, prod-us, reference"),
        (("-e", "dev", "--pipeline", "x"), "there is no pipeline 'x'; there are: "),
        (("-e", "dev", "--stage", "gateway", "--pipeline", "x"), "there is no pipeline 'x'; there are: "),
        (("-e", "prod-us", "--tenant", "x"), "there is no tenant 'x'; there are: "),
        (("-e", "dev", "--metric", "("), "not a pattern: "),
        (("-e", "dev", "--stage", "x"), "is not one of"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(show, options, said):
    code, out, err = show(*options)
    assert (code, out) == (2, "")
    assert said in err
