"""The processors of a pipeline as what a Pipeline says of keeping, dropping, rolling up and attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from phoenix_gitops.collector.gateway import STRATEGY
from phoenix_gitops.importing.collectors.conditions import Predicate, ands, is_unrolled, keeps, predicates
from phoenix_gitops.importing.collectors.ledger import Ledger
from phoenix_gitops.importing.collectors.ottl import Both, Not, Term, condition
from phoenix_gitops.importing.collectors.statements import Statements
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.model.base import DURATION_PATTERN

ENVIRONMENT: Final = "deployment.environment"
"""Resource attribute that every pipeline of ours sets by itself."""
_OLD_CONDITIONS: Final = {"metric": "metric", "datapoint": "datapoint"}


@dataclass(slots=True)
class Chain:
    """Reads processors one after the other; `spec` is what they come to."""

    ledger: Ledger
    memory: int | None
    """MiB that the collector's container may use, where it is known."""
    redacted: frozenset[str]
    """Attributes that the platform takes away everywhere."""
    environments: Container[str] = ()
    """Names of environments, which every pipeline says by itself."""
    spec: dict[str, Any] = field(default_factory=dict)
    differences: bool = False
    """Whether counters are sent as differences."""
    _statements: Statements = field(init=False)

    def __post_init__(self) -> None:
        self._statements = Statements(self.ledger, self.redacted)

    def read(self, type_: str, title: str, node: Node) -> None:
        """Reads a processor of a type, by its newest name."""
        readers: Mapping[str, Callable[[str, Node], None]] = {
            "memory_limiter": self._memory,
            "batch": self._batch,
            "filter": self._filter,
            "resource": self._resource,
            "transform": self._transform,
            "groupbyattrs": self._group,
            "cumulative_to_delta": self._delta,
        }
        if type_ in readers:
            readers[type_](title, node)

    def finished(self) -> dict[str, Any]:
        """The parts of a Pipeline's `spec`."""
        return {**self._statements.finished(), **self.spec}

    @property
    def classification(self) -> dict[str, Any] | None:
        """The classes that statements give to processes, if they do."""
        return self._statements.classification

    def _memory(self, title: str, node: Node) -> None:
        found: dict[str, Any] = {}
        for key, share, mib in (
            ("limit", "limit_percentage", "limit_mib"),
            ("spike", "spike_limit_percentage", "spike_limit_mib"),
        ):
            for name, whole in ((share, 100), (mib, self.memory)):
                figure = node.get(name)
                if figure is None or not node.text(name).isdigit() or node.text(name) == "0":
                    continue
                if whole is None:
                    what = f"`{name}` of `{title}` is a share of the container's memory here, by default"
                    self.ledger.change(figure, what, "say how much memory that container has: `--memory 2Gi`")
                else:
                    self.ledger.carry(figure)
                    found[key] = _share(int(node.text(name)), whole)
        self._duration(node, "check_interval", found, "checkInterval")
        self.spec["memory"] = {**found, **self.spec.get("memory", {})}
        if not self.spec["memory"]:
            del self.spec["memory"]

    def _batch(self, title: str, node: Node) -> None:
        found: dict[str, Any] = {"timeout": "200ms"}
        for name, key in (("send_batch_size", "size"), ("send_batch_max_size", "max")):
            figure = node.get(name)
            if figure is not None and node.text(name).isdigit() and node.text(name) != "0":
                found[key] = int(node.text(name))
                self.ledger.carry(figure)
            elif figure is not None and node.text(name) == "0":
                self.ledger.change(figure, f"`{name}` of `{title}` has the default of a Pipeline, not none")
        self._duration(node, "timeout", found, "timeout")
        if found.get("max", found.get("size", 0)) < found.get("size", 0):
            del found["max"]
        self.spec.setdefault("batch", found)

    def _duration(self, node: Node, name: str, found: dict[str, Any], key: str) -> None:
        if as_duration(node.text(name)):
            found[key] = node.text(name)
            self.ledger.carry(node.get(name))

    def _delta(self, title: str, node: Node) -> None:
        if node.get("include") is None and node.get("exclude") is None:
            self.differences = True
            self.ledger.carry(node.get("max_staleness"))
            if not node.value:
                self.ledger.carry(node)

    def _group(self, title: str, node: Node) -> None:
        keys = [key.value for key in node.items("keys") if isinstance(key.value, str)]
        if keys and self._statements.grouped(keys):
            self.ledger.carry(node.get("keys"))

    def _resource(self, title: str, node: Node) -> None:
        for action in node.items("attributes"):
            key, value, verb = action.text("key"), action.get("value"), action.text("action")
            if verb == "delete" and set(action.entries()) == {"key", "action"} and key:
                if self._statements.drop(key, []):
                    self.ledger.carry(action)
            elif (
                verb in {"upsert", "insert"}
                and value is not None
                and set(action.entries()) == {"key", "value", "action"}
            ):
                self._constant(title, action, key, verb)

    def _constant(self, title: str, action: Node, key: str, verb: str) -> None:
        value = literal(action.text("value"))
        if key == STRATEGY:
            self.ledger.carry(action)
        elif key == ENVIRONMENT and value is not None:
            what = f"`{key}` of `{title}` is the name of the environment here, not `{value}`"
            self.ledger.carry(action) if value in self.environments else self.ledger.change(action, what)
        elif value is not None:
            self._statements.constants[key] = value
            self.ledger.carry(action)
            if verb == "insert":
                what = f"`{key}` of `{title}` is set even where a sender says another value"
                self.ledger.change(action, what)

    def _transform(self, title: str, node: Node) -> None:
        for group in node.items("metric_statements"):
            if isinstance(group.value, str):
                self._statements.read(group, "")
            elif group.get("conditions") is None:
                context = group.text("context")
                for line in group.items("statements"):
                    self._statements.read(line, context)
                if all(self.ledger.knows(line) for line in group.items("statements")):
                    self.ledger.carry(group.get("context"))

    def _filter(self, title: str, node: Node) -> None:
        found = [(line, condition(_unescaped(line), "")) for line in node.items("metric_conditions")]
        for key, context in _OLD_CONDITIONS.items():
            found += [(line, condition(_unescaped(line), context)) for line in node.items("metrics", key)]
        negative = [(line, term) for line, term in found if term is not None and keeps(term) is not None]
        kept: list[Predicate] = []
        if len(negative) == 1:
            line, term = negative[0]
            kept, guarded = keeps(term) or ([], False)
            self._keep(title, line, kept, guarded=guarded)
        for line, positive in found:
            if positive is not None and (line, positive) not in negative:
                self._drop(title, line, positive, kept)

    def _keep(self, title: str, line: Node, kept: list[Predicate], *, guarded: bool) -> None:
        if "keep" in self.spec:
            return
        self.spec["keep"] = kept
        if guarded:
            self.ledger.carry(line)
        else:
            what = f"what is no process passes `{title}`: only processes are kept or not"
            self.ledger.change(line, what, "say in `spec.drop` which other metrics go")

    def _drop(self, title: str, line: Node, term: Term, kept: list[Predicate]) -> None:
        spared = [part for part in ands(term) if isinstance(part, Not) and predicates(part.term) == kept]
        parts = tuple(part for part in ands(term) if part not in spared and not is_unrolled(part))
        dropped = predicates(parts[0] if len(parts) == 1 else Both("and", parts)) if parts else None
        if dropped is None:
            return
        self.spec["drop"] = [*self.spec.get("drop", []), *dropped]
        if kept and not spared:
            self.ledger.change(line, f"what `{title}` keeps is kept, whatever this condition says")
        else:
            self.ledger.carry(line)


def _share(part: int, whole: int) -> float:
    """The roundest share of which the compiler makes the same figure again: it rounds down."""
    shares = (ceil(part * 10**digits / whole) / 10**digits for digits in range(1, 5))
    return next((share for share in shares if int(whole * share) == part), min(part / whole, 1.0))


def as_duration(text: str) -> bool:
    """Whether a text is a duration as policies have them."""
    return re.fullmatch(DURATION_PATTERN, text) is not None


def literal(text: str) -> str | None:
    """The text that a collector reads where no reference is in it, or None where one is."""
    return None if "$" in text.replace("$$", "") else text.replace("$$", "$")


def _unescaped(line: Node) -> str:
    return (line.value if isinstance(line.value, str) else "").replace("$$", "$")
