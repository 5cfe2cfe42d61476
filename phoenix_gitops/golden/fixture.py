"""Golden processes: some of every priority class, with names that hit each condition of the policies both ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from phoenix_gitops.golden.metrics import HOST, LOAD, READING, REQUESTS, Kind, Metric
from phoenix_gitops.golden.predicates import Condition, Fact, class_of, conditions
from phoenix_gitops.golden.subjects import Subject
from phoenix_gitops.model.pipeline import Classification
from phoenix_gitops.samples import near_misses, samples
from phoenix_gitops.scope import EnvironmentScope

EXECUTABLE = "process.executable.name"
NODES = ("node-a", "node-b", "node-c")
_OF_EACH_CLASS, _NAMES = 12, 4
_PLAIN = ("worker", "sleeper")
"""Names that no pattern is likely to know."""
_MOST_PAIRED = 24


def metrics(env: EnvironmentScope) -> list[Metric]:
    """What is sent of each process: all that the edge pipeline reads of one, and a gauge."""
    host = env.edge.spec.inputs.hostmetrics
    return [*(HOST[name] for name in (host.process_metrics if host else [])), LOAD]


def processes(env: EnvironmentScope, *, readings: int = 2, salt: str = "") -> list[Subject]:
    """As many processes of each class, on several nodes; `salt` sets their nodes apart from those of other runs.

    An environment without a classification has no processes.
    """
    classification = env.edge.spec.classification
    if classification is None:
        return []
    known = metrics(env)
    wanted = list(itertools.chain.from_iterable(_spread(names) for names in _names(env, classification).values()))
    found = [
        process(pid, name, f"{NODES[pid % len(NODES)]}{salt}", known, readings, attribute=classification.attribute)
        for pid, name in enumerate(wanted, start=1)
    ]
    return [*found, *_twins(found)]


def others(*, readings: int = 2, salt: str = "") -> list[Subject]:
    """What is no process: a service, and one that says which reading this is."""
    service = {"service.name": f"cart{salt}", "service.instance.id": "i-1", "host.name": f"{NODES[0]}{salt}"}
    clock = {"service.name": f"golden{salt}", "host.name": f"{NODES[1]}{salt}"}
    return [
        Subject(attributes=service, values=values(7, [REQUESTS], readings)),
        Subject(attributes=clock, values={(READING, frozenset()): tuple(range(1, readings + 1))}),
    ]


def process(
    pid: int, name: str, node: str, known: Iterable[Metric], readings: int, *, attribute: str = EXECUTABLE
) -> Subject:
    """A process that differs from all others by its id, its command line and all of its values."""
    described: dict[str, str | int] = {
        EXECUTABLE: name,
        attribute: name,
        "host.name": node,
        "process.pid": pid,
        "process.command_line": f"/opt/{name} --worker={pid}",
        "process.owner": f"user-{pid % 4}",
    }
    if pid % 2:
        described["container.id"] = f"container-{pid % 5}"
    # What a sender says of itself must not count.
    if pid % 7 == 0:
        described |= {"tenant.id": "somebody-else", "phoenix.priority": "critical", "phoenix.rollup": "true"}
    return Subject(attributes=described, values=values(pid, known, readings))


def values(
    pid: int, known: Iterable[Metric], readings: int
) -> Mapping[tuple[Metric, frozenset[tuple[str, str]]], tuple[float, ...]]:
    """Values that are exact in binary, and so distinct that no sum of some is a sum of others by chance."""
    found = {}
    for metric in known:
        for index, point in enumerate(metric.points):
            first, step = pid * 1024 + index, pid * 8 + index + 1
            found[metric, point] = tuple(
                first / 4 + step * (reading if metric.kind is Kind.COUNTER else reading % 2)
                for reading in range(readings)
            )
    return found


def facts(env: EnvironmentScope, subjects: Iterable[Subject]) -> Iterator[Fact]:
    """What conditions can ask of the processes among `subjects`."""
    classification = env.edge.spec.classification
    if classification is None:
        return
    for subject in subjects:
        decides = subject.attributes.get(classification.attribute)
        if decides is None:
            continue
        class_ = class_of(classification, str(decides))
        executable = str(subject.attributes.get(EXECUTABLE, ""))
        yield from (Fact(executable, class_, metric.name) for metric, _ in subject.values)


def _names(env: EnvironmentScope, classification: Classification) -> dict[str, list[str]]:
    """Names by class, in order: the fewest, chosen greedily, that hit every condition both ways."""
    known = metrics(env)
    asked = conditions(env)
    chosen: dict[str, list[str]] = {
        name: [] for name in [*(c.name for c in classification.classes), classification.default]
    }
    hit: set[tuple[str, bool]] = set()
    plain: dict[str, str] = {}
    for name in _candidates(asked):
        class_ = class_of(classification, name)
        seen = {Fact(name, class_, metric.name) for metric in known}
        now = {(condition.where, condition.holds(fact)) for condition in asked for fact in seen}
        plain.setdefault(class_, name)
        if now - hit or len(chosen[class_]) < _NAMES:
            hit |= now
            chosen[class_].append(name)
    return {class_: names or [plain[class_]] for class_, names in chosen.items() if names or class_ in plain}


def _candidates(asked: Iterable[Condition]) -> Iterator[str]:
    patterns = [condition.match.executables for condition in asked if condition.match.executables is not None]
    distinct = list(dict.fromkeys(patterns))
    found = list(dict.fromkeys(itertools.chain.from_iterable(samples(pattern) for pattern in distinct)))
    yield from found
    yield from _PLAIN
    yield from itertools.chain.from_iterable(near_misses(pattern) for pattern in distinct)
    # Two patterns may have to be met at once.
    yield from (f"{one}-{other}" for one, other in itertools.permutations(found[:_MOST_PAIRED], 2))


def _spread(names: list[str]) -> Iterator[str]:
    return itertools.islice(itertools.cycle(names), max(_OF_EACH_CLASS, len(names)))


def _twins(found: list[Subject]) -> Iterator[Subject]:
    """Two processes that differ from one of the others in their ids alone."""
    for pid, other in enumerate(found[:2], start=len(found) + 1):
        known = dict.fromkeys(metric for metric, _ in other.values)
        readings = len(next(iter(other.values.values())))
        yield Subject(attributes={**other.attributes, "process.pid": pid}, values=values(pid, known, readings))
