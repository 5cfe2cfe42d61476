"""Asking judges, several at once. First each is shown a planted fault: one that takes it does not judge."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from phoenix_gitops.judges import promtool, vmalert
from phoenix_gitops.judges.verdicts import Load, Verdict, failed
from phoenix_gitops.processes import Children, Done, Limits, StoppedError, run
from phoenix_gitops.tools import Tool

JUDGES = ("promtool", "vmalert", "vmalert-tool", "otelcol")
"""Every judge, in the order in which they are reported."""

RULES, TEST_FILES, CONFIGS, WAYS = "rule files", "files of tests", "configs", "ways through pipelines"
"""What judges are asked about."""
PLANTED = "planted faults"
"""What they are shown to see whether they judge."""

_FILES_AT_ONCE = 500
"""Files that one process is given: more would keep the other processors idle."""

LIMITS = Limits(seconds=120, memory=4096, output=64)
"""What one run of a judge may use."""

_NOT_STARTED = (126, 127)
"""What the shell says of a program that it could not become."""

Progress = Callable[[int, int], None]
"""Told of work as it goes on: questions answered, questions in all."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where judges work: `tree` holds what is judged, `scratch` a folder for each question."""

    tree: Path
    scratch: Path
    children: Children
    limits: Limits = LIMITS
    loaded: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def load(self, file: str) -> Any:  # noqa: ANN401 -- plain data of any shape
        """The plain data of a file of the tree; None where it is not YAML."""
        if file not in self.loaded:
            try:
                self.loaded[file] = yaml.load((self.tree / file).read_bytes(), Loader=yaml.CSafeLoader)
            except yaml.YAMLError:
                self.loaded[file] = None
        return self.loaded[file]


Ask = Callable[[Room, Path], Verdict]
"""One question to a judge; the folder is the question's own."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one judge is asked about some files."""

    judge: str
    what: str
    number: int
    ask: Ask = field(repr=False)
    needs: frozenset[str] = frozenset()
    """Files that another question must find good first."""
    file: str = ""
    """The file, where there is one alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question, and the seconds that it took."""

    question: Question
    verdict: Verdict
    seconds: float


def rule_questions(rules: Sequence[str], tools: Mapping[str, Tool]) -> list[Question]:
    """Rule files before each judge of rules that there is: they are written for every engine."""
    found = []
    for name, arguments, read in (
        ("promtool", promtool.check_arguments, promtool.read_check),
        ("vmalert", vmalert.check_arguments, vmalert.read_check),
    ):
        if name in tools and rules:
            asking = partial(_Asking, tools[name].path, arguments, read)
            found.append(Question(name, PLANTED, 1, _planted(asking, promtool.PLANTED_RULE)))
            found += [Question(name, RULES, len(part), asking(part).ask) for part in _parts(rules)]
    return found


def test_questions(
    tests: Mapping[str, Sequence[str]], tools: Mapping[str, Tool], reads: Callable[[str], frozenset[str]]
) -> list[Question]:
    """Tests of rules, by the judge that runs them; `reads` gives the rule files that a file of tests names alone."""
    found = []
    for name, arguments, read, planted in (
        ("promtool", promtool.test_arguments, promtool.read_test, promtool.PLANTED_TEST),
        ("vmalert-tool", vmalert.test_arguments, vmalert.read_test, vmalert.PLANTED_TEST),
    ):
        files = tests.get(name, ())
        if name in tools and files:
            asking = partial(_Asking, tools[name].path, arguments, read)
            found.append(Question(name, PLANTED, 1, _planted(asking, planted)))
            # One by one: all processors work, and each file's time is known. vmalert-tool stops at the first file that
            # fails, and keeps series from one file to the next.
            found += [Question(name, TEST_FILES, 1, asking([file]).ask, reads(file), file) for file in files]
    return found


def _parts(files: Sequence[str]) -> list[Sequence[str]]:
    return [files[i : i + _FILES_AT_ONCE] for i in range(0, len(files), _FILES_AT_ONCE)]


