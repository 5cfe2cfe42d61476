"""Schedules: what the controller of CronJobs reads, and what it does not."""

from __future__ import annotations

import pytest

from phoenix_gitops.verify.cron import check_schedule

AT = ("spec", "schedule")


@pytest.mark.parametrize(
    "schedule",
    [
        "0 3 * * *",
        "*/5 * * * *",
        "0-30/10 8-18 * * 1-5",
        "0 0 1,15 jan,JUL sun",
        "59 23 31 12 6",
        "0 0 ? * mon-fri",
        "@daily",
        "@every 1h30m",
    ],
)
def test_good(schedule: str) -> None:
    assert list(check_schedule(schedule, AT)) == []


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        ("", "has 0 fields, not 5"),
        ("0 3 * *", "has 4 fields, not 5"),
        ("0 0 3 * * *", "has 6 fields, not 5"),
        ("60 * * * *", "has no minute `60` (0 to 59)"),
        ("* 24 * * *", "has no hour `24` (0 to 23)"),
        ("* * 0 * *", "has no day of month `0` (1 to 31)"),
        ("* * * 13 *", "has no month `13` (1 to 12)"),
        ("* * * * 7", "has no day of week `7` (0 to 6)"),
        ("* * * * mon-xyz", "has no day of week `mon-xyz` (0 to 6)"),
        ("5-1 * * * *", "has a minute that ends before it begins: `5-1`"),
        ("*/0 * * * *", "has a minute of no step: `*/0`"),
        ("a b c d e", "has no minute `a`"),
        ("-1 * * * *", "has no minute `-1`"),
        ("@sometimes", "has 1 fields, not 5"),
        ("@every day", "has 2 fields, not 5"),
        ("TZ=UTC 0 3 * * *", "has 6 fields, not 5"),
    ],
)
def test_bad(schedule: str, fault: str) -> None:
    found = list(check_schedule(schedule, AT))
    assert [(f.code, f.at, f.message) for f in found] == [("PHX706", AT, f"schedule `{schedule}` {fault}")]


def test_other_types_are_the_schemas_business() -> None:
    assert list(check_schedule(None, AT)) == []
