"""Rule groups before promtool: input series, and what each expression must be at each moment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from phoenix_gitops import tools
from phoenix_gitops.rules.group import Group


@dataclass
class Bench:
    """A test of some groups; times are in seconds."""

    folder: Path
    groups: Iterable[Group]
    series: Mapping[str, str]
    step: int = 60
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

    def run(self) -> tuple[int, str]:
        """promtool's verdict and what it says."""
        groups = list(self.groups)
        (self.folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [g.plain() for g in groups]}))
        test = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": f"{self.step}s",
            "group_eval_order": [g.name for g in groups],
            "tests": [
                {
                    "interval": f"{self.step}s",
                    "input_series": [{"series": s, "values": v} for s, v in self.series.items()],
                    "promql_expr_test": self.queries,
                }
            ],
        }
        (self.folder / "test.yaml").write_text(yaml.safe_dump(test))
        tool = tools.require("promtool")
        assert tool.value is not None, tool.diagnostics[0].help
        done = subprocess.run(
            [tool.value.path, "test", "rules", self.folder / "test.yaml"],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def passes(self) -> None:
        """All of it is as expected, and there was something to expect."""
        assert self.queries
        code, said = self.run()
        assert code == 0, said
        assert "SUCCESS" in said, said

    def fails(self) -> None:
        """Something is not as expected."""
        code, said = self.run()
        assert code == 1, said


def values(trace: Sequence[float | None]) -> str:
    """A trace as promtool writes it; a gap begins with the marker that a scraper leaves."""
    written: list[str] = []
    for i, value in enumerate(trace):
        if value is not None:
            written.append(f"{value:g}" if value < 100_000 else f"{value:.0f}")
        else:
            written.append("stale" if i and trace[i - 1] is not None else "_")
    return " ".join(written)
