"""Stage judge: compiled files in, what judges say of them out.

What judges read lies in a throw-away folder as it lies in a repository, `generated/_proof/...`, and beside it the
user's own tests of rules.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from phoenix_gitops import tools
from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.document import Document
from phoenix_gitops.emit import Stage
from phoenix_gitops.judging import collectors, hearing, pipelines, reports, rule_tests
from phoenix_gitops.judging.hearing import Answer, Question, Room
from phoenix_gitops.judging.refusals import GENERATED, Causes
from phoenix_gitops.judging.reports import Report
from phoenix_gitops.processes import Children, Limits
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.template_files import TemplateFiles
from phoenix_gitops.tools import Tool
from phoenix_gitops.tree import PROOF

SUBJECTS = ("rules", "collectors", "pipelines")
"""What can be judged alone."""

_PREFIX = f"{GENERATED}{PROOF}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is judged by whom."""

    root: Path
    stages: Sequence[Stage]
    """The environments that were compiled."""
    policies: Mapping[Key, Resolved]
    files: Iterable[RenderedFile]
    others: frozenset[str] = frozenset()
    """Environments that were not compiled."""
    subjects: frozenset[str] = frozenset(SUBJECTS)
    skip: frozenset[str] = frozenset()
    """Judges that the user leaves out."""
    tags: Mapping[str, str]
    """The collector's image tag by environment."""
    templates: TemplateFiles | None = None
    jobs: int = 1
    limits: Limits = hearing.LIMITS


@dataclass(slots=True, kw_only=True)
class Judged:
    """What came of it all."""

    reports: list[Report] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    """What nobody judged, and why, in words."""
    sources: dict[str, str] = field(default_factory=dict)
    """Texts of files that diagnostics point at, for carets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subjects:
    """The files that are judged, by their path in the tree."""

    rules: tuple[str, ...]
    tests: Mapping[str, tuple[str, ...]]
    """Files of tests, by the judge that runs them."""
    configs: Mapping[str, tuple[str, ...]]
    """The first file of each collector config, and the files that hold the same."""
    ways: tuple[pipelines.Ways, ...]
    """Collectors of an environment that golden data go through."""
    documents: Mapping[str, Document]
    """The user's own tests."""
    tags: Mapping[str, str]
    """The collector's image tag by environment."""

    @property
    def collectors(self) -> dict[str, str]:
        """The judges of configs, each with its tag."""
        tags = sorted(set(self.tags.values()))
        return {collectors.judge_of(tag, tags): tag for tag in tags}

    def configs_for(self, judge: str) -> list[str]:
        """The configs that are put before a judge."""
        tag = self.collectors.get(judge)
        return [file for file in self.configs if self.tags[file.split("/")[2]] == tag]

    def ways_for(self, judge: str) -> list[pipelines.Ways]:
        """The collectors whose pipelines are tried with a judge."""
        tag = self.collectors.get(judge)
        return [ways for ways in self.ways if self.tags[ways.env.name] == tag]

    def of(self, judge: str) -> dict[str, int]:
        """How many of what a judge has to judge."""
        counts = {
            hearing.RULES: len(self.rules) if judge in ("promtool", "vmalert") else 0,
            hearing.TEST_FILES: len(self.tests.get(judge, ())),
            hearing.CONFIGS: len(self.configs_for(judge)),
            hearing.WAYS: sum(ways.number for ways in self.ways_for(judge)),
        }
        return {what: number for what, number in counts.items() if number}


def judge(request: Request, progress: hearing.Progress | None = None) -> Judged:
    """Puts everything before its judges; every fault is told, whichever judge finds it."""
    judged = Judged()
    files = {f"{GENERATED}{file.path}": file.content for file in request.files if file.path.startswith(f"{PROOF}/")}
    with tempfile.TemporaryDirectory(prefix="phoenix-test-") as folder, Children() as children:
        tree, scratch = Path(folder) / "tree", Path(folder) / "scratch"
        scratch.mkdir()
        room = Room(tree, scratch, children, request.limits)
        _lay_out(tree, files)
        subjects = _subjects(request, files, room, judged)
        programs = _programs(request, subjects, judged)
        questions = _questions(subjects, programs, room, judged)
        answers = hearing.hear(questions, room, request.jobs, progress)
    asked = {id(answer.question) for answer in answers}
    # Tests of refused rules are not asked, either: that they do not run follows from what is told.
    ways = [q for q in questions if q.needs and q.what == hearing.WAYS and id(q) not in asked]
    if ways:
        number = sum(question.number for question in ways)
        judged.unchecked.append(f"{reports.amount(number, hearing.WAYS)}, whose collectors do not start")
    judged.reports += reports.reports(answers, {name: _known(tool) for name, tool in programs.items()})
    judged.diagnostics += reports.failures(judged.reports)
    _place(request, files, subjects, answers, judged)
    return judged


def _distinct(tests: Sequence[str], files: Mapping[str, bytes], room: Room) -> list[str]:
    """The generated tests without those that are the same, of the same rules, in another cluster."""
    kept: dict[tuple[bytes, ...], str] = {}
    for path in tests:
        read = sorted(_rules_of(room, path))
        kept.setdefault(tuple(_body(files.get(file, b"")) for file in (path, *read)), path)
    return list(kept.values())


def _body(content: bytes) -> bytes:
    """A generated file without its header, which tells the path."""
    return content.partition(b"\n")[2]


