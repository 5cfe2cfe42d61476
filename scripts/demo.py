"""Compiles every environment and prints a table of what came out, then what to try next."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = (
    ("environment", "name"),
    ("clusters", "clusters"),
    ("objects", "objects"),
    ("files", "files"),
    ("checks done", "checks"),
    ("seconds", "seconds"),
)


def cell(value: object) -> str:
    """A count with thousands apart, seconds with two decimals, a name as it is."""
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(environments: list[dict[str, Any]]) -> str:
    """One line an environment under a head; names to the left, figures to the right."""
    rows = [[head for head, _ in COLUMNS]]
    rows += [[cell(environment[key]) for _, key in COLUMNS] for environment in environments]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells))
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def suggestions() -> str:
    """Three commands, the second with an object that was just compiled."""
    compiled = min((ROOT / "generated").glob("*/*/ingest/*/deployment-*.yaml"), default=None)
    target = f"{compiled.relative_to(ROOT)}:spec.replicas" if compiled else "PHX401"
    return (
        "Try next:\n"
        "  .venv/bin/phoenix validate          # every check, nothing written\n"
        f"  .venv/bin/phoenix explain {target}\n"
        "  .venv/bin/phoenix compile --check   # is generated/ what the policies say?"
    )


def main() -> int:
    """Exit code of the compiler."""
    phoenix = Path(sys.executable).parent / "phoenix"
    done = subprocess.run(
        [phoenix, "-C", ROOT, "--format", "json", "compile"], check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        # The json was for us; a person reads the same faults as text.
        return subprocess.run([phoenix, "-C", ROOT, "compile"], check=False).returncode or done.returncode
    print(table(json.loads(done.stdout)["environments"]))
    print(f"\nThe compiled tree is in generated/.\n\n{suggestions()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
