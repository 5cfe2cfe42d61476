"""The judges: programs that we did not write. Where each is, and what they have judged in a run."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix_gitops import tools
from phoenix_gitops.judges.local import free_ports
from scripts.get_tool import collector_versions

__all__ = ["GENERATED", "PROOF", "ROOT", "Bench", "Judge", "collectors", "free_ports", "tool", "version"]

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
PROOF = GENERATED / "_proof"

TOOK, REFUSED = "took", "refused"
Verdict = tuple[str, str, int, str]
"""A judge, whether it took or refused, how many, and what."""


def tool(name: str) -> Path:
    """The program; that it is missing is a failure, never a skip."""
    found = tools.require(name)
    assert found.value is not None, f"{found.diagnostics[0].message}; {found.diagnostics[0].help}"
    return found.value.path


def collectors() -> dict[str, Path]:
    """Every collector that tools/ pins, by its version, the newest last."""
    folder = tools.cache_dir() / "tools" / "otelcol"
    found = {version: folder / version / "otelcol" for version in collector_versions()[:-1]}
    found[collector_versions()[-1]] = tool("otelcol")
    missing = [str(path) for path in found.values() if not path.is_file()]
    assert not missing, f"{', '.join(missing)} not found; run `make proof`"
    return found


@functools.cache
def version(name: str) -> str:
    """What the program says of itself."""
    found = tools.find(name)
    said = tools.version_of(found) if found else None
    return ".".join(str(part) for part in said) if said else "of unknown version"


class Judge:
    """What one test says that it had judged: `took` counts what must be accepted, `refused` the planted faults."""

    def __init__(self, verdicts: list[tuple[str, object]]) -> None:
        self._verdicts = verdicts

    def took(self, name: str, number: int, what: str) -> None:
        assert number > 0, f"{name} judged no {what}"
        self._verdicts.append(("judge", (name, TOOK, number, what)))

    def refused(self, name: str, number: int, what: str) -> None:
        assert number > 0, f"{name} refused no {what}"
        self._verdicts.append(("judge", (name, REFUSED, number, what)))


@dataclass
class Bench:
    """The verdicts of a run, gathered from the reports of its tests."""

    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    skipped: list[str] = field(default_factory=list)

    def report(self, report: Any) -> None:
        """Take one phase of a test; the last one carries all that the test said."""
        self.seconds[report.nodeid] += report.duration
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)
        if report.when == "teardown":
            said = [tuple(value) for key, value in report.user_properties if key == "judge"]
            if said:
                self.verdicts[report.nodeid] = said

    def lines(self) -> list[str]:
        """One line a judge: its version, what it judged, how many, and the seconds of the tests that asked it."""
        return [self._line(name) for name in self._judges()]

    def faults(self, expected: Iterable[str] = ()) -> list[str]:
        """What proves nothing: judges that were not asked or took everything they were shown, and skipped tests."""
        asked = self._judges()
        found = [f"{name} was asked nothing" for name in sorted(set(expected) - set(asked))]
        found += [f"{name} has refused nothing: does it judge?" for name in asked if not self._counts(name, REFUSED)]
        return found + [f"{test} was skipped" for test in self.skipped]

    def _judges(self) -> list[str]:
        return sorted({verdict[0] for said in self.verdicts.values() for verdict in said})

    def _counts(self, name: str, what: str) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for said in self.verdicts.values():
            for judge, verdict, number, things in said:
                if (judge, verdict) == (name, what):
                    counts[things] += number
        return counts

    def _line(self, name: str) -> str:
        took = ", ".join(f"{number} {things}" for things, number in sorted(self._counts(name, TOOK).items()))
        refused = ", ".join(f"{number} {things}" for things, number in sorted(self._counts(name, REFUSED).items()))
        seconds = sum(self.seconds[test] for test, said in self.verdicts.items() if any(v[0] == name for v in said))
        verdicts = "; ".join(part for part in (took and f"took {took}", refused and f"refused {refused}") if part)
        return f"{name} {version(name)}: {verdicts}; {seconds:.1f} s"