def _rules_of(room: Room, file: str) -> frozenset[str]:
    """The rule files that a file of tests reads."""
    data = room.load(file)
    named = data.get("rule_files") if isinstance(data, dict) else None
    base = posixpath.dirname(file)
    return frozenset(posixpath.normpath(posixpath.join(base, str(path))) for path in named or ())


def _lay_out(tree: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)


def _subjects(request: Request, files: Mapping[str, bytes], room: Room, judged: Judged) -> _Subjects:
    found: dict[str, list[str]] = {"rules": [], "tests": [], "collectors": []}
    for path in sorted(files):
        folder = path.removeprefix(_PREFIX).split("/")[2]
        if folder in found:
            found[folder].append(path)
    documents: Mapping[str, Document] = {}
    if "rules" in request.subjects:
        documents = _own_tests(request, {path: room.load(path) for path in found["rules"]}, room, judged)
    tests: dict[str, list[str]] = {}
    for path in (*_distinct(found["tests"], files, room), *documents):
        tests.setdefault(rule_tests.judge_of(room.load(path)), []).append(path)
    rules = "rules" in request.subjects
    return _Subjects(
        rules=tuple(found["rules"]) if rules else (),
        tests={name: tuple(paths) for name, paths in sorted(tests.items())} if rules else {},
        configs=_configs(request, found["collectors"], room) if "collectors" in request.subjects else {},
        ways=pipelines.ways(request.stages, found["collectors"], room) if "pipelines" in request.subjects else (),
        documents=documents,
        tags=request.tags,
    )


def _configs(request: Request, files: Iterable[str], room: Room) -> Mapping[str, tuple[str, ...]]:
    """The distinct configs: what is equal but meant for another version is judged by that one."""
    by_tag: dict[str, list[str]] = {}
    for file in files:
        by_tag.setdefault(request.tags[file.split("/")[2]], []).append(file)
    return {file: same for tag in sorted(by_tag) for file, same in collectors.distinct(by_tag[tag], room).items()}


def _own_tests(request: Request, rules: Mapping[str, object], room: Room, judged: Judged) -> Mapping[str, Document]:
    own = rule_tests.read(request.root, rules, request.others)
    judged.diagnostics += own.diagnostics
    judged.sources |= own.value.sources
    _lay_out(room.tree, {file: own.value.sources[file].encode() for file in own.value.documents})
    if own.value.elsewhere:
        number = len(own.value.elsewhere)
        said = reports.amount(number, hearing.TEST_FILES)
        judged.unchecked.append(f"{said}, about environments that were not asked for")
    return own.value.documents


def _programs(request: Request, subjects: _Subjects, judged: Judged) -> dict[str, Tool]:
    """The judges that have something to judge; one that is missing is an error, one that is skipped is said."""
    found: dict[str, Tool] = {}
    for judge in (*(name for name in hearing.JUDGES if name != collectors.NAME), *subjects.collectors):
        name, counts = collectors.name_of(judge), subjects.of(judge)
        if not counts:
            continue
        if name in request.skip:
            judged.unchecked.append(f"{_words(counts)} by {judge}, with `--skip {name}`")
            continue
        required = tools.require(name, collectors.environment(subjects.collectors.get(judge, ""), os.environ))
        judged.diagnostics += required.diagnostics
        if required.value is None:
            judged.unchecked.append(f"{_words(counts)} by {judge}, which cannot be used")
        else:
            found[judge] = required.value
    return found


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(reports.amount(number, what) for what, number in counts.items())


def _known(tool: Tool) -> tuple[str, str]:
    """Version and path of a program, for people."""
    version = tools.version_of(tool)
    return ".".join(str(part) for part in version) if version else "of unknown version", str(tool.path)


def _questions(subjects: _Subjects, programs: Mapping[str, Tool], room: Room, judged: Judged) -> list[Question]:
    questions = hearing.rule_questions(subjects.rules, programs)
    questions += hearing.test_questions(subjects.tests, programs, partial(_rules_of, room))
    for judge in subjects.collectors:
        if judge in programs:
            questions += _collector_questions(judge, programs[judge], subjects, room, judged)
    return questions


def _collector_questions(
    judge: str, collector: Tool, subjects: _Subjects, room: Room, judged: Judged
) -> list[Question]:
    """What the collector of one version is asked."""
    judged.diagnostics += collectors.other_version(collector, tools.version_of(collector), subjects.collectors[judge])
    known = collectors.components(collector, room)
    if known.failure is not None:
        return [collectors.unusable(judge, known.failure)]
    configs, ways = subjects.configs_for(judge), subjects.ways_for(judge)
    asked = {*configs, *(file for each in ways for file in each.files)}
    usable, lacks = collectors.lacking(collector, known, sorted(asked), room)
    judged.diagnostics += lacks
    return [
        *collectors.config_questions(judge, collector, [file for file in configs if file in usable]),
        *pipelines.questions(judge, collector, [each for each in ways if each.files <= set(usable)]),
    ]


def _place(
    request: Request, files: Mapping[str, bytes], subjects: _Subjects, answers: Iterable[Answer], judged: Judged
) -> None:
    """Puts refusals at their causes."""
    causes = Causes(
        stages={stage.environment: stage for stage in request.stages},
        policies=request.policies,
        templates=request.templates,
        tests=subjects.documents,
        files=files,
    )
    for answer in answers:
        for refusal in answer.verdict.refusals:
            same = subjects.configs.get(refusal.file, ())
            judged.diagnostics.append(causes.diagnostic(answer.question.judge, refusal, same))
    judged.sources |= causes.sources
