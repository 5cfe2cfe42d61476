"""Item 18: what the dashboards of the reference platform show."""

from __future__ import annotations

import json

import yaml

from tests.reference.platform import ROOT

FOLDER = ROOT / "generated" / "reference" / "reference" / "rules" / "monitoring"


def shown(name: str) -> dict[str, str]:
    """The queries of a dashboard, by the titles of their panels."""
    (text,) = yaml.safe_load((FOLDER / f"configmap-dashboard-phoenix-{name}.yaml").read_text())["data"].values()
    return {panel["title"]: panel["targets"][0]["expr"] for panel in json.loads(text)["panels"]}


def test_the_dashboards_show_all_that_was_shown():
    control, overview, cost = (shown(name) for name in ("control", "overview", "cost"))
    assert control["Profile"] == overview["Profile"] == "phoenix:control_profile"
    count = control["Series, and where profiles begin"].split("\nor\n")
    assert count == [
        "phoenix:control_input",
        'label_replace(vector(15000), "above", "balanced", "", "")',
        'label_replace(vector(25000), "above", "aggressive", "", "")',
    ]
    assert control["Changes an hour"] == "phoenix:control_mode_transitions_per_hour"
    assert overview["Series by pipeline"] == "phoenix:pipeline_active_series"
    assert cost["Cost a month"] == "phoenix:environment_cost_per_month"
    assert overview["CPU of collectors"] == "phoenix:collector_cpu_cores"
    assert overview["Memory of collectors"] == "phoenix:collector_memory_usage_mb"
    for prefix, pipeline in (("full", "full"), ("opt", "optimized"), ("exp", "experimental")):
        used = f"phoenix_{prefix}_final_output_process_cpu_time_seconds_total[$__rate_interval]"
        busy = f"sum by (process_executable_name) (rate({used}))"
        assert overview[f"Processes that use most CPU: {pipeline}"] == f"topk(5, {busy})"
