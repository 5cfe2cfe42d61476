"""Measures the compiler as a user runs it: whole processes, wall time, peak memory, cold and after one change.

`python -m bench` (or `make bench`) prints a Markdown table. Output is on a memory file system where there is one, so
that the disk is not what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import generate

PHOENIX = [sys.executable, "-m", "phoenix_gitops"]


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, peak MiB, what it printed."""

    seconds: float
    peak_mib: float
    output: str


def environment() -> dict[str, str]:
    """A user's environment, with an own cache: a cold run finds nothing, and compiled Python is kept as usual."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PHOENIX_CACHE": os.environ["PHOENIX_BENCH_CACHE"]}


def run(*arguments: str) -> Run:
    """Run `phoenix` in a process of its own and measure it; a failure ends the measurement."""
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen([*PHOENIX, *arguments], stdout=out, stderr=subprocess.DEVNULL, env=environment())
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        out.seek(0)
        text = out.read()
    if status:
        sys.exit(f"phoenix {' '.join(arguments)} failed with status {os.waitstatus_to_exitcode(status)}")
    return Run(seconds, usage.ru_maxrss / 1024, text)


def median(runs: list[Run]) -> Run:
    """The run with the median time."""
    return sorted(runs, key=lambda r: r.seconds)[len(runs) // 2]


def measure(tenants: int, environments: int, repeat: int, memory: Path, class_: str) -> list[str]:
    """One row: cold, nothing changed with --check, one tenant changed."""
    root = memory / f"bench-{tenants}x{environments}"
    colds, checks, changes = [], [], []
    objects = 0
    for turn in range(repeat):
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(os.environ["PHOENIX_BENCH_CACHE"], ignore_errors=True)
        generate.write(root, tenants, environments, class_)
        colds.append(run("compile", "-C", str(root), "--format", "json"))
        objects = sum(row["objects"] for row in json.loads(colds[-1].output)["environments"])
        checks.append(run("compile", "-C", str(root), "--check", "-q"))
        changed = root / "policies" / "tenants" / "tenant-00000" / "tenant.yaml"
        changed.write_text(generate.HEAD + generate.tenant(0, class_, pods=41 + turn))
        changes.append(run("compile", "-C", str(root), "-q"))
    shutil.rmtree(root)
    cold, check, change = median(colds), median(checks), median(changes)
    return [
        f"{tenants} x {environments} {class_}",
        str(objects),
        f"{cold.seconds:.2f}",
        f"{cold.peak_mib:.0f}",
        f"{objects / cold.seconds:.0f}",
        f"{check.seconds:.2f}",
        f"{change.seconds:.2f}",
    ]


def start_up(repeat: int) -> float:
    """The median wall time of `phoenix --help`."""
    return statistics.median(run("--help").seconds for _ in range(repeat))


def reference(repeat: int) -> float:
    """The median wall time of checking this repository's own platform with nothing cached."""
    link_tools()
    root = Path(__file__).resolve().parent.parent
    return statistics.median(
        run("compile", "-C", str(root), "--check", "--no-cache", "-q").seconds for _ in range(repeat)
    )


def link_tools() -> None:
    """The user's tools in the bench's own cache: guardrails need `cue`."""
    from phoenix_gitops.tools import cache_dir

    own = Path(os.environ["PHOENIX_BENCH_CACHE"])
    own.mkdir(parents=True, exist_ok=True)
    (own / "tools").symlink_to(cache_dir() / "tools")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10x3,100x3,1000x3", help="tenants x environments, comma-separated")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--class", dest="class_", default="namespace", choices=["namespace", "shared"])
    arguments = parser.parse_args()
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
    memory = Path(tempfile.mkdtemp(dir=base))
    os.environ["PHOENIX_BENCH_CACHE"] = str(memory / "cache")
    try:
        print(f"phoenix --help: {start_up(9):.3f} s")
        print(f"reference platform, cold (guardrails too): {reference(5):.2f} s\n")
        names = ["tenants x environments", "objects", "cold s", "peak MiB", "objects/s", "--check s", "one changed s"]
        print("| " + " | ".join(names) + " |\n|" + " --- |" * len(names))
        for size in arguments.sizes.split(","):
            tenants, environments = (int(part) for part in size.split("x"))
            row = measure(tenants, environments, arguments.repeat, memory, arguments.class_)
            print("| " + " | ".join(row) + " |", flush=True)
    finally:
        shutil.rmtree(memory)


if __name__ == "__main__":
    main()
