"""Determinism proved, not promised: a repository compiled in processes that differ in all that should not matter.

`phoenix verify` starts this module as a program under other hash seeds, locales, time zones, working directories
and input orders, and compares the digests of every file.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Variation:
    """One way in which a process differs; `environ` is set over the caller's environment."""

    name: str
    environ: Mapping[str, str]
    reverse: bool = False
    elsewhere: bool = False
    """Whether the process works in another directory."""


VARIATIONS = (
    Variation("as it is", {"PYTHONHASHSEED": "0"}),
    Variation("another hash seed", {"PYTHONHASHSEED": "4711"}),
    Variation("another locale and time zone", {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"}),
    Variation("another order of files and number of processes", {"PYTHONHASHSEED": "99"}, reverse=True),
    Variation("another working directory", {"PYTHONHASHSEED": "7", "COLUMNS": "20"}, elsewhere=True),
)


FINDINGS = 4
"""Exit code that says so; a crash of Python exits with 1."""


class CompileFailed(Exception):  # noqa: N818 - the policies have findings: nothing to compare
    """The policies do not compile."""


def digests(root: Path, *, reverse: bool = False) -> dict[str, str]:
    """The SHA-256 of every file that the repository compiles to, by path; raises `CompileFailed`."""
    from phoenix_gitops.back import compile_environment
    from phoenix_gitops.cli.session import stages, tools
    from phoenix_gitops.diagnostics import has_errors
    from phoenix_gitops.front import run_front
    from phoenix_gitops.guardrails import constrain

    front = run_front(root, constrain, arrange=(lambda documents: documents[::-1]) if reverse else tuple)
    if has_errors(front.diagnostics) or front.policies is None:
        raise CompileFailed
    found: dict[str, str] = {}
    ready, _ = stages(front, [])
    for stage in reversed(ready) if reverse else ready:
        compiled = compile_environment(stage, front.policies, tools(root, cache=False, jobs=2 if reverse else 1))
        if not compiled.ok:
            raise CompileFailed
        found.update({file.path: hashlib.sha256(file.content).hexdigest() for file in compiled.files})
    return found


def run_variation(root: Path, variation: Variation) -> dict[str, str]:
    """The digests in a process of its own that differs as `variation` says."""
    with tempfile.TemporaryDirectory() as elsewhere:
        result = subprocess.run(
            [sys.executable, "-m", "phoenix_gitops.determinism", str(root), "reverse" if variation.reverse else ""],
            env={**os.environ, **variation.environ},
            cwd=elsewhere if variation.elsewhere else None,
            stdout=subprocess.PIPE,
            check=False,
        )
    if result.returncode == FINDINGS:
        raise CompileFailed
    result.check_returncode()
    found: dict[str, str] = json.loads(result.stdout)
    return found


def main(arguments: list[str]) -> int:
    """Prints the digests of the repository at `arguments[0]` as JSON."""
    try:
        found = digests(Path(arguments[0]), reverse=arguments[1] == "reverse")
    except CompileFailed:
        return FINDINGS
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
