"""Tests of rule groups, run by promtool and by vmalert-tool: input series, and what each expression is at each moment.

Both engines must say the same. The two programs differ in how a test is written and in what they say of names:

- vmalert-tool calls `promql_expr_test` `metricsql_expr_test`, and knows no `fuzzy_compare`: both compare exactly here.
- vmalert marks alerts with the label `alertgroup`; `-disableAlertgroupLabel` leaves it out, as Prometheus does.
- MetricsQL keeps the metric's name where PromQL drops it (`round`, `last_over_time`, `clamp`...): expectations on such
  an expression take it `+ 0`, which drops the name in both.
- vmalert-tool forgets nothing between files, and stops at the first that fails: each test is a process of its own.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.proof.judge import Judge, tool

PROMTOOL, VMALERT_TOOL = "promtool", "vmalert-tool"
ENGINES = (PROMTOOL, VMALERT_TOOL)
KIND = "tests of rules"


class Group(Protocol):
    """A rule group, ours or a stranger's."""

    @property
    def name(self) -> str:
        """What orders it."""

    def plain(self) -> dict[str, Any]:
        """The group as a rule file holds it."""


@dataclass
class Case:
    """The rules over some input series; times are in seconds."""

    name: str
    series: Mapping[str, str]
    queries: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def expect(self, at: int, expr: str, results: Mapping[str, float]) -> None:
        """The expression has these results, by labels, and no others."""
        samples = [{"labels": labels, "value": value} for labels, value in results.items()]
        self.queries.append({"expr": expr, "eval_time": f"{at}s", "exp_samples": samples})

    def firing(self, at: int, alert: str, count: int) -> None:
        """So many instances of the alert fire."""
        expr = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
        self.expect(at, expr, {"{}": count})

    def told(self, at: int, alert: str, *instances: tuple[Mapping[str, str], Mapping[str, str]]) -> None:
        """The alert fires with just these labels and annotations, as people read them."""
        expected = [{"exp_labels": dict(labels), "exp_annotations": dict(texts)} for labels, texts in instances]
        self.alerts.append({"eval_time": f"{at}s", "alertname": alert, "exp_alerts": expected})

    def plain(self, engine: str, step: int) -> dict[str, Any]:
        """The case as this engine's tool reads it."""
        return {
            "name": self.name,
            "interval": f"{step}s",
            "input_series": [{"series": s, "values": v} for s, v in self.series.items()],
            "alert_rule_test": self.alerts,
            "promql_expr_test" if engine == PROMTOOL else "metricsql_expr_test": self.queries,
        }


@dataclass
class Bench:
    """Cases for the same groups. `evaluate` seconds lie between evaluations, `step` between samples."""

    folder: Path
    judge: Judge
    groups: Iterable[Group]
    step: int = 60
    evaluate: int = 0
    engines: Sequence[str] = ENGINES
    cases: list[Case] = field(default_factory=list)

    def case(self, series: Mapping[str, str], name: str = "") -> Case:
        """A further case."""
        self.cases.append(Case(name, series))
        return self.cases[-1]

    def expect(self, at: int, expr: str, results: Mapping[str, float]) -> None:
        """Of the latest case: the expression has these results, by labels, and no others."""
        self.cases[-1].expect(at, expr, results)

    def told(self, at: int, alert: str, *instances: tuple[Mapping[str, str], Mapping[str, str]]) -> None:
        """Of the latest case: the alert fires with just these labels and annotations."""
        self.cases[-1].told(at, alert, *instances)

    def firing(self, at: int, alert: str, count: int) -> None:
        """Of the latest case: so many instances of the alert fire."""
        self.cases[-1].firing(at, alert, count)

    def run(self) -> Iterator[tuple[str, int, str]]:
        """The engines, the exit code of each one's tool and what it says."""
        groups = list(self.groups)
        (self.folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [g.plain() for g in groups]}))
        for engine in self.engines:
            test = {
                "rule_files": ["rules.yaml"],
                "evaluation_interval": f"{self.evaluate or self.step}s",
                "group_eval_order": [g.name for g in groups],
                "tests": [case.plain(engine, self.step) for case in self.cases],
            }
            (self.folder / f"{engine}.yaml").write_text(yaml.safe_dump(test))
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda engine: run_tests(engine, self.folder / f"{engine}.yaml"), self.engines)
        for engine, (code, said) in zip(self.engines, found, strict=True):
            yield engine, code, said

    def passes(self) -> None:
        """All of it is as expected in the engines, and there was something to expect."""
        assert self.cases
        assert all(case.queries or case.alerts for case in self.cases)
        for engine, code, said in self.run():
            assert code == 0, f"{engine}:\n{said}"
            assert "SUCCESS" in said, said
            self.judge.took(engine, len(self.cases), KIND)

    def fails(self, *patterns: str) -> None:
        """The engines find something that is not as expected, and say so in these words."""
        for engine, code, said in self.run():
            assert code == 1, f"{engine}:\n{said}"
            for pattern in patterns:
                assert re.search(pattern, said), f"{engine}:\n{said}"
            self.judge.refused(engine, 1, "wrong expectations")


def run_tests(engine: str, path: Path) -> tuple[int, str]:
    """The exit code of promtool or vmalert-tool on a file of tests, and what it says."""
    arguments = {
        PROMTOOL: ["test", "rules", str(path)],
        VMALERT_TOOL: ["unittest", f"--files={path}", "--disableAlertgroupLabel"],
    }
    done = subprocess.run(
        [tool(engine), *arguments[engine]],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        # vmalert-tool flushes its storage at every step: in memory, where there is such a folder, and it may use some.
        env={"TMPDIR": "/dev/shm" if Path("/dev/shm").is_dir() else str(path.parent), "GOGC": "400"},
    )
    return done.returncode, done.stdout


def values(trace: Sequence[float | None]) -> str:
    """A trace as both tools read it; a gap begins with the marker that a scraper leaves."""
    written: list[str] = []
    for i, value in enumerate(trace):
        if value is not None:
            written.append(f"{value:g}" if value < 100_000 else f"{value:.0f}")
        else:
            written.append("stale" if i and trace[i - 1] is not None else "_")
    return " ".join(written)
