"""The fixture `judge`, and the closing lines of a run: what each judge judged."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.proof.cluster.fixtures import cluster, seed
from tests.proof.judge import Bench, Judge

__all__ = ["cluster", "seed"]

BENCH = pytest.StashKey[Bench]()
WHOLE = "PHOENIX_PROOF_WHOLE"
"""Set by `make proof` when it runs every proof test, to the judges that must be asked.

That one was not, that one refused nothing, or that a test was skipped, then fails the run.
"""


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    return Judge(request.node.user_properties)


def pytest_configure(config: pytest.Config) -> None:
    bench = config.stash.setdefault(BENCH, Bench())
    config.pluginmanager.register(_Reports(bench), "judges")


class _Reports:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._bench.report(report)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if _faults(session.config) else 0


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    bench = config.stash[BENCH]
    if bench.verdicts or _faults(config):
        terminalreporter.section("judges")
    for line in bench.lines():
        terminalreporter.write_line(line)
    for fault in _faults(config):
        terminalreporter.write_line(f"error: {fault}", red=True)


def _faults(config: pytest.Config) -> list[str]:
    expected = os.environ.get(WHOLE, "").split()
    return config.stash[BENCH].faults(expected) if expected else []
