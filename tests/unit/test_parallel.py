"""Units on several processes: the same results, in the same order."""

from __future__ import annotations

from pathlib import Path

from phoenix_gitops import parallel
from phoenix_gitops.back import Tools, compile_environment
from phoenix_gitops.cli.session import stages
from phoenix_gitops.front import run_front

SMALL = Path(__file__).parents[1] / "cases" / "good" / "small"


def test_two_processes_give_what_one_gives(monkeypatch):
    front = run_front(SMALL)
    (stage,), _ = stages(front, [])
    alone = compile_environment(stage, front.policies, Tools(schemas=None, cache=None, jobs=1))
    monkeypatch.setattr(parallel, "_WORTH_FORKING", 1)
    monkeypatch.setattr(parallel, "_CHUNK", 1)
    forked = []
    pool = parallel.multiprocessing.get_context("fork").Pool
    monkeypatch.setattr(
        type(parallel.multiprocessing.get_context("fork")),
        "Pool",
        lambda self, *given, **named: forked.append(given[0]) or pool(*given, **named),
    )
    together = compile_environment(stage, front.policies, Tools(schemas=None, cache=None, jobs=2))
    assert forked == [2]
    assert together.files == alone.files
    assert (together.objects, together.checks, together.diagnostics) == (alone.objects, alone.checks, alone.diagnostics)


def test_little_work_is_done_in_this_process(monkeypatch):
    front = run_front(SMALL)
    (stage,), _ = stages(front, [])
    monkeypatch.setattr(parallel.multiprocessing, "get_context", lambda _: 1 / 0)
    assert compile_environment(stage, front.policies, Tools(schemas=None, cache=None, jobs=8)).ok
