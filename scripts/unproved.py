"""Says after `make test` what it did not check: the tests that need a judge which only `make proof` gets."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """0; a collection that fails is a failure of the tests' own making and keeps its code."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "proof", "-p", "no:cacheprovider"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    tests = Counter(line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line)
    if done.returncode != 0 or not tests:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return done.returncode or 1
    print("not checked here, but by `make proof`, with the programs that will run what is generated:")
    for file, number in sorted(tests.items()):
        print(f"  {number:3} tests of {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