@dataclass(frozen=True, slots=True)
class _Asking:
    """One run of a program over files, and how what it says is read."""

    program: Path
    arguments: Callable[[Sequence[str]], list[str]]
    read: Callable[[Sequence[str], int, str, Load], Verdict]
    files: Sequence[str]

    def ask(self, room: Room, folder: Path) -> Verdict:
        done = command(room, folder, [self.program, *self.arguments(self.files)])
        if isinstance(done, Verdict):
            return done
        return self.read(self.files, done.code, done.output.decode(errors="replace"), room.load)


def _planted(asking: Callable[[Sequence[str]], _Asking], text: str) -> Ask:
    def ask(room: Room, folder: Path) -> Verdict:
        (folder / "planted.yaml").write_text(text, encoding="utf-8")
        verdict = asking([str(folder / "planted.yaml")]).ask(room, folder)
        return verdict if verdict.failure else must_refuse(verdict)

    return ask


def must_refuse(verdict: Verdict) -> Verdict:
    """The verdict on a planted fault: a judge that takes it is none."""
    if verdict.refused:
        return Verdict(refused=1)
    return Verdict(failure="takes what every judge of its kind refuses, so it does not judge")


def command(
    room: Room, folder: Path, arguments: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Done | Verdict:
    """Runs a judge over the tree; a run that did not end by itself gives no verdict.

    Nothing of our environment is passed on.
    """
    own = {"HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C", "NO_COLOR": "1", "GOTRACEBACK": "none"}
    limits = room.limits
    try:
        done = run(
            room.children,
            arguments,
            folder=folder,
            environment={**own, **(environment or {})},
            limits=limits,
            at=room.tree,
            merged=True,
        )
    except OSError as error:
        return Verdict(failure=f"cannot be run: {error.strerror}")
    said = done.output.decode(errors="replace")
    if done.stopped:
        limit = {
            "time": f"gave no answer within {limits.seconds:g} s",
            "memory": f"needs more than {limits.memory} MiB of memory",
            "output": f"says more than {limits.output} MiB",
        }
        return failed(limit[done.stopped], said)
    if done.code in _NOT_STARTED:
        return failed("cannot be run", said)
    if done.code < 0:
        return failed(f"was ended by signal {-done.code}", said)
    return done


def hear(questions: Sequence[Question], room: Room, jobs: int, progress: Progress | None = None) -> list[Answer]:
    """Asks all questions, up to `jobs` at once; gives the answers in the order of the questions.

    A judge without a verdict on its planted faults is asked nothing else, and nothing is asked that needs a refused
    file. Whatever ends it early, an interrupt too, ends every judge.
    """
    planted = [question for question in questions if question.what == PLANTED]
    with ThreadPoolExecutor(jobs) as pool:
        try:
            answers = _ask(pool, planted, room, lambda _: None)
            broken = {answer.question.judge for answer in answers if not answer.verdict.given}
            left = [question for question in questions if question not in planted and question.judge not in broken]
            first, then = [q for q in left if not q.needs], [q for q in left if q.needs]
            tell = progress or (lambda _done, _total: None)
            answers += _ask(pool, first, room, lambda done: tell(done, len(left)))
            refused = {refusal.file for answer in answers for refusal in answer.verdict.refusals}
            then = [question for question in then if not question.needs & refused]
            return answers + _ask(pool, then, room, lambda done: tell(len(first) + done, len(left)))
        except BaseException:
            room.children.end()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ask(pool: Executor, questions: Sequence[Question], room: Room, tell: Callable[[int], None]) -> list[Answer]:
    waiting = [pool.submit(_answer, question, room) for question in questions]
    for done, _ in enumerate(as_completed(waiting), 1):
        tell(done)
    return [future.result() for future in waiting]


def _answer(question: Question, room: Room) -> Answer:
    folder = Path(tempfile.mkdtemp(dir=room.scratch))
    began = time.perf_counter()
    try:
        verdict = question.ask(room, folder)
    except StoppedError:
        verdict = Verdict(failure="was not asked: the run was given up")
    return Answer(question, verdict, time.perf_counter() - began)
