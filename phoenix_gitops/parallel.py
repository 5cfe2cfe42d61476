"""Units of work on several processes: the same results in the same order, sooner.

Workers are forks, so that they have the world, templates and schemas without a copy; they return results as bytes.
Where the system cannot fork, or there is little to do, everything runs in this process.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from phoenix_gitops.artifact import Unit
from phoenix_gitops.emit import Stage
from phoenix_gitops.facts import kubernetes_of
from phoenix_gitops.unit import UnitResult, run_unit

if TYPE_CHECKING:
    from phoenix_gitops.back import Tools

_WORTH_FORKING = 200
"""A fork and its return take about 20 ms, a unit about 2 ms."""
_CHUNK = 16

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(UnitResult)


def available() -> int:
    """How many processes may run at once here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_units(stage: Stage, units: Sequence[Unit], tools: Tools, jobs: int) -> Iterator[UnitResult]:
    """The results of units, in their order."""
    can_fork = "fork" in multiprocessing.get_all_start_methods()
    if jobs < 2 or len(units) < _WORTH_FORKING or not can_fork:
        for unit in units:
            yield run(stage, unit, tools)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(min(jobs, len(units) // _CHUNK), _Worker.begin, (stage, tools)) as pool:
        for result in pool.imap(_Worker.work, units, chunksize=_CHUNK):
            yield _DECODER.decode(result)


def run(stage: Stage, unit: Unit, tools: Tools) -> UnitResult:
    """One unit in this process."""
    return run_unit(stage, unit, tools.schemas_of(kubernetes_of(stage, unit.cluster)))


class _Worker:
    """The state of a forked process: what it inherited."""

    stage: Stage
    tools: Tools

    @classmethod
    def begin(cls, stage: Stage, tools: Tools) -> None:
        """Runs once in each worker."""
        cls.stage, cls.tools = stage, tools

    @classmethod
    def work(cls, unit: Unit) -> bytes:
        """Runs one unit in a worker."""
        return _ENCODER.encode(run(cls.stage, unit, cls.tools))
