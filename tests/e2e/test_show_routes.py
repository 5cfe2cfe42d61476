"""`phoenix show routes`, and what `phoenix explain ALERT` says of who is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_gitops.__main__ import run

CASE = Path(__file__).parents[1] / "cases" / "good" / "routing"
ROOT = Path(__file__).parents[2]


def routes(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    assert run(["show", "routes", "-e", "main", "-C", str(CASE), "--format", "json"]) == 0
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)["routes"]
    return found


def test_each_alert_has_a_row_for_all_and_one_for_each_tenant_that_is_told_itself(capsys):
    rows = routes(capsys)
    quotas = [row for row in rows if row["alert"] == "PhoenixTenantQuotaExceeded"]
    assert [(row["tenant"], row["told"], row["by"]) for row in quotas] == [
        ("any", "pagerDuty (told: pager)", "platform"),
        ("shop", "pagerDuty (told-shop: pager)", "Tenant/shop"),
    ]
    owned = [(row["severity"], row["told"], row["by"]) for row in rows if row["policy"] == "SLO/latency"]
    assert owned == [
        ("critical", "webhook (told: storage)", "owner storage"),
        ("warning", "webhook (told: storage)", "owner storage"),
    ]
    assert all(row["told"] != "nobody hears of it" for row in rows)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ("dev", "environment 'dev' has no 'routing': Alertmanager's own configuration says who is told"),
        ("prod", "there is no environment 'prod'; there are: dev, prod-eu, prod-us, reference"),
    ],
)
def test_an_environment_without_routes_and_one_that_is_not_there_are_said(environment, said, capsys):
    assert run(["show", "routes", "-e", environment, "-C", str(ROOT)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        (
            'SLOBudgetBurn{slo="latency",burn="page"}',
            "told in main: webhook (told: storage), by owner storage",
        ),
        (
            "PhoenixTenantQuotaNear",
            "told in main: slack #metrics (told: chat), by platform, unless the tenant has contacts of its own",
        ),
    ],
)
def test_explain_says_who_is_told(alert, said, capsys):
    assert run(["explain", alert, "-C", str(CASE)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"  {said}" in lines
