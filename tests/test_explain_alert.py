"""`phoenix explain ALERT`: when it fires, and where that is shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.proof.judge import ROOT


def explain(target):
    command = [sys.executable, "-m", "phoenix_gitops", "-C", str(ROOT), "explain", target]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        (
            'SLOBudgetBurn{slo="checkout-availability",burn="page"}',
            (
                "  fires after 51.84 s at 100 % errors, 518.4 s at 10 % errors"
                "; one scrape and one evaluation may come on top",
                "  is silent 45s after the first error of 100 % (computed: 51.84 s)",
                "    generated/_proof/prod-eu/eu-west-1/tests/tenant-checkout.1d.yaml and 3 more",
            ),
        ),
        ("PhoenixDataRefused", ("  fires after 5m: half a point a second is refused",)),
    ],
)
def test_an_alert(target, lines):
    said = explain(target)
    assert said.returncode == 0, said.stderr
    assert [line for line in lines if line not in said.stdout.splitlines()] == []


def test_what_is_no_alert_is_taken_for_a_kind():
    said = explain("Tenent")
    assert said.returncode == 2
    assert "there is no kind Tenent; did you mean Tenant?" in said.stderr
